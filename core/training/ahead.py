"""A long ``metrics.jsonl`` is read in a process of its own, on another core than the one that draws.

Reading a million steps takes a second in which nothing else in the same interpreter gets on. ``begin`` may be called
long before the numbers are wanted; ``reading`` finds what was begun. The child says what it found in one answer, as
columns and events, and ``History`` goes on in the file from there. Whatever goes wrong with the child, the history
reads the file by itself.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.child import at_work, work_off
from core.errors import LabError

if TYPE_CHECKING:
    from core.child import Say
    from core.training.history import History

LONG = 32 << 20
"""Bytes from which on it is worth a process, which needs a quarter of a second to begin: some 160,000 steps."""
MODULE = "core.training.ahead"
_begun: dict[Path, ReadAhead] = {}


class ReadAhead:
    """One file that is being read in another process."""

    def __init__(self, metrics: Path) -> None:
        self.path = metrics
        self._cancelled = threading.Event()
        self._over = threading.Event()
        self._answer: dict[str, Any] | None = None
        threading.Thread(target=self._listen, name="read ahead", daemon=True).start()

    def _listen(self) -> None:
        try:
            with at_work(MODULE, {"metrics": str(self.path)}, self._cancelled) as child:
                self._answer = next(child.answers(), None)
        except (LabError, OSError, ValueError):  # no process could be had, or what it said was cut off
            self._answer = None
        finally:
            self._over.set()

    def wait(self, seconds: float) -> bool:
        """Waits so long for the end at most; says whether it has come."""
        return self._over.wait(seconds)

    def cancel(self) -> None:
        """Nobody wants it any more: the process is ended."""
        self._cancelled.set()

    def hand_over(self, history: History) -> bool:
        """Fills a history that has read nothing yet; False where there is nothing to fill it with."""
        answer, self._answer = self._answer, None
        if answer is None:
            return False
        history.restore(answer)
        return True


def is_long(metrics: Path) -> bool:
    """Whether a file is so long that another process should read it."""
    try:
        return metrics.stat().st_size >= LONG
    except OSError:
        return False


def begin(metrics: Path) -> None:
    """Starts to read a file, if it is long and nobody does yet."""
    if is_long(metrics) and metrics not in _begun:
        _begun[metrics] = ReadAhead(metrics)


def reading(metrics: Path) -> ReadAhead | None:
    """What reads a file ahead, begun now if it was not before; None: it is short. Who asks has it for himself."""
    begin(metrics)
    return _begun.pop(metrics, None)


def _work(orders: dict[str, Any], say: Say) -> None:
    from core.training.history import History

    history = History(Path(orders["metrics"]))
    history.update()
    say(history.state())


if __name__ == "__main__":
    sys.exit(work_off(_work))
