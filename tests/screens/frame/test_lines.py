"""The bar, the status line and the key line, as text of a given width."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from textual.binding import Binding

from screens.catalogue import TITLES
from screens.widgets.lab_bar import bar_text
from screens.widgets.lab_footer import chosen

CHIP = "◆ demo@2000 · char · auto ▾"


def test_wide_bar_names_everything():
    text, places = bar_text(TITLES, 4, CHIP, 120)
    assert text.plain.startswith(" LLM Lab  1 Tokens  2 Embed ")
    assert text.plain.rstrip().endswith(CHIP)
    assert [p.screen for p in places] == [1, 2, 3, 4, 5, 6, 0]
    assert text.plain[places[3].start : places[3].end] == " 4 Training "


def test_the_title_goes_first_then_the_other_names():
    assert "LLM Lab" not in bar_text(TITLES, 4, CHIP, 111)[0].plain
    assert all(name in bar_text(TITLES, 4, CHIP, 100)[0].plain for name in TITLES)
    narrow = bar_text(TITLES, 4, CHIP, 80)[0].plain
    assert "4 Training" in narrow and "Tokens" not in narrow and CHIP in narrow


@given(st.integers(0, 200), st.text(max_size=80), st.integers(1, 6))
def test_the_bar_has_exactly_the_width_it_is_given(width, chip, current):
    text, places = bar_text(TITLES, current, chip.replace("\n", ""), width)
    assert text.cell_len == width
    assert all(a.end <= b.start for a, b in itertools.pairwise(places))


def test_too_many_keys_lose_the_screens_last_ones():
    own = [Binding(chr(97 + i), f"do{i}", id=f"x.{i}") for i in range(20)]
    frame = [
        Binding("y", "t", id="lab.take-away"),
        Binding("w", "p", id="app.picker"),
        Binding("?", "l", id="lab.lesson"),
    ]
    keys = chosen([*frame, *own], 6)
    assert [b.id for b in keys] == ["lab.lesson", "x.0", "x.1", "x.2", "lab.take-away", "app.picker"]
