"""Screen 1: a text falls apart into tokens as it is typed, and each token says why it was cut there.

The screen owns the text and what is shown of it; core is asked in a worker (``tokens_reader``), words and numbers are
made in ``tokens_view``, the panes are in ``tokens_body``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer
from textual.worker import Worker, WorkerState

from core.errors import LabError
from screens.base import LabScreen
from screens.guard import guarded
from screens.tokens_body import PANES, TokensBody
from screens.tokens_build import BuildActions
from screens.tokens_reader import OWN, Compared, Reading, TokensReader, Wanted
from screens.tokens_sources import SourceActions
from screens.tokens_style import STYLE
from screens.tokens_takeaway import learning_of, lesson_values, tokens_of, vocabulary_of, windows_of
from screens.tokens_texts import FIRST, SAMPLES, Source
from screens.tokens_view import (
    LONGEST_WORD,
    amount,
    compare_rows,
    merge_lines,
    no_merges,
    strip_titles,
    token_rows,
    token_sentence,
    tree_of,
    word_at,
)
from screens.tokens_vocabulary import VocabularyActions
from screens.tokens_windows import WindowsActions, WindowsPane
from screens.widgets.compare_list import CompareList
from screens.widgets.lesson import LessonView
from screens.widgets.merge_view import MergeView, piece_text, tree_rows
from screens.widgets.ramps import Look
from screens.widgets.take_away import TakeAwayRequest
from screens.widgets.text_box import TextBox
from screens.widgets.token_strip import TokenStrip
from screens.widgets.token_strip_labels import MODES
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from core.workbench import Bench, Workbench

AFTER_A_KEY = 0.08
"""Seconds of quiet after a key until the text is encoded."""
VIEWS = (*MODES, "table")
OTHERS = ("gpt2", OWN, "byte")
"""What the text is compared with at first."""


class TokensScreen(SourceActions, VocabularyActions, WindowsActions, BuildActions):
    """Text to tokens."""

    DEFAULT_CSS = STYLE
    LAB_NAME = "Tokens"
    LAB_INDEX = 1

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit", "Edit", id="tokens.edit", tooltip="edit the text in place"),
        Binding("v", "view(1)", "View", id="tokens.view", tooltip="text, ids, bytes, table"),
        Binding("V", "view(-1)", show=False, id="tokens.view-back", tooltip="the view before"),
        Binding("comma", "step(-1)", "Merge", key_display=", .", id="tokens.back", tooltip="one merge back"),
        Binding("full_stop", "step(1)", show=False, id="tokens.forward", tooltip="one merge on"),
        Binding("p", "play", show=False, id="tokens.play", tooltip="play the merges, or stop"),
        Binding("m", "tree", show=False, id="tokens.tree", tooltip="merge steps, or the merge tree of the token"),
        Binding("c", "compare", "Compare", id="tokens.compare", tooltip="choose up to three tokenizers to compare"),
        Binding("b", "build", "Build", id="tokens.build", tooltip="train a byte-pair encoding on a text"),
        Binding("f", "find", "Find", id="tokens.find", tooltip="the vocabulary: text, id, bytes, length, regex"),
        Binding("t", "windows", "Windows", id="tokens.windows", tooltip="what a model reads and should say next"),
        Binding("o", "open", "Open", show=False, id="tokens.open", tooltip="a sample, a corpus or a file"),
        Binding("s", "spaces", show=False, id="tokens.spaces", tooltip="white space as signs, or as it is"),
        Binding("S", "breaks", show=False, id="tokens.breaks", tooltip="break lines at line ends or not"),
        Binding("n", "same(1)", show=False, id="tokens.same", tooltip="the next token of the same id"),
        Binding("N", "same(-1)", show=False, id="tokens.same-back", tooltip="the one before of the same id"),
        Binding("a", "preset", show=False, id="tokens.preset", tooltip="windows: the next usual setting"),
        Binding("d", "fetch", show=False, id="tokens.fetch", tooltip="fetch the vocabulary that is missing"),
        Binding("u", "use", show=False, id="tokens.use", tooltip="use what was trained, or the model's own"),
        Binding("x", "cancel_build", show=False, id="tokens.cancel", tooltip="cancel the training"),
        Binding("K", "keep", show=False, id="tokens.keep", tooltip="keep what was learnt until it was cancelled"),
        Binding("r", "recompute", show=False, id="tokens.recompute", tooltip="encode again"),
        Binding("tab", "next_pane(1)", show=False, id="tokens.next-pane", tooltip="next pane"),
        Binding("shift+tab", "next_pane(-1)", show=False, id="tokens.previous-pane", tooltip="previous pane"),
    ]

    class Read(Message):
        """Tokens came back."""

        def __init__(self, reading: Reading) -> None:
            super().__init__()
            self.reading = reading

    class Comparison(Message):
        """The same text with other tokenizers came back."""

        def __init__(self, number: int, rows: tuple[Compared, ...]) -> None:
            super().__init__()
            self.number = number
            self.rows = rows

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.text = FIRST
        """The text, all of it."""
        self.source = Source(FIRST)
        self.reading: Reading | None = None
        self.compared: tuple[Compared, ...] = ()
        self.others: tuple[str, ...] = OTHERS
        self.reads = 0
        """How many readings were shown; tests wait for it to grow."""
        self.reader = TokensReader()
        self._number = 0
        self._worker: Worker[None] | None = None
        self._again = False
        self._quiet: Timer | None = None
        self._pane = "main"
        self._places: dict[int, list[int]] = {}
        self._searched: object = None
        self._to_play = ""

    # --- frame

    def compose_body(self) -> ComposeResult:
        """The panes."""
        yield TokensBody(self.text, id="tokens")

    def on_mount(self) -> None:
        """Reads the first text."""
        self.body.wear(self.look)
        self.body.strip.focus()
        self.titles()
        self.read_now()

    def pause_updates(self) -> None:
        """A hidden screen plays nothing."""
        self.body.merges.stop()

    def resume_updates(self) -> None:
        """Shown again."""
        self.body.wear(self.look)

    def look_changed(self, look: Look) -> None:
        """Draws as the terminal can show it now."""
        self.body.wear(look)

    def bench_changed(self, bench: Bench) -> None:
        """Another model or tokenizer on the workbench."""
        self.read_now()

    # --- the text

    @on(TextBox.Edited)
    @guarded
    def _edited(self, message: TextBox.Edited) -> None:
        self.text = message.box.whole
        note = f"{amount(message.mended, 'half')} of surrogate pairs read as U+FFFD" if message.mended else ""
        self.source = Source(self.text, "", note)
        if self._quiet is not None:
            self._quiet.stop()
        self._quiet = self.set_timer(AFTER_A_KEY, self._keys_rest)

    def _keys_rest(self) -> None:
        self._quiet = None
        self.read_now()

    def show_text(self, source: Source) -> None:
        """Another text, from wherever it came."""
        self.source, self.text = source, source.text
        self.body.strip.cursor = 0
        self.body.text.put(source.text)
        self.read_now()

    # --- reading

    def wanted(self) -> Wanted:
        """What must be read for what is shown now."""
        bench = self.workbench.bench
        return Wanted(self._number, self.text, bench.tokenizer or OWN, bench.a, self.others)

    @property
    def busy(self) -> bool:
        """Whether what is shown is not yet what was typed."""
        return self._worker is not None or self._again or self._quiet is not None or not self.reads

    def read_now(self) -> None:
        """Reads at once, or as soon as the reading under way is back."""
        self._number += 1
        if self._worker is not None:
            self._again = True
        else:
            self._again = False
            self._worker = self._read(self.wanted())

    @work(thread=True, group="read", exit_on_error=False, description="encode the text")
    def _read(self, wanted: Wanted) -> None:
        reading = self.reader.read(wanted)
        self.post_message(self.Read(reading))
        if wanted.number == self._number:
            self.post_message(self.Comparison(wanted.number, self.reader.compare(wanted, reading)))

    @on(Worker.StateChanged)
    def _read_ended(self, event: Worker.StateChanged) -> None:
        if event.worker is self._worker and event.state in (
            WorkerState.SUCCESS,
            WorkerState.ERROR,
            WorkerState.CANCELLED,
        ):
            self._worker = None
            if self._again:
                self._again = False
                self._worker = self._read(self.wanted())

    @on(Read)
    @guarded
    def _was_read(self, message: Read) -> None:
        reading = message.reading
        if reading.wanted.number != self._number and self._again is False:
            return
        self.reading = reading
        self.reads += 1
        body = self.body
        if reading.error is not None:
            self._show_error(reading.error, reading.wanted)
        elif reading.cut is not None:
            self.solved(body.alert)
            body.alert.display = False
            self._places = {}
            pin = body.strip.pin
            body.strip.spaced = not _covers(reading)
            body.strip.fill(reading.cut.pieces, ids=reading.cut.ids.tolist())
            if pin is not None and pin < body.strip.length:
                body.strip.pin = pin
            body.table.fill(body.strip.length, self._table_row)
            self.count(f"{amount(reading.cut.report.total, 'token')} in {reading.seconds * 1000:.1f} ms")
        self.titles()
        self._find_to_play(reading)
        self.show_token()
        self.show_windows()
        known = reading.known.tokenizer if reading.known is not None else None
        if known is not self._searched:
            self._searched = known
            if self.body.main == "vocabulary":
                self.search(self.found.query if self.found is not None else "")

    def _find_to_play(self, reading: Reading) -> None:
        """Goes to the word that a lesson wants to see built."""
        word, self._to_play = self._to_play, ""
        at = self.text.find(word) if word else -1
        if at < 0 or not reading.tokens:
            return
        self.body.strip.go_to(bisect_right(reading.tokens, at, key=lambda token: token.char_start) - 1)
        self.show_token()
        self.action_play()

    def _show_error(self, error: LabError, wanted: Wanted) -> None:
        body = self.body
        body.strip.fill([])
        body.table.fill(0, str)
        body.token.show([])
        body.merges.show([])
        body.alert.display = True
        doors = [("w", "other model", "app.picker"), ("u", "the model's own", "use_own")]
        if wanted.name == OWN:
            doors = [("w", "other model", "app.picker"), ("u", "the demo's", "app.use_demo")]
        self.problem(body.alert, error, doors)

    @on(Comparison)
    @guarded
    def _was_compared(self, message: Comparison) -> None:
        if message.number == self._number:
            self.compared = message.rows
            self.body.compare.show(compare_rows(message.rows, self.workbench.tokenizer or OWN))

    # --- what is shown of it

    def titles(self) -> None:
        """The borders."""
        body, reading = self.body, self.reading
        excerpt = body.text.excerpt if body.text.is_mounted else None
        text = [f"text{f' · {self.source.name}' if self.source.name else ''} · e to edit"]
        if excerpt is not None:
            text.insert(
                0, f"{text[0]} · characters {excerpt[0]:,}–{excerpt[1]:,} of {len(self.text):,} are in the field"
            )
        body.title("text", text)
        body.subtitle("text", self.source.note)
        body.title("strip", strip_titles(reading) if reading is not None else ["tokens"])
        view = self.view
        body.subtitle("strip", "  ".join(f"[{v}]" if v == view else v for v in VIEWS) + " · v")
        body.title("compare", ["same text, other tokenizers · enter or click uses one · c to change", "same text · c"])
        self.merge_title()
        self.vocabulary_title()
        self.windows_title()
        self.build_title()

    def show_token(self) -> None:
        """The panes about the token that counts: the pinned one, else the one under the cursor."""
        with self.app.batch_update():
            if not self.show_entry():
                self._show_token()

    def _show_token(self) -> None:
        reading, body = self.reading, self.body
        if reading is None or reading.report is None or not reading.tokens:
            body.token.show([])
            body.merges.show([], empty=no_merges(reading) if reading is not None else "")
            body.title("token", ["token"])
            self.merge_title()
            self.say("no text: e to type one, o for samples, corpora and files" if not self.text else "")
            return
        index = min(body.strip.at, len(reading.tokens) - 1)
        token = reading.tokens[index]
        pinned = body.strip.pin is not None
        places = self.places_of(token.id)
        body.strip.marks = frozenset(places) if len(places) > 1 else frozenset()
        body.token.show(token_rows(index, reading, len(places), pinned=pinned))
        body.title("token", [f"token {index + 1:,} of {len(reading.tokens):,}"])
        body.subtitle("token", "esc lets go" if pinned else "enter pins")
        self._show_merges(reading, index)
        self.say(token_sentence(index, reading, pinned=pinned))

    def places_of(self, token_id: int) -> list[int]:
        """Where tokens of an id stand in the text."""
        if token_id not in self._places:
            cut = self.reading.cut if self.reading is not None else None
            self._places = {token_id: cut.places_of(token_id) if cut is not None else []}
        return self._places[token_id]

    def _show_merges(self, reading: Reading, index: int) -> None:
        body, report, bpe = self.body, reading.report, reading.bpe
        assert report is not None
        if bpe is None:
            self.word = ""
            body.merges.show([], empty=no_merges(reading))
            body.tree_rows.show(no_merges(reading).splitlines())
            self.merge_title()
            return
        token = reading.tokens[index]
        body.tree_rows.show(tree_rows(tree_of(bpe.merge_tree(token.id))))
        word, _ = word_at(bpe, self.text, token.char_start)
        self.word = word
        if len(word) > LONGEST_WORD:
            body.merges.show([], empty=f"This piece has more than {LONGEST_WORD} characters: too many steps to show.")
        else:
            body.merges.show(merge_lines(bpe, word))
        self.merge_title()

    def merge_title(self) -> None:
        """The border of the merges."""
        body = self.body
        if body.tree_rows.display:
            body.title("merge", ["how this token was built · m for the steps of its word", "merge tree · m"])
            return
        steps = body.merges.steps
        if not steps:
            body.title("merge", ["merges"])
            body.subtitle("merge", "")
            return
        word = piece_text(self.word.encode())
        at = f"step {body.merges.step} of {len(steps) - 1}"
        body.title("merge", [f"how “{word}” was built · {at}", f"“{word[:20]}” · {at}", at])
        body.subtitle("merge", ", . step · p stops" if body.merges.playing else ", . step · p play · m tree")

    def _table_row(self, index: int) -> str:
        reading = self.reading
        if reading is None or reading.report is None or index >= len(reading.tokens):
            return ""
        token = reading.tokens[index]
        chars = f"{token.char_start:,}–{token.char_end:,}"
        shown = "none" if token.id < 0 else str(token.id)
        return f"{index + 1:>8,}  {shown:>7}  {chars:>17}  {token.bytes[:12].hex(' '):<36}  {piece_text(token.bytes)}"

    @on(TokenStrip.Highlighted, "#strip")
    @guarded
    def _highlighted(self, message: TokenStrip.Highlighted) -> None:
        self.show_token()

    @on(TokenStrip.Pinned, "#strip")
    @guarded
    def _pinned(self, message: TokenStrip.Pinned) -> None:
        self.show_token()

    @on(TokenStrip.Activated, "#strip")
    @guarded
    def _activated(self, message: TokenStrip.Activated) -> None:
        self.action_edit()

    @on(VirtualList.Highlighted, "#table")
    @guarded
    def _row_highlighted(self, message: VirtualList.Highlighted) -> None:
        self.body.strip.cursor = message.index

    @on(MergeView.Stepped)
    @guarded
    def _stepped(self, message: MergeView.Stepped) -> None:
        self.merge_title()
        line = message.view.steps[message.step]
        if line.merged is not None:
            rank = f" · merge {line.rank:,}" if line.rank is not None else ""
            self.say(f"step {message.step}: ‘{piece_text(line.merged)}’ becomes id {line.token_id}{rank}")
        else:
            self.say(f"step 0: the {amount(len(line.pieces), 'byte')} of “{piece_text(self.word.encode())}”")

    @on(CompareList.Activated)
    @guarded
    def _compare_activated(self, message: CompareList.Activated) -> None:
        self.use_tokenizer(self.compared[message.index].name)

    def use_tokenizer(self, name: str) -> None:
        """Pins a tokenizer on the workbench; the model's own unpins."""
        self.workbench.set(tokenizer=name or None)

    # --- actions

    def action_use_own(self) -> None:
        """Back to the model's own tokenizer."""
        self.use_tokenizer(OWN)

    def action_edit(self) -> None:
        """The text takes the keys, at the place of the token that counts."""
        box = self.body.text
        tokens = self.reading.tokens if self.reading is not None else ()
        if tokens and self.body.strip.has_focus:
            box.go_to(tokens[min(self.body.strip.at, len(tokens) - 1)].char_start)
        box.focus()
        self.titles()

    @property
    def view(self) -> str:
        """Text, ids, bytes or table."""
        return "table" if self.body.table.display else self.body.strip.mode

    def action_view(self, by: int) -> None:
        """The next way to show the tokens; from elsewhere, back to them first."""
        if self.body.main != "strip":
            self.to_main("strip")
            self.show_view(self.view)
            return
        self.show_view(VIEWS[(VIEWS.index(self.view) + by) % len(VIEWS)])

    def show_view(self, view: str) -> None:
        """Text, ids, bytes or table."""
        body = self.body
        table = view == "table"
        body.table.display, body.strip.display = table, not table
        if table:
            body.table.cursor = body.strip.at
            body.table.focus()
        else:
            body.strip.mode = view  # type: ignore[assignment]
            body.strip.focus()
        self.titles()

    def action_step(self, by: int) -> None:
        """One merge on, or back."""
        if not self.body.merges.steps:
            self.say("nothing is merged here: c chooses a tokenizer that merges, gpt2 for one")
        self.body.merges.step_by(by)

    def action_play(self) -> None:
        """Plays the merges of the word under the cursor."""
        self.body.merges.action_play()
        self.merge_title()

    def action_tree(self) -> None:
        """Merge steps or tree."""
        body = self.body
        tree = not body.tree_rows.display
        body.tree_rows.display, body.merges.display = tree, not tree
        self.merge_title()

    def action_spaces(self) -> None:
        """White space as signs, or as it is."""
        self.body.strip.show_spaces = not self.body.strip.show_spaces

    def action_breaks(self) -> None:
        """Breaks lines at line ends or not."""
        self.body.strip.break_lines = not self.body.strip.break_lines

    def action_same(self, by: int) -> None:
        """The next token of the same id, round and round."""
        strip = self.body.strip
        if self.reading is None or self.reading.report is None or not self.reading.tokens:
            return
        places = self.places_of(self.reading.tokens[strip.cursor].id)
        if len(places) < 2:
            self.say("this id stands only once in the text")
        elif strip.cursor in places:
            strip.cursor = places[(places.index(strip.cursor) + by) % len(places)]

    def action_recompute(self) -> None:
        """Encodes again."""
        self.read_now()

    def action_next_pane(self, by: int) -> None:
        """The next pane gets the focus; on a small terminal it takes the one place below the tokens."""
        place = PANES.index(self._pane) if self._pane in PANES else 0
        self._pane = PANES[(place + by) % len(PANES)]
        self.body.go_to_pane(self._pane)
        self.titles()

    def on_descendant_focus(self) -> None:
        """Where the focus is by mouse or key, the tab goes on from there."""
        self._pane = self.body.pane_of(self.focused) or self._pane
        self.body.mark_pane(self._pane)

    @on(LabScreen.SizeChanged)
    def _size_changed(self) -> None:
        self.titles()

    def stop_streaming(self) -> bool:
        """Stops the merges that play."""
        stopped = self.body.merges.stop()
        if stopped:
            self.merge_title()
        return stopped

    def release(self) -> bool:
        """Lets go of the pin; out of the vocabulary, the windows or a training it leads back to the tokens."""
        if self.body.main != "strip":
            self.to_main("strip")
            (self.body.table if self.body.table.display else self.body.strip).focus()
            self.show_token()
            return True
        return self.body.strip.release()

    async def action_back_out(self) -> None:
        """One step back; out of the text field it leads to the tokens."""
        if self.body.merges.playing or not self.typing:
            await super().action_back_out()
        elif self.body.text.has_focus:
            self.body.go_to_pane("main")
        else:
            self.release()

    # --- what every screen offers

    def take_away(self) -> TakeAwayRequest | None:
        """What the main pane shows, as Python, command and data."""
        reading = self.reading
        if self.body.main == "build" and self.learning is not None:
            return learning_of(self.learning, self.source)
        if reading is None:
            return None
        if self.body.main == "vocabulary" and self.found is not None:
            return vocabulary_of(reading, self.found.query, self.found)
        if self.body.main == "windows":
            return windows_of(reading, self.source, self.query_one(WindowsPane).numbers)
        return tokens_of(reading, self.source, self.compared)

    def lesson(self) -> LessonView:
        """L1 with the numbers of the text and of the token that counts."""
        values = lesson_values(self.reading, self.body.strip.at, self.body.merges.steps, self.word)
        tries = (
            ("step through the merges of “naïve”", "try_word('naïve')"),
            ("compare with one token for each character", "try_char"),
        )
        return LessonView("L1", values, tries)

    def action_try_word(self, word: str) -> None:
        """Puts the cursor on a word of the first sample, cut by GPT-2's table if that is here, and plays its merges."""
        from core.tokenizers import tokenizer_is_here

        if word not in self.text:
            self.show_text(Source(FIRST))
        if (self.reading is None or self.reading.bpe is None) and tokenizer_is_here("gpt2"):
            self.use_tokenizer("gpt2")
        self._to_play = word
        self.read_now()

    def action_try_char(self) -> None:
        """Puts the characters into the comparison."""
        if "char" not in self.others:
            self.others = (*self.others[-2:], "char")
        self.read_now()
        self.say("char: one token for each character; look at its bar and its bytes per token")

    def commands(self) -> Iterable[tuple[str, str, Callable[[], Any]]]:
        """Every key has an entry."""
        yield "Edit the text", "e", self.action_edit
        yield "Open a text: a sample, a corpus, a file…", "o", self.action_open
        for view in VIEWS:
            yield f"View: tokens as {view}", "v", partial(self.to_view, view)
        yield "View: vocabulary, find an entry…", "f", self.action_find
        yield "View: windows over the text", "t", self.action_windows
        yield "Windows: next usual setting", "a", self.action_preset
        yield "Compare with other tokenizers…", "c", self.action_compare
        yield "Build a byte-pair encoding…", "b", self.action_build
        yield "Cancel the training of a tokenizer", "x", self.action_cancel_build
        yield "Keep what a cancelled training has learnt", "K", self.action_keep
        yield "Use the tokenizer that was trained", "u", self.action_use
        yield "Use the model's own tokenizer", "", self.action_use_own
        yield "Fetch the vocabulary that is missing", "d", self.action_fetch
        yield "Merges: play, or stop", "p", self.action_play
        yield "Merges: steps or tree", "m", self.action_tree
        yield "White space as signs or as it is", "s", self.action_spaces
        yield "Break lines at line ends or not", "S", self.action_breaks
        yield "Next token of the same id", "n", partial(self.action_same, 1)
        yield "Send this text to Attention and Generate", "the workbench's prompt", self.action_send
        for name, text in SAMPLES.items():
            yield f"Show sample: {name}", "a text to look at", partial(self.show_text, Source(text, name))

    def to_view(self, view: str) -> None:
        """A view of the tokens, from wherever."""
        if self.body.main != "strip":
            self.to_main("strip")
        self.show_view(view)

    def action_send(self) -> None:
        """Makes the beginning of this text the prompt of the other screens."""
        part = self.text[:2000]
        if part.strip():
            self.workbench.set(prompt=part)
            self.say(f"the prompt of Attention and Generate is now {amount(len(part), 'character')} of this text")


def _covers(reading: Reading) -> bool:
    """Whether the tokens hold every byte of the text; words leave white space out."""
    first = reading.tokens[:1000]
    return not first or sum(len(token.bytes) for token in first) == first[-1].byte_end
