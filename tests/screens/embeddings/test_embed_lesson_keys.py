"""The lesson by the keyboard: its lines are stops of tab, enter does one, and what lies behind it gets no key."""

from __future__ import annotations

import pytest
from embed_pilots import ready, sentence, until

from core.workbench import Bench, Workbench
from lab.app import LabApp
from screens.widgets.lesson import DO_IT, TO_TRIES, Lesson, TryLine


async def open_lesson(pilot) -> Lesson:
    """The lesson of the screen that is shown, with all its lines."""
    await pilot.press("question_mark")
    await until(pilot, lambda: len(pilot.app.screen.query(TryLine)) >= 4)
    await until(pilot, lambda: pilot.app.screen.query_one(Lesson).has_focus_within)
    return pilot.app.screen.query_one(Lesson)


def embed() -> LabApp:
    return LabApp(screen="embeddings", workbench=Workbench(Bench(a="demo")))


async def tab(pilot, key: str = "tab"):
    """Presses it and waits until the focus has arrived; where it is now."""
    await pilot.press(key)
    await pilot.pause()
    await pilot.pause()
    return pilot.app.screen.focused


@pytest.mark.parametrize("key", ["tab", "shift+tab"])
async def test_beside_the_body_tab_goes_through_the_panes_and_then_the_lesson(key: str) -> None:
    app = embed()
    async with app.run_test(size=(120, 36)) as pilot:
        await ready(pilot)
        panel = await open_lesson(pilot)
        assert panel.border_subtitle == TO_TRIES
        first = app.screen.focused
        round_trip = [first]
        while (now := await tab(pilot, key)) is not first:
            round_trip.append(now)
            assert len(round_trip) < 20, "never back in the lesson"
        lines = list(panel.query(TryLine))
        assert [stop for stop in round_trip if stop in lines] == (lines if key == "tab" else lines[::-1])
        panes = [stop for stop in round_trip if panel not in stop.ancestors]
        assert len(panes) == len(set(panes)) >= 3


async def test_enter_on_a_line_does_it_and_the_border_says_so() -> None:
    app = embed()
    async with app.run_test(size=(120, 36)) as pilot:
        await ready(pilot)
        panel = await open_lesson(pilot)
        line = await tab(pilot)
        assert isinstance(line, TryLine) and line.action == "try_bias" and panel.border_subtitle == DO_IT
        before = app.screen.answers
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.answers > before)
        assert "man" in app.screen.asked.text and app.screen.query(Lesson)


async def test_over_the_body_the_keys_stay_in_the_lesson() -> None:
    app = embed()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        screen = app.screen
        panel = await open_lesson(pilot)
        asked, before = screen.asked.text, screen.answers
        await pilot.press("enter")
        assert isinstance(screen.focused, TryLine) and screen.answers == before and screen.asked.text == asked
        for key in ("tab", "tab", "tab", "tab", "tab", "shift+tab", "shift+tab", "down", "up"):
            await tab(pilot, key)
            assert panel.has_focus_within, key
        screen.body.box.focus()  # something behind asks for the focus
        await until(pilot, lambda: panel.has_focus_within)


async def test_what_is_tried_over_the_body_takes_the_lesson_away_and_is_seen() -> None:
    app = embed()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        screen = app.screen
        await open_lesson(pilot)
        before = screen.answers
        await pilot.press("tab", "enter")
        await until(pilot, lambda: screen.answers > before)
        assert not screen.query(Lesson) and sentence(screen)


async def test_a_terminal_that_gets_narrow_takes_the_focus_into_the_lesson() -> None:
    app = embed()
    async with app.run_test(size=(120, 36)) as pilot:
        await ready(pilot)
        panel = await open_lesson(pilot)
        await tab(pilot, "shift+tab")
        assert not panel.has_focus_within
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: panel.region.width == 80 and panel.has_focus_within)


async def test_closing_gives_the_focus_back() -> None:
    app = embed()
    async with app.run_test(size=(120, 36)) as pilot:
        await ready(pilot)
        before = app.screen.focused
        assert before is not None
        await open_lesson(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.query(Lesson))
        assert app.screen.focused is before
