"""A matrix as a picture: cells of numbers, colours, glyphs or digits, their names, a legend.

Only the rows that are seen are pooled and painted, and each is kept as a strip until something changes, so that the
size of the matrix does not matter: a memory-mapped table of 50,257 rows is shown as readily as a 12 by 12 pattern.
Knows nothing of what the numbers mean. Leaves out: what moves the cursor (``heat_map.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip

from screens.widgets.cells import fit
from screens.widgets.guarded import Guarded
from screens.widgets.heat_cells import CELLS, grid_for
from screens.widgets.heat_lines import HeatLines, labels_width
from screens.widgets.heat_paint import Brush, legend
from screens.widgets.heat_pool import Grid, Mask, place_of, row_step, scale_of
from screens.widgets.heat_rows import PooledRows
from screens.widgets.ramps import Look
from screens.widgets.styled_lines import StyledLines

NOTHING = np.zeros((0, 0), np.float32)


class HeatPicture(Guarded, StyledLines):
    """The picture, with a cursor and a pin in it."""

    AUTO_CELLS: ClassVar[tuple[str, ...]] = ("number", "short", "tile", "block")
    """What is drawn if all of the matrix fits so, the first that does; else half blocks."""

    def __init__(self, *, id: str | None = None, classes: str | None = None, look: Look | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows = PooledRows(NOTHING)
        self._row_labels: Sequence[str] = ()
        self._labels_width = 0
        self._column_labels: Sequence[str] = ()
        self._scale = (0.0, 1.0)
        self._signed = self._log = False
        self._look = look or Look()
        self._cells, self._zoom = "auto", 0
        self._grid = Grid(0, 0)
        self._cell = (0, 0)
        self._place: tuple[int, int, float] = (0, 0, float("nan"))
        self._home = (0, 0)  # the value at which the cursor stays when the layout changes
        self._pin: tuple[int, int] | None = None
        self._strips: dict[tuple[int, int], Strip] = {}
        self._brush: Brush | None = None
        self.empty_text = "nothing to show yet"

    # --- what is shown

    def fill(
        self,
        values: NDArray[np.float32] | Any,
        *,
        row_labels: Sequence[str] | None = None,
        column_labels: Sequence[str] | None = None,
        scale: tuple[float, float] | None = None,
        diverging: bool = False,
        log: bool = False,
        mask: Mask | None = None,
    ) -> None:
        """Shows a matrix; cursor, pin and zoom stay where they are if its shape is that of the one before.

        Args:
            values: (rows, columns) floats; may be memory-mapped, only what is painted is read.
            row_labels: one for each row, or none.
            column_labels: one for each column, or none.
            scale: the values at the ends of the ramp; left out, the lowest and the highest (of every n-th row where
                there are more than four million values). A diverging one is made symmetric around zero.
            diverging: whether the sign matters: two colours that meet at zero.
            log: whether colours follow the logarithm; the scale's lower end must then be above zero.
            mask: (rows, columns), True where a cell is left blank.
        """
        same = values.shape == self.values.shape
        self._rows = PooledRows(values, mask)
        self._row_labels, self._column_labels = row_labels or (), column_labels or ()
        self._labels_width = labels_width(self._row_labels)  # of a thousand names it takes as long as all else
        low, high = scale if scale is not None else scale_of(values, mask)
        if diverging:
            low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
        self._scale, self._signed, self._log = (low, high), diverging, log and low > 0
        if not same:
            self._home, self._pin, self._zoom = (0, 0), None, 0
            self.scroll_to(0, 0, animate=False, force=True)
        self._lay_out()
        self._look_up(tell=same)

    def clear(self, text: str = "nothing to show yet") -> None:
        """Shows nothing but a line of text."""
        self.empty_text = text
        self._rows = PooledRows(NOTHING)
        self._pin = None
        self._lay_out()

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self._look = look
        self._lay_out()

    @property
    def values(self) -> Any:
        """The matrix."""
        return self._rows.values

    @property
    def mask(self) -> Mask | None:
        """Where cells are left blank."""
        return self._rows.mask

    @property
    def scale(self) -> tuple[float, float]:
        """The values at the two ends of the ramp."""
        return self._scale

    @property
    def grid(self) -> Grid:
        """How it is laid out now."""
        return self._grid

    @property
    def cells(self) -> str:
        """The kind of cells that is drawn."""
        return self._grid.cells

    @property
    def place(self) -> tuple[int, int, float]:
        """Row, column and value under the cursor; of a pooled cell, those of the value that it shows."""
        return self._place

    @property
    def pin(self) -> tuple[int, int] | None:
        """The pinned row and column."""
        return self._pin

    def set_cells(self, cells: str) -> None:
        """Draws other cells: one of ``CELLS``."""
        assert cells in CELLS
        self._cells = cells
        self._lay_out()

    @property
    def pooling(self) -> tuple[int, int] | None:
        """How many rows and columns of values a cell stands for, by the largest of them; None: each is one value."""
        grid = self._grid
        return (grid.pool_rows, grid.pool_columns) if grid.pooled and grid.rows else None

    def note(self) -> str:
        """What is pooled or sampled, in words; empty if each cell is one value."""
        grid = self._grid
        if not grid.pooled or not grid.rows:
            return ""
        step = row_step(grid)
        sampled = f" of 1 row in {step}" if step > 1 else ""
        return f"1 cell = {grid.pool_rows}×{grid.pool_columns} values, largest |x|{sampled}"

    # --- layout

    @property
    def _header(self) -> int:
        return 1 if self._column_labels else 0

    @property
    def _room(self) -> tuple[int, int]:
        width, height = self.outer_size
        edges = self.gutter
        return width - edges.width - self._labels_width, height - edges.height - self._header - 1

    def _lay_out(self) -> None:
        grid = grid_for(self.values.shape, self._room, self._cells, self._zoom, self._look, self.AUTO_CELLS)
        self._grid = grid
        row, column = self._home[0] // grid.pool_rows, self._home[1] // grid.pool_columns
        self._cell = (max(0, min(row, grid.down - 1)), max(0, min(column, grid.across - 1)))
        self.virtual_size = Size(self._labels_width + grid.width, self._header + grid.lines + 1)
        self._rows.lay_out(grid)
        self._forget_strips()
        self.border_subtitle = self.note()
        self._show_cursor()

    def _forget_strips(self) -> None:
        self._strips.clear()
        self._brush = None
        self.refresh()

    def on_resize(self) -> None:
        """Another room, another pooling."""
        self._lay_out()
        self._look_up()

    def notify_style_update(self) -> None:
        """Another theme, other strips; a frame that has the focus now is none."""
        super().notify_style_update()
        if self._brush is not None and self._brush.base != self.rich_style:
            self._forget_strips()

    # --- painting

    def render_line(self, y: int) -> Strip:
        """One row: labels of the columns, cells, or the legend at the bottom."""
        width, height = self.scrollable_content_region.size
        base = self.base
        if not self._grid.rows or not self._grid.columns:
            lines = self.empty_text.splitlines()
            index = y - max(0, (height - len(lines)) // 2)
            text = fit(lines[index], width) if 0 <= index < len(lines) else ""
            text = text.rstrip()
            strip = Strip([Segment(" " * ((width - cell_len(text)) // 2) + text, base + Style(dim=True))])
            return strip.adjust_cell_length(width, base)
        if self._brush is None or self._brush.base != base:
            self._strips.clear()
            self._rows.forget()
            self._brush = Brush(self._look, *self._scale, self._signed, base, self._grid.cells, self._log)
        if y == height - 1:
            return self._finished(legend(self._brush, width, self._rows.nan_seen), width)
        if y < self._header:
            return self._finished(self._lines(self._brush, base, width).header(), width)
        line = y - self._header + self.scroll_offset.y
        key = (line, self.scroll_offset.x)
        if key not in self._strips:
            if len(self._strips) > 400:
                self._strips.clear()
            self._strips[key] = self._finished(self._lines(self._brush, base, width).cells(line), width)
        return self._strips[key]

    def _finished(self, segments: list[Segment], width: int) -> Strip:
        used = sum([len(segment.text) for segment in segments])  # labels aside, every sign is one cell wide
        if segments and not segments[0].text.isascii():
            used += cell_len(segments[0].text) - len(segments[0].text)
        return Strip(segments, used).adjust_cell_length(width, self.base)

    def _lines(self, brush: Brush, base: Style, width: int) -> HeatLines:
        return HeatLines(
            grid=self._grid,
            rows=self._rows,
            brush=brush,
            base=base,
            row_labels=self._row_labels,
            column_labels=self._column_labels,
            before=self._labels_width,
            width=width,
            scrolled=self.scroll_offset.x,
            ahead=2 * self._room[1],
            cell=self._cell,
            place=self._place,
            marks=self._marks,
        )

    def _marks(self, line: int, first: int, last: int) -> dict[int, str]:
        marks: dict[int, str] = {}
        if self._pin is not None:
            row, column = self._pin[0] // self._grid.pool_rows, self._pin[1] // self._grid.pool_columns
            if row == line and first <= column < last:
                marks[column - first] = "pin"
        row, column = self._cell
        if row == line and first <= column < last:
            marks[column - first] = "cursor"
        return marks

    # --- where the cursor is

    def place_changed(self) -> None:
        """The cursor's cell shows another value now."""

    def _look_up(self, *, tell: bool = True) -> None:
        """Finds the value that the cursor's cell shows."""
        if not self._grid.rows or not self._grid.columns:
            return
        old = self._place
        self._place = place_of(self.values, self._grid, *self._cell, self.mask)
        if tell and repr(old) != repr(self._place):
            self.place_changed()

    def _show_cursor(self) -> None:
        grid = self._grid
        each, line = grid.cell_width, grid.line_of(self._cell[0])
        # The header and the legend lie over the first and the last row, the labels over the first columns.
        region = Region(self._cell[1] * each, line, self._labels_width + each, self._header + grid.tall + 1)
        if self.is_attached and (self.max_scroll_x or self.max_scroll_y):
            self.scroll_to_region(region, animate=False, force=True)
