"""One run, read: the same for one that is live, one on another machine, one that has ended, and the demo that ships.

Nothing here writes into a run but requests. Writing is in rundir.py, the numbers as columns in history.py, finding and
listing in runs.py.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import GPTConfig, TrainConfig
from core.errors import ConfigError, RunError
from core.files import open_plain, read_json
from core.training.events import Event, ResumeEvent, parse_event
from core.training.requests import Request, send_request
from core.training.rundir import FORMAT, LAUNCH, LIVE_STATES, LOG, META, METRICS, STATUS
from core.training.status import Answer, RunStatus, StatusReader
from core.training.stored import CheckpointInfo, SnapshotInfo, list_checkpoints, list_snapshots
from core.training.tail import LineTail, matching_lines, parse_lines

if TYPE_CHECKING:
    from core.training.history import History

DEMO = "demo"
_RESUME = b'"kind":"resume"'


class Run:
    """A run directory, read only; ``open_run`` makes it."""

    foreign = False
    """Whether another program writes it: then it can be watched and nothing else."""

    def __init__(self, path: Path, *, bundled: bool = False) -> None:
        self.path = path
        self.bundled = bundled
        """Whether it is the demo that ships."""
        self.name = DEMO if bundled else path.resolve().name
        self.unreadable = 0
        """Lines that the last ``events()`` could not read."""
        self._reader = StatusReader(path)
        self._meta: dict[str, Any] | None = None
        self._resumed: list[ResumeEvent] = []
        self._scanned = (0, 0)  # which file, and how far, was searched for resumes

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def meta(self) -> dict[str, Any]:
        """run.json; of a run that is still being launched, its configuration alone.

        Raises:
            RunError: it cannot be read, or a newer version wrote it.
        """
        if self._meta is None:
            found = read_json(self.path / META)
            if found is None and not (self.path / META).exists():
                launch = read_json(self.path / LAUNCH) or {}
                config = launch.get("config")
                return {
                    "name": self.name,
                    "config": config if isinstance(config, dict) else {},
                    "created": launch.get("asked", 0.0),
                }
            if found is None or not isinstance(found.get("config", {}), dict):
                raise RunError(f"{self.path / META} cannot be read as a run's", "copy it again from where it was made")
            if found.get("format", 0) != FORMAT:
                raise RunError(
                    f"the run {self.name} has format {found.get('format')!r}, {FORMAT} is known here",
                    "another version wrote it: pip install --upgrade llm-lab",
                )
            self._meta = found
        return self._meta

    @property
    def config(self) -> TrainConfig:
        """The configuration, with what later resumes changed; keys of newer versions are left out.

        Raises:
            RunError: a value that this version does not know.
        """
        raw = dict(self.meta.get("config", {}))
        shape = raw.pop("model", None)
        known, known_shape = {f.name for f in fields(TrainConfig)}, {f.name for f in fields(GPTConfig)}
        values = {k: v for k, v in raw.items() if k in known}
        model = {k: v for k, v in shape.items() if k in known_shape} if isinstance(shape, dict) else {}
        for resume in self._resumes():
            for key, (_, new) in resume.changed.items():
                if key in known_shape:
                    model[key] = new
                elif key in known:
                    values[key] = new
        try:
            return TrainConfig.from_dict({**values, "model": model})
        except ConfigError as error:
            raise RunError(
                f"the configuration of the run {self.name} cannot be used: {error.title}",
                "a newer version may have written it: pip install --upgrade llm-lab",
            ) from error

    @property
    def max_steps(self) -> int:
        """How many steps it is to have."""
        return self.config.max_steps

    @property
    def state(self) -> str:
        """starting, running, paused, stopping, finished, stopped, diverged, failed, silent, dead or unreadable."""
        try:
            _ = self.meta
        except RunError:
            return "unreadable"
        return self._reader.state()

    @property
    def is_live(self) -> bool:
        """Whether a trainer is at work on it, as far as one can tell."""
        return self.state in LIVE_STATES

    @property
    def read_only(self) -> bool:
        """Whether requests cannot be written here (a mounted copy, another user's run, the demo)."""
        return self.bundled or not os.access(self.path, os.W_OK)

    @property
    def heartbeat_age(self) -> float:
        """Seconds since this reader last saw a sign of life."""
        self._reader.read()
        return self._reader.age()

    def status(self) -> RunStatus:
        """The trainer's last word about itself; its ``state`` is as written, see ``state`` for what to conclude."""
        return self._reader.read() or RunStatus(state=self._reader.state())

    def events(self, *kinds: str) -> Iterator[Event]:
        """The events in order, without those that a resume dropped and those that cannot be read.

        Args:
            kinds: only these (``"eval"``, ``"sample"``); left out, all.
        """
        limits = self._limits()
        self.unreadable = 0
        wanted = [f'"kind":"{kind}"'.encode() for kind in kinds]
        passed = 0
        tail = LineTail(self.path / METRICS)
        while True:
            lines = tail.read()
            if wanted:
                lines = [line for line in lines if _RESUME in line or any(w in line for w in wanted)]
            for event in self._parse(lines):
                if isinstance(event, ResumeEvent):
                    passed += 1
                if kinds and event.kind not in kinds:
                    continue
                if passed >= len(limits) or event.step <= limits[passed]:
                    yield event
            if not tail.more:
                return

    def follow(
        self, cancelled: threading.Event | None = None, poll: float = 0.05, *, new_only: bool = False
    ) -> Iterator[Event]:
        """All events so far and then new ones as they come, until the run has ended; in constant memory.

        A ``resume`` event says from where the run goes on: what came before beyond its ``from_step`` no longer counts.
        A file that was replaced or cut is read again from its start.

        Args:
            cancelled: set by another thread to end it.
            poll: seconds between two looks; a look at an unchanged file costs some microseconds.
            new_only: leave out what is there already.
        """
        tail = LineTail(self.path / METRICS)
        if new_only:
            _skip_to_end(tail)
        stop = cancelled or threading.Event()
        over, looked = False, 0.0
        while not stop.is_set():
            lines = tail.read()
            yield from self._parse(lines)
            if lines or tail.more:
                continue
            if over:  # and nothing was left after it was
                return
            if time.monotonic() - looked > 0.5:
                over = self.state not in (*LIVE_STATES, "silent")
                looked = time.monotonic()
            if not over:
                stop.wait(poll)

    def history(self) -> History:
        """The numbers as columns; call ``update()`` to read, and again to read on."""
        from core.training.history import History

        return History(self.path / METRICS)

    @property
    def checkpoints(self) -> list[CheckpointInfo]:
        """Full checkpoints on disk, by step."""
        return list_checkpoints(self.path)

    @property
    def snapshots(self) -> list[SnapshotInfo]:
        """16-bit weights on disk, by step."""
        return list_snapshots(self.path)

    def log(self, lines: int = 200) -> list[str]:
        """The last lines of the process's own log."""
        try:
            with open_plain(self.path / LOG) as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - 65536))
                return file.read().decode("utf-8", "replace").splitlines()[-lines:]
        except OSError:
            return []

    def send(self, kind: str) -> Request:
        """Asks the trainer to pause, resume, checkpoint or stop, and returns at once; see ``answered``.

        Raises:
            RunError: nobody is there to answer, or the directory cannot be written.
        """
        if self.bundled:
            raise RunError("the demo is a finished run that ships with the lab", "start one of your own: llm-lab train")
        state = self.state
        if state not in LIVE_STATES and state != "silent":
            raise RunError(
                f"the run {self.name} is {state}: nobody is there to {kind} it",
                f"go on with it: llm-lab train --resume {self.name}",
            )
        return send_request(self.path, kind)

    def answered(self, request_id: str) -> Answer | None:
        """The trainer's answer to a request, or None as long as there is none."""
        status = self._reader.read()
        return next((a for a in status.answers if a.id == request_id), None) if status else None

    def _parse(self, lines: list[bytes]) -> Iterator[Event]:
        objects, bad = parse_lines(lines)
        self.unreadable += bad
        for raw in objects:
            event = parse_event(raw)
            if event is not None:
                yield event

    def _resumes(self) -> list[ResumeEvent]:
        """The resumes so far; reads on from where it was."""
        path = self.path / METRICS
        try:
            found = path.stat()
            if found.st_ino != self._scanned[0] or found.st_size < self._scanned[1]:
                self._resumed, self._scanned = [], (found.st_ino, 0)
            lines, offset = matching_lines(path, self._scanned[1], _RESUME)
        except OSError:
            return self._resumed
        self._scanned = (found.st_ino, offset)
        events = map(parse_event, parse_lines(lines)[0])
        self._resumed = [*self._resumed, *(e for e in events if isinstance(e, ResumeEvent))]
        return self._resumed

    def _limits(self) -> list[int]:
        """For each resume the last step that counts before it: the lowest of its own and all later ``from_step``."""
        lowest, limits = sys.maxsize, []
        for event in reversed(self._resumes()):
            lowest = min(lowest, event.from_step)
            limits.append(lowest)
        return limits[::-1]


def is_run(path: Path) -> bool:
    """Whether a folder is a run, at least one that was launched."""
    return any((path / mark).is_file() for mark in (META, LAUNCH, STATUS))


def _skip_to_end(tail: LineTail) -> None:
    while tail.read(1 << 22) or tail.more:
        continue
