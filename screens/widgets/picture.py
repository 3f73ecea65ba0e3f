"""What is on the screen as an SVG, whole or one pane."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console
from rich.segment import Segment, Segments
from textual.screen import Screen
from textual.widget import Widget

from screens.widgets.take_away import without_web_font


def svg_of(screen: Screen[Any], pane: Widget | None = None, title: str = "LLM Lab") -> str:
    """The picture as it is shown now, with no font fetched from the web."""
    strips = screen._compositor.render_strips()
    region = screen.region if pane is None else pane.region.intersection(screen.region)
    if pane is not None and region.area:
        strips = [strip.crop(region.x, region.right) for strip in strips[region.y : region.bottom]]
    width = max((strip.cell_length for strip in strips), default=1)
    console = Console(
        width=width,
        height=max(1, len(strips)),
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
        safe_box=False,
    )
    lines = [segment for strip in strips for segment in (*strip, Segment.line())]
    console.print(Segments(lines), end="")
    return without_web_font(console.export_svg(title=title))
