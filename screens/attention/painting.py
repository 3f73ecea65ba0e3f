"""How the attention screen paints what it knows: titles, strip, grid, head, map, bars, sentence.

Abstract: ``AttentionScreen`` completes it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from screens.attention.reader import RANDOM, TEXT
from screens.attention.saying import next_note, sentence_of
from screens.attention.seen import Place
from screens.attention.shown import Shown
from screens.attention.view import (
    LOG_LOW,
    counts_text,
    detail_lines,
    head_text,
    measure_of,
    note_text,
    off_text,
    written,
)
from screens.widgets.bars import Bar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.workbench import Workbench

MOST_LOOKS = 60
"""Tokens in the list of what is looked at."""


class Painting(Shown):
    """The part of the screen that paints."""

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self._grid_ends: dict[object, tuple[float, float]] = {}
        self._strip_of: object = None
        self._looks_of: object = None
        self._next_bars: list[Bar] = []
        self._said = ""

    # --- painting

    def paint_all(self) -> None:
        """Everything anew."""
        self.paint_prompt()
        self.paint_strip()
        self.paint_grid()
        self.paint_head()
        self.paint_centre()
        self.paint_looks()
        self.paint_next()
        self.say_what_came()

    def paint_place(self) -> None:
        """What follows the cursor."""
        self.paint_strip()
        self.paint_centre()
        self.paint_looks()
        self.paint_next()
        self.ask_next()

    def paint_prompt(self) -> None:
        """Counts beside the prompt: tokens, what is cut, what is off, what is compared."""
        seen = self.seen
        if seen is None:
            self.body.prompt.count("")
            return
        parts = [counts_text(seen.tokens, seen.cut, seen.loaded.config.context_length)]
        parts.append(off_text(self.off, seen.layers, seen.heads))
        if self.comparing:
            parts.append(f"A−B: {self.workbench.b}")
        self.body.prompt.count(" · ".join(part for part in parts if part))
        self.count(f"forward {1000 * seen.seconds:.1f} ms")

    def paint_strip(self) -> None:
        """The text, coloured by where the token under the cursor looks."""
        seen, strip, at = self.seen, self.body.strip, self.place
        if seen is None:
            strip.fill([])
            self._strip_of = None
            self.body.title("strip", "tokens", "")
            return
        pattern = self.pattern("a", at.layer, at.head, self.body.pattern.how)
        if self._strip_of is not seen:
            self._strip_of = seen
            strip.fill(seen.pieces, ids=seen.ids, values=[math.nan] * seen.tokens)
            strip.set_notes([""] * seen.tokens)
        if strip.cursor != at.row:
            strip.cursor = at.row
        if pattern is not None:
            row = pattern[at.row, : at.row + 1]
            strip.set_values(self._levels(row).tolist() + [math.nan] * (seen.tokens - at.row - 1))
            strip.set_notes([note_text(float(w)) for w in row] + [""] * (seen.tokens - at.row - 1))
            strip.marks = frozenset({at.column})
        self.body.title("strip", f"where ‘{written(seen.pieces[at.row])}’ #{at.row} looks · {self.who()}")

    def _levels(self, row: NDArray[np.float32]) -> NDArray[np.float32]:
        """The weights of a row as places on the ramp, on the scale of the map."""
        view = self.body.pattern
        shown = row.copy()
        if view.hide_first and len(shown) > 1:
            shown[0] = np.nan
        finite = shown[np.isfinite(shown)]
        if view.scale == "log":
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.asarray(1 - np.log(np.maximum(shown, LOG_LOW)) / math.log(LOG_LOW), np.float32)
        top = float(finite.max()) if finite.size and (view.scale == "row" or view.hide_first) else 1.0
        return shown / (top or 1.0)

    def paint_grid(self) -> None:
        """All heads by the measure."""
        seen, body = self.seen, self.body
        if seen is None:
            body.grid.clear("no heads yet")
            body.title("grid", "heads", "")
            return
        measure, values = measure_of(self.measure, seen.tokens), self.grid_values()
        size = f"{seen.layers}×{seen.heads} heads"
        unit = f", {measure.unit}" if measure.unit else ""
        random = self.on == RANDOM and self.measure not in ("norm", "effect")
        diff = self.differs and self.measure != "effect" and not random
        # Of the effect the short name says more: whether it is the loss or KL.
        named = measure.short if self.measure == "effect" else measure.title
        title = f"{size} · {named}{unit}" + (" · A−B" if diff else "")
        if values is None or self.nothing_repeats:
            blank = np.zeros((seen.layers, seen.heads), np.float32)
            body.grid.show(blank, scale=(0, 1), off=self.off, known=False)
            body.ranks.show([], blank, measure, self.off, (0, 0))
            wait = "d switches each head off once" if self.measure == "effect" else "being measured"
            body.title("grid", title, "nothing repeats · x: random" if self.nothing_repeats else wait)
        else:
            ends = self._grid_scale(values, diff)
            signed = diff or self.measure == "effect"
            reached = self.reached
            some = reached is not None and not reached.all()  # a sweep that goes on, or was cancelled
            known = reached if some and reached is not None else True
            body.grid.show(values, scale=ends, diverging=signed, off=self.off, known=known)
            blind = int(np.isnan(values[known]).sum())
            notes = ["on random tokens" if random else "on this text"]
            notes += [f"{blind} head{'' if blind == 1 else 's'} without a number" if blind and self.tokens > 1 else ""]
            if some:
                notes = [f"{int(np.sum(known))} of {values.size} heads", "esc ends it" if self.sweeping else "", *notes]
            notes += ["all heads on" if self.off else ""]
            body.title("grid", title, " · ".join(n for n in notes if n))
            here = (self.place.layer, self.place.head)
            body.ranks.show(self.order(), values, measure, self.off, here)
        self.point_grid()

    def _grid_scale(self, values: NDArray[np.float32], diff: bool) -> tuple[float, float]:
        key = (self.run_name, self.measure, self.on, diff, self.text)
        if key not in self._grid_ends:
            finite = values[np.isfinite(values)]
            top = float(np.abs(finite).max()) if finite.size else 1.0
            if len(self._grid_ends) > 200:
                self._grid_ends.clear()
            self._grid_ends[key] = (0.0, top or 1.0)
        return self._grid_ends[key]

    def point_grid(self) -> None:
        """Puts the cursors of grid and list on the head."""
        here = (self.place.layer, self.place.head)
        if self.body.grid.head != here:
            self.body.grid.go_to(*here)
        order = self.body.ranks.order
        if here in order and order[min(self.body.ranks.cursor, len(order) - 1)] != here:
            self.body.ranks.cursor = order.index(here)

    def paint_head(self) -> None:
        """All measures of the head."""
        found, seen = self.measures or self.measured.get(TEXT), self.seen
        head = (self.place.layer, self.place.head)
        if seen is None or found is None:
            self.body.show_head([])
            self.body.title("head", "head", "")
            return
        values = {**self.measured[TEXT].values, **found.values} if TEXT in self.measured else dict(found.values)
        if self.swept in self.effects and head[0] * seen.heads + head[1] < self.come.get(self.swept, math.inf):
            values["effect"] = self.effects[self.swept]
        self.body.show_head(detail_lines(head, values, found.chance, off=head in self.off, tokens=seen.tokens))
        on = "random tokens" if self.on == RANDOM else "this text"
        alone = " alone" if self.body.pattern.how else ""  # the map shows several as one
        self.body.title("head", f"head {head_text(head)}{alone}", f"{on} · (by chance) · #rank")

    def paint_centre(self) -> None:
        """The view that is shown."""
        body, view = self.body, self.body.centre
        view.show(self.seen, self.place)
        if view is body.pattern:
            body.pattern.draw(
                self.matrix(), self.pictured, lock=(self.run_name, self.who(), self.text), difference=self.differs
            )
            view.subtitle(body.pattern.note() if self.seen is not None else "")
        body.show_tabs(view.about())

    def paint_looks(self) -> None:
        """What the token looks at, the strongest first."""
        seen, at = self.seen, self.place
        pattern = self.pattern("a", at.layer, at.head, self.body.pattern.how) if seen is not None else None
        if seen is None:
            self.body.looks.show([], empty="")
            self.body.title("looks", "looks at", "")
            return
        if pattern is None:  # on its way: what was listed of this text stays, as in the map
            if self._looks_of is not seen:
                self.body.looks.show([], empty="")
            return
        self._looks_of = seen
        row = pattern[at.row, : at.row + 1]
        theirs = self.pattern("b", at.layer, at.head, self.body.pattern.how) if self.differs else None
        order = np.argsort(np.where(np.isnan(row), -1, -row), kind="stable")[:MOST_LOOKS].tolist()
        bars = [
            Bar(
                seen.labels[i],
                float(row[i]),
                float(theirs[at.row, i]) if theirs is not None else None,
                lead=str(i),
                marked=i == at.column,
            )
            for i in order
        ]
        self.looked = order
        self.body.looks.show(bars, cursor=order.index(at.column) if at.column in order else 0, arrow="→")
        self.body.title("looks", f"‘{written(seen.pieces[at.row])}’ looks at", "B→A" if theirs is not None else "")

    looked: list[int] = []  # noqa: RUF012
    """The tokens of the list, as it is sorted."""

    def paint_next(self) -> None:
        """What comes after the token, before and after switching heads off."""
        seen, found = self.seen, self.next
        if seen is None or found is None or found.position != self.place.row:
            if seen is None:
                self._next_bars = []
                self.body.next.show([], empty="")
                self.body.title("next", "next token", "")
            return
        bars = []
        for token, piece, before, after in found.rows:
            note = "" if not found.off or before == after else "▲" if after > before else "▼"
            if self.look.ascii:
                note = {"▲": "^", "▼": "v"}.get(note, note)
            second = before if found.off else None
            bars.append(Bar(written(piece), after, second, note=note, marked=token == found.follows))
        if bars != self._next_bars or not bars:  # another head has the same successors
            self._next_bars = bars
            self.body.next.show(bars, empty="the answer is not a number" if not bars else "")
        self.body.title("next", f"after ‘{written(seen.pieces[found.position])}’ #{found.position}", next_note(found))

    # --- the sentence

    def say(self, text: str, *, rows: int = 1) -> None:
        """Says something that stays until a person moves, whatever answers come meanwhile."""
        super().say(text, rows=rows)
        self._said = text

    def say_here(self) -> None:
        """What is under the cursor, in words."""
        if self.seen is not None and not self.typing:
            self.say(sentence_of(self))
            self._said = ""

    def say_what_came(self) -> None:
        """The same, unless something was said that should be read."""
        if not self._said:
            self.say_here()

    def moved(self, place: Place, *, by_person: bool = True) -> None:
        """The cursor is at another place: whatever follows it is painted."""
        seen = self.seen
        if seen is None:
            self.place = place
            return
        old, self.place = self.place, place.inside(seen.layers, seen.heads, seen.tokens)
        if place.column > place.row and self.body.centre is self.body.pattern:
            self.place = self.place.at(column=min(place.column, seen.tokens - 1))  # a masked cell can be visited
        if (old.layer, old.head) != (self.place.layer, self.place.head):
            self.point_grid()
            self.paint_head()
        self.paint_place()
        if by_person:
            self.say_here()
        else:
            self.say_what_came()
