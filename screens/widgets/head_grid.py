"""All heads of a model as one picture: a cell each, coloured by a measure; heads that are off are struck through."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from screens.widgets.heat_map import HeatMap
from screens.widgets.ramps import Look

Head = tuple[int, int]


class HeadGrid(HeatMap):
    """Layers down, heads across; arrows or the mouse choose a head, ``enter`` opens it, ``space`` switches it off."""

    AUTO_CELLS = ("number", "short", "block")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", show=False, id="heads.toggle", tooltip="switch this head off, or on again"),
        Binding("enter", "open", show=False, id="heads.open", tooltip="open this head"),
    ]

    class HeadHighlighted(Message):
        """The cursor is on another head."""

        def __init__(self, grid: HeadGrid, layer: int, head: int) -> None:
            super().__init__()
            self.grid = grid
            self.layer = layer
            self.head = head

        @property
        def control(self) -> HeadGrid:
            """The grid."""
            return self.grid

    class HeadOpened(HeadHighlighted):
        """``enter`` or a click on a head."""

    class HeadToggled(HeadHighlighted):
        """A head is to be switched off, or on again."""

    def __init__(self, *, id: str | None = None, classes: str | None = None, look: Look | None = None) -> None:
        super().__init__(id=id, classes=classes, look=look)
        self._off: frozenset[Head] = frozenset()

    @property
    def off(self) -> frozenset[Head]:
        """The heads that are struck through."""
        return self._off

    def show(
        self,
        values: NDArray[np.float32],
        *,
        scale: tuple[float, float] | None = None,
        diverging: bool = False,
        off: Collection[Head] = (),
        known: bool | NDArray[np.bool_] = True,
    ) -> None:
        """Shows a measure.

        Args:
            values: (layers, heads) floats, NaN where there is none.
            scale: the values at the ends of the ramp; left out, the lowest and the highest.
            diverging: whether the sign matters.
            off: heads that are switched off.
            known: whether there is anything to show, of all or of each; where not, cells are blank.
        """
        layers, heads = values.shape
        self._off = frozenset(off)
        rows = [f"L{i}" for i in range(layers)]
        columns = [f"H{i}" for i in range(heads)]
        mask = None if known is True else np.broadcast_to(np.logical_not(known), values.shape)
        self.fill(values, row_labels=rows, column_labels=columns, scale=scale, diverging=diverging, mask=mask)

    def strike(self, off: Collection[Head]) -> None:
        """Other heads are switched off now."""
        if frozenset(off) != self._off:
            self._off = frozenset(off)
            self._forget_strips()

    @property
    def head(self) -> Head:
        """The layer and head under the cursor."""
        return self.place[0], self.place[1]

    def _marks(self, line: int, first: int, last: int) -> dict[int, str]:
        marks = super()._marks(line, first, last)
        grid = self._grid
        for layer, head in self._off:
            row, column = layer // grid.pool_rows, head // grid.pool_columns
            if row == line and first <= column < last:
                marks[column - first] = f"{marks.get(column - first, '')} off".strip()
        return marks

    def on_heat_map_highlighted(self, event: HeatMap.Highlighted) -> None:
        """Says it in terms of heads."""
        event.stop()
        self.post_message(self.HeadHighlighted(self, event.row, event.column))

    def action_open(self) -> None:
        """Opens the head under the cursor."""
        if self._grid.rows:
            self.post_message(self.HeadOpened(self, *self.head))

    def action_switch(self) -> None:
        """Switches the head under the cursor off, or on again."""
        if self._grid.rows:
            self.post_message(self.HeadToggled(self, *self.head))

    def on_click(self, event: events.Click) -> None:
        """A click chooses, a second one opens."""
        event.prevent_default()
        at = event.get_content_offset(self)
        cell = self._cell_at(at.x, at.y) if at is not None else None
        if cell is None:
            return
        self._go(*cell)
        if event.chain >= 2:
            self.action_open()
