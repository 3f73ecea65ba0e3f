"""``--ascii`` means every cell: each sign in the sources has a twin, and six screens are drawn without another.

A letter belongs to somebody's text and stays what it is, on a terminal that can show it or not.
"""

import ast
import asyncio
import time
import unicodedata
from pathlib import Path

from core.folders import asset
from lab.app import LabApp
from lab.tour_steps import STEPS
from screens.catalogue import SCREENS
from screens.widgets.ascii import as_ascii
from screens.widgets.ramps import Look

ROOT = Path(__file__).parents[2]
TEXTS = ("screens/tokens/texts.py", "screens/widgets/clean.py", "screens/widgets/steady.py")
"""Samples of all scripts, and ranges of characters that terminals disagree about: none of them is drawn as a sign."""


def is_sign(character):
    """Whether it is neither ASCII, nor a letter, a mark on one or a digit of any script, nor a thing without a look."""
    return not character.isascii() and unicodedata.category(character)[0] not in "LMC" and character != "\u200d"


def words_of(path):
    """The strings of a module that are not its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def test_each_sign_of_the_interface_has_a_twin_in_ascii():
    found = {}
    for folder in ("screens", "lab"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name not in TEXTS:
                found.update({c: name for words in words_of(path) for c in words if is_sign(c)})
    for path in asset("lessons").glob("*.md"):
        found.update({c: path.name for c in path.read_text(encoding="utf-8") if is_sign(c)})
    assert len(found) > 40
    assert {c: where for c, where in found.items() if not as_ascii(c).isascii() or len(as_ascii(c)) != 1} == {}


def drawn(app):
    """All that is on the terminal."""
    return "".join(strip.text for screen in app.screen_stack for strip in screen._compositor.render_strips())


async def test_six_screens_their_lessons_and_the_tour_are_drawn_in_ascii():
    app = LabApp(screen="training", look=Look(ascii=True, colours="none"))
    async with app.run_test(size=(120, 36)) as pilot:

        async def quiet():
            end = time.monotonic() + 60
            while not all(worker.is_finished for worker in app.workers):
                assert time.monotonic() < end
                await pilot.pause()
                await asyncio.sleep(0.01)
            await pilot.pause()

        for number, name in enumerate(SCREENS, 1):
            await app.go_to(number)
            await pilot.pause()
            await quiet()
            text = app.screen.text if name == "tokenizer" else ""
            for keys in ((), ("question_mark",)):
                await pilot.press(*keys)
                await quiet()
                seen = drawn(app)
                assert len(seen) > 3000
                assert {c for c in seen if not c.isascii()} <= set(text), (name, keys)
        await app.action_tour(len(STEPS) - 1)
        await quiet()
        assert {c for c in drawn(app) if not c.isascii()} == set()
    assert app.survived == []
