"""Keys and the mouse keep their order, whatever a key opens, and whatever a turn ends with."""

import pytest
from textual import events
from textual.widgets import Input

from lab.keys_in_turn import KeysInTurn


class Turns(KeysInTurn):
    """Notes what came, as on a terminal; ``f`` opens a field."""

    def __init__(self):
        super().__init__()
        self.came = []
        self.on_terminal = False

    @property
    def is_headless(self):
        return not self.on_terminal

    async def on_event(self, event):
        self.on_terminal = True  # for the turns alone: nothing is to be drawn on one
        await super().on_event(event)
        self.on_terminal = False

    def compose(self):
        yield Input(disabled=True)

    def on_key(self, event):
        self.came.append(event.key)
        if event.key == "f":
            self.query_one(Input).disabled = False
            self.query_one(Input).focus()

    def on_mouse_down(self, event):
        self.came.append(f"mouse {self.query_one(Input).value}")


def mouse():
    return events.MouseDown(None, 30, 10, 0, 0, 1, False, False, False)


def key(letter):
    return events.Key(letter, letter)


@pytest.mark.parametrize("held", [True, False])
async def test_a_burst_of_keys_and_the_mouse_acts_in_its_order(held):
    app = Turns()
    async with app.run_test(size=(40, 12)) as pilot:
        if held:
            app.hold_keys()
        for event in (key("a"), mouse(), key("f"), key("b"), key("c"), mouse(), key("d")):
            app.post_message(event)
        if held:
            await pilot.pause()
            assert not app.came
            app.let_keys_act()
        while len(app.query_one(Input).value) < 3 or len(app.came) < 4:
            await pilot.pause()
        assert app.query_one(Input).value == "bcd", "the field that a key opened has what was typed behind it"
        assert app.came[:3] == ["a", "mouse ", "f"]
        assert app.came[3].startswith("mouse bc"), "it waits for the keys before it"


async def test_keys_act_although_what_should_hear_the_last_one_is_gone(monkeypatch):
    monkeypatch.setattr(KeysInTurn, "_heard", lambda app, node, turn: None)
    app = Turns()
    async with app.run_test(size=(40, 12)) as pilot:
        for letter in "abc":
            app.post_message(key(letter))
        while len(app.came) < 3:
            await pilot.pause()
        assert app.came == ["a", "b", "c"]
