"""What ``status.json`` says of a run, and what can be concluded from it: whether it lives, is silent, or is dead.

Silent: nothing was heard for 30 seconds, counted from when this reader last saw the heartbeat change (the clocks of two
machines differ). Dead: the writer was on this machine and holds the lock no more. Leaves out the run's numbers.
"""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.files import open_plain, read_json
from core.lock import is_held
from core.training.rundir import LIVE_STATES, LOCK, METRICS, STATUS

SILENT_AFTER = 30.0
"""Seconds without a heartbeat after which a run counts as silent."""
_CLOCKS_DIFFER = 600.0  # a first look at another machine's run: older than this is old, not a wrong clock
ENDED = ("finished", "stopped", "diverged", "failed")


@dataclass(frozen=True, slots=True)
class Answer:
    """A request that was carried out."""

    id: str
    request: str
    step: int
    """The step at which it was."""
    time: float
    """When, in seconds of Unix time on the trainer's machine."""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The trainer's last word about itself."""

    state: str
    """As the trainer said: starting, running, paused, stopping, finished, stopped, diverged or failed."""
    phase: str = ""
    step: int = 0
    max_steps: int = 0
    step_time: float | None = None
    """Unix time of the last step."""
    updated: float = 0.0
    """Unix time of the heartbeat, on the trainer's clock."""
    started: float = 0.0
    """Unix time at which this process took the run."""
    pid: int = 0
    host: str = ""
    message: str = ""
    """Two lines, what and what to do, where there is something to say."""
    answered: Answer | None = None
    answers: tuple[Answer, ...] = ()
    """The last requests carried out, oldest first."""

    @property
    def here(self) -> bool:
        """Whether the trainer runs, or ran, on this machine."""
        return self.host == platform.node()


class StatusReader:
    """Looks at one run's status again and again."""

    def __init__(self, run_dir: Path) -> None:
        self._dir = run_dir
        self._stamp: tuple[int, int, int] | None = None
        self._status: RunStatus | None = None
        self._heard = 0.0
        self._heard_at = time.monotonic()

    def read(self) -> RunStatus | None:
        """The trainer's last word; None when there is no readable status."""
        path = self._dir / STATUS
        try:
            found = path.stat()
        except OSError:
            self._status = None
            return None
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        if stamp != self._stamp:
            self._stamp = stamp
            status = _read(path)
            if status is not None:  # otherwise the last word stands until the file changes again
                self._note(status)
        return self._status

    def age(self) -> float:
        """Seconds since this reader last saw the heartbeat change."""
        return max(0.0, time.monotonic() - self._heard_at)

    def state(self) -> str:
        """The state a person should see; costs a ``stat``, and for a live run a look at its lock."""
        status = self.read()
        if status is None:
            return state_by_events(self._dir)
        if status.state not in LIVE_STATES:
            return status.state
        if status.here and self._is_gone(status):
            self._stamp = None  # it may have ended between our two looks
            status = self.read() or status
            if status.state not in LIVE_STATES:
                return status.state
            if not self._is_gone(status):
                return status.state
            return "dead"
        return "silent" if self.age() > SILENT_AFTER else status.state

    def _is_gone(self, status: RunStatus) -> bool:
        held = is_held(self._dir / LOCK)
        if held is None:  # this disk has no locks
            import psutil

            return status.pid != 0 and not psutil.pid_exists(status.pid)
        if status.pid == 0:  # a launcher wrote it; the process has yet to take the lock
            return not held and self.age() > SILENT_AFTER
        return not held

    def _note(self, status: RunStatus) -> None:
        if self._status is None:
            age = max(0.0, time.time() - status.updated)
            if not status.here and age < _CLOCKS_DIFFER:
                age = 0.0
            self._heard_at = time.monotonic() - age
        elif status.updated != self._heard:
            self._heard_at = time.monotonic()
        self._heard = status.updated
        self._status = status


def _read(path: Path) -> RunStatus | None:
    for attempt in range(4):
        raw = read_json(path)
        if raw is not None and isinstance(raw.get("state"), str):
            break
        if attempt < 3:
            time.sleep(0.003)  # on a full disk it is overwritten in place: half of it may have been seen
    else:
        return None
    try:
        step_time = raw.get("step_time")
        return RunStatus(
            state=str(raw["state"]),
            phase=str(raw.get("phase", "")),
            step=int(raw.get("step", 0)),
            max_steps=int(raw.get("max_steps", 0)),
            step_time=None if step_time is None else float(step_time),
            updated=float(raw.get("updated", 0.0)),
            started=float(raw.get("started", 0.0)),
            pid=int(raw.get("pid", 0)),
            host=str(raw.get("host", "")),
            message=str(raw.get("message", "")),
            answered=_answer(raw.get("answered")),
            answers=tuple(a for a in map(_answer, raw.get("answers", ())) if a is not None),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _answer(raw: Any) -> Answer | None:
    return Answer(str(raw["id"]), str(raw["request"]), int(raw["step"]), float(raw["time"])) if raw else None


def state_by_events(run_dir: Path) -> str:
    """The state of a run without a readable status, by its last event: how it ended, or dead."""
    from core.training.tail import parse_lines

    try:
        with open_plain(run_dir / METRICS) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 65536))
            lines = file.read().split(b"\n")
    except OSError:
        lines = []
    events, _ = parse_lines(lines)
    last: dict[str, Any] = next((e for e in reversed(events) if e.get("kind") in ("end", "step", "resume")), {})
    if last.get("kind") == "end" and last.get("reason") in ENDED:
        return str(last["reason"])
    return "starting" if is_held(run_dir / LOCK) else "dead"
