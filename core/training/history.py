"""The numbers of a run as columns, read step by step from ``metrics.jsonl`` and kept in bounded memory.

A dashboard calls ``update`` again and again and draws the columns. A resume drops what came after its ``from_step``.
How they are kept, so that a spike of one step in a million survives, is in table.py.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from core.training.events import (
    CheckpointEvent,
    EndEvent,
    EvalEvent,
    Event,
    ResumeEvent,
    SampleEvent,
    SnapshotEvent,
    StartEvent,
    StateEvent,
    WarningEvent,
    parse_event,
)
from core.training.table import Column, Table
from core.training.tail import LineTail, ObjectTail

STEP_COLUMNS = ("step", "time", "tokens", "loss", "lr", "grad_norm", "tokens_per_second", "mfu")
EVAL_COLUMNS = ("step", "time", "tokens", "train_loss", "val_loss", "perplexity")
ROWS = 60_000
"""Steps that are kept one by one, some 4 MB: hundreds for each column of a plot. Beyond, the extremes stand for all."""
_EVERYTHING = 1 << 40
_CHUNK = 1 << 16  # bytes parsed in one go: its objects stay in the processor's cache, and keys wait for none of it


class History:
    """What a run has said so far; ``update`` reads on. One thread may update while another reads.

    ``start``, ``end`` (None until they come, and ``end`` again after a resume), ``samples``, ``checkpoints``,
    ``snapshots``, ``warnings``, ``states``, ``resumes`` hold events, newest last, the oldest forgotten beyond a limit.
    """

    def __init__(self, metrics: Path | ObjectTail, limit: int = ROWS, *, merges: bool = False) -> None:
        """Reads metrics.jsonl, or what another tail finds; ``merges`` as of ``Table``."""
        self._tail: ObjectTail = LineTail(metrics) if isinstance(metrics, Path) else metrics
        self.path = self._tail.path
        self._limit = limit
        self._merges = merges
        self._guard = threading.RLock()
        self.version = 0
        """Grows with each change: the cheap question whether to draw again."""
        self._clear()

    def _clear(self) -> None:
        extremes = (("loss", 1), ("loss", -1), ("grad_norm", 1), ("tokens_per_second", -1))
        self.step_table = Table(STEP_COLUMNS, extremes, self._limit, merges=self._merges)
        lowest = (("val_loss", 1), ("val_loss", -1))
        self.evals = Table(EVAL_COLUMNS, lowest, self._limit // 4, merges=self._merges)
        self._bad = 0
        self.start: StartEvent | None = None
        self.end: EndEvent | None = None
        self.samples: deque[SampleEvent] = deque(maxlen=1000)
        self.checkpoints: deque[CheckpointEvent] = deque(maxlen=10_000)
        self.snapshots: deque[SnapshotEvent] = deque(maxlen=10_000)
        self.warnings: deque[WarningEvent] = deque(maxlen=1000)
        self.states: deque[StateEvent] = deque(maxlen=1000)
        self.resumes: deque[ResumeEvent] = deque(maxlen=1000)

    def update(self, max_bytes: int | None = None) -> bool:
        """Reads what is new.

        Args:
            max_bytes: stop after about so many bytes; left out, read to the end.

        Returns:
            Whether there is more to read already (a worker calls again); ``version`` says whether anything changed.
        """
        left = max_bytes
        while True:
            size = _CHUNK if left is None else min(_CHUNK, left)
            before = self._tail.offset
            objects, bad = self._tail.objects(size)
            with self._guard:
                if self._tail.restarted:
                    self._clear()
                    self.version += 1
                    before = 0
                if objects or bad:
                    self._bad += bad
                    self._take(objects)
                    self.version += 1
            if left is not None:
                left -= self._tail.offset - before
            if not self._tail.more:
                return False
            if left is not None and left <= 0:
                return True

    def columns(self, *names: str) -> tuple[Column, ...]:
        """Columns of equal length that belong together; ``eval.val_loss`` and the like for the evaluations.

        >>> History(Path("nowhere")).columns("step", "loss")
        (array([], dtype=float64), array([], dtype=float64))
        """
        with self._guard:
            evals = [name.startswith("eval.") for name in names]
            return tuple(
                self.evals.column(name.removeprefix("eval.")) if of_evals else self.step_table.column(name)
                for name, of_evals in zip(names, evals, strict=True)
            )

    @property
    def steps(self) -> Column:
        """The steps of the step events."""
        return self.step_table.column("step")

    def __getattr__(self, name: str) -> Column:
        if name in STEP_COLUMNS:
            return self.step_table.column(name)
        raise AttributeError(f"History has no {name!r}")

    @property
    def last_step(self) -> int:
        """The newest step; 0 before the first."""
        return int(self.step_table.last("step")) if len(self.step_table) else 0

    def last(self, name: str) -> float:
        """The newest number of a column (``loss``, ``eval.val_loss``); NaN when there is none."""
        with self._guard:
            if name.startswith("eval."):
                return self.evals.last(name.removeprefix("eval."))
            return self.step_table.last(name)

    @property
    def best(self) -> tuple[int, float] | None:
        """Step and value of the lowest validation loss, in nats per token."""
        step, loss = self.columns("eval.step", "eval.val_loss")
        if not np.isfinite(loss).any():
            return None
        at = int(np.nanargmin(loss))
        return int(step[at]), float(loss[at])

    @property
    def unreadable(self) -> int:
        """Lines that were no event."""
        return self._bad + self._tail.junk

    @property
    def bytes_read(self) -> int:
        """How far in the file it is, for a progress bar."""
        return self._tail.offset

    def in_full(self) -> History:
        """The same read once more, with nothing left out, however long it is."""
        whole = History(self._tail.fresh(), limit=_EVERYTHING, merges=self._merges)
        whole.update()
        return whole

    def state(self) -> dict[str, Any]:
        """All that was read and how far, as JSON values: what ``restore`` takes, in another process too."""
        assert isinstance(self._tail, LineTail)
        events = [self.start, *self.resumes, *chain.from_iterable(self._kept().values()), self.end]
        return {
            "steps": self.step_table.state(),
            "evals": self.evals.state(),
            "events": [event.to_dict() for event in events if event is not None],
            "bad": self._bad,
            "place": self._tail.place(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes over what another history of the same file had read, in place of all of its own."""
        assert isinstance(self._tail, LineTail)
        with self._guard:
            self._clear()
            self.step_table.restore(state["steps"])
            self.evals.restore(state["evals"])
            for raw in state["events"]:
                self._keep(parse_event(raw))
            self._bad = state["bad"]
            self._tail.go_on_from(state["place"])
            self.version += 1

    def _take(self, objects: list[dict[str, Any]]) -> None:
        kinds = [raw.get("kind") for raw in objects]
        steps: list[dict[str, Any]] = []
        evals: list[dict[str, Any]] = []
        done = 0
        for at in [i for i, kind in enumerate(kinds) if kind != "step"] if kinds.count("step") < len(kinds) else ():
            steps += objects[done:at]
            done = at + 1
            if kinds[at] == EvalEvent.kind:
                evals.append(objects[at])
                continue
            if kinds[at] == ResumeEvent.kind:  # what went before must stand before it is dropped
                self._flush(steps, evals)
            self._take_other(objects[at])
        steps += objects[done:]
        self._flush(steps, evals)

    def _flush(self, steps: list[dict[str, Any]], evals: list[dict[str, Any]]) -> None:
        for table, rows in ((self.step_table, steps), (self.evals, evals)):
            if rows:
                self._bad += table.append(rows)
                rows.clear()

    def _take_other(self, raw: dict[str, Any]) -> None:
        event = parse_event(raw)
        if isinstance(event, ResumeEvent):
            self._rewind(event.from_step)
            self.end = None
        self._keep(event)

    def _keep(self, event: Event | None) -> None:
        if isinstance(event, ResumeEvent):
            self.resumes.append(event)
        elif isinstance(event, StartEvent):
            self.start = event
        elif isinstance(event, EndEvent):
            self.end = event
        else:
            for kind, kept in self._kept().items():
                if isinstance(event, kind):
                    kept.append(event)

    def _kept(self) -> dict[type[Event], deque[Any]]:
        return {
            SampleEvent: self.samples,
            CheckpointEvent: self.checkpoints,
            SnapshotEvent: self.snapshots,
            WarningEvent: self.warnings,
            StateEvent: self.states,
        }

    def _rewind(self, step: int) -> None:
        self.step_table.drop_after(step)
        self.evals.drop_after(step)
        for kept in self._kept().values():
            while kept and kept[-1].step > step:
                kept.pop()
