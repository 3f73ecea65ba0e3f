"""The vocabulary of the current tokenizer, searched as one types: by text, regular expression, id, bytes or length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from core.errors import LabError
from screens.guard import guarded
from screens.tokens.base import TokensBase
from screens.tokens.view import amount, entry_rows, merge_lines, tree_of
from screens.widgets.guarded import Guarded
from screens.widgets.merge_view import piece_text, tree_rows
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from core.tokenizers.inspect import Entry, Found

AFTER_A_KEY = 0.08
HELP = 'text, id, len:3-5, e2 80 (bytes), /regular expression/ or "quoted"'


class VocabularyPane(Guarded, Vertical):
    """A field and the entries."""

    def compose(self) -> ComposeResult:
        """Both."""
        yield Input(placeholder=HELP, id="find")
        yield VirtualList(id="entries")

    def on_key(self, event: events.Key) -> None:
        """Down leads from the field into the list, ``/`` back."""
        field = self.query_one(Input)
        if field.has_focus and event.key in ("down", "enter"):
            event.stop()
            event.prevent_default()
            self.query_one(VirtualList).focus()
        elif not field.has_focus and event.key == "slash":
            event.stop()
            field.focus()


class VocabularyActions(TokensBase):
    """Find in the vocabulary (``f``)."""

    found: Found | None = None
    """What was found last."""
    _find_quiet: Timer | None = None
    _finding = 0

    class WasFound(Message):
        """A search came back."""

        def __init__(self, number: int, found: Found | LabError) -> None:
            super().__init__()
            self.number = number
            self.found = found

    async def action_find(self) -> None:
        """Opens the vocabulary; there, goes back to the field."""
        if not self.query(VocabularyPane):
            pane = VocabularyPane(id="vocabulary-pane", classes="frame")
            await self.body.query_one("#main").mount(pane)
            self.search("")
        self.to_main("vocabulary")
        self.query_one("#find", Input).focus()

    async def find_text(self, query: str) -> None:
        """Opens the vocabulary with something to look for."""
        await self.action_find()
        self.query_one("#find", Input).value = query

    @on(Input.Changed, "#find")
    @guarded
    def _find_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._find_quiet is not None:
            self._find_quiet.stop()
        query = event.value
        self._find_quiet = self.set_timer(AFTER_A_KEY, lambda: self.search(query))

    def search(self, query: str) -> None:
        """Looks for something; a later search overtakes this one."""
        if self.reading is None or self.reading.known is None:
            return
        self._finding += 1
        self._search(self._finding, query)

    @work(thread=True, group="find", exclusive=True, exit_on_error=False, description="search the vocabulary")
    def _search(self, number: int, query: str) -> None:
        from core.tokenizers.inspect import search

        reading = self.reading
        if reading is None or reading.known is None:
            return
        found: Found | LabError
        try:
            found = search(query, reading.known.tokenizer, limit=reading.known.tokenizer.vocab_size)
        except LabError as error:
            found = error
        self.post_message(self.WasFound(number, found))

    @on(WasFound)
    @guarded
    def _was_found(self, message: WasFound) -> None:
        if message.number != self._finding or not self.query(VocabularyPane):
            return
        entries = self.query_one("#entries", VirtualList)
        if isinstance(message.found, LabError):
            self.body.subtitle("vocabulary", message.found.title)
            return
        self.found = message.found
        self.body.subtitle("vocabulary", "enter finds it in the text · esc to the tokens")
        entries.fill(len(message.found.entries), self._entry_row, cursor=0)
        self.vocabulary_title()
        self.show_token()
        if not message.found.entries:
            self.say(f"no entry holds {message.found.query}: {HELP}")

    def vocabulary_title(self) -> None:
        """How many were found."""
        reading, found = self.reading, self.found
        if reading is None or reading.known is None or found is None or not self.query(VocabularyPane):
            return
        of = f"{reading.known.tokenizer.vocab_size:,}"
        told = f"{amount(found.total, 'entry', 'entries')} of {of}" if found.query else f"all {of} entries"
        self.body.title("vocabulary", [f"vocabulary of {reading.known.label} · {told}", told])

    def _entry_row(self, index: int) -> Text:
        found, reading = self.found, self.reading
        if found is None or reading is None or index >= len(found.entries):
            return Text()
        entry = found.entries[index]
        rank = reading.bpe.rank_of(entry.id) if reading.bpe is not None else None
        kind = "special" if entry.special else f"merge {rank:,}" if rank is not None else ""
        text = Text(f"{entry.id:>7}  ", no_wrap=True)
        text.append(f"{kind:<13}", "dim")
        text.append(f"{amount(len(entry.bytes), 'byte'):>9}  ", "dim")
        shown = entry.text if entry.special else piece_text(entry.bytes)
        text.append(shown, "bold")
        return text.append(f"   {entry.bytes[:16].hex(' ')}", "dim")

    @property
    def entry(self) -> Entry | None:
        """The entry under the cursor, while the vocabulary is shown."""
        if self.found is None or self.body.main != "vocabulary" or not self.found.entries:
            return None
        return self.found.entries[min(self.query_one("#entries", VirtualList).cursor, len(self.found.entries) - 1)]

    def show_entry(self) -> bool:
        """The panes about one token, for the entry under the cursor; whether there is one."""
        entry, reading, body = self.entry, self.reading, self.body
        if entry is None or reading is None:
            return False
        body.title("token", [f"entry {entry.id}"])
        body.subtitle("token", "")
        body.token.show(entry_rows(entry, reading))
        self.word = ""
        if reading.bpe is None or entry.special:
            body.merges.show([], empty="This entry was not merged from others.")
            body.tree_rows.show(["This entry was not merged from others."])
        else:
            body.tree_rows.show(tree_rows(tree_of(reading.bpe.merge_tree(entry.id))))
            whole = "\ufffd" not in entry.text
            self.word = entry.text if whole else ""
            body.merges.show(merge_lines(reading.bpe, entry.text) if whole else [], empty="Half a character; m: tree")
        self.merge_title()
        self.say(f"entry {entry.id} ‘{piece_text(entry.bytes)}’ · bytes {entry.bytes[:12].hex(' ')}")
        return True

    @on(VirtualList.Highlighted, "#entries")
    @guarded
    def _entry_highlighted(self, message: VirtualList.Highlighted) -> None:
        self.show_token()

    @on(VirtualList.Activated, "#entries")
    @guarded
    def _entry_activated(self, message: VirtualList.Activated) -> None:
        entry = self.entry
        cut = self.reading.cut if self.reading is not None else None
        if entry is None or cut is None:
            return
        places = cut.places_of(entry.id)
        if not places:
            self.say(f"‘{piece_text(entry.bytes)}’ is not among the tokens of this text")
            return
        self.to_main("strip")
        self.body.strip.focus()
        self.body.strip.go_to(places[0])
        self.show_token()
