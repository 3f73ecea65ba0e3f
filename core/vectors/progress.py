"""How far reading vectors is."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.errors import LabError

if TYPE_CHECKING:
    from core.vectors.store import Vectors


class CancelledError(LabError):
    """It was given up on request."""


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far reading a file is."""

    phase: Literal["waiting", "converting", "reading", "sorting", "writing", "centring", "done"]
    """``waiting``: another process reads the same file just now; ``converting``: a model of OpenAI's."""
    bytes_done: int = 0
    """Of the file on the disk."""
    bytes_total: int = 0
    words: int = 0
    """Read so far."""
    vectors: Vectors | None = None
    """With the phase ``done``."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "vectors"}


def check_cancelled(cancel: threading.Event | None) -> None:
    """Raises a ``CancelledError`` if it is set."""
    if cancel is not None and cancel.is_set():
        raise CancelledError("reading the vectors was given up", "load them again")
