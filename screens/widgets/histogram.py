"""How often which value occurs, as bars side by side, with a crosshair on one of the bins.

The counts come from whoever fills it; where there are more bins than columns, neighbours share one, and the note says
so. Knows nothing of what was counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from screens.widgets.guarded import Guarded
from screens.widgets.plot_data import short_number
from screens.widgets.ramps import BARS, BARS_ASCII, series

LEFT, BELOW = 7, 2
"""Cells left of the bars, rows below them: the two axes."""


def bar_heights(counts: Sequence[int], rows: int, log: bool) -> list[int]:
    """The height of each bar in eighths of a row; what was counted at all is at least one eighth high.

    >>> bar_heights([0, 1, 500, 1000], 2, False), bar_heights([0, 9, 99, 999], 3, True)
    ([0, 1, 8, 16], [0, 8, 16, 24])
    """
    top = max(counts, default=0)
    if top <= 0:
        return [0] * len(counts)
    share = (math.log1p(c) / math.log1p(top) if log else c / top for c in counts)
    return [max(1, round(8 * rows * s)) if c else 0 for c, s in zip(counts, share, strict=True)]


def grouped(counts: Sequence[int], columns: int) -> tuple[list[int], int]:
    """Counts that fit so many columns, and how many bins share one bar.

    >>> grouped([1, 2, 3, 4, 5], 3), grouped([1, 2], 80)
    (([3, 7, 5], 2), ([1, 2], 1))
    """
    each = max(1, -(-len(counts) // max(1, columns)))
    return [sum(counts[i : i + each]) for i in range(0, len(counts), each)], each


class Histogram(Guarded, Widget, can_focus=True):
    """The bars; ``left``/``right`` or the mouse move the crosshair."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Histogram { width: 1fr; height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "cross(-1)", show=False, id="histogram.left", tooltip="crosshair to the left"),
        Binding("right,l", "cross(1)", show=False, id="histogram.right", tooltip="crosshair to the right"),
        Binding("home", "cross(-100000)", show=False, id="histogram.home", tooltip="lowest bin"),
        Binding("end", "cross(100000)", show=False, id="histogram.end", tooltip="highest bin"),
    ]

    class Highlighted(Message):
        """The crosshair is on other bins, or gone (``low`` and ``high`` are None)."""

        def __init__(self, histogram: Histogram, low: float | None, high: float | None, count: int) -> None:
            super().__init__()
            self.histogram = histogram
            self.low = low
            self.high = high
            self.count = count

        @property
        def control(self) -> Histogram:
            """The widget."""
            return self.histogram

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._edges: list[float] = []
        self._counts: list[int] = []
        self._bars: list[int] = []
        self._each = 1
        self._heights: tuple[int, list[int]] = (0, [])
        self._cross: int | None = None
        self._log = self._plain = self._ascii_only = False
        self.empty_text = "nothing was counted yet"

    # --- what is shown

    def fill(self, edges: Sequence[float], counts: Sequence[int], *, log: bool = False) -> None:
        """Shows counts; the crosshair stays on its bar.

        Args:
            edges: one more than there are bins, rising.
            counts: of each bin.
            log: whether the height is the logarithm of the count.
        """
        assert len(edges) == len(counts) + 1 or not counts
        self._edges, self._counts = [float(e) for e in edges], [int(c) for c in counts]
        self._log = log
        self._measure()

    def clear(self, text: str) -> None:
        """Shows a line of text alone."""
        self.empty_text = text
        self.fill([], [])

    def wear(self, *, plain: bool, ascii_only: bool) -> None:
        """Draws without colour, or with ASCII alone."""
        self._plain, self._ascii_only = plain, ascii_only
        self.refresh()

    @property
    def bins(self) -> int:
        """How many there are."""
        return len(self._counts)

    def note(self) -> str:
        """What one bar stands for, where that is more than a bin."""
        return f"1 bar = {self._each} bins" if self._each > 1 else ""

    def on_resize(self) -> None:
        """Another width, other bars."""
        self._measure()

    def _measure(self) -> None:
        self._bars, self._each = grouped(self._counts, self.size.width - LEFT)
        self._heights = (0, [])
        if self._cross is not None:
            self._cross = min(self._cross, len(self._bars) - 1) if self._bars else None
        self.refresh()

    @property
    def _bar_width(self) -> int:
        return max(1, (self.size.width - LEFT) // max(1, len(self._bars)))

    # --- painting

    def render_line(self, y: int) -> Strip:
        """One row: bars with the axis of counts, or the axis of values."""
        width, height = self.size
        base = self.rich_style
        rows = height - BELOW
        if not self._bars or rows < 1:
            text = self.empty_text if y == height // 2 else ""
            return Strip([Segment(text.center(width)[:width], base + Style(dim=True))], width)
        if self._heights[0] != rows:
            self._heights = (rows, bar_heights(self._bars, rows, self._log))
        segments = self._bars_line(y, rows, base) if y < rows else self._axis_line(y - rows, base)
        return Strip(segments).adjust_cell_length(width, base)

    def _bars_line(self, y: int, rows: int, base: Style) -> list[Segment]:
        top = max(self._bars)
        label = ""
        if y == 0:
            label = short_number(float(top), 3)
        elif y == rows - 1:
            label = "0"
        elif y == rows // 2 and rows > 4:
            half = math.expm1(math.log1p(top) * (rows - y) / rows) if self._log else top * (rows - y) / rows
            label = short_number(half, 3)
        segments = [Segment(f"{label:>{LEFT - 1}}" + ("|" if self._ascii_only else "┤"), base + Style(dim=True))]
        blocks = " " + (BARS_ASCII if self._ascii_only else BARS)
        color = base if self._plain else base + Style(color=series(self.app.current_theme.dark)[0])
        each, run, style = self._bar_width, "", color
        for i, eighths in enumerate(self._heights[1]):
            sign = blocks[max(0, min(8, eighths - 8 * (rows - 1 - y)))] * each
            now = color + Style(reverse=True) if i == self._cross else color
            if now is not style and run:
                segments.append(Segment(run, style))
                run = ""
            run, style = run + sign, now
        return [*segments, Segment(run, style)]

    def _axis_line(self, row: int, base: Style) -> list[Segment]:
        across = self._bar_width * len(self._bars)
        dim = base + Style(dim=True)
        low, high = self._edges[0], self._edges[-1]
        zero = int(-low / (high - low) * across) if low < 0 < high else None
        if row == 0:
            line = ["-" if self._ascii_only else "─"] * across
            if zero is not None:
                line[min(zero, across - 1)] = "+" if self._ascii_only else "┬"
            return [Segment(" " * (LEFT - 1) + ("+" if self._ascii_only else "└") + "".join(line), dim)]
        left, right = f"{low:.3g}", f"{high:.3g}"
        middle = max(1, across - len(left) - len(right))
        text = left + " " * middle + right
        if zero is not None and len(left) < zero < len(text) - len(right) - 1:
            text = text[:zero] + "0" + text[zero + 1 :]
        return [Segment(" " * LEFT + text, dim)]

    # --- crosshair

    @property
    def crosshair(self) -> int | None:
        """The bar under the crosshair."""
        return self._cross

    def _go(self, bar: int | None) -> None:
        if bar == self._cross:
            return
        self._cross = bar
        self.refresh()
        if bar is None:
            self.post_message(self.Highlighted(self, None, None, 0))
            return
        first, last = bar * self._each, min(len(self._counts), (bar + 1) * self._each)
        self.post_message(self.Highlighted(self, self._edges[first], self._edges[last], self._bars[bar]))

    def action_cross(self, by: int) -> None:
        """Moves the crosshair; the first press puts it in the middle."""
        if self._bars:
            now = len(self._bars) // 2 if self._cross is None else self._cross + by
            self._go(max(0, min(len(self._bars) - 1, now)))

    def release(self) -> bool:
        """Takes the crosshair away; says whether there was one."""
        had = self._cross is not None
        self._go(None)
        return had

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The crosshair follows the mouse."""
        bar = (event.x - LEFT) // self._bar_width
        if event.x >= LEFT and 0 <= bar < len(self._bars):
            self._go(bar)

    def on_leave(self) -> None:
        """And goes with it."""
        if not self.has_focus:
            self._go(None)
