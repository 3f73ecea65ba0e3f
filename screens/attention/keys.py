"""What the keys of the attention screen do: panes, views, heads, layers, scale, measure.

Abstract: ``AttentionScreen`` completes it.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from textual.binding import Binding, BindingType

from screens.attention.ablating import Ablating
from screens.attention.panes import PANES
from screens.attention.reader import RANDOM, TEXT
from screens.attention.saying import MEASURING, head_sentence
from screens.attention.view import HOW, NAMES, SCALE_WORDS, SCALES, VIEWS, measure_of, telling_head
from screens.widgets.choose import Choice, Choose

if TYPE_CHECKING:
    from screens.attention.seen import Place


class AttentionKeys(Ablating):
    """The verbs that start no work of their own."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit", "Prompt", id="attention.edit", tooltip="edit the text; it is traced as you type"),
        Binding("v", "view(1)", "View", id="attention.view", tooltip="pattern, maths, lens, through time"),
        Binding("a", "ablate", "Ablate", id="attention.ablate", tooltip="switch this head off, or on again"),
        Binding("n", "next_head(1)", "Next head", id="attention.next", tooltip="the next head by the measure"),
        Binding("m", "measure(1)", "Measure", id="attention.measure", tooltip="what the grid says of each head"),
        Binding("f", "hide_first", "Hide first", id="attention.first", tooltip="hide the first column, rescale"),
        Binding("full_stop", "step(1)", "Step", key_display=", .", id="attention.forward", tooltip="one step on"),
        Binding("comma", "step(-1)", show=False, id="attention.back", tooltip="one step back"),
        Binding("o", "other(1)", show=False, id="attention.other", tooltip="Maths: another part; Time: other curves"),
        Binding("O", "other(-1)", show=False, id="attention.other-back", tooltip="the part or the curves before"),
        Binding("E", "texts", show=False, id="attention.texts", tooltip="texts that show known heads"),
        Binding("V", "view(-1)", show=False, id="attention.view-back", tooltip="the view before"),
        Binding("N", "next_head(-1)", show=False, id="attention.previous", tooltip="the head before, by the measure"),
        Binding("M", "measure(-1)", show=False, id="attention.measure-back", tooltip="the measure before"),
        Binding("S", "sort", show=False, id="attention.sort", tooltip="heads sorted by the measure, or as a grid"),
        Binding("x", "on_random", show=False, id="attention.on",
                tooltip="measure on this text, or on repeated random tokens"),
        Binding("p,shift+right", "head(1)", show=False, id="attention.head", tooltip="the next head of the layer"),
        Binding("P,shift+left", "head(-1)", show=False, id="attention.head-back", tooltip="the head before"),
        Binding("u,shift+down", "layer(1)", show=False, id="attention.layer", tooltip="the next layer"),
        Binding("U,shift+up", "layer(-1)", show=False, id="attention.layer-back", tooltip="the layer before"),
        Binding("L", "ablate_layer", show=False, id="attention.ablate-layer", tooltip="the whole layer off, or on"),
        Binding("B", "ablate_others", show=False, id="attention.ablate-others", tooltip="all heads but this one off"),
        Binding("A", "all_on", show=False, id="attention.all-on", tooltip="all heads on"),
        Binding("d", "sweep", show=False, id="attention.sweep", tooltip="switch each head off once; again: cancel"),
        Binding("s", "scale", show=False, id="attention.scale", tooltip="scale: linear, logarithm, each row"),
        Binding("t", "together", show=False, id="attention.together",
                tooltip="one head, or the layer's heads together: mean, largest, rollout"),
        Binding("c", "compare", show=False, id="attention.compare", tooltip="A minus B, or A alone"),
        Binding("r", "again", show=False, id="attention.again", tooltip="trace again, with scales of its own"),
        Binding("tab", "tab(1)", show=False, id="attention.next-pane", tooltip="next pane"),
        Binding("shift+tab", "tab(-1)", show=False, id="attention.previous-pane", tooltip="previous pane"),
    ]  # fmt: skip

    @abstractmethod
    def show_text(self, text: str) -> None:
        """Another text."""

    # --- panes and views

    def panes_here(self) -> list[str]:
        """The panes that the focus goes through now: the right ones are folded where the centre takes their room."""
        body = self.body
        folded = body.view != "pattern" and "-normal" in self.lab_size and "-short" not in self.lab_size
        return [pane for pane in PANES if not (folded and pane in ("looks", "next"))]

    def action_next_pane(self, by: int) -> None:
        """The next pane, or the one before."""
        panes = self.panes_here()
        at = panes.index(self.body.pane) if self.body.pane in panes else 0
        self.go_to_pane(panes[(at + by) % len(panes)])

    def go_to_pane(self, pane: str) -> None:
        """Gives a pane the focus."""
        if self.maximized is not None:
            self.minimize()
        self.body.go_to_pane(pane)
        self.say_here()

    def action_view(self, by: int) -> None:
        """The next view of the centre."""
        self.show_view(VIEWS[(VIEWS.index(self.body.view) + by) % len(VIEWS)])

    def show_view(self, view: str) -> None:
        """One of the views."""
        body = self.body
        had = body.pane
        body.show_view(view)
        body.centre.subtitle("")  # what stands there is the view's
        self.paint_centre()
        if had == "centre" or had not in self.panes_here():
            self.go_to_pane("centre")
        self.say(f"view: {view}")
        if own := body.centre.sentence():
            self.say(own)

    def action_step(self, by: int) -> None:
        """One step in the view; in the pattern the token before or after."""
        if self.seen is not None and not self.body.centre.step(by):
            self.go_to_row(self.place.row + by)

    def action_other(self, by: int) -> None:
        """What else the view can show, wherever the focus is."""
        if not self.body.centre.other(by):
            self.say("there is one picture here: v goes to maths, which has parts, and time, which has curves")

    def go_to_row(self, row: int, *, by_person: bool = True) -> None:
        """Another token asks; the column goes to what it looks at most."""
        seen = self.seen
        if seen is None:
            return
        row = max(0, min(row, seen.tokens - 1))
        pattern = self.pattern("a", self.place.layer, self.place.head, self.body.pattern.how)
        column = min(self.place.column, row)
        if pattern is not None and np.isfinite(pattern[row, : row + 1]).all():
            column = int(pattern[row, : row + 1].argmax())
        self.moved(self.place.at(row=row, column=column), by_person=by_person)

    # --- heads

    def action_head(self, by: int) -> None:
        """The next head of the layer, or the one before."""
        if self.seen is not None:
            self.moved(self.place.at(head=(self.place.head + by) % self.seen.heads))

    def action_layer(self, by: int) -> None:
        """The same head of the next layer, or of the one before."""
        if self.seen is not None:
            self.moved(self.place.at(layer=(self.place.layer + by) % self.seen.layers))

    def action_next_head(self, by: int) -> None:
        """The next head in the order of the measure."""
        order, here = self.order(), (self.place.layer, self.place.head)
        if not order:
            self.say("d switches each head off once" if self.measure == "effect" else MEASURING)
            return
        layer, head = order[(order.index(here) + by) % len(order)]
        self.moved(self.place.at(layer=layer, head=head))
        self.say(head_sentence(self))

    def action_measure(self, by: int) -> None:
        """The next measure."""
        self.set_measure(NAMES[(NAMES.index(self.measure) + by) % len(NAMES)])

    def action_sort(self) -> None:
        """The heads as a list by the measure, or as a grid."""
        body = self.body
        focused = body.pane == "grid"
        body.sort(not body.sorted)
        self.keep()
        self.paint_grid()
        if focused:
            self.go_to_pane("grid")
        self.say(f"heads by {measure_of(self.measure).title}" if body.sorted else "heads as a grid")

    def action_on_random(self) -> None:
        """Measured on this text, or on repeated random tokens."""
        self.on = TEXT if self.on == RANDOM else RANDOM
        if self.on == RANDOM:
            self.measure_random()
        self.paint_grid()
        self.paint_head()
        self.say("measured on repeated random tokens" if self.on == RANDOM else "measured on this text")

    def go_to_best(self) -> None:
        """To the head that the measure puts first on this text, as soon as that is known."""
        self._go_first("best")

    def go_to_telling(self) -> None:
        """To the head whose picture tells most, which is where the screen opens."""
        self._go_first("telling")

    def _go_first(self, which: Literal["best", "telling"]) -> None:
        seen, measures, order = self.seen, self.measured.get(TEXT), self.order()
        self._fresh = which if seen is None or seen.text != self.text or measures is None else ""
        if measures is None or self._fresh:
            return
        told = telling_head(measures.values) if which == "telling" else None
        head = told or (order[0] if order else None)
        if head is not None:
            self._find_column = self.pattern("a", *head, "") is None
            self.moved(self.place.at(layer=head[0], head=head[1]), by_person=False)
            self.go_to_row(self.place.row, by_person=False)

    def moved(self, place: Place, *, by_person: bool = True) -> None:
        """The cursor is at another place; where a person put it, it stays."""
        if by_person and (place.layer, place.head) != (self.place.layer, self.place.head):
            self._fresh = ""
        super().moved(place, by_person=by_person)

    @property
    def settled(self) -> bool:
        """Whether the head that is shown stays until a person moves: the screen goes nowhere by itself any more."""
        return not self._fresh

    _fresh: Literal["best", "telling", ""] = "telling"
    """Which head is still to be gone to."""
    _find_column = False
    """Whether the column that the row looks at most is still to be gone to."""

    # --- how it is drawn

    def action_scale(self) -> None:
        """Linear, logarithmic, each row by its largest."""
        self.set_scale(SCALES[(SCALES.index(self.body.pattern.scale) + 1) % len(SCALES)])

    def set_scale(self, scale: str) -> None:
        """One of the scales."""
        self.body.pattern.scale = scale
        self.keep()
        self.paint_strip()
        self.paint_centre()
        self.say(SCALE_WORDS[scale])

    def action_hide_first(self) -> None:
        """Without the first column, which many heads look at when they have nothing to look at."""
        view = self.body.pattern
        view.hide_first = not view.hide_first
        self.keep()
        self.paint_strip()
        self.paint_centre()
        self.say("the first column is hidden, the scale ends at the largest of the others" if view.hide_first
                 else "the first column is shown")  # fmt: skip

    def action_together(self) -> None:
        """One head, or the layer's heads together."""
        self.set_together(HOW[(HOW.index(self.body.pattern.how) + 1) % len(HOW)])

    def set_together(self, how: str) -> None:
        """One of the ways to see several heads as one; empty: one head."""
        self.body.pattern.how = how
        self.keep()
        self.paint_head()
        self.paint_place()
        said = {
            "": "one head",
            "mean": "the mean of the layer's heads",
            "max": "the largest weight of the layer's heads; rows no longer add up to 1",
            "rollout": "rollout: what has come to a token through all layers up to this one (Abnar and Zuidema, 2020)",
        }
        self.say(said[how])

    def action_texts(self) -> None:
        """Texts that show known heads."""
        from screens.attention.prompt import TEXTS

        choices = [Choice(text, f"{text}\n   {about}") for text, about in TEXTS]

        def chosen(text: str | None) -> None:
            if text is not None:
                self.show_text(text)

        self.app.push_screen(Choose("texts that show known heads", choices, current=self.text), chosen)

    def release(self) -> bool:
        """Lets go of one pinned thing."""
        return any(view.release() for view in self.body.views if view.display) or self.body.strip.release()
