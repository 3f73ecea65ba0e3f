"""The writer of a run directory: one trainer, holding the lock, says there what happens and listens for requests.

Events are appended to ``metrics.jsonl``, one whole line at a time. ``status.json`` is the heartbeat, replaced by a
thread of its own. A process that is killed at any moment leaves a directory that can be read and resumed. Reading is in
runs.py, weights are in checkpoints.py.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import LabError, RunError, RunLockedError
from core.files import encodable, mend_last_line, read_json, write_bytes_atomic, write_error, write_json_atomic
from core.lock import FileLock
from core.training.events import CheckpointEvent, EndEvent, Event, ResumeEvent
from core.training.inside import check_inside
from core.training.requests import CONTROL, Request, RequestReader
from core.training.stored import clean_leftovers

FORMAT = 1
"""Version of the run directory's layout."""
META, METRICS, STATUS, LOCK, LAUNCH, LOG = (
    "run.json",
    "metrics.jsonl",
    "status.json",
    "lock",
    "launch.json",
    "trainer.log",
)
LIVE_STATES = frozenset({"starting", "running", "paused", "stopping"})
"""States in which a process should be there."""
_HEARTBEAT = 1.0  # seconds; readers are promised 2
_PAD = 2048  # status.json keeps this size, so that on a full disk it can still be overwritten in place
_KEPT_ANSWERS = 16
_OURS = frozenset({STATUS, LOCK, LAUNCH, LOG, CONTROL, META})
_DESKTOP = frozenset({"desktop.ini", "thumbs.db"})
_claims: dict[Path, RunWriter] = {}


class RunWriter:
    """The one writer of a run directory.

    ``create`` starts a run, ``reopen`` goes on with one. A process that wants to say that it is alive before it has
    imported anything heavy takes the directory with ``claim``; a later ``create`` or ``reopen`` of the same directory
    in the same process then returns that writer. A run that was to go on and fails before it said an event is left as
    it was, with why in its status.
    """

    def __init__(self, path: Path, since: float | None = None, before: Mapping[str, Any] | None = None) -> None:
        """Takes the lock; use ``create``, ``reopen`` or ``claim``."""
        check_inside(path)
        self.path = path
        self.closed = False
        self._lock = FileLock(path / LOCK)
        try:
            taken = self._lock.acquire()
        except OSError as error:
            raise write_error(path / LOCK, error) from error
        if not taken:
            raise locked(path)
        self._started = time.time() if since is None else since
        self._requests = RequestReader(path, self._started)
        self._metrics: int | None = None
        self._good = 0
        self._last = (0, 0.0, 0)
        self._before = before = (read_json(path / STATUS) or {}) if before is None else before
        self._untouched = (path / META).is_file()
        self._status: dict[str, Any] = {
            "state": "starting",
            "phase": "",
            "step": _count(before, "step"),
            "max_steps": _count(before, "max_steps"),
            "step_time": None,
            "message": "",
            "answered": None,
            "answers": [],
        }
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._beat = threading.Thread(target=self._heartbeat, name=f"heartbeat of {path.name}", daemon=True)
        self._beat.start()
        self._write_status()

    @classmethod
    def create(cls, path: Path, meta: Mapping[str, Any]) -> RunWriter:
        """Starts a run in ``path`` (made when missing) and writes ``run.json``.

        Args:
            path: the run directory; empty, or holding only what a launcher leaves there.
            meta: what run.json says; ``format`` and ``created`` (Unix time) are added.

        Raises:
            RunError: it holds a run already, or files that are not ours.
            RunLockedError: another trainer holds it.
            DiskFullError: no space left.
        """
        if (path / META).exists():
            raise RunError(f"{path} holds a run already", f"go on with it: llm-lab train --resume {path.name}")
        writer = _claims.pop(path.resolve(), None) or cls._take_new(path)
        try:
            full = {"format": FORMAT, "name": path.name, "created": time.time(), **meta}
            write_json_atomic(path / META, full)
            writer._open_metrics()
        except BaseException as error:
            writer._give_up(error)
            raise
        return writer

    @classmethod
    def reopen(cls, path: Path) -> RunWriter:
        """Goes on with the run in ``path``; a line that a killed process left torn is cut off.

        Raises:
            RunError: ``path`` is not a run.
            RunLockedError: another trainer holds it.
        """
        if not (path / META).is_file():
            raise RunError(f"{path} is not a run: there is no {META}", "llm-lab runs lists the runs there are")
        writer = _claims.pop(path.resolve(), None) or cls(path)
        try:
            _sweep(path)
            writer._open_metrics()
        except BaseException as error:
            writer._give_up(error)
            raise
        return writer

    @classmethod
    def claim(cls, path: Path, since: float | None = None, before: Mapping[str, Any] | None = None) -> RunWriter:
        """Takes the lock and starts the heartbeat, before there is anything to write.

        A directory that this process has claimed already is simply given again.

        Args:
            path: a run directory, or a new one (made when missing).
            since: requests asked from this Unix time on are ours; left out, from now on.
            before: what status.json said before a launcher wrote there; left out, what it says now.
        """
        key = path.resolve()
        if key not in _claims:
            _claims[key] = cls._take_new(path, since, before)
        return _claims[key]

    @classmethod
    def _take_new(cls, path: Path, since: float | None = None, before: Mapping[str, Any] | None = None) -> RunWriter:
        try:
            path.mkdir(parents=True, exist_ok=True)
            strangers = sorted(set(content(path)) - _OURS)
        except FileExistsError as error:
            raise RunError(f"{path} is a file, a folder for the run was expected", "choose another run_dir") from error
        except OSError as error:
            raise write_error(path, error) from error
        if strangers and not (path / META).exists():
            raise RunError(
                f"{path} holds other files ({', '.join(strangers[:3])}), an empty folder was expected",
                "choose another run_dir, or leave it out and a new folder is made",
            )
        return cls(path, since, before)

    def emit(self, event: Event) -> None:
        """Appends one event as one line; but not that a run failed which has not begun to go on.

        Raises:
            DiskFullError: no space left; what was written of the line is taken back, so it can be emitted again.
        """
        import orjson

        if self._untouched and isinstance(event, EndEvent) and event.reason == "failed":
            return  # it failed to go on: nothing happened to the run
        self._untouched = False
        body = {k: encodable(v) if isinstance(v, str) else v for k, v in event.to_dict().items()}
        line = orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY)
        assert self._metrics is not None, "emit on a writer that was not opened"
        with self._guard:
            said = False
            try:
                done = os.write(self._metrics, line)
                while done < len(line):  # a short write comes just before the disk is full
                    done += os.write(self._metrics, line[done:])
                if isinstance(event, (CheckpointEvent, ResumeEvent, EndEvent)):
                    os.fsync(self._metrics)  # some network disks say only now that they are full
                said = True
                self._good += len(line)
                self._last = (event.step, event.time, event.tokens)
            except OSError as error:
                raise write_error(self.path / METRICS, error) from error
            finally:
                if not said:  # also when a signal broke it off
                    with suppress(OSError):
                        os.ftruncate(self._metrics, self._good)

    def requests(self) -> list[Request]:
        """Requests that came since the last call, in order; costs one ``stat`` when there are none."""
        return self._requests.read()

    def answered(self, request: Request, step: int) -> None:
        """Says in status.json, at once, that a request was carried out at ``step``."""
        answer = {"id": request.id, "request": request.request, "step": step, "time": time.time()}
        with self._guard:
            self._status["step"] = step
            self._status["answered"] = answer
            self._status["answers"] = [*self._status["answers"][1 - _KEPT_ANSWERS :], answer]
        self._write_status()

    def set_status(
        self,
        *,
        state: str | None = None,
        phase: str | None = None,
        step: int | None = None,
        max_steps: int | None = None,
        message: str | None = None,
    ) -> None:
        """Notes where the run is; cheap enough for each step. A new state, phase or message is written at once."""
        status, urgent = self._status, False
        with self._guard:
            for name, value in (("state", state), ("phase", phase), ("message", message)):
                word = None if value is None else encodable(value)
                if word is not None and status[name] != word:
                    status[name] = word
                    urgent = True
            if step is not None and step != status["step"]:
                status["step"] = step
                status["step_time"] = time.time()
            if max_steps is not None:
                status["max_steps"] = max_steps
        if urgent:
            self._write_status()

    def close(self, state: str, message: str | None = None) -> None:
        """Says how the run ended (finished, stopped, diverged, failed), then lets go of the lock. Twice is once."""
        if self.closed:
            return
        if self._untouched and state == "failed":
            self._silence()
            restore_status(self.path, self._before, message or "")
        else:
            self.set_status(state=state, message=message)
            self._write_status()
        self._let_go()

    def fail(self, title: str, hint: str = "") -> None:
        """Ends the run with an error, as an ``end`` event and in status.json, unless it was closed before."""
        if self.closed:
            return
        if self._metrics is not None:
            step, seconds, tokens = self._last
            with suppress(LabError):  # on a full disk status.json alone must say it
                self.emit(EndEvent(step, seconds, tokens, reason="failed", title=title, hint=hint))
        self.close("failed", f"{title}\n{hint}" if hint else title)

    def _give_up(self, error: BaseException) -> None:
        """The end of a writer that could not be opened, whatever the reason."""
        try:
            self.close("failed", str(error) if isinstance(error, LabError) else f"{type(error).__name__}: {error}")
        finally:
            if not self.closed:
                self._let_go()

    def _silence(self) -> None:
        self._wake.set()
        self._beat.join()

    def _let_go(self) -> None:
        self.closed = True
        _claims.pop(self.path.resolve(), None)
        self._silence()
        if self._metrics is not None:
            os.close(self._metrics)
            self._metrics = None
        self._lock.release()

    def _open_metrics(self) -> None:
        path = self.path / METRICS
        try:
            self._metrics = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
            self._good = mend_last_line(self._metrics)
        except OSError as error:
            raise write_error(path, error) from error

    def _heartbeat(self) -> None:
        while not self._wake.wait(_HEARTBEAT):
            self._write_status()

    def _write_status(self) -> None:
        import orjson

        with self._writing:
            with self._guard:
                now = {
                    **self._status,
                    "updated": time.time(),
                    "started": self._started,
                    "pid": os.getpid(),
                    "host": platform.node(),
                }
            data = orjson.dumps(now)
            data += b" " * (-(len(data) + 1) % _PAD) + b"\n"
            path = self.path / STATUS
            try:
                write_bytes_atomic(path, data, sync=False)
            except LabError:
                # No room for a new file: the old one has room. Should that fail too, the next beat tries again.
                with suppress(OSError), path.open("r+b") as file:
                    file.write(data)
                    file.truncate()


def _count(status: Mapping[str, Any], name: str) -> int:
    value = status.get(name)
    return value if isinstance(value, int) else 0


def _sweep(path: Path) -> None:
    """Removes what a killed writer left, and puts back what it had moved away; only the holder of the lock may."""
    for left in path.glob(".*.tmp"):
        with suppress(OSError):
            left.unlink()
    try:
        clean_leftovers(path)
    except OSError as error:
        raise write_error(path, error) from error


def content(folder: Path) -> list[str]:
    """The names in a folder, without those that desktops leave in empty ones: dot-files and the like."""
    return [p.name for p in folder.iterdir() if not p.name.startswith(".") and p.name.lower() not in _DESKTOP]


def restore_status(path: Path, before: Mapping[str, Any], message: str) -> None:
    """Puts back the status that a run had before a launch that came to nothing.

    Args:
        path: the run directory.
        before: the body of status.json; empty if there was none.
        message: two lines, why nothing came of it.
    """
    with suppress(LabError, OSError):  # what was wrong is on its way to the person already
        if before:
            write_json_atomic(path / STATUS, {**before, "message": encodable(message)}, sync=False)
        else:
            (path / STATUS).unlink(missing_ok=True)


def locked(path: Path) -> RunLockedError:
    """The two lines for a run that another trainer holds."""
    status = read_json(path / STATUS) or {}
    who = f"process {status['pid']} on {status['host']}" if "pid" in status and "host" in status else "another process"
    return RunLockedError(
        f"the run {path.name} is held by {who}, one trainer at a time was expected",
        f"watch it: llm-lab watch {path.name}; or stop it first: llm-lab stop {path.name}",
    )
