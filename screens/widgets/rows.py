"""Prepared lines in a pane: facts about what is under a cursor, repainted without laying anything out anew."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from screens.widgets.guarded import Guarded


class Rows(Guarded, ScrollView, can_focus=True):
    """Lines of text that scroll; equal lines are not painted again."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Rows { height: 1fr; width: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: list[Text] = []

    @property
    def rows(self) -> Sequence[Text]:
        """What is shown."""
        return self._rows

    def show(self, rows: Sequence[Text | str]) -> None:
        """Shows other lines."""
        texts = [Text(row) if isinstance(row, str) else row for row in rows]
        if texts == self._rows and [t.spans for t in texts] == [t.spans for t in self._rows]:
            return
        self._rows = texts
        self._fit()
        self.refresh()

    def _fit(self) -> None:
        """Lets the lines scroll; where they all fit nothing is laid out anew, which would take the whole screen."""
        count, room = len(self._rows), self.size.height
        if self.virtual_size.height != count and max(self.virtual_size.height, count) > room:
            self.virtual_size = Size(0, count)

    def on_resize(self) -> None:
        """Other lines fit."""
        self._fit()

    def render_line(self, y: int) -> Strip:
        """One line, cut where the pane ends."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        index = y + self.scroll_offset.y
        if not 0 <= index < len(self._rows):
            return Strip.blank(width, base)
        text = self._rows[index].copy()
        text.no_wrap, text.end = True, ""
        text.truncate(width, overflow="ellipsis", pad=True)
        return Strip(
            [Segment(s.text, base + (s.style or Style()), s.control) for s in text.render(self.app.console)], width
        )
