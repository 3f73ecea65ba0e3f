"""How far a conversion is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ConvertProgress:
    """One tensor more is written, or the whole is in place."""

    phase: Literal["starting", "tensor", "done"]
    name: str
    """Of the tensor that was written last."""
    index: int
    """Tensors written."""
    total: int
    """Tensors in all; 0 while that is not known."""
    bytes_done: int
    bytes_total: int
    path: Path
    """The file or folder that there will be, and is when the phase is done."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**{name: getattr(self, name) for name in self.__slots__}, "path": str(self.path)}
