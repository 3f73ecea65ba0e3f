"""What the dashboard says of one run, as plain numbers: the panes, the lesson and the take-away all read this object.

Pure: made from ``History``, the run's ``RunStatus`` and its configuration; no widget, no file.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from screens.training.measured import Measured
from screens.widgets.cells import fit
from screens.widgets.plot_data import clock, position_label, short_number

if TYPE_CHECKING:
    from core.training.events import ResumeEvent
    from core.training.foreign.run import ForeignRun
    from core.training.history import History
    from core.training.runs import Run, RunStatus

LIVE = frozenset({"running", "paused", "starting", "stopping"})
ENDED = frozenset({"finished", "stopped", "diverged", "failed", "dead"})
_TOKENS_IN_A_STEP = ("batch_size", "context_length", "grad_accumulation")


@dataclass(frozen=True, slots=True)
class RunView:
    """One run at one moment. Losses are nats per token; times are seconds; ``None`` means that it is not known."""

    name: str
    path: str
    state: str
    phase: str
    message: str
    host: str
    pid: int
    heartbeat: float | None
    """Seconds since the trainer last said that it is alive, by this reader's clock."""
    read_only: bool
    step: int
    max_steps: int
    tokens: int
    elapsed: float
    loss: float | None
    smooth_loss: float | None
    val_loss: float | None
    eval_step: int | None
    """The step of the last evaluation."""
    train_eval_loss: float | None
    best_loss: float | None
    best_step: int | None
    perplexity: float | None
    bits_per_byte: float | None
    lr: float | None
    grad_norm: float | None
    tokens_per_second: float | None
    mfu: float | None
    seconds_left: float | None
    epoch: float | None
    parameters: int | None
    vocab_size: int | None
    uniform_loss: float | None
    """The loss of a model that knows nothing: ln(vocabulary size)."""
    first_loss: float | None
    tokenizer: str
    corpus: str
    device: str
    dtype: str
    warmup_steps: int
    peak_lr: float
    batch_tokens: int
    unreadable: int
    made_by: str = ""
    """The program whose run it is; empty for one of the lab's own."""

    @property
    def live(self) -> bool:
        """Whether a trainer should be at work on it."""
        return self.state in LIVE

    @property
    def gap(self) -> float | None:
        """Validation minus training loss over the same evaluation; above zero and growing means over-fitting."""
        if self.val_loss is None or self.train_eval_loss is None:
            return None
        return self.val_loss - self.train_eval_loss

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what is not finite becomes ``null``."""
        raw = dataclasses.asdict(self) | {"gap": self.gap}
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in raw.items()}


def settings_of(meta: Mapping[str, Any], resumes: Iterable[ResumeEvent]) -> dict[str, Any]:
    """A run's configuration as one flat dictionary, with what resumes changed; the cheap twin of ``run.config``.

    ``Run.config`` looks for resumes in the whole file, which is too much for twice a second; the history knows them.
    """
    raw = dict(meta.get("config") or {})
    flat = {**(raw.pop("model", None) or {}), **raw}
    for resume in resumes:
        flat.update({key: pair[1] for key, pair in resume.changed.items() if isinstance(pair, (list, tuple))})
    return flat


def view_of(
    run: Run | ForeignRun, status: RunStatus, state: str, history: History, measured: Measured | None = None
) -> RunView:
    """The numbers of a run now.

    Args:
        run: the opened run.
        status: its heartbeat file as last read.
        state: ``run.state`` as decided from the heartbeat, the lock and the clock.
        history: its metrics as far as they are read.
        measured: their columns, where somebody has them already.
    """
    meta = run.meta
    settings = settings_of(meta, history.resumes)
    measured = measured or Measured.of(history, meta, foreign=run.foreign)
    steps, losses = measured.steps["step"], measured.steps["loss"]
    max_steps = status.max_steps or int(settings.get("max_steps") or 0)
    return RunView(
        name=run.name,
        path=str(run.path),
        state=state,
        phase=status.phase,
        message=status.message,
        host=status.host,
        pid=status.pid,
        heartbeat=run.heartbeat_age if state in LIVE or state == "silent" else None,
        read_only=run.read_only,
        max_steps=max_steps,
        seconds_left=measured.seconds_left(max_steps) if state in ("running", "paused", "silent") else None,
        first_loss=float(losses[0]) if len(losses) else None,
        unreadable=history.unreadable,
        **measured.fields(int(steps[-1]) if len(steps) else status.step),
        **_of_settings(meta, settings),
    )


def view_at(view: RunView, measured: Measured, step: int) -> RunView:
    """The same run as it stood after a step; what only holds now (time left, heartbeat) is not known there."""
    then = measured.up_to(step).fields(step)
    return dataclasses.replace(view, seconds_left=None, heartbeat=None, **then)


def _of_settings(meta: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """What does not change while a run goes on."""
    vocab, corpus = settings.get("vocab_size"), meta.get("corpus") or {}
    return {
        "parameters": meta.get("parameters"),
        "vocab_size": vocab,
        "uniform_loss": math.log(vocab) if vocab else None,
        "corpus": str(corpus.get("name") or settings.get("corpus", "")),
        **{name: str(meta.get(name) or settings.get(name, "")) for name in ("tokenizer", "device", "dtype")},
        "warmup_steps": int(settings.get("warmup_steps") or 0),
        "peak_lr": float(settings.get("learning_rate") or 0.0),
        "batch_tokens": math.prod(int(settings.get(k) or 1) for k in _TOKENS_IN_A_STEP),
        "made_by": str(meta.get("made_by", "")),
    }


def number_rows(view: RunView, *, past: bool = False) -> list[tuple[str, str]]:
    """The pane of numbers, as (name, value); ``past`` for a step before the newest, of which nothing is left."""
    last = f"{view.max_steps:,}" if view.max_steps < 100_000 else position_label(view.max_steps, "step")
    progress = f"{view.step:,}" + (f" / {last}" if view.max_steps else "")
    best = short_number(view.best_loss, 4)
    if view.best_step is not None:
        best += f" at {view.best_step:,}"
    validation = short_number(view.val_loss, 4)
    if past and view.eval_step is not None and view.eval_step != view.step:
        validation += f" at {view.eval_step:,}"
    rows = [
        ("step", progress),
        ("epoch", "–" if view.epoch is None else f"{view.epoch:.2f}"),
        ("loss", smoothed(view)),
        ("validation", validation),
        ("best", best),
        ("perplexity", short_number(view.perplexity, 4)),
        ("tokens/s", short_number(view.tokens_per_second)),
        ("MFU", "–" if view.mfu is None else f"{view.mfu * 100:.0f} %"),
        ("time", clock(view.elapsed if view.elapsed or not view.made_by else None)),
        *([] if past else [("left", clock(view.seconds_left))]),
        ("text", short_name(view.corpus)),
        ("tokenizer", view.tokenizer or "–"),
    ]
    if view.bits_per_byte is not None:
        rows.insert(6, ("bits/byte", short_number(view.bits_per_byte)))
    return rows


def smoothed(view: RunView) -> str:
    """The loss as the plot's strong line shows it, which is not that of the last batch; said where they differ."""
    value = view.smooth_loss
    number = short_number(value, 4)
    return number if value is None or value == view.loss or not math.isfinite(value) else f"{number} smoothed"


def short_name(corpus: str, room: int = 16) -> str:
    """A corpus as the pane of numbers has room for it; of a file its name.

    >>> short_name("tiny-shakespeare"), short_name("/home/ada/a-very-long-file-name.txt"), short_name("")
    ('tiny-shakespeare', 'a-very-long-fil…', '–')
    """
    name = PurePath(corpus).name or "–"
    return fit(name, room).rstrip()


def state_sentence(view: RunView) -> str:
    """The run in words, for the status line.

    Says the state, where the trainer is, and what the last heartbeat means if it is late.
    """
    where = f"pid {view.pid} on {view.host}" if view.pid and view.host else ""
    if view.state == "silent" and view.heartbeat is not None:
        where = f"no heartbeat for {view.heartbeat:.0f} s" + (f" · {where}" if where else "")
    if view.state == "starting":
        where = f"{view.phase or 'starting'}" + (f" · {where}" if where else "")
    parts = [view.state, where if view.state in LIVE or view.state == "silent" else ""]
    if view.read_only and view.live and not view.made_by:
        parts.append("read-only here: it can only be watched")
    if view.message:
        parts.append(view.message.splitlines()[0])
    return " · ".join(p for p in parts if p)


def verdict(view: RunView, gap_before: float | None = None) -> str:
    """Over- or under-fitting on this very curve, in words (the lesson's fifth point)."""
    if view.gap is None or view.val_loss is None:
        return "There is no evaluation yet to compare the two losses."
    if view.best_loss is not None and view.val_loss > view.best_loss * 1.01 and view.gap > 0.05 * view.val_loss:
        return "Validation rises above its best while training falls: this run over-fits."
    if view.gap > 0.1 * view.val_loss:
        return "Validation stands well above training: the model has begun to learn the text by heart."
    return "The two losses are close: it under-fits still, and more steps or a larger model would lower both."
