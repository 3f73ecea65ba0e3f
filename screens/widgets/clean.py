"""No text steers the terminal: the last thing that happens to a line of the app, whoever drew it.

Names, tokens, samples and log lines are shown by many widgets, most of which write control characters as signs. What
one of them lets through is left out here, and the line stays as wide as it was.
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
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
            segment if segment.control or segment.text.isprintable() else segment._replace(text=_cleaned(segment.text))
            for segment in segments
        ]


def _cleaned(text: str) -> str:
    r"""The text without them in as many cells: signs that one of them held apart may join, and take fewer.

    >>> ascii(_cleaned("\U0001f468\u200d\x07\U0001f469|"))
    "'\\U0001f468\\u200d\\U0001f469|  '"
    """
    return set_cell_size(without_steering(text), cell_len(text))
