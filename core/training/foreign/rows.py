"""Single numbers joined into rows: all that was said of one step becomes one object of our kinds ``step`` and ``eval``.

The newest row is held back while there is more to read; what is added to it later is said again as a whole row.
"""

from __future__ import annotations

import math
from typing import Any

STEP_VALUES = ("loss", "lr", "grad_norm", "tokens_per_second", "mfu")
EVAL_VALUES = ("train_loss", "val_loss", "perplexity")
_VALUES = {"step": STEP_VALUES, "eval": EVAL_VALUES}
Row = dict[str, Any]


def row(kind: str, step: int, time: float = 0.0, tokens: int = 0) -> Row:
    """A row without numbers."""
    return {"kind": kind, "step": step, "time": time, "tokens": tokens, **dict.fromkeys(_VALUES[kind])}


def resume(from_step: int, time: float = 0.0) -> Row:
    """The run goes on from a step; what came before beyond it no longer counts."""
    return {
        "kind": "resume",
        "step": from_step,
        "time": time,
        "tokens": 0,
        "from_step": from_step,
        "changed": {},
        "exact": True,
    }


def whole(value: Any, default: int = 0) -> int:
    """A count from a stranger's number; ``default`` where it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    return int(value) if abs(value) < 2**62 else default  # neither NaN nor infinity is below it


def number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:  # an integer beyond floating point
        return None
    return found if math.isfinite(found) else None


class Rows:
    """Joins numbers as they are read."""

    def __init__(self) -> None:
        self._open: dict[str, dict[int, Row]] = {"step": {}, "eval": {}}
        self._said: dict[str, Row] = {}
        self._known: dict[str, float] = {}
        self._tokens = (0, 0)  # the newest step that said how many it has seen, and how many
        self._has_loss = False

    def add(self, kind: str, step: int, column: str, value: float, time: float) -> None:
        """One number of one step; one that is not finite says that there is none."""
        table = self._open[kind]
        found = table.get(step)
        if found is None:
            said = self._said.get(kind)
            found = dict(said) if said is not None and said["step"] == step else row(kind, step, time)
            table[step] = found
        if column == "tokens":
            found["tokens"] = whole(value)
            self._tokens = max(self._tokens, (step, found["tokens"]))
            return
        found[column] = number(value)
        if kind == "step" and column == "loss":
            self._has_loss = True
            found["seen"] = True

    def take(self, *, keep: int = 0) -> list[Row]:
        """The rows that are whole, oldest first.

        Args:
            keep: how many of the newest rows of each kind may still grow, since there is more to read at once.
        """
        out: list[Row] = []
        for kind, table in self._open.items():
            steps = sorted(table)
            for step in steps[: max(0, len(steps) - keep)]:
                one = table.pop(step)
                if kind == "step" and not self._complete(one):
                    continue
                one["tokens"] = one["tokens"] or self._tokens_at(step)
                out.append(one)
            if not keep and out and out[-1]["kind"] == kind:
                self._said[kind] = dict(out[-1])
        for one in out:
            one.pop("seen", None)
        out.sort(key=lambda r: (r["step"], r["kind"] == "eval"))
        return out

    def _complete(self, one: Row) -> bool:
        """Fills in what other steps said, for rates that are written less often; False: not a row of its own.

        A program may say its learning rate at other steps than its loss.
        """
        for column in ("lr", "grad_norm", "tokens_per_second", "mfu"):
            if one[column] is not None:
                self._known[column] = one[column]
            elif column != "grad_norm":
                one[column] = self._known.get(column)
        return "seen" in one or not self._has_loss

    def _tokens_at(self, step: int) -> int:
        """Tokens seen at a step that did not say so, from one that did: each step of a run has as many."""
        newest, tokens = self._tokens
        return tokens if step == newest else round(tokens / newest * step) if newest > 0 and step > 0 else 0

    def rewind(self) -> list[Row]:
        """All rows, for a run that goes back to an earlier step."""
        out = self.take()
        self._said.clear()
        return out
