"""How the screen looks: at the two sizes that the design names, light, without colour, in ASCII, and its pages.

The vectors are made here, so that no picture depends on how the demo's were trained.
"""

import numpy as np
import pytest
from embed_pilots import ready, refused, until, vector_file

from core.vectors.groups import FIRST_WORDS, group_of
from core.vectors.sources import load_vectors
from core.workbench import Bench, Workbench
from lab.app import LabApp
from screens.embeddings.positions import PositionsPane
from screens.widgets.ramps import Look

SIZES = {"normal": (120, 36), "narrow": (80, 24)}


class StillApp(LabApp):
    """The lab without what differs from machine to machine."""

    def look_up_chip(self):
        """The chip says where the checkout is."""


@pytest.fixture
def still(isolated, monkeypatch):
    """Makes a lab in a folder that has the same name everywhere, with vectors of words in groups."""
    rng = np.random.default_rng(7)
    middles = {group: rng.normal(size=12) for group in range(12)}
    female = rng.normal(size=12)
    rows = {}
    for word in [*FIRST_WORDS, "prince", "princess", "moscow", "russia", "dog", "puppy"]:
        own = middles[group_of(word)] + 0.4 * rng.normal(size=12)
        rows[word] = np.round(own + female * (word in ("woman", "queen", "girl", "mother", "princess")), 3)
    rows["queen"] = np.round(rows["king"] - rows["man"] + rows["woman"] + 0.1 * rng.normal(size=12), 3)
    vector_file(isolated / "small.txt", rows)
    monkeypatch.chdir(isolated)

    def make(**options):
        return StillApp(screen="embeddings", workbench=Workbench(Bench(a="demo")), **options)

    return make


def shown(view="near", page="words", typed=""):
    """Opens the vectors, goes to a view of a page and waits until all of it is there."""

    async def settle(pilot):
        screen = pilot.app.screen
        await ready(pilot)
        screen.take_vectors(load_vectors("small.txt"))
        await ready(pilot, "small.txt")
        screen.show_view(view)
        if page == "compare":
            screen.compare_with("small.txt")
            await until(pilot, lambda: screen.spaces.found is not None)
        elif page == "evaluate":
            screen.score("google")
            await until(pilot, lambda: screen.scorer.state == "done")
        elif page != "words":
            screen.show_page(page)
        if typed:
            await refused(pilot, typed)
        await pilot.pause()
        screen.count("")  # how long it took is another time each time
        screen.say("")
        await pilot.pause()

    return settle


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_words(snap_compare, still, size):
    assert snap_compare(still(), terminal_size=size, run_before=shown())


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_analogy_and_matrix_without_colour(snap_compare, still, size):
    assert snap_compare(still(look=Look(colours="none")), terminal_size=size, run_before=shown("matrix"))


def test_light(snap_compare, still):
    assert snap_compare(still(look=Look(light=True)), terminal_size=(120, 36), run_before=shown("map"))


def test_ascii(snap_compare, still):
    assert snap_compare(still(look=Look(ascii=True)), terminal_size=(80, 24), run_before=shown("map"))


def test_sixteen_colours(snap_compare, still):
    assert snap_compare(still(look=Look(colours="16")), terminal_size=(80, 24), run_before=shown("analogy"))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("page", ["compare", "train", "evaluate"])
def test_pages(snap_compare, still, page, size):
    assert snap_compare(still(), terminal_size=size, run_before=shown(page=page))


def test_an_unknown_word(snap_compare, still):
    assert snap_compare(still(), terminal_size=(80, 24), run_before=shown(typed="kimg"))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_positions(snap_compare, still, monkeypatch, size):
    places = np.arange(48)
    apart = np.abs(places[:, None] - places)
    cosines = np.round(np.cos(apart / 5) * np.exp(-apart / 30), 3)  # near ones alike, in waves
    came = lambda pane, number, spec: pane.post_message(PositionsPane.Came(number, cosines, 32))  # noqa: E731
    monkeypatch.setattr(PositionsPane, "_open", came)

    async def open_them(pilot):
        await shown()(pilot)
        screen = pilot.app.screen
        await pilot.press("P")
        await until(pilot, lambda: screen.places.cosines is not None)
        screen.places.map.go_to(12, 30)
        screen.places.map.focus()
        await pilot.pause()

    assert snap_compare(still(), terminal_size=size, run_before=open_them)
