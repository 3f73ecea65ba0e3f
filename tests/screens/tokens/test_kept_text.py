"""A text that was typed is there again at the next start; a file, a corpus and a damaged setting are not."""

import pytest

from lab.app import LabApp
from lab.settings import Settings
from screens.tokens.keeping import KEPT_AT_MOST, keep, kept
from screens.tokens.texts import FIRST, SAMPLES, Source


async def test_what_was_typed_is_there_again(drive):
    settings = Settings(screen="tokenizer")
    app = LabApp(screen="tokenizer", settings=settings)
    async with app.run_test(size=(80, 24)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        assert tokens.screen.text == FIRST and "tokens" not in settings.views
        await pilot.press("e", "x", "y", "escape")
        await tokens.settled()
        typed = tokens.screen.text
        assert typed != FIRST and "xy" in typed
    again = LabApp(screen="tokenizer", settings=settings)
    async with again.run_test(size=(80, 24)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        assert tokens.screen.text == tokens.body.text.whole == typed


class App:
    def __init__(self) -> None:
        self.settings, self.saved = Settings(), 0

    def save_soon(self) -> None:
        self.saved += 1


def test_a_sample_keeps_its_name():
    app = App()
    keep(app, Source(SAMPLES["code"], "code"))
    assert kept(app) == Source(SAMPLES["code"], "code") and app.saved == 1


@pytest.mark.parametrize(
    "other",
    [
        Source("of a file", "a.txt", word="a.txt"),
        Source("of a corpus", "python-docs", python="text = 1"),
        Source("x" * (KEPT_AT_MOST + 1)),
        Source(" \n"),
        Source(FIRST),
    ],
)
def test_what_is_not_kept_takes_the_one_before_away(other):
    app = App()
    keep(app, Source("typed"))
    keep(app, other)
    assert kept(app) is None


@pytest.mark.parametrize("damaged", [None, 3, [], {}, {"text": 3}, {"text": "  "}, {"text": "x" * (KEPT_AT_MOST + 1)}])
def test_a_damaged_setting_is_left_out(damaged):
    app = App()
    app.settings.views["tokens"] = damaged
    assert kept(app) is None


def test_an_app_without_settings_remembers_nothing():
    keep(object(), Source("typed"))
    assert kept(object()) is None
