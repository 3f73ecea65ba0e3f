"""Rows of numbers kept as columns in bounded memory: beyond a limit neighbouring steps are thinned to their extremes.

The columns are numpy float64 arrays, NaN where there is no finite number.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]


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

    def state(self) -> dict[str, Any]:
        """All of it as JSON values, without loss."""
        data = base64.b64encode(self._data[:, : self._n].tobytes()).decode("ascii")
        return {"data": data, "width": self._width, "dropped": self.dropped}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Becomes what another table of the same columns was."""
        numbers = np.frombuffer(base64.b64decode(state["data"]), np.float64).reshape(len(self.names), -1)
        self._data, self._n = numbers.copy(), numbers.shape[1]
        self._width, self.dropped = state["width"], state["dropped"]

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
