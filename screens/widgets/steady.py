"""Columns stay where they are, whatever script is in a line: what the terminal draws is as wide as we reckon.

Terminals do not agree how wide a flag, a tone of skin, a family joined of four people or a vowel sign of Devanagari is
(none, one cell, two or eight), and all that stands right of it moves. Before a line goes out, a sequence of emoji
becomes its first sign and a flag its two letters; marks that most terminals give a cell, and our reckoning none, take
that of a blank in the same line. The text itself is untouched: this is about what is drawn.
"""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_FLAG, _TONE, _SHAPE = "\U0001f1e6-\U0001f1ff", "\U0001f3fb-\U0001f3ff", "\ufe0e\ufe0f\u20e3"
_SIGN = f"0-9#*\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff{_TONE}"
_MAYBE = re.compile(f"[\u0900-\u1cff\u200d\u302e\u302f\ua823-\uabff\U00011000-\U0001d172{_SHAPE}{_FLAG}{_TONE}]")
"""What may be of another width in the terminal: a quick look, since all but a few lines have none of it."""
_SEQUENCE = re.compile(f"[{_FLAG}]+|[{_TONE}]|[{_SIGN}](?:[{_SHAPE}{_TONE}]|\u200d[{_SIGN}])+")
_FIRST_FLAG = 0x1F1E6
_BLANKS = re.compile(" {2,}")


def settled(text: str) -> str:
    r"""Flags as letters, sequences of emoji as their first sign, in as many cells as before.

    >>> settled("\U0001f1e9\U0001f1ea 1\ufe0f\u20e3 \U0001f44d\U0001f3fd!"), settled("naïve 日本")
    ('DE 1  👍!', 'naïve 日本')
    """
    return _SEQUENCE.sub(_settled, text)


def _settled(found: re.Match[str]) -> str:
    text = found[0]
    if _FIRST_FLAG <= ord(text[0]) < _FIRST_FLAG + 26:
        return "".join(chr(ord("A") + ord(sign) - _FIRST_FLAG) for sign in text)
    return set_cell_size(text[0], cell_len(text))


def drawn_cells(text: str) -> int:
    """How many cells most terminals take for a settled text: marks with a width of their own have one.

    >>> drawn_cells("दुनिया"), cell_len("दुनिया"), drawn_cells("日本")
    (5, 3, 4)
    """
    return sum(1 if unicodedata.category(sign) == "Mc" else cell_len(sign) for sign in text)


def steady(segments: list[Segment]) -> list[Segment]:
    """The same line; what the terminal draws wider than we reckon takes the place of blanks, first of those behind it.

    >>> [s.text for s in steady([Segment("│ दुनिया"), Segment("    │")])]
    ['│ दुनिया', '  │']
    """
    out = list(segments)
    owed: list[tuple[int, int]] = []
    for i, segment in enumerate(segments):
        text = segment.text
        if segment.control or text.isascii() or not _MAYBE.search(text):
            continue
        now = settled(text)
        more = drawn_cells(now) - cell_len(text)
        out[i] = segment._replace(text=now if more >= 0 else now + " " * -more)
        if more > 0:
            owed.append((i, more))
    for i, more in owed:
        for j in (*range(i, len(out)), *range(i - 1, -1, -1)):
            more = _take(out, j, more)
    return out


def _take(line: list[Segment], at: int, wanted: int) -> int:
    """Takes blanks out of a segment, of each run all but one, from the last; how many are still wanted."""
    segment = line[at]
    if wanted <= 0 or segment.control or "  " not in segment.text:
        return wanted
    text = segment.text
    for run in reversed(list(_BLANKS.finditer(text))):
        taken = min(wanted, len(run[0]) - 1)
        text, wanted = text[: run.start()] + text[run.start() + taken :], wanted - taken
    line[at] = segment._replace(text=text)
    return wanted


class SteadyFilter(LineFilter):
    """Draws each line so wide as it is reckoned."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments, most often themselves."""
        line = "".join([segment.text for segment in segments])
        if line.isascii() or not _MAYBE.search(line):
            return segments
        return steady(segments)
