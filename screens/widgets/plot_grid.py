"""Which values the cells of a plot stand for, chosen so that each label stands in the middle of its row.

A row of text is coarse: at 17 rows a loss from 1.3 to 4.2 moves by 0.18 a row, and a label or a line that is rounded to
a whole row is wrong by up to half of that. So the scale is chosen here: round values lie on the centres of rows, and
all else (curves, single points, reference levels) is placed on braille dots, four to a row and two to a column. What
this leaves out: drawing (``figure.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

STEPS = (1.0, 2.0, 2.5, 5.0)
"""Round distances between two labels, times any power of ten."""
STEPS_OF_FEW = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
"""Those of a plot of a few rows, where rounder ones would waste half of it."""
FEW = 6
DOTS_UP, DOTS_ACROSS = 4, 2
_EDGE = 0.5 / DOTS_UP  # from the edge of a row to its outermost dot's centre, in rows


@dataclass(frozen=True, slots=True)
class Rows:
    """The vertical scale of a canvas: row 0 is the lowest, ``unit`` the value of a row's height.

    ``first`` counts the rows from zero to the centre of row 0, so the centre of row r is ``(first + r) * unit``.
    """

    count: int
    unit: float
    first: int
    ticks: tuple[tuple[int, float], ...]
    """Row and value of each label."""

    def height(self, y: float) -> float:
        """How far above the lower edge a value stands, in rows."""
        return y / self.unit - self.first + 0.5

    def row(self, y: float) -> int:
        """The row that a value falls in."""
        return min(self.count - 1, max(0, math.floor(self.height(y))))

    def dot(self, y: float) -> int:
        """The row of dots that a value falls in, counted from below."""
        return min(DOTS_UP * self.count - 1, max(0, math.floor(DOTS_UP * self.height(y))))

    def of_dot(self, dot: int) -> float:
        """The value at the centre of a row of dots."""
        return (self.first - 0.5 + (dot + 0.5) / DOTS_UP) * self.unit


def linear_rows(low: float, high: float, count: int, ticks: int) -> Rows:
    """The finest scale that holds ``low`` < ``high``, about ``ticks`` of whose rows are labelled by round values.

    >>> linear_rows(1.41, 4.17, 17, 5).ticks
    ((4, 2.0), (9, 3.0), (14, 4.0))
    """
    span = high - low
    best: tuple[float, float, int] | None = None
    for every in _spacings(count, ticks):
        power = math.floor(math.log10(span * every / (count - 2 * _EDGE)))
        worth = 1.0 if count // every >= 3 else 1.2  # a little room is given for a third label
        for step in (m * 10.0**p for p in (power, power + 1) for m in (STEPS if count > FEW else STEPS_OF_FEW)):
            if (best is None or step / every * worth < best[0]) and _fits(low, high, step / every, count):
                best = (step / every * worth, step, every)
    if best is None:  # so near to each other that floating point cannot tell the rows apart
        return Rows(count, span, round(low / span), ())
    _, step, every = best
    unit = step / every
    first = _first(low, high, unit, count)
    rows = (r for r in range(count) if (first + r) % every == 0)
    return Rows(count, unit, first, tuple((r, _round_to((first + r) // every * step, step)) for r in rows))


def log_rows(low: float, high: float, count: int, ticks: int) -> Rows:
    """The same for logarithms: a power of ten is a whole number of rows, labels are evenly apart.

    A label is the number of fewest digits that is within half a dot of the centre of its row.

    >>> [value for _, value in log_rows(-3.0, 1.0, 17, 5).ticks]
    [0.001, 0.01, 0.1, 1.0, 10.0]
    """
    span = high - low
    per_decade = math.floor((count - 1 - 2 * _EDGE) / span) if span > 0 else 1
    unit = 1.0 / per_decade if per_decade >= 1 else float(math.ceil(span / (count - 1 - 2 * _EDGE)))
    first = _first(low, high, unit, count)
    spacings = _spacings(count, ticks)
    whole = [s for s in spacings if per_decade % s == 0] if per_decade else []
    every = min(whole or spacings, key=lambda s: abs(s - count / ticks))
    rows = [r for r in range(count) if (first + r) % every == 0]
    near = 10.0 ** (unit * _EDGE)
    return Rows(count, unit, first, tuple((r, _roundest(10.0 ** ((first + r) * unit), near)) for r in rows))


def column_of(x: float, x_range: tuple[float, float], columns: int) -> int:
    """The column of the dot that stands for ``x``; outside of the canvas for what is outside of the range.

    >>> [column_of(x, (0.0, 100.0), 50) for x in (0, 50, 100)]
    [0, 25, 49]
    """
    low, high = x_range
    share = (x - low) / ((high - low) or 1.0)
    return math.floor(round(0.5 + (DOTS_ACROSS * columns - 1) * share, 8)) // DOTS_ACROSS


def _spacings(count: int, ticks: int) -> list[int]:
    """How many rows may lie from one label to the next: about as many as asked, so that two labels have room."""
    target = count / max(1, ticks)
    most = max(1, min(count // 2, math.ceil(target * 1.5)))
    return list(range(min(most, max(1, math.floor(target * 0.7))), most + 1))


def _bounds(low: float, high: float, unit: float, count: int) -> tuple[int, int]:
    """The lowest and the highest ``first`` with both values on dots; none if the lowest is above the highest."""
    return math.ceil(high / unit + 0.5 + _EDGE - count - 1e-9), math.floor(low / unit + 0.5 - _EDGE + 1e-9)


def _fits(low: float, high: float, unit: float, count: int) -> bool:
    least, most = _bounds(low, high, unit, count)
    return least <= most


def _first(low: float, high: float, unit: float, count: int) -> int:
    """The spare room is shared between top and bottom, but what is never negative gets no row below zero."""
    least, most = _bounds(low, high, unit, count)
    middle = (least + most) // 2
    return max(middle, min(0, most)) if low >= 0 else middle


def _round_to(value: float, step: float) -> float:
    return round(value, max(0, 2 - math.floor(math.log10(step)))) if step < 1e15 else value


def _roundest(value: float, near: float) -> float:
    """The number of fewest digits within a factor ``near`` of a positive value."""
    power = math.floor(math.log10(value))
    for digits in range(1, 8):
        found = float(f"{value:.{digits - 1}e}")
        if value / near <= found <= value * near:
            return found
    return round(value, 8 - power)
