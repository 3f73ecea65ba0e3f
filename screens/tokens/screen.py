"""Screen 1: a text falls apart into tokens as it is typed, and each token says why it was cut there.

The screen owns the text and what is shown of it; core is asked in a worker (``tokens_reader``), words and numbers are
made in ``tokens_view``, the panes are in ``tokens_body``.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from typing import TYPE_CHECKING, ClassVar, final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer
from textual.worker import Worker, WorkerState

from core.errors import LabError
from screens.base import LabScreen
from screens.guard import guarded
from screens.tokens.body import NO_TEXT, PANES, TokensBody
from screens.tokens.cut import LONG
from screens.tokens.keeping import keep, kept
from screens.tokens.offers import Offers
from screens.tokens.reader import OWN, Compared, Reading, TokensReader, Wanted, is_here
from screens.tokens.style import STYLE
from screens.tokens.texts import FIRST, Source
from screens.tokens.view import amount, compare_rows
from screens.widgets.compare_list import CompareList
from screens.widgets.ramps import Look
from screens.widgets.text_box import TextBox

if TYPE_CHECKING:
    from core.workbench import Bench, Workbench

AFTER_A_KEY = 0.08
"""Seconds of quiet after a key until the text is encoded."""
SHOWN_WITHIN = 0.5
"""Seconds that the comparison of a long text waits for the picture of its tokens."""
OTHERS = ("gpt2", OWN, "byte")
"""What the text is compared with at first."""


@final
class TokensScreen(Offers):
    """Text to tokens."""

    DEFAULT_CSS = STYLE
    LAB_NAME = "Tokens"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit", "Edit", id="tokens.edit", tooltip="edit the text in place"),
        Binding("v", "view(1)", "View", id="tokens.view", tooltip="text, ids, bytes, table, beside others"),
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
        Binding("tab", "tab(1)", show=False, id="tokens.next-pane", tooltip="next pane"),
        Binding("shift+tab", "tab(-1)", show=False, id="tokens.previous-pane", tooltip="previous pane"),
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
        self._pictured = threading.Event()
        self._quiet: Timer | None = None
        self._pane = "main"
        self._places: dict[int, list[int]] = {}
        self._searched: object = None

    # --- frame

    def compose_body(self) -> ComposeResult:
        """The panes, with the text of the last time."""
        self.source = kept(self.app) or self.source
        self.text = self.source.text
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
        keep(self.app, self.source)
        self.read_now()

    def show_text(self, source: Source) -> None:
        """Another text, from wherever it came."""
        self.source, self.text = source, source.text
        self.body.strip.cursor = 0
        self.body.text.put(source.text)
        keep(self.app, source)
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
        self._pictured.clear()
        self.post_message(self.Read(reading))
        if len(wanted.text) > LONG:
            # Both at once would take turns, and each key would wait for both.
            self._pictured.wait(SHOWN_WITHIN)
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
        self.call_after_refresh(self._pictured.set)
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
            body.strip.empty_text = NO_TEXT
            body.strip.spaced = not reading.cut.covers
            body.strip.fill(reading.cut.pieces, ids=reading.cut.id_list)
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
        body.strip.empty_text = "no tokens: the card says why"
        body.strip.fill([])
        body.table.fill(0, str)
        body.token.show([])
        body.merges.show([])
        body.alert.display = True
        doors = [("w", "other model", "app.picker")]
        doors.append(("u", "the demo's", "app.use_demo") if wanted.name == OWN else ("u", "the model's own", "use_own"))
        if not is_here(wanted.name or ("gpt2" if wanted.model.startswith("gpt2") else OWN)):
            doors.insert(0, ("d", "fetch it", "fetch"))
        self.problem(body.alert, error, doors)

    @on(Comparison)
    @guarded
    def _was_compared(self, message: Comparison) -> None:
        if message.number == self._number:
            self.compared = message.rows
            self.body.compare.show(compare_rows(message.rows, self.workbench.tokenizer or OWN))
            self.show_beside()

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

    def action_recompute(self) -> None:
        """Encodes again."""
        self.read_now()

    def action_next_pane(self, by: int) -> None:
        """The next pane gets the focus; on a small terminal it takes the one place below the tokens."""
        inner = [w for w in self.body.frame_of(self._pane).query("*") if w.display and w.focusable]
        if self.focused in inner and 0 <= inner.index(self.focused) + by < len(inner):
            inner[inner.index(self.focused) + by].focus()  # slides and lists within a pane come first
            return
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
        self.body.mark_pane(self._pane)
        self.body.use_room()
        self.show_token()
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
            (self.body.table if self.body.as_table else self.body.strip).focus()
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
