"""From a matrix to the few cells that a picture of it has: pooling by the largest absolute value, and what fits where.

Pure functions on arrays. A pooled cell shows the value, sign kept, that is farthest from zero among those it stands
for; a NaN among them makes the whole cell NaN. Leaves out drawing (``heat_paint.py``) and the widget (``heat_map.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]

CELL_WIDTHS = {"number": 8, "short": 5, "tile": 3, "block": 2, "half": 1, "glyph": 2, "digit": 2}
"""Columns of the terminal for one cell of the picture; ``half`` puts two cells above each other into each."""
NUMBERS = ("number", "short")
"""The kinds that write each value out."""
WIDEST, TALLEST = 3, 3
"""How many times its width a half block may take, and how many rows a number with few columns."""
LARGE, LARGEST = 10, 32
"""Columns that a number may take where there is room, from these on: twice as many as rows, which is about a square."""
BUDGET = 1 << 16
"""Values that are read for one row of cells at most; of a larger band, every n-th row of the matrix is read."""


@dataclass(frozen=True, slots=True)
class Grid:
    """How a matrix is laid out in cells."""

    rows: int
    """Of the matrix."""
    columns: int
    pool_rows: int = 1
    """Rows of the matrix in one cell."""
    pool_columns: int = 1
    cells: str = "block"
    wide: int = field(default=1, repr=False)
    """How many times the columns of its kind each cell takes."""
    pad: int = field(default=0, repr=False)
    """Columns around each number, half of them before it."""
    tall: int = field(default=1, repr=False)
    """Rows of the terminal for each row of cells; for each two of half blocks."""

    @property
    def across(self) -> int:
        """Cells in a row."""
        return -(-self.columns // self.pool_columns)

    @property
    def down(self) -> int:
        """Rows of cells."""
        return -(-self.rows // self.pool_rows)

    @property
    def width(self) -> int:
        """Columns of the terminal for a whole row."""
        return self.across * self.cell_width

    @property
    def cell_width(self) -> int:
        """Columns of the terminal for one cell."""
        return CELL_WIDTHS[self.cells] * self.wide + self.pad

    @property
    def each(self) -> int:
        """Rows of cells that share a row of the terminal."""
        return 2 if self.cells == "half" else 1

    @property
    def lines(self) -> int:
        """Rows of the terminal for all."""
        return self.line_of(self.down + self.each - 1)

    def line_of(self, row: int) -> int:
        """The first row of the terminal that shows a row of cells.

        >>> Grid(9, 9, cells="half").line_of(5), Grid(4, 4, cells="number", tall=3).line_of(2)
        (2, 6)
        """
        return row // self.each * self.tall

    def row_of(self, line: int) -> int:
        """The first row of cells that a row of the terminal shows.

        >>> Grid(9, 9, cells="half").row_of(2), Grid(4, 4, cells="number", tall=3).row_of(7)
        (4, 2)
        """
        return line // self.tall * self.each

    @property
    def pooled(self) -> bool:
        """Whether a cell stands for more than one value."""
        return self.pool_rows > 1 or self.pool_columns > 1

    def band(self, row: int) -> tuple[int, int]:
        """The matrix's rows of a row of cells: first, and one beyond the last."""
        first = row * self.pool_rows
        return first, min(self.rows, first + self.pool_rows)

    def strip(self, column: int) -> tuple[int, int]:
        """The matrix's columns of a column of cells."""
        first = column * self.pool_columns
        return first, min(self.columns, first + self.pool_columns)


def lay_out(
    shape: tuple[int, int],
    room: tuple[int, int],
    cells: str,
    zoom: int = 0,
    *,
    halves: bool = True,
    auto: Sequence[str] = ("number", "block"),
) -> Grid:
    """The grid that fits a matrix into a room, or one that shows it larger.

    Args:
        shape: rows and columns of the matrix.
        room: columns and rows of the terminal.
        cells: ``auto`` or a kind of ``CELL_WIDTHS``. Auto takes the first of ``auto`` in which all of the matrix fits,
            else half blocks.
        zoom: 0 fits the whole; each step more halves how many values share a cell.
        halves: whether half blocks may be drawn (they need colour); without colour a number takes one row, too.
        auto: what is tried, in this order; glyphs stand for blocks where there is no colour.

    >>> lay_out((1024, 1024), (80, 20), "half")
    Grid(rows=1024, columns=1024, pool_rows=26, pool_columns=13, cells='half')
    >>> lay_out((4, 4), (80, 20), "auto").cells, lay_out((16, 16), (80, 20), "auto").cells
    ('number', 'block')
    """
    rows, columns = shape
    width, height = max(1, room[0]), max(1, room[1])
    if cells == "auto":
        fits = [
            k
            for k in (("glyph" if k in ("block", "tile") and not halves else k) for k in auto)
            if columns * CELL_WIDTHS[k] <= width and rows <= height
        ]
        cells = fits[0] if fits else "half" if halves else "glyph"
    down, across = height * (2 if cells == "half" else 1), max(1, width // CELL_WIDTHS[cells])
    shrink = 1 << max(0, zoom)
    if cells in NUMBERS:  # the greatest of many is no number to be read
        return _numbers(Grid(rows, columns, 1, 1, cells), width, height) if halves else Grid(rows, columns, 1, 1, cells)
    pooled = (_share(_share(rows, down), shrink), _share(_share(columns, across), shrink))
    grid = Grid(rows, columns, *pooled, cells)
    if cells == "half":
        grid = replace(grid, wide=min(WIDEST, max(1, width // max(1, grid.across))))
    elif cells == "tile" and pooled == (1, 1):  # three columns by two rows are about a square
        grid = replace(grid, tall=2 if 2 * rows <= height else 1)
    return grid


def _numbers(grid: Grid, width: int, height: int) -> Grid:
    """Numbers as large as there is room for: large ones are squares, small ones only become taller.

    >>> grid = _numbers(Grid(10, 10, cells="number"), 190, 88)
    >>> grid.cell_width, grid.tall, _numbers(Grid(4, 4, cells="number"), 36, 10).tall
    (16, 8, 2)
    """
    across, down = width // max(1, grid.columns), max(1, height // max(1, grid.rows))
    if across < LARGE:
        return replace(grid, tall=min(TALLEST, down))
    tall = min(down, max(TALLEST, min(across, LARGEST) // 2))
    return replace(grid, tall=tall, pad=max(0, min(across, 2 * tall) - CELL_WIDTHS[grid.cells]))


def _share(count: int, parts: int) -> int:
    return max(1, -(-count // parts))


def row_step(grid: Grid) -> int:
    """Every how many-th row of a band is read; 1: all.

    >>> row_step(Grid(50257, 768, 1257, 13)), row_step(Grid(1024, 1024, 26, 13))
    (15, 1)
    """
    return max(1, -(-grid.pool_rows * grid.columns // BUDGET))


def pool_rows(values: Any, grid: Grid, start: int, stop: int, mask: Mask | None = None) -> tuple[Values, Mask | None]:
    """Some rows of cells: (n, across) values, and which of them stand for masked values alone.

    Args:
        values: (rows, columns) floats, memory-mapped or not; only what these cells stand for is read.
        grid: the layout.
        start: the first row of cells.
        stop: one beyond the last.
        mask: (rows, columns), True where a value is not to be shown.

    >>> pool_rows(np.array([[1, -3, 2, 0], [0, 2, -5, 1]], "f4"), Grid(2, 4, 2, 2), 0, 1)[0].tolist()
    [[-3.0, -5.0]]
    """
    step = row_step(grid)
    first, last = grid.band(start)[0], grid.band(stop - 1)[1]
    kept: Any = slice(first, last)
    if step > 1:
        kept = np.concatenate([np.arange(*grid.band(row), step) for row in range(start, stop)])
    band = np.asarray(values[kept], dtype=np.float32)
    hidden = mask[kept] if mask is not None else None
    if hidden is not None:
        band = np.where(hidden, np.float32(0), band)  # zero is never farther from zero than a value that is shown
    if not grid.pooled:
        return band, hidden
    rows = -(-grid.pool_rows // step)  # that are kept of each band
    if hidden is not None:
        hidden = _pool_mask(hidden, rows, grid.pool_columns)
    high, low = (_fold(band, rows, fold) for fold in (np.maximum, np.minimum))
    band = np.ascontiguousarray(_farthest(high, low).T)  # now it is small
    high, low = (_fold(band, grid.pool_columns, fold) for fold in (np.maximum, np.minimum))
    return np.ascontiguousarray(_farthest(high, low).T), hidden


def pool_mask(mask: Mask, grid: Grid) -> Mask:
    """Which cells of the whole picture stand for masked values alone, (down, across).

    >>> pool_mask(np.array([[True, True, False, True]] * 2), Grid(2, 4, 2, 2)).tolist()
    [[True, False]]
    """
    return _pool_mask(mask, grid.pool_rows, grid.pool_columns) if grid.pooled else mask


def _pool_mask(mask: Mask, rows: int, columns: int) -> Mask:
    # As bytes: the least of them is what logical_and would say.
    least = _fold(np.ascontiguousarray(mask).view(np.uint8), rows, np.minimum)
    found: Mask = _fold(np.ascontiguousarray(least.T), columns, np.minimum).T.view(np.bool_)
    return found


def _fold(table: NDArray[Any], each: int, fold: np.ufunc) -> NDArray[Any]:
    """Every ``each`` rows become one, and what is left over one more.

    ``reduceat`` says the same in one line and takes thirty times as long.

    >>> _fold(np.array([[1], [5], [3]]), 2, np.maximum).tolist()
    [[5], [3]]
    """
    if each == 1:
        return table
    whole = len(table) // each * each
    out = fold.reduce(table[:whole].reshape(-1, each, table.shape[1]), axis=1)
    return np.concatenate([out, fold.reduce(table[whole:], axis=0)[None]]) if whole < len(table) else out


def _farthest(high: Values, low: Values) -> Values:
    # NaN is never greater, so the low ones stand, which are NaN too.
    return np.where(high >= -low, high, low)


def place_of(values: Any, grid: Grid, row: int, column: int, mask: Mask | None = None) -> tuple[int, int, float]:
    """The value that a cell shows: its row and column in the matrix, and itself; NaN for a masked one.

    >>> place_of(np.array([[1, -3, 2, 0], [0, 2, -5, 1]], "f4"), Grid(2, 4, 2, 2), 0, 1)
    (1, 2, -5.0)
    """
    first, last = grid.band(row)
    left, right = grid.strip(column)
    step = row_step(grid)
    part = np.asarray(values[first:last:step, left:right], dtype=np.float32)
    size = np.abs(part)
    if mask is not None:
        size = np.where(mask[first:last:step, left:right], -np.inf, size)
    # A NaN colours its cell, so it is what the cursor finds.
    at = int(np.argmax(np.where(np.isnan(size), np.inf, size)))
    r, c = divmod(at, part.shape[1])
    value = float("nan") if size[r, c] == -np.inf else float(part[r, c])
    return first + r * step, left + c, value


def scale_of(values: Any, mask: Mask | None = None, most: int = 1 << 22) -> tuple[float, float]:
    """The lowest and the highest finite value; of a matrix with more than ``most`` values, of every n-th row.

    >>> scale_of(np.array([[1, np.nan], [-np.inf, 3]], "f4"))
    (1.0, 3.0)
    """
    step = max(1, -(-values.shape[0] * values.shape[1] // most))
    part = np.asarray(values[::step], dtype=np.float32)
    if mask is not None:
        part = part[~mask[::step]]
    low, high = (float(part.min()), float(part.max())) if part.size else (0.0, 0.0)
    if not np.isfinite(low + high):
        finite = part[np.isfinite(part)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return low, high
