"""Driving the embeddings screen: waiting for answers and pictures, never for time to pass; small files of vectors."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from screens.widgets.error_card import ErrorCard
from screens.widgets.status_line import StatusLine


async def until(pilot, condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


def settled(screen) -> bool:
    """Whether the last question is answered and drawn."""
    return (
        screen.asked is not None
        and screen.asked.text == screen.body.box.value
        and screen.asked.how == screen.how
        and screen.drawn is not None
        and screen._drawn_number == screen._draw_number
    )


async def ready(pilot, spec: str = "") -> None:
    """Waits until vectors are open, asked and drawn."""
    screen = pilot.app.screen
    await until(pilot, lambda: screen.vectors is not None and (not spec or screen.spec == spec))
    await until(pilot, lambda: settled(screen))
    await pilot.pause()


async def asks(pilot, text: str) -> None:
    """Types an expression, as a person does, and waits for its answer."""
    screen = pilot.app.screen
    await pilot.press("e")
    screen.body.box.value = text
    before = screen.answers
    await pilot.press("enter")
    await until(pilot, lambda: screen.answers > before and settled(screen))
    await pilot.pause()


async def refused(pilot, text: str) -> ErrorCard:
    """Types what cannot be answered; the card that says so."""
    screen = pilot.app.screen
    await pilot.press("e")
    screen.body.box.value = text
    await pilot.press("enter")
    await until(pilot, lambda: screen.query(ErrorCard))
    return screen.query_one(ErrorCard)


def sentence(screen) -> str:
    """What the status line says."""
    return str(screen.query_one(StatusLine).sentence)


def vector_file(path: Path, rows: dict[str, Sequence[float]]) -> Path:
    """Word vectors in word2vec's text format."""
    width = len(next(iter(rows.values())))
    lines = [f"{len(rows)} {width}", *(f"{word} {' '.join(map(str, values))}" for word, values in rows.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


CORNERS = {
    "man": (1.0, 0.0, 0.2),
    "woman": (1.0, 1.0, 0.2),
    "king": (0.0, 0.1, 1.0),
    "queen": (0.0, 1.1, 1.0),
    "apple": (-1.0, -0.5, 0.3),
}
"""A space in which king - man + woman is queen, nearly."""
