"""The pictures of the README, drawn by the app itself: ``make screenshots``.

Each is the SVG that Textual makes of a screen, without the rule that would fetch a font from the web. A person looks at
them before they are committed. ``ARGS=RUN`` shows another run than the demo.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from core.training.runs import open_run
from lab.app import LabApp
from lab.settings import Settings
from screens.widgets.take_away import without_web_font

PICTURES = Path(__file__).resolve().parents[1] / "assets" / "pictures"
SIZE = (120, 36)
SETTLED = 3.0
"""Seconds in which a screen has read its run and drawn it, on any machine that makes pictures."""


async def picture(screen: str, runs: Path, run: str, keys: Sequence[str] = ()) -> str:
    """One screen of the app as SVG, after some keys."""
    app = LabApp(screen=screen, runs=runs, run=run if screen == "training" else None, settings=Settings())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(SETTLED)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.05)
        await pilot.pause(SETTLED)
        return without_web_font(app.export_screenshot(title="LLM Lab"))


SHOWN: dict[str, tuple[str, tuple[str, ...]]] = {
    "tokens": ("tokenizer", ("right",) * 5),
    "embed": ("embeddings", ("down", "down")),
    "attention": ("attention", ("E", "down", "enter", *"mmmS", *("tab",) * 3, "home", "S", "enter", "a", *",.")),
    "training": ("training", ()),
    "generate": ("generation", ("left",) * 60),
    "weights": ("weights", ("down",) * 2),
}
"""The pictures: the screen, and the keys that bring it into the state that is shown."""


def main(run: str = "demo") -> None:
    """Draws the pictures, that of training with one run."""
    found = open_run(run)
    PICTURES.mkdir(parents=True, exist_ok=True)
    where = found.path.absolute()
    with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty):
        # A fresh machine, but for the vocabularies: nothing of the one that draws may be in a picture.
        os.environ.update(LLM_LAB_STATE=str(Path(empty, "state")), LLM_LAB_RUNS="runs")
        for name, (screen, keys) in SHOWN.items():
            runs = Path("runs") if found.bundled or screen != "training" else where.parent
            path = PICTURES / f"{name}.svg"
            path.write_text(asyncio.run(picture(screen, runs, str(where), keys)), encoding="utf-8")
            print(path)


if __name__ == "__main__":
    main(*sys.argv[1:2])
