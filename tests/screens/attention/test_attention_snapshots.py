"""How the screen looks: at the two sizes that the design names, light, without colour, in ASCII, and in its states."""

import pytest
from attention_pilots import card, traced, until
from centre_pilots import TEXT, kept, started
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
    """Makes a lab on the attention screen with a run of its own, which never changes; its clock stands still."""
    with writing(started(isolated / "runs" / "mine")):
        kept(isolated / "runs" / "mine", 0, 10, 20, 30)
    paint = Painting.paint_prompt

    def without_time(self):
        paint(self)
        self.count("")

    monkeypatch.setattr(Painting, "paint_prompt", without_time)

    def make(prompt=TEXT, **options):
        bench = Bench(a="mine", device="cpu", prompt=prompt)
        return StillApp(screen="attention", workbench=Workbench(bench), **options)

    return make


def shown(*keys, view=""):
    """Presses keys and waits until all is there."""

    async def settle(pilot):
        screen = await traced(pilot)
        for key in keys:
            await pilot.press(key)
            await traced(pilot)
        if view:
            screen.show_view(view)
            await until(pilot, lambda: getattr(screen.body.centre, "read", True) is not None)
        await traced(pilot)

    return settle


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_text(snap_compare, still, size):
    assert snap_compare(still(), terminal_size=size, run_before=shown())


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_lens(snap_compare, still, size):
    assert snap_compare(still(), terminal_size=size, run_before=shown(view="lens"))


def test_a_head_off_and_the_heads_sorted(snap_compare, still):
    assert snap_compare(still(), terminal_size=(120, 36), run_before=shown("a", "m", "S", "t"))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_no_colour(snap_compare, still, size):
    assert snap_compare(still(look=Look(colours="none")), terminal_size=size, run_before=shown("a", "n"))


def test_light(snap_compare, still):
    assert snap_compare(still(look=Look(light=True)), terminal_size=(120, 36), run_before=shown())


def test_ascii(snap_compare, still):
    assert snap_compare(still(look=Look(ascii=True)), terminal_size=(120, 36), run_before=shown("a", "n"))


def test_an_empty_text(snap_compare, still):
    assert snap_compare(still(prompt=""), terminal_size=(80, 24), run_before=card)
