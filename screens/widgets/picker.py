"""The picker: what can be put on the workbench, filtered as one types; runs unfold to their checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, Static

from core.errors import nearest
from core.shelf import ModelRef, split_spec
from screens.widgets.cells import fit, fit_label
from screens.widgets.dialog import Dialog
from screens.widgets.ramps import UNICODE, Symbols
from screens.widgets.virtual_list import VirtualList

STEP_LABEL = 36
"""The same for a checkpoint's own row, where nothing follows but the edge of a narrow terminal."""
NARROW = 76
"""Cells of a row in a terminal of 80 columns."""
LEAST = 6
"""Cells below which nothing is said of a model in its row; the detail says it."""


class Picked(NamedTuple):
    """What the picker gives back: a slot and a model.

    The slots: ``a``, ``b``, ``tokenizer``, ``path``, ``missing``, ``download``.
    """

    slot: str
    ref: ModelRef | None


class _Row(NamedTuple):
    group: str
    ref: ModelRef
    depth: int


def glyph(ref: ModelRef, symbols: Symbols = UNICODE) -> str:
    """The sign of a model's state."""
    return {
        "finished": symbols.done,
        "live": symbols.live,
        "paused": symbols.paused,
        "failed": symbols.failed,
        "missing": symbols.missing,
    }.get(ref.kind, "?")


def size_text(count: int) -> str:
    """How many parameters, or bytes, in few cells.

    >>> size_text(901_120), size_text(124_439_808), size_text(1_557_611_200), size_text(0)
    ('0.9M', '124M', '1.6B', '')
    """
    if not count:
        return ""
    for unit, name in ((1e9, "B"), (1e6, "M")):
        if count >= unit:
            return f"{count / unit:.3g}{name}" if count / unit >= 10 else f"{count / unit:.1f}{name}"
    return f"{count / 1e6:.1f}M" if count >= 100_000 else f"{count / 1e3:.0f}k"


class Columns(NamedTuple):
    """Cells of the columns that are not the same at every width."""

    group: int = 9
    label: int = 18
    """A model's name and step, where columns follow."""
    tokenizer: int = 8
    note: int = 16
    """What is said of a model; it comes last and may be longer."""


def columns_for(width: int, tokenizer: int = 8) -> Columns:
    """How a row is shared out.

    Args:
        width: cells of the row.
        tokenizer: cells of the longest tokenizer's name. All of it is seen before all of what the detail below the
            list says too: the group, the model's name, and at last what is said of it are shortened.

    >>> columns_for(NARROW) == Columns(), columns_for(NARROW + 12).tokenizer
    (True, 20)
    >>> columns_for(NARROW, 11), columns_for(56, 13)
    (Columns(group=7, label=17, tokenizer=11, note=16), Columns(group=7, label=11, tokenizer=13, note=0))
    """
    group, label, own, note = Columns()
    wanted = max(own, min(tokenizer, own + 8))
    spare = width - NARROW - (wanted - own)
    if spare >= 0:
        return Columns(group, label, wanted + spare, note)
    short = -spare
    from_group = min(2, short)
    from_label = min(4, short - from_group)
    from_note = min(note, short - from_group - from_label)
    rest = short - from_group - from_label - from_note
    return Columns(group - from_group, label - from_label - rest, wanted, note - from_note)


def row_text(
    row: _Row, folder: str, first: bool, unfolded: bool, symbols: Symbols = UNICODE, columns: Columns | None = None
) -> Text:
    """One line of the list."""
    ref, columns = row.ref, columns or Columns()
    group = {"bundled": "bundled", "runs": folder, "GPT-2": "GPT-2"}.get(row.group, row.group) if first else ""
    text = Text(no_wrap=True)
    text.append(fit(group, columns.group) + " ", "bold")
    text.append("  " * row.depth + f"{glyph(ref, symbols)} ")
    text.append(fit_label(ref.label, STEP_LABEL if row.depth else columns.label) + " ")
    if row.depth == 0:
        text.append(f"{size_text(ref.parameters):>5}  {ref.shape:<13}{fit(ref.tokenizer, columns.tokenizer)} ")
        note = (
            f"{ref.size / 1e9:.2f} GB missing"
            if not ref.here and ref.size
            else ref.note or ("here" if ref.here else "")
        )
        text.append(note if columns.note >= LEAST else "")
        if len(ref.steps) > 1 and columns.note >= LEAST:
            text.append(f" {symbols.down if unfolded else symbols.right} {len(ref.steps)}")
    return text


def matches(ref: ModelRef, query: str) -> bool:
    """Whether every word of the query is somewhere in the model's line.

    >>> matches(ModelRef("gpt2", "gpt2", "GPT-2", parameters=124_439_808, shape="12L 12H 768"), "gpt 12L 124M")
    True
    """
    size = size_text(ref.parameters)
    line = " ".join((ref.spec, ref.label, ref.group, size, ref.shape, ref.tokenizer, ref.note, ref.kind)).lower()
    return all(word in line for word in query.lower().split())


class Picker(Dialog[Picked]):
    """The modal; letters go to the filter, and ``down`` leads into the list, where the letter keys act."""

    HEADING = "workbench"
    KEYS = "enter as A · b as B · t tokenizer · d fetch · o path · right steps · / filter"
    DEFAULT_CSS = """
    Picker > #box { width: 92; }
    Picker VirtualList { height: 14; }
    Picker #detail { color: $text-muted; height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "into_list", show=False, id="picker.into-list", tooltip="to the list"),
        Binding("slash", "filter", show=False, id="picker.filter", tooltip="to the filter"),
        Binding("right", "unfold(True)", show=False, id="picker.unfold", tooltip="show the checkpoints"),
        Binding("left", "unfold(False)", show=False, id="picker.fold", tooltip="hide the checkpoints"),
        Binding("a", "use('a')", show=False, id="picker.a", tooltip="use as A"),
        Binding("b", "use('b')", show=False, id="picker.b", tooltip="use as B"),
        Binding("t", "use('tokenizer')", show=False, id="picker.tokenizer", tooltip="choose a tokenizer"),
        Binding("d", "download", show=False, id="picker.download", tooltip="fetch a GPT-2 that is missing"),
        Binding("o", "use('path')", show=False, id="picker.path", tooltip="open a path"),
    ]

    class Loaded(Message):
        """The list of models is there."""

        def __init__(self, refs: Sequence[ModelRef]) -> None:
            super().__init__()
            self.refs = refs

    def __init__(
        self,
        load: Callable[[], Sequence[ModelRef]],
        *,
        current: str = "",
        folder: str = "runs",
        symbols: Symbols = UNICODE,
    ) -> None:
        super().__init__()
        self._load = load
        self._current = current
        self._folder = folder
        self._symbols = symbols
        self._refs: list[ModelRef] = []
        self._open: set[str] = set()
        self._rows: list[_Row] = []
        self.loaded = False
        """Whether the list was read."""

    def compose_box(self) -> ComposeResult:
        """Filter, list, detail."""
        yield Input(placeholder="filter: type a name, a path or a run", id="filter")
        yield VirtualList(1, lambda _: "looking…", id="models")
        yield Static(id="detail", markup=False)

    def on_mount(self) -> None:
        """The filter is ready to type; the list is read in a thread."""
        self.query_one(Input).focus()
        self.run_worker(
            self._read, thread=True, group="picker", exit_on_error=False, exclusive=True, description="list the models"
        )

    def on_resize(self, event: events.Resize) -> None:
        """A low terminal has fewer rows of models, not fewer keys: two lines may be keys."""
        self.rows.styles.height = min(14, max(3, event.size.height - 6))

    def _read(self) -> None:
        self.post_message(self.Loaded(self._load()))

    @on(Loaded)
    def _show(self, message: Loaded) -> None:
        self._refs = list(message.refs)
        self.loaded = True
        name = split_spec(self._current)[0]
        self._build()
        self.rows.cursor = next((i for i, row in enumerate(self._rows) if row.ref.spec in (self._current, name)), 0)

    @property
    def rows(self) -> VirtualList:
        """The list."""
        return self.query_one(VirtualList)

    def _build(self) -> None:
        query = self.query_one(Input).value
        rows: list[_Row] = []
        for ref in self._refs:
            steps = [_Row(ref.group, ref.at(step), 1) for step in reversed(ref.steps)]
            found = [row for row in steps if query.strip() and matches(row.ref, query)]
            if matches(ref, query):
                rows.append(_Row(ref.group, ref, 0))
                rows += steps if ref.spec in self._open else found if "@" in query else []
            elif found and len(ref.steps) > 1:
                rows += [_Row(ref.group, ref, 0), *found]
        self._rows = rows
        if rows:
            self.rows.fill(len(rows), self._line)
        else:
            near = nearest(query.strip(), [ref.spec for ref in self._refs])
            nothing = f"nothing is called {query!r} here{near}; o opens a path" if query else "nothing here"
            self.rows.fill(1, lambda _: nothing)
        self._detail()

    def _line(self, index: int) -> Text:
        row = self._rows[index]
        first = index == 0 or self._rows[index - 1].group != row.group
        longest = max((cell_len(ref.tokenizer) for ref in self._refs), default=0)
        columns = columns_for(self.rows.scrollable_content_region.width, longest)
        return row_text(row, self._folder, first, row.ref.spec in self._open, self._symbols, columns)

    @property
    def ref(self) -> ModelRef | None:
        """The model under the cursor."""
        return self._rows[self.rows.cursor].ref if self.rows.cursor < len(self._rows) else None

    def _detail(self) -> None:
        ref = self.ref
        text = ""
        if ref is not None:
            params = f"{ref.parameters:,} parameters" if ref.parameters else ""
            text = " · ".join(part for part in (ref.spec, params, ref.tokenizer, ref.note) if part)
        self.query_one("#detail", Static).update(text)

    @on(Input.Changed)
    def _typed(self) -> None:
        if self.loaded:
            self._build()

    @on(VirtualList.Highlighted)
    def _moved(self) -> None:
        self._detail()

    @on(Input.Submitted)
    @on(VirtualList.Activated)
    def _enter(self) -> None:
        self.action_use("a")

    def action_into_list(self) -> None:
        """From the filter into the list."""
        self.rows.focus()

    def action_filter(self) -> None:
        """Back to the filter."""
        self.query_one(Input).focus()

    def action_unfold(self, show: bool) -> None:
        """Shows or hides the checkpoints of the run under the cursor."""
        ref = self.ref
        if ref is None:
            return
        name = split_spec(ref.spec)[0]
        owner = next((r for r in self._refs if r.spec == name), None)
        if owner is None or (show and len(owner.steps) < 2):
            return
        if show:
            self._open.add(owner.spec)
        else:
            self._open.discard(owner.spec)
        self._build()
        self.rows.cursor = next((i for i, row in enumerate(self._rows) if row.ref is owner), 0)

    def action_download(self) -> None:
        """Ends the picker to fetch the model under the cursor, if it is one that can be fetched."""
        if self.ref is not None and not self.ref.here and self.ref.group == "GPT-2":
            self.dismiss(Picked("download", self.ref))

    def action_use(self, slot: str) -> None:
        """Ends the picker with what was chosen."""
        ref = self.ref
        if slot in ("path", "tokenizer"):
            self.dismiss(Picked(slot, ref))
        elif ref is not None:
            self.dismiss(Picked(slot if ref.here else "missing", ref))
