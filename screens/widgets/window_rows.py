"""Windows over a text: what a model reads, and below each token the one that it should say next."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from screens.widgets.ramps import Look
from screens.widgets.token_strip_labels import Label, Labels
from screens.widgets.token_strip_paint import tints
from screens.widgets.virtual_list import VirtualList

ROWS = 3
"""Rows for each window: which it is, input, target."""
NAMES = ("input ", "target")


class WindowRows(VirtualList):
    """Three rows a window; a token has the same tint in every row, so that the shift by one can be seen."""

    MARKS_CURSOR = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pieces: Sequence[bytes] = ()
        self._ids: Sequence[int] = ()
        self._reads, self._stride, self._count = 1, 1, 0
        self._look = Look()
        self._labels = Labels()
        self._drawn: dict[int, Text] = {}

    def show(self, pieces: Sequence[bytes], ids: Sequence[int], count: int, context_length: int, stride: int) -> None:
        """Other windows; the first one in sight stays in sight.

        Args:
            pieces: the bytes of all tokens.
            ids: their ids.
            count: how many windows there are.
            context_length: tokens in each.
            stride: tokens from the start of one to that of the next.
        """
        self._pieces, self._ids = pieces, ids
        self._reads, self._stride, self._count = context_length, stride, count
        self._drawn.clear()
        self.fill(count * ROWS, self._row_text)

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self._look = look
        self._labels = Labels(ascii_only=look.ascii)
        self._drawn.clear()
        self.refresh()

    @property
    def window(self) -> int:
        """The window under the cursor."""
        return self.cursor // ROWS

    def _row_text(self, row: int) -> Text:
        window, part = divmod(row, ROWS)
        start = window * self._stride
        if part == 0:
            end = start + self._reads
            return Text(f"window {window + 1:,} of {self._count:,} · tokens {start + 1:,}–{end:,}", "dim", no_wrap=True)
        text = Text(f"{NAMES[part - 1]}  ", "dim", no_wrap=True)
        room = self.scrollable_content_region.width
        ground = tints(self, self._look)
        for i in range(start, start + self._reads):
            upper, lower = self._label(i), self._label(i + 1)
            wide = max(upper.width, lower.width)
            label, index = (upper, i) if part == 1 else (lower, i + 1)
            style = ground[index % len(ground)] if ground else Style(dim=False)
            text.append(label.text + " " * (wide - label.width), style + Style(dim=False))
            text.append("│" if not ground else " ", Style(dim=True))
            if text.cell_len > room:
                break
        return text

    def _label(self, index: int) -> Label:
        return self._labels.of(self._pieces[index], self._ids[index])
