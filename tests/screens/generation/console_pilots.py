"""Driving the console: waiting for answers and for what they paint; answers made by hand where no model is needed."""

import asyncio
import math
import time
from collections.abc import Callable

from core.generation.settings import SamplingConfig
from core.generation.steps import Alternative, Step
from core.workbench import Bench, Workbench
from lab.app import LabApp
from lab.settings import Settings
from screens.generation.screen import GenerationScreen
from screens.widgets.status_line import StatusLine

SHORT = SamplingConfig(temperature=0.8, top_k=20, top_p=0.95, max_new_tokens=12)


async def until(pilot, condition: Callable[[], object], seconds: float = 40.0) -> None:
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


def console(sampling: SamplingConfig = SHORT, *, prompt: str = "The for", model: str = "demo", **options) -> LabApp:
    """The lab on the console, with short answers."""
    settings = Settings(views={"generation": {"sampling": sampling.to_dict()}})
    bench = Workbench(Bench(a=model, prompt=prompt, b=options.pop("b", None)))
    return LabApp(screen="generation", workbench=bench, settings=settings, **options)


def quiet(screen: GenerationScreen) -> bool:
    """Whether nothing is being written, asked or opened."""
    return not screen.streams and all(w.is_finished for w in screen.app.workers)


async def answered(pilot, screen: GenerationScreen) -> None:
    """Waits for the answer under way, and for what it painted."""
    await until(pilot, lambda: screen.current() is not None and quiet(screen))
    await pilot.pause()


def ids(screen: GenerationScreen, branch: int | None = None) -> list[int]:
    """The tokens of an answer."""
    return [step.token_id for step in screen.answers.path(screen.shown if branch is None else branch)]


def given(screen: GenerationScreen) -> int:
    """How many tokens of the strip are prompt."""
    return len(screen.line_of(screen.shown).prompt_pieces)


def sentence(screen: GenerationScreen) -> str:
    """What the status line says."""
    return str(screen.query_one(StatusLine).sentence)


def step(
    index: int, piece: bytes, p: float = 0.5, *, drawn: float | None = None, rank: int = 1, entropy: float = 2.0
) -> Step:
    """A step made by hand, with two alternatives of which a filter cut the second."""
    drawn = p if drawn is None else drawn
    own = Alternative(
        index, piece, piece.decode("utf-8", "replace"), p, drawn, None, (("temperature", p), ("top_k", drawn))
    )
    cut = Alternative(
        999, b" other", " other", (1 - p) / 2, 0.0, "top_k", (("temperature", (1 - p) / 2), ("top_k", 0.0))
    )
    return Step(
        index, 0, index, piece, piece.decode("utf-8", "replace"), math.log(drawn), math.log(p), entropy, rank,
        alternatives=(own, cut), kept={"temperature": 1000, "top_k": 20}, path=own.path, seconds=0.01,
    )  # fmt: skip
