"""The cursor of a strip of tokens, and the pin: how mouse and keys move them, and who is told.

The strip itself (``token_strip.py``) has the tokens, lays them out and paints them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from screens.widgets.guarded import Guarded
from screens.widgets.token_strip_lines import Lines


class CursorStrip(Guarded, ScrollView):
    """Tokens on virtual lines, with a cursor and a pin."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", show=False, id="strip.left", tooltip="the token before"),
        Binding("right,l", "move(1)", show=False, id="strip.right", tooltip="the next token"),
        Binding("up,k", "line(-1)", show=False, id="strip.up", tooltip="a line up"),
        Binding("down,j", "line(1)", show=False, id="strip.down", tooltip="a line down"),
        Binding("pageup", "page(-1)", show=False, id="strip.page-up", tooltip="a page up"),
        Binding("pagedown", "page(1)", show=False, id="strip.page-down", tooltip="a page down"),
        Binding("home", "to(0)", show=False, id="strip.first", tooltip="the first token"),
        Binding("end", "to(-1)", show=False, id="strip.last", tooltip="the last token"),
        Binding("enter", "activate", show=False, id="strip.activate", tooltip="pin this token; again: open it"),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)
    """The token under the cursor."""
    pin: reactive[int | None] = reactive(None, repaint=False)
    """The token that hover cannot leave, underlined; None: none."""

    class Highlighted(Message, namespace="token_strip"):
        """The cursor is on another token."""

        def __init__(self, strip: CursorStrip, index: int) -> None:
            super().__init__()
            self.strip = strip
            self.index = index

        @property
        def control(self) -> CursorStrip:
            """The strip."""
            return self.strip

    class Activated(Highlighted, namespace="token_strip"):
        """A token was opened: ``enter`` on the pinned one, or a double click."""

    class Pinned(Message, namespace="token_strip"):
        """A token was pinned, or (None) let go."""

        def __init__(self, strip: CursorStrip, index: int | None) -> None:
            super().__init__()
            self.strip = strip
            self.index = index

        @property
        def control(self) -> CursorStrip:
            """The strip."""
            return self.strip

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._pieces: list[bytes] = []
        self._lines: Lines | None = None
        self._strips: dict[int, Strip] = {}
        """What was painted, by the row of the screen."""
        self._follow = False
        """Whether the end is kept in sight, and the cursor not."""
        self._hover_at: tuple[int, int] | None = None
        self._hovering = False

    @property
    def _tall(self) -> int:
        """Rows of the screen for each line."""
        return 1

    # --- what counts

    @property
    def length(self) -> int:
        """How many tokens there are."""
        return len(self._pieces)

    @property
    def pieces(self) -> Sequence[bytes]:
        """The bytes of each."""
        return self._pieces

    @property
    def at(self) -> int:
        """The token that counts: the pinned one, else the one under the cursor."""
        return self.cursor if self.pin is None else self.pin

    def go_to(self, index: int) -> None:
        """Moves the cursor, and what is seen with it."""
        self.cursor = index

    def release(self) -> bool:
        """Lets go of the pin; whether there was one."""
        had = self.pin is not None
        if had:
            self.set_pin(None)
        return had

    # --- mouse and keys

    def _token_under(self, x: int, y: int) -> int | None:
        if self._lines is None:
            return None
        return self._lines.at((y + self.scroll_offset.y) // self._tall, x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Hover previews, unless something is pinned or a key spoke last and the mouse lies still."""
        place = (event.screen_x, event.screen_y)
        moved, self._hover_at = place != self._hover_at, place
        if self.pin is not None or not moved:
            return
        index = self._token_under(event.x, event.y)
        if index is not None:
            self._hovering = True
            try:
                self.cursor = index
            finally:
                self._hovering = False

    def on_click(self, event: events.Click) -> None:
        """A click pins, a double click opens."""
        index = self._token_under(event.x, event.y)
        if index is None:
            return
        self.cursor = index
        if event.chain >= 2:
            self.activate(index)
        else:
            self.set_pin(index)

    def action_move(self, by: int) -> None:
        """Tokens on, or back if negative."""
        self.cursor += by

    def action_line(self, by: int) -> None:
        """Lines down, or up if negative; the column stays."""
        if self._lines is None or not self._pieces:
            return
        lines = self._lines
        line, x = lines.line_of(self.cursor), lines.x_of(self.cursor)
        if by > 0:
            line = lines.lines_of(self.cursor)[-1]
            self._ensure(self.cursor + 200 * by)
        line = max(0, min(line + by, lines.count - 1))
        found = lines.at(line, x, nearest=True)
        if found is not None:
            self.cursor = found

    def action_page(self, by: int) -> None:
        """Pages down, or up if negative."""
        page = max(1, self.scrollable_content_region.height // self._tall - 1)
        self.action_line(by * page)

    def action_to(self, index: int) -> None:
        """To a token; -1 is the last."""
        self.cursor = len(self._pieces) - 1 if index < 0 else index

    def action_activate(self) -> None:
        """Pins the token under the cursor; on the pinned one, opens it."""
        if not self._pieces:
            return
        if self.pin == self.cursor:
            self.activate(self.cursor)
        else:
            self.set_pin(self.cursor)

    # --- where it is

    def _inside(self, index: int) -> int:
        return max(0, min(index, len(self._pieces) - 1))

    def validate_cursor(self, cursor: int) -> int:
        """Keeps it on a token."""
        return self._inside(cursor)

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaints the two lines, tells."""
        if not self.is_attached:
            return
        self._ensure(new)
        self._touch(old, new)
        if not self._hovering:
            self._show_cursor()
        if old != new and self._pieces:
            self.post_message(self.Highlighted(self, new))

    def watch_pin(self, old: int | None, new: int | None) -> None:
        """Repaints the lines of both."""
        self._touch(*(index for index in (old, new, self.cursor) if index is not None))

    def _touch(self, *indices: int) -> None:
        """Repaints the lines of some tokens alone."""
        if self._lines is None:
            return
        for index in indices:
            if index < self._lines.laid_out:
                for line in self._lines.lines_of(index):
                    for row in range(line * self._tall, (line + 1) * self._tall):
                        self._strips.pop(row, None)
                        self.refresh(Region(0, row - self.scroll_offset.y, self.size.width, 1))

    def _show_cursor(self) -> None:
        if self._lines is not None and self._pieces and self.is_attached and not self._follow:
            line = self._lines.line_of(self.cursor)
            self.scroll_to_region(Region(0, line * self._tall, 1, self._tall), animate=False, force=True)

    def _ensure(self, index: int) -> None:
        if self._lines is not None and self._lines.laid_out <= index:
            self._lines.run(until=index)
            self.virtual_size = Size(0, self._lines.count * self._tall)

    def activate(self, index: int) -> None:
        """Tells that a token was opened."""
        self.post_message(self.Activated(self, index))

    def set_pin(self, index: int | None) -> None:
        """Pins a token, or lets go, and tells."""
        self.pin = index
        self.post_message(self.Pinned(self, index))

    def on_focus(self) -> None:
        """The cursor looks different with focus."""
        self._touch(self.cursor)

    def on_blur(self) -> None:
        """And without."""
        self._touch(self.cursor)
