"""What a person set is there at the next start: the real start, the real file in the state folder, the real screens."""

import asyncio
import time

from core.workbench import Workbench
from lab.app_start import make_app
from lab.opening import Opening
from lab.settings import Settings, load_settings, save_settings, settings_path


async def until(pilot, condition, seconds=30.0):
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


async def chosen(pilot, words):
    """Does what the palette finds first."""
    await pilot.press("ctrl+p", *[{" ": "space", ":": "colon"}.get(letter, letter) for letter in words])
    rows = pilot.app.screen.query_one("CommandList")
    await until(pilot, lambda: rows.option_count == 1)
    await pilot.press("enter")


async def test_screen_model_prompt_theme_and_palette_outlive_the_app():
    app = make_app(Opening(colours="true"))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.current_mode == "training")
        app.workbench.set(a="demo@2000", prompt="Once upon")
        app.theme = "nord"
        await until(pilot, lambda: app.settings.theme == "nord")
        await chosen(pilot, "colours: 256")
        await until(pilot, lambda: app.look.colours == "256")
        await pilot.press("1", "ctrl+q")
    assert settings_path().is_file()
    again = make_app()
    async with again.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: again.current_mode == "tokenizer" and "demo@2000" in again.chip)
        assert (again.workbench.a, again.workbench.prompt) == ("demo@2000", "Once upon")
        assert (again.theme, again.look.colours) == ("nord", "256")
        await chosen(pilot, "symbols: ascii")
        await until(pilot, lambda: again.look.ascii)
        await pilot.press("ctrl+q")
    third = make_app()
    async with third.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: third.current_mode == "tokenizer")
        assert third.look.ascii and third.theme == "nord"


async def test_what_is_typed_stands_before_what_was_remembered_and_is_not_kept_for_it():
    save_settings(Settings(screen="tokenizer", workbench={"a": "demo@2000"}, keymap={"app.keys": "f5"}, tour_seen=True))
    app = make_app(Opening("weights", "demo", colours="16"))
    assert (app.workbench.a, app._first, app.look.colours, app.settings.colours) == ("demo", "weights", "16", "auto")
    assert make_app(Opening("attention", text="a text")).workbench.prompt == "a text" != app.workbench.prompt
    fresh = make_app(Opening(fresh=True))
    assert (fresh.workbench.bench, fresh._first) == (Workbench().bench, "training")
    assert fresh.settings.keymap == {"app.keys": "f5"} and fresh.settings.tour_seen
    assert load_settings()[0].screen == "tokenizer"
