"""What a line plot shows, and its drawing by plotext as lines of text: no widget.

Adds what plotext lacks: a logarithm that survives repaints, gaps that stay gaps, reference levels, ASCII, and one scale
for all that is drawn. plotext rounds labels and single characters to rows by one rule and braille dots by another, so
the same value may land on different rows; here ``plot_grid`` says where everything goes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rich.text import Text

from screens.widgets.plot_data import LABEL_WIDTH, axis_labels, linear_ticks, position_label, value_range
from screens.widgets.plot_grid import DOTS_ACROSS, DOTS_UP, Rows, column_of, linear_rows, log_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

LEFT, RIGHT = LABEL_WIDTH + 1, 1
"""Cells left and right of the canvas: y labels and the axis line, the closing line."""
ABOVE = 3
"""Rows that are not canvas: the frame above and below, and the x labels."""
MAX_LINES = 8
MARK_EVERY = 12
"""Columns between two letters on a line that no colour tells from another."""
_TO_ASCII = str.maketrans("┌┐└┘├┤┬┴┼─│", "+++++++++-|")


@dataclass(frozen=True, slots=True)
class Line:
    """One drawn line: thinned points of one series, NaN where it has a gap."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    series: int = 0
    kind: Literal["raw", "line", "dots"] = "line"
    """raw: faint; line: strong; dots: single points."""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line at a published or chosen value."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Figure:
    """All that a plot shows; equal figures need no repaint."""

    lines: tuple[Line, ...] = ()
    x_range: tuple[float, float] = (0.0, 1.0)
    log: bool = False
    unit: str = "step"
    """What x counts: step, tokens or time (seconds)."""
    levels: tuple[Level, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is no finite point to draw."""
        return value_range([line.y for line in self.lines], self.log) is None


@dataclass(frozen=True, slots=True)
class PlotColors:
    """The colours of a drawing as RGB; ``None`` draws without any colour."""

    series: tuple[tuple[int, int, int], ...]
    faint: tuple[tuple[int, int, int], ...]
    axis: tuple[int, int, int]


def draw(figure: Figure, width: int, height: int, colors: PlotColors | None, ascii_only: bool = False) -> list[Text]:
    """The figure as ``height`` lines of ``width`` cells; an empty figure gives no lines."""
    lines = [(line, _scaled(line.y, figure.log)) for line in figure.lines[:MAX_LINES]]
    levels = [y for y in _scaled([v.y for v in figure.levels], figure.log) if math.isfinite(y)]
    values = [y for _, y in lines]
    if value_range(values) is None or width < LEFT + RIGHT + 4 or height < ABOVE + 2:
        return []
    low, high = value_range([*values, levels]) or (0.0, 1.0)
    rows = (log_rows if figure.log else linear_rows)(low, high, height - ABOVE, max(3, height // 4))
    canvas = _Canvas(figure, width - LEFT - RIGHT, rows, colors, ascii_only)
    canvas.add_levels(levels)
    for line, y in sorted(lines, key=lambda pair: pair[0].kind == "dots"):  # single points lie over all lines
        canvas.add(line, y)
    if colors is None and len({line.series for line, _ in lines}) > 1:
        for line, y in lines:
            if line.kind == "line":
                canvas.add_letters(line, y)
    return canvas.build(width, height)


def _scaled(values: Sequence[float], log: bool) -> list[float]:
    """What the scale measures, NaN where there is nothing to draw."""
    if log:
        return [math.log10(v) if v > 0 and math.isfinite(v) else math.nan for v in values]
    return [v if abs(v) < 1e300 else math.nan for v in values]


class _Canvas:
    """The inner part of the plot: everything is placed on dots (or, in ASCII, in cells) of one grid."""

    def __init__(
        self, figure: Figure, columns: int, rows: Rows, colors: PlotColors | None, ascii_only: bool = False
    ) -> None:
        from textual_plotext.plot import Plot

        self._figure, self._columns, self._rows = figure, columns, rows
        self._colors, self._ascii = colors, ascii_only
        self._plot = Plot()
        self._bottom, self._top = rows.of_dot(0), rows.of_dot(DOTS_UP * rows.count - 1)

    def add_levels(self, levels: list[float]) -> None:
        """Dashed lines: one braille cell drawn, one left out."""
        color = self._colors.axis if self._colors is not None else "default"
        cells = range(0, self._columns, 2)
        if self._ascii:
            self._put_cells([(c, self._rows.row(y)) for y in levels for c in cells], "-", color)
        else:
            dots = [(DOTS_ACROSS * c + i, self._rows.dot(y)) for y in levels for c in cells for i in range(DOTS_ACROSS)]
            self._put_dots(dots, color)

    def add(self, line: Line, y: list[float]) -> None:
        """Adds a line piece by piece, so that a gap is not bridged; or its points one by one."""
        color: tuple[int, int, int] | str = "default"
        if self._colors is not None:
            color = (self._colors.faint if line.kind == "raw" else self._colors.series)[
                line.series % len(self._colors.series)
            ]
        elif line.kind == "raw":
            return  # without colour the faint line would look like the strong one
        if line.kind == "dots":
            self._add_points([(a, b) for a, b in zip(line.x, y, strict=False) if math.isfinite(b)], color)
            return
        marker = "*+x%"[line.series % 4] if self._ascii else "braille"
        for piece in _pieces(line.x, y):
            # A lone point between two gaps is drawn twice: plotext draws nothing for a line of one point.
            px, py = zip(*(piece * 2 if len(piece) == 1 else piece), strict=True)
            heights = [self._at_row(self._rows.row(b)) for b in py] if self._ascii else list(py)
            self._plot.plot(list(px), heights, marker=marker, color=color)

    def _add_points(self, points: list[tuple[float, float]], color: tuple[int, int, int] | str) -> None:
        """Each as a block of two by two dots, its middle at the value to half a dot."""
        at = [(column_of(x, self._figure.x_range, self._columns), y) for x, y in points]
        if self._ascii:
            self._put_cells([(c, self._rows.row(y)) for c, y in at], "o", color)
            return
        most = DOTS_UP * self._rows.count
        upper = [(c, min(most - 1, max(1, round(DOTS_UP * self._rows.height(y))))) for c, y in at]
        block = [(DOTS_ACROSS * c + i, dot - j) for c, dot in upper for i in range(DOTS_ACROSS) for j in range(2)]
        self._put_dots(block, color, style="bold")

    def add_letters(self, line: Line, y: list[float]) -> None:
        """A to D on the lines, each in columns of its own."""
        cells: dict[int, tuple[int, int]] = {}
        for x, value in zip(line.x, y, strict=False):
            column = column_of(x, self._figure.x_range, self._columns)
            if math.isfinite(value) and column >= (place := 3 * line.series + 2):
                cells.setdefault((column - place) // MARK_EVERY, (column, self._rows.row(value)))
        self._put_cells(list(cells.values()), "ABCD"[line.series % 4], "default")

    def _put_dots(
        self, dots: list[tuple[int, int]], color: tuple[int, int, int] | str, style: str | None = None
    ) -> None:
        if dots:
            xs = [self._share_of_x(column, DOTS_ACROSS * self._columns) for column, _ in dots]
            ys = [self._rows.of_dot(dot) for _, dot in dots]
            self._plot.scatter(xs, ys, marker="braille", color=color, style=style)

    def _put_cells(self, cells: list[tuple[int, int]], marker: str, color: tuple[int, int, int] | str) -> None:
        if cells:
            xs = [self._share_of_x(column, self._columns) for column, _ in cells]
            self._plot.scatter(xs, [self._at_row(row) for _, row in cells], marker=marker, color=color)

    def _share_of_x(self, place: int, places: int) -> float:
        """The x that plotext rounds to a place of so many."""
        low, high = self._figure.x_range
        return low + (high - low) * place / max(1, places - 1)

    def _at_row(self, row: int) -> float:
        """The y that plotext rounds to a row of text."""
        return self._bottom + (self._top - self._bottom) * row / max(1, self._rows.count - 1)

    def build(self, width: int, height: int) -> list[Text]:
        """Axes and labels, and all as text."""
        plot, figure = self._plot, self._figure
        plot.plotsize(width, height)
        plot._set_size(width, height)  # plotsize alone does not resize (textual-plotext issue 5)
        plot.theme("clear")
        if self._colors is not None:
            plot.ticks_color(self._colors.axis)
        plot.xlim(*figure.x_range)
        plot.ylim(self._bottom, self._top)
        ticks = self._rows.ticks or ((0, 0.0),)
        labels = axis_labels([v for _, v in ticks]) if self._rows.ticks else [" " * LABEL_WIDTH]
        plot.yticks([self._at_row(row) for row, _ in ticks], labels)
        across = linear_ticks(*figure.x_range, max(2, width // 16))
        columns = [column_of(x, figure.x_range, self._columns) for x in across]
        plot.xticks(
            [self._share_of_x(c, self._columns) for c in columns], [position_label(x, figure.unit) for x in across]
        )
        drawn = plot.build()
        return list(Text.from_ansi(drawn.translate(_TO_ASCII) if self._ascii else drawn).split("\n"))[:height]


def _pieces(x: Sequence[float], y: Sequence[float]) -> list[list[tuple[float, float]]]:
    pieces: list[list[tuple[float, float]]] = [[]]
    for a, b in zip(x, y, strict=False):
        if math.isfinite(b):
            pieces[-1].append((a, b))
        elif pieces[-1]:
            pieces.append([])
    return [p for p in pieces if p]
