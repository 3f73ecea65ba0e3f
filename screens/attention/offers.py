"""What the attention screen offers as every screen does: to take away, a lesson, the palette.

Abstract: ``AttentionScreen`` completes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from textual.binding import Binding

from core.model.parts import PARTS
from screens.attention.history import CURVES, Curves
from screens.attention.keys import AttentionKeys
from screens.attention.lessons import LessonNumbers, lesson_of
from screens.attention.maths import MathsView
from screens.attention.prompt import TEXTS, TWICE
from screens.attention.reader import TEXT
from screens.attention.takeaway import take_away_of
from screens.attention.through_time import TimeView
from screens.attention.view import HOW, HOW_WORDS, MEASURES, SCALE_WORDS, SCALES, VIEWS
from screens.widgets.lesson import LessonView
from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from core.workbench import Workbench
    from screens.base import Command


class AttentionOffers(AttentionKeys):
    """The part of the screen that tells and gives."""

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.lesson_numbers = LessonNumbers()

    def take_away(self) -> TakeAwayRequest | None:
        """This view as Python, command, numbers, picture."""
        return take_away_of(self)

    def lesson(self) -> LessonView:
        """L3 or L4 with the numbers under the cursor."""
        return lesson_of(self)

    def action_view_named(self, view: str) -> None:
        """A view of the centre, by its name."""
        self.show_view(view)

    def show_part(self, part: str) -> None:
        """Something in Maths."""
        self.query_one(MathsView).choose(part)
        self.show_view("maths")

    def show_curves(self, curves: Curves) -> None:
        """Measures in Time."""
        self.query_one(TimeView).choose(curves)
        self.show_view("time")

    def action_try_block(self) -> None:
        """The rest of the block, step by step."""
        self.show_part("block")

    def action_try_induction(self) -> None:
        """A message said twice, the measure of who looks at what followed, and the head that does so most."""
        self.on = TEXT
        self.show_view("pattern")
        self.set_together("")
        self.set_measure("induction")
        self.show_text(TWICE)
        self.go_to_best()

    def action_try_ablation(self) -> None:
        """This head off, if it is not."""
        if (self.place.layer, self.place.head) not in self.off:
            self.action_ablate()

    def commands(self) -> Iterable[Command]:
        """Every key has an entry, and every measure, view and text one."""
        for binding in AttentionKeys.BINDINGS:
            if isinstance(binding, Binding) and binding.tooltip and not (binding.id or "").endswith("-pane"):
                key = binding.key_display or {"full_stop": ".", "comma": ","}.get(binding.key, binding.key)
                yield binding.tooltip.capitalize(), key, partial(self.run_action, binding.action)
        for view in VIEWS:
            yield f"View: {view}", "v", partial(self.show_view, view)
        for measure in MEASURES:
            yield (
                f"Measure: {measure.title}",
                f"m: {measure.about}{f' ({measure.source})' if measure.source else ''}",
                partial(self.set_measure, measure.name),
            )
        for scale in SCALES:
            yield f"Scale: {SCALE_WORDS[scale]}", "s", partial(self.set_scale, scale)
        for how in HOW:
            yield f"Heads together: {HOW_WORDS.get(how, 'one head')}", "t", partial(self.set_together, how)
        for part, about in PARTS.items():
            yield f"Maths: {part}", f"o: {about}", partial(self.show_part, part)
        for curves in CURVES:
            yield f"Time: {', '.join(curves.names)} {curves.title}", "o", partial(self.show_curves, curves)
        for text, about in TEXTS:
            yield f"Text: {text}", about, partial(self.show_text, text)
