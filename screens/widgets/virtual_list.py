"""A list of any length: a row is made when it is painted, so a hundred thousand cost no more than forty."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from screens.widgets.guarded import Guarded
from screens.widgets.styled_lines import StyledLines

RowFunction = Callable[[int], Text | str]


class VirtualList(Guarded, StyledLines, can_focus=True):
    """Rows of one line each; the cursor moves by keys and click, ``enter`` or a second click activates."""

    ALLOW_SELECT = False
    MARKS_CURSOR = True
    """Whether the cursor's row is underlined where the list hasn't the focus."""
    DEFAULT_CSS = """
    VirtualList { height: 1fr; width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", show=False, id="list.down", tooltip="one row down"),
        Binding("up,k", "move(-1)", show=False, id="list.up", tooltip="one row up"),
        Binding("pagedown", "page(1)", show=False, id="list.page-down", tooltip="a page down"),
        Binding("pageup", "page(-1)", show=False, id="list.page-up", tooltip="a page up"),
        Binding("home", "to(0)", show=False, id="list.first", tooltip="first row"),
        Binding("end", "to(-1)", show=False, id="list.last", tooltip="last row"),
        Binding("enter", "activate", show=False, id="list.activate", tooltip="open this row"),
    ]
    cursor: reactive[int] = reactive(0, repaint=False)

    class Highlighted(Message):
        """The cursor is on another row."""

        def __init__(self, source: VirtualList, index: int) -> None:
            super().__init__()
            self.source = source
            self.index = index

        @property
        def control(self) -> VirtualList:
            """The list."""
            return self.source

    class Activated(Highlighted):
        """A row was chosen."""

    def __init__(self, length: int = 0, row: RowFunction = str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._length = length
        self._row = row

    def on_mount(self) -> None:
        """The height to scroll over."""
        self.virtual_size = Size(0, self._length)

    @property
    def length(self) -> int:
        """How many rows there are."""
        return self._length

    def fill(self, length: int, row: RowFunction, *, cursor: int | None = None) -> None:
        """Shows other rows; the cursor stays where it is if there is such a row."""
        self._length, self._row = length, row
        self._fit()
        self.cursor = self._inside(self.cursor if cursor is None else cursor)
        self.refresh()

    def _fit(self) -> None:
        """Lets the rows scroll; where they all fit nothing is laid out anew, which would take the whole screen."""
        room, old = self.size.height, self.virtual_size.height
        if old != self._length and max(old, self._length) > room:
            self.virtual_size = Size(0, self._length)

    def on_resize(self) -> None:
        """Other rows fit."""
        self._fit()

    def text_of(self, index: int) -> Text:
        """What stands in a row."""
        row = self._row(index)
        return Text(row, no_wrap=True, end="") if isinstance(row, str) else row.copy()

    def render_line(self, y: int) -> Strip:
        """One row, styled as cursor or not."""
        index = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        base = self.base
        if not 0 <= index < self._length:
            return Strip.blank(width, base)
        text = self.text_of(index)
        text.no_wrap, text.end = True, ""
        text.truncate(width, overflow="ellipsis", pad=True)
        style = base
        if index == self.cursor:
            style = base + Style(reverse=True) if self.has_focus else base + Style(underline=self.MARKS_CURSOR)
        return Strip(
            [Segment(s.text, style + (s.style or Style()), s.control) for s in text.render(self.app.console)], width
        )

    def validate_cursor(self, cursor: int) -> int:
        """Keeps it on a row."""
        return self._inside(cursor)

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaints the two rows, keeps the cursor in sight, tells."""
        if not self.is_attached:
            return
        top, width = self.scroll_offset.y, self.size.width
        self.refresh(Region(0, old - top, width, 1), Region(0, new - top, width, 1))
        self.scroll_to_region(Region(0, new, 1, 1), animate=False, force=True)
        if old != new and self._length:
            self.post_message(self.Highlighted(self, new))

    def on_focus(self) -> None:
        """The cursor looks different with focus."""
        self.refresh()

    def on_blur(self) -> None:
        """And without."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Cursor, or open when the cursor is there already or at a double click."""
        at = event.get_content_offset(self)  # a border is no row
        index = at.y + self.scroll_offset.y if at is not None else -1
        if not 0 <= index < self._length:
            return
        if event.chain >= 2:
            self.post_message(self.Activated(self, index))
        self.cursor = index

    def action_move(self, by: int) -> None:
        """Rows down, or up if negative."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Pages down, or up if negative."""
        self.cursor += by * max(1, self.scrollable_content_region.height - 1)

    def action_to(self, index: int) -> None:
        """To a row; -1 is the last."""
        self.cursor = self._length - 1 if index < 0 else index

    def action_activate(self) -> None:
        """Opens the row under the cursor."""
        if self._length:
            self.post_message(self.Activated(self, self.cursor))

    def _inside(self, index: int) -> int:
        return max(0, min(index, self._length - 1))
