"""Driving the weights screen: waiting for what was read and painted, never for time to pass."""

import asyncio
import time
from collections.abc import Callable

from screens.weights.screen import WeightsScreen
from screens.widgets.status_line import StatusLine


async def until(pilot, condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


def whole(screen: WeightsScreen) -> bool:
    """Whether everything of the tensor under the cursor is read and painted."""
    found, key = screen.looked, screen.body.tensor_tree.key
    return found is not None and found.name == key and found.spec == screen.spec and found.column_norms is not None


async def opened(pilot, screen: WeightsScreen, spec: str | None = None) -> None:
    """Waits until a model is open and the tensor under its cursor read."""
    await until(pilot, lambda: screen.opened is not None and screen.opened.spec == (spec or screen.workbench.a))
    await until(pilot, lambda: screen.disk_reads > 0)
    await pilot.pause()
    if screen.opened.tensors.here:
        await until(pilot, lambda: whole(screen))
    await pilot.pause()


async def looked_at(pilot, screen: WeightsScreen, name: str) -> None:
    """Puts the cursor on a tensor and waits until it is read."""
    assert screen.body.tensor_tree.go_to(name)
    await until(pilot, lambda: whole(screen) and screen.looked.name == name)
    await pilot.pause()


def sentence(screen: WeightsScreen) -> str:
    """What the status line says."""
    return str(screen.query_one(StatusLine).sentence)
