"""The log of a run: its events but the steps, newest first, each as one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from screens.widgets.plot_data import clock, short_number

if TYPE_CHECKING:
    from core.training.history import History

KEPT = 200


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing that happened."""

    step: int
    time: float
    """Seconds of training since the start."""
    text: str
    level: Literal["info", "warning", "error"] = "info"

    @property
    def line(self) -> str:
        """As the pane shows it."""
        return f"{clock(self.time):>8}  step {self.step:<7} {self.text}"


def log_lines(history: History) -> tuple[LogLine, ...]:
    """The last events, newest first."""
    found: list[LogLine] = []
    if history.start is not None:
        s = history.start
        found.append(LogLine(s.step, s.time, f"started: {s.parameters:,} parameters, {s.max_steps:,} steps"))
    found += [LogLine(e.step, e.time, _resumed(e.from_step, e.exact, e.changed)) for e in history.resumes]
    found += [LogLine(e.step, e.time, " · ".join(p for p in (e.state, e.reason) if p)) for e in history.states]
    found += [LogLine(e.step, e.time, f"checkpoint {e.path} ({e.seconds:.2f} s)") for e in history.checkpoints]
    found += [LogLine(e.step, e.time, f"snapshot {e.path}") for e in history.snapshots]
    found += [
        LogLine(e.step, e.time, e.title + (f" · {e.hint}" if e.hint else ""), "warning") for e in history.warnings
    ]
    found += _evals(history)
    if history.end is not None:
        e = history.end
        bad = e.reason in ("diverged", "failed")
        text = " · ".join(p for p in (e.reason, e.title, e.hint) if p)
        found.append(LogLine(e.step, e.time, text, "error" if bad else "info"))
    found.sort(key=lambda line: (line.step, line.time))
    return tuple(found[: -KEPT - 1 : -1])


def _evals(history: History) -> list[LogLine]:
    step, at, val = (c[-KEPT:].tolist() for c in history.columns("eval.step", "eval.time", "eval.val_loss"))
    best = float("inf")
    lines = []
    for s, t, v in zip(step, at, val, strict=True):
        text = f"validation loss {short_number(v, 4)}" + (", the best so far" if v < best else "")
        best = min(best, v)
        lines.append(LogLine(int(s), t, text))
    return lines


def _resumed(from_step: int, exact: bool, changed: dict[str, object]) -> str:
    text = f"resumed from step {from_step}" + ("" if exact else ", not bit for bit")
    return text + (" · changed: " + ", ".join(changed) if changed else "")
