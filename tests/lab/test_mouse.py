"""Whatever a key does has something to click: edges of panes, tabs, the last lines, dialogs, on real screens."""

import asyncio
import time

import pytest
from textual.widget import Widget
from textual.widgets._footer import FooterKey

from core.workbench import Bench, Workbench
from lab.app import SCREENS, LabApp
from screens.widgets.choose import Choose
from screens.widgets.hints import edge_text
from screens.widgets.key_panel import KeyPanel
from screens.widgets.lab_bar import LabBar
from screens.widgets.picker import Picker

SIZE = (120, 36)


async def until(pilot, condition, seconds=60.0):
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


def a_lab(screen: str) -> LabApp:
    return LabApp(screen=screen, workbench=Workbench(Bench(a="demo", device="cpu")))


async def click_edge(pilot, widget: Widget, words: str) -> None:
    """Clicks on words in the title or subtitle of a pane, where they are drawn once nothing moves any more."""
    before, rests = None, 0
    while rests < 3:
        await pilot.pause(0.02)
        now = (widget.region, str(widget.border_title), str(widget.border_subtitle))
        rests, before = (rests + 1 if now == before else 0), now
    for y in (widget.outer_size.height - 1, 0):  # a title counts bytes, too
        text, offset = edge_text(widget, 0, y)
        if words in text:
            drawn = widget.render_lines(widget.outer_size.region)[y].text
            x = text.index(words) - offset
            assert drawn[x : x + len(words)] == words, "the click is where the words are"
            await pilot.click(offset=(widget.region.x + x, widget.region.y + y))
            await pilot.pause()
            return
    raise AssertionError(f"{words!r} is in neither edge: {widget.border_title} … {widget.border_subtitle}")


async def test_tabs_and_keys_in_the_edges_of_tokens():
    app = a_lab("tokenizer")
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        pane = screen.query_one("#strip-pane")
        await until(pilot, lambda: "[text]" in str(pane.border_subtitle).replace("\\", ""))
        await click_edge(pilot, pane, "bytes")
        await until(pilot, lambda: screen.view == "bytes")
        await click_edge(pilot, pane, "text")
        await until(pilot, lambda: screen.view == "text")
        await click_edge(pilot, pane, "windows")
        await until(pilot, lambda: screen.query("#windows-pane"))
        assert app.survived == []


async def test_tabs_of_attention_and_of_weights():
    app = a_lab("attention")
    async with app.run_test(size=SIZE) as pilot:
        body = app.screen.body
        await until(pilot, lambda: app.screen.seen is not None)
        centre = app.screen.query_one("#a-centre")
        await click_edge(pilot, centre, "Lens")
        await until(pilot, lambda: body.view == "lens")
        await click_edge(pilot, centre, "Pattern")
        await until(pilot, lambda: body.view == "pattern")
        await pilot.click(LabBar, offset=(70, 0))
        await until(pilot, lambda: app.current_mode == SCREENS[5])
        weights = app.screen
        await until(pilot, lambda: weights.opened is not None and weights.body.histogram.bins)
        await click_edge(pilot, weights.body.histogram, "Rows")
        await until(pilot, lambda: weights.body.view == "rows")
        weights.show_page("sizes")
        sizes = weights.body.sizes
        await until(pilot, lambda: "▸" in sizes.table.text_of(0).plain and sizes.table.region.width > 100)
        before = sizes.mine.config.n_layers
        row = sizes.table.content_region
        for sign, more in (("▸", 1), ("◂", 0), ("●──", 1)):  # the last: right of the knob
            at = sizes.table.text_of(0).plain.index(sign) + len(sign) - 1
            await pilot.click(offset=(row.x + at, row.y))
            await until(pilot, lambda more=more: sizes.mine.config.n_layers == before + more)
    assert app.survived == []


async def test_the_last_line_and_dialogs():
    app = a_lab("training")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.screen.query(FooterKey))
        key = next(k for k in app.screen.query(FooterKey) if k.description == "Model")
        await pilot.click(offset=key.region.offset)
        await until(pilot, lambda: isinstance(app.screen, Picker))
        box = app.screen.query_one("#box").region
        await pilot.click(offset=(box.x + 4, box.bottom - 5))
        assert isinstance(app.screen, Picker), "a click inside closes nothing"
        await pilot.click(offset=(2, 2))  # beside the box
        await until(pilot, lambda: not isinstance(app.screen, Picker))
        await pilot.press("g")
        assert isinstance(app.screen, Choose)
        line = app.screen.query_one("#keys")
        at = line.render_line(0).text.index("esc")
        await pilot.click(offset=(line.content_region.x + at, line.content_region.y))
        await until(pilot, lambda: not isinstance(app.screen, Choose))
        await pilot.press("f2")
        assert isinstance(app.screen, KeyPanel)
        await pilot.press("escape")
        await click_edge(pilot, app.screen.query_one("#runs-pane"), "n new")
        await until(pilot, lambda: type(app.screen).__name__ == "NewRunForm")
    assert app.survived == []


@pytest.mark.parametrize("name", ["training", "tokenizer"])
async def test_a_letter_in_an_edge_is_not_typed_into_a_field(name):
    app = a_lab(name)
    async with app.run_test(size=SIZE) as pilot:
        pane = "#runs-pane" if name == "training" else "#text-pane"
        await until(pilot, lambda: app.screen.query(pane))
        if name == "tokenizer":
            await click_edge(pilot, app.screen.query_one(pane), "e to edit")
            await until(pilot, lambda: app.screen.typing)
            before = app.focused.text
            await click_edge(pilot, app.screen.query_one("#merge-pane"), "p play")
            assert app.screen.typing is False
            await pilot.press("e")
            await until(pilot, lambda: app.screen.typing)
            assert app.focused.text == before
    assert app.survived == []
