"""The pictures of the README, drawn by the app itself: ``make screenshots``.

Each is the SVG that Textual makes of a screen, without the rule that would fetch a font from the web. A person looks at
them before they are committed. ``ARGS=RUN`` shows another run than the demo.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

from core.training.runs import open_run
from lab.app import LabApp
from lab.settings import Settings
from screens.widgets.take_away import without_web_font

PICTURES = Path(__file__).resolve().parents[1] / "assets" / "pictures"
SIZE = (120, 36)
SETTLED = 3.0
"""Seconds in which a screen has read its run and drawn it, on any machine that makes pictures."""


async def picture(screen: str, runs: Path, run: str) -> str:
    """One screen of the app as SVG."""
    app = LabApp(screen=screen, runs=runs, run=run, settings=Settings())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(SETTLED)
        return without_web_font(app.export_screenshot(title="LLM Lab"))


def main(run: str = "demo") -> None:
    """Draws the pictures of one run."""
    found = open_run(run)
    PICTURES.mkdir(parents=True, exist_ok=True)
    where = found.path.absolute()
    with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty):
        runs = Path("runs") if found.bundled else where.parent
        path = PICTURES / "training.svg"
        path.write_text(asyncio.run(picture("training", runs, str(where))), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main(*sys.argv[1:2])
