"""What a measurement says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One figure beside its peer and its target."""

    name: str
    ours: float
    peer: float | None
    """The same, measured in the same run, of what we compare with."""
    unit: str
    ratio: float | None
    """Ours over the peer's."""
    target: str
    passed: bool
    note: str = ""
    against: str = ""
    """What the peer is, in the words of a table."""
