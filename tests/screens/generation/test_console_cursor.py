"""The cursor on the prompt; answers beside each other that change places, are cut, stopped, or cannot be written."""

import math

from console_pilots import SHORT, answered, console, ids, quiet, sentence, step, until

from screens.generation.comparing import Rival
from screens.generation.view import Line, values_of
from screens.widgets.error_card import ErrorCard


async def test_a_token_of_the_prompt_shows_its_chances_and_cannot_be_taken_otherwise():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        before = len(screen.answers)
        await pilot.press("home", "right", "right")
        await until(pilot, lambda: screen.body.bars.rows)
        await until(pilot, lambda: quiet(screen))
        assert screen.in_prompt and "token 2 of the prompt" in sentence(screen)
        assert sum(row.marked for row in screen.body.bars.rows) == 1
        await pilot.press("a", "end", "up", "enter")
        assert len(screen.answers) == before and not screen.streams
        assert "e edits it" in sentence(screen)
        await pilot.press("t", "up")
        assert "1 answer" in str(screen.body.query_one("#strip-pane").border_title)


async def test_the_answer_beside_that_is_chosen_changes_places_and_goes_when_the_other_is_cut():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        one = screen.shown
        screen.compare_models("demo", screen.current().sampling.override(temperature=1.5))
        await until(pilot, lambda: screen.beside is not None and quiet(screen))
        other = screen.beside
        screen.show_branch(other)
        assert (screen.shown, screen.beside) == (other, one)
        screen.action_cut()
        assert (screen.shown, screen.beside) == (one, None)
        assert not screen.body.query_one("#other-pane").display


async def test_escape_before_the_rivals_turn_stops_both():
    app = console(SHORT.override(max_new_tokens=5000))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await until(pilot, lambda: screen.current() is not None and len(ids(screen)) > 3)
        screen.rival = Rival("demo", SHORT)
        screen.rival_too()
        await pilot.press("escape")
        await until(pilot, lambda: quiet(screen))
        assert screen.beside is None and len(screen.answers) == 2, "the prompt and the one answer that was stopped"


async def test_a_rival_answers_the_prompt_of_the_shown_answer_and_none_that_cannot_be_read():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        root = screen.answers.root_of(screen.shown).id
        screen.body.prompt.show("☃ nobody has sent this yet")
        screen.compare_models("demo", screen.current().sampling)
        await until(pilot, lambda: screen.beside is not None and quiet(screen))
        assert screen.answers.root_of(screen.beside).id == root and ids(screen, screen.beside) == ids(screen)
        count = len(screen.answers)
        screen.action_generate()
        screen.rival_too()
        await until(pilot, lambda: screen.query(ErrorCard) and quiet(screen))
        assert len(screen.answers) == count, "the rival does not answer where the first could not"


def test_a_prompt_in_one_piece_leaves_every_step_in_its_place():
    """As a tree from another tokenizer is shown before its model is open."""
    line = Line((5, 6, 7), (b"abc",), (step(0, b" x", 0.25), step(1, b" y", 0.5)))
    assert line.step(0) is None and line.step(1) is line.steps[0] and line.step(3) is None
    values = values_of(line, "probability", 100)
    assert len(values) == len(line.pieces) and math.isnan(values[0]) and math.isclose(values[2], 0.5)
