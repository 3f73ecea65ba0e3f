"""Driving the training screen: waiting for looks and for what they paint, never for time to pass."""

import asyncio
import time
from collections.abc import Callable

from screens.training.screen import TrainingScreen
from screens.widgets.status_line import StatusLine


async def until(pilot, condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


async def looked(pilot, screen: TrainingScreen) -> None:
    """Waits for a look that began after now, and for what it painted."""
    await pilot.pause()
    await until(pilot, lambda: screen._look_worker is None)
    before = screen.looks
    screen.look_now()
    await until(pilot, lambda: screen.looks > before and screen._look_worker is None)
    await pilot.pause()


def sentence(screen: TrainingScreen) -> str:
    """What the status line says."""
    return str(screen.query_one(StatusLine).sentence)
