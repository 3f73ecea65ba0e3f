"""Words as points of a plane: labels that never cover one another, dots where there are thousands; zoom, pan, a cursor.

Drawn on the grid of cells, not by a plot library: a label's place is chosen cell by cell (``word_map_layout``). Knows
nothing of vectors: it gets points, labels and the number of each point's group.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from screens.widgets.guarded import Guarded
from screens.widgets.ramps import Look
from screens.widgets.word_map_layout import Window, cells_of, nearest_in, step_to, window_of
from screens.widgets.word_map_paint import MapFigure, MapPainter

REACH = 4.0
"""Cells within which the mouse takes a point."""
ZOOM = 1.5


class WordMap(Guarded, Widget, can_focus=True):
    """The map: arrows go to the next point, shift+arrows pan, ``+`` ``-`` zoom, ``0`` shows all, ``enter`` takes it."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "WordMap { width: 1fr; height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1,0)", show=False, id="map.left", tooltip="to the next point on the left"),
        Binding("right,l", "step(1,0)", show=False, id="map.right", tooltip="to the next point on the right"),
        Binding("up,k", "step(0,-1)", show=False, id="map.up", tooltip="to the next point above"),
        Binding("down,j", "step(0,1)", show=False, id="map.down", tooltip="to the next point below"),
        Binding("home", "jump(-1)", show=False, id="map.first", tooltip="the point before, in their order"),
        Binding("end", "jump(1)", show=False, id="map.next", tooltip="the point after, in their order"),
        Binding("shift+left,H", "pan(-1,0)", show=False, id="map.pan-left", tooltip="pan to the left"),
        Binding("shift+right,L", "pan(1,0)", show=False, id="map.pan-right", tooltip="pan to the right"),
        Binding("shift+up,K", "pan(0,1)", show=False, id="map.pan-up", tooltip="pan up"),
        Binding("shift+down", "pan(0,-1)", show=False, id="map.pan-down", tooltip="pan down"),
        Binding("plus,equals_sign", "zoom_map(1)", show=False, id="map.zoom-in", tooltip="closer, around the cursor"),
        Binding("minus", "zoom_map(-1)", show=False, id="map.zoom-out", tooltip="farther"),
        Binding("0", "fit", show=False, id="map.fit", tooltip="all points again"),
        Binding("enter", "activate", show=False, id="map.activate", tooltip="take this word"),
    ]

    class Highlighted(Message):
        """The cursor is on another point."""

        def __init__(self, word_map: WordMap, index: int) -> None:
            super().__init__()
            self.word_map = word_map
            self.index = index

        @property
        def control(self) -> WordMap:
            """The map."""
            return self.word_map

    class Noted(Message):
        """What is not seen is another thing now: another window, another room."""

        def __init__(self, word_map: WordMap, note: str) -> None:
            super().__init__()
            self.word_map = word_map
            self.note = note

        @property
        def control(self) -> WordMap:
            """The map."""
            return self.word_map

    class Activated(Highlighted):
        """``enter``, or a second click."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._figure = MapFigure()
        self._look = Look()
        self._cursor = 0
        self._window = self._whole = window_of(self._figure.xy)
        self._painter: MapPainter | None = None
        self._painted_for: object = None
        self._noted = ""
        self.empty_text = "nothing to show yet"

    # --- what is shown

    @property
    def figure(self) -> MapFigure:
        """What is shown."""
        return self._figure

    @property
    def cursor(self) -> int:
        """The point under the cursor."""
        return self._cursor

    @property
    def label(self) -> str:
        """Its label; empty where there is no point."""
        labels = self._figure.labels
        return labels[self._cursor] if self._cursor < len(labels) else ""

    @property
    def window(self) -> Window:
        """The part of the plane that is seen."""
        return self._window

    @property
    def labelled(self) -> frozenset[int]:
        """The points whose labels can be read now."""
        return frozenset(self._painted().placed)

    def show(self, figure: MapFigure, *, cursor: int | None = None, keep_window: bool = False) -> None:
        """Shows other points; the cursor stays on its word where that is among them."""
        assert figure.xy.shape == (len(figure.labels), 2), f"{figure.xy.shape} points, {len(figure.labels)} labels"
        before = self.label
        self._figure = figure
        if cursor is None:
            cursor = next((i for i, word in enumerate(figure.labels) if word == before), 0)
        self._cursor = max(0, min(cursor, len(figure.labels) - 1))
        self._whole = window_of(figure.xy)
        if not keep_window:
            self._window = self._whole
        self._redraw()

    def clear(self, text: str) -> None:
        """Shows nothing but a line of text."""
        self.empty_text = text
        self.show(MapFigure())

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self._look = look
        self._redraw()

    def note(self, *, brief: bool = False) -> str:
        """What is not seen, in words, or in as few of them as can be; empty if all is."""
        xy = self._figure.xy
        if not len(xy):
            return ""
        painter = self._painted()
        bad = int((~np.isfinite(xy).all(axis=1)).sum())
        seen = int((painter.columns >= 0).sum())
        notes = []
        if self._figure.dotted:
            dots = f"{seen:,} dots"
            notes.append(dots if brief else f"{dots} · labels near the cursor")
        elif seen > len(painter.placed):
            hidden = seen - len(painter.placed)
            notes.append(
                f"{hidden} hidden" if brief else f"{hidden} of {seen} labels {'has' if hidden == 1 else 'have'} no room"
            )
        if len(xy) - bad > seen:
            notes.append(f"{len(xy) - bad - seen} outside")
        if bad:
            notes.append(f"{bad} without a place (no numbers)")
        if self._window != self._whole:
            notes.append(f"{self._window.share_of(self._whole):.1f}×" + ("" if brief else " · 0 shows all"))
        return " · ".join(notes)

    # --- moving

    def go_to(self, index: int, *, tell: bool = False) -> bool:
        """Puts the cursor on a point, which is brought into sight; says whether there is such a point."""
        if not 0 <= index < len(self._figure.labels):
            return False
        moved, self._cursor = index != self._cursor, index
        self._bring_into_sight()
        self._changed()
        if moved and tell:
            self.post_message(self.Highlighted(self, index))
        return True

    def go_to_word(self, word: str, *, tell: bool = False) -> bool:
        """Puts the cursor on a word; says whether it is on the map."""
        for index, label in enumerate(self._figure.labels):
            if label == word:
                return self.go_to(index, tell=tell)
        return False

    def find(self, text: str, *, after: bool = False) -> bool:
        """Goes to the next word that begins with a text, else to one that has it; case does not matter."""
        wanted, labels = text.casefold(), [label.casefold().lstrip("·") for label in self._figure.labels]
        start = self._cursor + 1 if after else self._cursor
        order = [*range(start, len(labels)), *range(start)] if labels else []
        for fits in (str.startswith, str.__contains__):
            for index in order:
                if wanted and fits(labels[index], wanted):
                    return self.go_to(index, tell=True)
        return False

    def _bring_into_sight(self) -> None:
        x, y = (float(v) for v in self._figure.xy[self._cursor])
        window = self._window
        if not (np.isfinite(x) and np.isfinite(y)):
            return
        if not (window.left <= x <= window.right and window.bottom <= y <= window.top):
            middle = ((window.left + window.right) / 2, (window.bottom + window.top) / 2)
            across = (x - middle[0]) / (window.right - window.left)
            up = (y - middle[1]) / (window.top - window.bottom)
            self._window = window.moved(across, up)

    def action_step(self, across: int, down: int) -> None:
        """The nearest point in a direction."""
        if not self._figure.labels:
            return
        columns, rows = cells_of(self._figure.xy, self._window, 4 * self._wide, 4 * self._high)
        if columns[self._cursor] < 0:
            found = nearest_in(columns, rows, (2.0 * self._wide, 2.0 * self._high), 1)
            self.go_to(found[0] if found else self._cursor, tell=True)
            return
        self.go_to(step_to(columns, rows, self._cursor, across, down), tell=True)

    def action_jump(self, by: int) -> None:
        """The next point in the order in which they were given."""
        if self._figure.labels:
            self.go_to((self._cursor + by) % len(self._figure.labels), tell=True)

    def action_pan(self, across: int, up: int) -> None:
        """A quarter of the window aside."""
        self._window = self._window.moved(across / 4, up / 4)
        self._changed()

    def action_zoom_map(self, by: int) -> None:
        """Closer or farther around the cursor."""
        self.zoom(ZOOM if by > 0 else 1 / ZOOM)

    def zoom(self, factor: float) -> None:
        """So many times closer, the cursor's point staying where it is."""
        at = None
        if self._cursor < len(self._figure.xy):
            x, y = (float(v) for v in self._figure.xy[self._cursor])
            at = (x, y) if np.isfinite(x) and np.isfinite(y) else None
        zoomed = self._window.zoomed(factor, at)
        if 1 / 4 <= zoomed.share_of(self._whole) <= 1000:
            self._window = zoomed
            self._changed()

    def action_fit(self) -> None:
        """All points."""
        self._window = self._whole
        self._changed()

    def release(self) -> bool:
        """Shows all points again (``esc``); says whether that was another window."""
        had = self._window != self._whole
        if had:
            self.action_fit()
        return had

    def action_activate(self) -> None:
        """Takes the word under the cursor."""
        if self._figure.labels:
            self.post_message(self.Activated(self, self._cursor))

    def _point_at(self, event: events.MouseEvent) -> int | None:
        at = event.get_content_offset(self)
        if at is None or not self._figure.labels:
            return None
        painter = self._painted()
        for index, label in painter.placed.items():
            if label.row == at.y and label.column <= at.x < label.column + painter.length(index):
                return index
        found = nearest_in(painter.columns, painter.rows, (at.x, at.y), 1, REACH)
        return found[0] if found else None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The cursor follows the mouse."""
        found = self._point_at(event)
        if found is not None:
            self.go_to(found, tell=True)

    def on_click(self, event: events.Click) -> None:
        """Cursor; a second click takes the word."""
        found = self._point_at(event)
        if found is None:
            return
        self.go_to(found, tell=True)
        if event.chain >= 2:
            self.post_message(self.Activated(self, found))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Closer."""
        event.stop()
        self.zoom(ZOOM)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Farther."""
        event.stop()
        self.zoom(1 / ZOOM)

    def on_focus(self) -> None:
        """The cursor looks different with focus."""
        self._changed()

    def on_blur(self) -> None:
        """And without."""
        self._changed()

    # --- drawing

    @property
    def _wide(self) -> int:
        return max(1, self.content_size.width)

    @property
    def _high(self) -> int:
        return max(1, self.content_size.height)

    def notify_style_update(self) -> None:
        """Another theme."""
        super().notify_style_update()
        self._redraw()

    def on_resize(self) -> None:
        """Another room."""
        self._redraw()

    def on_show(self) -> None:
        """In sight again, maybe in the room it had."""
        self._redraw()

    def _redraw(self) -> None:
        self._painter = None
        if self.is_attached:
            self.refresh()
            self._tell_note()

    def _tell_note(self) -> None:
        if self._figure.labels and not self.content_size:  # what is not in sight has no room for any label
            return
        note = self.note()
        if note != self._noted:
            self._noted = note
            self.border_subtitle = note
            self.post_message(self.Noted(self, note))

    def _changed(self) -> None:
        """Draws anew and repaints the rows that became different."""
        before = self._lines()
        self._painter = None
        after = self._lines()
        if len(before) != len(after):
            self.refresh()
        else:
            x, y = self.gutter.left, self.gutter.top
            for row, (old, new) in enumerate(zip(before, after, strict=True)):
                if old != new:
                    self.refresh(Region(x, y + row, self._wide, 1))
        self._tell_note()

    def render_line(self, y: int) -> Strip:
        """One row."""
        lines = self._lines()
        return lines[y] if y < len(lines) else Strip.blank(self._wide, self.rich_style)

    def _lines(self) -> list[Strip]:
        if self._figure.labels:
            return self._painted().strips
        lines = [Strip.blank(self._wide, self.rich_style) for _ in range(self._high)]
        text = self.empty_text.center(self._wide)[: self._wide]
        lines[self._high // 2] = Strip([Segment(text, self.rich_style + Style(dim=True))], self._wide)
        return lines

    def _painted(self) -> MapPainter:
        size, base = (self._wide, self._high), self.rich_style
        if self._painter is None or self._painted_for != (size, base, self.has_focus):
            self._painted_for = (size, base, self.has_focus)
            self._painter = MapPainter(self._figure, self._window, size, self._cursor, self._look, base, self.has_focus)
        return self._painter
