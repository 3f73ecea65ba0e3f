"""A line plot with a crosshair and a target.

The widget gets points that are thinned already (``plot_data.decimate``), keeps the drawn lines (``figure.draw``) as
strips, and lays the crosshair and the target over them, so that moving either repaints two columns and not the plot.
The legend belongs in the pane's title: plotext's own would lie over the start of the curve.
"""

from __future__ import annotations

import math
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from screens.widgets.figure import LEFT, RIGHT, Figure, Line, PlotColors, draw
from screens.widgets.guarded import Guarded
from screens.widgets.plot_grid import column_of
from screens.widgets.ramps import series


class Curve(Guarded, Widget, can_focus=True):
    """A plot with a crosshair; ``left``/``right`` or the mouse move it, ``enter`` pins it."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Curve { width: 1fr; height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "cross(-1)", "Crosshair", show=False, id="curve.left", tooltip="crosshair to the left"),
        Binding("right,l", "cross(1)", "Crosshair", show=False, id="curve.right", tooltip="crosshair to the right"),
        Binding("home", "cross(-10000)", show=False, id="curve.home", tooltip="crosshair to the start"),
        Binding("end", "cross(10000)", show=False, id="curve.end", tooltip="crosshair to the end"),
    ]

    crosshair: reactive[int | None] = reactive(None, repaint=False)
    """The canvas column under the crosshair."""

    class Crosshair(Message):
        """The crosshair moved to ``x`` (in the figure's unit), or went away."""

        def __init__(self, curve: Curve, x: float | None) -> None:
            super().__init__()
            self.curve = curve
            self.x = x

        @property
        def control(self) -> Curve:
            """The plot that it belongs to."""
            return self.curve

    class Picked(Message):
        """``enter`` or a click at ``x``."""

        def __init__(self, curve: Curve, x: float) -> None:
            super().__init__()
            self.curve = curve
            self.x = x

    def __init__(self, *, id: str | None = None, classes: str | None = None, plain: bool = False) -> None:
        super().__init__(id=id, classes=classes)
        self._figure = Figure()
        self._strips: list[Strip] = []
        self._drawn: tuple[object, ...] | None = None
        self._target: float | None = None
        self._plain = plain
        self._ascii_only = False
        self._empty_text = "nothing to plot yet"
        self.paints = 0
        """How often the plot was drawn anew; a test and the benchmark count it."""

    @property
    def empty_text(self) -> str:
        """What is said in place of a figure that holds nothing."""
        return self._empty_text

    @empty_text.setter
    def empty_text(self, text: str) -> None:
        if text != self._empty_text:
            self._empty_text = text
            if not self._strips:
                self.refresh()

    @property
    def figure(self) -> Figure:
        """What is shown."""
        return self._figure

    def show(self, figure: Figure) -> bool:
        """Shows a figure; repaints, and says so, only if it differs from the one shown."""
        if figure == self._figure:
            return False
        self._figure = figure
        self.refresh()
        return True

    def set_target(self, x: float | None) -> None:
        """Moves the vertical line of the time machine, or takes it away."""
        old, self._target = self._target_column(), x
        self._repaint_columns(old, self._target_column())

    @property
    def canvas_width(self) -> int:
        """Cells between the two axis lines."""
        return max(1, self.size.width - LEFT - RIGHT)

    def x_at(self, column: int) -> float:
        """The x value in the middle of a canvas column."""
        low, high = self._figure.x_range
        return low + (high - low) * column / max(1, self.canvas_width - 1)

    def column_of(self, x: float) -> int:
        """The canvas column of an x value."""
        return column_of(x, self._figure.x_range, self.canvas_width)

    def values_at(self, x: float) -> list[tuple[Line, float, float]]:
        """Each line's point nearest to ``x`` as (line, its x, its y), points that are not numbers left out."""
        found = []
        for line in self._figure.lines:
            near = min(
                ((abs(a - x), a, b) for a, b in zip(line.x, line.y, strict=False) if math.isfinite(b)), default=None
            )
            if near is not None:
                found.append((line, near[1], near[2]))
        return found

    # --- painting

    def render_line(self, y: int) -> Strip:
        """One row of the plot, with crosshair and target laid over it."""
        self._ensure_drawn()
        width, base = self.size.width, self.rich_style
        if not self._strips:
            text = self.empty_text if y == self.size.height // 2 else ""
            return Strip([Segment(text.center(width)[:width], base + Style(dim=True))], width)
        strip = self._strips[y] if y < len(self._strips) else Strip.blank(width, base)
        if 0 < y < self.size.height - 2:
            strip = self._overlay(
                strip, self._target_column(), "!" if self._ascii_only else "┊", base + Style(bold=True)
            )
            strip = self._overlay(
                strip, self.crosshair, "|" if self._ascii_only else "│", base + Style(reverse=False, bold=True)
            )
        return strip

    def _overlay(self, strip: Strip, column: int | None, mark: str, style: Style) -> Strip:
        if column is None or not 0 <= column < self.canvas_width:
            return strip
        at = LEFT + column
        cell = strip.crop(at, at + 1)
        if cell.text.strip() not in ("", "┊", "!"):
            return Strip.join([strip.crop(0, at), cell.apply_style(Style(reverse=True)), strip.crop(at + 1)])
        return Strip.join([strip.crop(0, at), Strip([Segment(mark, style)], 1), strip.crop(at + 1)])

    def _ensure_drawn(self) -> None:
        style = self.rich_style
        key = (self._figure, self.size, str(style), self.app.ansi_color if self.is_attached else False)
        if key == self._drawn:
            return
        self._drawn = key
        width, height = self.size
        lines = draw(self._figure, width, height, None if self._plain else self._colors(), self._ascii_only)
        self.paints += 1
        console = self.app.console
        self._strips = [
            Strip(list(Segment.apply_style(line.render(console), style))).adjust_cell_length(width, style).simplify()
            for line in lines
        ]

    def wear(self, *, plain: bool, ascii_only: bool) -> None:
        """Draws without colour, or with ASCII alone."""
        self._plain, self._ascii_only = plain, ascii_only
        self._drawn = None
        self.refresh()

    def _colors(self) -> PlotColors:
        _, _, back, front = self.colors
        if back.ansi is not None or front.ansi is not None:
            back, front = Color(0, 0, 0), Color(229, 229, 229)
        lines = [Color.parse(c) for c in series(self.app.current_theme.dark)]
        return PlotColors(
            tuple(c.rgb for c in lines), tuple(back.blend(c, 0.6).rgb for c in lines), back.blend(front, 0.55).rgb
        )

    def _target_column(self) -> int | None:
        return None if self._target is None else self.column_of(self._target)

    def _repaint_columns(self, *columns: int | None) -> None:
        regions = [Region(LEFT + c, 0, 1, self.size.height) for c in set(columns) if c is not None]
        if regions:
            self.refresh(*regions)

    # --- crosshair

    def watch_crosshair(self, old: int | None, new: int | None) -> None:
        """Repaints the two columns and tells the screen."""
        self._repaint_columns(old, new)
        self.post_message(self.Crosshair(self, None if new is None else self.x_at(new)))

    def action_cross(self, by: int) -> None:
        """Moves the crosshair by ``by`` columns; the first press puts it at the end (or, to the right, the start)."""
        last = self.canvas_width - 1
        now = self.crosshair
        start = (last + 1 if by < 0 else -1) if now is None else now
        self.crosshair = max(0, min(last, start + by))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The crosshair follows the mouse."""
        column = event.x - LEFT
        self.crosshair = column if 0 <= column < self.canvas_width else None

    def on_leave(self) -> None:
        """The crosshair goes with the mouse."""
        if not self.has_focus:
            self.crosshair = None

    def on_click(self, event: events.Click) -> None:
        """A click picks the place."""
        column = event.x - LEFT
        if 0 <= column < self.canvas_width:
            self.post_message(self.Picked(self, self.x_at(column)))

    def release(self) -> bool:
        """Takes the crosshair away; says whether there was one."""
        had = self.crosshair is not None
        self.crosshair = None
        return had
