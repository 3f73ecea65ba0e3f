"""The trainer's side of the run directory: says events, keeps the clock, listens for requests, waits for disk space."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from core.errors import DiskFullError, LabError, RunError
from core.training.events import Event, StateEvent, WarningEvent
from core.training.requests import Request
from core.training.rundir import META, RunWriter

Result = TypeVar("Result")
Now = Callable[[], tuple[int, float, int]]
POLL = 0.05  # seconds between looks at the requests while the run waits
RETRY = 2.0  # seconds between tries to write when the disk was full


class Clock:
    """Seconds of training: stands still while the run is paused, and goes on where a resumed run had been."""

    def __init__(self) -> None:
        self._done, self._since = 0.0, time.monotonic()
        self._stopped = False

    def seconds(self) -> float:
        """Seconds so far."""
        return self._done if self._stopped else self._done + time.monotonic() - self._since

    def set(self, seconds: float) -> None:
        """Goes on from ``seconds``."""
        self._done, self._since = seconds, time.monotonic()

    def stop(self) -> None:
        """Stands still."""
        self._done, self._stopped = self.seconds(), True

    @property
    def stands(self) -> bool:
        """Whether it stands still."""
        return self._stopped

    def go(self) -> None:
        """Runs again; does nothing where it runs."""
        if not self._stopped:
            return
        self._since, self._stopped = time.monotonic(), False


class Journal:
    """Events out, requests in; opened when the run directory is known."""

    def __init__(self) -> None:
        self.clock, self.stop = Clock(), threading.Event()
        self._writer: RunWriter | None = None
        self._stop_requests: list[Request] = []
        self._pending: list[Request] = []
        self._last: tuple[int, float, int] = (0, 0.0, 0)
        self._recording = False

    @property
    def path(self) -> Path:
        """The run directory."""
        assert self._writer is not None
        return self._writer.path

    def claim(self, path: Path) -> None:
        """Takes a run directory that a launcher made, before there is anything to write."""
        if (path / META).exists():  # said before the status of that run is touched
            raise RunError(f"{path} holds a run already", f"go on with it: llm-lab train --resume {path.name}")
        if path.is_dir():
            self._writer = RunWriter.claim(path)

    def create(self, path: Path, meta: Mapping[str, Any]) -> None:
        """Starts a run."""
        self._writer, self._recording = RunWriter.create(path, meta), True
        self.clock.set(0.0)

    def reopen(self, path: Path) -> None:
        """Goes on with a run."""
        self._writer, self._recording = RunWriter.reopen(path), True

    def status(self, **what: Any) -> None:
        """Notes state, phase, step, max_steps or message for the heartbeat."""
        if self._writer:
            self._writer.set_status(**what)

    def close(self, state: str, message: str | None = None) -> None:
        """Says how the run ended; later calls change nothing."""
        if self._writer and not self._writer.closed:
            self._listen()
            for request in [*self._stop_requests, *self._pending]:  # what came too late has nothing left to change
                self._writer.answered(request, self._last[0])
            self._writer.close(state, message)

    def say(self, event: Event) -> Iterator[Event]:
        """Writes an event and yields it; where the disk is full, the run waits until it is not."""
        writer = self._writer
        assert writer is not None
        self._last = (event.step, event.time, event.tokens)
        yield from self.with_space(lambda: writer.emit(event))
        yield event

    def try_to_say(self, event: Event) -> None:
        """Writes an event if it can be written; for the last words of a run that failed."""
        if self._writer and self._recording and not self._writer.closed:
            try:
                self._writer.emit(event)
            except LabError:
                return  # the same words stand in status.json, and are raised

    def with_space(self, action: Callable[[], Result]) -> Generator[Event, None, Result]:
        """Does something that writes; where the disk is full, the run waits and tries again."""
        told = False
        while True:
            try:
                return action()
            except DiskFullError as error:
                if not told:
                    yield WarningEvent(*self._last, error.title, error.hint)
                    told = True
                self._wait_for_space(error)

    def attend(self, now: Now, checkpoint: Callable[[], Iterator[Event]]) -> Iterator[Event]:
        """Carries out what was asked since the last step; while paused, waits here for more.

        Args:
            now: step, seconds and tokens for the events.
            checkpoint: writes one.
        """
        paused, writer = False, self._writer
        assert writer is not None
        while True:
            self._listen()
            while self._pending and not self.stop.is_set():
                request = self._pending.pop(0)
                if request.request == "checkpoint":
                    yield from checkpoint()
                    self.status(state="paused" if paused else "running", phase="" if paused else "train")
                elif (request.request == "pause") != paused:
                    paused = not paused
                    (self.clock.stop if paused else self.clock.go)()
                    yield from self.say(StateEvent(*now(), "paused" if paused else "resumed", "asked", request.id))
                    self.status(state="paused" if paused else "running", phase="" if paused else "train")
                writer.answered(request, now()[0])
            if not paused or self.stop.is_set():
                break
            time.sleep(POLL)
        self.clock.go()

    def _listen(self) -> list[Request]:
        """Takes what was asked: a stop takes effect at once, the rest waits for its turn in ``attend``."""
        assert self._writer is not None
        fresh = self._writer.requests()
        for request in fresh:
            (self._stop_requests if request.request == "stop" else self._pending).append(request)
        if self._stop_requests:
            self.stop.set()
        return fresh

    def _wait_for_space(self, error: DiskFullError) -> None:
        """Waits until it is worth trying again: a moment, or until a ``resume`` is asked for; a stop gives up."""
        was_standing = self.clock.stands
        self.clock.stop()
        self.status(state="paused", phase="no space left", message=str(error))
        until = time.monotonic() + RETRY
        while time.monotonic() < until and not any(r.request == "resume" for r in self._listen()):
            if self.stop.is_set():
                raise error
            time.sleep(POLL)
        if not was_standing:
            self.clock.go()
        self.status(state="running", phase="train", message="")
