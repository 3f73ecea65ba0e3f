"""Fetching a model, a text or word vectors in the background: a job with progress that can be cancelled.

``start_pull(app, name)`` is all that a screen needs; when it ends, ``Pulled`` is posted.
"""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.worker import get_current_worker

from core.errors import LabError, ModelSpecError
from screens.guard import as_lab_error
from screens.widgets.error_card import Door
from screens.widgets.jobs import Job, JobStore

if TYPE_CHECKING:
    from core.data.pull import PullProgress

_PULL = re.compile(r"\bllm-lab pull ([^\s'\"-][^\s'\"]*)(?: --from (huggingface|openai)\b)?")
_TOLD = 0.25  # seconds between two reports to the list of jobs


class Pulled(Message):
    """A pull has ended; ``error`` says why it failed, if it did."""

    def __init__(self, name: str, error: LabError | None = None, cancelled: bool = False) -> None:
        super().__init__()
        self.name = name
        self.error = error
        self.cancelled = cancelled

    @property
    def came(self) -> bool:
        """Whether the thing is here now."""
        return self.error is None and not self.cancelled


def download_door(error: LabError) -> Door | None:
    """The way out of an error whose hint is to pull a model: doing that from the app.

    >>> download_door(ModelSpecError("no such model", "llm-lab pull --list shows what can be had")) is None
    True
    >>> download_door(ModelSpecError("gpt2 is not on this machine", "fetch it: llm-lab pull gpt2")).action
    "app.download('gpt2')"
    """
    found = _PULL.search(error.hint) if isinstance(error, ModelSpecError) else None
    if found is None:
        return None
    words = ", ".join(repr(word) for word in found.groups() if word)
    return Door("d", "download", f"app.download({words})")


def start_pull(app: App[int], name: str, *, source: str | None = None, tell: MessagePump | None = None) -> Job:
    """Fetches a thing in a thread, as a job; one that is on its way already is not begun again.

    Args:
        app: the app, whose list of jobs shows it.
        name: as in ``core.data.pull.items()``.
        source: ``huggingface`` or ``openai``, where there is a choice.
        tell: who gets the ``Pulled`` message (it bubbles on to the app); left out, the app.
    """
    jobs = getattr(app, "jobs", None)
    assert isinstance(jobs, JobStore), "jobs live in a LabApp"
    title = f"pull {name}"
    for job in jobs.running:
        if job.name == title:
            return job
    cancelled = threading.Event()
    job = jobs.add(title, cancelled.set)
    job.brief = True  # whoever is told shows the rest
    ear = tell or app
    # An error becomes a card: where the person is, if the app is told, else on the screen that asked.
    job.in_sight = lambda: job.error is not None and (not isinstance(ear, Screen) or ear.is_current)

    def work() -> None:
        error = _pull(job, name, source, cancelled)
        ear.post_message(Pulled(name, error, cancelled=error is None and cancelled.is_set()))

    app.run_worker(work, thread=True, group=title, exit_on_error=False, description=title)
    return job


def _pull(job: Job, name: str, source: str | None, cancelled: threading.Event) -> LabError | None:
    from core.data.pull import pull

    worker, told, place, ended = get_current_worker(), 0.0, ("", ""), ""
    try:
        for progress in pull(name, source=source, cancelled=cancelled):
            if worker.is_cancelled:  # the app ends; what has arrived stays
                cancelled.set()
            now = time.monotonic()
            if progress.phase == "done":
                ended = progress.note or "done"
            elif (progress.phase, progress.file) != place or now - told >= _TOLD:
                told, place = now, (progress.phase, progress.file)
                job.update(progress.received, progress.total, words(progress), progress.seconds_left)
    except Exception as error:  # a bug too must end the job
        failed = as_lab_error(error)
        job.fail(failed)
        return failed
    if not cancelled.is_set():
        job.finish(ended)
    return None


def words(progress: PullProgress) -> str:
    """How far a pull is, in a few words: ``12.1 MB/s · 210 of 548 MB · model.safetensors 4/4``."""
    if progress.phase != "fetching":
        return progress.phase
    total = f" of {progress.total / 1e6:,.0f}" if progress.total else ""
    file = f"{progress.file} {progress.file_index}/{progress.files}"
    return f"{progress.rate / 1e6:.1f} MB/s · {progress.received / 1e6:,.0f}{total} MB · {file}"
