"""The numbers of a run as columns, read step by step from ``metrics.jsonl`` and kept in bounded memory.

A dashboard calls ``update`` again and again and draws the columns. A resume drops what came after its ``from_step``.
Beyond a limit, neighbouring steps are thinned to the extremes of each bucket, so that a spike of one step in a million
survives. The columns are numpy float64 arrays, NaN where there is no finite number.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from core.training.tail import LineTail, ObjectTail

Column = NDArray[np.float64]
STEP_COLUMNS = ("step", "time", "tokens", "loss", "lr", "grad_norm", "tokens_per_second", "mfu")
EVAL_COLUMNS = ("step", "time", "tokens", "train_loss", "val_loss", "perplexity")
ROWS = 60_000
"""Steps that are kept one by one, some 4 MB: hundreds for each column of a plot. Beyond, the extremes stand for all."""
_EVERYTHING = 1 << 40
_CHUNK = 1 << 16  # bytes parsed in one go: its objects stay in the processor's cache, and keys wait for none of it


class Table:
    """Rows of numbers, sorted by step, stored by column; a view once handed out never changes.

    Args:
        names: the columns; the first is the step.
        spikes: columns whose extremes survive thinning, with +1 for the maximum and -1 for the minimum.
        limit: rows beyond which it is thinned.
        merges: whether a row of an earlier step finds its place, and one of a step that is there fills it in; otherwise
            what is newer counts, and later steps are dropped.
    """

    def __init__(
        self, names: Sequence[str], spikes: Sequence[tuple[str, int]], limit: int, *, merges: bool = False
    ) -> None:
        self.names = tuple(names)
        self._get = itemgetter(*names)
        self._spikes = [(self.names.index(name), sign) for name, sign in spikes]
        self._limit = limit
        self._merges = merges
        self._data = np.empty((len(names), 1024))
        self._n = 0
        self._width = 1.0
        self.dropped = 0
        """Rows that thinning left out."""

    def __len__(self) -> int:
        return self._n

    def __getattr__(self, name: str) -> Column:
        if name.startswith("_") or name not in self.names:
            raise AttributeError(f"no column is called {name!r}; there are {', '.join(self.names)}")
        return self.column(name)

    def column(self, name: str) -> Column:
        """One column, oldest first."""
        return self._data[self.names.index(name), : self._n]

    def last(self, name: str) -> float:
        """The newest number of a column; NaN when there is none."""
        return float(self._data[self.names.index(name), self._n - 1]) if self._n else float("nan")

    def append(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Adds the named values of each object; returns how many objects could not be used."""
        try:
            new, bad = self._numbers(rows), 0
            if not np.isfinite(new[:, 0]).all():
                raise ValueError("a step that is no number")
        except (KeyError, TypeError, ValueError):
            good = [row for row in map(self._tolerant, rows) if row is not None]
            new, bad = np.array(good, dtype=np.float64).reshape(len(good), len(self.names)), len(rows) - len(good)
        if not len(new):
            return bad
        steps = new[:, 0]
        in_order = not ((self._n and steps[0] <= self._data[0, self._n - 1]) or (np.diff(steps) <= 0).any())
        if not in_order and self._merges:
            self._merge(new)
        elif not in_order:
            for row in new:  # steps that go back without a resume: what is newer counts
                self.drop_after(row[0] - 0.5)
                self._put(row[None])
        else:
            self._put(new)
        if self._n > self._limit:
            self._thin()
        return bad

    def drop_after(self, step: float) -> None:
        """Removes the rows beyond ``step``."""
        keep = int(np.searchsorted(self._data[0, : self._n], step, side="right"))
        if keep < self._n:
            self._data = self._data.copy()  # views that were handed out keep the old rows
            self._n = keep

    def _merge(self, new: Column) -> None:
        """Puts rows where they belong; of two numbers for one step and column the newer counts."""
        together = np.concatenate([self._data[:, : self._n].T, new])
        order = np.argsort(together[:, 0], kind="stable")
        steps, first, group = np.unique(together[order, 0], return_index=True, return_inverse=True)
        merged = together[order][first]
        rest = np.setdiff1d(np.arange(len(order)), first)
        for place, row in zip(group[rest], together[order][rest], strict=True):
            merged[place] = np.where(np.isnan(row), merged[place], row)
        self._data, self._n = np.empty((len(self.names), max(1024, 2 * len(steps)))), 0
        self._put(merged)

    def _numbers(self, rows: Sequence[Mapping[str, Any]]) -> Column:
        """The named values, a row each; ``None`` becomes NaN."""
        flat, shape = chain.from_iterable(map(self._get, rows)), (len(rows), len(self.names))
        try:
            return np.fromiter(flat, np.float64, shape[0] * shape[1]).reshape(shape)  # half the time of what follows
        except TypeError:
            return np.array([self._get(row) for row in rows], dtype=np.float64)

    def _tolerant(self, row: Mapping[str, Any]) -> tuple[float, ...] | None:
        if row.get("step") is None:
            return None
        try:
            return tuple(float("nan") if row.get(n) is None else float(row[n]) for n in self.names)
        except (TypeError, ValueError):
            return None

    def _put(self, rows: Column) -> None:
        end = self._n + len(rows)
        if end > self._data.shape[1]:
            most = self._limit + self._limit // 8  # one reading of the file goes beyond the limit before it is thinned
            grown = np.empty((len(self.names), max(end, min(2 * self._data.shape[1], most))))
            grown[:, : self._n] = self._data[:, : self._n]
            self._data = grown
        self._data[:, self._n : end] = rows.T
        self._n = end

    def _thin(self) -> None:
        """Keeps the extremes of each bucket of steps, and the ends; buckets grow until half the limit is enough."""
        data = self._data[:, : self._n]
        steps = data[0]
        while True:
            first = np.append(True, np.diff(np.floor(steps / self._width)) != 0)
            keep = np.zeros(self._n, dtype=bool)
            keep[[0, -1]] = True
            for column, sign in self._spikes:
                value = np.where(np.isfinite(data[column]), sign * data[column], np.inf)  # NaN is the greatest spike
                keep[_greatest(value, first)] = True
            if keep.sum() <= self._limit // 2 or self._width > steps[-1] - steps[0] + 1:
                break
            self._width *= 2
        self.dropped += self._n - int(keep.sum())
        self._data = np.ascontiguousarray(data[:, keep])
        self._n = int(keep.sum())


def _greatest(value: Column, first: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Where the greatest value of each stretch stands, the last where several are; ``first`` marks where one begins.

    >>> _greatest(np.array([1.0, 3, 3, 2, 0]), np.array([True, False, False, True, False]))
    array([2, 3])
    """
    starts, stretch = np.flatnonzero(first), np.cumsum(first) - 1
    at = np.flatnonzero(value == np.maximum.reduceat(value, starts)[stretch])
    found: NDArray[np.intp] = at[np.append(np.diff(stretch[at]) != 0, True)]
    return found


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
            self.resumes.append(event)
            self.end = None
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
