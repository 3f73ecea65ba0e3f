"""The rows of a matrix that score highest, in one pass over it.

The matrix is read once, in stretches that stay in the processor's cache while their scores are compared with the worst
of the best so far; no second matrix and no sorted list of all scores is made. Equal scores stand in the order of their
rows, which in most files is the order of how often words occur. Leaves out: what a score means to a person.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Measure = Literal["cosine", "dot", "euclid"]
MEASURES: tuple[Measure, ...] = ("cosine", "dot", "euclid")
Scorer = Callable[[Floats, Floats], Floats]
"""From a stretch of the matrix (C, D) and the lengths of its rows (C,): their scores (C,), the higher the nearer."""

_STRETCH = 3 << 17
"""Numbers of the matrix for one call of OpenBLAS: for more it starts threads of its own, which wait for each other
every time and on a busy machine take a hundred times as long."""
_BLOCK = 8 * _STRETCH
"""Numbers whose scores are looked at together, while they are in a core's own cache; what a thread takes at a time."""
_SINGLE = 16 << 20
"""Bytes of a matrix up to which one thread reads it."""
_THREADS = 4
"""At most: some more than one are needed to ask a machine's memory for all it gives, not all that there are."""
_SPARE = 32  # more rows than asked for, where scores are computed anew in double precision


def row_norms(matrix: Floats) -> Floats:
    """The length of each row, (N,) float32, summed in double precision: small values do not vanish, large ones stay.

    A row that is not finite has a length that isn't either.
    """
    norms = np.empty(len(matrix), np.float32)
    step = max(1, _STRETCH // max(1, matrix.shape[1]))
    with np.errstate(over="ignore", invalid="ignore"):
        for begin in range(0, len(matrix), step):
            wide = matrix[begin : begin + step].astype(np.float64)
            norms[begin : begin + step] = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    return norms


def by_cosine(unit: Floats) -> Scorer:
    """Scores by the cosine of the angle to a vector of length 1; those of rows of zeros are not a number."""

    def score(rows: Floats, norms: Floats) -> Floats:
        products = _products(rows, unit)
        products /= norms
        return products

    return score


def by_dot(vector: Floats) -> Scorer:
    """Scores by the inner product."""
    return lambda rows, _norms: _products(rows, vector)


def by_euclid(vector: Floats) -> Scorer:
    """Scores by minus the squared distance, without the part that is the same for all rows."""
    double = 2 * vector

    def score(rows: Floats, norms: Floats) -> Floats:
        out = _products(rows, double)
        out -= norms * norms
        return out

    return score


def by_cosmul(positive: Floats, negative: Floats) -> Scorer:
    """Levy & Goldberg's 3CosMul (2014, equation 4; cosines moved to 0..1, their footnote 7), as gensim has it.

    Args:
        positive: (P, D), each of length 1.
        negative: (M, D), each of length 1.
    """
    both = np.ascontiguousarray(np.concatenate([positive, negative]).T)
    count = len(positive)

    def score(rows: Floats, norms: Floats) -> Floats:
        shifted = (1 + _products(rows, both) / norms[:, None]) / 2
        out: Floats = shifted[:, :count].prod(axis=1) / (shifted[:, count:].prod(axis=1) + np.float32(1e-6))
        return out

    return score


def _products(rows: Floats, vectors: Floats) -> Floats:
    """The products of (C, D) rows with one vector (D,) or some (D, Q), a stretch at a time."""
    out = np.empty((len(rows), *vectors.shape[1:]), np.float32)
    step = max(1, _STRETCH // max(1, rows.shape[1]))
    for begin in range(0, len(rows), step):
        np.dot(rows[begin : begin + step], vectors, out=out[begin : begin + step])
    return out


def best_rows(matrix: Floats, norms: Floats, score: Scorer, n: int) -> tuple[NDArray[np.int64], Floats]:
    """The ``n`` rows that score highest, best first, and their scores; of equal ones the earlier row comes first.

    Rows whose score is not a number, such as the cosine of zeros, are never among them.

    Args:
        matrix: (N, D) float32, perhaps mapped.
        norms: (N,) float32, the lengths of its rows.
        score: one of the scorers above.
        n: how many rows, at least 1.
    """
    step = max(1, _BLOCK // max(1, matrix.shape[1]))
    begins = iter(range(0, len(matrix), step))  # shared by the threads; each takes the next that nobody has

    def work() -> _Best:
        best = _Best(min(n, max(1, len(matrix))))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            for begin in begins:
                best.offer(score(matrix[begin : begin + step], norms[begin : begin + step]), begin)
        return best

    others = [_pool().submit(work) for _ in range(thread_count(matrix.nbytes) - 1)]
    best = work()
    for other in others:
        if not other.cancel():  # one that has not begun, on a busy machine, is not waited for
            best.join(other.result())
    return best.result()


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="vectors")


def thread_count(size: int) -> int:
    """Threads for so many bytes; each takes the next block that is free, so one that is held up holds up no other."""
    return 1 if size < _SINGLE else min(_THREADS, os.cpu_count() or 1)


def nearest_by_distance(matrix: Floats, norms: Floats, vector: Floats, n: int) -> tuple[NDArray[np.int64], Floats]:
    """The ``n`` rows nearest to a vector and their Euclidean distances, the nearest first.

    The pass over the matrix finds some more rows than that by the expanded square, which loses digits where rows are
    near; among those the distances are then computed from differences.
    """
    rows, _ = best_rows(matrix, norms, by_euclid(vector), n + _SPARE)
    apart = np.linalg.norm(matrix[rows].astype(np.float64) - vector, axis=1)
    order = np.lexsort((rows, apart))[:n]
    return rows[order], apart[order].astype(np.float32)


def count_above(matrix: Floats, norms: Floats, unit: Floats, row: int, without: int) -> int:
    """How many rows have a higher cosine with a unit vector than ``row`` has, ``without`` not counted."""
    score, above = by_cosine(unit), 0
    step = max(1, _BLOCK // max(1, matrix.shape[1]))
    place = row // step * step  # its score is computed as all are, or rounding might put it above itself
    with np.errstate(invalid="ignore", divide="ignore"):
        floor = score(matrix[place : place + step], norms[place : place + step])[row - place]
        for begin in range(0, len(matrix), step):
            scores = score(matrix[begin : begin + step], norms[begin : begin + step])
            above += int(np.count_nonzero(scores > floor))
            if begin <= without < begin + step and scores[without - begin] > floor:
                above -= 1
    return above


class _Best:
    """The best scores of stretches that come in the order of their rows."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.floor = np.float32(-np.inf)
        self._scores: list[Floats] = []
        self._rows: list[NDArray[np.int64]] = []
        self._held = 0

    def offer(self, scores: Floats, begin: int) -> None:
        """Keeps what is better than the worst of the best: no equal score of a later row, and no NaN."""
        found = (scores > self.floor).nonzero()[0]
        if len(found):
            self._scores.append(scores[found])
            self._rows.append(found + begin)
            self._held += len(found)
            if self._held > 4 * self.n + 256:
                self._cut()

    def _cut(self) -> None:
        scores, rows = np.concatenate(self._scores), np.concatenate(self._rows)
        if len(scores) > self.n:
            worst = np.partition(scores, len(scores) - self.n)[len(scores) - self.n]
            kept = np.flatnonzero(scores >= worst)
            scores, rows = scores[kept], rows[kept]
        order = np.lexsort((rows, -scores))[: self.n]
        self._scores, self._rows, self._held = [scores[order]], [rows[order]], len(order)
        if len(order) == self.n:
            self.floor = scores[order[-1]]

    def join(self, other: _Best) -> None:
        """Takes over what another has found in other stretches."""
        self._scores += other._scores
        self._rows += other._rows

    def result(self) -> tuple[NDArray[np.int64], Floats]:
        if not self._scores:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        self._cut()
        return self._rows[0], self._scores[0]
