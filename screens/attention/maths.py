"""The view *Maths*: one head and one token, step by step with the actual numbers; then the rest, and simpler forms.

What is worked out is the affair of ``core.model.parts``; here it is asked for in a thread and
shown. ``,`` and ``.`` step, ``o`` goes from the head to the rest of the block, the loss, and the forms of a course.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, final

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.timer import Timer

from core.errors import LabError
from screens.attention.centre import CentreView
from screens.attention.maths_parts import PARTS, PartsLine, command_of, python_of
from screens.attention.seen import Place, Seen
from screens.attention.takeaway_text import steps_text
from screens.attention.view import figure, written
from screens.guard import as_lab_error, guarded
from screens.widgets.math_steps import MathSteps
from screens.widgets.ramps import Look
from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from core.model.worked import Step

LATE = 0.15
"""Seconds after which it is said that numbers are on their way."""
SETTLED = 0.06
"""Seconds that the cursor rests before its numbers are worked out."""


@dataclass(frozen=True)
class Wanted:
    """What is worked out."""

    seen: Seen
    place: Place
    part: str

    def same_as(self, other: Wanted | None) -> bool:
        """Whether the other asks for the same numbers."""
        if other is None or self.seen is not other.seen or self.part != other.part:
            return False
        mine, theirs = self.place, other.place
        if self.part == "loss":
            return mine.row == theirs.row
        if self.part == "block":
            return (mine.row, mine.layer) == (theirs.row, theirs.layer)
        return mine == theirs


def work_out(wanted: Wanted) -> list[Step]:
    """The steps; for worker threads.

    Raises:
        LabError: what ``core`` says of a place that is not there.
    """
    from core.generation.prompts import piece
    from core.model.parts import steps_of

    seen, at = wanted.seen, wanted.place

    def word(token: int) -> str:
        return written(piece(seen.loaded.tokenizer, token, seen.ids[at.row]))

    changes = seen.trace.changes  # a pass of its own that shares the layers: nobody waits for a lock meanwhile
    own = seen.trace.again(scale=changes.factors, patch=changes.patches)
    return steps_of(own, wanted.part, at.layer, at.head, at.row, column=at.column, tokens=seen.labels, word=word)


@final
class MathsView(CentreView):
    """Which part, and its steps."""

    NAME = "maths"

    class Worked(Message):
        """The steps came, or why they could not."""

        def __init__(self, wanted: Wanted, found: list[Step] | LabError) -> None:
            super().__init__()
            self.wanted = wanted
            self.found = found

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.part = PARTS[0]
        self.worked: Wanted | None = None
        """Whose numbers are shown."""
        self._wanted: Wanted | None = None
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The parts, the steps."""
        yield PartsLine(id="a-maths-parts")
        yield MathSteps(id="a-maths-steps")

    @property
    def steps(self) -> MathSteps:
        """The steps."""
        return self.query_one(MathSteps)

    @property
    def target(self) -> MathSteps:
        """The steps."""
        return self.steps

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        super().wear(look)
        self.steps.wear(look)

    def about(self) -> str:
        """What is worked out, and where."""
        who = {"block": f"L{self.place.layer}", "loss": "all layers", "simple": "no weights"}
        where = who.get(self.part, super().about())
        if self.seen is None:
            return where
        return f"{where} · ‘{written(self.seen.pieces[self.place.row])}’ #{self.place.row}"

    def show(self, seen: Seen | None, place: Place) -> None:
        """Another text, model or place."""
        super().show(seen, place)
        if seen is None:
            self._wanted = self.worked = None
            self.steps.show(())
        elif self.shown:
            self._subtitle()
            self._ask(Wanted(seen, place, self.part))

    def choose(self, part: str) -> None:
        """Another part."""
        if part != self.part:
            self.part = part
            self.query_one(PartsLine).show(part)
            if self.seen is not None:
                self._ask(Wanted(self.seen, self.place, part))
            self.post_message(self.Moved(self.place))  # the title says what is worked out

    def other(self, by: int) -> bool:
        """The next part, or the one before."""
        self.choose(PARTS[(PARTS.index(self.part) + by) % len(PARTS)])
        return True

    @on(PartsLine.Chosen)
    def _chosen(self, event: PartsLine.Chosen) -> None:
        event.stop()
        self.choose(event.part)

    @property
    def stale(self) -> bool:
        """Whether other numbers are shown than those that are wanted."""
        return self._wanted is not None and not self._wanted.same_as(self.worked)

    def _subtitle(self) -> None:
        keys = ", . step · o another part · right: the rest of a line"
        if self.shown:
            self.subtitle(f"{self.look.symbols.waiting} being worked out" if self.stale else keys)

    # --- asking

    def _ask(self, wanted: Wanted) -> None:
        if wanted.same_as(self._wanted):
            return
        self._wanted = wanted
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(SETTLED if self.worked is not None else 0.001, self._start)

    def _start(self) -> None:
        if self._wanted is not None:
            self.set_timer(LATE, self._subtitle)
            work = partial(self._in_thread, self._wanted)
            self.run_worker(
                work, thread=True, group="maths", exclusive=True, exit_on_error=False, description="work out the steps"
            )

    def _in_thread(self, wanted: Wanted) -> None:
        if self._wanted is not wanted:
            return
        try:
            found: list[Step] | LabError = work_out(wanted)
        except MemoryError:
            found = LabError("there is not enough memory to work this out", "a shorter text, or another part (o)")
        except Exception as error:
            found = as_lab_error(error)
        self.post_message(self.Worked(wanted, found))

    @on(Worked)
    @guarded
    def _came(self, message: MathsView.Worked) -> None:
        message.stop()
        if self._wanted is not message.wanted:
            return
        if isinstance(message.found, LabError):
            self.steps.empty_text = f"{message.found.title} · {message.found.hint}"
            self.steps.show(())
            return
        another = self.worked is None or self.worked.part != message.wanted.part
        self.worked = message.wanted
        self._subtitle()
        self.steps.show(message.found, step=0 if another else None)
        self.post_message(self.Said(self.sentence()))

    # --- what is said, stepped and taken away

    def sentence(self) -> str:
        """The current step in words."""
        steps = self.steps.steps
        if not steps or self.worked is None:
            return ""
        step = steps[self.steps.step]
        said = f"step {self.steps.step + 1} of {len(steps)} · {step.title} · {step.why}"
        check = steps[-1].check
        if self.steps.step == len(steps) - 1 and check is not None:
            return f"{self._weight()}{check.text}"
        return said

    def _weight(self) -> str:
        """The weight that the pattern's cell shows, where a head is worked out."""
        if self.worked is None or self.worked.part != "head":
            return ""
        found = {one.name: one.values for step in self.steps.steps for one in getattr(step, "numbers", ())}
        at, seen = self.worked.place, self.worked.seen
        weights = found.get("weights", ())
        if at.column >= len(weights):
            return ""
        asks, looked = written(seen.pieces[at.row]), written(seen.pieces[at.column])
        return f"from ‘{asks}’ to ‘{looked}’ · weight {figure(weights[at.column])} · "

    def step(self, by: int) -> bool:
        """The step before or after."""
        self.steps.step_by(by)
        return True

    @on(MathSteps.StepChanged)
    def _stepped(self, event: MathSteps.StepChanged) -> None:
        event.stop()
        self.post_message(self.Said(self.sentence()))

    def take_away(self) -> TakeAwayRequest | None:
        """The steps as Python, command and numbers."""
        shown = self.worked
        if shown is None or not self.steps.steps:
            return None
        at = shown.place
        steps: list[Step] = list(self.steps.steps)  # type: ignore[arg-type]
        rows = [
            (i, s.title, one.name, j, v)
            for i, s in enumerate(steps, 1)
            for one in s.numbers
            for j, v in enumerate(one.values)
        ]
        return TakeAwayRequest(
            what=f"maths-{shown.part.replace(' ', '-')}-l{at.layer}-h{at.head}-{at.row}",
            python=python_of(shown.seen, at, shown.part),
            command=shlex.join(command_of(shown.seen, at, shown.part)),
            data={
                "model": shown.seen.spec,
                "text": shown.seen.text,
                "part": shown.part,
                "layer": at.layer,
                "head": at.head,
                "row": at.row,
                "column": at.column,
                "steps": [step.to_dict() for step in steps],
            },
            table=(("number", "step", "name", "index", "value"), rows),
            text=partial(steps_text, steps),
            pane=self.parent,  # type: ignore[arg-type]
        )


__all__ = ["PARTS", "MathsView", "Wanted", "work_out"]
