"""The rows of a matrix that score highest, in one pass over it.

The matrix is read once, by several threads (``sweep.py``), each of which keeps the best of what it has read; no second
matrix and no list of all scores is made. Equal scores stand in the order of their rows, which in most files is the
order of how often words occur. Leaves out: what a score means to a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.vectors.sweep import PIECE, Floats, Look, sweep

Measure = Literal["cosine", "dot", "euclid"]
MEASURES: tuple[Measure, ...] = ("cosine", "dot", "euclid")

_BLOCK = 1 << 18
"""Scores that are computed together: 1 MB, which a core's cache holds."""
_FIRST = 1 << 12
"""Scores that are looked at together until there are enough: what comes later has a mark to be above, and little of it
is kept."""
_Scored = tuple[NDArray[np.int64], Floats]
_NO_ROWS, _NO_SCORES = np.zeros(0, np.int64), np.zeros(0, np.float32)
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
    step = max(1, PIECE // max(1, matrix.shape[1]))
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

    def looker() -> Look[_Scored]:
        best = _Best(n)

        def look(begin: int, products: Floats) -> _Scored:
            found = []
            for at in range(0, products.shape[1], _BLOCK):
                some = products[:, at : at + _BLOCK]
                near = scorer.score(some, norms[begin + at : begin + at + some.shape[1]])
                found.append(best.offer(near, begin + at))
            return np.concatenate([rows for rows, _ in found]), np.concatenate([scores for _, scores in found])

        return look

    found = sweep(matrix, scorer.vectors, looker)
    return _best(n, [rows for rows, _ in found], [scores for _, scores in found])


def nearest_by_distance(matrix: Floats, norms: Floats, vector: Floats, n: int) -> tuple[NDArray[np.int64], Floats]:
    """The ``n`` rows nearest to a vector and their Euclidean distances, the nearest first.

    The pass over the matrix finds some more rows than that by the expanded square, which loses digits where rows are
    near each other and far from the origin; among those the distances are then computed from differences. Where so many
    digits are lost that another row could be nearer, or a row is so long that its square is none, a second pass takes
    the differences of all.
    """
    rows, scores = best_rows(matrix, norms, by_euclid(vector), n + _SPARE)
    rows, apart = _by_differences(matrix, rows, vector)
    if len(rows) < len(matrix):
        size = float(np.linalg.norm(vector.astype(np.float64)))
        lost = (matrix.shape[1] + 8) * 2.0**-23 * (float(norms.max()) + size) ** 2  # no sum in float32 loses more
        # What was not found is at least as far as the last of what was.
        if len(rows) < n or apart[n - 1] ** 2 > size**2 - float(scores[-1]) - lost:
            best, found = _Best(n + _SPARE), []
            step = max(1, PIECE // max(1, matrix.shape[1]))
            for begin in range(0, len(matrix), step):
                differences = matrix[begin : begin + step].astype(np.float64) - vector
                distances = np.sqrt(np.einsum("ij,ij->i", differences, differences))
                found.append(best.offer(-distances.astype(np.float32), begin))
            rows, _ = _best(best.n, [rows for rows, _ in found], [scores for _, scores in found])
            rows, apart = _by_differences(matrix, rows, vector)
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

    def looker() -> Look[Floats]:
        return lambda begin, products: products[0] / norms[begin : begin + products.shape[1]]

    cosines = np.concatenate(sweep(matrix, unit[None], looker))
    above = cosines > cosines[row]
    return int(np.count_nonzero(above)) - int(above[without])


class _Best:
    """What one thread has found so far: a later score must be above the worst of the best.

    Args:
        n: how many are wanted.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self._floor = np.float32(-np.inf)
        self._above: list[Floats] = []
        self._held = 0

    def offer(self, scores: Floats, begin: int) -> _Scored:
        """Of some scores in the order of their rows those that may be among the best, and their rows.

        No NaN is, and no score that is equal to the worst of the best, whose row came before.
        """
        rows, kept, at = [], [], 0
        while at < len(scores):
            size = len(scores) if self._floor > -np.inf else _FIRST
            some = scores[at : at + size]
            found = (some > self._floor).nonzero()[0]
            if len(found):
                rows.append(found + (begin + at))
                kept.append(some[found])
                self._learn(kept[-1])
            at += size
        return (np.concatenate(rows), np.concatenate(kept)) if rows else (_NO_ROWS, _NO_SCORES)

    def _learn(self, scores: Floats) -> None:
        """Raises the mark to be above, now and then."""
        self._above.append(scores)
        self._held += len(scores)
        if self._held >= self.n and (self._held > 4 * self.n + 256 or self._floor == -np.inf):
            best = np.partition(np.concatenate(self._above), self._held - self.n)[self._held - self.n :]
            self._above, self._held, self._floor = [best], self.n, best[0]


def _best(n: int, rows: list[NDArray[np.int64]], scores: list[Floats]) -> _Scored:
    """The best of all that was found, of equal ones the earlier rows; the rows of the list come in their order."""
    all_rows, all_scores = np.concatenate([_NO_ROWS, *rows]), np.concatenate([_NO_SCORES, *scores])
    if len(all_scores) > n:
        worst = np.partition(all_scores, len(all_scores) - n)[len(all_scores) - n]
        kept = np.flatnonzero(all_scores >= worst)
        all_rows, all_scores = all_rows[kept], all_scores[kept]
    order = np.argsort(-all_scores, kind="stable")[:n]
    return all_rows[order], all_scores[order]
