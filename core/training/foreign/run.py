"""A run of another program, with the face that the dashboard and ``watch`` know from ``core.training.run.Run``.

It is read only: nobody is there to answer a request, and it has no weights that the lab could open.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event as Flag
from typing import Any, Protocol

from core.errors import RunError
from core.training.events import Event, ResumeEvent, parse_event
from core.training.foreign.facts import Facts, plain
from core.training.history import History
from core.training.requests import Request
from core.training.status import Answer, RunStatus
from core.training.stored import CheckpointInfo, SnapshotInfo
from core.training.summary import SPARK_POINTS, RunSummary
from core.training.tail import ObjectTail

QUIET_AFTER = 300.0
"""Seconds without anything new after which a foreign run no longer counts as running; TensorBoard's writers keep
numbers back for up to two minutes."""
QUIET = "quiet"


class Source(Protocol):
    """One format: where its files are, and a reader of them."""

    name: str
    """The program."""
    silent_about_end: str
    """Why a quiet run may have ended or not."""
    path: Path
    facts: Facts

    def changed(self) -> float:
        """Unix time of the newest change; 0 when nothing is there."""

    def peek(self) -> None:
        """Learns what can be learnt without reading everything."""

    def tail(self) -> ObjectTail:
        """A reader from the start."""


class ForeignRun:
    """Somebody else's run; ``open_foreign`` makes it.

    Args:
        source: its files.
        quiet_after: seconds without a change after which it is ``quiet``.
    """

    foreign = True
    bundled = False
    read_only = True

    def __init__(self, source: Source, *, quiet_after: float = QUIET_AFTER) -> None:
        self._source = source
        self._quiet_after = quiet_after
        self._changed, self._changed_at = 0.0, time.monotonic()
        self.path = source.path
        self.name = plain(source.path.resolve().name)
        self.format = source.name
        """Which program's files these are."""
        self.unreadable = 0
        """Records or entries that the last ``events()`` could not read."""
        source.peek()

    def __repr__(self) -> str:
        return f"ForeignRun({self.format}, {str(self.path)!r})"

    @property
    def facts(self) -> Facts:
        """What is known beside the numbers; it grows while the run is read."""
        return self._source.facts

    @property
    def meta(self) -> dict[str, Any]:
        """What run.json says of a run of ours, as far as these files say it."""
        facts = self.facts
        return {
            "name": self.name,
            "made_by": self.format,
            "config": {**facts.settings, "max_steps": facts.max_steps, "corpus": facts.corpus},
            "parameters": facts.parameters or None,
        }

    @property
    def max_steps(self) -> int:
        """How many steps it is to have; 0 where the files do not say."""
        return self.facts.max_steps

    @property
    def state(self) -> str:
        """Running, finished where the files say so, or quiet: nothing came for a while, and nothing says why."""
        age = self._age()
        if self.facts.finished:
            return "finished"
        return "running" if age < self._quiet_after else QUIET

    @property
    def is_live(self) -> bool:
        """Whether it grew lately."""
        return self.state == "running"

    @property
    def heartbeat_age(self) -> float:
        """Seconds since its files last changed."""
        return self._age()

    def _age(self) -> float:
        changed = self._source.changed()
        if changed != self._changed:
            first = self._changed == 0.0
            self._changed = changed
            # Another machine's clock may be ahead: then what counts is when the change was seen here.
            past = max(0.0, time.time() - changed) if first or changed == 0.0 else 0.0
            self._changed_at = time.monotonic() - past
        return time.monotonic() - self._changed_at

    def status(self) -> RunStatus:
        """The state with what can be said about it."""
        state = self.state
        return RunStatus(state=state, max_steps=self.max_steps, updated=self._changed, message=self.said(state))

    def said(self, state: str) -> str:
        """A state in words, with what is known of the run's end."""
        if state == QUIET:
            return f"nothing new for {_span(self._age())}; {self._source.silent_about_end}"
        return (
            "finished, as its files say" if state == "finished" else f"a run of {self.format}: it can only be watched"
        )

    def events(self, *kinds: str) -> Iterator[Event]:
        """The events so far; a row to which something was added is said twice, and the later counts.

        Args:
            kinds: only these (``"step"``, ``"eval"``, ``"resume"``); left out, all.
        """
        tail = self._source.tail()
        while True:
            for event in _events(tail):
                if not kinds or event.kind in kinds:
                    yield event
            self.unreadable = tail.junk
            if not tail.more:
                return

    def follow(self, cancelled: Flag | None = None, poll: float = 0.5, *, new_only: bool = False) -> Iterator[Event]:
        """All events so far and then new ones as they come, until the run is finished or quiet.

        Args:
            cancelled: set by another thread to end it.
            poll: seconds between two looks.
            new_only: leave out what is there already.
        """
        tail, stop = self._source.tail(), cancelled or Flag()
        old = new_only
        while not stop.is_set():
            over = not self.is_live  # asked before reading, so that nothing of an ended run is missed
            came = False
            for event in _events(tail):
                came = True
                if not old:
                    yield event
            self.unreadable = tail.junk
            if tail.more or tail.restarted:
                continue
            old = False
            if over and not came:
                return
            if not came:
                stop.wait(poll)

    def history(self) -> History:
        """The numbers as columns; call ``update()`` to read, and again to read on."""
        return History(self._source.tail(), merges=True)

    @property
    def checkpoints(self) -> list[CheckpointInfo]:
        """None that the lab could go on from."""
        return []

    @property
    def snapshots(self) -> list[SnapshotInfo]:
        """None."""
        return []

    def log(self, lines: int = 200) -> list[str]:
        """What was read as what, and which numbers are not shown."""
        return [f"{self.format}: {self.facts.sentence()}"][:lines]

    def send(self, kind: str) -> Request:
        """Refuses: nobody listens.

        Raises:
            RunError: always.
        """
        raise RunError(
            f"{self.name} is {self.format}'s: it can be watched here, and nobody is there to {kind} it",
            "ask the program that trains it",
        )

    def answered(self, request_id: str) -> Answer | None:
        """None: nobody answers."""
        return None

    def summary(self, history: History | None = None) -> RunSummary:
        """The one line of a list of runs; its numbers are those of ``history``, as far as that is read."""
        state = self.state
        if history is None:
            return RunSummary(self.name, self.path, state, max_steps=self.max_steps, message=self.said(state))
        values = history.loss.tolist()
        count = min(len(values), SPARK_POINTS)
        best = history.best
        return RunSummary(
            name=self.name,
            path=self.path,
            state=state,
            step=history.last_step,
            max_steps=self.max_steps,
            train_loss=history.last("loss"),
            best_val_loss=best[1] if best else float("nan"),
            created=self._changed,
            updated=self._changed,
            corpus=self.facts.corpus,
            parameters=self.facts.parameters,
            spark=[values[(i + 1) * len(values) // count - 1] for i in range(count)],
            message=self.said(state),
        )


def _events(tail: ObjectTail) -> Iterator[Event]:
    for raw in tail.objects(1 << 18)[0]:
        event = parse_event(raw)
        if event is not None and (type(event.step) is int or isinstance(event, ResumeEvent)):
            yield event


def _span(seconds: float) -> str:
    """A length of time in one unit.

    >>> _span(301), _span(7300), _span(200000)
    ('5 min', '2 h', '2 days')
    """
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172800 else f"{seconds / 86400:.0f} days"
