"""The page of the twins by the keyboard: its lesson, the way back, the last line, the sentence."""

from __future__ import annotations

import pytest
from weight_pilots import opened, sentence, until

from screens.weights.twin import BARS
from screens.widgets.lab_footer import LabFooter
from screens.widgets.lesson import Lesson


def footer(screen) -> list[str]:
    """The keys of the last line."""
    return [key.key for key in screen.query_one(LabFooter).query("FooterKey") if "-command-palette" not in key.classes]


async def test_the_lesson_is_that_of_the_page_and_escape_closes_it_first(lab, model):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        assert screen.lesson().lesson_id == "L7"
        screen.show_page("twin")
        await pilot.press("question_mark")
        await until(pilot, lambda: screen.query(Lesson))
        assert screen.query_one(Lesson).view.lesson_id == "L8"
        await pilot.press("escape")
        await until(pilot, lambda: not screen.query(Lesson))
        assert screen.body.page == "twin"
        await pilot.press("escape")
        assert screen.body.page == "tensors"


async def test_a_lesson_asked_for_by_name_is_the_one_that_is_shown(lab, model):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await screen.open_lesson("L8")
        assert screen.query_one(Lesson).view.lesson_id == "L8"
        await screen.close_lesson()
        assert screen.lesson().lesson_id == "L7"
        screen.show_page("twin")
        await screen.open_lesson("L7")
        assert screen.query_one(Lesson).view.lesson_id == "L7"


@pytest.mark.parametrize(("size", "keys"), [((120, 36), ["t", "m", "s", "c"]), ((80, 24), ["t", "m", "s"])])
async def test_the_last_line_has_the_keys_of_the_page(lab, model, size, keys):
    app = lab(model)
    async with app.run_test(size=size) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        usual = footer(screen)
        assert "d" in usual
        screen.show_page("twin")
        await until(pilot, lambda: footer(screen)[1:-2] == keys)
        screen.show_page("tensors")
        await until(pilot, lambda: footer(screen) == usual)


async def test_the_sentence_is_about_the_page(lab, model):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        screen.show_page("sizes")
        await until(pilot, lambda: "layers" in sentence(screen) or "tokens" in sentence(screen))
        screen.show_page("twin")
        screen.body.sizes.explain()  # a hidden page is worked out again
        await pilot.pause()
        assert "Keras" in sentence(screen)


async def test_bars_are_said_to_be_logarithmic_where_there_are_bars(lab, model):
    from test_weights_twin import REPORT

    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        screen.show_page("twin")
        pane = screen.body.twins
        pane.show(REPORT)
        await pilot.pause()
        assert BARS in str(pane.box.border_subtitle) and len(pane._row(2).plain.rstrip()) > 70
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: BARS not in str(pane.box.border_subtitle))
        assert len(pane._row(2).plain.rstrip()) <= 60
        screen.show_page("tensors")
        screen.show_page("twin")
        assert sentence(screen) == "small: 3.00e-04 apart at most, in h.0.mlp"
