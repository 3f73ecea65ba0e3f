"""How this terminal draws: its colours, its symbols, and the ramps that turn numbers into colour or glyphs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rich.color import Color
from rich.style import Style

Colours = Literal["true", "256", "16", "none"]

SERIES = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7")
"""Colours of up to four series, told apart with any kind of colour blindness; letters A to D go with them."""
SERIES_LIGHT = ("#0072B2", "#9A6700", "#007A58", "#A8457F")
"""The same, dark enough to be read on a light ground."""
SEQUENTIAL_STOPS = ("#00204d", "#31446b", "#666870", "#958f78", "#cbba69", "#ffe945")
"""Blue to yellow with rising lightness (the cividis kind), six stops."""
DIVERGING_STOPS = ("#542788", "#998ec3", "#f7f7f7", "#f1a340", "#b35806")
"""Purple, white, orange: symmetric around zero (ColorBrewer's PuOr)."""
SEQUENTIAL_256 = (17, 18, 24, 60, 66, 108, 144, 180, 186, 222, 228)
DIVERGING_256 = (54, 97, 140, 183, 231, 223, 215, 172, 130)
STEPS = 64

SHADES = ("·", "░", "▒", "▓", "█")
SHADES_ASCII = (".", ":", "+", "%", "#")
BARS = "▁▂▃▄▅▆▇█"
BARS_ASCII = "._-=+*%#"


@dataclass(frozen=True, slots=True)
class Symbols:
    """The glyphs of one kind of terminal."""

    live: str = "●"
    done: str = "◆"
    paused: str = "‖"
    failed: str = "✗"
    missing: str = "–"
    bar: str = "▌"
    full: str = "█"
    empty: str = "░"
    pinned: str = "⚑"
    down: str = "▾"
    right: str = "▸"
    waiting: str = "⟳"
    ellipsis: str = "…"
    tick: str = "✓"


UNICODE = Symbols()
ASCII = Symbols("*", "o", "=", "x", "-", "!", "#", ".", "^", "v", ">", "~", "...", "ok")


@dataclass(frozen=True, slots=True)
class Look:
    """What a terminal can show, and what its owner wants."""

    colours: Colours = "true"
    ascii: bool = False
    light: bool = False
    present: bool = False

    @property
    def symbols(self) -> Symbols:
        """The glyphs to draw with."""
        return ASCII if self.ascii else UNICODE

    @property
    def ramps(self) -> bool:
        """Whether numbers may be shown as colours; otherwise glyphs carry them."""
        return self.colours in ("true", "256")


def detect(environ: Mapping[str, str] | None = None) -> Colours:
    """The colours of the terminal that the environment tells of.

    >>> detect({"TERM": "xterm-256color"}), detect({"TERM": "xterm", "COLORTERM": "truecolor"})
    ('256', 'true')
    >>> detect({"TERM": "linux"})
    '16'
    >>> detect({"TERM": "xterm-256color", "NO_COLOR": "1"})
    'none'
    """
    env = os.environ if environ is None else environ
    term = env.get("TERM", "").lower()
    if env.get("NO_COLOR"):
        return "none"
    if env.get("COLORTERM", "").lower() in ("truecolor", "24bit") or term.endswith("-direct"):
        return "true"
    if "256" in term:
        return "256"
    if os.name == "nt" and environ is None:
        return "true"
    return "16" if term else "true"


def series(dark: bool) -> tuple[str, ...]:
    """The colours of series on a dark ground, or on a light one."""
    return SERIES if dark else SERIES_LIGHT


@lru_cache(maxsize=16)
def sequential(colours: Colours = "true") -> tuple[Color, ...]:
    """The ramp for values from 0 to 1, dark to light; empty where colours cannot carry numbers."""
    return _ramp(colours, SEQUENTIAL_STOPS, SEQUENTIAL_256)


@lru_cache(maxsize=16)
def diverging(colours: Colours = "true") -> tuple[Color, ...]:
    """The ramp for signed values, its middle is zero; empty where colours cannot carry numbers."""
    return _ramp(colours, DIVERGING_STOPS, DIVERGING_256)


def _ramp(colours: Colours, stops: tuple[str, ...], palette: tuple[int, ...]) -> tuple[Color, ...]:
    if colours == "256":
        return tuple(Color.from_ansi(n) for n in palette)
    if colours != "true":
        return ()
    triplets = [Color.parse(stop).get_truecolor() for stop in stops]
    out = []
    for i in range(STEPS):
        place = i / (STEPS - 1) * (len(triplets) - 1)
        low = min(int(place), len(triplets) - 2)
        part = place - low
        mixed = (round(a + (b - a) * part) for a, b in zip(triplets[low], triplets[low + 1], strict=True))
        out.append(Color.from_rgb(*mixed))
    return tuple(out)


def luminance(color: Color) -> float:
    """Relative luminance, 0 to 1 (WCAG 2)."""
    linear = [
        c / 255 / 12.92 if c / 255 <= 0.03928 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color.get_truecolor()
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Color, other: Color) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


BLACK, WHITE = Color.parse("#000000"), Color.parse("#ffffff")


def text_on(color: Color) -> Style:
    """Black or white on a colour, whichever reads better."""
    better = BLACK if contrast(BLACK, color) >= contrast(WHITE, color) else WHITE
    return Style(color=better.name, bgcolor=color.name)


def _step(value: float, count: int) -> int:
    return min(count - 1, int(max(0.0, min(1.0, value)) * count))


def ramp_style(value: float, ramp: tuple[Color, ...]) -> Style:
    """The style of a cell with a value from 0 to 1; a value outside is drawn as the nearest end, NaN without colour."""
    if not ramp or value != value:
        return Style()
    return text_on(ramp[_step(value, len(ramp))])


def shade(value: float, *, ascii_only: bool = False) -> str:
    """Two cells that carry a value from 0 to 1 without colour; NaN is blank.

    >>> shade(0.0), shade(1.0), shade(0.5, ascii_only=True)
    ('··', '██', '++')
    """
    if value != value:
        return "  "
    glyphs = SHADES_ASCII if ascii_only else SHADES
    return glyphs[_step(value, len(glyphs))] * 2


def bar_glyph(value: float, *, ascii_only: bool = False) -> str:
    """One cell as high as a value from 0 to 1.

    >>> bar_glyph(0.0), bar_glyph(1.0)
    ('▁', '█')
    """
    glyphs = BARS_ASCII if ascii_only else BARS
    return " " if value != value else glyphs[_step(value, len(glyphs))]
