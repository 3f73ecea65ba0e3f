"""How mouse and keys move through a strip of tokens; the strip itself lays out, paints and tells."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.scroll_view import ScrollView

from screens.widgets.guarded import Guarded
from screens.widgets.token_strip_lines import Lines


class StripHands(Guarded, ScrollView):
    """Cursor and pin, and what moves them; abstract."""

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

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._pieces: list[bytes] = []
        self._lines: Lines | None = None
        self._hover_at: tuple[int, int] | None = None

    @property
    def _tall(self) -> int:
        """Rows of the screen for each line."""
        raise NotImplementedError

    def _ensure(self, index: int) -> None:
        """Lays out at least up to a token."""
        raise NotImplementedError

    def activate(self, index: int) -> None:
        """Tells that a token was opened."""
        raise NotImplementedError

    def set_pin(self, index: int | None) -> None:
        """Pins a token, or lets go, and tells."""
        raise NotImplementedError

    _hovering = False

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
