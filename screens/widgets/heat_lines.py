"""The lines of a heat map: cells with the names of their rows before them, and a line of the columns' names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from screens.widgets.cells import fit, spread
from screens.widgets.heat_paint import Brush, Levels, cut, paint_cells, paint_halves
from screens.widgets.heat_pool import Grid
from screens.widgets.heat_rows import PooledRows

LABEL_MOST = 14
"""Columns that row labels may take."""


def labels_width(labels: Sequence[str]) -> int:
    """Columns of the terminal that the names of rows take.

    >>> labels_width(["a", "layer 10"]), labels_width([])
    (9, 0)
    """
    return min(LABEL_MOST, max(map(cell_len, labels))) + 1 if labels else 0


@dataclass(frozen=True, slots=True)
class HeatLines:
    """What all lines of one picture have in common."""

    grid: Grid
    rows: PooledRows
    brush: Brush
    base: Style
    row_labels: Sequence[str]
    column_labels: Sequence[str]
    before: int
    """Columns of the terminal that the row labels take."""
    width: int
    """Columns of the terminal, labels included."""
    scrolled: int
    """Columns of the terminal that are scrolled out on the left."""
    ahead: int
    """Rows to pool at once."""
    cell: tuple[int, int]
    """Where the cursor is, in cells."""
    place: tuple[int, int, float]
    """Row, column and value of the matrix there."""
    marks: Callable[[int, int, int], dict[int, str]]
    """What is marked in a row of cells, from a first column to a last (exclusive), by the column from the first."""

    def cells(self, line: int) -> list[Segment]:
        """One line of cells, its name before it."""
        grid, brush = self.grid, self.brush
        if line >= grid.lines:
            return []
        first, last, off = self._seen()
        top, written = grid.row_of(line), line % grid.tall == grid.tall // 2

        def levels(row: int) -> Levels:
            return self.rows.row(row, brush, self.ahead)[0][first:last]

        if grid.cells == "half":
            lower = levels(top + 1) if top + 1 < grid.down else None
            both = {(c, half): sign for half in (0, 1) for c, sign in self.marks(top + half, first, last).items()}
            segments = paint_halves(brush, levels(top), lower, both, wide=grid.wide)
        else:
            values = self.rows.row(top, brush, self.ahead)[1][first:last]
            marks = self.marks(top, first, last)
            segments = paint_cells(brush, levels(top), values, marks, written=written, pad=grid.pad)
        seen = (last - first) * grid.cell_width
        if off or seen > self.width - self.before:
            segments = cut(segments, off, off + self.width - self.before)
        return [*self._row_label(top, written), *segments]

    def header(self) -> list[Segment]:
        """The names of the columns, that of the cursor's first, as many others as there is room for."""
        first, last, off = self._seen()
        each = self.grid.cell_width
        cells = [" "] * ((last - first) * each + LABEL_MOST)
        free = 0
        for column in [self.cell[1], *range(first, last)]:
            at = (column - first) * each + self.grid.pad // 2
            here = column == self.cell[1]
            signs = spread(self._column_label(column, here))
            taken = cells[max(0, at - 1) : at + len(signs) + 1]
            if at >= free and 0 <= at < len(cells) and not "".join(taken).strip():
                cells[at : at + len(signs)] = signs
                free = 0 if here else at + len(signs) + 1
        seen = cells[off : off + self.width - self.before]
        if seen and not seen[0]:  # the second half of a wide sign
            seen[0] = " "
        return [Segment(" " * self.before + "".join(seen), self.base)]

    def _seen(self) -> tuple[int, int, int]:
        """First and last (exclusive) column of cells that are seen, and the terminal's columns cut off the first."""
        each = self.grid.cell_width
        first, off = divmod(self.scrolled, each)
        return first, min(self.grid.across, first + (self.width - self.before) // each + 2), off

    def _column_label(self, column: int, here: bool) -> str:
        index = self.place[1] if here else column * self.grid.pool_columns
        label = self.column_labels[index] if index < len(self.column_labels) else ""
        if self.grid.cells == "tile":  # a column's name stands over each
            return set_cell_size(label, 2)
        if self.grid.cells != "half":
            room = self.grid.cell_width - self.grid.pad // 2 - 1
            return fit(label, max(room, min(cell_len(label), 3)))
        return set_cell_size(label, min(cell_len(label), LABEL_MOST))

    def _row_label(self, row: int, written: bool) -> list[Segment]:
        if not self.row_labels:
            return []
        if not written:
            return [Segment(" " * self.before, self.base)]
        here = row <= self.cell[0] < row + self.grid.each
        first = self.place[0] if here else row * self.grid.pool_rows
        label = self.row_labels[first] if first < len(self.row_labels) else ""
        style = self.base + (Style(bold=True) if here else Style(dim=True))
        return [Segment(fit(label, self.before - 1) + " ", style)]
