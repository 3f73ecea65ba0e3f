"""What a newcomer met in the first hour with the training screen: quick typing, doors, small terminals."""

import pytest
from pilots import looked, until
from recorded import write
from textual import events
from textual.keys import _character_to_key
from textual.widgets import Button, Input, OptionList, Static

from core.presets import TRAIN_PRESETS
from screens import training_estimate
from screens.training_form import NewRunForm
from screens.training_start import StartRequest


@pytest.fixture(autouse=True)
def no_measuring(monkeypatch):
    """A measurement starts torch in a child."""
    monkeypatch.setattr(training_estimate, "_SETTLE", 3600.0)


@pytest.fixture
def started(monkeypatch):
    """What the screen was asked to start."""
    from screens import training_starting

    found = []

    def record(request, runs_dir, cancelled=None):
        found.append(request)
        return iter(())

    monkeypatch.setattr(training_starting, "begin", record)
    return found


def burst(app, *keys):
    """Keys as a terminal hands them over in one read: none waits for what the one before has done."""
    for key in keys:
        char = key if len(key) == 1 else None
        app._driver.send_message(events.Key(_character_to_key(key) if char else key, char))


async def form_of(pilot):
    await looked(pilot, pilot.app.screen)
    await pilot.press("n")
    await until(pilot, lambda: isinstance(pilot.app.screen, NewRunForm) and pilot.app.screen.focused)
    return pilot.app.screen


async def test_quickly_typed_text_goes_to_the_field_that_has_the_focus(app, folder, started):
    async with app.run_test(size=(120, 36)) as pilot:
        form = await form_of(pilot)
        burst(app, "tab", *"hello", "tab", "ctrl+a", "ctrl+k", *"python-docs", "enter", "ctrl+a", "ctrl+k", *"gpt2")
        await until(pilot, lambda: form.ready and form.config and form.config.tokenizer == "gpt2")
        assert form.query_one("#field-name", Input).value == "hello"
        assert form.query_one("#field-corpus", Input).value == "python-docs"
        burst(app, "ctrl+s")
        await until(pilot, lambda: started)
        assert (started[0].name, started[0].config.corpus) == ("hello", "python-docs")


async def test_another_preset_keeps_what_was_typed(app, folder, started):
    async with app.run_test(size=(120, 36)) as pilot:
        form = await form_of(pilot)
        await until(pilot, lambda: form.ready)
        form.query_one("#field-max_steps", Input).value = "77"
        form.query_one("#field-name", Input).value = "mine"
        await pilot.pause()
        await pilot.press("down", "down")
        await pilot.pause()
        other = list(TRAIN_PRESETS)[2]
        assert form.config == TRAIN_PRESETS[other].config.override(max_steps=77)
        await pilot.press("enter")
        await until(pilot, lambda: started)
        assert started[0] == StartRequest(TRAIN_PRESETS[other].config.override(max_steps=77), "mine")


async def test_the_form_says_what_enter_does_where_the_focus_is(app, folder):
    async with app.run_test(size=(120, 36)) as pilot:
        form = await form_of(pilot)
        await until(pilot, lambda: "enter starts" in str(form.query_one("#form-keys", Static).content))
        await pilot.press("tab")
        await until(
            pilot, lambda: "enter: next field · ctrl+s starts" in str(form.query_one("#form-keys", Static).content)
        )
        assert "about a minute" in str(form.query_one("#estimate", Static).content)
        assert "trains on" in str(form.query_one("#estimate", Static).content)


async def test_a_run_at_a_third_of_the_rate_is_named_after_the_run_that_diverged(app, folder, started):
    run = write(folder / "div", 700, end="diverged")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        screen.show_run(run)
        await looked(pilot, screen)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, NewRunForm) and app.screen.ready)
        form = app.screen
        assert form.query_one("#presets", OptionList).highlighted is None
        assert isinstance(form.focused, Button)
        await pilot.press("enter")
        await until(pilot, lambda: started)
        assert started[0].name == "div"
        assert started[0].config.learning_rate == pytest.approx(1e-3 / 3)
