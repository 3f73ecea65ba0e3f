"""What was measured of a run up to a step: now, or where the time machine stands. Pure; made of ``History`` columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from screens.training.plots import bits_per_byte, last_smooth
from screens.widgets.plot_data import reach_for

if TYPE_CHECKING:
    from core.training.history import History
    from screens.widgets.plot_data import Column

_RECENT = 200
_REPORTED = 50


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The columns of a run, all of them or up to a step; views of the history's own, so that this costs nothing."""

    steps: Mapping[str, Column]
    evals: Mapping[str, Column]
    smoothing: int
    """Level of ``plot_data.reach_for``, the same as in the plot."""
    bytes_per_token: float | None
    steps_per_epoch: float | None
    foreign: bool
    """Whether another program wrote it; NaN there may mean that it was never said."""

    @classmethod
    def of(cls, history: History, meta: Mapping[str, Any], smoothing: int = 2, *, foreign: bool) -> Measured:
        """All that a history has read so far."""
        from core.training.history import EVAL_COLUMNS, STEP_COLUMNS

        columns = history.columns(*STEP_COLUMNS, *(f"eval.{name}" for name in EVAL_COLUMNS))
        steps = dict(zip(STEP_COLUMNS, columns, strict=False))
        evals = dict(zip(EVAL_COLUMNS, columns[len(STEP_COLUMNS) :], strict=True))
        per_token = (meta.get("corpus") or {}).get("bytes_per_token")
        return cls(steps, evals, smoothing, per_token, meta.get("steps_per_epoch"), foreign)

    def up_to(self, step: int) -> Measured:
        """The same as it stood after a step."""
        steps, evals = (
            {name: column[: int(of["step"].searchsorted(step, "right"))] for name, column in of.items()}
            for of in (self.steps, self.evals)
        )
        return replace(self, steps=steps, evals=evals)

    def fields(self, step: int) -> dict[str, Any]:
        """The fields of ``RunView`` that change while a run goes on, at a step that is the last of these columns."""
        known = finite if self.foreign else _as_it_is
        loss, val_loss = self.steps["loss"], _last(self.evals["val_loss"])
        evaluated = _last(self.evals["step"])
        best_step, best_loss = self.best
        return {
            "step": step,
            "tokens": int(_last(self.steps["tokens"]) or 0),
            "elapsed": _last(self.steps["time"]) or 0.0,
            "loss": _last(loss),
            "smooth_loss": last_smooth(loss, reach_for(len(loss), self.smoothing)) if len(loss) else None,
            "val_loss": val_loss,
            "eval_step": None if evaluated is None else int(evaluated),
            "train_eval_loss": known(_last(self.evals["train_loss"])),
            "best_loss": best_loss,
            "best_step": best_step,
            "perplexity": known(_last(self.evals["perplexity"])),
            "bits_per_byte": bits_per_byte(val_loss, self.bytes_per_token)
            if val_loss is not None and self.bytes_per_token
            else None,
            "lr": known(_last(self.steps["lr"])),
            "grad_norm": known(_last(self.steps["grad_norm"])),
            "tokens_per_second": known(self.rate),
            "mfu": finite(_last(self.steps["mfu"])),
            "epoch": step / self.steps_per_epoch if self.steps_per_epoch else None,
        }

    @property
    def best(self) -> tuple[int | None, float | None]:
        """Step and value of the lowest validation loss so far."""
        import numpy as np

        losses = self.evals["val_loss"]
        if not np.isfinite(losses).any():
            return None, None
        at = int(np.nanargmin(losses))
        return int(self.evals["step"][at]), float(losses[at])

    @property
    def rate(self) -> float | None:
        """Tokens per second as the trainer reports them, the mean of the last steps."""
        reported = self.steps["tokens_per_second"]
        values = [v for v in reported[-_REPORTED:].tolist() if math.isfinite(v) and v > 0]
        return sum(values) / len(values) if values else _last(reported)

    def seconds_left(self, max_steps: int) -> float | None:
        """Seconds to the last step at the speed of the last steps; evaluations in between count."""
        steps, times = self.steps["step"][-_RECENT:], self.steps["time"][-_RECENT:]
        if len(steps) < 2 or max_steps <= 0:
            return None
        done, seconds = float(steps[-1] - steps[0]), float(times[-1] - times[0])
        return max(0.0, (max_steps - float(steps[-1])) * seconds / done) if done > 0 and seconds > 0 else None


def finite(value: float | None) -> float | None:
    """The number, or that it is not known."""
    return value if value is not None and math.isfinite(value) else None


def _as_it_is(value: float | None) -> float | None:
    return value


def _last(column: Column) -> float | None:
    return float(column[-1]) if len(column) else None
