"""Going on with a run: what the checkpoint says, what changed since, and whether the run stays exact."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from core.config import TrainConfig
from core.errors import CheckpointError, ConfigError
from core.fields import brief
from core.files import read_json
from core.training.backend import Backend
from core.training.checkpoints import Checkpoint, load_checkpoint
from core.training.events import ResumeEvent, WarningEvent
from core.training.stored import STATE, find_checkpoint

if TYPE_CHECKING:
    from core.training.material import Material
    from core.weights.checkpoint import LoadedModel

FIXED = (
    *("tokenizer", "val_fraction", "windows", "stride", "repeat_fraction", "optimizer"),
    *("backend", "seed", "batch_size", "grad_accumulation"),
)
"""What cannot change when a run goes on: its weights or its batches would be others."""
MOST_THREADS = 4096
SHAPE = ("vocab_size", "context_length", "emb_dim", "n_heads", "n_layers", "qkv_bias", "tie_weights")


@dataclass(frozen=True)
class Resumption:
    """A checkpoint to go on from, beside the configuration to go on with."""

    checkpoint: Checkpoint
    config: TrainConfig
    corpus_sha256: str

    @classmethod
    def check(cls, run_dir: Path, which: str | int, config: TrainConfig) -> None:
        """Refuses what can be refused without reading weights; nothing on disk is touched, torch is not loaded.

        Raises:
            RunError: there is no such checkpoint.
            ConfigError: something changed that would make it another run; all such fields are named.
        """
        path = find_checkpoint(run_dir, which)
        state = (read_json(path / STATE) or {}).get("state")
        # A damaged one is told by ``read``, which offers the one before.
        if isinstance(state, dict) and isinstance(state.get("config"), dict) and type(state.get("step")) is int:
            _compare(run_dir, _config_of(state, state["step"]), config, state["step"])

    @classmethod
    def read(cls, run_dir: Path, which: str | int, config: TrainConfig) -> Self:
        """Reads and checks a checkpoint; call it with the run's lock.

        Raises:
            RunError: there is no such checkpoint.
            CheckpointError: it is damaged; the one before is offered.
            ConfigError: as ``check``.
        """
        checkpoint = load_checkpoint(find_checkpoint(run_dir, which))
        if wrong := _nonsense(checkpoint.state):
            raise CheckpointError(f"the checkpoint at step {checkpoint.step} {wrong}", _NOT_OURS)
        _compare(run_dir, _config_of(checkpoint.state, checkpoint.step), config, checkpoint.step)
        corpus = (read_json(run_dir / "run.json") or {}).get("corpus")
        return cls(checkpoint, config, str(corpus.get("sha256", "")) if isinstance(corpus, dict) else "")

    @property
    def progress(self) -> dict[str, Any]:
        """The fields of the trainer's ``Progress``."""
        return {name: self.checkpoint.state[name] for name in ("step", "tokens", "best", "evals_without_better")}

    def check_material(self, material: Material) -> None:
        """Refuses another text, and a schedule that is over already.

        Raises:
            ConfigError: which, and how to extend the run.
        """
        old = TrainConfig.from_dict(self.checkpoint.state["config"])
        if self.corpus_sha256 != material.sha256 and old.corpus != self.config.corpus:
            raise ConfigError(
                f"a run goes on with its text: that was {old.corpus}, {self.config.corpus} is another one",
                "leave --corpus out; to train its weights on another text start a new run with --init-from",
            )
        if self.checkpoint.step >= material.config.max_steps:
            raise _over(self.checkpoint.step, material.config.max_steps)

    def settled(self, config: TrainConfig) -> TrainConfig:
        """The configuration with what was left to the machine as the run had it, where this machine can."""
        from core.training.measure import pick_device

        state, changes = self.checkpoint.state, {}
        if config.threads == 0 and state.get("threads"):
            changes["threads"] = state["threads"]
        if config.dtype == "auto" and state.get("dtype"):
            changes["dtype"] = state["dtype"]
        device = str(state.get("device", "")).partition(":")[0]
        if config.device == "auto" and device:
            with suppress(ConfigError):  # it is not here: auto then takes what is, and the warning says so
                pick_device(device)
                changes["device"] = device
        return replace(config, **changes)

    @property
    def seconds(self) -> float:
        """Seconds of training that it took."""
        return float(self.checkpoint.state.get("time", 0.0))

    def changed(self) -> dict[str, list[Any]]:
        """Fields that differ from before, as {name: [old, new]}."""
        old = replace(TrainConfig.from_dict(self.checkpoint.state["config"]), run_dir=None).to_dict()
        new = replace(self.config, run_dir=None).to_dict()
        old |= old.pop("model")
        new |= new.pop("model")
        return {k: [old[k], v] for k, v in new.items() if old[k] != v and not (k == "vocab_size" and v is None)}

    def inexact(self, backend: Backend, material: Material) -> list[str]:
        """Why the run will not continue bit for bit; empty: it will."""
        state = self.checkpoint.state
        reasons = [
            f"{name} was {state.get(name)}, now {getattr(backend, name)}"
            for name in ("threads", "device", "dtype")
            if state.get(name) != getattr(backend, name)
        ]
        before = state.get("versions", {})
        reasons += [
            f"{name} was {before.get(name)}, now {now}"
            for name, now in backend.versions.items()
            if name != "python" and before.get(name) != now
        ]
        if self.corpus_sha256 and self.corpus_sha256 != material.sha256:
            reasons.append(f"the text of {material.name} is another one than before")
        if backend.device != "cpu":
            reasons.append(f"{backend.device} does not add up in a fixed order")
        return reasons

    def event(self, backend: Backend, material: Material, now: tuple[int, float, int]) -> ResumeEvent:
        """What metrics.jsonl says of it."""
        return ResumeEvent(*now, self.checkpoint.step, self.changed(), not self.inexact(backend, material))

    def warnings(self, backend: Backend, material: Material, now: tuple[int, float, int]) -> Iterator[WarningEvent]:
        """One warning when the run goes on otherwise than bit for bit."""
        if reasons := self.inexact(backend, material):
            yield WarningEvent(
                *now,
                f"the run goes on, but not bit for bit: {'; '.join(reasons)}",
                "for exactness resume on the same machine, with the same --threads",
            )


_NOT_OURS = "it was not written by this trainer; start a new run from its weights with --init-from"
_MUST: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("step", "tokens", "evals_without_better"), (int,)),
    "best": (int, float),
    "config": (dict,),
}
_MAY: dict[str, tuple[type, ...]] = {
    "time": (int, float),
    "threads": (int,),
    "device": (str,),
    "dtype": (str,),
    "versions": (dict,),
}


def _nonsense(state: dict[str, Any]) -> str:
    """What the state of a checkpoint lacks, or says in another kind than ours, as a phrase; nothing if all is well."""
    for name, kinds in (_MUST | _MAY).items():
        if name not in state and name in _MUST:
            return f"does not say its {name}"
        if name in state and type(state[name]) not in kinds:
            return f"says of its {name}: {brief(state[name])}"
    return "" if 0 <= state.get("threads", 0) <= MOST_THREADS else f"has {state['threads']:,} threads"


def _config_of(state: dict[str, Any], step: int) -> TrainConfig:
    """The configuration in the state of a checkpoint."""
    try:
        return TrainConfig.from_dict(state["config"])
    except ConfigError as error:
        what = f"the checkpoint at step {step} has no usable configuration: {error.title}"
        raise CheckpointError(what, _NOT_OURS) from error


def take_shape(config: TrainConfig, typed: Collection[str] = ()) -> TrainConfig:
    """The configuration with the shape of the model that ``init_from`` names, and with its tokenizer's name.

    Reads small files alone. ``Trainer`` refuses a shape that differs; whoever has asked a person calls this first.

    Args:
        config: a run that starts from weights.
        typed: fields that the person chose, which stay as they are.

    Raises:
        ModelSpecError: the name means nothing here, or the model is not on this machine.
        ConfigError: a tokenizer was chosen that is not the weights' own.
    """
    from core.training.runs import open_run
    from core.weights.locate import locate, missing

    assert config.init_from is not None
    where = locate(config.init_from)
    if not where.here:
        raise missing(config.init_from)
    theirs = where.config
    model = replace(config.model, **{n: getattr(theirs, n) for n in SHAPE if n not in typed})
    own = config.tokenizer if theirs.vocab_size != 50257 else "gpt2"
    if where.run is not None:
        own = open_run(where.folder).config.tokenizer
    if "tokenizer" not in typed:
        return replace(config, model=model, tokenizer=own)
    if config.tokenizer != own:
        raise ConfigError(
            f"the weights of {config.init_from} come with their own tokenizer, got {config.tokenizer!r} too",
            "leave the tokenizer out",
        )
    return replace(config, model=model)


def open_source(config: TrainConfig) -> LoadedModel:
    """The model that ``init_from`` names, whose weights and tokenizer a new run starts with.

    A shorter context is taken from it: the first positions stay.

    Raises:
        ConfigError: it has another shape; the hint is the flags that fit.
        ModelSpecError: the name means nothing here.
    """
    from core.weights.checkpoint import load_model

    assert config.init_from is not None
    source = load_model(config.init_from, device="cpu", dtype="float32")
    theirs, ours = source.config, config.model
    if ours.context_length < theirs.context_length:
        source.model.wpe.weight.data = source.model.wpe.weight.data[: ours.context_length]
        theirs = replace(theirs, context_length=ours.context_length)
    names = [n for n in SHAPE if getattr(theirs, n) != getattr(ours, n) and getattr(ours, n) is not None]
    if names:
        apart = "; ".join(f"{n} is {getattr(theirs, n)} there, {getattr(ours, n)} here" for n in names)
        flags = " ".join(flag(n, getattr(theirs, n)) for n in names if n != "vocab_size")
        raise ConfigError(f"the weights of {config.init_from} have another shape: {apart}", f"take theirs: {flags}")
    return replace(source, config=theirs)


def flag(name: str, value: object) -> str:
    """A field as it is typed on the command line.

    >>> flag("n_heads", 4), flag("qkv_bias", False)
    ('--n-heads 4', '--no-qkv-bias')
    """
    word = name.replace("_", "-")
    return f"--{'' if value else 'no-'}{word}" if isinstance(value, bool) else f"--{word} {value}"


def _compare(run_dir: Path, old: TrainConfig, config: TrainConfig, step: int) -> None:
    problems = [
        f"{name} was {getattr(old, name)!r}, now {getattr(config, name)!r}"
        for name in FIXED
        if getattr(old, name) != getattr(config, name)
    ]
    for name in SHAPE:
        was, now = getattr(old.model, name), getattr(config.model, name)
        if was != now and not (name == "vocab_size" and now is None):
            problems.append(f"{name} was {was}, now {now}")
    if problems:
        raise ConfigError(
            f"a run goes on as what it was: {'; '.join(problems)}",
            f"leave these out, or start anew from its weights: llm-lab train --init-from {run_dir.name}@latest",
        )
    if step >= config.max_steps and config.epochs is None:
        raise _over(step, config.max_steps)


def _over(step: int, max_steps: int) -> ConfigError:
    return ConfigError(
        f"the run has {step:,} steps already, max_steps is {max_steps:,}",
        f"to extend it, resume it with --max-steps {2 * step}",
    )
