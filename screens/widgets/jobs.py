"""What goes on in the background: a store that knows nothing of the toolkit, and the panel that shows it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

from core.errors import LabError

_ids = itertools.count(1)


class Job:
    """One piece of work with progress; may be updated from any thread."""

    def __init__(self, store: JobStore, name: str, cancel: Callable[[], None] | None) -> None:
        self.id = next(_ids)
        self.name = name
        self.started = time.monotonic()
        self.done: float = 0
        self.total: float | None = None
        self.text = ""
        self.state = "running"
        """running, finished, failed or cancelled."""
        self.error: LabError | None = None
        self.brief = False
        """Whether its error is shown elsewhere too, so that a toast may be short."""
        self.in_sight: Callable[[], bool] = lambda: False
        """Whether the person sees what it makes just now, so that its end needs no toast; asked when it has ended."""
        self._store = store
        self._cancel = cancel
        self._left: float | None = None

    @property
    def can_cancel(self) -> bool:
        """Whether it can be cancelled now."""
        return self._cancel is not None and self.state == "running"

    @property
    def fraction(self) -> float | None:
        """How much is done, 0 to 1; None if the end is not known."""
        return min(1.0, self.done / self.total) if self.total else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds to go: as the work says, or at the rate so far; None if it cannot be said."""
        if self._left is not None:
            return self._left
        passed, fraction = time.monotonic() - self.started, self.fraction
        return passed / fraction - passed if fraction and passed > 0.5 else None

    def update(self, done: float, total: float | None = None, text: str = "", left: float | None = None) -> None:
        """Says how far it is; work that goes on where an earlier one stopped knows better how many seconds are left."""
        self.done, self.total, self.text, self._left = done, total, text, left
        self._store.changed()

    def finish(self, text: str = "") -> None:
        """It is done."""
        self._end("finished", text)

    def fail(self, error: LabError) -> None:
        """It could not be done."""
        self.error = error
        self._end("failed", error.title)

    def cancel(self) -> None:
        """Asks it to end; what it has kept stays."""
        if self._cancel is not None and self.state == "running":
            self._end("cancelled", "cancelled")
            self._cancel()

    def _end(self, state: str, text: str) -> None:
        if self.state == "running":
            self.state, self.text = state, text
            self._store.changed()


class JobStore:
    """The jobs of this session, newest last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: list[Job] = []
        self.on_change: Callable[[], None] | None = None
        """Called after each change, from whichever thread made it."""

    def add(self, name: str, cancel: Callable[[], None] | None = None) -> Job:
        """Registers a piece of work that has just begun."""
        job = Job(self, name, cancel)
        with self._lock:
            self._jobs.append(job)
        self.changed()
        return job

    @property
    def jobs(self) -> list[Job]:
        """All of them."""
        with self._lock:
            return list(self._jobs)

    @property
    def running(self) -> list[Job]:
        """Those that have not ended."""
        return [job for job in self.jobs if job.state == "running"]

    def clear_ended(self) -> None:
        """Forgets those that have ended."""
        with self._lock:
            self._jobs = [job for job in self._jobs if job.state == "running"]
        self.changed()

    def changed(self) -> None:
        """Tells whoever shows them."""
        if self.on_change is not None:
            self.on_change()
