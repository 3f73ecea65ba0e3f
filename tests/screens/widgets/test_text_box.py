"""A text field for any length: it holds a stretch, what is outside stays, pasted nonsense is mended."""

import pytest
from textual import events
from textual.app import App

from screens.widgets.text_box import HOLDS, TextBox, mended

LONG = "".join(f"line {i}\n" for i in range(20_000))


class Editing(App):
    def __init__(self, text=""):
        super().__init__()
        self.first = text
        self.said = []

    def compose(self):
        yield TextBox(self.first)

    def on_text_box_edited(self, event):
        self.said.append((event.box.whole, event.mended))

    @property
    def box(self):
        return self.query_one(TextBox)


async def test_what_is_put_is_not_told_and_what_is_typed_is():
    app = Editing("abc\r\ndef")
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        assert app.box.whole == "abc\ndef" and app.said == []
        app.box.focus()
        await pilot.press("x")
        await pilot.pause()
        assert app.said == [("xabc\ndef", 0)]


async def test_a_long_text_is_edited_a_stretch_at_a_time():
    app = Editing(LONG)
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        assert len(app.box.text) <= HOLDS and app.box.whole == LONG
        at = LONG.index("line 15000\n")
        app.box.go_to(at)
        app.box.focus()
        await pilot.press("X")
        await pilot.pause()
        assert app.said[-1][0] == LONG[:at] + "X" + LONG[at:]
        assert app.box.excerpt[0] < at < app.box.excerpt[1]


@pytest.mark.parametrize("at", [0, 100, len(LONG) - 1])
async def test_a_long_text_is_pasted_at_its_place(at):
    app = Editing(LONG)
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        app.box.go_to(at)
        app.box.post_message(events.Paste("new\r\n" * 10_000))
        await pilot.pause()
        await pilot.pause()
        assert app.said == [(LONG[:at] + "new\n" * 10_000 + LONG[at:], 0)]
        assert len(app.box.text) <= HOLDS


async def test_halves_of_pairs_are_replaced_and_counted():
    app = Editing("")
    async with app.run_test(size=(40, 6)) as pilot:
        app.box.post_message(events.Paste("a\ud83db\udc00"))
        await pilot.pause()
        await pilot.pause()
        assert app.said == [("a\ufffdb\ufffd", 2)]
    assert mended("\ud83d\ude00") == ("😀", 0)


async def test_nothing_that_a_terminal_would_obey_is_drawn():
    app = Editing("a\x1b[31mb\x07\u202ec")
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        drawn = "".join(app.box.render_line(y).text for y in range(3))
        assert not set(drawn) & {"\x1b", "\x07", "\u202e"}
        assert app.box.whole == "a\x1b[31mb\x07\u202ec"
