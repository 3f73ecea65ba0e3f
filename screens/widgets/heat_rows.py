"""The rows of a heat map's cells: pooled a stretch at a time as they are asked for, and remembered for scrolling."""

from __future__ import annotations

from typing import Any

import numpy as np

from screens.widgets.heat_paint import NAN, Brush, Levels
from screens.widgets.heat_pool import Grid, Mask, Values, pool_mask, pool_rows, row_step

KEPT_ROWS = 2000
"""Pooled rows that are remembered, for scrolling."""
MASKED_ONCE = 1 << 23
"""Values up to which a second copy is kept, with zero where the mask is."""
AT_ONCE = 1 << 21
"""Values that are pooled at once, for the rows below the one that is asked for."""


class PooledRows:
    """A matrix, (rows, columns) of floats that may be memory-mapped, as rows of cells."""

    def __init__(self, values: Any, mask: Mask | None = None) -> None:
        assert values.ndim == 2, f"a heat map shows two dimensions, got shape {values.shape}"
        assert mask is None or mask.shape == values.shape
        self.values, self.mask = values, mask
        self.nan_seen = False
        """Whether a row that was asked for holds what is no number."""
        # What is masked is taken out once, not for every frame, where that costs little memory.
        self._unmasked: Any = None
        if mask is not None and isinstance(values, np.ndarray) and values.size <= MASKED_ONCE:
            self._unmasked = np.where(mask, np.float32(0), values)
        self._grid = Grid(0, 0)
        self._hidden: Mask | None = None
        self._pooled: dict[int, tuple[Levels, Values]] = {}

    def lay_out(self, grid: Grid) -> None:
        """From now on in these cells."""
        self._grid, self._hidden = grid, None
        self.forget()

    def forget(self) -> None:
        """Pools anew: the colours are others."""
        self._pooled.clear()

    def row(self, row: int, brush: Brush, ahead: int) -> tuple[Levels, Values]:
        """The levels and values of a row of cells.

        Args:
            row: which, from 0.
            brush: what makes levels of values.
            ahead: so many rows are pooled with it, where that is not too much at once.
        """
        if row not in self._pooled:
            if len(self._pooled) > KEPT_ROWS:
                self._pooled.clear()
            grid = self._grid
            each = max(1, grid.pool_rows // row_step(grid) * grid.columns)
            stop = min(grid.down, row + max(1, min(ahead, AT_ONCE // each)))
            if self._unmasked is None:
                values, hidden = pool_rows(self.values, grid, row, stop, self.mask)
            else:
                values, _ = pool_rows(self._unmasked, grid, row, stop, None)
                hidden = self._hidden_cells()[row:stop]
            levels = brush.levels(values, hidden)
            self.nan_seen = self.nan_seen or bool((levels == NAN).any())
            self._pooled.update((row + i, (levels[i], values[i])) for i in range(stop - row))
        return self._pooled[row]

    def _hidden_cells(self) -> Mask:
        """The cells that stay blank; found once for a layout."""
        if self._hidden is None:
            assert self.mask is not None
            self._hidden = pool_mask(self.mask, self._grid)
        return self._hidden
