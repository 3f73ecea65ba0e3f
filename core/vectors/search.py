"""The rows of a matrix that score highest, in one pass over it.

The matrix is read once, a piece at a time, by this thread and a helper or two; no second matrix and no sorted list of
all scores is made. Equal scores stand in the order of their rows, which in most files is the order of how often words
occur. Leaves out: what a score means to a person.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Measure = Literal["cosine", "dot", "euclid"]
MEASURES: tuple[Measure, ...] = ("cosine", "dot", "euclid")

_PIECE = 1 << 18
"""Numbers of the matrix that are read between two looks at whether a helper has come: 1 MB, some 30 microseconds."""
_BLOCK = 1 << 16
"""Scores that are looked at together, while they are in a core's own cache."""
_FIRST = 1 << 12
"""The same until there are enough: what comes later has a mark to be above, and little of it is kept."""
_SINGLE = 16 << 20
"""Bytes of a matrix up to which one thread reads it."""
_THREADS = 4
"""At most: some more than one are needed to ask a machine's memory for all it gives, not all that there are."""
_SPARE = 32  # more rows than asked for, where scores are computed anew in double precision
LONGEST = 1e18
"""Of a vector: beyond it, the squares that distances are made of leave the range of float32."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """How rows are scored, the higher the nearer: by what their products with some vectors come to."""

    vectors: Floats
    """(Q, D)."""
    score: Callable[[Floats, Floats], Floats]
    """From products (Q, C) and the lengths of the rows (C,): their scores (C,); not a number for none."""


def row_norms(matrix: Floats) -> Floats:
    """The length of each row, (N,) float32, summed in double precision: small values do not vanish, large ones stay.

    A row that is not finite has a length that isn't either.
    """
    norms = np.empty(len(matrix), np.float32)
    step = max(1, _PIECE // max(1, matrix.shape[1]))
    with np.errstate(over="ignore", invalid="ignore"):
        for begin in range(0, len(matrix), step):
            wide = matrix[begin : begin + step].astype(np.float64)
            norms[begin : begin + step] = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    return norms


def by_cosine(unit: Floats) -> Scorer:
    """Scores by the cosine of the angle to a vector of length 1; those of rows of zeros are not a number."""
    return Scorer(unit[None], lambda products, norms: products[0] / norms)


def by_dot(vector: Floats) -> Scorer:
    """Scores by the inner product."""
    return Scorer(vector[None], lambda products, _norms: products[0])


def by_euclid(vector: Floats) -> Scorer:
    """Scores by minus the squared distance, without the part that is the same for all rows."""
    return Scorer(vector[None], lambda products, norms: 2 * products[0] - norms * norms)


def by_cosmul(positive: Floats, negative: Floats) -> Scorer:
    """Levy & Goldberg's 3CosMul (2014, equation 4; cosines moved to 0..1, their footnote 7), as gensim has it.

    Args:
        positive: (P, D), each of length 1.
        negative: (M, D), each of length 1.
    """
    count = len(positive)

    def score(products: Floats, norms: Floats) -> Floats:
        shifted = (1 + products / norms) / 2
        out: Floats = shifted[:count].prod(axis=0) / (shifted[count:].prod(axis=0) + np.float32(1e-6))
        return out

    return Scorer(np.concatenate([positive, negative]), score)


def best_rows(matrix: Floats, norms: Floats, scorer: Scorer, n: int) -> tuple[NDArray[np.int64], Floats]:
    """The ``n`` rows that score highest, best first, and their scores; of equal ones the earlier row comes first.

    Rows whose score is not a number, such as the cosine of zeros, are never among them.

    Args:
        matrix: (N, D) float32, perhaps mapped.
        norms: (N,) float32, the lengths of its rows.
        scorer: one of those above.
        n: how many rows, at least 1.
    """
    best = _Best(min(n, max(1, len(matrix))))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for first, products in _products(matrix, scorer.vectors):
            at = 0
            while at < products.shape[1]:
                some, begin = products[:, at : at + (_BLOCK if best.full else _FIRST)], first + at
                best.offer(scorer.score(some, norms[begin : begin + some.shape[1]]), begin)
                at += some.shape[1]
    return best.result()


def nearest_by_distance(matrix: Floats, norms: Floats, vector: Floats, n: int) -> tuple[NDArray[np.int64], Floats]:
    """The ``n`` rows nearest to a vector and their Euclidean distances, the nearest first.

    The pass over the matrix finds some more rows than that by the expanded square, which loses digits where rows are
    near each other and far from the origin; among those the distances are then computed from differences. Where so many
    digits are lost that another row could be nearer, a second pass takes the differences of all.
    """
    rows, scores = best_rows(matrix, norms, by_euclid(vector), n + _SPARE)
    rows, apart = _by_differences(matrix, rows, vector)
    if len(rows) < len(matrix):
        size = float(np.linalg.norm(vector.astype(np.float64)))
        lost = (matrix.shape[1] + 8) * 2.0**-23 * (float(norms.max()) + size) ** 2  # no sum in float32 loses more
        if apart[n - 1] ** 2 > size**2 - float(scores[-1]) - lost:  # what was not found is at least so far
            best = _Best(n + _SPARE)
            step = max(1, _PIECE // max(1, matrix.shape[1]))
            for begin in range(0, len(matrix), step):
                differences = matrix[begin : begin + step] - vector
                best.offer(-np.einsum("ij,ij->i", differences, differences), begin)
            rows, apart = _by_differences(matrix, best.result()[0], vector)
    return rows[:n], apart[:n].astype(np.float32)


def _by_differences(
    matrix: Floats, rows: NDArray[np.int64], vector: Floats
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Some rows and their distances to a vector in double precision, the nearest first, of equal ones the earlier."""
    apart = np.linalg.norm(matrix[rows].astype(np.float64) - vector, axis=1)
    order = np.lexsort((rows, apart))
    return rows[order], apart[order]


def count_above(matrix: Floats, norms: Floats, unit: Floats, row: int, without: int) -> int:
    """How many rows have a higher cosine with a unit vector than ``row`` has, ``without`` not counted."""
    cosines = np.concatenate([products[0] for _, products in _products(matrix, unit[None])])
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines /= norms
    above = cosines > cosines[row]
    return int(np.count_nonzero(above)) - int(above[without])


def _products(matrix: Floats, vectors: Floats) -> Iterator[tuple[int, Floats]]:
    """The products of N rows with some vectors (Q, D), some rows (Q, C) at a time: the first of them, and they.

    Each thread has a part of the matrix, read in one call that holds no lock of Python's. When this thread is through
    with its own it goes on with the others', in small pieces, until they come: on a busy machine it waits for nobody,
    and it is not put to sleep by a lock that changes hands. einsum adds up a row as fast as memory gives it; OpenBLAS
    would start threads of its own, which do wait for each other.
    """
    count = thread_count(matrix.nbytes)
    bounds = [len(matrix) * n // count for n in range(count + 1)]
    parts = [range(begin, end) for begin, end in pairwise(bounds)]

    step = max(1, _PIECE // max(1, matrix.shape[1]))

    def computed(begin: int, end: int) -> Floats:
        out = np.empty((len(vectors), end - begin), np.float32)
        # For several vectors a piece at a time, which is in a core's cache when the second one comes.
        size = step if len(vectors) > 1 else max(1, end - begin)
        for at in range(begin, end, size):
            for each, vector in zip(out, vectors, strict=True):
                some = matrix[at : min(at + size, end)]
                np.einsum("ij,j->i", some, vector, out=each[at - begin : at - begin + len(some)])
        return out

    helpers = [_helpers().submit(computed, part.start, part.stop) for part in parts[1:]]
    yield 0, computed(0, parts[0].stop)
    for part, helper in zip(parts[1:], helpers, strict=True):
        if helper.cancel():  # it has not begun
            yield part.start, computed(part.start, part.stop)
            continue
        for begin in range(part.start, part.stop, step):
            if helper.done():
                yield begin, helper.result()[:, begin - part.start :]
                break
            yield begin, computed(begin, min(begin + step, part.stop))


def thread_count(size: int) -> int:
    """Threads that read so many bytes."""
    return 1 if size < _SINGLE else min(_THREADS, os.cpu_count() or 1)


@lru_cache(maxsize=1)
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS - 1, thread_name_prefix="vectors")


class _Best:
    """The best scores of pieces that come in the order of their rows."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.floor = np.float32(-np.inf)
        self._scores: list[Floats] = []
        self._rows: list[NDArray[np.int64]] = []
        self._held = 0

    @property
    def full(self) -> bool:
        """Whether there are as many as wanted, so that a score must be above the worst of them."""
        return bool(self.floor > -np.inf)

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

    def result(self) -> tuple[NDArray[np.int64], Floats]:
        if not self._scores:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        self._cut()
        return self._rows[0], self._scores[0]
