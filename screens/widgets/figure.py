"""What a line plot shows, and its drawing by plotext as lines of text: no widget.

Adds what plotext lacks: a logarithm that survives repaints, gaps that stay gaps, reference levels, ASCII.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rich.text import Text

from screens.widgets.plot_data import (
    LABEL_WIDTH,
    axis_label,
    linear_ticks,
    log_ticks,
    position_label,
    value_range,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

LEFT, RIGHT = LABEL_WIDTH + 1, 1
"""Cells left and right of the canvas: y labels and the axis line, the closing line."""
MAX_LINES = 8
_TO_ASCII = str.maketrans("┌┐└┘├┤┬┴┼─│╌•", "+++++++++-|-o")


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
    scaled = [_scaled(line, figure.log) for line in figure.lines[:MAX_LINES]]
    levels = [math.log10(v.y) if figure.log else v.y for v in figure.levels if v.y > 0 or not figure.log]
    shown = [y for _, y in scaled] + [levels]
    limits = value_range(shown)
    if limits is None or width < LEFT + RIGHT + 4 or height < 4 or value_range(shown[:-1]) is None:
        return []
    from textual_plotext.plot import Plot

    plot = Plot()
    plot.plotsize(width, height)
    plot._set_size(width, height)  # plotsize alone does not resize (textual-plotext issue 5)
    plot.theme("clear")
    if colors is not None:
        plot.ticks_color(colors.axis)
    pad = (limits[1] - limits[0]) * 0.03
    low, high = limits[0] - pad, limits[1] + pad
    for level in levels:
        plot.plot(list(figure.x_range), [level, level], marker="╌", color=_axis(colors))
    for line, (x, y) in zip(figure.lines, scaled, strict=False):
        _add(plot, line, x, y, colors, ascii_only)
    plot.xlim(*figure.x_range)
    plot.ylim(low, high)
    _ticks(plot, figure, low, high, width, height)
    drawn = plot.build().translate(_TO_ASCII) if ascii_only else plot.build()
    return list(Text.from_ansi(drawn).split("\n"))[:height]


def _axis(colors: PlotColors | None) -> tuple[int, int, int] | str:
    return colors.axis if colors is not None else "default"


def _scaled(line: Line, log: bool) -> tuple[Sequence[float], list[float]]:
    if log:
        return line.x, [math.log10(v) if v > 0 and math.isfinite(v) else math.nan for v in line.y]
    return line.x, [v if math.isfinite(v) else math.nan for v in line.y]


def _add(
    plot: object, line: Line, x: Sequence[float], y: list[float], colors: PlotColors | None, ascii_only: bool
) -> None:
    """Adds a line piece by piece, so that a gap is not bridged."""
    color: tuple[int, int, int] | str = "default"
    if colors is not None:
        color = (colors.faint if line.kind == "raw" else colors.series)[line.series % len(colors.series)]
    if line.kind == "dots":
        points = [(a, b) for a, b in zip(x, y, strict=False) if math.isfinite(b)]
        if points:
            plot.scatter([p[0] for p in points], [p[1] for p in points], marker="o" if ascii_only else "•", color=color)  # type: ignore[attr-defined]
        return
    # Without colour, series are told apart by what draws them; the faint line would look like the strong one.
    marker = "braille"
    if ascii_only or colors is None:
        if line.kind == "raw":
            return
        marker = "*+x%"[line.series % 4] if ascii_only else ("braille", "*", "+", "x")[line.series % 4]
    for piece in _pieces(x, y):
        # A lone point between two gaps is drawn twice: plotext draws nothing for a line of one point.
        px, py = zip(*(piece * 2 if len(piece) == 1 else piece), strict=True)
        plot.plot(list(px), list(py), marker=marker, color=color)  # type: ignore[attr-defined]


def _pieces(x: Sequence[float], y: Sequence[float]) -> list[list[tuple[float, float]]]:
    pieces: list[list[tuple[float, float]]] = [[]]
    for a, b in zip(x, y, strict=False):
        if math.isfinite(b):
            pieces[-1].append((a, b))
        elif pieces[-1]:
            pieces.append([])
    return [p for p in pieces if p]


def _ticks(plot: object, figure: Figure, low: float, high: float, width: int, height: int) -> None:
    rows = max(2, height // 4)
    if figure.log:
        values = log_ticks(10**low, 10**high, rows)
        places = [math.log10(v) for v in values]
    else:
        values = places = linear_ticks(low, high, rows)
    plot.yticks(places, [axis_label(v) for v in values])  # type: ignore[attr-defined]
    across = linear_ticks(*figure.x_range, max(2, width // 16))
    plot.xticks(across, [position_label(v, figure.unit) for v in across])  # type: ignore[attr-defined]
