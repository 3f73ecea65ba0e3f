"""The view *Pattern*: who looks at whom, one head or several as one, as a map of the text against itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from textual import on
from textual.app import ComposeResult
from textual.message import Message

from screens.attention.centre import CentreView
from screens.attention.seen import Place, Seen
from screens.attention.view import LOG_LOW, SCALE_WORDS, scaled
from screens.widgets.heat_map import HeatMap
from screens.widgets.ramps import Look

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class PatternMap(HeatMap):
    """The map; a row asks, a column is looked at."""

    at = (0, 0)
    """The weight that the cursor is on; a cell that stands for several names the largest of them."""

    class LaidOut(Message):
        """Cells may be of another kind now, or stand for more or fewer weights."""

        def can_replace(self, message: Message) -> bool:
            """The newest is enough."""
            return isinstance(message, PatternMap.LaidOut)

    def _lay_out(self) -> None:
        super()._lay_out()
        if self.is_attached:
            self.post_message(self.LaidOut())

    def action_zoom_cells(self, by: int) -> None:
        """Fewer weights in a cell, or more; the cursor stays on its weight."""
        super().action_zoom_cells(by)
        self.go_to(*self.at)


@final
class PatternView(CentreView):
    """The map and what its scale says."""

    NAME = "pattern"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.how = ""
        self.scale = "linear"
        self.hide_first = False
        self.drawn: NDArray[np.float32] | None = None
        """The pattern that is drawn, (T, T) with every weight as it is."""
        self._key: object = None
        self._ends: dict[object, tuple[float, float]] = {}
        self._followed: tuple[int, int] | None = None

    def compose(self) -> ComposeResult:
        """The map."""
        yield PatternMap(id="a-map")

    @property
    def map(self) -> PatternMap:
        """The map."""
        return self.query_one(PatternMap)

    @property
    def target(self) -> PatternMap:
        """The map."""
        return self.map

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        super().wear(look)
        self.map.wear(look)

    def about(self) -> str:
        """Which head, or which heads."""
        who = f"L{self.place.layer} {self.how}" if self.how else super().about()
        return f"{who} · A−B" if self._signed else who

    _signed = False

    def draw(
        self, pattern: NDArray[np.float32] | None, of: object, *, lock: object = None, difference: bool = False
    ) -> None:
        """Draws a pattern; None: it is on its way, and what was drawn stays.

        Args:
            pattern: (T, T) weights, or the difference of two.
            of: what they are of; the same is not drawn again.
            lock: pictures with the same lock share the ends of their scale, such as the checkpoints of a run.
            difference: whether it is a difference, whose sign matters.
        """
        seen = self.seen
        if pattern is None or seen is None or pattern.shape[0] != seen.tokens:
            return
        key = (of, self.scale, self.hide_first, difference, seen.labels)
        if key != self._key:
            self._key, self.drawn, self._signed = key, pattern, difference
            scale = "linear" if difference else self.scale
            values, mask = scaled(pattern, scale, self.hide_first)
            self.map.fill(
                values,
                row_labels=seen.labels,
                column_labels=[label.removeprefix("·") or label for label in seen.labels],
                scale=self._scale_for(values, mask, lock, difference),
                diverging=difference,
                log=scale == "log",
                mask=mask,
            )
        self.follow(self.place)

    def _scale_for(
        self, values: NDArray[np.float32], mask: NDArray[np.bool_], lock: object, difference: bool
    ) -> tuple[float, float]:
        if not (self.hide_first or difference):
            return (LOG_LOW, 1.0) if self.scale == "log" else (0.0, 1.0)
        import numpy as np

        key = (lock, self.scale, self.hide_first, difference)
        if key not in self._ends:
            shown = np.abs(values[~mask])
            finite = shown[np.isfinite(shown)]
            top = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
            low = -top if difference else LOG_LOW if self.scale == "log" else 0.0
            if len(self._ends) > 500:
                self._ends.clear()
            self._ends[key] = (low, top if low < top else 1.0)
        return self._ends[key]

    def forget_scales(self) -> None:
        """The next picture has a scale of its own."""
        self._ends.clear()
        self._key = None

    @on(PatternMap.LaidOut)
    def _laid_out(self, event: PatternMap.LaidOut) -> None:
        event.stop()
        if self.shown and self.seen is not None:
            self.subtitle(self.note())

    def note(self) -> str:
        """What the encoding is, in words."""
        if self.seen is not None and self.seen.tokens == 1:
            return "one token: it sees itself alone, weight 1"
        parts = ["difference of weights" if self._signed else SCALE_WORDS[self.scale]]
        if (pooling := self.map.pooling) is not None:  # early: the end of a long note is cut
            rows, columns = pooling
            parts.append(f"largest{' |x|' if self._signed else ''} of {rows}×{columns} a cell")
        if self.how == "max":
            parts.append("rows do not add up to 1")
        if self.hide_first:
            parts.append("first column hidden")
        return " · ".join(parts)

    def show(self, seen: Seen | None, place: Place) -> None:
        """Another text or place."""
        super().show(seen, place)
        if seen is None:
            self.drawn = self._key = None
            self.map.clear("")

    def follow(self, place: Place) -> None:
        """Puts the cursor of the map on a place."""
        self.place = place
        self.map.at = (place.row, place.column)
        if self.map.place[:2] != (place.row, place.column) and self.map.values.shape[0] > place.row:
            self.map.go_to(place.row, place.column)
            # Of a cell that stands for several values the map names the largest: that is not where anyone went.
            row, column, _ = self.map.place
            self._followed = (row, column)

    @property
    def pinned(self) -> bool:
        """Whether a cell is pinned."""
        return self.map.pin is not None

    def release(self) -> bool:
        """Lets go of the pinned cell."""
        return self.map.release()

    @on(HeatMap.Highlighted)
    def _cell(self, event: HeatMap.Highlighted) -> None:
        event.stop()
        here = (event.row, event.column)
        if here != event.heat_map.place[:2] or here == self._followed:
            return  # it is elsewhere by now, or was put there
        self._followed = None
        self.map.at = here
        at = self.place.at(row=event.row, column=event.column)
        if (event.heat_map.has_focus or event.heat_map.mouse_hover) and at != self.place:
            self.place = at
            self.post_message(self.Moved(at))
