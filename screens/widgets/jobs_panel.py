"""The jobs of this session: name, progress, rate, time left, cancel."""

from __future__ import annotations

import time
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer

from screens.widgets.dialog import Dialog
from screens.widgets.jobs import Job, JobStore
from screens.widgets.ramps import UNICODE, Symbols
from screens.widgets.virtual_list import VirtualList

BAR = 16


def clock(seconds: float) -> str:
    """A time in words that fit.

    >>> clock(5), clock(75), clock(4000)
    ('5 s', '1:15', '1:06:40')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def job_line(job: Job, symbols: Symbols = UNICODE) -> Text:
    """One job in one line."""
    glyph = {"running": symbols.waiting, "finished": symbols.done, "failed": symbols.failed}.get(
        job.state, symbols.missing
    )
    text = Text(f"{glyph} {job.name}  ", no_wrap=True)
    fraction = job.fraction
    if job.state == "running" and fraction is not None:
        full = round(fraction * BAR)
        text.append(symbols.full * full + symbols.empty * (BAR - full) + f" {100 * fraction:3.0f} %  ")
        left = job.seconds_left
        text.append(f"{clock(left)} left  " if left is not None else "")
    elif job.state != "running":
        text.append(f"{job.state}  ")
    if job.text and job.text != job.state:
        text.append(job.text, "dim")
    return text


def jobs_words(store: JobStore, symbols: Symbols = UNICODE) -> str:
    """What the status line says of jobs: the newest one that runs, and how many more."""
    running = store.running
    if not running:
        return ""
    job = running[-1]
    part = f" {100 * job.fraction:.0f} %" if job.fraction is not None else ""
    more = f" +{len(running) - 1}" if len(running) > 1 else ""
    return f"{symbols.waiting} {job.name}{part}{more}"


class JobsPanel(Dialog[None]):
    """The list; ``x`` cancels the job under the cursor, ``X`` forgets those that have ended."""

    HEADING = "jobs"
    KEYS = "x cancel · X forget what has ended · runs are on screen 4 · esc close"
    DEFAULT_CSS = """
    JobsPanel VirtualList { height: 10; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x,delete", "cancel", show=False, id="jobs.cancel", tooltip="cancel this job"),
        Binding("X", "forget", show=False, id="jobs.forget", tooltip="forget jobs that have ended"),
    ]

    def __init__(self, store: JobStore, symbols: Symbols = UNICODE) -> None:
        super().__init__()
        self._store = store
        self._symbols = symbols
        self._jobs: list[Job] = []
        self._timer: Timer | None = None
        self.opened = time.monotonic()

    def compose_box(self) -> ComposeResult:
        """The list."""
        yield VirtualList(id="jobs")

    def on_mount(self) -> None:
        """Newest first, looked at twice a second."""
        self.query_one(VirtualList).focus()
        self.look()
        self._timer = self.set_interval(0.5, self.look)

    def look(self) -> None:
        """Shows how far each is now."""
        self._jobs = self._store.jobs[::-1]
        jobs = self._jobs
        rows = self.query_one(VirtualList)
        if jobs:
            rows.fill(len(jobs), lambda i: job_line(jobs[i], self._symbols))
        else:
            rows.fill(1, lambda _: "nothing is going on in the background")

    def action_cancel(self) -> None:
        """Cancels the one under the cursor."""
        place = self.query_one(VirtualList).cursor
        if place < len(self._jobs):
            self._jobs[place].cancel()
            self.look()

    def action_forget(self) -> None:
        """Clears the list of what has ended."""
        self._store.clear_ended()
        self.look()

    @on(VirtualList.Activated)
    def _row(self, event: VirtualList.Activated) -> None:
        event.stop()
