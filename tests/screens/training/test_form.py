import shutil
import threading
from pathlib import Path

import pytest
from pilots import looked, sentence, until
from recorded import write
from textual.widgets import Button, Input, OptionList, Static

from core.config import TrainConfig
from core.errors import DownloadError, LabError
from core.presets import TRAIN_PRESETS
from core.training.estimate import Measured
from screens.training import estimate as training_estimate
from screens.training.estimate import WAITING, Estimated, Timings, figures
from screens.training.form import FieldRow, NewRunForm
from screens.training.start import FellBack, Started, StartRequest, begin

PRESET = next(iter(TRAIN_PRESETS))


@pytest.fixture(autouse=True)
def no_measuring(monkeypatch):
    """A measurement starts torch in a child; one test has its own."""
    monkeypatch.setattr(training_estimate, "_SETTLE", 3600.0)


@pytest.fixture
def started(monkeypatch):
    """What the screen was asked to start."""
    from screens.training import starting as training_starting

    found = []

    def record(request, runs_dir, cancelled=None):
        found.append(request)
        return iter(())

    monkeypatch.setattr(training_starting, "begin", record)
    return found


async def form_of(pilot):
    await looked(pilot, pilot.app.screen)
    await pilot.press("n")
    await until(pilot, lambda: isinstance(pilot.app.screen, NewRunForm))
    return pilot.app.screen


async def ready(pilot):
    form = await form_of(pilot)
    await until(pilot, lambda: form.ready and len(form.query(FieldRow)) > 30)
    await pilot.pause()
    return form


async def test_two_keys_on_the_training_screen_start_a_run(app, folder, started):
    async with app.run_test(size=(120, 36)) as pilot:
        await looked(pilot, app.screen)
        await pilot.press("n", "enter")
        await until(pilot, lambda: started)
        assert started[0] == StartRequest(TRAIN_PRESETS[PRESET].config, PRESET)


async def test_the_focus_is_on_the_presets_and_esc_starts_nothing(app, folder, started):
    async with app.run_test(size=(120, 36)) as pilot:
        form = await form_of(pilot)
        assert isinstance(form.focused, OptionList)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is not form
        assert started == []


async def test_a_wrong_value_has_its_reason_under_it_as_it_is_typed(app, folder, started):
    async with app.run_test(size=(120, 36)) as pilot:
        form = await ready(pilot)
        field = form.query_one("#field-n_heads", Input)
        field.focus()
        await pilot.pause()
        assert "share the width evenly" in str(form.query_one("#meaning", Static).content)
        field.value = "3"
        await pilot.pause()
        rows = [r for r in form.query(FieldRow) if r.query_one(".reason").display]
        assert rows and "n_heads" in str(rows[0].query_one(".reason", Static).content)
        assert form.query_one("#start", Button).disabled
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.screen is form
        field.value = "8"
        await pilot.pause()
        assert not [r for r in form.query(FieldRow) if r.query_one(".reason").display]
        await pilot.press("ctrl+s")
        await until(pilot, lambda: started)
        assert started[0].config.model.n_heads == 8


async def test_all_wrong_ones_are_named_beside_the_presets_and_the_place_of_the_estimate_is_never_empty(
    app, folder, monkeypatch
):
    counted, work_out = threading.Event(), Timings.work_out

    def late(*asked, **how):
        assert counted.wait(60)
        yield from work_out(*asked, **how)

    monkeypatch.setattr(Timings, "work_out", late)
    async with app.run_test(size=(120, 36)) as pilot:
        try:
            form = await ready(pilot)
            estimate = form.query_one("#estimate", Static)
            assert estimate.content == WAITING
            good = {
                name: form.query_one(f"#field-{name}", Input).value for name in ("batch_size", "max_steps", "schedule")
            }
            for name, value in (("batch_size", "many"), ("max_steps", "0"), ("schedule", "cosin")):
                form.query_one(f"#field-{name}", Input).value = value
            await pilot.pause()
            await until(pilot, lambda: "3 fields to mend" in str(estimate.content))
            assert "cosine" in "\n".join(form.problems())
            for name, value in good.items():
                form.query_one(f"#field-{name}", Input).value = value
            await until(pilot, lambda: estimate.content == WAITING)
        finally:
            counted.set()
        await until(pilot, lambda: "parameters" in str(estimate.content))


async def test_a_preset_fills_every_field(app, folder, monkeypatch):
    async with app.run_test(size=(120, 36)) as pilot:
        form = await ready(pilot)
        names = list(TRAIN_PRESETS)
        await pilot.press("down")
        await pilot.pause()
        chosen = names[min(1, len(names) - 1)]
        assert form.config == TRAIN_PRESETS[chosen].config
        assert form.query_one("#field-max_steps", Input).value == str(TRAIN_PRESETS[chosen].config.max_steps)


async def test_name_and_take_away(app, folder, started):
    async with app.run_test(size=(120, 36)) as pilot:
        form = await ready(pilot)
        form.query_one("#field-name", Input).value = "mine"
        form.query_one("#field-max_steps", Input).value = "77"
        await pilot.pause()
        command, python = form.take_away_texts()
        assert command == f"llm-lab train --preset {PRESET} --name mine --max-steps 77"
        assert "max_steps=77" in python
        await pilot.press("ctrl+y")
        assert "max_steps=77" in app.clipboard
        await pilot.press("ctrl+s")
        await until(pilot, lambda: started)
        assert started[0].name == "mine"


@pytest.mark.parametrize("size", [(80, 24), (60, 16)])
async def test_the_form_fits_a_small_terminal(app, folder, size):
    async with app.run_test(size=size) as pilot:
        form = await ready(pilot)
        for widget in ("#presets", "#fields", "#form-buttons"):
            region = form.query_one(widget).region
            assert region.right <= size[0] and region.bottom <= size[1] and region.height > 0, widget
        await pilot.press("tab", *"x")
        await pilot.pause()
        assert isinstance(form.focused, Input)


async def test_the_estimate_is_counted_at_once_and_measured_when_keys_rest(app, folder, monkeypatch):
    from core.training import estimate

    monkeypatch.setattr(training_estimate, "_SETTLE", 0.01)
    monkeypatch.setattr(
        estimate, "measure_step", lambda config, cancelled=None: Measured(0.1, 7680.0, 0.1 * config.max_steps)
    )
    async with app.run_test(size=(120, 36)) as pilot:
        form = await ready(pilot)
        await until(pilot, lambda: "measured" in str(form.query_one("#estimate", Static).content))
        text = str(form.query_one("#estimate", Static).content)
        assert "100 ms a step" in text and "parameters" in text and "memory" in text
        assert "measured" in form.query_one("#presets", OptionList).get_option_at_index(0).prompt.plain


def test_a_measurement_is_remembered_for_the_same_kind_of_step(monkeypatch):
    from core.training import estimate

    calls = []

    def measure(config, cancelled=None):
        calls.append(config)
        return Measured(0.1, 7680.0, 1.0)

    monkeypatch.setattr(training_estimate, "_SETTLE", 0.0)
    monkeypatch.setattr(estimate, "measure_step", measure)
    timings, config = Timings(), TrainConfig(corpus="python-docs")
    assert [e.measuring for e in timings.work_out(config, 1, threading.Event())] == [True, False]
    longer = config.override(max_steps=5000, learning_rate=2e-3)
    assert [e.measured is not None for e in timings.work_out(longer, 2, threading.Event())] == [True]
    assert timings.whole_run(longer) == pytest.approx(500)
    assert len(list(timings.work_out(config.override(n_layers=2), 3, threading.Event()))) == 2
    assert len(calls) == 2


def test_a_measurement_that_fails_leaves_the_estimate(monkeypatch):
    from core.training import estimate

    def measure(config, cancelled=None):
        raise LabError("the step could not be timed", "start all the same")

    monkeypatch.setattr(training_estimate, "_SETTLE", 0.0)
    monkeypatch.setattr(estimate, "measure_step", measure)
    config = TrainConfig(corpus="python-docs")
    last = list(Timings().work_out(config, 1, threading.Event()))[-1]
    lines = figures(last, config).lines
    assert "not measured" in lines[0]
    assert lines[-1] == "the step could not be timed"


def test_a_cancelled_measurement_says_nothing_more():
    cancelled = threading.Event()
    cancelled.set()
    assert len(list(Timings().work_out(TrainConfig(corpus="python-docs"), 1, cancelled))) == 1


def test_figures_name_what_must_be_fetched_and_what_looks_wrong():
    config = TrainConfig(learning_rate=0.1)
    found = next(iter(Timings().work_out(config, 1, threading.Event(), measure=False)))
    text = "\n".join(figures(found, config).lines)
    assert "tiny-shakespeare is fetched first (1.1 MB)" in text
    assert "high for AdamW" in text
    assert figures(Estimated(1, problem=LabError("a", "b")), config).lines == ("a", "b")


# --- starting


@pytest.fixture
def launched(monkeypatch):
    from core.training import launch

    found = []

    def start_run(config, *, name=None, resume=None, checkpoint=None):
        found.append((config, name, resume))
        return launch.Launched(Path(config.run_dir or "runs") / (name or "x"), 1, None)

    monkeypatch.setattr(launch, "start_run", start_run)
    return found


def test_without_network_another_text_is_learnt_and_that_is_said(folder, launched):
    steps = list(begin(StartRequest(TrainConfig(), "mine"), folder))
    fell = next(s for s in steps if isinstance(s, FellBack))
    assert (fell.corpus, fell.instead) == ("tiny-shakespeare", "python-docs")
    assert fell.reason
    assert isinstance(steps[-1], Started)
    assert launched[0][0].corpus == "python-docs"
    assert launched[0][1] == "mine"
    list(begin(StartRequest(TrainConfig(), "shakespeare-1min"), folder))
    assert launched[1][1] == "python-docs-1min"


def test_a_text_that_is_here_is_not_fetched(folder, launched):
    steps = list(begin(StartRequest(TrainConfig(corpus="python-docs"), "mine"), folder))
    assert [type(s) for s in steps] == [Started]


def test_a_cancelled_fetch_starts_nothing(folder, launched, monkeypatch):
    from core.data import corpora

    cancelled = threading.Event()

    def fetch(name, cancelled=None):
        cancelled.set()
        raise DownloadError("cancelled", "")
        yield

    monkeypatch.setattr(corpora, "fetch_corpus", fetch)
    assert list(begin(StartRequest(TrainConfig(), "mine"), folder, cancelled)) == []
    assert launched == []


def test_a_folder_of_runs_that_was_opened_gets_the_new_run(folder, launched, tmp_path):
    list(begin(StartRequest(TrainConfig(corpus="python-docs"), "mine"), tmp_path / "others"))
    assert launched[0][0].run_dir == str(tmp_path / "others" / "mine")


async def test_a_fetch_shows_as_a_job_and_its_failure_is_said(app, folder, launched, monkeypatch):
    from core.data import corpora
    from core.data.download import DownloadProgress

    def fetch(name, cancelled=None):
        yield DownloadProgress(500_000, 1_115_394, 0.5, 1e6, 0)
        raise DownloadError("raw.githubusercontent.com can't be reached", "connect, or choose python-docs")

    monkeypatch.setattr(corpora, "fetch_corpus", fetch)
    async with app.run_test(size=(120, 36)) as pilot:
        await looked(pilot, app.screen)
        screen = app.screen
        await pilot.press("n", "enter")
        await until(
            pilot, lambda: sentence(screen).startswith("no network: learning the Python manual instead (python-docs)")
        )
        (job,) = screen.jobs.jobs
        assert job.name == "fetch tiny-shakespeare"
        assert job.state == "failed"
        assert launched[0][0].corpus == "python-docs"


async def test_what_cannot_be_started_is_a_card(app, folder, monkeypatch):
    from core.training import launch

    def start_run(config, **_):
        raise LabError("the runs folder cannot be written", "choose another: LLM_LAB_RUNS")

    monkeypatch.setattr(launch, "start_run", start_run)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await looked(pilot, screen)
        screen.start(StartRequest(TrainConfig(corpus="python-docs"), "x"))
        await until(pilot, lambda: screen.query("#refused ErrorCard"))


async def test_a_finished_run_is_extended(app, folder, launched):
    run = write(folder / "done")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        screen.show_run(run)
        await looked(pilot, screen)
        await pilot.press("p")
        await pilot.pause()
        app.screen.query_one(Input).value = "2000"
        await pilot.press("enter")
        assert launched == []
        app.screen.query_one(Input).value = "3000"
        await pilot.press("enter")
        await until(pilot, lambda: launched)
        config, _, resume = launched[0]
        assert config.max_steps == 3000
        assert resume == run


async def test_a_diverged_run_leads_to_a_run_at_a_third_of_the_rate(app, folder, started):
    run = write(folder / "big", 700, end="diverged")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        screen.show_run(run)
        await looked(pilot, screen)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, NewRunForm) and app.screen.ready)
        assert float(app.screen.query_one("#field-learning_rate", Input).value) == pytest.approx(1e-3 / 3)
        assert app.screen.config.learning_rate == pytest.approx(1e-3 / 3)


def test_a_run_that_was_resumed_goes_on_from_its_folder(folder, launched):
    from screens.training.start import resume_request

    run = write(folder / "stopped", 500)
    request = resume_request(run)
    assert request.resume == run
    assert request.config.max_steps == 2000
    shutil.rmtree(run)
    with pytest.raises(LabError):
        resume_request(run)
