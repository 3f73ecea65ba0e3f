"""The dialogs of the tokens screen: which text, which tokenizers beside each other, what to train on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, Static

from screens.tokens.reader import OWN
from screens.tokens.texts import SAMPLES
from screens.widgets.cells import fit
from screens.widgets.dialog import Dialog
from screens.widgets.ramps import UNICODE, Symbols
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from core.tokenizers.listing import TokenizerRef

MOST = 3
"""Tokenizers in a comparison."""


@dataclass(frozen=True, slots=True)
class TextChoice:
    """A text to open: a ``sample``, ``corpus``, its ``training`` part, ``file``, or ``missing`` (to be fetched)."""

    kind: str
    name: str


class OpenText(Dialog[TextChoice]):
    """A sample, a corpus, or the path of a file."""

    HEADING = "open a text"
    KEYS = "type a path, enter opens it · down to the list · esc close"
    DEFAULT_CSS = """
    OpenText VirtualList { height: 10; }
    OpenText #reason { color: $text-warning; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "into_list", show=False, id="open-text.list", tooltip="to the list"),
    ]

    def __init__(self) -> None:
        super().__init__()
        from core.data.corpora import CORPORA, is_available

        self._choices = [(TextChoice("sample", name), text.splitlines()[0]) for name, text in SAMPLES.items()]
        for name, info in CORPORA.items():
            here = is_available(name)
            note = info.title if here else f"{info.title} · not on this machine, enter fetches it"
            self._choices.append((TextChoice("corpus" if here else "missing", name), note))
            if here:
                part = "its training part: the first 90 %, which models learn from"
                self._choices.append((TextChoice("training", name), part))

    def compose_box(self) -> ComposeResult:
        """Field, reason, list."""
        # A field that marks all it holds when it gets the focus would lose what was typed first.
        yield Input(placeholder="the path of a text file", select_on_focus=False)
        yield Static(id="reason", markup=False)
        yield VirtualList(len(self._choices), self._row)

    def _row(self, index: int) -> Text:
        choice, note = self._choices[index]
        text = Text(fit("corpus" if choice.kind == "missing" else choice.kind, 10), "dim", no_wrap=True)
        text.append(fit(choice.name, 18), "not dim")
        return text.append(note, "dim")

    def on_mount(self) -> None:
        """The list first: what it has is one key away."""
        self.query_one(VirtualList).focus()

    def on_key(self, event: events.Key) -> None:
        """Typing goes to the field, wherever the focus is."""
        character = event.character
        if character and character.isprintable() and character not in "jk":
            self._into_field(character, event)

    def on_paste(self, event: events.Paste) -> None:
        """And so does a path that is pasted or dropped on the terminal."""
        self._into_field(event.text.strip().partition("\n")[0], event)

    def _into_field(self, text: str, event: events.Event) -> None:
        field = self.query_one(Input)
        if not field.has_focus and text:
            field.focus()
            field.insert_text_at_cursor(text)
            event.stop()

    def action_into_list(self) -> None:
        """To the list."""
        self.query_one(VirtualList).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        path = Path(event.value.strip()).expanduser()
        if not event.value.strip():
            self.query_one(VirtualList).focus()
        elif not path.is_file():
            reason = f"{path} is a folder" if path.is_dir() else f"there is no file {path}"
            self.query_one("#reason", Static).update(reason)
        else:
            self.dismiss(TextChoice("file", str(path)))

    @on(VirtualList.Activated)
    def _chosen(self, event: VirtualList.Activated) -> None:
        event.stop()
        self.dismiss(self._choices[event.index][0])


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen: the names, or one to be fetched."""

    names: tuple[str, ...] = ()
    fetch: str = ""


class ChooseTokenizers(Dialog[Choice]):
    """Up to three tokenizers to compare."""

    HEADING = "compare · up to three"
    KEYS = "space take or leave · d fetch a missing one · enter done · esc close"
    DEFAULT_CSS = """
    ChooseTokenizers VirtualList { height: 14; }
    ChooseTokenizers #said { color: $text-warning; height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "take", show=False, id="compare.toggle", tooltip="take or leave"),
        Binding("d", "fetch", show=False, id="compare.fetch", tooltip="fetch a missing one"),
        Binding("enter", "done", show=False, priority=True, id="compare.done", tooltip="compare these"),
    ]

    class Listed(Message):
        """The list is there."""

        def __init__(self, refs: Sequence[TokenizerRef]) -> None:
            super().__init__()
            self.refs = refs

    def __init__(self, chosen: Sequence[str], symbols: Symbols = UNICODE) -> None:
        super().__init__()
        self._taken = list(chosen)
        self._symbols = symbols
        self._rows: list[tuple[str, str, bool]] = []

    @property
    def names(self) -> list[str]:
        """What is listed."""
        return [name for name, _, _ in self._rows]

    def compose_box(self) -> ComposeResult:
        """The list."""
        yield VirtualList()
        yield Static(id="said", markup=False)

    def on_mount(self) -> None:
        """Loads it."""
        self.query_one(VirtualList).focus()
        self._load()

    @work(thread=True, group="list", exit_on_error=False, description="list the tokenizers")
    def _load(self) -> None:
        from core.tokenizers import list_tokenizers

        self.post_message(self.Listed(list_tokenizers()))

    @on(Listed)
    def _listed(self, message: Listed) -> None:
        self._rows = [(OWN, "the tokenizer of the model on the workbench", True)]
        for ref in message.refs:
            size = f"{ref.vocab_size:,} entries · " if ref.vocab_size else ""
            self._rows.append((ref.name, size + ref.note, ref.here))
        self.query_one(VirtualList).fill(len(self._rows), self._row)

    def _row(self, index: int) -> Text:
        name, note, here = self._rows[index]
        mark = self._symbols.tick if name in self._taken else " " if here else self._symbols.missing
        text = Text(fit(mark, 3), "bold", no_wrap=True)
        text.append(fit(name or "the model's", 22) + "  ")
        return text.append(note if here else f"{note} · not here", "dim")

    def _said(self, text: str) -> None:
        self.query_one("#said", Static).update(text)

    def action_take(self) -> None:
        """Takes or leaves the one under the cursor."""
        if not self._rows:
            return
        name = self._rows[self.query_one(VirtualList).cursor][0]
        if name in self._taken:
            self._taken.remove(name)
        elif len(self._taken) >= MOST:
            self._said(f"{MOST} fit side by side: leave one first")
            return
        else:
            self._taken.append(name)
        self._said("")
        self.query_one(VirtualList).refresh()

    @on(VirtualList.Activated)
    def _row_clicked(self, event: VirtualList.Activated) -> None:
        event.stop()
        self.action_take()

    def action_fetch(self) -> None:
        """Fetches the missing one under the cursor."""
        name, _, here = self._rows[self.query_one(VirtualList).cursor] if self._rows else ("", "", True)
        if here:
            self._said("this one is here already")
        else:
            self.dismiss(Choice(tuple(self._taken), name))

    def action_done(self) -> None:
        """Compares what is taken."""
        self.dismiss(Choice(tuple(self._taken)))


@dataclass(frozen=True, slots=True)
class Plan:
    """A training to be begun."""

    corpus: str
    """A corpus's name, a path, or empty: the text on the screen."""
    vocab_size: int
    name: str


class PlanTraining(Dialog[Plan]):
    """On what, how many entries, and what it will be called."""

    HEADING = "build a byte-pair encoding"
    KEYS = "tab next field · enter begin · esc close"
    DEFAULT_CSS = """
    PlanTraining .label { color: $text-muted; height: auto; }
    PlanTraining #reason { color: $text-warning; height: auto; }
    """

    def __init__(self, corpus: str) -> None:
        super().__init__()
        self._corpus = corpus

    def compose_box(self) -> ComposeResult:
        """Three fields."""
        from core.data.corpora import CORPORA, is_available

        here = ", ".join(name for name in CORPORA if is_available(name))
        yield Static(f"learn from: {here}, a path, or . for the text on the screen", classes="label", markup=False)
        yield Input(self._corpus, id="corpus")
        yield Static(
            "entries of the vocabulary: 256 bytes, <|endoftext|>, and the merges", classes="label", markup=False
        )
        yield Input("512", id="size", type="text")
        yield Static("name, under which it can be used everywhere: bpe:NAME", classes="label", markup=False)
        yield Input("", id="name", placeholder="bpe512")
        yield Static(id="reason", markup=False)

    def on_mount(self) -> None:
        """Ready to type."""
        self.query_one("#corpus", Input).focus()

    @on(Input.Changed, "#size")
    def _sized(self, event: Input.Changed) -> None:
        self.query_one("#name", Input).placeholder = f"bpe{event.value.strip() or 512}"

    @on(Input.Submitted)
    def _begin(self, event: Input.Submitted) -> None:
        event.stop()
        plan, reason = self.plan()
        if plan is None:
            self.query_one("#reason", Static).update(reason)
        else:
            self.dismiss(plan)

    def plan(self) -> tuple[Plan | None, str]:
        """What the fields say, or why that cannot be."""
        import re

        from core.data.corpora import CORPORA

        corpus = self.query_one("#corpus", Input).value.strip()
        size = self.query_one("#size", Input).value.replace(",", "").replace("_", "").strip()
        name = self.query_one("#name", Input).value.strip() or self.query_one("#name", Input).placeholder
        if corpus == ".":
            corpus = ""
        if corpus and corpus not in CORPORA and not Path(corpus).expanduser().exists():
            return None, f"{corpus} is neither a corpus nor a file or folder here"
        if not size.isdecimal():
            return None, f"how many entries? expected a whole number, got {size!r}"
        if not 257 <= int(size) <= 200_000:
            return None, f"expected 257 (bytes and <|endoftext|>) to 200,000 entries, got {int(size):,}"
        if not re.fullmatch(r"[\w][\w.-]*", name):
            return None, f"expected a name of letters, digits, - and _, got {name!r}"
        return Plan(corpus, int(size), name), ""
