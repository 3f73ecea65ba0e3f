"""The models that can be named here: the demo, runs with their checkpoints and snapshots, the published GPT-2 sizes.

What a picker lists and a chip says. Reads small files only, never weights; without torch.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.errors import LabError, ModelSpecError, nearest
from core.folders import cache_dir

if TYPE_CHECKING:
    from core.training.runs import Run, RunSummary
    from core.training.stored import CheckpointInfo, SnapshotInfo

Group = Literal["bundled", "runs", "GPT-2", "elsewhere"]
Kind = Literal["finished", "live", "paused", "failed", "missing", "unknown"]

_KIND_OF_STATE: dict[str, Kind] = {
    "running": "live",
    "starting": "live",
    "stopping": "live",
    "paused": "paused",
    "finished": "finished",
    "stopped": "finished",
    "diverged": "failed",
    "failed": "failed",
    "dead": "failed",
    "unreadable": "failed",
}


@dataclass(frozen=True, slots=True)
class ModelRef:
    """One model that can be put on the workbench, or one that could be if it were here."""

    spec: str
    """How ``core.load_model`` names it."""
    label: str
    """The same with the step that it means; of a path its last part."""
    group: Group
    kind: Kind = "finished"
    """What its glyph says: finished, from a live run, paused, failed, missing, unknown."""
    parameters: int = 0
    shape: str = ""
    """``4L 4H 128``: layers, heads, width."""
    tokenizer: str = ""
    note: str = ""
    here: bool = True
    """Whether its weights are on this machine."""
    size: int = 0
    """Bytes to fetch if it is not here."""
    steps: tuple[int, ...] = ()
    """Steps of the run at which weights were kept, rising."""

    def at(self, step: int) -> ModelRef:
        """The same run at one of its steps."""
        from dataclasses import replace

        name = split_spec(self.spec)[0]
        return replace(self, spec=f"{name}@{step}", label=f"{Path(name).name}@{step}", steps=())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "spec": self.spec,
            "group": self.group,
            "state": self.kind,
            "parameters": self.parameters,
            "shape": self.shape,
            "tokenizer": self.tokenizer,
            "here": self.here,
            "size": self.size,
            "steps": list(self.steps),
        }


def _gpt2(name: str, parameters: int, shape: str) -> ModelRef:
    return ModelRef(name, name, "GPT-2", "missing", parameters, shape, "gpt2", here=False, size=4 * parameters)


GPT2 = {"gpt2": "124M", "gpt2-medium": "355M", "gpt2-large": "774M", "gpt2-xl": "1558M"}
"""The published models, and what OpenAI calls each."""
GPT2_SIZES = (
    _gpt2("gpt2", 124_439_808, "12L 12H 768"),
    _gpt2("gpt2-medium", 354_823_168, "24L 16H 1024"),
    _gpt2("gpt2-large", 774_030_080, "36L 20H 1280"),
    _gpt2("gpt2-xl", 1_557_611_200, "48L 25H 1600"),
)
"""The four published sizes; bytes are four per parameter, as OpenAI's checkpoints hold them."""


def list_models(folder: Path | None = None) -> list[ModelRef]:
    """Everything that can be named: the demo, the runs of a folder newest first, the GPT-2 sizes, others in the cache.

    Args:
        folder: the runs folder; left out, the usual one.
    """
    from core.training.runs import Run, list_runs

    out: list[ModelRef] = []
    for summary in list_runs(folder, bundled=True):
        ref = _of_summary(summary, Run(summary.path, bundled=summary.bundled))
        out.insert(0, ref) if summary.bundled else out.append(ref)
    return out + gpt2_sizes() + repositories()


def model_names() -> list[str]:
    """Every name of a model that means something here, or could be fetched; no step of a run, no path."""
    from core.training.runs import run_names

    return [*run_names(), *GPT2, *(f"openai:{size}" for size in GPT2.values()), *(ref.spec for ref in repositories())]


def nearest_model(spec: str) -> str:
    """The clause that offers the model whose name is closest to one that means nothing, with its step; or nothing."""
    from core.training.runs import run_names

    typed, at, word = spec.rpartition("@")
    steps = ("best", "latest", *([word] if word.isdecimal() else [])) if at else ()
    near = [name for name in run_names() if at and nearest(typed, [name])]  # a step in common makes no name alike
    return nearest(spec, [*model_names(), *(f"{name}@{step}" for name in near for step in steps)])


def gpt2_sizes() -> list[ModelRef]:
    """The four published sizes, and whether each is in the cache folder."""
    from dataclasses import replace

    models = cache_dir() / "models"
    return [
        replace(ref, here=True, kind="finished", note=note) if (note := _kept(models, ref)) is not None else ref
        for ref in GPT2_SIZES
    ]


def _kept(models: Path, ref: ModelRef) -> str | None:
    """What there is to say of a published model that is in the cache; None if it is not."""
    folder, originals = models / ref.spec, models / f"openai-{GPT2[ref.spec]}"
    weights = ("model.safetensors", "model.safetensors.index.json")
    if (folder / "config.json").is_file() and any((folder / name).is_file() for name in weights):
        return ""
    if (originals / "checkpoint").is_file() and any(originals.glob("*.data-00000-of-00001")):
        return "" if (originals / weights[0]).is_file() else "OpenAI's files, converted when first used"
    return None


def repositories() -> list[ModelRef]:
    """The models of Hugging Face's in the cache that have no name of their own, ``hf:OWNER/NAME``."""
    root = cache_dir() / "models" / "hf"
    try:
        found = sorted(path.parent for path in root.glob("*/*/config.json"))
    except OSError:
        return []
    return [_elsewhere(f"hf:{folder.parent.name}/{folder.name}") for folder in found]


def _elsewhere(spec: str) -> ModelRef:
    """A model that is neither a run nor a published size: a path, or a repository of Hugging Face's."""
    from core.weights.locate import locate

    label = spec if spec.startswith("hf:") else Path(spec).name or spec
    try:
        where = locate(spec)
    except LabError as error:
        here = os.path.exists(os.path.expanduser(spec))  # noqa: PTH110, PTH111 - of no path do they raise
        there = here and not spec.startswith(("hf:", "openai:"))
        return ModelRef(spec, label, "elsewhere", "unknown", here=there, note=error.title if there else "")
    c = where.config
    return ModelRef(
        spec,
        label,
        "elsewhere",
        "finished" if where.here else "missing",
        c.parameters() if c.vocab_size else 0,
        f"{c.n_layers}L {c.n_heads}H {c.emb_dim}",
        here=where.here,
        size=0 if where.here else 4 * c.parameters(),
    )


def describe(spec: str, folder: Path | None = None) -> ModelRef:
    """What a spec means here, for the chip; a spec that means nothing gives a ref of kind ``unknown``, never an error.

    Args:
        spec: a model's name, see DESIGN.md.
        folder: the runs folder; left out, the usual one.
    """
    for ref in gpt2_sizes():
        if ref.spec == spec:
            return ref
    name, word = split_spec(spec)
    run = _find_run(name, folder)
    if run is None:
        return _elsewhere(spec)
    ref = _of_run(run, name)
    chosen = resolve_step(run, word)
    if chosen is None:
        return ref
    return ref.at(chosen)


def resolve_step(run: Run, word: str) -> int | None:
    """The step that a word after ``@`` stands for; None if the run has none such.

    Full checkpoints decide; the snapshots of a run that has no checkpoint stand in for them (the demo came so).

    Args:
        run: whose steps.
        word: ``best``, ``latest``, a number (which is taken as it is), or nothing (the best, or else the latest).
    """
    return _resolve(word, run.checkpoints, run.snapshots)


def _resolve(word: str, checkpoints: list[CheckpointInfo], snapshots: list[SnapshotInfo]) -> int | None:
    if word.isdecimal():
        return int(word)
    if not checkpoints:
        return snapshots[-1].step if snapshots else None
    best = next((c.step for c in checkpoints if c.best), None)
    if word == "best" or (word == "" and best is not None):
        return best
    return next((c.step for c in checkpoints if c.latest), checkpoints[-1].step)


def split_spec(spec: str) -> tuple[str, str]:
    """The run and what stands after ``@``: ``best``, ``latest``, a step, or nothing.

    >>> split_spec("shakes@500"), split_spec("demo"), split_spec("runs/a@b"), split_spec("a@b@best")
    (('shakes', '500'), ('demo', ''), ('runs/a@b', ''), ('a@b', 'best'))
    """
    name, at, word = spec.rpartition("@")
    return (name, word) if at and (word in ("best", "latest") or word.isdecimal()) else (spec, "")


def move(spec: str, by: int, folder: Path | None = None) -> str:
    """The spec one or more kept steps earlier or later in the same run; at an end, the same.

    Args:
        spec: a model of a run.
        by: -1 for the one before, 1 for the next.
        folder: the runs folder; left out, the usual one.

    Raises:
        ModelSpecError: it is no model of a run, or the run kept no weights.
    """
    name, word = split_spec(spec)
    run = _find_run(name, folder)
    if run is None:
        raise ModelSpecError(
            f"{spec} is not a model of a run, so there is no checkpoint before or after it",
            "choose one of a run with w; demo always has some",
        )
    steps = kept_steps(run)
    if not steps:
        raise ModelSpecError(
            f"the run {name} has kept no weights yet",
            "they come with its first checkpoint; in the dashboard, b asks for one",
        )
    now = resolve_step(run, word)
    if now is None:
        raise ModelSpecError(
            f"the run {name} has marked no checkpoint as its best yet", f"take the latest: {name}@latest"
        )
    if by < 0:
        earlier = [s for s in steps if s < now]
        new = earlier[by] if len(earlier) >= -by else steps[0]
    else:
        later = [s for s in steps if s > now]
        new = later[by - 1] if len(later) >= by else steps[-1]
    return f"{name}@{new}"


def kept_steps(run: Run) -> tuple[int, ...]:
    """The steps of a run whose weights are on disk, as checkpoints or as snapshots, rising."""
    return _all_steps(run.checkpoints, run.snapshots)


def _all_steps(checkpoints: list[CheckpointInfo], snapshots: list[SnapshotInfo]) -> tuple[int, ...]:
    return tuple(sorted({c.step for c in checkpoints} | {s.step for s in snapshots}))


def _find_run(name: str, folder: Path | None) -> Run | None:
    from core.training.runs import open_run

    tries = [folder / name] if folder is not None and name and Path(name).name == name else []
    places: list[str | Path] = [*tries, name]
    for place in places:
        try:
            return open_run(place)
        except LabError:
            continue
    return None


def _of_summary(summary: RunSummary, run: Run) -> ModelRef:
    if summary.state == "unreadable":
        return ModelRef(summary.name, summary.name, "runs", "failed", note="unreadable", here=False)
    return _of_run(run, summary.name, summary)


def _of_run(run: Run, name: str, summary: RunSummary | None = None) -> ModelRef:
    try:
        meta = run.meta
        state = summary.state if summary else run.state
    except LabError:
        return ModelRef(name, name, "runs", "failed", note="unreadable", here=False)
    config = _mapping(meta.get("config"))
    shape = _mapping(config.get("model"))
    checkpoints, snapshots = run.checkpoints, run.snapshots
    steps, own = _all_steps(checkpoints, snapshots), _resolve("", checkpoints, snapshots)
    sizes = [shape.get(key) for key in ("n_layers", "n_heads", "emb_dim")]
    return ModelRef(
        spec=name,
        label=Path(name).name if own is None else f"{Path(name).name}@{own}",
        group="bundled" if run.bundled else "runs",
        kind="finished" if run.bundled else _KIND_OF_STATE.get(state, "unknown"),
        parameters=_whole(meta.get("parameters")),
        shape="{}L {}H {}".format(*sizes) if all(sizes) else "",
        tokenizer=str(meta.get("tokenizer") or config.get("tokenizer") or ""),
        note="always here" if run.bundled else state if steps else f"{state}, no weights yet",
        here=bool(steps),
        steps=steps,
    )


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
