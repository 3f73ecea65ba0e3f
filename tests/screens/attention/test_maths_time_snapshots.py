"""How Maths and Time look at the two sizes that the design names, light, and without colour."""

import pytest
from centre_pilots import TEXT, kept, maths, started, through_time, until
from run_writing import writing

from core.workbench import Bench, Workbench
from lab.app import LabApp
from screens.attention.painting import Painting
from screens.widgets.ramps import Look

SIZES = {"normal": (120, 36), "narrow": (80, 24)}


class StillApp(LabApp):
    """The lab without what differs from machine to machine."""

    def look_up_chip(self):
        """The chip says where the checkout is."""


@pytest.fixture
def still(isolated, monkeypatch):
    """Makes a lab on the attention screen with a run of its own; its clock stands still."""
    with writing(started(isolated / "runs" / "mine")):
        kept(isolated / "runs" / "mine", 0, 10, 20, 30)
    paint = Painting.paint_prompt

    def without_time(self):
        paint(self)
        self.count("")

    monkeypatch.setattr(Painting, "paint_prompt", without_time)

    def make(**options):
        bench = Bench(a="mine", device="cpu", prompt=TEXT)
        return StillApp(screen="attention", workbench=Workbench(bench), **options)

    return make


async def worked_out(pilot):
    """The steps from the scores on; what a check says to the last digit differs from processor to processor."""
    screen, view = await maths(pilot, pilot.app)
    await until(pilot, lambda: screen.grid_values() is not None)
    view.steps.step_by(2)
    await pilot.pause()


async def a_step_back(pilot):
    """The run a step before its end, with the measures of all its steps."""
    screen, view = await through_time(pilot, pilot.app, 4)
    await until(pilot, lambda: view.history.ended and screen.grid_values() is not None)
    await pilot.press("comma")
    await until(pilot, lambda: view.drawn is not None and view.drawn[2] == view.at)
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_maths(snap_compare, still, size):
    assert snap_compare(still(), terminal_size=size, run_before=worked_out)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_time(snap_compare, still, size):
    assert snap_compare(still(), terminal_size=size, run_before=a_step_back)


@pytest.mark.parametrize("show", [worked_out, a_step_back], ids=["maths", "time"])
def test_without_colour(snap_compare, still, show):
    assert snap_compare(still(look=Look(colours="none")), terminal_size=(80, 24), run_before=show)


@pytest.mark.parametrize("show", [worked_out, a_step_back], ids=["maths", "time"])
def test_light(snap_compare, still, show):
    assert snap_compare(still(look=Look(light=True)), terminal_size=(120, 36), run_before=show)
