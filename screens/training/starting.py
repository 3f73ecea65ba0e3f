"""How runs begin on the training screen: the form, fetching what is missing, going on with a run that has ended.

Abstract: ``RunActions`` steers what was started, ``TrainingScreen`` completes both. The disk and processes are a
worker's business.
"""

from __future__ import annotations

import math
import re
import threading
import time
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.message import Message

from core.errors import LabError
from core.presets import TRAIN_PRESETS
from screens.base import LabScreen
from screens.training.control import why_not
from screens.training.dialogs import AskText, more_than
from screens.training.estimate import Timings
from screens.training.form import NewRunForm
from screens.training.start import FellBack, Fetching, StartRequest, StartStep, begin, resume_request

if TYPE_CHECKING:
    from core.config import TrainConfig
    from core.workbench import Workbench
    from screens.training.reader import Reading
    from screens.training.view import RunView
    from screens.widgets.jobs import Job

OWN_CHANGE = 1.0
"""Seconds in which a new state belongs to what was just said (``pause asked ..., done``), not to something later."""
HOLD = 6.0
"""Seconds that an answer to a key stays in the status line before the run's state returns."""


class RunStarter(LabScreen):
    """New runs, and old ones that go on."""

    class Step(Message):
        """Starting a run got on."""

        def __init__(self, step: StartStep) -> None:
            super().__init__()
            self.step = step

    class Refused(Message):
        """Something could not be done."""

        def __init__(self, error: LabError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, workbench: Workbench, runs_dir: Path, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.runs_dir = runs_dir
        self.timings = Timings()
        self.reading: Reading | None = None
        """The last look that was painted."""
        self._held_until = 0.0
        self._stale_after = math.inf
        self._start_cancel: threading.Event | None = None
        self._start_job: Job | None = None

    def on_unmount(self) -> None:
        """The app ends: a fetch that is under way keeps what it has and lets it go."""
        if self._start_cancel is not None:
            self._start_cancel.set()

    # --- to be completed

    @abstractmethod
    def show_run(self, path: Path) -> None:
        """Shows a run, also one that is not listed yet."""

    @abstractmethod
    def run_began(self, path: Path) -> None:
        """Shows a run that was just started."""

    @property
    def view(self) -> RunView | None:
        """The shown run's numbers."""
        return self.reading.detail.view if self.reading is not None and self.reading.detail is not None else None

    # --- the status line

    def hold(self, sentence: str, seconds: float = HOLD, *, rows: int = 1, of_state: bool = False) -> None:
        """Says something that the run's state must not wipe away at once.

        Args:
            sentence: what is said.
            seconds: how long it stays.
            rows: lines that it may take.
            of_state: whether it is about the state of the shown run, and so stale when that is another.
        """
        self._held_until = time.monotonic() + seconds
        self._stale_after = time.monotonic() + OWN_CHANGE if of_state else math.inf
        self.say(sentence, rows=rows)

    def state_changed(self) -> None:
        """The shown run's state is another one: what was said of the old one goes."""
        if time.monotonic() > self._stale_after:
            self.release_sentence()

    def sentence_held(self) -> bool:
        """Whether such a sentence still stands."""
        return time.monotonic() < self._held_until

    def release_sentence(self) -> None:
        """Lets the run's state return with the next look."""
        self._held_until = 0.0

    def say_gone(self, new: Reading, shown: Path | None) -> None:
        """Says it once when the shown run is not there any more: nobody asked for the one in its place.

        Args:
            new: a look that is not painted yet.
            shown: the run that a person sees.
        """
        before = self.reading.detail if self.reading is not None and self.reading.wanted.shown == shown else None
        now = new.detail.view if new.detail is not None and new.wanted.shown == shown else None
        if before is not None and now is not None and before.view.path != now.path:
            self.hold(f"the run {before.view.name} is gone · showing {now.name}")

    # --- starting

    def action_new_run(self) -> None:
        """Opens the form."""
        self._open_form(None)

    def _open_form(self, base: TrainConfig | None, stem: str | None = None) -> None:
        busy = self.reading is not None and any(r.state == "running" for r in self.reading.runs)
        self.app.push_screen(NewRunForm(self.timings, base=base, stem=stem, busy=busy), self._form_closed)

    def _form_closed(self, request: StartRequest | None) -> None:
        if request is not None:
            self.start(request)

    def start(self, request: StartRequest) -> None:
        """Fetches what is missing and starts the trainer, in a worker."""
        if self._start_cancel is not None:
            self._start_cancel.set()
        self._start_cancel = threading.Event()
        self.hold("starting…", 60)
        self._begin(request, self._start_cancel)

    @work(thread=True, group="start", exit_on_error=False, description="start a run")
    def _begin(self, request: StartRequest, cancelled: threading.Event) -> None:
        try:
            for step in begin(request, self.runs_dir, cancelled):
                self.post_message(self.Step(step))
        except LabError as error:
            self.post_message(self.Refused(error))

    @on(Step)
    def _started_on(self, message: Step) -> None:
        step = message.step
        if isinstance(step, Fetching):
            self._fetching(step)
        elif isinstance(step, FellBack):
            self._end_fetch(step.reason)
            why = "no network" if "be reached" in step.reason else f"{step.corpus} can't be fetched"
            self.hold(f"{why}: learning the Python manual instead ({step.instead}) · {step.reason}", 30)
        else:
            self._end_fetch(None)
            if not self.sentence_held() or self._held_until - time.monotonic() > 31:
                self.hold(f"{step.path.name} is starting in a process of its own", of_state=True)
            self.run_began(step.path)

    def _fetching(self, step: Fetching) -> None:
        cancelled = self._start_cancel
        if self._start_job is None:
            self._start_job = self.jobs.add(f"fetch {step.corpus}", cancelled.set if cancelled else None)
            self._start_job.in_sight = lambda: self.is_current
        self._start_job.update(step.received, step.total)
        share = f"{100 * step.received / step.total:.0f} %" if step.total else f"{step.received:,} bytes"
        self.hold(f"fetching {step.corpus}: {share} · {step.rate / 1e6:.1f} MB/s · J jobs", 60)

    def _end_fetch(self, failed: str | None) -> None:
        if self._start_job is not None:
            if failed is None:
                self._start_job.finish()
            else:
                self._start_job.fail(LabError(failed))
            self._start_job = None

    @on(Refused)
    def _refused(self, message: Refused) -> None:
        self._end_fetch(message.error.title)
        self.release_sentence()
        self.problem("#refused", message.error, [("escape", "put this away", "solved")])

    # --- going on

    def action_resume_dead(self) -> None:
        """Resumes an ended or silent run from its last checkpoint."""
        if self.view is not None:
            self._resume(Path(self.view.path), None)

    def action_extend(self) -> None:
        """Asks for the new last step of a run that has ended, and goes on to it."""
        view = self.view
        if view is None or view.live:
            self.hold("a run can be extended when it has ended")
            return
        if view.read_only:
            self.hold(why_not(view, "extend") or "")
            return
        path = Path(view.path)

        def answered(text: str | None) -> None:
            if text is not None:
                self._resume(path, int(text.replace("_", "").replace(" ", "")))

        self.app.push_screen(
            AskText(
                f"extend {view.name}",
                f"It has done {view.step:,} steps. To which step? The schedule is drawn anew to the new end.",
                more_than(view.step),
                value=str(view.max_steps * 2),
                verb="goes on",
            ),
            answered,
        )

    @work(thread=True, group="start", exit_on_error=False, description="resume a run")
    def _resume(self, path: Path, max_steps: int | None) -> None:
        try:
            for step in begin(resume_request(path, max_steps), self.runs_dir):
                self.post_message(self.Step(step))
        except LabError as error:
            self.post_message(self.Refused(error))

    def action_lower_rate(self) -> None:
        """The form with this run's configuration at a third of its rate."""
        self._form_from(1 / 3)

    def action_try_high_rate(self) -> None:
        """The form with the first preset at ten times its rate (the lesson's try)."""
        config = next(iter(TRAIN_PRESETS.values())).config
        self._open_form(config.override(learning_rate=config.learning_rate * 10))

    def _form_from(self, factor: float) -> None:
        from core.training.runs import open_run

        if self.view is None:
            return
        config = open_run(self.view.path).config
        low = min(config.min_learning_rate, config.learning_rate * factor)
        muon = config.muon_learning_rate * factor
        self._open_form(
            config.override(
                learning_rate=config.learning_rate * factor,
                min_learning_rate=low,
                muon_learning_rate=muon,
                run_dir=None,
            ),
            stem_of(Path(self.view.path)),
        )


def stem_of(run: Path) -> str:
    """What the next run like this one is called, before its number: ``div``, also for the ``div-2`` beside it."""
    stem = re.sub(r"-\d+$", "", run.name)
    return stem if (run.parent / stem).is_dir() else run.name
