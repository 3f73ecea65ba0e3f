"""The colours of tokens: tints that tell neighbours apart, or a ramp that carries a value."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.widget import Widget

from screens.widgets.ramps import SERIES, Look, bar_glyph, ramp_style, sequential
from screens.widgets.token_strip_lines import Placed

TINT = 0.30
"""How much of a series' colour is in a token's background."""
TINTS_256 = {
    True: ("color(24)", "color(94)", "color(22)", "color(53)"),
    False: ("color(153)", "color(223)", "color(157)", "color(225)"),
}
"""The same for 256 colours, on a dark and on a light ground."""


def tints(widget: Widget, look: Look) -> tuple[Style, ...]:
    """Backgrounds that follow one another on a widget's own; none where there is no colour."""
    if look.colours == "256":
        return tuple(Style(bgcolor=name) for name in TINTS_256[widget.app.current_theme.dark])
    if look.colours != "true":
        return ()
    ground = widget.background_colors[1]
    return tuple(Style(bgcolor=ground.blend(Color.parse(name), TINT).rich_color) for name in SERIES)


class Paint:
    """What tokens look like on one widget."""

    def __init__(self, widget: Widget, look: Look) -> None:
        self._ascii_only = look.ascii
        self._ramp = sequential(look.colours)
        self._tints = tints(widget, look)

    def style(self, index: int, value: float | None) -> Style:
        """The ground of a token: by its value, or else by its place."""
        if value is not None and self._ramp:
            return ramp_style(value, self._ramp)
        return self._tints[index % len(self._tints)] if self._tints else Style()

    def token(self, placed: Placed, style: Style) -> list[Segment]:
        """A token; signs for what has no glyph of its own are fainter."""
        sign = style + Style(dim=not style.reverse, italic=False)
        return [Segment(text, sign if is_sign else style) for text, is_sign in placed.label.parts]

    def bar(self, placed: Placed, value: float | None, base: Style) -> Segment:
        """The bar under a token, as wide as it."""
        glyph = bar_glyph(float("nan") if value is None else value, ascii_only=self._ascii_only)
        return Segment(glyph * placed.label.width, base)
