"""No text steers the terminal: the last thing that happens to a line of the app, whoever drew it.

Names, tokens, samples and log lines are shown by many widgets, most of which write control characters as signs. What
one of them lets through is left out here, and the line stays as wide as it was.

Terminals do not agree on how wide a joined sign is: a family of three is two cells in one and six in another, and all
that stands behind it is out of its column. So of what is joined only the first sign is drawn, which is two everywhere.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from core.visible import without_steering

JOINED = re.compile("\u200d[\u2190-\u2bff\U0001f000-\U0001faff]|[\ufe0f\U0001f3fb-\U0001f3ff]")
"""What is joined to a sign before it: another behind a joiner, the wish for a coloured picture, the tone of a skin."""


class CleanFilter(LineFilter):
    """Leaves control characters, marks that turn the direction of writing, and what is joined out of each line.

    >>> CleanFilter().apply([Segment("run\\x1b]0;x\\x07")], Color(0, 0, 0))[0].text
    'run]0;x'
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments without them, most often themselves."""
        if _is_clean("".join([segment.text for segment in segments])):
            return segments
        return [
            segment if segment.control or _is_clean(segment.text) else segment._replace(text=_cleaned(segment.text))
            for segment in segments
        ]


def _is_clean(text: str) -> bool:
    return text.isprintable() and (text.isascii() or JOINED.search(text) is None)


def _cleaned(text: str) -> str:
    r"""The text without them in as many cells.

    >>> ascii(_cleaned("\U0001f468\u200d\x07\U0001f469|")), ascii(_cleaned("\U0001f44d\U0001f3fd|\u2764\ufe0f|"))
    ("'\\U0001f468|  '", "'\\U0001f44d|\\u2764| '")
    """
    return set_cell_size(JOINED.sub("", without_steering(text)), cell_len(text))
