"""How the screen looks, at the two sizes that the design names; the machine's load is left out, it never repeats."""

import pytest
from pilots import looked
from recorded import write

from lab.app import LabApp
from screens.training_machine import Machine


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["normal", "narrow"])
def test_a_finished_run(snap_compare, folder, monkeypatch, size):
    monkeypatch.setattr(Machine, "load", lambda self, view: None)
    monkeypatch.chdir(folder.parent)
    run = write(folder / "shakes")

    async def settle(pilot):
        screen = pilot.app.screen
        screen.runs_dir = folder.relative_to(folder.parent)
        screen.show_run(screen.runs_dir / run.name)
        await looked(pilot, screen)
        await pilot.press("comma")
        await looked(pilot, screen)

    assert snap_compare(LabApp(screen="training"), terminal_size=size, run_before=settle)
