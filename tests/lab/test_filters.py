"""The filters of all lines as one: the line is the same as if each had made it anew."""

from hypothesis import given
from hypothesis import strategies as st
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI
from textual.color import Color
from textual.filter import ANSIToTruecolor

from lab.filters import Together
from screens.widgets.clean import CleanFilter
from screens.widgets.steady import SteadyFilter

COLOURS = st.sampled_from([None, "red", "bright_blue", "default", "color(200)", "#ff8800", "#000000", "rgb(1,2,3)"])
STYLES = st.none() | st.builds(
    lambda color, back, dim, bold: Style(color=color, bgcolor=back, dim=dim, bold=bold),
    COLOURS,
    COLOURS,
    st.sampled_from([None, True, False]),
    st.sampled_from([None, True]),
)
LINES = st.lists(st.builds(Segment, st.text("ab █", max_size=4), STYLES), max_size=6)


@given(st.lists(LINES, max_size=4))
def test_lines_are_what_the_toolkit_makes_of_them(lines):
    theirs = (ANSIToTruecolor(DIMMED_MONOKAI), SteadyFilter(), CleanFilter())
    ours, back = Together(theirs), Color(10, 20, 30)
    for line in lines:
        expected = line
        for each in theirs:
            expected = each.apply(expected, back)
        assert list(ours.apply(line, back)) == list(expected)


def test_a_line_of_true_colours_is_left_alone_and_one_that_steers_is_not():
    ours, back = Together((ANSIToTruecolor(DIMMED_MONOKAI),)), Color(0, 0, 0)
    line = [Segment("a", Style(color="#ff8800")), Segment("b", Style(bgcolor="#112233")), Segment("c")]
    assert ours.apply(line, back) is line
    bell = Control.bell().segment
    assert [s.control for s in ours.apply([*line, bell], back)] == [None] * 4
