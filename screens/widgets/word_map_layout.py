"""Where the points of a map and their labels go on a grid of cells: no widget, no drawing.

A label stands right of its point, else left, else below or above, wherever it covers no other label and no point. One
that has no room is left out, and how many those are is told: a map that hid them silently would look emptier.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.int64]
DOTS_ACROSS, DOTS_UP = 2, 4
"""Braille dots in a cell."""
_DOT_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)
"""The bit of a dot in a braille cell, by row from above and column."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the plane that is seen."""

    left: float
    right: float
    bottom: float
    top: float

    def zoomed(self, factor: float, at: tuple[float, float] | None = None) -> Window:
        """A part of it, ``factor`` times smaller, in which ``at`` (else the middle) stays where it is seen."""
        x, y = at or ((self.left + self.right) / 2, (self.bottom + self.top) / 2)
        return Window(
            x + (self.left - x) / factor,
            x + (self.right - x) / factor,
            y + (self.bottom - y) / factor,
            y + (self.top - y) / factor,
        )

    def moved(self, across: float, up: float) -> Window:
        """Shifted by shares of its width and height."""
        dx, dy = across * (self.right - self.left), up * (self.top - self.bottom)
        return Window(self.left + dx, self.right + dx, self.bottom + dy, self.top + dy)

    def share_of(self, whole: Window) -> float:
        """How many times smaller it is than another, across."""
        return (whole.right - whole.left) / (self.right - self.left)


def window_of(xy: NDArray[np.floating]) -> Window:
    """A window that holds all finite points; points on one line still get room on both sides of it."""
    seen = xy[np.isfinite(xy).all(axis=1)]
    if not len(seen):
        return Window(-1.0, 1.0, -1.0, 1.0)
    (left, bottom), (right, top) = seen.min(axis=0), seen.max(axis=0)
    wide, high = float(right - left), float(top - bottom)
    around = max(wide, high) or 1.0
    across, up = (0.02 * wide or around / 2), (0.04 * high or around / 2)
    return Window(float(left) - across, float(right) + across, float(bottom) - up, float(top) + up)


def cells_of(xy: NDArray[np.floating], window: Window, width: int, height: int) -> tuple[Cells, Cells]:
    """The column and the row from above of each point; -1 for those outside and those that are no numbers.

    >>> points = np.array([[0.0, 0.0], [1.0, 1.0], [9.0, 9.0], [float("nan"), 0.0]])
    >>> [places.tolist() for places in cells_of(points, Window(0, 1, 0, 1), 11, 5)]
    [[0, 10, -1, -1], [4, 0, -1, -1]]
    """
    across = (xy[:, 0] - window.left) / (window.right - window.left)
    up = (xy[:, 1] - window.bottom) / (window.top - window.bottom)
    inside = np.isfinite(across) & np.isfinite(up) & (across >= 0) & (across <= 1) & (up >= 0) & (up <= 1)
    columns = np.full(len(xy), -1, np.int64)
    rows = np.full(len(xy), -1, np.int64)
    columns[inside] = np.rint(across[inside] * (width - 1)).astype(np.int64)
    rows[inside] = height - 1 - np.rint(up[inside] * (height - 1)).astype(np.int64)
    return columns, rows


@dataclass(frozen=True, slots=True)
class Label:
    """Where a point's label begins."""

    row: int
    column: int


class Room:
    """Which cells are taken already."""

    def __init__(self, width: int, height: int) -> None:
        self._taken = np.zeros((height, width), bool)
        self._points = np.zeros((height, width), bool)

    def add_points(self, columns: Cells, rows: Cells) -> None:
        """Cells with a marker in them."""
        inside = columns >= 0
        self._points[rows[inside], columns[inside]] = True

    def place(self, column: int, row: int, length: int) -> Label | None:
        """Takes room for the label of a point; None: there is none.

        >>> room = Room(12, 3)
        >>> room.add_points(np.array([5, 7]), np.array([1, 1]))
        >>> room.place(5, 1, 4), room.place(7, 1, 4)
        (Label(row=1, column=1), Label(row=1, column=8))
        >>> room.place(5, 1, 13) is None
        True
        """
        height, width = self._taken.shape
        centred = max(0, min(column - length // 2, width - length))
        for row_at, at in (
            (row, column + 1),
            (row, column - length),
            (row + 1, centred),
            (row - 1, centred),
        ):
            if not (0 <= row_at < height and at >= 0 and at + length <= width):
                continue
            around = slice(max(0, at - 1), at + length + 1)
            own = row_at == row and around.start <= column < around.stop
            if self._taken[row_at, around].any() or self._points[row_at, around].sum() > own:
                continue
            self._taken[row_at, at : at + length] = True
            return Label(row_at, at)
        return None


def place_labels(
    columns: Cells, rows: Cells, lengths: Sequence[int], order: Iterable[int], width: int, height: int
) -> dict[int, Label]:
    """Room for as many labels as there is, those first in ``order`` first; no two touch.

    Args:
        columns: of the points, -1 outside.
        rows: of the points, from above.
        lengths: of the labels, in cells.
        order: which labels count most.
        width: cells across.
        height: cells down.
    """
    room = Room(width, height)
    room.add_points(columns, rows)
    placed = {}
    for index in order:
        if columns[index] < 0 or not lengths[index]:
            continue
        label = room.place(int(columns[index]), int(rows[index]), lengths[index])
        if label is not None:
            placed[index] = label
    return placed


def nearest_in(columns: Cells, rows: Cells, at: tuple[float, float], most: int, within: float = math.inf) -> list[int]:
    """The points nearest to a place, in cells; a row counts as two columns, as it looks."""
    far = (columns - at[0]) ** 2 + (2.0 * (rows - at[1])) ** 2
    far = np.where(columns < 0, np.inf, far)
    found = np.argsort(far, kind="stable")[:most]
    return [int(i) for i in found if far[i] <= within**2]


def step_to(columns: Cells, rows: Cells, index: int, across: int, down: int) -> int:
    """The point to which an arrow leads: the nearest in that direction, a way aside counting double.

    >>> columns, rows = np.array([0, 5, 9]), np.array([0, 0, 4])
    >>> step_to(columns, rows, 0, 1, 0), step_to(columns, rows, 2, 0, -1)
    (1, 1)
    """
    dx, dy = columns - columns[index], 2.0 * (rows - rows[index])
    along = dx * across + dy * down
    aside = np.abs(dx * down) + np.abs(dy * across)
    cost = np.where((along > 0) & (columns >= 0), along + 2 * aside, np.inf)
    best = int(np.argmin(cost))
    return best if np.isfinite(cost[best]) else index


def braille(columns: Cells, rows: Cells, width: int, height: int) -> NDArray[np.uint8]:
    """Braille cells (height, width) for dots on the fine grid: the bits of each cell; -1 is left out.

    >>> braille(np.array([0, 1, -1]), np.array([0, 3, -1]), 2, 1).tolist()
    [[129, 0]]
    """
    grid = np.zeros((height, width), np.uint8)
    x, y = columns[columns >= 0], rows[columns >= 0]
    np.bitwise_or.at(grid, (y // DOTS_UP, x // DOTS_ACROSS), _DOT_BITS[y % DOTS_UP, x % DOTS_ACROSS])
    return grid


def line_dots(start: tuple[float, float], end: tuple[float, float], window: Window, width: int, height: int) -> Cells:
    """The dots of a straight line on the fine grid of so many cells, (n, 2) of column and row, cut at the window."""
    wide, high = DOTS_ACROSS * width, DOTS_UP * height
    count = 2 * max(wide, high)
    share = np.linspace(0.0, 1.0, count)[:, None]
    points = np.asarray(start)[None, :] * (1 - share) + np.asarray(end)[None, :] * share
    columns, rows = cells_of(points, window, wide, high)
    return np.unique(np.stack([columns, rows], axis=1)[columns >= 0], axis=0)
