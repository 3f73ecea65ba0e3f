"""What the attention screen shows, as values: the pattern, the measure of all heads, the difference of two models.

Also how it was drawn the last time. Abstract: ``AttentionScreen`` completes it.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from core.shelf import split_spec
from screens.attention.engine import AttentionEngine
from screens.attention.reader import TEXT
from screens.attention.view import HOW, HOW_WORDS, NAMES, SCALES, head_text, measure_of, ranked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.workbench import Workbench
    from screens.attention.panes import AttentionBody
    from screens.attention.seen import Head


class Shown(AttentionEngine):
    """The part of the screen that knows what is on it."""

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.measure = "entropy"
        self.effects: dict[object, NDArray[np.float32]] = {}
        """What each head's absence does to a text, of the texts that were swept."""
        self.come: dict[object, int] = {}
        """To how many heads each sweep has come, in the order of the model."""

    # --- to be completed

    @property
    @abstractmethod
    def body(self) -> AttentionBody:
        """The panes."""

    # --- what is shown

    @property
    def run_name(self) -> str:
        """The model without its step: its checkpoints share their scales."""
        return split_spec(self.workbench.a)[0]

    @property
    def swept(self) -> object:
        """By what the effects on this text are found."""
        return (self.seen.spec, self.seen.stamp, self.seen.ids) if self.seen is not None else None

    def matrix(self) -> NDArray[np.float32] | None:
        """What the map shows: a pattern, or the difference of two; None while it is on its way."""
        at, how = self.place, self.body.pattern.how
        mine = self.pattern("a", at.layer, at.head, how)
        if not self.differs:
            return mine
        theirs = self.pattern("b", at.layer, at.head, how)
        if mine is None or theirs is None:
            return None
        if self._difference[0] != self.pictured:
            self._difference = (self.pictured, mine - theirs)
        return self._difference[1]

    @property
    def pictured(self) -> object:
        """What the map shows, to be known again: the texts (by identity), the head, the way."""
        at = self.place
        return (self.seen, self.other if self.differs else None, at.layer, at.head, self.body.pattern.how)

    _difference: tuple[object, NDArray[np.float32]] = (None, np.zeros((0, 0), np.float32))

    @property
    def reached(self) -> NDArray[np.bool_] | None:
        """Which heads the sweep of this text has come to, (L, H), where the effect is shown; None: all are known."""
        seen = self.seen
        if seen is None or self.measure != "effect":
            return None
        places = np.arange(seen.layers * seen.heads).reshape(seen.layers, seen.heads)
        return np.asarray(places < self.come.get(self.swept, places.size))

    @property
    def sweeping(self) -> bool:
        """Whether a sweep goes on."""
        return False

    @property
    def differs(self) -> bool:
        """Whether the difference of A and B is shown: both are there and have the same tokens and heads."""
        a, b = self.seen, self.other
        if not self.comparing or a is None or b is None:
            return False
        return a.ids == b.ids and (a.layers, a.heads) == (b.layers, b.heads)

    def grid_values(self) -> NDArray[np.float32] | None:
        """The measure of all heads, or its difference; None while it is not known."""
        seen = self.seen
        if seen is None:
            return None
        if self.measure == "effect":
            return self.effects.get(self.swept)
        found = self.measures
        if found is None or self.measure not in found.values:
            found = self.measured.get(TEXT)  # what has no random counterpart
        values = found.values.get(self.measure) if found is not None else None
        theirs = self.measured.get("b")
        if values is not None and self.differs and theirs is not None and self.on == TEXT:
            return values - theirs.values[self.measure]
        return values

    def order(self) -> list[Head]:
        """The heads in the order of the measure."""
        values = self.grid_values()
        return [] if values is None else ranked(values, measure_of(self.measure).rising)

    @property
    def nothing_repeats(self) -> bool:
        """Whether the measure is about repeated tokens and the text has none."""
        found = self.measures
        known = found is not None and self.measure in found.chance
        return known and found is not None and found.chance[self.measure] != found.chance[self.measure]

    @property
    def tokens(self) -> int:
        """Tokens of the text that is shown."""
        return self.seen.tokens if self.seen is not None else 0

    def who(self) -> str:
        """The head, or the heads together, that are looked at."""
        how = self.body.pattern.how
        return f"L{self.place.layer} {HOW_WORDS[how]}" if how else head_text((self.place.layer, self.place.head))

    # --- the last time

    def keep(self) -> None:
        """Remembers how things are drawn, for the next time."""
        settings = getattr(self.app, "settings", None)
        if settings is not None:
            view = self.body.pattern
            settings.views["attention"] = {
                "measure": self.measure, "scale": view.scale, "how": view.how, "hide_first": view.hide_first,
                "sorted": self.body.sorted,
            }  # fmt: skip
            self.app.save_soon()  # type: ignore[attr-defined]

    def recall(self) -> None:
        """Draws as the last time; what a newer version or a hand wrote is left out."""
        settings = getattr(self.app, "settings", None)
        kept = settings.views.get("attention") if settings is not None else None
        if not isinstance(kept, dict):
            return
        view = self.body.pattern
        if kept.get("measure") in NAMES and kept["measure"] != "effect":  # nobody has asked for a sweep yet
            self.measure = kept["measure"]
        if kept.get("scale") in SCALES:
            view.scale = kept["scale"]
        if kept.get("how") in HOW:
            view.how = kept["how"]
        view.hide_first = kept.get("hide_first") is True
        self.body.sort(kept.get("sorted") is True)
