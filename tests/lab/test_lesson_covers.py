"""A lesson where it covers the screen, and one whose screen comes to show something else."""

import asyncio
import time

from lab.app import LabApp
from lab.palette import entries
from screens.widgets.lab_footer import LabFooter
from screens.widgets.lesson import Lesson


async def until(pilot, condition, seconds=30.0):
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


async def test_behind_a_lesson_no_letter_acts_and_the_digits_still_change_the_screen():
    app = LabApp(screen="weights")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await until(pilot, lambda: screen.opened is not None)
        before = (screen.body.page, screen.measure, screen.names, screen.body.tensor_tree.key)
        await pilot.press("question_mark")
        await until(pilot, lambda: screen.query(Lesson))
        await pilot.pause()
        assert "Download" not in str([key.description for key in screen.query_one(LabFooter).children])
        await pilot.press(
            "c", "m", "n", "t", "L", "v", "s", "d", "o", "y", "z", "r", "f", "slash", "comma", "down", "j"
        )
        assert (screen.body.page, screen.measure, screen.names, screen.body.tensor_tree.key) == before
        assert app.screen is screen and screen.maximized is None and not app.jobs.jobs
        await pilot.press("1")
        assert app.current_mode == "tokenizer"
        await pilot.press("6", "question_mark")
        await until(pilot, lambda: not screen.query(Lesson))
        await pilot.press("c")
        assert screen.body.page == "sizes"
        await pilot.press("question_mark")
        await until(pilot, lambda: screen.lesson_covers)
        (tensors,) = [entry for entry in entries(app) if entry.title == "Page: tensors"]
        await tensors.run()
        assert screen.body.page == "tensors" and not screen.query(Lesson)  # it is not done where nobody sees it
    assert app.survived == []


async def test_beside_a_lesson_letters_act_and_a_terminal_that_grows_gives_them_back():
    app = LabApp(screen="weights")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await until(pilot, lambda: screen.opened is not None)
        await pilot.press("question_mark", "c")
        assert screen.body.page == "tensors"
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: screen.has_class("-lesson-side"))
        await pilot.press("c")
        assert screen.body.page == "sizes"
        (panel,) = screen.query(Lesson)
        assert panel.view.lesson_id == "L7"


async def test_an_open_lesson_follows_to_the_page_of_the_twins_and_back():
    app = LabApp(screen="weights")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await until(pilot, lambda: screen.opened is not None)
        await pilot.press("question_mark")
        (panel,) = screen.query(Lesson)
        screen.show_page("twin")
        await until(pilot, lambda: panel.view.lesson_id == "L8")
        assert panel.border_title.startswith("L8")
        screen.show_page("tensors")
        await until(pilot, lambda: panel.view.lesson_id == "L7")
        await app.open_lesson("L8")
        await screen._refresh_lesson()
        assert panel.view.lesson_id == "L8"  # it was asked for, and the page is the same
        screen.show_page("twin")
        await screen._refresh_lesson()
        screen.show_page("tensors")
        await screen._refresh_lesson()
        assert panel.view.lesson_id == "L7"
    assert app.survived == []
