"""Several line filters as one: each makes another line of the one before it, and a line is costly to the toolkit."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import ANSIToTruecolor, LineFilter

MOST = 1 << 14
"""Styles that are known to be left as they are, at most."""


class Together(LineFilter):
    """All of them, one after the other, where the toolkit would keep a line of its own for each."""

    def __init__(self, filters: Sequence[LineFilter]) -> None:
        super().__init__()
        self.filters = tuple(filters)
        self._true: set[Style] = set()

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments as the last filter leaves them."""
        for each in self.filters:
            # The toolkit's own makes each segment anew, also where all colours are what it would make of them.
            if not (isinstance(each, ANSIToTruecolor) and self._is_true(segments)):
                segments = each.apply(segments, background)
        return segments

    def _is_true(self, segments: list[Segment]) -> bool:
        """Whether no colour of a line is one of the terminal's own, and none is dimmed."""
        known = self._true
        for _, style, control in segments:
            if control is not None:
                return False
            if style is not None and style not in known:
                if not is_true(style):
                    return False
                if len(known) >= MOST:
                    known.clear()
                known.add(style)
        return True


def is_true(style: Style) -> bool:
    """Whether a style's colours are red, green and blue by number, so that no terminal shows others.

    >>> [is_true(Style.parse(style)) for style in ("#ff8800 on #000000 bold", "red", "dim #ff8800")]
    [True, False, False]
    """
    colours = [colour for colour in (style.color, style.bgcolor) if colour is not None]
    return all(colour.triplet is not None for colour in colours) and not style.dim
