"""The view *Lens*: what the model would answer after each layer, at the token under the cursor."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from screens.attention.centre import CentreView
from screens.attention.seen import Place, Seen
from screens.attention.takeaway_text import heads_flag, lens_text, python_start
from screens.attention.view import written
from screens.guard import as_lab_error, guarded
from screens.widgets.bars import percent
from screens.widgets.cells import fit
from screens.widgets.ramps import Look, bar_glyph, ramp_style, sequential
from screens.widgets.take_away import TakeAwayRequest
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from core.errors import LabError
    from core.model.lens import LensRow

MOST = 10
"""Tokens of a layer that are asked for."""
CELL, LEAD = 12, 24
"""Cells of the terminal for a token with its probability, and for what stands before the tokens."""
SETTLED = 0.06
"""Seconds that the cursor rests on a token before the layers are read there."""


@dataclass(frozen=True)
class LensRead:
    """The rows at a token, and the bytes of the tokens in them."""

    position: int
    rows: tuple[LensRow, ...]
    pieces: dict[int, bytes]

    def word(self, token: int) -> str:
        """A token as it is written."""
        return written(self.pieces.get(token, b""))


def read_lens(seen: Seen, position: int, k: int = MOST) -> LensRead:
    """Asks the trace; for worker threads."""
    from core.generation.prompts import piece
    from core.model.lens import lens

    with seen.lock:
        rows = tuple(lens(seen.trace, position, k))
    tokens = {t.token for row in rows for t in row.top} | {row.answer for row in rows if row.answer is not None}
    before = seen.ids[position]
    return LensRead(position, rows, {t: piece(seen.loaded.tokenizer, t, before) for t in tokens})


class LensTable(VirtualList):
    """A row for the embeddings and one for each layer; a cell for each of the likeliest tokens."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(0, self._row_of, id=id)
        self._read: LensRead | None = None
        self._look = Look()

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self._look = look
        self.refresh()

    def show(self, read: LensRead | None) -> None:
        """Shows other rows."""
        self._read = read
        self.fill(len(read.rows) if read is not None else 0, self._row_of, cursor=self.cursor)

    @property
    def columns(self) -> int:
        """Tokens that there is room for."""
        return max(1, (self.scrollable_content_region.width - LEAD) // CELL)

    def _row_of(self, index: int) -> Text:
        read = self._read
        assert read is not None
        row = read.rows[index]
        name = "embedding" if row.layer == 0 else f"layer {row.layer - 1}"
        text = Text(no_wrap=True, end="")
        text.append(f"{name:<10}", Style(bold=index == self.cursor))
        if not row.top:
            text.append("not a number: no distribution to read")
            return text
        text.append(f"{row.entropy:6.2f} ")
        text.append(f"#{row.rank:<6,} " if row.rank is not None else "–       ", Style(dim=True))
        ramp = sequential(self._look.colours)
        for token in row.top[: self.columns]:
            last = token.token == row.answer
            style = ramp_style(token.probability, ramp) + Style(bold=last, underline=last)
            glyph = "" if ramp else bar_glyph(token.probability, ascii_only=self._look.ascii)
            label = fit(read.word(token.token), CELL - 7 - len(glyph), "~" if self._look.ascii else "…")
            text.append(f"{glyph}{label}{percent(token.probability)}", style)
            text.append(" ")
        return text


@final
class LensView(CentreView):
    """The table, its heading, and the reading."""

    NAME = "lens"

    class Read(Message):
        """The rows at a token came."""

        def __init__(self, seen: Seen, found: LensRead) -> None:
            super().__init__()
            self.seen = seen
            self.found = found

    class Failed(Message):
        """They could not be read."""

        def __init__(self, seen: Seen, position: int, error: LabError) -> None:
            super().__init__()
            self.of = (seen, position)
            self.error = error

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.read: LensRead | None = None
        """What is shown."""
        self._timer: Timer | None = None
        self._of: tuple[Seen, int] | None = None

    def compose(self) -> ComposeResult:
        """Heading and table."""
        yield Static(id="a-lens-head", markup=False)
        yield LensTable(id="a-lens")

    @property
    def target(self) -> LensTable:
        """The table."""
        return self.query_one(LensTable)

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        super().wear(look)
        self.target.wear(look)

    def about(self) -> str:
        """Where in the text."""
        if self.seen is None:
            return ""
        return f"after ‘{written(self.seen.pieces[self.place.row])}’ #{self.place.row}"

    def show(self, seen: Seen | None, place: Place) -> None:
        """Another text, or another token."""
        super().show(seen, place)
        if seen is None:
            self.read = self._of = None
            self.target.show(None)
            return
        if not self.shown or (self._of is not None and self._of[0] is seen and self._of[1] == place.row):
            return
        self._of = (seen, place.row)
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(SETTLED if self.read is not None else 0.001, self._ask)

    def _ask(self) -> None:
        if self._of is not None:
            work = partial(self._read_in_thread, *self._of)
            self.run_worker(
                work, thread=True, group="lens", exclusive=True, exit_on_error=False, description="read the layers"
            )

    def _read_in_thread(self, seen: Seen, position: int) -> None:
        if self._of != (seen, position):
            return
        try:
            self.post_message(self.Read(seen, read_lens(seen, position)))
        except Exception as error:
            self.post_message(self.Failed(seen, position, as_lab_error(error)))

    @on(Read)
    @guarded
    def _came(self, message: LensView.Read) -> None:
        message.stop()
        if self._of is None or self._of != (message.seen, message.found.position):
            return
        self.read = message.found
        answer = message.found.rows[-1].answer
        of = f"rank of ‘{message.found.word(answer)}’" if answer is not None else "rank"
        self.query_one("#a-lens-head", Static).update(f"{'after':<10}{'bits':>6} {of}", layout=False)
        self.target.show(message.found)
        if self.shown:
            self.subtitle("% of the likeliest tokens · underlined: the model's own answer")
        self.post_message(self.Said(self.sentence()))

    @on(Failed)
    @guarded
    def _failed(self, message: LensView.Failed) -> None:
        message.stop()
        if self._of == message.of:
            self.read = self._of = None  # the next look asks again
            self.target.show(None)
            self.post_message(self.Said(f"{message.error.title} · {message.error.hint}"))

    def on_virtual_list_highlighted(self, event: VirtualList.Highlighted) -> None:
        """Says the layer under the cursor."""
        event.stop()
        self.target.refresh()
        if self.target.has_focus:
            self.post_message(self.Said(self.sentence()))

    def sentence(self) -> str:
        """The layer under the cursor in words."""
        read = self.read
        if read is None or self.target.cursor >= len(read.rows):
            return ""
        row = read.rows[self.target.cursor]
        where = "straight from the embeddings" if row.layer == 0 else f"after layer {row.layer - 1}"
        if not row.top:
            return f"{where} · the answer is not a number"
        best = row.top[0]
        said = f"{where} · ‘{read.word(best.token)}’ {percent(best.probability).strip()} % · {row.entropy:.2f} bits"
        if row.answer is not None and row.layer < len(read.rows) - 1:
            said += f" · the final ‘{read.word(row.answer)}’ is #{row.rank:,} here, {row.probability:.2%}"
        elif row.answer is not None:
            said += " · this is the model's own answer"
        return said

    def step(self, by: int) -> bool:
        """The token before or after."""
        if self.seen is not None:
            row = max(0, min(self.seen.tokens - 1, self.place.row + by))
            self.post_message(self.Moved(self.place.at(row=row, column=min(self.place.column, row))))
        return True

    def take_away(self) -> TakeAwayRequest | None:
        """The rows as Python, command and numbers."""
        seen, read = self.seen, self.read
        if seen is None or read is None:
            return None
        python = (
            python_start(seen)
            + "from core.model.lens import lens\n\n"
            + f"for row in lens(trace, {read.position}, {MOST}):\n"
            + "    print(row.layer, round(row.entropy, 4), [(t.token, round(t.probability, 6)) for t in row.top])\n"
        )
        rows: list[Sequence[Any]] = [
            (r.layer, r.entropy, r.answer, r.rank, r.probability, i + 1, t.token, read.word(t.token), t.probability)
            for r in read.rows
            for i, t in enumerate(r.top)
        ]
        header = ("layer", "entropy_bits", "answer", "rank_of_answer", "p_of_answer", "place", "token", "text", "p")
        title = f"{seen.spec} · after {read.position} {seen.labels[read.position]}"

        def draw(path: Path) -> None:
            from core.model.pictures.figures import lens_figure, save_figure

            save_figure(lens_figure(read.rows, seen.loaded.tokenizer, title), path)

        command = ["llm-lab", "lens", seen.spec, seen.text, "--position", str(read.position)]
        command += [*heads_flag(seen, "--off"), "--json"]
        return TakeAwayRequest(
            what=f"lens-{read.position}",
            python=python,
            command=shlex.join(command),
            data={
                "model": seen.spec,
                "text": seen.text,
                "position": read.position,
                "off": [list(head) for head in sorted(seen.off)],
                "rows": [row.to_dict() for row in read.rows],
            },
            table=(header, rows),
            figure=draw,
            vector=True,
            text=lambda: lens_text(title, read.rows, read.word),
            pane=self.parent,  # type: ignore[arg-type]
        )
