"""The page of sizes: four published models beside one's own, and sliders that change the latter."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from core.config import GPTConfig
from core.shelf import GPT2, GPT2_SIZES
from core.weights.sizes import SizeReport, size_of
from screens.weights.size_rows import ROWS, place_of, published, slid
from screens.widgets.cells import fit, spread
from screens.widgets.guarded import Guarded
from screens.widgets.plot_data import short_number
from screens.widgets.ramps import Look
from screens.widgets.virtual_list import VirtualList

LEFT, RIGHT, LINES, KNOBS = ("◂", "<"), ("▸", ">"), ("─", "-"), ("●", "#")
"""Signs of a slider that can be clicked, in Unicode and in ASCII."""
MINE = len(GPT2_SIZES)
"""The column of one's own model."""


def widths(width: int) -> tuple[int, int, tuple[int, ...]]:
    """Cells of the labels and of each column, and which of the five there is room for.

    >>> widths(116), widths(76), widths(54)
    ((22, 14, (0, 1, 2, 3, 4)), (16, 12, (0, 1, 2, 3, 4)), (16, 12, (0, 3, 4)))
    """
    every = tuple(range(MINE + 1))
    if width >= 94:
        return 22, 14, every
    shown = every if width >= 70 else (0, MINE - 1, MINE)
    return 16, max(9, (width - 16) // len(shown)), shown


class SizeTable(VirtualList):
    """The rows; ``left``/``right`` move a slider, or the column on rows that have none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "slide(-1)", show=False, id="sizes.less", tooltip="slider down, or the column to the left"),
        Binding("right,l", "slide(1)", show=False, id="sizes.more", tooltip="slider up, or the column to the right"),
        Binding("shift+left,H", "slide(-8)", show=False, id="sizes.much-less", tooltip="slider far down"),
        Binding("shift+right,L", "slide(8)", show=False, id="sizes.much-more", tooltip="slider far up"),
    ]

    class Slid(Message):
        """A slider is to be moved by so many steps."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def action_slide(self, by: int) -> None:
        """Moves it."""
        self.post_message(self.Slid(by))

    def on_click(self, event: events.Click) -> None:
        """A click on an arrow, or beside the knob of a slider, moves it by a step."""
        at = event.get_content_offset(self)
        index = at.y + self.scroll_offset.y if at is not None else -1
        if at is None or not 0 <= index < self.length or not ROWS[index].slider:
            return
        signs = spread(str(self.text_of(index)))
        sign = signs[at.x] if at.x < len(signs) else ""
        knob = next((i for i, s in enumerate(signs) if s in KNOBS), None)
        if sign in LEFT or sign in RIGHT:
            self.post_message(self.Slid(-1 if sign in LEFT else 1))
        elif knob is not None and sign in LINES:
            self.post_message(self.Slid(-1 if at.x < knob else 1))


class SizesPane(Guarded, Vertical):
    """The table, and how the figure under the cursor comes about."""

    class Explained(Message):
        """The cursor is on another figure; ``text`` says it as a sentence."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._published = published()
        self._start = GPTConfig.preset("gpt2")
        self._mine = size_of(self._start)
        self._label = "mine"
        self.column = MINE
        """The column whose formula is written out."""
        self._look = Look()

    def compose(self) -> ComposeResult:
        """Names, table and formula."""
        with Vertical(id="w-size-box", classes="pane"):
            yield Static(id="w-size-names", markup=False)
            yield SizeTable(id="w-size-table")
        yield Static(id="w-size-said", classes="pane", markup=False)

    def on_mount(self) -> None:
        """Fills it."""
        box = self.query_one("#w-size-box")
        box.border_title = Text("sizes · every number by formula")
        box.border_subtitle = Text("up down a row · left right a slider or a column · r as the model · c compare")
        self.query_one("#w-size-said").border_title = Text("how it comes about")
        self.table.fill(len(ROWS), self._row)
        self.explain()

    @property
    def table(self) -> SizeTable:
        """The list of rows."""
        return self.query_one(SizeTable)

    @property
    def mine(self) -> SizeReport:
        """One's own model."""
        return self._mine

    @property
    def reports(self) -> list[SizeReport]:
        """The published ones and one's own."""
        return [*self._published, self._mine]

    def wear(self, look: Look) -> None:
        """Draws with the signs of the terminal."""
        self._look = look
        self.table.refresh()

    def start_from(self, config: GPTConfig) -> None:
        """One's own model begins as the one on the workbench, unless a slider was moved before."""
        if self._mine.config == self._start:
            self._mine = size_of(config)
        self._start = config
        self.table.refresh()
        self.explain()

    def reset(self) -> None:
        """The sliders as the model on the workbench has them."""
        self._mine = size_of(self._start)
        self.table.refresh()
        self.explain()

    def on_resize(self) -> None:
        """The names stand over their columns."""
        self.call_after_refresh(self._show_names)

    def _show_names(self) -> None:
        label, each, shown = widths(self.table.scrollable_content_region.width)
        text = Text(" " * label, end="")
        for column in shown:
            text.append(self.names[column].rjust(each), Style(bold=True, underline=column == self.column))
        self.query_one("#w-size-names", Static).update(text, layout=False)

    @on(SizeTable.Slid)
    def _slid(self, event: SizeTable.Slid) -> None:
        event.stop()
        row = ROWS[self.table.cursor]
        if row.slider:
            self.column = MINE
            self._mine = size_of(slid(self._mine.config, row.slider, event.by))
        else:
            self.column = max(0, min(MINE, self.column + (1 if event.by > 0 else -1)))
        self.table.refresh()
        self.explain()

    @on(VirtualList.Highlighted)
    def _moved(self, event: VirtualList.Highlighted) -> None:
        event.stop()
        self.explain()

    def explain(self) -> None:
        """Writes out the figure under the cursor."""
        if not self.is_attached:
            return
        row, report = ROWS[self.table.cursor], self.reports[self.column]
        text = Text()
        text.append(f"{self.names[self.column]}: {row.name} {row.text(report)}\n", Style(bold=True))
        text.append(row.formula(report))
        said = self.query_one("#w-size-said", Static)
        said.update(text, layout=False)
        self._show_names()
        self.post_message(self.Explained(f"{self.names[self.column]} · {row.name} {row.text(report)}"))

    @property
    def names(self) -> list[str]:
        """The titles of the columns."""
        return [*(GPT2[ref.spec] for ref in GPT2_SIZES), "mine"]

    def _row(self, index: int) -> Text:
        row = ROWS[index]
        width = self.table.scrollable_content_region.width
        label, each, shown = widths(width)
        text = Text(fit(row.name, label), end="")
        reports = self.reports
        for column in shown:
            report = reports[column]
            said = row.text(report)
            if len(said) >= each:
                said = short_number(float(row.value(report) or 0))
            if column == MINE and row.slider and index == self.table.cursor:
                said = f"{'<' if self._look.ascii else '◂'} {said} {'>' if self._look.ascii else '▸'}"
            cell = said.rjust(each) if len(said) < each else " " + fit(said, each - 1)
            chosen = column == self.column and index == self.table.cursor
            text.append(cell, Style(bold=column == MINE, underline=chosen))
        room = width - label - len(shown) * each - 2
        if room >= 12:
            if row.slider:
                text.append("  " + self._slider(place_of(self._mine.config, row.slider), min(room, 28)))
            else:
                letters = row.formula(reports[self.column]).partition(" = ")[0]
                text.append("  " + fit(letters, room), Style(dim=True))
        return text

    def _slider(self, place: float, room: int) -> str:
        at = round(min(1.0, place) * (room - 1))
        line, knob = ("-", "#") if self._look.ascii else ("─", "●")
        return line * at + knob + line * (room - 1 - at)
