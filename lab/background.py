"""What the app does with jobs: counts them, tells of their end, asks before it quits over one."""

from __future__ import annotations

from abc import abstractmethod
from textwrap import shorten
from typing import TYPE_CHECKING

from textual import on
from textual.app import App
from textual.message import Message

from screens.widgets.jobs import Job, JobStore
from screens.widgets.ramps import Look
from screens.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from screens.base import LabScreen


BRIEF = 100
"""Characters of a toast about what is shown in full elsewhere."""


class JobsChanged(Message):
    """A job moved on; several of these become one."""

    def can_replace(self, message: Message) -> bool:
        """The newest is enough."""
        return isinstance(message, JobsChanged)


class JobActions(App[int]):
    """The part of the app that is about jobs."""

    jobs: JobStore
    look: Look

    @property
    @abstractmethod
    def lab_screen(self) -> LabScreen | None:
        """The lab's screen that is shown."""

    def watch_jobs(self) -> None:
        """Hears of changes from now on, from whichever thread makes them."""
        self._told_jobs: set[int] = set()
        self.jobs.on_change = self._job_moved

    def _job_moved(self) -> None:
        self.post_message(JobsChanged())

    @on(StatusLine.OpenJobs)
    def action_jobs(self) -> None:
        """The list of jobs."""
        from screens.widgets.jobs_panel import JobsPanel

        if not isinstance(self.screen, JobsPanel):
            self.push_screen(JobsPanel(self.jobs, self.look.symbols))

    @on(JobsChanged)
    def show_jobs(self) -> None:
        """Brings the counter up to date and tells of what has ended out of sight."""
        if not self.jobs.jobs:
            return
        from screens.widgets.jobs_panel import JobsPanel, jobs_words

        if self.lab_screen is not None:
            for line in self.lab_screen.query(StatusLine):
                line.count_jobs(jobs_words(self.jobs, self.look.symbols))
        for job in self.jobs.jobs:
            if job.state in ("finished", "failed") and job.id not in self._told_jobs:
                self._told_jobs.add(job.id)
                if not isinstance(self.screen, JobsPanel):
                    self._tell_end(job)

    def _tell_end(self, job: Job) -> None:
        if job.error is not None and job.in_sight():
            return  # a card says it there, with the ways on
        if job.error is not None:
            told = shorten(job.error.title, BRIEF) if job.brief else f"{job.error.title}\n{job.error.hint}"
            self.notify(told, title=job.name, severity="error", timeout=15, markup=False)
        elif not job.in_sight():
            self.notify(job.text or "done", title=job.name, markup=False)

    def action_quit_lab(self) -> None:
        """Quits; training runs go on. If jobs run, it asks once."""
        from screens.widgets.confirm import Confirm

        running = self.jobs.running
        if not running or isinstance(self.screen, Confirm):
            self.exit(0)
            return
        names = ", ".join(job.name for job in running)
        question = Confirm("quit now?", f"{names}: would be cancelled; training runs keep going", yes="Quit", no="Stay")
        self.push_screen(question, lambda yes: self.exit(0) if yes else None)
