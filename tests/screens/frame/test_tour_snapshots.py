"""How the tour looks: its card and what it points at, in colour, without, in ASCII; the line that offers it."""

import pytest
from test_frame_snapshots import GalleryApp, open_gallery

from lab.settings import Settings
from lab.tour_steps import STEPS
from screens.tour import MARK, TourCard, TourOffer, TourText
from screens.widgets.ramps import Look

TEXT = TourText(
    f"tour 4 of {len(STEPS)} · {STEPS[3].title}",
    "4 layers of 4 heads, 16 in all; a head decides which earlier tokens count. L0 H1: from ‘·to’ it takes 0.966 of "
    "what it takes from ‘d’.",
    STEPS[3].ask,
)


async def with_card(pilot):
    await open_gallery(pilot)
    screen = pilot.app.screen
    screen.action_solved()
    await screen.mount(TourCard(TEXT), before="#bottom")
    screen.query_one("#rows").add_class(MARK)
    await pilot.pause()


@pytest.mark.parametrize(
    ("look", "size"),
    [
        pytest.param(Look(), (120, 36), id="dark"),
        pytest.param(Look(colours="none"), (80, 24), id="no-color-80x24"),
        pytest.param(Look(ascii=True, colours="none"), (80, 24), id="ascii"),
    ],
)
def test_tour(snap_compare, monkeypatch, look, size):
    if look.colours == "none":
        monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(GalleryApp(look=look), terminal_size=size, run_before=with_card)


def test_offer(snap_compare):
    async def offered(pilot):
        await open_gallery(pilot)
        pilot.app.screen.action_solved()
        pilot.app.settings = Settings()
        pilot.app.offer_tour()
        while not pilot.app.screen.query(TourOffer):
            await pilot.pause()
        await pilot.pause()

    assert snap_compare(GalleryApp(), terminal_size=(80, 24), run_before=offered)
