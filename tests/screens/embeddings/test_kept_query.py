"""What was asked is there again at the next start; a damaged setting is not."""

import pytest
from embed_pilots import asks, ready

from core.vectors.groups import FIRST_QUERY
from lab.settings import Settings
from screens.embeddings.keeping import LONGEST, keep, kept


async def test_what_was_asked_is_there_again(lab):
    settings = Settings(screen="embeddings")
    app = lab(settings=settings)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert app.screen.asked.text == FIRST_QUERY and "embeddings" not in settings.views
        await asks(pilot, "paris - france + italy")
    again = lab(settings=settings)
    async with again.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert again.screen.asked.text == again.screen.body.box.value == "paris - france + italy"
        await pilot.press("comma")
        await ready(pilot)
        assert again.screen.asked.text == FIRST_QUERY


class App:
    def __init__(self, view=None) -> None:
        self.settings, self.saved = Settings(views={} if view is None else {"embeddings": view}), 0

    def save_soon(self) -> None:
        self.saved += 1


def test_what_is_kept_is_small_and_written_when_it_changed():
    app = App()
    keep(app, FIRST_QUERY, [FIRST_QUERY])
    assert app.saved == 0
    for _ in range(2):
        keep(app, "cat", [FIRST_QUERY, "x" * (LONGEST + 1), "cat"])
    assert app.saved == 1 and kept(app) == ("cat", [FIRST_QUERY, "cat"])
    keep(app, "x" * (LONGEST + 1), [])
    assert kept(app)[0] == "cat"
    keep(object(), "cat", [])
    assert kept(object()) == (FIRST_QUERY, [])


TOO_LONG = "x" * (LONGEST + 1)


@pytest.mark.parametrize(
    "damaged",
    [3, [], {}, {"query": 3, "history": "cat"}, {"query": " ", "history": [3, None, ""]}, {"query": TOO_LONG}],
)
def test_a_damaged_setting_is_left_out(damaged):
    assert kept(App(damaged)) == (FIRST_QUERY, [])
