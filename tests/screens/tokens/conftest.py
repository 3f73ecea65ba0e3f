"""The lab on its tokens screen, and waiting for what it reads: never for time to pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from core.workbench import Bench, Workbench
from lab.app import LabApp
from screens.tokens.screen import TokensScreen
from screens.widgets.status_line import StatusLine


@pytest.fixture
def tokens_app() -> LabApp:
    """On a fresh machine: nothing in the cache, the demo on the workbench."""
    return LabApp(screen="tokenizer")


@pytest.fixture
def gpt2_app(gpt2_vocabulary) -> LabApp:
    """With GPT-2's vocabulary here and pinned."""
    return LabApp(screen="tokenizer", workbench=Workbench(Bench(tokenizer="gpt2")))


async def eventually(pilot, condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.005)


class Driver:
    """The screen under test, its pilot, and what both say."""

    def __init__(self, pilot) -> None:
        self.pilot = pilot

    @property
    def screen(self) -> TokensScreen:
        found = self.pilot.app.lab_screen
        assert isinstance(found, TokensScreen)
        return found

    @property
    def body(self):
        return self.screen.body

    @property
    def sentence(self) -> str:
        return self.screen.query_one(StatusLine).sentence

    def title(self, pane: str) -> str:
        return str(self.screen.query_one(f"#{pane}-pane").border_title)

    async def settled(self) -> None:
        """Every reading that was asked for is back and shown, and so is the comparison."""

        await self.pilot.pause()
        await eventually(self.pilot, lambda: not self.screen.busy)
        await self.pilot.pause()

    async def show(self, text: str) -> None:
        """Another text, as if it were opened."""
        from screens.tokens.texts import Source

        self.screen.show_text(Source(text))
        await self.settled()

    async def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        await eventually(self.pilot, condition, seconds)


@pytest.fixture
def drive() -> type[Driver]:
    """``tokens = drive(pilot)``."""
    return Driver
