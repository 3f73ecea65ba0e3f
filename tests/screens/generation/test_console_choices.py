"""The console with the model that ships: it answers by itself, is the same twice, branches, stops, and adds up."""

import contextlib
import io
import json
import math
import shlex
import subprocess
import sys
from pathlib import Path

from console_pilots import SHORT, answered, console, given, ids, quiet, sentence, until

from core.generation.settings import PRESETS
from screens.widgets.error_card import ErrorCard

ROOT = Path(__file__).parents[3]


def said(command: list[str]) -> str:
    """What a process of its own prints."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_it_answers_by_itself_and_the_same_again_in_python_and_in_the_command_line():
    """Check 1: same seed, model and settings, same tokens."""
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        first = ids(screen)
        assert len(first) == 12 and not screen.query(ErrorCard)
        await pilot.press("N")
        assert screen.current() is None
        await pilot.press("n")
        await answered(pilot, screen)
        assert ids(screen) == first
        request = screen.take_away()
        assert [row[1] for row in request.table[1]] == first
        assert [step["token_id"] for step in request.data["steps"]] == first
    printed = said([sys.executable, "-c", request.python]).splitlines()
    assert [int(line.split()[0]) for line in printed] == first
    program, *words = shlex.split(request.command)
    assert program == "llm-lab"
    lines = said([sys.executable, "-m", "lab", *words]).splitlines()
    assert [json.loads(line)["token_id"] for line in lines] == first


async def test_alternatives_and_the_rest_add_up_to_the_whole():
    """Check 2."""
    app = console(SHORT.override(top_k=None))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        for _ in range(4):
            await pilot.press("left")
            await pilot.pause()
            rows = screen.body.bars.rows
            assert rows[-1].label == "the rest" and sum(row.marked for row in rows) == 1
            assert math.isclose(sum(row.value for row in rows), 1, abs_tol=1e-5)
            assert math.isclose(sum(row.second for row in rows), 1, abs_tol=1e-5)


async def test_branching_on_the_third_keeps_every_token_before_it_and_the_old_road():
    """Check 3."""
    app = console(SHORT.override(top_p=None))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        old, first = screen.shown, ids(screen)
        await pilot.press("home", *["right"] * (given(screen) + 5))
        assert screen.place == 5
        await pilot.press("a", "home", "down", "down")
        choice, place = screen.choice_here(), 2
        if choice.alternatives[place].token_id == first[5]:
            place = 1
            await pilot.press("up")
        wanted = choice.alternatives[place].token_id
        await pilot.press("enter")
        await until(pilot, lambda: screen.shown != old)
        await answered(pilot, screen)
        assert ids(screen)[:5] == first[:5] and ids(screen)[5] == wanted
        assert ids(screen, old) == first and len(ids(screen)) == 6 + 12
        python = screen.take_away().python
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(python, {})
    assert [int(line.split()[0]) for line in printed.getvalue().splitlines()] == ids(screen)[6:]


async def test_greedy_takes_the_first_everywhere():
    """Check 4."""
    app = console(PRESETS["greedy"][1].override(max_new_tokens=20))
    async with app.run_test(size=(120, 36)) as pilot:
        await answered(pilot, app.screen)
        path = app.screen.answers.path(app.screen.shown)
        assert len(path) == 20 and all(step.rank == 1 for step in path)


async def test_escape_stops_at_once_the_text_stays_and_goes_on_from_there():
    """Check 5."""
    app = console(SHORT.override(max_new_tokens=5000))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await until(pilot, lambda: screen.current() is not None and len(ids(screen)) > 10)
        await pilot.press("escape")
        assert not screen.streaming and "stopped" in sentence(screen)
        stopped = ids(screen)
        assert screen.body.strip.length == given(screen) + len(stopped) < 5000
        await until(pilot, lambda: quiet(screen))
        assert ids(screen) == stopped
        screen.set_sampling(SHORT.override(max_new_tokens=3))
        await pilot.press("o")
        await until(pilot, lambda: len(ids(screen)) == len(stopped) + 3 and quiet(screen))
        assert ids(screen)[: len(stopped)] == stopped


async def test_a_model_beside_itself_writes_the_same():
    """Check 6."""
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        screen.compare_models("demo", screen.current().sampling)
        await until(pilot, lambda: screen.beside is not None and quiet(screen))
        assert ids(screen, screen.beside) == ids(screen) and screen.beside != screen.shown
        assert screen.first_difference() is None and not screen.body.other.marks
        assert "the same tokens" in str(screen.body.query_one("#other-pane").border_subtitle)


async def test_two_steps_of_a_run_side_by_side_differ_where_it_is_marked():
    app = console(SHORT.override(max_new_tokens=30))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        screen.compare_models("demo@0", screen.current().sampling)
        await until(pilot, lambda: screen.beside is not None and quiet(screen))
        at = screen.first_difference()
        one, other = ids(screen), ids(screen, screen.beside)
        assert one[:at] == other[:at] and one[at] != other[at]
        assert screen.body.strip.marks == screen.body.other.marks == {given(screen) + at}
        await pilot.press("home", *["right"] * (given(screen) + 3))
        assert screen.body.other.cursor == screen.body.strip.cursor
        await until(pilot, lambda: "divergence" in str(screen.body.detail.border_title))
        await pilot.press("c")
        assert screen.beside is None


async def test_seeds_tokens_back_and_forth_and_cuts():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        first, whole = screen.shown, ids(screen)
        await pilot.press("comma", "comma")
        assert ids(screen) == whole[:-2]
        await pilot.press("full_stop")
        await until(pilot, lambda: len(ids(screen)) == len(whole) - 1 and quiet(screen))
        await pilot.press("full_stop")
        await until(pilot, lambda: len(ids(screen)) == len(whole) and quiet(screen))
        assert ids(screen) == whole  # the same seed at the same place draws the same
        await pilot.press("r")
        await until(pilot, lambda: screen.shown != first and quiet(screen))
        assert screen.current().sampling.seed == 43 and ids(screen) != whole
        second = screen.shown
        await pilot.press("x")
        assert second not in screen.answers and screen.shown == first
        await pilot.press("u")
        assert screen.shown == second and len(ids(screen)) == 12
        await pilot.press("t", "up", "up", "x")
        assert len(screen.answers) == 0
        await pilot.press("u")
        assert len(screen.answers) == 3


async def test_the_same_question_again_goes_on_and_another_one_keeps_the_old_tree():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        first = ids(screen)
        await pilot.press("n")
        await until(pilot, lambda: len(ids(screen)) == 24 and quiet(screen))
        assert ids(screen)[:12] == first
        await pilot.press("e")
        await until(pilot, lambda: screen.typing)
        await pilot.press(*"while", "ctrl+j", "x", "enter")
        await until(pilot, lambda: len(screen.answers.roots) == 2 and quiet(screen))
        assert [root.prompt for root in screen.answers.roots] == ["The for", "while\nx"]
        assert screen.workbench.prompt == "while\nx" and len(ids(screen)) == 12
        await pilot.press("e")
        await until(pilot, lambda: screen.typing)
        await pilot.press("up", "up")
        await until(pilot, lambda: screen.query_one("PromptBox").whole == "The for statement is used to")
        await pilot.press("down", "down", "escape")
        await until(pilot, lambda: not screen.body.prompt.editing)
        assert screen.prompt_text == "while\nx"


async def test_checkpoints_under_the_console_keep_the_tree_and_answer_for_themselves():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        first = screen.shown
        before = [(bar.label, bar.second) for bar in screen.body.bars.rows]
        await pilot.press("less_than_sign")
        await until(pilot, lambda: screen.opened.spec != "demo" and quiet(screen))
        await pilot.pause()
        earlier = screen.workbench.a
        assert screen.shown == first and earlier.startswith("demo@")
        assert [(bar.label, bar.second) for bar in screen.body.bars.rows] != before  # what that one would say here
        await pilot.press("n")
        await until(pilot, lambda: screen.shown != first and quiet(screen))
        assert screen.current().model == earlier and screen.answers[first].model == "demo"


async def test_weights_in_eight_bits_answer_too_and_say_what_they_cost():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        await pilot.press("s", "end", "left", "right", "right", "right", "right")
        assert screen.models.precision == "int8"
        await until(pilot, lambda: "perplexity" in screen.costs.get("precision", "") and quiet(screen))
        assert screen.opened.session.runner.dtype == "int8"
        await pilot.press("r")
        await until(pilot, lambda: len(screen.answers) == 3 and quiet(screen))
        assert len(ids(screen)) == 12 and "'int8'" in screen.take_away().python
        await pilot.press("backspace")
        assert screen.models.precision == "auto" and not screen.costs
