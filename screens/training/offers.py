"""What the dashboard offers beside its panes: the view to take away, the lesson, lines of the palette."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from screens.training.takeaway import lesson_values, take_away_of
from screens.training.time_keys import TimeKeys
from screens.widgets.lesson import LessonView
from screens.widgets.take_away import TakeAwayRequest


class TrainingOffers(TimeKeys):
    """The part of the screen that is about what leaves it."""

    def take_away(self) -> TakeAwayRequest | None:
        """The run as Python, command, numbers."""
        return take_away_of(self.reading, self.body.plot) if self.reading else None

    def lesson(self) -> LessonView:
        """L5 with the numbers of the shown run, at the step of the time machine."""
        values = lesson_values(self.reading.detail if self.reading else None, self.body.time.target)
        tries = (
            ("start a run whose rate is ten times higher", "try_high_rate"),
            ("draw the loss as a logarithm", "log"),
        )
        return LessonView("L5", values, tries)

    def commands(self) -> Iterable[tuple[str, str, Callable[[], Any]]]:
        """Every key has an entry, and deleting has one that no key has."""
        yield "New training run", "n", self.action_new_run
        yield "Pause, go on, resume or extend this run", "p", self.action_pause
        yield "Checkpoint now", "b", self.action_checkpoint
        yield "Stop this run", "x", self.action_stop
        yield "Compare: lay this run over the others", "c", self.action_overlay
        yield "Measure: next (loss, gradient norm, learning rate, tokens/s)", "m", self.action_measure
        yield "Axis: steps, tokens or time", "s", self.action_axis
        yield "Axis: logarithmic loss", "L", self.action_log
        yield "Smoothing: none, light, usual, heavy", "S", self.action_smoothing
        yield "Reference lines: published losses", "R", self.action_references
        yield "Axis: newest point or planned end", "f", self.action_whole
        yield "View: samples or log", "v", self.action_view
        yield "Open run or folder of runs…", "o", self.action_open
        yield "Extend run to more steps…", "p on a finished run", self.action_extend
        for run in self.reading.runs if self.reading else ():
            yield f"Open run {run.name}", f"{run.state}", partial(self.show_run, run.path)
        yield "Delete run…", "moves it to the trash; asks for its name", self.action_delete
