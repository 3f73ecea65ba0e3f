"""The page of positions: how like each other the position embeddings of a GPT are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message

from core.errors import LabError
from screens.embeddings.scores import number
from screens.embeddings.view import count_text
from screens.guard import as_lab_error, guarded
from screens.widgets.curve import Curve
from screens.widgets.figure import Figure, Line
from screens.widgets.guarded import Guarded
from screens.widgets.heat_map import HeatMap
from screens.widgets.ramps import Look

if TYPE_CHECKING:
    from numpy.typing import NDArray

POSITIONS_MOST = 4096
"""Positions that are shown; of more, the first."""


class PositionsPane(Guarded, Horizontal):
    """The cosines of all pairs of positions, and the row under the cursor as a curve."""

    DEFAULT_CSS = """
    PositionsPane { layout: horizontal; }
    PositionsPane > .pane { width: 1fr; height: 1fr; }
    EmbedScreen.-narrow PositionsPane, EmbedScreen.-tiny PositionsPane { layout: vertical; }
    EmbedScreen.-narrow PositionsPane > #p-curve, EmbedScreen.-tiny PositionsPane > #p-curve { height: 9; }
    """

    class Came(Message):
        """The cosines, or why there are none."""

        def __init__(self, number: int, found: NDArray[np.float64] | LabError, width: int = 0) -> None:
            super().__init__()
            self.number = number
            self.found = found
            self.width = width

    class Trouble(Message):
        """They cannot be shown."""

        def __init__(self, error: LabError) -> None:
            super().__init__()
            self.error = error

    class Said(Message):
        """What is under the cursor."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__()
        self.spec = ""
        """The table that was asked for: ``MODEL:wpe``."""
        self.shown = ""
        """That whose cosines are shown."""
        self.cosines: NDArray[np.float64] | None = None
        """(T, T)."""
        self._number = self._width = 0

    def compose(self) -> ComposeResult:
        """Both."""
        yield HeatMap(id="p-map", classes="pane")
        yield Curve(id="p-curve", classes="pane")

    @property
    def map(self) -> HeatMap:
        """The cosines."""
        return self.query_one("#p-map", HeatMap)

    @property
    def curve(self) -> Curve:
        """One row of them."""
        return self.query_one("#p-curve", Curve)

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self.map.wear(look)
        self.curve.wear(plain=look.colours in ("16", "none"), ascii_only=look.ascii)

    def open(self, spec: str) -> None:
        """Reads a table of positions, in a thread."""
        self._number += 1
        self.spec = spec
        self.map.border_title = Text(f"{spec} · being read…")
        self._open(self._number, spec)

    @work(thread=True, group="positions", exit_on_error=False, description="read position embeddings")
    def _open(self, number: int, spec: str) -> None:
        from core.vectors.sources import load_vectors

        try:
            vectors = load_vectors(spec)
            found = vectors.matrix(vectors.words[:POSITIONS_MOST])
            self.post_message(self.Came(number, found, vectors.width))
        except Exception as error:
            self.post_message(self.Came(number, as_lab_error(error)))

    @on(Came)
    def _came(self, message: Came) -> None:
        message.stop()
        if message.number != self._number:
            return
        if isinstance(message.found, LabError):
            if self.cosines is None:
                self.map.border_title = Text(self.spec)
                self.map.clear("no positions to show")
            else:  # what is shown stays, and so does its name
                self.spec = self.shown
                self._title()
            self.post_message(self.Trouble(message.found))
            return
        self.cosines, self.shown, self._width = message.found, self.spec, message.width
        count = len(message.found)
        names = [str(n) for n in range(count)]
        self.map.fill(message.found, row_labels=names, column_labels=names, scale=(-1.0, 1.0), diverging=True)
        self._title()
        self.show_row(self.map.place[0])

    def _title(self) -> None:
        count = len(self.cosines) if self.cosines is not None else 0
        self.map.border_title = Text(
            f"{self.shown} · cosine of {count_text(count)} positions, {self._width} numbers each"
        )

    def show_row(self, row: int) -> None:
        """The cosines of one position with all."""
        cosines = self.cosines
        if cosines is None or row >= len(cosines):
            return
        y = cosines[row]
        line = Line(tuple(float(x) for x in range(len(y))), tuple(map(float, y)), label="cosine")
        self.curve.show(Figure((line,), (0.0, float(max(1, len(y) - 1))), unit="step"))
        self.curve.set_target(float(row))
        self.curve.border_title = Text(f"position {row} with each")
        besides = np.delete(y, row)
        if len(besides):
            best = int(np.argmax(np.where(np.arange(len(y)) == row, -np.inf, y)))
            self.curve.border_subtitle = Text(f"most like {best}: {number(float(y[best]))}")

    @on(HeatMap.Highlighted)
    @guarded
    def _cell(self, event: HeatMap.Highlighted) -> None:
        event.stop()
        self.show_row(event.row)
        if event.heat_map.has_focus or event.heat_map.mouse_hover:
            pooled = " · the largest |x| of its cell" if event.heat_map.grid.pooled else ""
            self.post_message(
                self.Said(
                    f"positions {event.row} and {event.column} · cosine {number(event.value)} · "
                    f"{abs(event.row - event.column)} apart{pooled}"
                )
            )

    @on(Curve.Crosshair)
    @guarded
    def _cross(self, event: Curve.Crosshair) -> None:
        event.stop()
        if event.x is not None and self.cosines is not None:
            row, column = self.map.place[0], max(0, min(round(event.x), len(self.cosines) - 1))
            cosine = float(self.cosines[row, column])
            self.post_message(self.Said(f"positions {row} and {column} · cosine {number(cosine)}"))
