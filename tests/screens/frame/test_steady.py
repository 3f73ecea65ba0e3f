"""Lines of any script are drawn as wide as they are reckoned: flags, families, tones of skin, vowel signs."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.widgets import Static

from lab.app import LabApp
from screens.widgets.steady import SteadyFilter, drawn_cells, settled, steady

BLACK = Color(0, 0, 0)
ODD = st.text(st.sampled_from("aé ·│0#日한❤👍👩👧\u200d\ufe0f\u20e3🏽🇩🇪कषािी््ำمر\u0301\u302e"), max_size=30)


def joined(segments):
    return "".join(segment.text for segment in segments)


@given(st.lists(ODD | st.text(max_size=8).filter(str.isprintable), max_size=5))
def test_a_line_with_room_is_drawn_as_wide_as_it_is_reckoned(texts):
    line = [*(Segment(text) for text in texts), Segment(" " * 80), Segment("│")]
    drawn = steady(line)
    assert drawn_cells(joined(drawn)) == sum(cell_len(s.text) for s in line)
    assert joined(drawn).endswith("│") and len(drawn) == len(line)


@given(ODD)
def test_what_is_settled_has_no_sequence_left_and_is_as_wide_as_before(text):
    once = settled(text)
    assert cell_len(once) == cell_len(text) or any(unicodedata.category(c) == "Mc" for c in text) or "\u200d" in text
    assert settled(once) == once
    assert not any("🇦" <= c <= "🇿" or c == "🏽" for c in once)


@pytest.mark.parametrize("text", ["plain", "│ bars ████▏ 0.41 │", "naïve 日本 한국어 مرحبا ไทย"])
def test_all_other_lines_are_left_as_they_are(text):
    line = [Segment(text), Segment("  ")]
    assert SteadyFilter().apply(line, BLACK) == line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("👩\u200d👩\u200d👧\u200d👦.", "👩."),
        ("🇩🇪.", "DE."),
        ("👍🏽.", "👍."),
        ("1\ufe0f\u20e3.", "1 ."),
        ("❤\ufe0f.", "❤ ."),
    ],
)
def test_sequences_become_their_first_sign(text, shown):
    assert settled(text) == shown and cell_len(text) == cell_len(shown)


async def test_the_app_draws_through_it():
    app = LabApp(screen="training")
    async with app.run_test(size=(80, 24)) as pilot:
        words = Static("दुनिया 🇩🇪", markup=False)
        await app.screen.query_one("#body").mount(words, before=0)
        words.styles.width = 20
        await pilot.pause()
        line = words.render_lines(words.size.region)[0].text
        assert line.startswith("दुनिया DE ") and drawn_cells(line) == 20
