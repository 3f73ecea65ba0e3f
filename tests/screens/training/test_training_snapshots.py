"""How the screen looks, at the two sizes that the design names; the machine's load is left out, it never repeats."""

import pytest
from pilots import looked
from recorded import write

from core.errors import InputError
from core.training import runs
from core.workbench import Bench, Workbench
from lab.app import LabApp
from screens.training.machine import Machine


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
