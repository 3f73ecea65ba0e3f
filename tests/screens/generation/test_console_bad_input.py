"""What can go wrong under the console's hands, and the doors that lead on."""

import shutil

import pytest
from console_pilots import SHORT, answered, console, given, ids, quiet, sentence, until

from core.errors import ConfigError
from core.folders import asset
from screens.generation.dials import dial_of, typed
from screens.generation.screen import GenerationScreen
from screens.training.dialogs import AskText
from screens.widgets.error_card import ErrorCard


def doors(screen):
    """The keys of the card that is shown."""
    return [door.key for door in screen.query_one(ErrorCard).problem.doors]


@pytest.fixture
def own_run(isolated):
    """A run of one's own, whose files may be changed: the demo's, copied."""
    run = isolated / "runs" / "mine"
    shutil.copytree(asset("demo"), run)
    return run


async def test_a_model_that_is_not_here_is_a_card_with_doors_and_the_demo_helps():
    app = console(model="gone@5")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await until(pilot, lambda: screen.query(ErrorCard))
        assert "gone" in screen.query_one(ErrorCard).problem.what and doors(screen) == ["w", "u", "escape"]
        await pilot.press("u")
        await answered(pilot, screen)
        assert screen.current().model == "demo" and not screen.query(ErrorCard)


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "changed"])
async def test_a_file_that_goes_or_changes_under_the_console_is_said_and_the_text_stays(own_run, gone):
    app = console(model="mine")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        first = ids(screen)
        source = screen.opened.loaded.source
        assert own_run in source.parents
        if gone:
            source.unlink()
        else:
            beside = source.with_name("beside")
            shutil.copyfile(source, beside)
            beside.replace(source)
        await pilot.press("r")
        await until(pilot, lambda: screen.query(ErrorCard))
        assert ("is gone" if gone else "has changed") in screen.query_one(ErrorCard).problem.what
        assert doors(screen)[0] == ("d" if gone else "r") and ids(screen) == first
        await pilot.press("d")
        await until(pilot, lambda: len(screen.answers) == 3 and quiet(screen))
        assert not screen.query(ErrorCard) and len(ids(screen)) == 12


async def test_a_damaged_tokenizer_is_said_in_two_lines(own_run):
    (own_run / "tokenizer.json").write_text("{}")
    app = console(model="mine")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await until(pilot, lambda: screen.query(ErrorCard))
        problem = screen.query_one(ErrorCard).problem
        assert "tokenizer" in problem.what and "something went wrong" not in problem.what and problem.why


async def test_a_pinned_tokenizer_that_is_not_the_models_is_refused_with_a_way_out():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        screen.workbench.set(tokenizer="gpt2")
        await pilot.press("r")
        await until(pilot, lambda: screen.query(ErrorCard))
        assert "gpt2 is pinned" in screen.query_one(ErrorCard).problem.what and doors(screen)[0] == "d"
        await pilot.press("d")
        await until(pilot, lambda: len(screen.answers) == 3 and quiet(screen))
        assert screen.workbench.tokenizer is None and not screen.query(ErrorCard)


async def test_an_empty_prompt_and_one_longer_than_the_context_answer_and_say_so(monkeypatch):
    said = []
    monkeypatch.setattr(GenerationScreen, "say", lambda self, text, rows=1: said.append(text))
    app = console(prompt="")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        assert any("prompt is empty" in text for text in said) and len(ids(screen)) == 12
        context = screen.opened.loaded.config.context_length
        screen.body.prompt.show("for " * context)
        await pilot.press("n")
        await until(pilot, lambda: len(screen.answers.roots) == 2 and quiet(screen))
        assert any(f"the model sees {context:,} at once" in text for text in said)
        assert len(ids(screen)) == 12


async def test_text_the_vocabulary_lacks_and_the_text_of_special_tokens():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        for prompt in ("<|endoftext|> for", "莎士比亚", "a\x00\x1b[2Jb"):
            before = len(screen.answers)
            screen.body.prompt.show(prompt)
            await pilot.press("n")
            await until(pilot, lambda n=before: (len(screen.answers) > n or screen.query(ErrorCard)) and quiet(screen))
            for card in screen.query(ErrorCard):
                assert "something went wrong" not in card.problem.what, card.problem
            await pilot.press("escape")


WRONG = (
    ("temperature", "-1", "at least 0"),
    ("temperature", "nan", "temperature"),
    ("temperature", "warm", "must be a number"),
    ("top_k", "0", "at least 1"),
    ("top_k", "2.5", "whole number"),
    ("top_p", "1.5", "from 0 to 1"),
    ("repetition_penalty", "0", "above 0"),
    ("seed", "-3", "at least 0"),
    ("max_new_tokens", "0", "at least 1"),
    ("preset", "bold", "must be one of"),
)


@pytest.mark.parametrize(("field", "text", "reason"), WRONG)
def test_settings_that_cannot_be_are_named_with_what_was_expected(field, text, reason):
    with pytest.raises(ConfigError, match=reason):
        typed(SHORT, dial_of(field), text)


async def test_settings_that_cannot_be_are_refused_where_they_are_typed(monkeypatch):
    monkeypatch.setattr(GenerationScreen, "open_model", lambda self: None)
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await pilot.press("s", "down", "enter")
        dialog = app.screen
        assert isinstance(dialog, AskText)
        dialog.query_one("#answer").value = "-1"
        await pilot.press("enter")
        assert app.screen is dialog and "at least 0" in str(dialog.query_one("#reason").visual)
        await pilot.press("escape")
        assert screen.sampling == SHORT
        await pilot.press("enter")
        app.screen.query_one("#answer").value = "0,3"
        await pilot.press("enter", "right", "down", "backspace")
        assert screen.sampling == SHORT.override(temperature=0.5, top_k=None)


async def test_a_stop_text_ends_the_answer_and_n_says_why_it_goes_no_further():
    app = console(SHORT.override(temperature=0.0, max_new_tokens=80, stop=(" ",)))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        last = screen.answers.path(screen.shown)[-1]
        assert last.end == "stop" and "stop text" in sentence(screen)
        length = len(ids(screen))
        await pilot.press("o")
        await until(pilot, lambda: quiet(screen))
        assert len(ids(screen)) == length and "r answers" in sentence(screen)


async def test_past_the_context_the_window_slides_and_what_it_left_is_dim():
    app = console(SHORT.override(max_new_tokens=260))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        context = screen.opened.loaded.config.context_length
        if given(screen) + 260 <= context:
            pytest.skip("the demo's context holds it all")
        start = screen.answers.path(screen.shown)[-1].window_start
        assert start > 0 and screen.body.strip.dim_before == start


async def test_nonsense_and_resizing_break_nothing():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await pilot.press(
            *"xubrpfo,.mB", "t", "left", "right", "x", "u", "s", "left", "right", "backspace", "a", "enter"
        )
        for size in ((80, 24), (40, 10), (200, 50), (120, 36)):
            await pilot.resize_terminal(*size)
            await pilot.press("tab", "m", "z", "z")
        await pilot.press("escape", "escape", "escape", *"cc")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: quiet(screen))
        assert app.survived == [] and not screen.query(ErrorCard)
