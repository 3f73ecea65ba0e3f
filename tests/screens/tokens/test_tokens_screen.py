"""The seven checks of the tokens screen (SCREENS.md 3.1), and what it does on a fresh machine without a network."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from textual import events

from core.tokenizers import get_tokenizer
from screens.tokens.beside import BesidePane
from screens.tokens.reader import OWN, own_tokenizer
from screens.tokens.texts import FIRST, SAMPLES
from screens.widgets.error_card import ErrorCard
from screens.widgets.merge_view import piece_text
from screens.widgets.text_box import HOLDS
from screens.widgets.virtual_list import VirtualList

ROOT = Path(__file__).parents[3]


def said(command: list[str]) -> str:
    """What a process of its own prints."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


def pieces_shown(strip) -> str:
    return "\n".join(strip.render_line(y).text for y in range(strip.size.height))


async def test_check_1_and_7_the_ids_are_those_of_the_command_and_of_the_snippet(gpt2_app, drive):
    async with gpt2_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        ids = list(tokens.body.strip.ids)
        assert len(ids) == 27 and ids[:3] == [464, 11241, 7509]
        assert "27 tokens · 80 chars · 86 bytes · 3.19 bytes per token" in tokens.title("strip")
        request = tokens.screen.take_away()
        await pilot.press("Y")
        assert pilot.app.clipboard == request.python
    program, *words = shlex.split(request.command)
    assert program == "llm-lab"
    printed = json.loads(said([sys.executable, "-m", "lab", *words]))
    assert printed["ids"] == ids == request.data["ids"]
    assert {name: request.data[name] for name in printed} == printed
    assert json.loads(said([sys.executable, "-c", request.python])) == ids
    header, rows = request.table
    assert [row[header.index("id")] for row in rows] == ids
    assert b"".join(bytes.fromhex(row[header.index("bytes")]) for row in rows) == FIRST.encode()


async def test_check_2_stepping_ends_at_un_bel_iev_able_after_eight_merges(gpt2_app, drive):
    async with gpt2_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await pilot.press(*["right"] * 8)
        merges = tokens.body.merges
        assert "“unbelievable”" in tokens.title("merge") and len(merges.steps) == 9
        await pilot.press(*["comma"] * 12)
        assert merges.step == 0 and len(merges.steps[0].pieces) == 12
        await pilot.press(*["full_stop"] * 8)
        assert merges.step == 8 and "step 8 of 8" in tokens.title("merge")
        assert [piece_text(piece) for piece in merges.steps[8].pieces] == ["un", "bel", "iev", "able"]
        assert "iev" in tokens.sentence and "id 11203" in tokens.sentence
        shown = [row.plain for row in tokens.body.token.rows]
        assert any(row.startswith("made of  ie + v") for row in shown)
        assert any("10,948 of 50,000" in row for row in shown)


@pytest.mark.parametrize("name", list(SAMPLES))
async def test_check_3_the_bytes_of_all_tokens_give_back_the_text(gpt2_app, drive, name):
    async with gpt2_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await tokens.show(SAMPLES[name])
        assert b"".join(tokens.body.strip.pieces) == SAMPLES[name].encode()
        assert "\ufffd" not in pieces_shown(tokens.body.strip)


async def test_check_4_a_pasted_megabyte_goes_past_the_field_and_only_what_is_seen_is_painted(gpt2_app, drive):
    prose = "It was a bright cold day in April, and the clocks were striking thirteen. " * 14_000
    assert len(prose) > 1_000_000
    async with gpt2_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await pilot.press("e")
        box = tokens.body.text
        box.select_all()
        box.post_message(events.Paste(prose))
        await tokens.settled()
        assert len(box.text) <= 2 * HOLDS < len(box.whole) == len(prose)
        strip = tokens.body.strip
        assert b"".join(strip.pieces).decode() == prose
        before = strip.length
        await pilot.press("a", "b", "c")
        await tokens.settled()
        assert len(tokens.screen.text) == len(prose) + 3
        assert tokens.screen.text.endswith("abc")
        assert strip.length > before
        await pilot.press("escape", "end")
        assert strip.cursor == strip.length - 1
        assert len(strip._strips) < 400


async def test_the_tokens_of_a_long_text_are_seen_before_others_are_asked(gpt2_app, drive, monkeypatch):
    async with gpt2_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        monkeypatch.setattr("screens.tokens.screen.SHOWN_WITHIN", 20.0)
        reader, strip, seen = tokens.screen.reader, tokens.body.strip, []
        compare = reader.compare

        def late(wanted, reading):
            seen.append((strip.length, len(reading.tokens)))
            return compare(wanted, reading)

        monkeypatch.setattr(reader, "compare", late)
        await tokens.show("one two three four " * 20_000)
        await tokens.show("short")
        assert seen[0][0] == seen[0][1] > 70_000
        assert len(seen) == 2


async def test_check_5_without_colour_borders_are_drawn(tokens_app, drive, monkeypatch):
    from screens.widgets.ramps import Look

    tokens_app.look = Look(colours="none")
    async with tokens_app.run_test(size=(80, 24)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await tokens.show("abc")
        assert tokens.body.strip.render_line(0).text.startswith("a│b│c│")


async def test_check_6_find_11203_finds_iev(gpt2_app, drive):
    async with gpt2_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await pilot.press("f", *"11203")
        await tokens.until(lambda: tokens.screen.found is not None and tokens.screen.found.query == "11203")
        await pilot.pause()
        assert tokens.screen.entry.bytes == b"iev"
        assert "1 entry of 50,257" in tokens.title("vocabulary")
        assert any(row.plain.startswith("made of  ie + v") for row in tokens.body.token.rows)
        await pilot.press("down", "enter")
        assert tokens.body.main == "strip" and tokens.body.strip.cursor == 8
        assert "iev" in tokens.sentence


async def test_on_a_fresh_machine_the_demo_words_characters_and_bytes_work_and_gpt2_says_how(tokens_app, drive):
    async with tokens_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        own = tokens.screen.reading.known.label
        assert f"{own} of demo" in tokens.title("strip")
        rows = {row.label: row for row in tokens.screen.compared}
        assert not rows["gpt2"].here and "llm-lab pull gpt2-vocabulary" in tokens.body.compare._row_text(0).plain
        assert rows["byte"].tokens == 86
        for name in ("words-v1", "words-v2", "char", "byte"):
            tokens.screen.use_tokenizer(name)
            await tokens.settled()
            assert tokens.screen.reading.error is None and tokens.body.strip.length > 0
            if name == "char":
                unknown = pieces_shown(tokens.body.strip).count("⟨?⟩")
                assert unknown and f"{unknown} token" in tokens.title("strip") and "unknown" in tokens.title("strip")
        tokens.screen.use_tokenizer("gpt2")
        await tokens.settled()
        card = tokens.screen.query_one(ErrorCard)
        assert "not on this machine" in card.problem.what and "llm-lab pull gpt2-vocabulary" in card.problem.why
        assert card.problem.doors[0].label == "fetch it"
        assert tokens.body.strip.length == 0 and "no tokens" in tokens.body.strip.empty_text
        assert {row.label: row.tokens for row in tokens.screen.compared}["byte"] == 86
        await pilot.press("u")
        await tokens.settled()
        assert not tokens.screen.query(ErrorCard) and tokens.screen.reading.known.label == own
        assert b"".join(tokens.body.strip.pieces).decode() == FIRST


async def test_a_click_on_a_row_of_the_comparison_takes_that_tokenizer(gpt2_app, drive):
    async with gpt2_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        labels = [row.label for row in tokens.screen.compared]
        assert labels == ["gpt2", own_tokenizer("demo").label, "byte"]
        await pilot.click("#compare", offset=(3, 2))
        await tokens.settled()
        assert pilot.app.workbench.tokenizer == "byte" and "86 tokens" in tokens.title("strip")
        await pilot.click("#compare", offset=(3, 1))
        await tokens.settled()
        assert pilot.app.workbench.tokenizer is None and tokens.screen.wanted().name == OWN


async def test_typing_is_encoded_after_the_last_key(gpt2_app, drive):
    async with gpt2_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await pilot.press("e")
        tokens.body.text.select_all()
        reads = tokens.screen.reads
        await pilot.press(*"hello", "space", *"world")
        await tokens.settled()
        assert list(tokens.body.strip.ids) == get_tokenizer("gpt2").encode("hello world")
        assert tokens.screen.reads - reads < 11
        await pilot.press("escape")
        assert tokens.body.strip.has_focus


async def test_the_views_are_text_ids_bytes_and_table(gpt2_app, drive):
    async with gpt2_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await pilot.press("v")
        assert "464 11241 7509" in pieces_shown(tokens.body.strip)
        await pilot.press("v")
        assert "54 68 65" in pieces_shown(tokens.body.strip)
        await pilot.press("v")
        table = tokens.screen.query_one("#table", VirtualList)
        assert table.has_focus and "11203" in tokens.screen._table_row(8)
        await pilot.press("down", "down")
        assert tokens.body.strip.cursor == 2 and "izer" in tokens.sentence
        await pilot.press("v", "v")
        assert tokens.body.strip.has_focus and tokens.screen.view == "text"


async def test_beside_each_other_a_token_marks_what_it_covers_in_the_others(gpt2_app, drive):
    async with gpt2_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await pilot.press("V")
        await pilot.pause()
        tokens.screen.others = ("gpt2", "char", "byte")
        tokens.screen.read_now()
        await tokens.settled()
        gpt2, char, byte = tokens.screen.query_one(BesidePane).strips()
        assert [strip.length for strip in (gpt2, char, byte)] == [27, 80, 86]
        assert str(gpt2.border_title).startswith("gpt2 · 27 tokens · 3.19")
        await pilot.press("right")
        await pilot.pause()
        assert "".join(char.pieces[i].decode() for i in sorted(char.marks)) == " token"
        assert b"".join(byte.pieces[i] for i in sorted(byte.marks)) == b" token"
        assert "char: 6 tokens" in tokens.sentence
        await pilot.press("escape")
        assert tokens.body.main == "strip"


async def test_same_ids_are_linked(gpt2_app, drive):
    async with gpt2_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await tokens.show("the cat and the dog and the bird")
        strip = tokens.body.strip
        await pilot.press("right", "right", "right")
        the = strip.ids[strip.cursor]
        assert [strip.ids[i] for i in strip.marks] == [the] * len(strip.marks) and len(strip.marks) == 2
        await pilot.press("n")
        assert strip.cursor == 6 and strip.ids[6] == the
        await pilot.press("n")
        assert strip.cursor == 3


async def test_a_pin_holds_the_panes_until_escape(gpt2_app, drive):
    async with gpt2_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await pilot.press("right", "enter")
        assert "pinned" in tokens.sentence and "token 2 of 27" in tokens.title("token")
        await pilot.hover("#strip", offset=(1, 1))
        assert "token 2 of 27" in tokens.title("token")
        await pilot.press("escape")
        assert "pinned" not in tokens.sentence
