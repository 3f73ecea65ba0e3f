"""What a newcomer met in the first hour with the training screen: quick typing, doors, small terminals."""

import pytest
from pilots import looked, sentence, until
from recorded import meta, write
from rich.cells import cell_len
from run_writing import writing
from textual import events
from textual.geometry import Region
from textual.keys import _character_to_key
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets._footer import FooterKey

from core.errors import LabError
from core.presets import TRAIN_PRESETS
from core.training.rundir import RunWriter
from screens.training import estimate as training_estimate
from screens.training import starting as training_starting
from screens.training.form import NewRunForm
from screens.training.start import Started, StartRequest
from screens.widgets.error_card import ErrorCard
from screens.widgets.lesson import Lesson


@pytest.fixture(autouse=True)
def no_measuring(monkeypatch):
    """A measurement starts torch in a child."""
    monkeypatch.setattr(training_estimate, "_SETTLE", 3600.0)


@pytest.fixture
def started(monkeypatch):
    """What the screen was asked to start."""
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


@pytest.mark.parametrize("size", [(60, 16), (80, 24)])
async def test_on_a_small_terminal_a_new_run_shows_its_loss_first(app, folder, monkeypatch, size):
    from core.training import launch

    run = write(folder / "new", 300)
    monkeypatch.setattr(training_starting, "begin", lambda *_: iter([Started(run, launch.Launched(run, 1, None))]))
    async with app.run_test(size=size) as pilot:
        screen = app.screen
        await looked(pilot, screen)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NewRunForm) and app.screen.focused)
        await pilot.press("enter")
        await until(pilot, lambda: screen.view is not None and screen.view.name == "new")
        await until(pilot, lambda: screen.focused is screen.body.plot)
        await looked(pilot, screen)
        assert screen.body.plot.region.height >= 5
        assert screen.body.titled["plot"].plain.endswith("1/6 tab")
        assert cell_len(screen.body.titled["plot"].plain) <= size[0] - 4
        shown = [key.description for key in screen.query(FooterKey)]
        assert "Stop" in shown and "New run" in shown
        assert max(key.region.right for key in screen.query(FooterKey)) <= size[0]


@pytest.mark.parametrize("pane", ["runs", "plot", "numbers", "samples", "log", "time"])
async def test_enter_loads_the_step_that_was_scrubbed_to_from_any_pane(app, folder, pane):
    run = write(folder / "shakes")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        screen.show_run(run)
        await looked(pilot, screen)
        screen.body.go_to_pane(pane)
        await pilot.press("comma", "comma")
        await until(pilot, lambda: "enter loads it" in sentence(screen))
        step = screen.body.time.target
        await pilot.press("enter")
        await until(pilot, lambda: app.workbench.a == f"shakes@{step}")


async def test_where_enter_means_something_else_the_status_line_promises_nothing(app, folder):
    run = write(folder / "div", 700, end="diverged")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        screen.show_run(run)
        await looked(pilot, screen)
        screen.query_one(ErrorCard).focus()
        await pilot.press("comma")
        await until(pilot, lambda: "at step" in sentence(screen))
        assert "enter" not in sentence(screen)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
@pytest.mark.parametrize("pane", ["runs", "plot", "samples", "time"])
async def test_a_zoomed_pane_fills_the_body_and_the_lesson_opens_beside_all(app, folder, size, pane):
    run = write(folder / "shakes")
    async with app.run_test(size=size) as pilot:
        screen = app.screen
        screen.show_run(run)
        await looked(pilot, screen)
        screen.body.go_to_pane(pane)
        await pilot.press("z")
        await until(pilot, lambda: screen.maximized is not None)
        await pilot.pause()
        assert screen.maximized.region == Region(0, 1, size[0], size[1] - 3)
        await pilot.press("question_mark")
        await until(pilot, lambda: screen.query(Lesson))
        await pilot.pause()
        assert screen.maximized is None
        assert screen.query_one(Lesson).region.area > 0


@pytest.mark.parametrize("pane", ["runs", "samples"])
async def test_esc_on_a_card_returns_the_focus(app, folder, pane):
    write(folder / "shakes")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await looked(pilot, screen)
        screen.body.go_to_pane(pane)
        await pilot.pause()
        before = screen.focused
        screen.problem("#body", LabError("a", "b"), [("escape", "put this away", "solved")]).focus()
        await pilot.pause()
        assert isinstance(screen.focused, ErrorCard)
        await pilot.press("escape")
        await until(pilot, lambda: not screen.query(ErrorCard))
        assert screen.focused is before


async def test_a_name_that_no_folder_can_have_is_said_before_the_run_starts(app, folder, started):
    async with app.run_test(size=(120, 36)) as pilot:
        form = await form_of(pilot)
        await pilot.press("tab", *"a/b", "ctrl+s")
        await until(pilot, lambda: "try a-b" in str(form.query_one("#meaning", Static).content))
        assert app.screen is form and not started
        await pilot.press("home", "delete", "delete", "ctrl+s")
        await until(pilot, lambda: started)
        assert started[0].name == "b"


async def test_a_folder_without_runs_says_that_new_ones_are_kept_there(app, folder, tmp_path):
    write(folder / "shakes")
    empty = tmp_path / "empty"
    empty.mkdir()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await looked(pilot, screen)
        screen.open_path(empty)
        await until(pilot, lambda: sentence(screen) == f"no runs in {empty} yet; new ones will be kept here")
        screen.open_path(folder)
        await until(pilot, lambda: sentence(screen) == f"1 run in {folder}")


async def test_what_was_said_of_a_state_goes_with_the_state(app, folder, monkeypatch):
    monkeypatch.setattr(training_starting, "OWN_CHANGE", 0.0)
    run = folder / "live"
    with writing(RunWriter.create(run, meta())) as writer:
        writer.set_status(state="running", step=1, max_steps=2000)
        async with app.run_test(size=(120, 36)) as pilot:
            screen = app.screen
            screen.show_run(run)
            await looked(pilot, screen)
            screen.hold("live is starting in a process of its own", 600, of_state=True)
            await looked(pilot, screen)
            assert "is starting" in sentence(screen)
            writer.set_status(state="paused", step=1, max_steps=2000)
            await until(pilot, lambda: sentence(screen).startswith("paused"))
            screen.hold("no network", 600)
            writer.set_status(state="running", step=1, max_steps=2000)
            await until(pilot, lambda: screen.view.state == "running")
            await looked(pilot, screen)
            assert sentence(screen) == "no network"


async def test_overlays_are_confirmed_each_time(app, folder):
    for name in "ab":
        write(folder / name, 60)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await looked(pilot, screen)
        for letter in "BC":
            name = screen.body.list.cursor.name
            await pilot.press("c")
            assert sentence(screen).startswith(f"overlay {letter}: {name}")
            await pilot.press("c", "c", "down")
            await looked(pilot, screen)
        await pilot.press("up", "c")
        assert sentence(screen).startswith("overlay off: ")


async def test_the_presets_own_time_stands_there_while_another_text_is_typed(app, folder):
    async with app.run_test(size=(120, 36)) as pilot:
        form = await form_of(pilot)
        await until(pilot, lambda: form.ready)
        form.query_one("#field-corpus", Input).value = "python-docs"
        await until(pilot, lambda: "about a minute" in str(form.query_one("#estimate", Static).content))
        form.query_one("#field-max_steps", Input).value = "15000"
        await until(pilot, lambda: "about a minute" not in str(form.query_one("#estimate", Static).content))
