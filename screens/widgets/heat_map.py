"""A picture of a matrix to look into: keys and mouse move its cursor, pin a value, zoom, and change its cells."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message

from screens.widgets.heat_cells import drawable
from screens.widgets.heat_picture import HeatPicture


class HeatMap(HeatPicture, can_focus=True):
    """The picture; arrows or the mouse move the cursor, ``enter`` pins, ``+`` and ``-`` zoom, ``#`` other cells."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    HeatMap { width: 1fr; height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1,0)", show=False, id="heat.up", tooltip="one row of cells up"),
        Binding("down,j", "move(1,0)", show=False, id="heat.down", tooltip="one row of cells down"),
        Binding("left,h", "move(0,-1)", show=False, id="heat.left", tooltip="one cell to the left"),
        Binding("right,l", "move(0,1)", show=False, id="heat.right", tooltip="one cell to the right"),
        Binding("pageup", "page(-1)", show=False, id="heat.page-up", tooltip="a page up"),
        Binding("pagedown", "page(1)", show=False, id="heat.page-down", tooltip="a page down"),
        Binding("home", "move(0,-1000000)", show=False, id="heat.home", tooltip="first column"),
        Binding("end", "move(0,1000000)", show=False, id="heat.end", tooltip="last column"),
        Binding("enter", "pin", show=False, id="heat.pin", tooltip="pin this cell; again: open it"),
        Binding("plus,equals_sign", "zoom_cells(1)", show=False, id="heat.zoom-in", tooltip="fewer values in a cell"),
        Binding("minus", "zoom_cells(-1)", show=False, id="heat.zoom-out", tooltip="more values in a cell"),
        Binding("number_sign", "cells", show=False, id="heat.cells", tooltip="half blocks, blocks, numbers, glyphs"),
    ]

    class Highlighted(Message):
        """The cursor is on another value."""

        def __init__(self, heat_map: HeatMap, row: int, column: int, value: float) -> None:
            super().__init__()
            self.heat_map = heat_map
            self.row = row
            self.column = column
            self.value = value
            """NaN also where the cell is masked."""

        @property
        def control(self) -> HeatMap:
            """The map."""
            return self.heat_map

    class Pinned(Message):
        """A value is pinned, or none any more."""

        def __init__(self, heat_map: HeatMap, place: tuple[int, int] | None) -> None:
            super().__init__()
            self.heat_map = heat_map
            self.place = place

        @property
        def control(self) -> HeatMap:
            """The map."""
            return self.heat_map

    class Activated(Highlighted):
        """``enter`` on the pinned value, or a double click."""

    # --- cursor and pin

    def place_changed(self) -> None:
        """Tells."""
        self.post_message(self.Highlighted(self, *self._place))

    def go_to(self, row: int, column: int) -> None:
        """Puts the cursor on the cell that stands for a value of the matrix."""
        self._go(row // self._grid.pool_rows, column // self._grid.pool_columns)

    def _go(self, row: int, column: int) -> None:
        if not self._grid.rows or not self._grid.columns:
            return
        cell = (max(0, min(row, self._grid.down - 1)), max(0, min(column, self._grid.across - 1)))
        if cell == self._cell:
            return
        old, self._cell = self._cell, cell
        self._home = (cell[0] * self._grid.pool_rows, cell[1] * self._grid.pool_columns)
        tops = (self._grid.line_of(old[0]), self._grid.line_of(cell[0]))
        lines = {top + i for top in tops for i in range(self._grid.tall)}
        for key in [k for k in self._strips if k[0] in lines]:
            del self._strips[key]
        width = self.size.width
        top = self._header - self.scroll_offset.y
        changed = [Region(0, top + line, width, 1) for line in lines]
        self._look_up()
        self.refresh(*changed, *([Region(0, 0, width, 1)] if self._header else []))
        self._show_cursor()

    def action_move(self, down: int, across: int) -> None:
        """The cursor by so many cells."""
        self._go(self._cell[0] + down, self._cell[1] + across)

    def action_page(self, by: int) -> None:
        """The cursor by pages."""
        self.action_move(by * max(1, self._grid.row_of(self._room[1] - 1)), 0)

    def action_zoom_cells(self, by: int) -> None:
        """Fewer values in a cell, or more."""
        if by > 0 and not self._grid.pooled:
            return
        self._zoom, self._home = max(0, self._zoom + by), self._place[:2]
        self._lay_out()
        self._look_up()

    def action_cells(self) -> None:
        """The next kind of cells."""
        kinds = drawable(self._look)
        now = self._grid.cells
        self.set_cells(kinds[(kinds.index(now) + 1) % len(kinds)] if now in kinds else kinds[0])
        self._look_up()

    def action_pin(self) -> None:
        """Pins the value; again: opens it."""
        here = self._place[:2]
        if not self._grid.rows:
            return
        if self._pin == here:
            self.post_message(self.Activated(self, *self._place))
            return
        self._set_pin(here)

    def release(self) -> bool:
        """Lets go of the pin; says whether there was one."""
        had = self._pin is not None
        if had:
            self._set_pin(None)
        return had

    def _set_pin(self, place: tuple[int, int] | None) -> None:
        self._pin = place
        self._forget_strips()
        self.post_message(self.Pinned(self, place))

    def _cell_at(self, x: int, y: int) -> tuple[int, int] | None:
        column = (x - self._labels_width + self.scroll_offset.x) // self._grid.cell_width
        row = self._grid.row_of(y - self._header + self.scroll_offset.y)
        inside = x >= self._labels_width and self._header <= y < self.scrollable_content_region.height - 1
        return (row, column) if inside and row < self._grid.down and column < self._grid.across else None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The cursor follows the mouse, unless a value is pinned."""
        at = event.get_content_offset(self)
        cell = self._cell_at(at.x, at.y) if at is not None and self._pin is None else None
        if cell is not None:
            self._go(*cell)

    def on_click(self, event: events.Click) -> None:
        """Pins, or opens at a double click."""
        at = event.get_content_offset(self)
        cell = self._cell_at(at.x, at.y) if at is not None else None
        if cell is None:
            return
        self._go(*cell)
        if event.chain >= 2:
            self.post_message(self.Activated(self, *self._place))
        else:
            self._set_pin(self._place[:2])
