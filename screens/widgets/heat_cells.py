"""Which kinds of cells a terminal can draw, and the grid that a matrix gets with them."""

from __future__ import annotations

from collections.abc import Sequence

from screens.widgets.heat_pool import CELL_WIDTHS, Grid, lay_out
from screens.widgets.ramps import Look

CELLS = ("auto", "half", "block", "tile", "number", "short", "glyph", "digit")
FILLED = ("half", "block", "tile")
"""Those that need colours."""


def drawable(look: Look) -> list[str]:
    """The kinds that can be chosen.

    >>> drawable(Look("none"))
    ['number', 'short', 'glyph', 'digit']
    """
    kinds = [kind for kind in CELLS[1:] if look.ramps or kind not in FILLED]
    return [kind for kind in kinds if kind != "half"] if look.ascii else kinds


def grid_for(
    shape: tuple[int, int], room: tuple[int, int], cells: str, zoom: int, look: Look, auto: Sequence[str]
) -> Grid:
    """How a matrix is laid out.

    Args:
        shape: its rows and columns.
        room: columns and lines of the terminal.
        cells: one of ``CELLS``.
        zoom: as ``heat_pool.lay_out`` takes it.
        look: what the terminal can show.
        auto: what ``auto`` draws if all of the matrix fits so, the first that does; else half blocks.
    """
    if cells in FILLED and not look.ramps:
        cells = "glyph"
    elif cells == "half" and look.ascii:
        cells = "block"
    elif cells == "auto" and look.ascii and look.ramps:
        fits = (kind for kind in auto if shape[1] * CELL_WIDTHS[kind] <= room[0] and shape[0] <= room[1])
        cells = next(fits, "block")
    halves = look.ramps and not look.ascii
    grid = lay_out(shape, room, cells, zoom, halves=halves, auto=tuple(auto))
    if grid.width > room[0] or grid.lines > room[1]:  # bars take a row and a column of it
        grid = lay_out(shape, (room[0] - 1, room[1] - 1), cells, zoom, halves=halves, auto=tuple(auto))
    return grid
