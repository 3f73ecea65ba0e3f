"""Driving the views Maths and Time: runs of their own, and waiting for what was worked out, never for time to pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from tiny_models import LETTERS, tiny_model

from core.config import TrainConfig
from core.model.gpt import GPT
from core.tokenizers import get_tokenizer
from core.training.checkpoints import save_snapshot
from core.training.rundir import RunWriter
from core.workbench import Bench, Workbench
from lab.app import LabApp
from screens.attention.maths import MathsView
from screens.attention.screen import AttentionScreen
from screens.attention.through_time import TimeView
from screens.widgets.status_line import StatusLine

TEXT = "the cat, the cat"


def model_at(step: int) -> GPT:
    """A small model that is another one at every step."""
    return tiny_model(get_tokenizer("char", LETTERS).vocab_size, 16, seed=step)


def started(folder: Path) -> RunWriter:
    """A run that is being written; whoever asks for it closes it."""
    config = TrainConfig(model=model_at(0).config, corpus="tiny-shakespeare", tokenizer="char", max_steps=40)
    writer = RunWriter.create(folder, {"config": config.to_dict(), "tokenizer": "char"})
    get_tokenizer("char", LETTERS).save(folder)
    return writer


def kept(folder: Path, *steps: int) -> None:
    """Snapshots as the trainer writes them."""
    for step in steps:
        save_snapshot(folder, step, model_at(step).state_dict())


def lab(a: str = "demo", **options: Any) -> LabApp:
    """The app on its attention screen."""
    bench = Bench(a=a, device="cpu", **({"prompt": TEXT} if a != "demo" else {}))
    return LabApp(screen="attention", workbench=Workbench(bench), **options)


def screen_of(app: LabApp) -> AttentionScreen:
    """The screen that is shown."""
    assert isinstance(app.screen, AttentionScreen)
    return app.screen


async def until(pilot: Pilot[Any], condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


async def maths(pilot: Pilot[Any], app: LabApp) -> tuple[AttentionScreen, MathsView]:
    """Goes to the view Maths and waits for its numbers."""
    await until(pilot, lambda: isinstance(app.screen, AttentionScreen) and screen_of(app).seen is not None)
    screen = screen_of(app)
    screen.show_view("maths")
    screen.go_to_pane("centre")
    view = screen.query_one(MathsView)
    await worked(pilot, screen)
    return screen, view


async def worked(pilot: Pilot[Any], screen: AttentionScreen) -> None:
    """Waits until the numbers are those of the place and the part that are wanted."""
    view = screen.query_one(MathsView)
    await until(
        pilot,
        lambda: (
            view.worked is not None
            and view.worked.seen is screen.seen
            and view.worked.part == view.part
            and view.worked.place == screen.place
        ),
    )
    await pilot.pause()


async def through_time(pilot: Pilot[Any], app: LabApp, steps: int) -> tuple[AttentionScreen, TimeView]:
    """Goes to the view Time and waits until some steps were measured and one is drawn."""
    await until(pilot, lambda: isinstance(app.screen, AttentionScreen) and screen_of(app).seen is not None)
    screen = screen_of(app)
    screen.show_view("time")
    screen.go_to_pane("centre")
    view = screen.query_one(TimeView)
    await until(pilot, lambda: view.history is not None and len(view.history.steps) >= steps)
    await drawn(pilot, view)
    return screen, view


async def drawn(pilot: Pilot[Any], view: TimeView) -> None:
    """Waits until the map is that of the step that is looked at."""
    await until(pilot, lambda: view.drawn is not None and view.drawn[2] == view.at)
    await pilot.pause()


def sentence(screen: AttentionScreen) -> str:
    """What the status line says."""
    return str(screen.query_one(StatusLine).sentence)
