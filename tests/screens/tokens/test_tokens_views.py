"""Vocabulary, windows, building a tokenizer, opening texts; nonsense; the lesson; what is taken away of each."""

from __future__ import annotations

import ast
import shlex
import subprocess
import sys

import numpy as np
import pytest
from textual import events
from textual.widgets import Input

from core.data.window_sets import windows_of
from core.data.window_setting import WindowSetting
from core.data.windows import Windows
from core.tokenizers import get_tokenizer, list_tokenizers
from core.tokenizers.bpe import BPETokenizer
from core.tokenizers.listing import trained_folder
from screens.tokens.cut import LongTokens, cut
from screens.tokens.dialogs import ChooseTokenizers, OpenText, Plan, PlanTraining, TextChoice
from screens.tokens.reader import Known, TokensReader, Wanted
from screens.tokens.texts import SAMPLES, clipped, corpus_source, read_text_file
from screens.tokens.windows import PRESETS, WindowsPane
from screens.widgets.error_card import ErrorCard
from screens.widgets.lesson import MISSING, TryLine, fill, places_of, template_of
from screens.widgets.window_rows import WindowRows

NONSENSE = {
    "empty": "",
    "half a pair": "a\ud83d b\udc00",
    "right to left": "שלום \u202eabc\u202c مرحبا",
    "joined emoji": "👩‍👩‍👧 🇫🇷 👍🏽",
    "stacked marks": "e\u0301\u0323 Z̷̛̗ \u0301x",
    "controls": "a\0b\x1b[31mred\x07\x7f",
    "line ends": "\n\n\t\t \n",
    "one line": "x" * 20_000,
    "special": "a<|endoftext|>b",
    "unassigned": "\U000e0041 \ue000 \uffff",
}


async def test_nonsense_is_shown_and_nothing_of_it_reaches_the_terminal_raw(tokens_app, drive):
    async with tokens_app.run_test(size=(80, 24)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        tokens.screen.use_tokenizer("byte")
        for text in NONSENSE.values():
            box = tokens.body.text
            box.focus()
            box.put("-")
            box.select_all()
            box.post_message(events.Paste(text))
            await tokens.settled()
            await pilot.press("escape", "end")
            for view in ("ids", "bytes", "table", "beside", "text"):
                await tokens.screen.show_view(view)
            assert not tokens.screen.query(ErrorCard)
            assert b"".join(tokens.body.strip.pieces) == tokens.screen.text.encode()
            for strip in (tokens.body.strip, box):
                drawn = "".join(strip.render_line(y).text for y in range(strip.size.height))
                assert not set(drawn) & set("\x00\x07\x1b\x7f\u202e\u202c")


async def test_windows_are_those_of_core(gpt2_app, drive):
    async with gpt2_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await pilot.press("t", "right", "tab", "right")
        pane, rows = tokens.screen.query_one(WindowsPane), tokens.screen.query_one(WindowRows)
        await pilot.pause()
        assert pane.numbers == (5, 2, 8)
        ids = np.array(tokens.body.strip.ids)
        windows = Windows(ids, 5, 2)
        assert rows.length == 3 * len(windows)
        gpt2 = get_tokenizer("gpt2")
        inputs, targets = windows[1]
        for row, expected in ((4, inputs), (5, targets)):
            shown = rows._row_text(row).plain.split(maxsplit=1)[1]
            at = 0
            for i in expected.tolist():
                text = gpt2.token_bytes(i).decode("utf-8", "replace").replace(" ", "·").strip("\ufffd")
                at = shown.index(text, at)
        counts = tokens.screen.query_one("#counts").rows[0].plain
        assert f"27 tokens → {len(windows)} windows → 1 batch of 8 and one of 3" in counts
        printed = subprocess.run(
            [sys.executable, "-c", tokens.screen.take_away().python], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        first = windows[0]
        assert [ast.literal_eval(line) for line in printed] == [len(windows), first[0].tolist(), first[1].tolist()]
        await pilot.press("a", "a")
        await pilot.pause()
        assert pane.numbers == PRESETS[2]
        assert "101" in tokens.screen.query_one("#counts").rows[0].plain
        await pilot.press("escape")
        assert tokens.body.main == "strip"


async def test_windows_over_the_training_part_are_those_of_the_command_that_is_taken_away(tokens_app, drive):
    async with tokens_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        tokens.screen.use_tokenizer("byte")
        await pilot.press("o")
        await tokens.until(lambda: isinstance(pilot.app.screen, OpenText))
        await pilot.press(*["down"] * (len(SAMPLES) + 1), "enter")
        await tokens.until(lambda: tokens.screen.source.part == "training", 60)
        await tokens.settled()
        await pilot.press("t", "a", "a")
        await tokens.until(lambda: "windows" in tokens.screen.query_one("#counts").rows[0].plain)
        request = tokens.screen.take_away()
        setting = WindowSetting("python-docs", "byte", *PRESETS[2])
        assert request.data["windows"] == len(windows_of(setting, "training").windows)
        assert "training part" in tokens.title("windows")
        program, command, *words = shlex.split(request.command)
        assert (program, command) == ("llm-lab", "windows") and words[0] == "python-docs"
        assert " ".join(words).startswith(
            "python-docs --tokenizer byte --part training --context-length 100 --stride 4"
        )
        await pilot.press("escape")
        assert tokens.screen.take_away().command == ""  # no command cuts a part of a corpus into tokens
        tokens.screen.use_tokenizer("")
        await tokens.settled()
        await pilot.press("t")
        assert tokens.screen.take_away().command == ""  # the model's own tokenizer has no name there


def test_the_classic_setting_is_over_1003854_characters(tiny_shakespeare):
    assert corpus_source("tiny-shakespeare").part == "all"
    found = corpus_source("tiny-shakespeare", "training")
    assert len(found.text) == 1_003_854 and (100, 4, 8) in PRESETS
    assert found.python == "core.load_corpus('tiny-shakespeare')[:1003854]"


async def test_a_built_tokenizer_is_saved_and_at_once_everywhere(tokens_app, drive):
    async with tokens_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await tokens.show(SAMPLES["prose"] * 3)
        await pilot.press("b")
        await tokens.until(lambda: isinstance(pilot.app.screen, PlanTraining))
        dialog = pilot.app.screen
        dialog.query_one("#corpus", Input).value = "."
        dialog.query_one("#size", Input).value = "290"
        await pilot.press("enter")
        await tokens.until(lambda: tokens.screen.learning is not None and tokens.screen.learning.state == "saved")
        await tokens.until(lambda: "bpe:bpe290 is saved" in tokens.sentence)
        assert "merge 33 of 33" in tokens.title("build")
        assert "bpe:bpe290" in [ref.name for ref in list_tokenizers()]
        rows = tokens.screen.take_away().table[1]
        assert len(rows) == 33
        await pilot.press("u")
        await tokens.settled()
        assert pilot.app.workbench.tokenizer == "bpe:bpe290"
        assert list(tokens.body.strip.ids) == get_tokenizer("bpe:bpe290").encode(tokens.screen.text)
        assert tokens.body.merges.steps
        pilot.app._ask_tokenizer()
        await pilot.pause()
        assert "bpe:bpe290" in [choice.value for choice in pilot.app.screen._choices]


async def test_a_cancelled_training_writes_nothing_unless_it_is_kept(tokens_app, drive, monkeypatch):
    monkeypatch.setattr("screens.tokens.build.TOLD", 0.0)  # it pauses after each merge: the key comes before the end
    async with tokens_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await tokens.screen.build(Plan("python-docs", 60_000, "never"))
        await tokens.until(lambda: len(tokens.screen.learning.steps) > 20)
        await pilot.press("x")
        await tokens.until(lambda: tokens.screen.learning.state == "cancelled")
        assert not trained_folder().exists()
        await tokens.until(lambda: "K keeps them" in tokens.sentence)
        await pilot.press("K")
        await tokens.until(lambda: tokens.screen.learning.state == "saved")
        learnt = len(tokens.screen.learning.steps)
        assert get_tokenizer("bpe:never").vocab_size == 257 + learnt


@pytest.mark.parametrize(
    ("corpus", "size", "name", "reason"),
    [
        ("nowhere", "512", "", "neither a corpus"),
        (".", "many", "", "whole number"),
        (".", "256", "", "257"),
        (".", "300", "../up", "letters"),
    ],
)
async def test_a_plan_that_cannot_be_says_why(tokens_app, drive, corpus, size, name, reason):
    async with tokens_app.run_test(size=(80, 24)) as pilot:
        await drive(pilot).settled()
        dialog = PlanTraining(".")
        await pilot.app.push_screen(dialog)
        for field, value in (("corpus", corpus), ("size", size), ("name", name)):
            dialog.query_one(f"#{field}", Input).value = value
        await pilot.pause()
        plan, said = dialog.plan()
        assert plan is None and reason in said


async def test_a_search_that_cannot_be_read_says_so_in_the_pane(tokens_app, drive):
    async with tokens_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await tokens.screen.find_text("/(/")
        pane = tokens.screen.query_one("#vocabulary-pane")
        await tokens.until(lambda: "regular expression" in str(pane.border_subtitle))
        await tokens.screen.find_text("len:2")
        await tokens.until(lambda: tokens.screen.found is not None and tokens.screen.found.query == "len:2")
        assert {len(entry.bytes) for entry in tokens.screen.found.entries} == {2}
        assert tokens.screen.take_away().data["total"] == tokens.screen.found.total
        await tokens.screen.find_text("no such thing")
        await tokens.until(lambda: "no entry holds no such thing" in tokens.sentence)
        assert tokens.title("token").startswith("token ")  # what was found before is not shown any more


async def test_a_text_comes_from_a_sample_a_file_or_a_corpus(tokens_app, drive, tmp_path):
    file = tmp_path / "latin.txt"
    file.write_bytes(b"caf\xe9 na\xefve\r\nend")
    async with tokens_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        await pilot.press("o")
        await tokens.until(lambda: isinstance(pilot.app.screen, OpenText))
        await pilot.press("down", "enter")
        await tokens.settled()
        assert tokens.screen.text == SAMPLES["prose"] and "prose" in tokens.title("text")
        await pilot.press("o")
        await tokens.until(lambda: isinstance(pilot.app.screen, OpenText))
        for key in "/xy":  # one by one, as a person types
            await pilot.press(key)
        field = pilot.app.screen.query_one(Input)
        assert field.has_focus and field.value == "/xy"
        await pilot.press("escape", "o")
        await tokens.until(lambda: isinstance(pilot.app.screen, OpenText))
        field = pilot.app.screen.query_one(Input)
        pilot.app.screen.focused.post_message(events.Paste(f"{file}\n"))
        await tokens.until(lambda: field.value == str(file) and field.has_focus)
        await pilot.press("enter")
        await tokens.until(lambda: tokens.screen.source.name == "latin.txt")
        await tokens.settled()
        assert "2 bytes are no UTF-8" in str(tokens.screen.query_one("#text-pane").border_subtitle)
        assert tokens.screen.text == "caf\ufffd na\ufffdve\r\nend"
        tokens.screen.open_text(TextChoice("file", str(tmp_path / "none")))
        await tokens.until(lambda: bool(tokens.screen.query(ErrorCard)))
        tokens.screen.open_text(TextChoice("corpus", "the-verdict"))
        await tokens.until(
            lambda: "the-verdict is not on" in next((c.problem.what for c in tokens.screen.query(ErrorCard)), "")
        )


async def test_up_to_three_are_compared(tokens_app, drive):
    async with tokens_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        tokens.screen.others = ()
        await pilot.press("c")
        await tokens.until(lambda: isinstance(pilot.app.screen, ChooseTokenizers) and pilot.app.screen.names)
        await pilot.press(*["down", "space"] * 4)
        await pilot.press("enter")
        await tokens.settled()
        assert tokens.screen.others == ("words-v1", "words-v2", "char")
        await tokens.until(lambda: {"words-v1", "words-v2"} <= {row.label for row in tokens.screen.compared})
        assert len({(row.label, row.vocab_size) for row in tokens.screen.compared}) == len(tokens.screen.compared)


async def test_the_lesson_tells_the_numbers_of_the_screen_and_its_tries_happen(tokens_app, gpt2_vocabulary, drive):
    async with tokens_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        template = template_of("L1")
        for name in (None, "gpt2"):
            pilot.app.workbench.set(tokenizer=name)
            await tokens.settled()
            view = tokens.screen.lesson()
            text = fill(template, view.values)
            assert places_of(template) <= view.values.keys()
            assert MISSING not in text.replace("–", "", 0) and "{" not in text
            assert f"{tokens.screen.reading.report.total} tokens" in text.replace("\n", " ")
        pilot.app.workbench.set(tokenizer="byte")  # merges nothing: the lesson takes one that does
        await pilot.press("question_mark")
        await tokens.until(lambda: len(tokens.screen.query(TryLine)) >= 3)
        merges, char = [line for line in tokens.screen.query(TryLine) if line.action][:2]
        char.focus()
        await pilot.press("enter")
        await tokens.settled()
        assert "char" in tokens.screen.others
        merges.focus()
        await pilot.press("enter")
        await tokens.until(lambda: tokens.body.merges.playing)
        assert pilot.app.workbench.tokenizer == "gpt2" and "naïve" in tokens.screen.word
        assert tokens.screen.stop_streaming()


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16), (160, 45)])
async def test_every_pane_is_reached_by_tab_at_every_size(tokens_app, drive, size):
    async with tokens_app.run_test(size=size) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        seen = set()
        for _ in range(5):
            await pilot.press("tab")
            focused = tokens.screen.focused
            assert focused.region.area > 0 and tokens.screen.region.contains_region(focused.region)
            seen.add(tokens.body.pane_of(focused))
            if tokens.screen.typing:
                await pilot.press("escape")
                tokens.screen._pane = "text"
        assert seen == {"main", "token", "merge", "compare", "text"}


def test_a_file_is_read_whatever_it_holds(tmp_path):
    path = tmp_path / "x.bin"
    path.write_bytes(bytes(range(256)))
    source = read_text_file(path)
    assert "128 bytes are no UTF-8" in source.note and "binary" in source.note and not source.word
    path.write_bytes(b"\xef\xbb\xbfhello")
    assert read_text_file(path).text == "hello"


def test_a_clipped_text_ends_at_a_character():
    assert clipped("aé" * 100, 10) == "aéaéaéa"
    assert clipped("abc", 10) == "abc"


async def test_fetching_a_missing_vocabulary_is_a_job_and_says_why_it_failed(tokens_app, drive):
    async with tokens_app.run_test(size=(120, 36)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        tokens.screen.use_tokenizer("cl100k_base")
        await tokens.settled()
        await pilot.press("d")
        assert [job.name for job in pilot.app.jobs.jobs] == ["pull cl100k_base"]
        await tokens.until(lambda: pilot.app.jobs.jobs[0].state == "failed")
        await tokens.until(
            lambda: any("try again" in [d.label for d in card.problem.doors] for card in tokens.screen.query(ErrorCard))
        )
        tokens.screen.use_tokenizer("byte")
        await tokens.settled()
        assert tokens.body.strip.length == 86


@pytest.mark.parametrize("text", ["plain ascii " * 30_000, "naïve 👩‍👩‍👧 字 " * 20_000])
def test_a_long_text_is_cut_as_a_short_one(gpt2_vocabulary, text):
    gpt2 = get_tokenizer("gpt2")
    found = cut(text, gpt2)
    tokens = gpt2.tokens(text)
    assert isinstance(found.tokens, LongTokens) and len(found.tokens) == len(tokens) == found.report.total
    step = max(1, len(tokens) // 997)
    assert [found.tokens[i] for i in range(0, len(tokens), step)] == tokens[::step]
    assert found.tokens[-1] == tokens[-1] and found.tokens[5:9] == tokens[5:9]
    assert found.id_list == [token.id for token in tokens] and b"".join(found.pieces) == text.encode()
    assert found.places_of(tokens[3].id)[:3] == [i for i, t in enumerate(tokens) if t.id == tokens[3].id][:3]


async def test_a_low_terminal_leaves_room_for_a_window_and_its_target(gpt2_app):
    async with gpt2_app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        screen = gpt2_app.screen
        assert screen.query_one("#main").size.height == 8
        assert screen.query_one("#side").size.height == 8


async def test_a_tiny_terminal_shows_the_tokens_and_one_that_grew_what_is_beside_them(tokens_app, drive):
    async with tokens_app.run_test(size=(80, 24)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        main, side = (tokens.screen.query_one(name) for name in ("#main", "#token-pane"))
        for size, sides in (((62, 17), False), ((80, 24), True), ((120, 36), True), ((62, 17), False)):
            await pilot.resize_terminal(*size)
            await tokens.until(lambda sides=sides: main.is_on_screen and side.is_on_screen == sides)
            assert tokens.screen.focused is tokens.body.strip  # no key may fall into the text because of a resize


async def test_where_there_is_room_the_table_stands_beside_the_text_and_both_have_one_cursor(tokens_app, drive):
    async with tokens_app.run_test(size=(200, 50)) as pilot:
        tokens = drive(pilot)
        await tokens.settled()
        body = tokens.body
        assert body.table.is_on_screen and body.strip.is_on_screen
        assert body.merges.is_on_screen and body.tree_rows.is_on_screen
        await pilot.press("right", "right")
        await tokens.until(lambda: body.table.cursor == body.strip.cursor == 2)
        await pilot.press("tab", "down")
        await tokens.until(lambda: body.table.has_focus and body.strip.cursor == 3)
        await pilot.resize_terminal(120, 36)
        await tokens.until(lambda: not body.table.is_on_screen and not body.tree_rows.is_on_screen)
        await tokens.until(lambda: body.strip.has_focus)
        assert tokens.screen.view == "text"


def test_a_tokenizer_trained_anew_has_its_own_merges_and_is_built_before_a_text_is_timed(monkeypatch):
    asked = []
    monkeypatch.setattr("screens.tokens.cut.cut", lambda text, tokenizer: asked.append(text) or cut(text, tokenizer))
    reader, wanted = TokensReader(), Wanted(0, "low lower", "mine", "demo", ())
    for text in ("low lower lowest " * 9, "new newer newest " * 9):
        tokenizer = BPETokenizer.train(text, 270)
        reader._loaded["mine", ""] = Known("mine", "mine", tokenizer, "", ())
        assert reader.read(wanted).bpe is reader.read(wanted).bpe is not None
        assert reader.read(wanted).bpe.fingerprint == tokenizer.fingerprint
        assert asked == [" ", *[wanted.text] * 3]
        reader.forget("mine")
        assert not reader._loaded and not reader._bpe and not reader._asked
        asked.clear()
