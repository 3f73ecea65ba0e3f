"""How far a pull is, in plain numbers and words."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Any

_WINDOW = 5.0  # seconds over which the rate is taken


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull is."""

    name: str
    file: str
    """The file that is being looked at, or empty."""
    file_index: int
    """Its place, from 1."""
    files: int
    received: int
    """Bytes of the whole item that are here."""
    total: int | None
    """Bytes of the whole item, where known."""
    rate: float
    """Bytes a second, lately."""
    seconds_left: float | None
    phase: str
    """waiting (for another pull of the same), asking, checking, fetching, converting, done."""
    note: str = ""
    """Something worth telling once: another mirror, what is not published, what to install."""
    file_received: int = 0
    """Bytes of the file that are here."""
    file_total: int | None = None
    """Bytes of the file, where known."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


class Rate:
    """Bytes a second over the last few seconds, so that it follows a connection that changes."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=200)

    def now(self, received: int) -> float:
        """The rate, given how many bytes have come in all."""
        moment = time.monotonic()
        self._seen.append((moment, received))
        while moment - self._seen[0][0] > _WINDOW:
            self._seen.popleft()
        seconds = moment - self._seen[0][0]
        return max(0, received - self._seen[0][1]) / seconds if seconds > 0 else 0.0
