"""The text of a lesson: Markdown whose set-off lines are numbers and formulas, not a program in some language.

The toolkit guesses the language of each such block, which takes 40 ms a block and does so again whenever a number in it
changes; here nothing is guessed and nothing coloured. Where the toolkit cuts a line that is too long, here it goes on
below, further in.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, chop_cells
from textual.content import Content
from textual.widgets import Markdown
from textual.widgets._markdown import MarkdownBlock, MarkdownFence

NARROWEST, FURTHER = 8, 2
"""Cells below which nothing is broken, and cells that what goes on below stands further in than its line."""


def wrapped(line: str, width: int) -> list[str]:
    """A line in pieces of at most ``width`` cells, broken at spaces, or within a word that is wider than that.

    >>> wrapped("cos = 16.07 / (4.439 × 4.257) = 0.8503", 28)
    ['cos = 16.07 / (4.439 ×', '  4.257) = 0.8503']
    """
    if cell_len(line) <= width or width < NARROWEST:
        return [line]
    inward = " " * min(len(line) - len(line.lstrip()) + FURTHER, width // 2)
    out, now = [], ""
    for part in re.findall(" *[^ ]+", line):  # the narrow space within a figure is no place to break it
        if cell_len(now + part) <= width:
            now += part
            continue
        if now.strip():
            out.append(now)
            part = inward + part.lstrip()
        while cell_len(part) > width:
            first = chop_cells(part, width)[0]
            out.append(first)
            part = inward + part[len(first) :]
        now = part
    return [*out, now]


class Worked(MarkdownFence):
    """Lines that stand as they are where there is room."""

    DEFAULT_CSS = """
    Worked { overflow: hidden; }
    Worked > Label { padding: 0; width: 1fr; }
    """

    @classmethod
    def highlight(cls, code: str, language: str, ansi: bool = False, dark: bool = False) -> Content:
        """The lines."""
        return Content("\n".join(code.splitlines()))

    def set_content(self, content: Content) -> None:
        """Other lines, in the width there is."""
        width, lines = self.size.width, content.plain.splitlines()
        super().set_content(Content("\n".join(piece for line in lines for piece in wrapped(line, width))))

    def on_resize(self) -> None:
        """Other lines fit."""
        self.set_content(self._highlighted_code)


class LessonText(Markdown):
    """A lesson, with its set-off lines whole."""

    BLOCKS: dict[str, type[MarkdownBlock]] = {  # noqa: RUF012  # the toolkit declares it so
        **Markdown.BLOCKS,
        "fence": Worked,
        "code_block": Worked,
    }
