"""How the screen looks: at the two sizes that the design names, light, without colour, and each of its pages."""

from dataclasses import replace

import pytest
from small import huggingface
from test_weights_twin import REPORT
from weight_pilots import looked_at, opened, until, whole

from core.workbench import Bench, Workbench
from lab.app import LabApp
from screens.weights.files import WeightFiles
from screens.widgets.ramps import Look

SIZES = {"normal": (120, 36), "narrow": (80, 24)}


class StillApp(LabApp):
    """The lab without what differs from machine to machine."""

    def look_up_chip(self):
        """The chip says where the checkout is."""


@pytest.fixture
def still(isolated, monkeypatch):
    """Makes a lab that shows a small model, in a folder that has the same name everywhere."""
    huggingface(isolated / "small")
    monkeypatch.chdir(isolated)
    monkeypatch.setattr(
        WeightFiles, "_free", property(lambda self: 81_000_000_000, lambda self, value: None), raising=False
    )

    def make(spec="small", b=None, **options):
        return StillApp(screen="weights", workbench=Workbench(Bench(a=spec, b=b)), **options)

    return make


def shown(view="histogram", page="tensors", name="h.1.mlp.c_fc.weight"):
    """Goes to a view of a page and waits until all of it is there."""

    async def settle(pilot):
        screen = pilot.app.screen
        await opened(pilot, screen)
        if screen.opened.tensors.here:
            await looked_at(pilot, screen, name)
            screen.show_view(view)
            await until(pilot, lambda: len(screen.stats) >= 28 and whole(screen))
        if page != "tensors":
            screen.show_page(page)
        if page == "compare":
            await until(pilot, lambda: screen.body.changes.changes)
        await pilot.pause()
        await until(pilot, lambda: not screen.opened.tensors.here or whole(screen))
        await pilot.pause()

    return settle


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_tensor_as_a_heat_map(snap_compare, still, size):
    assert snap_compare(still(), terminal_size=size, run_before=shown("heat map"))


def test_a_tensor_as_a_histogram(snap_compare, still):
    assert snap_compare(still(), terminal_size=(120, 36), run_before=shown())


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_without_colour(snap_compare, still, size):
    assert snap_compare(still(look=Look(colours="none")), terminal_size=size, run_before=shown("heat map"))


def test_light(snap_compare, still):
    assert snap_compare(still(look=Look(light=True)), terminal_size=(120, 36), run_before=shown("values"))


def test_ascii(snap_compare, still):
    assert snap_compare(still(look=Look(ascii=True)), terminal_size=(80, 24), run_before=shown())


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_model_that_is_not_here(snap_compare, still, size):
    assert snap_compare(still("gpt2-xl"), terminal_size=size, run_before=shown())


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_sizes(snap_compare, still, size):
    assert snap_compare(still(), terminal_size=size, run_before=shown(page="sizes"))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_what_moved(snap_compare, still, isolated, size):
    from small import SHAPE, numbers

    moved = {name: values + numbers(SHAPE, seed=1)[name] / 3 for name, values in numbers(SHAPE).items()}
    huggingface(isolated / "other", moved)
    assert snap_compare(still(b="other"), terminal_size=size, run_before=shown(page="compare"))


@pytest.mark.parametrize(
    ("size", "options"),
    [(SIZES["normal"], {}), (SIZES["narrow"], {"look": Look(colours="none")})],
    ids=["normal", "narrow-no-color"],
)
def test_the_twins(snap_compare, still, size, options):
    async def compared(pilot):
        await shown(page="twin")(pilot)
        bench, pane = pilot.app.screen.workbench, pilot.app.screen.body.twins
        pane.stand_beside(bench.a, bench.prompt)
        pane.show(replace(REPORT, text=bench.prompt))
        pane.list.cursor = 2
        pane.list.focus()
        await pilot.pause()

    assert snap_compare(still(**options), terminal_size=size, run_before=compared)
