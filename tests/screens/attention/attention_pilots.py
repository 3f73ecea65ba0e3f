"""Driving the attention screen: waiting for what was traced and painted, never for time to pass."""

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from core.folders import asset, runs_dir
from core.shelf import kept_steps
from core.training.runs import open_run
from core.workbench import Bench, Workbench
from lab.app import LabApp
from screens.attention.reader import TEXT
from screens.attention.screen import AttentionScreen
from screens.widgets.error_card import ErrorCard
from screens.widgets.status_line import StatusLine

REPEATED = "The exception is raised. The exception"


def demo_steps() -> list[str]:
    """The kept steps of the demo as specs, the earliest first."""
    return [f"demo@{step}" for step in kept_steps(open_run("demo"))]


def same(shown: np.ndarray | None, expected: np.ndarray) -> bool:
    """Whether these are the same numbers, but for how many threads summed them: the app's and the test's may differ."""
    return shown is not None and np.allclose(shown, expected, rtol=1e-4, atol=1e-6, equal_nan=True)


async def until(pilot, condition: Callable[[], object], seconds: float = 40.0) -> None:
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


def attention(prompt: str = "The for statement is used to", a: str = "demo", b: str | None = None, **options) -> LabApp:
    """The lab on the attention screen."""
    return LabApp(screen="attention", workbench=Workbench(Bench(a=a, b=b, prompt=prompt)), **options)


def whole(screen: AttentionScreen) -> bool:
    """Whether all that is asked of the text is there and painted."""
    seen, place = screen.seen, screen.place
    if seen is None or (seen.text, seen.spec, seen.off) != (screen.text, screen.workbench.a, screen.off):
        return False
    layers = len([key for key in screen._layers if key[0] == "a" and not key[2]])
    known = TEXT in screen.measured and screen.next is not None and screen.next.position == place.row
    idle = all(w.is_finished for w in screen.app.workers) and screen._next_at in (-1, place.row)
    return known and (layers == seen.layers or not seen.patterns_fit) and idle and not screen._find_column


async def traced(pilot) -> AttentionScreen:
    """Waits until the text is traced and painted; the screen."""
    screen = pilot.app.screen
    await until(pilot, lambda: whole(screen))
    await pilot.pause()
    return screen


async def card(pilot) -> ErrorCard:
    """Waits for a card."""
    screen = pilot.app.screen
    await until(pilot, lambda: screen.query(ErrorCard))
    return screen.query_one(ErrorCard)


def sentence(screen: AttentionScreen) -> str:
    """What the status line says."""
    return str(screen.query_one(StatusLine).sentence)


def subtitle(screen: AttentionScreen, selector: str) -> str:
    """What stands below a pane."""
    return str(screen.query_one(selector).border_subtitle)


def title(screen: AttentionScreen, selector: str) -> str:
    """What stands above a pane."""
    return str(screen.query_one(selector).border_title)


def run_of_the_demo(name: str = "mine") -> Path:
    """A run of one's own, whose files may be changed: the demo's, copied."""
    path = runs_dir() / name
    shutil.copytree(asset("demo"), path)
    return path


def last_of(run: Path) -> Path:
    """The newest weights of a run."""
    return max((run / "snapshots").glob("step-*.safetensors"))


def rewrite(path: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    """Other numbers in a file of weights, put in place as the trainer does."""
    tensors = {name: values.copy() for name, values in load_file(path).items()}
    change(tensors)
    beside = path.with_name(path.name + ".new")
    save_file(tensors, beside)
    beside.replace(path)
