"""No text steers the terminal: the last thing that happens to a line of the app, whoever drew it.

Names, tokens, samples and log lines are shown by many widgets, most of which write control characters as signs. What
one of them lets through is left out here: neither it nor its picture moves anything, since it takes no cell.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from core.visible import without_steering


class CleanFilter(LineFilter):
    """Leaves control characters and marks that turn the direction of writing out of each line.

    >>> CleanFilter().apply([Segment("run\\x1b]0;x\\x07")], Color(0, 0, 0))[0].text
    'run]0;x'
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments without them."""
        return [
            segment
            if segment.control or segment.text.isprintable()
            else segment._replace(text=without_steering(segment.text))
            for segment in segments
        ]
