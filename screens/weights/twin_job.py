"""The comparison of the twins as the weights screen asks for it: a job in a process of its own, and its answer.

Abstract: ``WeightsScreen`` completes it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message

from core.errors import LabError
from core.keras_twin.report import THRESHOLD, TwinReport
from screens.guard import as_lab_error, guarded
from screens.weights.changes import WeightChanges
from screens.weights.twin import TwinPane
from screens.widgets.choose import Choice, Choose

if TYPE_CHECKING:
    from core.workbench import Workbench
    from screens.widgets.jobs import Job

THRESHOLDS = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3)


class TwinsCompared(Message):
    """The twins were compared, or why they were not."""

    def __init__(self, number: int, found: TwinReport | LabError | None) -> None:
        super().__init__()
        self.number = number
        self.found = found
        """None: it was cancelled."""


class WeightTwin(WeightChanges):
    """The part of the screen that compares the twins."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "t", "twin", "Keras twin", id="weights.twin", tooltip="PyTorch and Keras on the shared prompt; cancels"
        ),
    ]

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self._twin_job: Job | None = None
        self._twin_number = 0
        self._twin_threshold = THRESHOLD

    @property
    def comparing_twins(self) -> bool:
        """Whether a comparison is on its way."""
        return self._twin_job is not None and self._twin_job.state == "running"

    def action_twin(self) -> None:
        """Compares the twins of the shown model; while that goes on, cancels it."""
        if self.body.page != "twin":
            self.show_page("twin")
        if self.comparing_twins and self._twin_job is not None:
            self._twin_job.cancel()
            return
        self._twin_number += 1
        cancelled = threading.Event()
        spec, text = self.spec, self.workbench.prompt
        job = self._twin_job = self.jobs.add(f"twins of {spec}", cancelled.set)
        job.brief = True
        job.in_sight = lambda: self.is_current and self.body.page == "twin"
        self.solved(self.body.alert)
        self.body.twins.wait(f"{spec} on {text[:60]!r}: TensorFlow is loaded in a process of its own… t cancels")
        self.say(f"comparing the twins of {spec}… t cancels, J shows all jobs")
        self._compare_twins(self._twin_number, spec, text, self._twin_threshold, cancelled, job)

    @work(thread=True, group="twin", exit_on_error=False, description="compare the twins")
    def _compare_twins(
        self, number: int, spec: str, text: str, threshold: float, cancelled: threading.Event, job: Job
    ) -> None:
        from core.keras_twin.compare import twin_steps

        found: TwinReport | LabError | None = None
        try:
            for step in twin_steps(spec, text, threshold=threshold, cancelled=cancelled):
                if isinstance(step, TwinReport):
                    found = step
                else:
                    job.update(step.done, step.total, step.phase)
        except Exception as error:
            found = as_lab_error(error)
        if isinstance(found, LabError):
            job.fail(found)
        elif found is not None:
            job.finish(f"{found.worst.max_abs:.1e} at most, in {found.worst.name}")
        self.post_message(TwinsCompared(number, None if cancelled.is_set() else found))

    @on(TwinsCompared)
    @guarded
    def _twins_compared(self, message: TwinsCompared) -> None:
        if message.number != self._twin_number:
            return
        pane, found = self.body.twins, message.found
        if found is None:
            pane.wait("cancelled · t compares again")
            self.say("the comparison was cancelled")
        elif isinstance(found, LabError):
            pane.wait(f"{found.title}\n{found.hint}")
            self.problem(self.body.alert, found, [("t", "try again", "twin"), ("escape", "away", "solved")])
        else:
            pane.stand_beside(self.spec, self.workbench.prompt)
            pane.show(found)
            pane.set_threshold(self._twin_threshold)
            if self.body.page == "twin":
                pane.list.focus()
                self.say(f"{found.worst.max_abs:.2e} apart at most, in {found.worst.name}")

    def action_measure(self) -> None:
        """On the page of the twins: the order of its steps."""
        if self.body.page == "twin":
            self.say(f"steps: {self.body.twins.next_order()}")
        else:
            super().action_measure()

    def action_settings(self) -> None:
        """On the page of the twins: the threshold."""
        if self.body.page != "twin":
            super().action_settings()
            return
        now = self._twin_threshold
        choices = [Choice(f"{t:g}", f"mark what is more than {t:g} apart" + " · now" * (t == now)) for t in THRESHOLDS]

        def chosen(value: str | None) -> None:
            if value is not None:
                self._twin_threshold = float(value)
                self.body.twins.set_threshold(self._twin_threshold)

        self.app.push_screen(Choose("threshold", choices, current=f"{now:g}"), chosen)

    @on(TwinPane.Said)
    def _twin_said(self, event: TwinPane.Said) -> None:
        event.stop()
        if self.body.page == "twin":
            self.say(event.text)
