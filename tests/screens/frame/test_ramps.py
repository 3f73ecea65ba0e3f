"""Colours carry numbers only where they can: lightness rises, text on them reads, glyphs stand in for them."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color

from screens.widgets.ramps import (
    BLACK,
    WHITE,
    bar_glyph,
    contrast,
    diverging,
    luminance,
    ramp_style,
    sequential,
    shade,
    text_on,
)


@pytest.mark.parametrize("colours", ["true", "256"])
def test_the_sequential_ramp_gets_strictly_lighter(colours):
    light = [luminance(color) for color in sequential(colours)]
    assert len(light) >= 11
    assert all(a < b for a, b in itertools.pairwise(light))


@pytest.mark.parametrize("colours", ["true", "256"])
def test_the_diverging_ramp_is_lightest_in_its_middle(colours):
    light = [luminance(color) for color in diverging(colours)]
    middle = len(light) // 2
    assert max(light) == max(light[middle - 1 : middle + 1])
    assert light[0] < light[middle] > light[-1]


@pytest.mark.parametrize("ramp", [sequential("true"), diverging("true"), sequential("256"), diverging("256")])
def test_text_on_every_step_reads(ramp):
    for color in ramp:
        style = text_on(color)
        assert contrast(BLACK if style.color == Color.parse("#000000") else WHITE, color) >= 4.5


@pytest.mark.parametrize("colours", ["16", "none"])
def test_where_colour_cannot_carry_numbers_there_is_no_ramp(colours):
    assert sequential(colours) == diverging(colours) == ()
    assert not ramp_style(0.5, sequential(colours))


@given(st.floats())
def test_glyphs_take_any_number(value):
    assert len(shade(value)) == 2 and len(bar_glyph(value)) == 1
    assert shade(value, ascii_only=True).isascii() and bar_glyph(value, ascii_only=True).isascii()
    if math.isnan(value):
        assert shade(value) == "  "
