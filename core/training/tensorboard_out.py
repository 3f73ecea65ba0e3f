"""A run's numbers as TensorBoard's event files, in ``RUN/tensorboard/``, for ``tensorboard --logdir``.

A sink beside ``metrics.jsonl``, which stays the truth: should it fail, the run goes on without it. Written by our own
few lines (foreign/tfrecord.py, foreign/summaries.py): the writer of the ``tensorboard`` package imports TensorFlow
into the trainer where that is installed, and a run needs nothing else of it. The extra ``tensorboard`` is what reads
them.
"""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO

from core.training.events import (
    CheckpointEvent,
    EndEvent,
    EvalEvent,
    Event,
    ResumeEvent,
    StepEvent,
    WarningEvent,
)
from core.training.foreign.summaries import encode_scalars, encode_start, encode_version
from core.training.foreign.tensorboard import event_files
from core.training.foreign.tfrecord import frame
from core.training.journal import Journal
from core.training.run import Run

FOLDER = "tensorboard"
STEP_TAGS = {
    "loss": "train/loss",
    "lr": "train/learning_rate",
    "grad_norm": "train/grad_norm",
    "tokens_per_second": "train/tokens_per_second",
    "mfu": "train/mfu",
    "tokens": "train/tokens",
}
EVAL_TAGS = {"train_loss": "eval/train_loss", "val_loss": "eval/val_loss", "perplexity": "eval/perplexity"}
"""Our columns and the tags under which TensorBoard shows them."""
_FLUSH = 1.0  # seconds


class EventWriter:
    """One event file, begun anew by each process that trains.

    Args:
        run_dir: the run directory.
        from_step: the step from which a resumed run goes on; what earlier files hold beyond it no longer counts, which
            the file says in TensorBoard's own way. None for a new run.
    """

    def __init__(self, run_dir: Path, from_step: int | None = None) -> None:
        folder = run_dir / FOLDER
        folder.mkdir(exist_ok=True)
        began = max([int(time.time()), *(_begun(name) + 1 for name in event_files(folder))])
        name = f"events.out.tfevents.{began:010d}.{platform.node() or 'localhost'}.{os.getpid()}.0"
        self.path = folder / name
        self._file: BinaryIO = self.path.open("wb")
        self._flushed = time.monotonic()
        try:
            self._put(encode_version(time.time()))
            if from_step is not None:
                self._put(encode_start(time.time(), from_step + 1))
        except OSError:
            _close(self)
            raise

    def log(self, event: Event, wall_time: float | None = None) -> None:
        """Writes the numbers of a step or an evaluation; other events only see to it that all is on its way.

        Args:
            event: any event.
            wall_time: Unix time of the event; left out, now.
        """
        tags = STEP_TAGS if isinstance(event, StepEvent) else EVAL_TAGS if isinstance(event, EvalEvent) else None
        if tags is not None:
            said = {tag: getattr(event, name) for name, tag in tags.items()}
            values = {tag: value for tag, value in said.items() if value is not None and math.isfinite(value)}
            self._put(encode_scalars(time.time() if wall_time is None else wall_time, event.step, values))
        urgent = isinstance(event, (EvalEvent, CheckpointEvent, EndEvent))
        if urgent or time.monotonic() - self._flushed > _FLUSH:
            self._file.flush()
            self._flushed = time.monotonic()

    def close(self) -> None:
        """Writes what is left; twice is once."""
        self._file.close()

    def _put(self, record: bytes) -> None:
        self._file.write(frame(record))


def with_tensorboard(events: Generator[Event, None, None], journal: Journal) -> Iterator[Event]:
    """The same events, written to the run's event files as they pass.

    Args:
        events: a trainer's.
        journal: opened by the time of the first event; a warning goes there, once, if the files cannot be written.
    """
    writer: EventWriter | None = None
    failed = False
    with closing(events):
        try:
            for event in events:
                try:
                    if writer is None and not failed:
                        writer = _begin(journal.path, event)
                    if writer is not None:
                        writer.log(event)
                except OSError as error:
                    if writer is not None:
                        _close(writer)
                    writer, failed = None, True
                    if not isinstance(event, EndEvent):
                        said = f"no more TensorBoard events are written: {error.strerror or error}"
                        yield from journal.say(
                            WarningEvent(event.step, event.time, event.tokens, said, "the run itself goes on")
                        )
                yield event
        finally:
            if writer is not None:
                _close(writer)


def _begin(run_dir: Path, first: Event) -> EventWriter:
    """The writer of a run that begins or goes on; files that lack a part of the run are written anew."""
    folder = run_dir / FOLDER
    if not isinstance(first, ResumeEvent):
        return EventWriter(run_dir)
    if "tensorboard" not in first.changed and event_files(folder):
        return EventWriter(run_dir, first.from_step)
    for name in event_files(folder):
        (folder / name).unlink()
    writer, run = EventWriter(run_dir), Run(run_dir)
    created = run.meta.get("created")
    since = float(created) if isinstance(created, (int, float)) else 0.0
    try:
        for event in run.events("step", "eval"):
            writer.log(event, since + event.time)
    except OSError:
        _close(writer)
        raise
    return writer


def _close(writer: EventWriter) -> None:
    """Lets go of a file, also of one that cannot be written to its end."""
    with suppress(OSError):
        writer.close()


def _begun(name: str) -> int:
    """The Unix time in the name of an event file; TensorBoard reads files in the order of their names.

    >>> _begun("events.out.tfevents.1700000000.host.12.0"), _begun("my.tfevents")
    (1700000000, 0)
    """
    digits = name.partition("tfevents.")[2].partition(".")[0]
    return int(digits) if digits.isdecimal() and len(digits) <= 10 else 0
