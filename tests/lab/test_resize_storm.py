"""A terminal that is dragged about: no screen fails, and afterwards all stands where it stood before."""

import asyncio
import random
import time

from textual import events
from textual.geometry import Size

from core.workbench import Bench, Workbench
from lab.app import SCREENS, LabApp
from screens.base import LabScreen
from screens.widgets.error_card import ErrorCard

NORMAL = (120, 36)
SIZES = 34
"""Of a storm; six of them are the two hundred that a person makes in some seconds."""
DRAWN = 12
"""Every so manieth is waited for."""


def resize(app: LabApp, width: int, height: int) -> None:
    """As the driver does at SIGWINCH: nothing waits for it."""
    app._driver._size = Size(width, height)
    app.post_message(events.Resize(Size(width, height), Size(width, height)))


def places(screen: LabScreen) -> dict[str, tuple[int, int, int, int]]:
    """Where each pane stands."""
    shown = [w for w in screen.query("*") if w.is_on_screen and w.id and not isinstance(w, ErrorCard)]
    return {f"{type(w).__name__}#{w.id}": tuple(w.region) for w in shown if w.region.area}


async def until(pilot, condition, seconds=60.0):
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


async def quiet(pilot, screen: LabScreen) -> dict[str, tuple[int, int, int, int]]:
    """Waits until nothing moves any more."""
    before, same = places(screen), 0
    while same < 5:
        await pilot.pause(0.02)
        now = places(screen)
        before, same = now, same + 1 if now == before else 0
    return before


async def test_two_hundred_sizes_and_every_screen_is_as_before(isolated, monkeypatch):
    laid_out: list[tuple[int, int]] = []
    measure = LabScreen._measure

    def counted(self, width, height):
        laid_out.append((width, height))
        measure(self, width, height)

    monkeypatch.setattr(LabScreen, "_measure", counted)
    app = LabApp(screen=SCREENS[0], workbench=Workbench(Bench(a="demo", device="cpu")))
    dice = random.Random(9)
    async with app.run_test(size=NORMAL) as pilot:
        for number, name in enumerate(SCREENS, 1):
            await pilot.press(str(number))
            await until(pilot, lambda name=name: app.current_mode == name and not app.screen.workers._workers)
            screen = app.screen
            before = await quiet(pilot, screen)
            if name == "generation":
                await pilot.press("n")  # tokens come while the terminal is dragged
            laid_out.clear()
            for i in range(SIZES):
                size = dice.randint(20, 300), dice.randint(5, 100)
                resize(app, *size)
                if i % DRAWN == 0:
                    await until(pilot, lambda size=size: laid_out and laid_out[-1] == size)
            resize(app, *NORMAL)
            await until(pilot, lambda: laid_out and laid_out[-1] == NORMAL)
            assert len(laid_out) < SIZES, "sizes that were gone before they could be drawn are left out"
            if name == "generation":
                await until(pilot, lambda screen=screen: not screen.stop_streaming())
            assert await quiet(pilot, screen) == before, name
            assert not screen.query(ErrorCard), name
    assert app.survived == []


async def test_a_dialog_lives_through_it_too():
    app = LabApp(screen="tokenizer", workbench=Workbench(Bench(a="demo", device="cpu")))
    async with app.run_test(size=NORMAL) as pilot:
        await pilot.press("w")
        dialog = app.screen
        for width, height in ((60, 16), (20, 5), (300, 100), (80, 24), (59, 15)):
            resize(app, width, height)
            await until(pilot, lambda size=(width, height): dialog.size == size)
        resize(app, 40, 10)
        await until(pilot, lambda: dialog.size == (40, 10))
        await pilot.press("escape")
        assert isinstance(app.screen, LabScreen)
        assert app.screen.query_one("#too-small").display
        resize(app, *NORMAL)
        await until(pilot, lambda: not app.screen.query_one("#too-small").display)
    assert app.survived == []
