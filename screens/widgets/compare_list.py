"""The same text cut by several tokenizers: a row each with a bar as long as its tokens; a click takes that one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual import events

from screens.widgets.cells import fit
from screens.widgets.ramps import series
from screens.widgets.virtual_list import VirtualList

EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class CompareRow:
    """One tokenizer: its count, what is said behind the bar, and whether it is the current one."""

    label: str
    tokens: int | None
    """None: it has nothing to say about this text; ``note`` says why."""
    note: str
    current: bool = False


def bar(value: float, most: float, room: int, *, ascii_only: bool = False) -> str:
    """A bar in eighths of a cell.

    >>> bar(1, 2, 4), bar(0, 2, 4), bar(2, 2, 4, ascii_only=True)
    ('██', '', '####')
    """
    if most <= 0 or room <= 0:
        return ""
    eighths = round(value / most * room * 8)
    if ascii_only:
        return "#" * round(eighths / 8)
    full, rest = divmod(eighths, 8)
    return "█" * full + (EIGHTHS[rest] if rest else "")


class CompareList(VirtualList):
    """Rows of the comparison; ``enter`` or one click activates."""

    MARKS_CURSOR = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Sequence[CompareRow] = ()
        self._ascii_only = self._plain = False

    def wear(self, *, plain: bool, ascii_only: bool) -> None:
        """Draws as the terminal can show it."""
        self._plain, self._ascii_only = plain, ascii_only
        self.refresh()

    def show(self, rows: Sequence[CompareRow]) -> None:
        """Shows other rows."""
        if list(rows) != list(self._rows):
            self._rows = list(rows)
            self.fill(len(rows), self._row_text)

    def _row_text(self, index: int) -> Text:
        row = self._rows[index]
        width = self.scrollable_content_region.width
        names = min(18, max([len(r.label) for r in self._rows] + [4]))
        counts = max(len(f"{r.tokens:,}") for r in self._rows if r.tokens is not None) if self._counted else 1
        room = max(6, min(36, width - names - counts - 52))
        text = Text(no_wrap=True)
        text.append("▸" if row.current else " ", "bold")
        text.append(fit(row.label, names) + " ", "bold" if row.current else "")
        if row.tokens is None:
            text.append(f"{'–':>{counts}}         {row.note}", "dim")
            return text
        text.append(f"{row.tokens:>{counts},} tokens  ")
        most = max(r.tokens or 0 for r in self._rows)
        drawn = bar(row.tokens, most, room, ascii_only=self._ascii_only)
        colours = series(self.app.current_theme.dark)
        color = "" if self._plain else colours[index % len(colours)]
        text.append(fit(drawn, room) + "  ", color)
        text.append(row.note)
        return text

    @property
    def _counted(self) -> bool:
        return any(row.tokens is not None for row in self._rows)

    def on_click(self, event: events.Click) -> None:
        """One click takes the row."""
        index = event.y + self.scroll_offset.y
        if 0 <= index < self.length:
            event.prevent_default()
            self.cursor = index
            self.post_message(self.Activated(self, index))
