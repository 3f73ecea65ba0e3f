"""A text as its tokens, wrapped on virtual lines: only what is seen is painted, so a million tokens scroll like ten.

Tokens are told apart by tints, or by ``│`` where there is no colour. Values from 0 to 1 (a probability, a surprise)
tint them by the ramp, or stand as a row of bars under each line; notes of three characters stand in one more row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip
from textual.timer import Timer

from screens.widgets.cells import fit
from screens.widgets.ramps import Look
from screens.widgets.token_strip_cursor import CursorStrip
from screens.widgets.token_strip_labels import Labels, Mode
from screens.widgets.token_strip_lines import Lines
from screens.widgets.token_strip_paint import Paint

NOTE = 3
"""Characters of a note under a token."""


class TokenStrip(CursorStrip, can_focus=True):
    """Tokens with a cursor; hover or arrows move it, a click or ``enter`` pins, a second one activates."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    TokenStrip {
        height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: auto;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
    }
    """

    mode: reactive[Mode] = reactive("text", repaint=False)
    """What is written: text, ids or bytes."""
    bars: reactive[bool] = reactive(False, repaint=False)
    """A row of bars under each line for the values; on by itself where there is no colour."""
    show_spaces: reactive[bool] = reactive(False, repaint=False)
    """Whether white space is written as signs."""
    break_lines: reactive[bool] = reactive(True, repaint=False)
    """Whether a line end in the text ends the line here."""
    spaced: reactive[bool] = reactive(False, repaint=False)
    """Whether a blank stands between two tokens, for those that leave the text's own out (words)."""
    dim_before: reactive[int] = reactive(0)
    """Tokens before this one are dim (a prompt, what is out of reach)."""

    def __init__(self, *, id: str | None = None, classes: str | None = None, look: Look | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._look = look or Look()
        self._ids: list[int] | None = None
        self._values: list[float] | None = None
        self._notes: list[str] | None = None
        self._marks: Collection[int] = frozenset()
        self._labels = Labels()
        self._slicer: Timer | None = None
        self._strips_of: tuple[object, ...] = ()
        self.empty_text = "nothing here yet"

    # --- what is shown

    @property
    def ids(self) -> Sequence[int] | None:
        """The id of each, where they were given."""
        return self._ids

    @property
    def values(self) -> Sequence[float] | None:
        """The value of each, where they were given."""
        return self._values

    @property
    def marks(self) -> Collection[int]:
        """Tokens (their places) that are marked, such as all of the same id."""
        return self._marks

    @marks.setter
    def marks(self, marks: Collection[int]) -> None:
        if marks != self._marks:
            self._marks = marks
            self._repaint()

    def fill(
        self,
        pieces: Sequence[bytes],
        *,
        ids: Sequence[int] | None = None,
        values: Sequence[float] | None = None,
        follow: bool = False,
    ) -> None:
        """Shows other tokens; the cursor stays where it is if there is such a token, the pin goes.

        Args:
            pieces: the bytes of each token.
            ids: the id of each.
            values: one from 0 to 1 for each; left out, tints alternate.
            follow: keep the end in sight as tokens are added.
        """
        self._pieces = list(pieces)
        self._ids = list(ids) if ids is not None else None
        self._values = list(values) if values is not None else None
        self._follow = follow
        self._notes = None
        self._marks = frozenset()
        if self.pin is not None:
            self.pin = None
        self._lay_out()
        self.cursor = self._inside(self.cursor)

    def extend(
        self, pieces: Sequence[bytes], values: Sequence[float] | None = None, ids: Sequence[int] | None = None
    ) -> None:
        """Adds tokens at the end, as they are generated."""
        if not pieces:
            return
        # The lines look at these very lists, so what is laid out already stays.
        if ids is not None and (self._ids is not None or not self._pieces):
            self._ids = self._ids if self._ids is not None else []
            self._ids.extend(ids)
        if values is not None:
            known = self._values if self._values is not None else [float("nan")] * len(self._pieces)
            known.extend(values)
            self._values = known
        elif self._values is not None:
            self._values.extend([float("nan")] * len(pieces))
        fresh = not self._pieces
        last = self._lines.count - 1 if self._lines is not None else 0
        self._pieces.extend(pieces)
        if fresh or self._lines is None:
            self._lay_out()
            return
        self._lines.run(until=len(self._pieces) if len(pieces) < 1000 else 0)
        self._grow(last)

    def set_values(self, values: Sequence[float] | None) -> None:
        """Other values for the same tokens; None: tints alternate again."""
        had = self._shows_bars
        self._values = list(values) if values is not None else None
        if self._shows_bars != had:
            self._lay_out()
        self._repaint()

    def set_notes(self, notes: Sequence[str] | None) -> None:
        """Writes a few characters under each token (at most ``NOTE``), in a row of their own; None: no such row."""
        had = self._notes is not None
        self._notes = list(notes) if notes is not None else None
        if had != (notes is not None):
            self._lay_out()
        self._repaint()

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        if look != self._look:
            self._look = look
            self._lay_out()

    # --- layout

    @property
    def _plain(self) -> bool:
        return not self._look.ramps

    @property
    def _shows_bars(self) -> bool:
        return self._values is not None and (self.bars or self._plain)

    @property
    def _tall(self) -> int:
        """Rows of the screen for each line."""
        return 1 + self._shows_bars + (self._notes is not None)

    def _lay_out(self) -> None:
        """Begins the layout anew; what a screen shows is there at once, the rest follows in slices."""
        if not self.is_attached:
            return
        # One way to write it, whose labels are made once for all texts.
        labels = Labels(
            self.mode,
            spaces=self.show_spaces or self._plain,
            ascii_only=self._look.ascii,
            least=NOTE + 1 if self._notes is not None else 0,
        )
        if labels.mode == "ids" or not labels.same_as(self._labels):
            self._labels = labels
        gap = 1 if self._plain or self.spaced or self.mode != "text" else 0
        self._lines = Lines(
            self._labels,
            self._pieces,
            self._ids,
            self.scrollable_content_region.width,
            gap=gap,
            break_lines=self.break_lines,
        )
        self._lines.run(until=self._inside(self.cursor))
        self._repaint()
        self._grow(0)
        self.call_after_refresh(self._show_cursor)

    def _grow(self, first: int) -> None:
        """Makes the height fit what is laid out, and goes on with the rest a little later."""
        lines = self._lines
        if lines is None:
            return
        height = lines.count * self._tall
        # A new height lays the whole screen out again: it comes seldom while slices follow each other.
        if lines.finished or height > 2 * self.virtual_size.height:
            self.virtual_size = Size(0, height)
        for line in range(first, first + self.size.height + 1):
            self._strips.pop(line, None)
        self.refresh()
        if not lines.finished and self._slicer is None:
            self._slicer = self.set_timer(0.004, self._next_slice)
        if self._follow and lines.finished:
            self.call_after_refresh(self._follow_end)

    def _next_slice(self) -> None:
        self._slicer = None
        if self._lines is not None:
            self._lines.run()
            self._grow(self._lines.count)

    def _follow_end(self) -> None:
        """Keeps the end in sight; by half a page, since each scrolled line is a whole repaint."""
        page = self.scrollable_content_region.height
        if self.virtual_size.height > self.scroll_offset.y + page:
            self.scroll_to(y=self.virtual_size.height - page + page // 2, animate=False, force=True)

    def on_resize(self, event: events.Resize) -> None:
        """Another width is another layout; the cursor stays in sight."""
        if self._lines is None or self._lines.width != max(1, self.scrollable_content_region.width):
            self._lay_out()

    def on_mount(self) -> None:
        """The first layout."""
        self._lay_out()

    def watch_mode(self) -> None:
        """Another way to write them."""
        self._lay_out()

    def watch_show_spaces(self) -> None:
        """Another way to write them."""
        self._lay_out()

    def watch_break_lines(self) -> None:
        """Other lines."""
        self._lay_out()

    def watch_spaced(self) -> None:
        """Other lines."""
        self._lay_out()

    def watch_bars(self) -> None:
        """Other lines."""
        self._lay_out()

    # --- painting

    def _repaint(self) -> None:
        self._strips.clear()
        self.refresh()

    def watch_dim_before(self) -> None:
        """Other styles."""
        self._repaint()

    def render_line(self, y: int) -> Strip:
        """One line of tokens, or the bars under one."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        row = y + self.scroll_offset.y
        if not self._pieces:
            text = self.empty_text if row == 0 else ""
            return Strip([Segment(text, base + Style(dim=True))]).adjust_cell_length(width, base)
        lines = self._lines
        if lines is None:
            return Strip.blank(width, base)
        key = (base, self.has_focus, width)
        if key != self._strips_of:
            self._strips.clear()
            self._strips_of = key
        strip = self._strips.get(row)
        if strip is None:
            line, under = divmod(row, self._tall)
            what = ("tokens", "bars" if self._shows_bars else "notes", "notes")[under]
            strip = self._painted(lines, line, width, base, what)
            if len(self._strips) > 400:
                self._strips.clear()
            self._strips[row] = strip
        return strip

    def _painted(self, lines: Lines, line: int, width: int, base: Style, what: str) -> Strip:
        paint = Paint(self, self._look)
        segments: list[Segment] = []
        for placed in lines.on(line):
            index = placed.token
            value = self._values[index] if self._values is not None else None
            if what == "bars":
                segments.append(paint.bar(placed, value, base))
            elif what == "notes":
                note = self._notes[index] if self._notes is not None and index < len(self._notes) else ""
                segments.append(Segment(fit(note, placed.label.width), base))
            else:
                segments += paint.token(placed, base + self._style_of(index, paint.style(index, value)))
            if lines.gap:
                segments.append(Segment(" " if what != "tokens" or not self._plain else "│", base + Style(dim=True)))
        return Strip(segments).adjust_cell_length(width, base)

    def _style_of(self, index: int, style: Style) -> Style:
        if index in self._marks:
            style += Style(bold=True, underline=True)
        if index < self.dim_before:
            style += Style(dim=True)
        if index == self.pin:
            style += Style(underline=True, bold=True)
        if index == self.cursor and (self.has_focus or self.pin is None):
            style += Style(reverse=True)
        return style
