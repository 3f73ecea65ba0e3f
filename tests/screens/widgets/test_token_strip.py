"""A strip of tokens: what is written, where it stands, and that only what is seen is painted."""

import pytest
from textual.app import App
from textual.containers import Vertical

from screens.widgets.ramps import Look
from screens.widgets.token_strip import TokenStrip

PIECES = [b"The", b" token", b"izer", b" splits", b" \xe2\x80", b"\x9c", b"un", b"bel", b"iev", b"able", b"\n", b"\n\n"]
IDS = [464, 11241, 7509, 30778, 564, 250, 403, 6667, 11203, 540, 198, 628]


class Showing(App):
    """A strip, and what it said."""

    def __init__(self, look=None, **fill):
        super().__init__()
        self.look = look or Look()
        self.given = fill
        self.said = []

    def compose(self):
        with Vertical():
            yield TokenStrip(look=self.look)

    def on_mount(self):
        self.strip.focus()
        if self.given:
            self.strip.fill(self.given.pop("pieces"), **self.given)

    @property
    def strip(self):
        return self.query_one(TokenStrip)

    def lines(self):
        return [self.strip.render_line(y).text.rstrip() for y in range(self.strip.size.height)]

    def on_token_strip_highlighted(self, event):
        self.said.append(("at", event.index))

    def on_token_strip_pinned(self, event):
        self.said.append(("pin", event.index))

    def on_token_strip_activated(self, event):
        self.said.append(("open", event.index))


async def test_tokens_stand_side_by_side_and_half_characters_are_chips():
    app = Showing(pieces=PIECES, ids=IDS)
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.pause()
        assert app.lines()[0] == "The tokenizer splits ⟨E2⟩⟨80⟩⟨9C⟩unbelievable"
        app.strip.show_spaces = True
        assert app.lines()[:2] == ["The·tokenizer·splits·⟨E2⟩⟨80⟩⟨9C⟩unbelievable↵", "↵↵"]
        app.strip.mode = "ids"
        assert app.lines()[0].split() == [str(i) for i in IDS[:11]]
        app.strip.mode = "bytes"
        assert app.lines()[0].startswith("54 68 65 20 74 6F")


async def test_without_colour_borders_are_drawn_and_bars_carry_the_values():
    app = Showing(Look(colours="none"), pieces=PIECES, values=[i / 11 for i in range(12)])
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.pause()
        assert app.lines()[0] == "The│·token│izer│·splits│·⟨E2⟩⟨80⟩│⟨9C⟩│un│bel│iev│able│↵│"
        assert app.lines()[1].startswith("▁▁▁ ▁▁▁▁▁▁ ▂▂▂▂")


async def test_keys_move_pin_and_open():
    app = Showing(pieces=PIECES)
    async with app.run_test(size=(30, 8)) as pilot:
        await pilot.press("right", "right", "end", "home", "down", "enter")
        assert [said for said in app.said if said[0] == "at"][:4] == [("at", 1), ("at", 2), ("at", 11), ("at", 0)]
        here = app.strip.cursor
        assert app.said[-1] == ("pin", here) and app.strip.pin == here
        await pilot.press("enter")
        assert app.said[-1] == ("open", here)
        assert app.strip.release() and not app.strip.release()
        assert app.strip.pin is None


async def test_the_mouse_previews_pins_and_opens():
    app = Showing(pieces=PIECES)
    async with app.run_test(size=(60, 8)) as pilot:
        await pilot.hover(TokenStrip, offset=(4, 0))
        assert app.strip.cursor == 1
        await pilot.click(TokenStrip, offset=(10, 0))
        assert app.strip.pin == 2
        await pilot.hover(TokenStrip, offset=(1, 0))
        assert app.strip.cursor == 2
        await pilot.click(TokenStrip, offset=(1, 0), times=2)
        await pilot.pause()
        assert ("open", 0) in app.said


@pytest.mark.parametrize("width", [1, 2, 7, 30])
async def test_a_token_longer_than_a_line_is_cut_and_nothing_is_lost(width):
    pieces = [b"abc", b"x" * 100, b"def"]
    app = Showing(pieces=pieces)
    async with app.run_test(size=(width + 1, 120)) as pilot:
        await pilot.pause()
        assert "".join(app.lines()).replace(" ", "") == b"".join(pieces).decode()


async def test_a_million_tokens_are_laid_out_behind_the_picture():
    app = Showing(pieces=[b" word", b"\n"] * 200_000)
    async with app.run_test(size=(60, 12)) as pilot:
        assert app.lines()[0]
        await pilot.press("end")
        await pilot.pause()
        assert app.strip.cursor == 399_999
        assert app.strip.scroll_offset.y >= 199_980
        while not app.strip._lines.finished:
            await pilot.pause(0.01)
        assert app.strip.virtual_size.height == 200_000


async def test_tokens_come_one_by_one_and_the_end_stays_in_sight():
    app = Showing(pieces=[b"Once"], values=[1.0], follow=True)
    async with app.run_test(size=(40, 6)) as pilot:
        for _ in range(200):
            app.strip.extend([b" upon"], [0.5])
        await pilot.pause()
        await pilot.pause()
        assert app.strip.length == len(app.strip.values) == 201
        assert any("upon" in line for line in app.lines())
        shown = app.strip.scroll_offset.y + 6
        assert shown >= app.strip._lines.count


async def test_resizing_keeps_cursor_pin_and_sight():
    app = Showing(pieces=[b" word"] * 5000)
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.press("end", "left", "left", "enter")
        await pilot.resize_terminal(33, 7)
        await pilot.pause()
        assert app.strip.cursor == app.strip.pin == 4997
        line = app.strip._lines.line_of(4997)
        assert app.strip.scroll_offset.y <= line < app.strip.scroll_offset.y + 7


async def test_no_tokens_are_no_trouble():
    app = Showing(pieces=[])
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.press("left", "down", "end", "pageup", "enter")
        await pilot.click(TokenStrip, offset=(3, 3))
        assert app.lines()[0] == "nothing here yet"
        assert app.said == []


@pytest.mark.parametrize(
    ("look", "size"),
    [
        pytest.param(Look(), (120, 36), id="dark"),
        pytest.param(Look(light=True), (80, 24), id="light"),
        pytest.param(Look(colours="256"), (80, 24), id="256"),
        pytest.param(Look(colours="none"), (80, 24), id="no-color"),
    ],
)
def test_how_it_looks(snap_compare, monkeypatch, look, size):
    class Gallery(Showing):
        def compose(self):
            yield TokenStrip(look=look, id="tints")
            yield TokenStrip(look=look, id="values")

    async def fill(pilot):
        pilot.app.theme = "textual-light" if look.light else "textual-dark"
        tints, values = pilot.app.query(TokenStrip)
        tints.fill(PIECES, ids=IDS)
        tints.show_spaces = True
        tints.marks = {3, 5}
        tints.cursor = 8
        tints.dim_before = 2
        values.fill(PIECES, values=[i / 11 for i in range(12)])
        values.bars = True
        await pilot.pause()

    class Still(Gallery):
        def on_mount(self):
            pass

    if look.colours == "none":
        monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Still(look), terminal_size=size, run_before=fill)
