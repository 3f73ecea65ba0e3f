"""Several line filters as one: each makes another line of the one before it, and a line is costly to the toolkit."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter


class Together(LineFilter):
    """All of them, one after the other, where the toolkit would keep a line of its own for each."""

    def __init__(self, filters: Sequence[LineFilter]) -> None:
        super().__init__()
        self.filters = tuple(filters)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments as the last filter leaves them."""
        for each in self.filters:
            segments = each.apply(segments, background)
        return segments
