"""From a filled form to a process that trains: fetch the text if it is not here, fall back if it can't be had, launch.

A generator of small steps; the screen runs it in a worker, the tests iterate it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import DownloadError
from core.presets import TRAIN_PRESETS

if TYPE_CHECKING:
    from core.config import TrainConfig
    from core.training.launch import Launched

FALLBACK = "python-docs"
"""The corpus that every Python brings along."""


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What the form hands back: a checked configuration and a name for the run."""

    config: TrainConfig
    name: str | None = None
    resume: Path | None = None
    checkpoint: str | int | None = None


@dataclass(frozen=True, slots=True)
class Fetching:
    """The text is on its way."""

    corpus: str
    received: int
    total: int | None
    rate: float


@dataclass(frozen=True, slots=True)
class FellBack:
    """The text could not be had, another is taken; ``reason`` says why."""

    corpus: str
    instead: str
    reason: str


@dataclass(frozen=True, slots=True)
class Started:
    """The trainer's process runs; ``path`` is the run's directory."""

    path: Path
    launched: Launched


StartStep = Fetching | FellBack | Started


def begin(request: StartRequest, runs_dir: Path, cancelled: threading.Event | None = None) -> Iterator[StartStep]:
    """Fetches what is missing, then starts the trainer; ends without ``Started`` if it was cancelled.

    Args:
        request: what to train.
        runs_dir: the folder in which a new run gets its own.
        cancelled: set by another thread to give up.

    Raises:
        LabError: the run could not be started.
    """
    from core import folders
    from core.training.launch import start_run
    from core.training.runs import new_run_dir

    config, name = request.config, request.name
    if request.resume is None:
        try:
            yield from _fetch(config.corpus, cancelled)
        except DownloadError as error:
            if cancelled is not None and cancelled.is_set():
                return
            yield FellBack(config.corpus, FALLBACK, error.title)
            config, name = config.override(corpus=FALLBACK), name_without(config.corpus, name)
    if cancelled is not None and cancelled.is_set():
        return
    if request.resume is None and runs_dir.resolve() != folders.runs_dir().resolve():
        config = config.override(run_dir=str(new_run_dir(name or config.corpus, runs_dir)))
    launched = start_run(config, name=name, resume=request.resume, checkpoint=request.checkpoint)
    yield Started(launched.path, launched)


def name_without(corpus: str, name: str | None) -> str | None:
    """The name of a run that learns the fallback: one that a preset gave and that names the missing text is mended.

    >>> name_without("tiny-shakespeare", "shakespeare-1min"), name_without("tiny-shakespeare", "mine")
    ('python-docs-1min', 'mine')
    """
    author = corpus.rpartition("-")[2]
    return name.replace(author, FALLBACK, 1) if name in TRAIN_PRESETS else name


def _fetch(corpus: str, cancelled: threading.Event | None) -> Iterator[Fetching]:
    from core.data.corpora import CORPORA, fetch_corpus, is_available

    if corpus not in CORPORA or is_available(corpus):
        return
    for progress in fetch_corpus(corpus, cancelled=cancelled):
        yield Fetching(corpus, progress.received, progress.total, progress.rate)


def missing_text(corpus: str) -> str | None:
    """What must be fetched before this corpus can be trained on, in words; None if it is here."""
    from core.data.corpora import CORPORA, is_available

    if corpus not in CORPORA or is_available(corpus):
        return None
    size = CORPORA[corpus].size
    return f"{corpus} is fetched first" + (f" ({size / 1e6:.1f} MB)" if size else "")


def resume_request(run_path: Path, max_steps: int | None = None) -> StartRequest:
    """The request that resumes a run from its last checkpoint, to a new end if one is given.

    Raises:
        RunError: it is not a run.
    """
    from core.training.runs import open_run

    config = open_run(run_path).config
    changed = config.override(max_steps=max_steps, epochs=None) if max_steps is not None else config
    return StartRequest(changed, resume=run_path)
