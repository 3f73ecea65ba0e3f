"""Shipped lessons: every number they name is there, and what they say to try can be tried."""

from __future__ import annotations

import pytest
from pilots import looked, until
from recorded import write

from core.folders import asset
from core.presets import TRAIN_PRESETS
from screens.training.form import NewRunForm
from screens.widgets.lesson import LESSONS, MISSING, Lesson, TryLine, fill, neighbour, places_of, template_of

SHIPPED = sorted(path.stem for path in asset("lessons").glob("*.md"))


def test_what_ships_is_a_lesson_of_the_course():
    assert "L5" in SHIPPED
    assert set(SHIPPED) <= {info.id for info in LESSONS}


async def test_every_place_of_the_lesson_is_filled(app, folder):
    lesson_id = "L5"
    write(folder / "shakes")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await looked(pilot, screen)
        view = screen.lesson()
        template = template_of(lesson_id)
        assert view.lesson_id == lesson_id
        assert places_of(template) and places_of(template) <= view.values.keys()
        text = fill(template, view.values)
        assert MISSING not in text and "{" not in text
        assert screen.view.name in text and "1.4" in text


async def test_what_the_training_lesson_says_to_try_happens(app, folder):
    run = write(folder / "shakes", 500)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        screen.show_run(run)
        await looked(pilot, screen)
        await pilot.press("question_mark")
        await until(pilot, lambda: len(screen.query(TryLine)) >= 4)
        rate, log = [line for line in screen.query(TryLine) if line.action][:2]
        log.focus()
        await pilot.press("enter")
        await until(pilot, lambda: screen.axes.log)
        rate.focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NewRunForm))
        first = next(iter(TRAIN_PRESETS.values())).config
        assert app.screen.config.learning_rate == pytest.approx(10 * first.learning_rate)
        await pilot.press("escape")


async def test_page_down_at_the_end_leads_to_the_next_lesson(app, folder):
    write(folder / "shakes", 500)
    async with app.run_test(size=(120, 36)) as pilot:
        await looked(pilot, app.screen)
        await pilot.press("question_mark")
        await until(pilot, lambda: len(app.screen.query(TryLine)) >= 4)
        for _ in range(30):
            await pilot.press("pagedown")
            if isinstance(app.screen.focused, TryLine):
                break
        assert app.screen.focused.lesson_id == neighbour("L5", 1).id
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "generation" and bool(app.screen.query(Lesson)))


async def test_each_lesson_of_the_course_can_be_opened_by_name(app, folder):
    write(folder / "shakes", 500)
    async with app.run_test(size=(120, 36)) as pilot:
        for info in LESSONS:
            await app.open_lesson(info.id)
            await until(pilot, lambda: bool(app.screen.query(TryLine)))
            assert app.screen.query_one(Lesson).view.lesson_id == info.id
            assert str(app.screen.query_one(Lesson).border_title).startswith(info.id)
