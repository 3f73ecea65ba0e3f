"""How the tokens screen looks: in true colour, light, without colour, at the two sizes that the design names."""

import pytest

from core.workbench import Bench, Workbench
from lab.app import LabApp
from screens.tokens.screen import TokensScreen
from screens.widgets.ramps import Look


def an_app(look: Look) -> LabApp:
    """GPT-2's tokenizer is pinned; the model on the workbench is none, since the demo may be trained anew."""
    return LabApp(screen="tokenizer", look=look, workbench=Workbench(Bench(a="shakes@2000", tokenizer="gpt2")))


@pytest.fixture(autouse=True)
def steady(monkeypatch):
    """What differs from one time to the next is left out: how long the encoding took."""
    monkeypatch.setattr(TokensScreen, "count", lambda self, text: None)
    monkeypatch.setattr("screens.tokens.screen.OTHERS", ("gpt2", "byte"))


@pytest.mark.parametrize(
    ("look", "size"),
    [
        pytest.param(Look(), (120, 36), id="dark"),
        pytest.param(Look(), (80, 24), id="dark-80x24"),
        pytest.param(Look(light=True), (120, 36), id="light"),
        pytest.param(Look(colours="none"), (80, 24), id="no-color"),
        pytest.param(Look(ascii=True, colours="16"), (120, 36), id="ascii-16"),
        pytest.param(Look(), (200, 50), id="roomy"),
    ],
)
def test_a_pinned_token(snap_compare, gpt2_vocabulary, drive, monkeypatch, look, size):
    if look.colours == "none":
        monkeypatch.setenv("NO_COLOR", "1")

    async def settle(pilot):
        tokens = drive(pilot)
        await tokens.settled()
        await pilot.press(*["right"] * 8, "enter", "comma", "comma")
        await tokens.until(lambda: len(tokens.screen.compared) == 2)
        await pilot.pause()

    assert snap_compare(an_app(look), terminal_size=size, run_before=settle)


@pytest.mark.parametrize("key", ["t", "f"])
def test_windows_and_vocabulary(snap_compare, gpt2_vocabulary, drive, key):
    async def settle(pilot):
        tokens = drive(pilot)
        await tokens.settled()
        await tokens.until(lambda: len(tokens.screen.compared) == 2)
        await pilot.press(key)
        if key == "f":
            await pilot.press(*"able")
            await tokens.until(lambda: tokens.screen.found is not None and tokens.screen.found.query == "able")
            await pilot.press("down")
        await pilot.pause()
        await pilot.pause()

    assert snap_compare(an_app(Look()), terminal_size=(120, 36), run_before=settle)


SCRIPTS = "漢字かな 한국어 العربية עברית नमस्ते é 👩‍👩‍👧 👍🏽 Z̷a"
"""Wide, right to left, combined: what a terminal may count otherwise than we do."""


def test_other_scripts(snap_compare, gpt2_vocabulary, drive):
    """Whole characters and halves of some keep every border in its column."""

    async def settle(pilot):
        tokens = drive(pilot)
        await tokens.settled()
        await tokens.show(SCRIPTS)
        await tokens.until(lambda: len(tokens.screen.compared) == 2)
        await pilot.press(*["right"] * 12)
        await pilot.pause()

    assert snap_compare(an_app(Look()), terminal_size=(80, 24), run_before=settle)
