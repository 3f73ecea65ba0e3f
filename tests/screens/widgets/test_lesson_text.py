"""Formulas of a lesson: lines that have no room go on below, and nothing of them is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.widgets import Label

from screens.widgets.lesson_text import LessonText, Worked, wrapped


@given(st.text(st.sampled_from("ab ×漢=·"), max_size=60), st.integers(8, 40))
def test_pieces_fit_and_say_the_same(line: str, width: int) -> None:
    pieces = wrapped(line, width)
    assert all(cell_len(piece) <= width for piece in pieces) or not line.strip()
    assert "".join("".join(pieces).split()) == "".join(line.split())


def test_a_line_with_room_keeps_its_columns() -> None:
    assert wrapped("two norms  4C       = 256", 30) == ["two norms  4C       = 256"]


async def test_a_formula_is_never_cut_and_follows_the_width() -> None:
    class Shown(App[None]):
        def compose(self) -> ComposeResult:
            yield LessonText("Text.\n\n    paris - france + germany ≈ berlin and so on\n")

    app = Shown()
    async with app.run_test(size=(30, 20)) as pilot:
        await pilot.pause()
        label = app.query_one(Worked).query_one(Label)

        def lines() -> list[str]:
            return ["".join(s.text for s in strip).strip() for strip in label.render_lines(label.outer_size.region)]

        assert " ".join(filter(None, lines())) == "paris - france + germany ≈ berlin and so on"
        assert label.size.height == 2
        await pilot.resize_terminal(80, 20)
        await pilot.pause()
        assert label.size.height == 1
        await app.query_one(LessonText).update("Text.\n\n    one\n    two\n")
        await pilot.pause()
        assert "two" in app.query_one(Worked).query_one(Label).render().plain


def test_a_word_wider_than_the_room_goes_on_further_in_and_a_figure_is_one_word() -> None:
    assert wrapped("a scaled_dot", 8) == ["a", "  scaled", "  _dot"]
    assert wrapped("block = 198\u202f272", 12) == ["block =", "  198\u202f272"]
