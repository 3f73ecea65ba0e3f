"""The one line that a list of runs shows, found without reading all numbers of the run.

A few places of the metrics file give the sparkline; evaluations are read once, and then only where the file has grown.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.files import open_plain
from core.training.rundir import METRICS
from core.training.tail import matching_lines, parse_lines

SPARK_POINTS = 32
_SHORT = 1 << 17  # bytes; a file up to here is read whole
_PIECE = 1 << 12
_EVAL, _RESUME = b'"kind":"eval"', b'"kind":"resume"'


@dataclass(frozen=True)
class RunSummary:
    """A run as a list shows it; numbers that are not known are NaN, or 0 for counts."""

    name: str
    path: Path
    state: str
    step: int = 0
    max_steps: int = 0
    train_loss: float = math.nan
    """Loss of the newest step, in nats per token."""
    best_val_loss: float = math.nan
    """Lowest validation loss so far, in nats per token."""
    created: float = 0.0
    """Unix time."""
    updated: float = 0.0
    """Unix time of the last sign of life, on the trainer's clock."""
    tokenizer: str = ""
    corpus: str = ""
    parameters: int = 0
    spark: list[float] = field(default_factory=list)
    """Up to 32 losses spread over the run, oldest first."""
    message: str = ""
    """Two lines, where the run has something to say (why it failed, why it is unreadable)."""
    bundled: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; a number that is not known becomes ``null``."""
        names = ("name", "state", "step", "max_steps", "created", "updated", "tokenizer", "corpus", "parameters")
        return {
            **{name: getattr(self, name) for name in names},
            "path": str(self.path),
            "train_loss": _finite(self.train_loss),
            "best_val_loss": _finite(self.best_val_loss),
            "message": self.message,
            "bundled": self.bundled,
        }


class Glance:
    """What one metrics file says at a glance; looks again only when the file changed."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / METRICS
        self._stamp: tuple[int, int, int] | None = None
        self._guard = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._offset = 0
        self._evals: list[tuple[int, float]] = []
        self.step = 0
        self.train_loss = math.nan
        self.best_val_loss = math.nan
        self.spark: list[float] = []

    def look(self) -> None:
        """Brings the numbers up to date."""
        with self._guard:
            self._look()

    def _look(self) -> None:
        try:
            found = self._path.stat()
        except OSError:
            return
        stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        if stamp == self._stamp:
            return
        if self._stamp is not None and (stamp[0] != self._stamp[0] or stamp[1] < self._offset):
            self._clear()
        self._stamp = stamp
        try:
            self._read_evals()
            with open_plain(self._path) as file:
                self._read_spark(file, found.st_size)
        except OSError:
            self._stamp = None

    def _read_evals(self) -> None:
        lines, self._offset = matching_lines(self._path, self._offset, _EVAL, _RESUME)
        for raw in parse_lines(lines)[0]:
            if raw.get("kind") in ("eval", "resume"):
                self._note(raw)
        self.best_val_loss = min((loss for _, loss in self._evals), default=math.nan)

    def _note(self, raw: dict[str, Any]) -> None:
        if raw["kind"] == "resume":
            from_step = raw.get("from_step", 0)
            self._evals = [(step, loss) for step, loss in self._evals if step <= from_step]
        elif isinstance(raw.get("val_loss"), (int, float)):
            loss = float(raw["val_loss"])
            # Only a record can be the best, also after a resume has dropped the later ones.
            if not self._evals or loss < self._evals[-1][1]:
                self._evals.append((int(raw.get("step", 0)), loss))

    def _read_spark(self, file: Any, size: int) -> None:
        losses: dict[int, float] = {}
        for events in _places(file, size):
            for raw in events:
                step, loss = int(raw["step"]), raw.get("loss")
                for later in [s for s in losses if s >= step] if losses and step <= next(reversed(losses)) else ():
                    del losses[later]  # a resume dropped it
                losses[step] = math.nan if loss is None else float(loss)
        self.step = next(reversed(losses), 0)
        self.train_loss = losses.get(self.step, math.nan)
        values, count = list(losses.values()), min(len(losses), SPARK_POINTS)
        self.spark = [values[(i + 1) * len(values) // count - 1] for i in range(count)]


def _places(file: Any, size: int) -> Iterator[list[dict[str, Any]]]:
    """Step events of the whole of a short file, of a long one from evenly spread places and from its end."""
    if size <= _SHORT:
        file.seek(0)
        yield _steps(file.read(_SHORT).split(b"\n")[:-1])
        return
    for i in range(1, SPARK_POINTS + 1):
        place = size * i // SPARK_POINTS - _PIECE
        file.seek(place)
        found = _steps(file.read(_PIECE).split(b"\n")[1:-1])
        yield found[-1:]


def _steps(lines: list[bytes]) -> list[dict[str, Any]]:
    return [e for e in parse_lines(lines)[0] if e.get("kind") == "step" and isinstance(e.get("step"), int)]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def folder_time(path: Path) -> float:
    """When a folder last changed, as Unix time; 0 when it cannot be asked."""
    try:
        return os.stat(path).st_mtime  # noqa: PTH116
    except OSError:
        return 0.0
