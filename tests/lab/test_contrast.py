"""What is written can be read and what is drawn can be seen, on every ground of every theme of ours (WCAG 2.2)."""

import itertools

import pytest
from rich.color import Color as RichColor
from textual.color import Color
from textual.filter import dim_color

from core.folders import asset
from lab.themes import OURS
from screens.widgets.ramps import contrast, series
from screens.widgets.token_strip_paint import TINT
from screens.widgets.word_map_paint import GROUP_COLOURS, GROUP_COLOURS_LIGHT

TEXT, MARK = 4.5, 3.0
"""The least ratios: of text (1.4.3), and of what is drawn and of the edges of panes (1.4.11)."""
GROUNDS = ("background", "surface", "panel")
WORDS = (
    *("foreground", "text", "text-muted", "text-primary", "text-accent", "text-warning", "text-error", "text-success"),
    *("primary", "accent", "warning", "error", "success"),
    *("footer-key-foreground", "footer-description-foreground"),
)


def on(ground: Color, name: str, colours: dict[str, str]) -> Color:
    """A theme's colour as it is seen on a ground."""
    said = colours[name]
    if not said.startswith("auto"):
        found = Color.parse(said)
        return ground.blend(found, found.a, 1)
    share = float(said.split()[1].rstrip("%")) / 100 if " " in said else 1.0
    best = ground.get_contrast_text(share)
    return ground.blend(best, best.a, 1)


def ratio(one: Color, other: Color) -> float:
    return contrast(one.rich_color, other.rich_color)


@pytest.fixture(params=OURS, ids=lambda theme: theme.name)
def theme(request):
    return request.param


@pytest.fixture
def colours(theme):
    return theme.to_color_system().generate()


def test_words_on_every_ground(colours):
    poor = {
        (word, ground): round(found, 2)
        for word, ground in itertools.product(WORDS, GROUNDS)
        if (found := ratio(on(Color.parse(colours[ground]), word, colours), Color.parse(colours[ground]))) < TEXT
    }
    assert not poor


def test_dim_words_on_every_ground(colours):
    for name in GROUNDS:
        ground = RichColor.parse(Color.parse(colours[name]).hex)
        front = RichColor.parse(Color.parse(colours["foreground"]).hex)
        assert contrast(dim_color(ground, front), ground) >= TEXT, name


def test_series_groups_and_edges(theme, colours):
    drawn = [*series(theme.dark), *(GROUP_COLOURS if theme.dark else GROUP_COLOURS_LIGHT)]
    for name in ("background", "surface"):
        ground = Color.parse(colours[name])
        for colour in drawn:  # words of legends and points have these colours, too
            assert ratio(Color.parse(colour), ground) >= TEXT, (colour, name)
        edge = ground.blend(Color.parse(colours["primary"]), share_of_edges(), 1)
        assert ratio(edge, ground) >= MARK, name


def share_of_edges() -> float:
    """How strongly the edges of panes have the theme's first colour, as the style sheet says."""
    _, _, rest = asset("lab.tcss").read_text(encoding="utf-8").partition(".pane, .frame { border: round $primary ")
    return float(rest.split("%")[0]) / 100


def test_tokens_on_their_tints(theme, colours):
    ground, front = Color.parse(colours["background"]), Color.parse(colours["foreground"])
    for name in series(True):
        assert ratio(front, ground.blend(Color.parse(name), TINT)) >= TEXT, name


def simulated(colour: str, kind: str) -> tuple[float, float, float]:
    """A colour as someone without one kind of cone sees it (Viénot, Brettel and Mollon 1999), in CIE L*a*b*."""
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in Color.parse(colour).normalized
    )
    if kind == "protanopia":
        both = 0.11238 * red + 0.88762 * green
        red, green, blue = both, both, 0.004 * (red - green) + blue
    elif kind == "deuteranopia":
        both = 0.29275 * red + 0.70725 * green
        red, green, blue = both, both, 0.02234 * (green - red) + blue
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (max(v, 0.0) ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("kind", ["all cones", "protanopia", "deuteranopia"])
@pytest.mark.parametrize("dark", [True, False], ids=["dark", "light"])
def test_series_are_told_apart_without_one_kind_of_cone(kind, dark):
    seen = [simulated(colour, kind) for colour in series(dark)]
    for (i, one), (j, other) in itertools.combinations(enumerate(seen), 2):
        distance = sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5
        assert distance >= 10, (series(dark)[i], series(dark)[j], distance)
