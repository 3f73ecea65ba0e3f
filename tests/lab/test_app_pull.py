"""A model that is not here, fetched from the picker and from its card: progress, cancelling, failing, using it."""

import asyncio
import time
from collections import deque
from threading import Event

import pytest
from file_server import Answer, closed_port
from plain import lab
from pull_site import REPO, WEIGHTS, WEIGHTS_AT, mirrors, publishing

from core.data import download as download_module
from core.data import pull_catalogue
from core.data.pull import pull_item
from core.data.pull_catalogue import HUGGINGFACE, Entry, PullFile
from core.errors import DownloadError, ModelSpecError
from core.shelf import list_models
from screens.pulling import download_door, start_pull
from screens.widgets.error_card import ErrorCard
from screens.widgets.jobs_panel import JobsPanel
from screens.widgets.picker import Picker


async def until(pilot, condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


@pytest.fixture
def site(monkeypatch):
    """A server that has a small gpt2-medium."""
    monkeypatch.setattr(download_module, "FIRST_PAUSE", 0.001)
    base = f"{HUGGINGFACE}{REPO.removeprefix('/hf')}"
    files = [PullFile(f"models/gpt2-medium/{n}", (f"{base}/{n}",)) for n in ("config.json", "model.safetensors")]
    small = Entry("gpt2-medium", "model", "small", {"huggingface": tuple(files)}, about=len(WEIGHTS))
    monkeypatch.setattr(pull_catalogue, "entries", lambda: {"gpt2-medium": small})
    with publishing() as server:
        monkeypatch.setenv("LLM_LAB_MIRROR", mirrors(server.base))
        monkeypatch.setenv("LLM_LAB_TIMEOUT", "60")
        yield server


async def choose_medium(pilot, *keys):
    await pilot.press("w")
    await until(pilot, lambda: pilot.app.screen.loaded)
    await pilot.press(*"355", "down", *keys)
    await until(pilot, lambda: not isinstance(pilot.app.screen, Picker))


async def test_the_card_of_a_missing_model_says_what_it_takes_and_fetches_it(site):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await choose_medium(pilot, "enter")
        await until(pilot, lambda: app.screen.query(ErrorCard))
        why = app.screen.query_one(ErrorCard).problem.why
        assert "in 2 files" in why
        assert "GB free" in why
        assert str(pull_item("gpt2-medium").folder) in why
        await pilot.press("d")
        await until(pilot, lambda: app.workbench.a == "gpt2-medium")
        assert not app.screen.query(ErrorCard)
        job = app.jobs.jobs[-1]
        assert (job.name, job.state) == ("pull gpt2-medium", "finished")
    assert pull_item("gpt2-medium").here
    assert app.survived == []


async def test_d_in_the_picker_fetches_at_once_and_only_what_is_missing(site):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("w")
        await until(pilot, lambda: app.screen.loaded)
        await pilot.press(*"demo", "down", "d")
        await pilot.pause()
        assert isinstance(app.screen, Picker)
        assert app.jobs.jobs == []
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Picker))
        await choose_medium(pilot, "d")
        await until(pilot, lambda: app.workbench.a == "gpt2-medium")


async def test_a_pull_can_be_cancelled_in_the_list_of_jobs_and_goes_on_later(site):
    gate = Event()
    site.at[WEIGHTS_AT] = deque([Answer(gate=gate)])
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await choose_medium(pilot, "d")
        await until(pilot, site.halfway.is_set)
        job = app.jobs.running[0]
        assert start_pull(app, "gpt2-medium") is job  # not begun twice
        await until(pilot, lambda: job.total)
        assert job.total == len(WEIGHTS) + len(site.files[f"{REPO}/config.json"])
        await pilot.press("J")
        await until(pilot, lambda: isinstance(app.screen, JobsPanel))
        await pilot.press("x")
        gate.set()
        await until(pilot, lambda: not [worker for worker in app.workers if worker.group == "pull gpt2-medium"])
        assert job.state == "cancelled"
        assert app.workbench.a == "demo"
        assert not pull_item("gpt2-medium").here
        assert pull_item("gpt2-medium").partial_bytes > 0
        await pilot.press("escape")
        await choose_medium(pilot, "d")
        await until(pilot, lambda: app.workbench.a == "gpt2-medium")
    assert "range" in site.requests[-1]


async def test_a_pull_that_fails_shows_the_two_lines_and_the_way_to_try_again(site, monkeypatch):
    monkeypatch.setenv("LLM_LAB_MIRROR", mirrors(f"http://127.0.0.1:{closed_port()}"))
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await choose_medium(pilot, "d")
        await until(pilot, lambda: app.screen.query(ErrorCard))
        problem = app.screen.query_one(ErrorCard).problem
        assert "cannot be reached" in problem.what
        assert "put by hand into" in problem.why
        assert app.jobs.jobs[-1].state == "failed"
        monkeypatch.setenv("LLM_LAB_MIRROR", mirrors(site.base))
        await pilot.press("d")
        await until(pilot, lambda: app.workbench.a == "gpt2-medium")


async def test_every_card_of_a_model_that_can_be_fetched_has_the_door(site):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        app.workbench.set(a="gpt2-medium")
        heard = []
        app.workbench.subscribe(lambda old, new: heard.append((old, new)))
        error = ModelSpecError("gpt2-medium is not on this machine", "fetch it: llm-lab pull gpt2-medium")
        app.screen.problem("#body", error, [("u", "demo", "app.use_demo")]).focus()
        assert [door.key for door in app.screen.query_one(ErrorCard).problem.doors] == ["d", "u"]
        await pilot.press("d")
        await until(pilot, lambda: heard)  # its name is the same, but it is here now
        assert heard == [(app.workbench.bench, app.workbench.bench)]
        own = app.screen.problem("#body", error, [("d", "mine", "solved")])
        assert [door.label for door in own.problem.doors] == ["mine"]


@pytest.mark.parametrize(
    ("hint", "action"),
    [
        ("fetch it: llm-lab pull gpt2-xl", "app.download('gpt2-xl')"),
        ("fetch it: llm-lab pull gpt2 --from openai; or not", "app.download('gpt2', 'openai')"),
        ("fetch it: llm-lab pull hf:a/b.c_d-e", "app.download('hf:a/b.c_d-e')"),
        ("take another: llm-lab runs lists them", None),
    ],
)
def test_the_door_does_what_the_hint_says(hint, action):
    door = download_door(ModelSpecError("it is not here", hint))
    assert (door and door.action) == action
    assert download_door(DownloadError("it broke off", hint)) is None


async def test_a_workbench_that_was_set_meanwhile_stays(site):
    gate = Event()
    site.at[WEIGHTS_AT] = deque([Answer(gate=gate)])
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await choose_medium(pilot, "d")
        await until(pilot, site.halfway.is_set)
        app.workbench.set(a="gpt2-xl")
        gate.set()
        await until(pilot, lambda: app.jobs.jobs[-1].state == "finished")
        await until(pilot, lambda: not [worker for worker in app.workers if worker.group == "pull gpt2-medium"])
        await pilot.pause()
        assert app.workbench.a == "gpt2-xl"
        assert app._wanted == {}


async def test_half_a_repository_is_offered_again_as_a_download(site, isolated):
    config = isolated / "cache" / "models" / "hf" / "someone" / "tiny" / "config.json"
    config.parent.mkdir(parents=True)
    config.write_text('{"model_type": "gpt2"}')
    ref = next(ref for ref in list_models() if ref.spec == "hf:someone/tiny")
    assert not ref.here
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.lab_screen is not None)
        app.tell_missing(ref)
        await until(pilot, lambda: app.screen.query(ErrorCard))
        card = app.screen.query_one(ErrorCard).problem
        assert "a size that its host knows, in 4 files" in card.why
        assert "app.download('hf:someone/tiny')" in [door.action for door in card.doors]
