"""The page of changes: which tensors moved between two models of one shape, by how much, in which layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from screens.weights.view import figure
from screens.widgets.bars import bar_text
from screens.widgets.cells import fit
from screens.widgets.guarded import Guarded
from screens.widgets.heat_map import HeatMap
from screens.widgets.ramps import Look
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from core.weights.compare import TensorChange

MEASURES = ("relative", "max_abs", "mean_abs", "angle")
MEASURE_WORDS = {
    "relative": "length of the change over the length of A's tensor",
    "max_abs": "largest change of one value",
    "mean_abs": "mean change of a value",
    "angle": "degrees between the two tensors",
}
COLUMNS = {
    "ln_1.weight": "ln_1.w", "ln_1.bias": "ln_1.b", "attn.c_attn.weight": "attn.w", "attn.c_attn.bias": "attn.b",
    "attn.c_proj.weight": "proj.w", "attn.c_proj.bias": "proj.b", "ln_2.weight": "ln_2.w", "ln_2.bias": "ln_2.b",
    "mlp.c_fc.weight": "fc.w", "mlp.c_fc.bias": "fc.b", "mlp.c_proj.weight": "mproj.w", "mlp.c_proj.bias": "mproj.b",
}  # fmt: skip
"""The tensors of a block, and what stands over their columns."""
BRIEF = {"ln_1": "l1", "ln_2": "l2", "attn": "at", "proj": "pr", "mproj": "mp", "fc": "fc"}
"""The same where a column has four cells."""
BRIEF_BELOW = 90
"""Cells of the whole map below which that is so."""


def figure_of(change: TensorChange, measure: str) -> float:
    """One figure of a change.

    The angle is that of the two tensors taken as long vectors, in degrees.
    """
    if measure == "angle":
        cosine = change.cosine
        return math.degrees(math.acos(max(-1.0, min(1.0, cosine)))) if cosine == cosine else math.nan
    return float(getattr(change, measure))


def by_layer(changes: Sequence[TensorChange], measure: str) -> tuple[np.ndarray, list[str], list[str]]:
    """The blocks' changes as (layers, kinds), with the labels of rows and columns; NaN where a block has none such."""
    layers = sorted({c.layer for c in changes if c.layer is not None})
    stems = {c.name.split(".", 2)[2] for c in changes if c.layer is not None}
    kinds = [stem for stem in COLUMNS if stem in stems]
    table = np.full((len(layers), len(kinds)), np.nan, np.float32)
    for change in changes:
        if change.layer is not None:
            column = kinds.index(change.name.split(".", 2)[2])
            table[layers.index(change.layer), column] = figure_of(change, measure)
    return table, [f"h.{n}" for n in layers], [COLUMNS[kind] for kind in kinds]


class LayerMap(HeatMap):
    """Layer by kind; its lower edge names what is in no layer, also when it has got another size."""

    outside = ""

    def note(self) -> str:
        """That, before what the cells are."""
        return self.outside or super().note()

    def clear(self, text: str = "nothing to show yet") -> None:
        """Nothing, and what to say in its place."""
        self.outside = ""
        super().clear(text)


class ComparePane(Guarded, Vertical):
    """A map of layer by kind of tensor, and all tensors, the most moved first."""

    class Chosen(Message):
        """A tensor is to be looked at."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class Said(Message):
        """The cursor is on another change."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._changes: tuple[TensorChange, ...] = ()
        self._order: list[TensorChange] = []
        self.measure = "relative"
        self.pair = ("", "")
        self._look = Look()

    def compose(self) -> ComposeResult:
        """Map and list."""
        yield LayerMap(id="w-change-map", classes="pane")
        yield VirtualList(id="w-change-list")

    def on_mount(self) -> None:
        """Nothing yet."""
        self.list.add_class("pane")
        self.map.clear("two models of one shape are compared here")

    @property
    def map(self) -> LayerMap:
        """Layer by kind."""
        return self.query_one(LayerMap)

    @property
    def list(self) -> VirtualList:
        """All tensors."""
        return self.query_one("#w-change-list", VirtualList)

    @property
    def changes(self) -> tuple[TensorChange, ...]:
        """What is shown."""
        return self._changes

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self._look = look
        self.map.wear(look)
        self.list.refresh()

    def wait(self, a: str, b: str) -> None:
        """Two models are being compared."""
        self.pair = (a, b)
        self._changes, self._order = (), []
        self.map.clear(f"comparing {a} with {b}…")
        self.list.fill(0, str)
        self._titles()

    def clear(self, text: str) -> None:
        """There is nothing to compare."""
        self._changes, self._order = (), []
        self.map.clear(text)
        self.map.border_title = Text("what moved")
        self.list.fill(0, str)
        self.list.border_title = ""

    def show(self, changes: Sequence[TensorChange], pair: tuple[str, str]) -> None:
        """Shows what moved."""
        self._changes, self.pair = tuple(changes), pair
        self._draw()

    def next_measure(self) -> str:
        """Another measure."""
        self.measure = MEASURES[(MEASURES.index(self.measure) + 1) % len(MEASURES)]
        self._draw()
        return self.measure

    def _draw(self) -> None:
        def rank(change: TensorChange) -> float:
            value = figure_of(change, self.measure)
            return -value if math.isfinite(value) else math.inf

        self._order = sorted(self._changes, key=rank)
        if not self._changes:
            return
        table, rows, columns = by_layer(self._changes, self.measure)
        finite = table[np.isfinite(table)]
        top = float(finite.max()) if finite.size else 1.0
        if self.size.width < BRIEF_BELOW:
            columns = [f"{BRIEF.get(name[:-2], name[:-2])}{name[-2:]}" for name in columns]
        self.map.fill(table, row_labels=rows, column_labels=columns, scale=(0.0, top or 1.0))
        self.list.fill(len(self._order), self._row, cursor=0)
        self._titles()

    def _titles(self) -> None:
        a, b = self.pair
        self.map.border_title = Text(f"{a} → {b} · {self.measure.replace('_', ' ')}: {MEASURE_WORDS[self.measure]}")
        outside = [c for c in self._changes if c.layer is None]
        said = "  ".join(f"{c.name} {figure(figure_of(c, self.measure))}" for c in outside)
        self.map.outside = f"outside the blocks: {said}" if said else ""
        self.map.border_subtitle = Text(self.map.note())
        moved = sum(not c.same for c in self._changes)
        self.list.border_title = Text(f"{moved} of {len(self._changes)} tensors moved, most first")
        self.list.border_subtitle = Text("m measure · , . other step · enter looks at it")

    def _row(self, index: int) -> Text:
        change = self._order[index]
        values = [v for v in (figure_of(c, self.measure) for c in self._order) if math.isfinite(v)]
        top, value = max(values, default=1.0), figure_of(change, self.measure)
        width = self.list.scrollable_content_region.width
        text = Text(fit(change.name, 28) + " ", end="")
        bar = max(4, min(30, width - 98)) if width > 104 else 8
        shown = value if math.isfinite(value) else 0.0
        text.append(bar_text(shown, bar, top=top or 1.0, ascii_only=self._look.ascii) + " ")
        for measure in (self.measure, *(m for m in MEASURES if m != self.measure)):  # what has no room is not it
            value, mine = figure_of(change, measure), measure == self.measure
            said = figure(value) if value == value else "–"
            unit = "°" if measure == "angle" else " "
            part = f" {measure.partition('_')[0]} {said:>8}{unit}"
            if text.cell_len + len(part) > width and not mine:
                break
            text.append(part, Style(bold=mine, dim=not mine))
        return text

    def sentence(self, change: TensorChange) -> str:
        """A change in words."""
        if change.same:
            return f"{change.name} is the same in both"
        most = f"one value by up to {figure(change.max_abs)}"
        if math.isinf(change.relative):
            return f"{change.name} was all zeros in A · {most}"
        angle = figure_of(change, "angle")
        apart = f" · {angle:.2f}° apart" if angle == angle else ""
        return f"{change.name} moved by {100 * change.relative:.3g} % of its length · {most}{apart}"

    @on(VirtualList.Activated)
    def _activated(self, event: VirtualList.Activated) -> None:
        event.stop()
        self.post_message(self.Chosen(self._order[event.index].name))

    @on(VirtualList.Highlighted)
    def _highlighted(self, event: VirtualList.Highlighted) -> None:
        event.stop()
        if not isinstance(event, VirtualList.Activated) and event.index < len(self._order):
            self.post_message(self.Said(self.sentence(self._order[event.index])))

    def _at(self, row: int, column: int) -> TensorChange | None:
        layers = sorted({c.layer for c in self._changes if c.layer is not None})
        stems = {c.name.split(".", 2)[2] for c in self._changes if c.layer is not None}
        kinds = [stem for stem in COLUMNS if stem in stems]
        if row >= len(layers) or column >= len(kinds):
            return None
        name = f"h.{layers[row]}.{kinds[column]}"
        return next((c for c in self._changes if c.name == name), None)

    @on(HeatMap.Highlighted)
    def _cell(self, event: HeatMap.Highlighted) -> None:
        event.stop()
        change = self._at(event.row, event.column)
        if change is not None and (self.map.has_focus or self.map.mouse_hover):
            self.post_message(self.Said(self.sentence(change)))

    @on(HeatMap.Activated)
    def _opened(self, event: HeatMap.Activated) -> None:
        event.stop()
        change = self._at(event.row, event.column)
        if change is not None:
            self.post_message(self.Chosen(change.name))
