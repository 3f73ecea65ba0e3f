"""The real app over the tree in which CONTRIBUTING.md's tokenizer, sampler and screen stand; what it shows, as JSON.

A program: ``test_contributing.py`` runs it where the changed tree is imported.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

import core
from core.generation.settings import SamplingConfig
from core.workbench import Bench, Workbench
from lab.app import LabApp
from lab.settings import Settings
from screens.generation.dials import DIALS
from screens.tokens.dialogs import ChooseTokenizers
from screens.widgets.virtual_list import VirtualList

SHORT = SamplingConfig(temperature=1.0, max_new_tokens=6)


async def until(pilot: Pilot[Any], what: str, condition: Callable[[], object]) -> None:
    end = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        await pilot.pause()
        await asyncio.sleep(0.01)


def drawn(app: LabApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def tokenizer(pilot: Pilot[Any], app: LabApp) -> dict[str, Any]:
    """Chooses it in the list of the Tokens screen, in place of the others."""
    screen: Any = app.screen
    screen.others = ()
    await pilot.press("c")
    await until(pilot, "the dialog", lambda: isinstance(app.screen, ChooseTokenizers) and app.screen.names)
    chooser: Any = app.screen
    listed = chooser.names
    chooser.query_one(VirtualList).cursor = listed.index("byt5")
    await pilot.press("space", "enter")
    await until(pilot, "its row", lambda: any(row.name == "byt5" for row in screen.compared))
    (row,) = [row for row in screen.compared if row.name == "byt5"]
    size = len(screen.source.text.encode())
    return {"listed": listed, "tokens": row.tokens, "vocab_size": row.vocab_size, "bytes": size}


async def sampler(pilot: Pilot[Any], app: LabApp) -> dict[str, Any]:
    """Turns its dial on the console, answers with it, and reads what the dial then says."""
    await pilot.press("5")
    screen: Any = app.screen
    await until(pilot, "the first answer", lambda: screen.current() is not None and not screen.streams)
    await pilot.press("s")
    dials = screen.body.dials
    dials.cursor = next(i for i, dial in enumerate(DIALS) if dial.field == "top_n_sigma")
    await pilot.press("left", "left", "left", "left", "left")
    await until(pilot, "the dial", lambda: screen.sampling.top_n_sigma == 0.5)
    await pilot.press("N", "n")
    await until(pilot, "an answer", lambda: screen.current() is not None and not screen.streams)
    await until(pilot, "what it keeps", lambda: "keeps" in dials._row_of(dials.cursor).plain)
    steps = screen.answers.path(screen.shown)
    request = screen.take_away()
    return {
        "row": dials._row_of(dials.cursor).plain,
        "ids": [step.token_id for step in steps],
        "kept": [step.kept["top_n_sigma"] for step in steps],
        "python": request.python,
        "command": request.command,
    }


async def screen(pilot: Pilot[Any], app: LabApp) -> dict[str, Any]:
    """Goes to it by its digit and by the palette, and takes it away."""
    await pilot.press("7")
    await until(pilot, "the count", lambda: getattr(app.screen, "counts", None))
    shown = drawn(app)
    request = app.lab_screen.take_away() if app.lab_screen else None
    await pilot.press("1")
    await pilot.press("ctrl+p")
    await until(pilot, "the palette's field", lambda: app.screen is not app.lab_screen)
    await pilot.press(*"corpora")
    await until(pilot, "its line in the palette", lambda: "Go to Corpora" in drawn(app))
    await pilot.press("enter")
    await until(pilot, "the screen again", lambda: app.current_mode == "corpora")
    return {"shown": shown, "data": request and request.data, "python": request and request.python}


async def main() -> dict[str, Any]:
    settings = Settings(views={"generation": {"sampling": SHORT.to_dict()}})
    app = LabApp(screen="tokenizer", workbench=Workbench(Bench(a="demo", prompt="The for")), settings=settings)
    async with app.run_test(size=(120, 36)) as pilot:
        found = {
            "core": core.__file__,
            "tokenizer": await tokenizer(pilot, app),
            "sampler": await sampler(pilot, app),
            "screen": await screen(pilot, app),
        }
    return {**found, "survived": [repr(error) for error in app.survived]}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main())))
