"""One row of a heat map as a strip of the terminal: colours where there are any, else glyphs or digits.

NaN is drawn as ``×`` without a colour of the ramp, a masked cell is blank, and the cell under the cursor carries a mark
that needs no colour. Leaves out pooling (``heat_pool.py``) and everything that moves (``heat_map.py``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from screens.widgets.heat_pool import CELL_WIDTHS, NUMBERS, Mask, Values
from screens.widgets.ramps import SHADES, SHADES_ASCII, Look, diverging, sequential, text_on

Levels = NDArray[np.int32]
NAN, BLANK = -1, -2
"""Levels that are no place on a ramp."""
PAIR = 1000
"""More than the levels of any ramp: two of them make one number."""
GLYPH_STEPS, DIGIT_STEPS = 5, 10
NAN_SIGN = "×"
OFF_SIGN = "/"
_SIGNS = {"cursor": "[]", "pin": "()", "off": "//", "cursor off": "[/", "pin off": "(/"}
_HALF_SIGNS = {"cursor": "+", "pin": "o", "off": "/", "cursor off": "+", "pin off": "o"}


def short_text(value: float, largest: float) -> str:
    """A value in four cells.

    >>> short_text(0.412, 1.0), short_text(2.281, 4), short_text(-0.05, 1), short_text(12.34, 20), short_text(512, 900)
    (' .41', '2.28', '-.05', '12.3', ' 512')
    """
    if value != value or value in (float("inf"), float("-inf")):
        return f"{value:>4.0f}"
    if largest < 1.0005:
        text = f"{value:.2f}".replace("0.", ".", 1) if abs(value) < 0.995 else f"{value:.0f}"
        return f"{text:>4}"[:4]
    return next(
        (t for t in (f"{value:>4.2f}", f"{value:>4.1f}", f"{value:>4.0f}") if len(t) <= 4), f"{value:>4.0f}"[:4]
    )


def number_text(value: float, largest: float, width: int = 7) -> str:
    """A value in a cell of numbers, with as many decimals as the largest of the matrix leaves room for.

    >>> number_text(0.5, 1.0), number_text(-12.345, 99), number_text(2e-5, 3e-5), number_text(float("nan"), 1)
    ('  0.500', ' -12.35', '  2e-05', '    nan')
    """
    if value != value or value in (float("inf"), float("-inf")):
        return f"{value:>{width}.0f}"
    if largest and (largest < 0.01 or largest >= 1e5):
        return f"{value:>{width}.0e}"
    decimals = 3 if largest < 10 else 2 if largest < 100 else 1 if largest < 1000 else 0
    return f"{value:>{width}.{decimals}f}"


def short(value: float) -> str:
    """A value of a scale or a sentence, four digits.

    >>> short(0.123456), short(-2.0), short(1234.5), short(2.5e-7), short(0.0)
    ('0.1235', '-2', '1234', '2.5e-07', '0')
    """
    return f"{value:.4g}"


@dataclass(frozen=True)
class Brush:
    """What turns values into levels, and levels into styles."""

    look: Look
    low: float
    high: float
    signed: bool
    base: Style
    cells: str
    log: bool = False
    """Whether levels follow the logarithm; ``low`` is above zero then."""
    halves: dict[int, Segment] = field(default_factory=dict, repr=False, compare=False)
    """What ``half`` has given so far."""
    _styles: dict[int, Style] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ramp(self) -> tuple[Color, ...]:
        """The colours from low to high; empty where colours cannot carry numbers."""
        return diverging(self.look.colours) if self.signed else sequential(self.look.colours)

    @property
    def plain(self) -> bool:
        """Whether glyphs carry the values."""
        return not self.ramp or self.cells in ("glyph", "digit")

    @property
    def steps(self) -> int:
        """How many levels are told apart."""
        if self.cells == "digit":
            return DIGIT_STEPS
        return GLYPH_STEPS if self.plain else len(self.ramp)

    def levels(self, values: Values, hidden: Mask | None) -> Levels:
        """Places on the ramp; ``NAN`` and ``BLANK`` for what has none."""
        low, high = (0.0, max(abs(self.low), abs(self.high))) if self.signed and self.plain else (self.low, self.high)
        measured = np.abs(values) if self.signed and self.plain else values
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            if self.log:
                measured = np.log(np.maximum(measured, np.float32(low)))
                low, high = math.log(low), math.log(high)
            share = (measured - low) / ((high - low) or 1.0)
            share *= self.steps
            np.clip(share, 0, self.steps - 1, out=share)
            nans = np.isnan(share)
            if nans.any():
                share[nans] = NAN
            found: Levels = share.astype(np.int32)
        if hidden is not None:
            found[hidden] = BLANK
        return found

    def color(self, level: int) -> Color | None:
        """The colour of a level."""
        return self.ramp[level] if level >= 0 and self.ramp else None

    def style(self, level: int) -> Style:
        """Text on a level's colour; the base where it has none."""
        if level not in self._styles:
            color = self.color(level)
            self._styles[level] = self.base if color is None else self.base + text_on(color)
        return self._styles[level]

    def half(self, key: int) -> Segment:
        """One cell of the terminal for two levels above each other, ``upper * PAIR + lower``."""
        upper, lower = divmod(key - BLANK, PAIR)
        lower += BLANK
        if NAN in (upper, lower):
            found = Segment(NAN_SIGN, self._pair(BLANK, max(upper, lower)))
        elif upper == BLANK:
            found = Segment(" ", self.base) if lower == BLANK else Segment("▄", self._pair(lower, BLANK))
        else:
            found = Segment("▀", self._pair(upper, lower))
        self.halves[key] = found
        return found

    def _pair(self, front: int, back: int) -> Style:
        one, two = self.color(front), self.color(back)
        colors = Style(color=one.name if one else None, bgcolor=two.name if two else None)
        return self.base + colors

    def glyph(self, level: int, value: float) -> str:
        """Two cells for a level without colour; a minus stands before what is negative on a signed scale."""
        if level == BLANK:
            return "  "
        if level == NAN:
            return NAN_SIGN * 2
        minus = self.signed and value < 0
        if self.cells == "digit":
            return f"{'-' if minus else ' '}{level}"
        shades = SHADES_ASCII if self.look.ascii else SHADES
        return ("-" if minus else shades[level]) + shades[level]


def paint_cells(
    brush: Brush, levels: Levels, values: Values, marks: Mapping[int, str], *, written: bool = True, pad: int = 0
) -> list[Segment]:
    """A row of numbers, blocks, glyphs or digits; neighbours that look alike share a segment.

    Args:
        brush: scale and colours.
        levels: (n,) of the cells that are seen, as ``brush.levels`` gives them.
        values: (n,) the same as numbers.
        marks: what stands at a cell: ``cursor`` or ``pin``.
        written: whether this is the row of its cells in which numbers and marks stand; others of tall cells have none.
        pad: columns around each number.
    """
    segments: list[Segment] = []
    if brush.cells in NUMBERS or brush.plain:
        largest = max(abs(brush.low), abs(brush.high))
        for i, (level, value) in enumerate(zip(levels.tolist(), values.tolist(), strict=True)):
            style = brush.style(level) if brush.cells in NUMBERS else brush.base
            if brush.cells == "number":
                text = f"{'' if level == BLANK else number_text(value, largest):>7} "
            elif brush.cells == "short":
                text = f"{'' if level == BLANK else short_text(value, largest):>4} "
            else:
                text = brush.glyph(level, value)
            text = " " * (pad // 2) + text + " " * (pad - pad // 2)
            mark = marks.get(i, "")
            if not written:
                text, mark = " " * len(text), mark.replace("off", "")
            segments.append(_marked_text(text, style, mark, brush.cells in NUMBERS))
        return segments
    for level, count in _runs(levels):
        sign = NAN_SIGN if level == NAN else " "
        segments.append(Segment(sign * (CELL_WIDTHS[brush.cells] * count), brush.style(level)))
    return _lay_marks(segments, marks if written else {}, CELL_WIDTHS[brush.cells], brush, levels)


def paint_halves(
    brush: Brush,
    upper: Levels,
    lower: Levels | None,
    marks: Mapping[tuple[int, int], str],
    *,
    wide: int = 1,
) -> list[Segment]:
    """Two rows of cells in one row of the terminal.

    Args:
        brush: scale and colours.
        upper: (n,) levels of the upper row.
        lower: of the lower; None below the last.
        marks: by column and half (0 upper, 1 lower): ``cursor`` or ``pin``.
        wide: columns of the terminal for each.
    """
    below = lower if lower is not None else np.full_like(upper, BLANK)
    segments: list[Segment] = []
    known = brush.halves
    for key, count in _runs(upper * PAIR + below):
        segment = known.get(key) or brush.half(key)
        count *= wide
        segments.append(segment if count == 1 else Segment(segment.text * count, segment.style))
    for (column, half), mark in marks.items():
        level = int((below if half else upper)[column])
        cross = Segment(f"{_HALF_SIGNS[mark]:^{wide}}", brush.style(level) + Style(bold=True))
        at, end = column * wide, len(upper) * wide
        segments = [*cut(segments, 0, at), cross, *cut(segments, at + wide, end)]
    return segments


def _runs(keys: Levels) -> list[tuple[int, int]]:
    """Each run of equal keys as the key and how many."""
    starts = np.concatenate(([0], np.flatnonzero(np.diff(keys)) + 1))
    counts = np.diff(starts, append=len(keys))
    return list(zip(keys[starts].tolist(), counts.tolist(), strict=True)) if len(keys) else []


def _marked_text(text: str, style: Style, mark: str, number: bool) -> Segment:
    """A cell with its marks: the cursor in reverse, the pin underlined, what is off struck through and crossed."""
    if "cursor" in mark:
        style += Style(reverse=True, bold=True)
    elif "pin" in mark:
        style += Style(underline=True, bold=True)
    if "off" in mark:  # not every terminal strikes through: the sign says it too
        style += Style(strike=True)
        text = f"{OFF_SIGN}{text[1:]}" if text.startswith(" ") or not number else f"{text.rstrip()}{OFF_SIGN}"
    return Segment(text, style)


def _lay_marks(
    segments: list[Segment], marks: Mapping[int, str], width: int, brush: Brush, levels: Levels
) -> list[Segment]:
    for cell, mark in marks.items():
        at = cell * width
        ends = _SIGNS[mark]
        sign = Segment(ends[0] + " " * (width - 2) + ends[1], brush.style(int(levels[cell])) + Style(bold=True))
        segments = [*cut(segments, 0, at), sign, *cut(segments, at + width, len(levels) * width)]
    return segments


def cut(segments: Sequence[Segment], first: int, last: int) -> list[Segment]:
    """The cells from ``first`` up to ``last``; every character here is one cell wide.

    >>> [s.text for s in cut([Segment("abc"), Segment("def")], 2, 4)]
    ['c', 'd']
    """
    out: list[Segment] = []
    at = 0
    for segment in segments:
        end = at + len(segment.text)
        if first <= at and end <= last:
            out.append(segment)
        elif end > first and at < last:
            out.append(Segment(segment.text[max(0, first - at) : last - at], segment.style))
        at = end
    return out


def legend(brush: Brush, width: int, nan_seen: bool) -> list[Segment]:
    """The scale in one row: lowest, the ramp, highest."""
    low, high = brush.low, brush.high
    if brush.signed and brush.plain:
        low, high = 0.0, max(abs(low), abs(high))
    left, right = f"{short(low)} ", f" {short(high)}"
    notes = "  - is negative" if brush.signed and brush.plain else ""
    notes += f"  {NAN_SIGN} not a number" if nan_seen else ""
    room = max(5, min(24, width - len(left) - len(right) - len(notes)))
    out = [Segment(left, brush.base)]
    if brush.plain:
        signs = "".join(brush.glyph(i, 1.0)[1] for i in range(brush.steps))
        out.append(Segment(signs, brush.base))
    else:
        steps = [brush.style(i * (brush.steps - 1) // max(1, room - 1)) for i in range(room)]
        out += [Segment(" ", style) for style in steps]
    return cut([*out, Segment(right + notes, brush.base)], 0, width)
