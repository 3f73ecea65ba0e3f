"""The palette: whatever has a key can be found by name, also with a slip of the finger; page keys come too early."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain import lab
from textual.command import CommandList

from lab.app import LabApp
from lab.palette import CURSOR, Palette, entries, keys_of, shown_key
from lab.palette_search import Entry, edits, found, nearly, score
from screens.catalogue import SCREENS


async def until(pilot, condition, seconds=30.0):
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


def keys_now(screen):
    """What can be pressed now, as the key line writes it: the keys that do the same, together."""
    same = {}
    for node, binding, enabled, _ in screen.active_bindings.values():
        if enabled and binding.tooltip and not binding.action.startswith("door("):
            same.setdefault((binding.action, id(node)), []).append(binding)
    groups = [bindings for bindings in same.values() if CURSOR.isdisjoint(binding.key for binding in bindings)]
    return [{shown_key(screen, binding) for binding in bindings} for bindings in groups]


async def test_whatever_has_a_key_is_in_the_palette_and_no_key_there_is_made_up():
    app = LabApp(screen="tokenizer")
    async with app.run_test(size=(120, 36)) as pilot:
        for number, name in enumerate(SCREENS, 1):
            await app.go_to(number)
            screen = app.lab_screen
            await until(pilot, lambda screen=screen: screen.lesson() is not None)
            await pilot.pause()
            stops = [w for w in screen.query("#body *") if w.focusable and w.region.area and not screen.typing]
            assert stops, name
            for stop in stops:
                screen.set_focus(stop)
                if screen.typing:
                    continue
                offered = list(entries(app))
                named = set().union(*map(keys_of, offered))
                now = keys_now(screen)
                assert [keys for keys in now if named.isdisjoint(keys)] == [], (name, stop)
            said = {key for _, key, _ in screen.commands() if len(key) == 1}
            assert said <= bound(screen), (name, said - bound(screen))


def bound(screen):
    """Every key that the screen or something on it has, also those for which its present page has no use."""
    nodes = [screen, *screen.query("*")]
    return {
        shown_key(screen, binding)
        for node in nodes
        for bindings in node._bindings.key_to_bindings.values()
        for binding in bindings
    }


async def test_an_entry_made_of_a_key_does_what_the_key_does():
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        (entry,) = [entry for entry in entries(app) if entry.title.startswith("Lesson of")]
        assert {"?", "f1"} <= keys_of(entry)
        (go,) = [entry for entry in entries(app) if entry.title == "Go to…"]
        go.run()
        await until(pilot, lambda: type(app.screen).__name__ == "Choose" and app.screen.query("OptionList"))


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("weights go", "Go to Weights"),
        ("go weihgts", "Go to Weights"),
        ("wieghts", "Go to Weights"),
        ("attnetion", "Go to Attention"),
        ("genrate", "Go to Generate"),
        ("tehme", "Theme…"),
        ("qiut", "Quit"),
        ("checkpiont next", "Next checkpoint"),
    ],
)
async def test_slips_of_the_finger_are_forgiven(typed, first):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, Palette))
        await pilot.press(*[{" ": "space"}.get(letter, letter) for letter in typed])
        rows = app.screen.query_one(CommandList)
        await until(pilot, lambda: rows.option_count and str(rows.get_option_at_index(0).prompt).startswith(first))


def test_what_is_there_comes_without_what_is_only_like_it():
    known = [Entry("Heads", "", print), Entry("Beads", "", print), Entry("A head", "", print)]
    assert [entry.title for _, entry in found("heads", known)] == ["Heads"]
    assert [entry.title for _, entry in found("haeds", known)] == ["Heads"]
    assert [entry.title for _, entry in found("haed", known)] == ["Heads", "A head"]
    assert found("xyzzy", known) == []
    assert found("", known) == []


words = st.text("abcdefgh", min_size=4, max_size=12)


@given(words, st.data())
def test_one_slip_in_a_word_is_always_forgiven(word, data):
    at = data.draw(st.integers(1, len(word) - 2))
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    missing = word[:at] + word[at + 1 :]
    entry = Entry(word, "", print)
    for typed in (swapped, missing, word[:at] + "z" + word[at:], word[:at] + "z" + word[at + 1 :]):
        if len(typed) >= 4:
            assert score(typed, entry) or nearly(typed, entry), typed


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_edits_are_a_distance(a, b):
    assert edits(a, b) == edits(b, a) <= max(len(a), len(b))
    assert (edits(a, b) == 0) == (a == b)


@given(st.text(max_size=20))
def test_any_query_is_answered(query):
    known = [Entry("Go to Embed", "2", print), Entry("h.5.attn.c_attn", "a tensor", print, "h 5 attn c_attn")]
    assert all(points > 0 for points, _ in found(query, known))


async def test_a_page_key_while_the_list_is_being_filled_is_no_failure():
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, Palette) and app.screen.query_one(CommandList).option_count)
        rows = app.screen.query_one(CommandList)
        rows.highlighted = 3
        rows._clear_caches()  # as after each batch of rows, until they are painted
        rows._lines.clear()
        rows._index_to_line.clear()
        app.screen._action_command_list("page_up")
        app.screen._action_command_list("page_down")
        await pilot.press("escape")
    assert app.survived == []
