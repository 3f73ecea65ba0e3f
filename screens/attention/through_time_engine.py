"""What the view *Time* asks of a run, in threads: its heads step by step, and the map of one head at one step.

Abstract: ``TimeView`` completes it. Each answer carries what it answers; one that comes too late is dropped.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message
from textual.timer import Timer

from core.errors import LabError
from screens.attention.centre import CentreView
from screens.attention.history import Glance, History, Patterns, watch
from screens.attention.seen import Place, Seen
from screens.guard import as_lab_error, guarded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.model.through_time import StepProfiles, StepSkipped

SETTLED = 0.06
"""Seconds that the line rests at a step before its weights are read."""


class TimeEngine(CentreView):
    """Questions and answers."""

    class Found(Message):
        """A thread found something out of a run."""

        def __init__(self, history: History, found: Glance | StepProfiles | StepSkipped) -> None:
            super().__init__()
            self.history = history
            self.found = found

    class Ended(Message):
        """There is no more to find out, or it could not go on."""

        def __init__(self, history: History, error: LabError | None) -> None:
            super().__init__()
            self.history = history
            self.error = error

    class Drawn(Message):
        """The pattern at a step came, or why it could not."""

        def __init__(self, asked: tuple[Seen, Place, int], found: NDArray[np.float32] | LabError) -> None:
            super().__init__()
            self.asked = asked
            self.found = found

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.history: History | None = None
        self.pattern: NDArray[np.float32] | None = None
        """What is drawn, (T, T)."""
        self.drawn: tuple[Seen, Place, int] | None = None
        """Of which text, head and step that is."""
        self.patterns = Patterns()
        self._asked: tuple[Seen, Place, int] | None = None
        self._timer: Timer | None = None

    # --- to be completed

    @property
    @abstractmethod
    def at(self) -> int | None:
        """The step that is looked at: the chosen one, or the newest."""

    @abstractmethod
    def history_came(self) -> None:
        """More is known of the run."""

    @abstractmethod
    def pattern_came(self, error: LabError | None) -> None:
        """The map of the step that is looked at came, or why it could not."""

    # --- a run

    def follow(self, seen: Seen) -> bool:
        """Begins to measure the run that a text's model belongs to, unless that is done already; whether it began."""
        wanted = History.of_seen(seen)
        if self.history is not None and (self.history.run, self.history.ids) == (wanted.run, wanted.ids):
            return False
        self.give_up()
        self.history = wanted
        work = partial(self._watch, wanted)
        self.run_worker(work, thread=True, group="time", exit_on_error=False, description="measure the heads of a run")
        return True

    def give_up(self) -> None:
        """Measures no further, and forgets what was."""
        if self.history is not None:
            self.history.cancel.set()
        self.history = self.pattern = self.drawn = self._asked = None

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        if self.history is not None:
            self.history.cancel.set()

    def _watch(self, history: History) -> None:
        error = watch(history, lambda found: self.post_message(self.Found(history, found)))
        self.post_message(self.Ended(history, error))

    @on(Found)
    @guarded
    def _found(self, message: TimeEngine.Found) -> None:
        message.stop()
        if message.history is self.history:
            self.history.take(message.found)
            self.history_came()

    @on(Ended)
    @guarded
    def _ended(self, message: TimeEngine.Ended) -> None:
        message.stop()
        if message.history is self.history:
            self.history.end(message.error)
            self.history_came()

    # --- the map of a step

    def ask_pattern(self) -> None:
        """Asks for the map of the head at the step that is looked at, unless that is on its way or there."""
        step = self.at
        if self.seen is None or step is None or step not in (self.history.steps if self.history else ()):
            return
        head = Place(self.place.layer, self.place.head)
        asked = (self.seen, head, step)
        if self._asked is not None and self._asked[0] is asked[0] and self._asked[1:] == asked[1:]:
            return
        self._asked = asked
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(SETTLED if self.drawn is not None else 0.001, self._read)

    def _read(self) -> None:
        if self._asked is not None and self.history is not None:
            work = partial(self._in_thread, self._asked, f"{self.history.run}@{self._asked[2]}")
            self.run_worker(
                work, thread=True, group="time map", exclusive=True, exit_on_error=False, description="read a step"
            )

    def _in_thread(self, asked: tuple[Seen, Place, int], spec: str) -> None:
        if self._asked is not asked:
            return
        try:
            found: NDArray[np.float32] | LabError = self.patterns.at(spec, asked[0], asked[1])
        except Exception as error:  # a step that is pruned or half written while it is read
            found = as_lab_error(error)
        self.post_message(self.Drawn(asked, found))

    def _drawn_before(self, asked: tuple[Seen, Place, int]) -> bool:
        """Whether the map shows that already, of a step that is not kept any more."""
        if self.drawn is None or self.history is None or asked[2] in self.history.there:
            return False
        return self.drawn[1:] == asked[1:] and self.drawn[0].ids == asked[0].ids

    @on(Drawn)
    @guarded
    def _came(self, message: TimeEngine.Drawn) -> None:
        message.stop()
        if self._asked is not message.asked:
            return
        failed = isinstance(message.found, LabError)
        if failed and self._drawn_before(message.asked):
            return  # its weights were pruned meanwhile: what is drawn is still what they said
        self.pattern, self.drawn = (None, None) if failed else (message.found, message.asked)  # type: ignore[assignment]
        self.pattern_came(message.found if isinstance(message.found, LabError) else None)
