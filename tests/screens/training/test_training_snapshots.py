"""How the screen looks, at the two sizes that the design names; the machine's load is left out, it never repeats."""

import pytest
from pilots import looked, until
from recorded import write

from core.errors import InputError
from core.training import runs
from core.workbench import Bench, Workbench
from lab.app import LabApp
from screens.training.form import NewRunForm
from screens.training.machine import Machine
from screens.widgets.runs_list import RunsList


def no_demo(*parts):
    """As in a checkout before ``make assets``: the picture must not change with the demo."""
    raise InputError("the demo is not here")


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["normal", "narrow"])
def test_a_finished_run(snap_compare, folder, monkeypatch, size):
    monkeypatch.setattr(Machine, "load", lambda self, view: None)
    monkeypatch.chdir(folder.parent)
    monkeypatch.setattr(runs, "asset", no_demo)
    run = write(folder / "shakes")

    async def settle(pilot):
        screen = pilot.app.screen
        screen.runs_dir = folder.relative_to(folder.parent)
        screen.show_run(screen.runs_dir / run.name)
        await looked(pilot, screen)
        await pilot.press("comma")
        await looked(pilot, screen)

    bench = Workbench(Bench(a="shakes@2000"))
    assert snap_compare(LabApp(screen="training", workbench=bench), terminal_size=size, run_before=settle)


@pytest.fixture
def still(folder, monkeypatch):
    """The screen in a folder of one name everywhere, without the demo, the machine's load and its speed."""
    monkeypatch.setattr(Machine, "load", lambda self, view: None)
    monkeypatch.setattr(NewRunForm, "_changed", lambda self, at_once=False: None)
    monkeypatch.chdir(folder.parent)
    monkeypatch.setattr(runs, "asset", no_demo)

    async def begin(pilot):
        screen = pilot.app.screen
        screen.runs_dir = folder.relative_to(folder.parent)
        await looked(pilot, screen)
        return screen

    return begin


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["normal", "narrow"])
def test_the_form_of_a_new_run(snap_compare, still, size):
    async def settle(pilot):
        await still(pilot)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, NewRunForm) and pilot.app.screen.ready)
        await pilot.pause()

    app = LabApp(screen="training", workbench=Workbench(Bench(a="shakes@2000")))
    assert snap_compare(app, terminal_size=size, run_before=settle)


def test_no_run_yet(snap_compare, still):
    app = LabApp(screen="training", workbench=Workbench(Bench(a="shakes@2000")))
    assert snap_compare(app, terminal_size=(120, 36), run_before=still)


def test_two_runs_over_each_other(snap_compare, still, folder):
    one, other = write(folder / "shakes"), write(folder / "other", steps=700)

    async def settle(pilot):
        screen = await still(pilot)
        screen.show_run(screen.runs_dir / one.name)
        await looked(pilot, screen)
        screen.query_one(RunsList).select(screen.runs_dir / other.name)
        await pilot.press("c")
        screen.show_run(screen.runs_dir / one.name)
        await looked(pilot, screen)

    app = LabApp(screen="training", workbench=Workbench(Bench(a="shakes@2000")))
    assert snap_compare(app, terminal_size=(120, 36), run_before=settle)


def test_a_run_that_cannot_be_read(snap_compare, still, folder):
    broken = folder / "broken"
    broken.mkdir()
    (broken / "run.json").write_text("{")
    (broken / "metrics.jsonl").write_text("")

    async def settle(pilot):
        screen = await still(pilot)
        screen.show_run(screen.runs_dir / broken.name)
        await looked(pilot, screen)

    app = LabApp(screen="training", workbench=Workbench(Bench(a="shakes@2000")))
    assert snap_compare(app, terminal_size=(120, 36), run_before=settle)
