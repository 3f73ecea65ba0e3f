"""What is nearest to a word, a vector, an analogy or a sum; each reads the matrix once.

What each takes, gives and raises stands at the method of ``Vectors`` of its name, and so does what agrees with gensim.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.vectors import search
from core.vectors.answers import Answer, Neighbour
from core.vectors.asked import checked_count, checked_vector, no_direction
from core.vectors.expression import Expression, ExpressionError, parse
from core.vectors.search import MEASURES, Measure
from core.vectors.sweep import Floats
from core.vectors.words import UnknownWordError

if TYPE_CHECKING:
    from core.vectors.store import Vectors

METHODS = ("add", "cosmul")
"""How an analogy is solved: by the mean of unit vectors, or by Levy & Goldberg's product of cosines."""


def neighbours(
    vectors: Vectors, query: str | NDArray[Any], n: int, measure: Measure, exclude: Collection[str]
) -> list[Neighbour]:
    """``Vectors.neighbours``."""
    if measure not in MEASURES:
        raise InputError(f"measure must be one of {', '.join(MEASURES)}, got {measure!r}", "cosine is usual")
    out = {vectors.row(word) for word in exclude}
    if isinstance(query, str):
        out.add(vectors.row(query))
        vector: Floats = vectors.vector(query)
    else:
        vector = checked_vector(query, vectors.width, vectors.label)
    return _named(vectors, *_nearest(vectors, vector, checked_count(n) + len(out), measure), out, n)


def analogy(
    vectors: Vectors, positive: Sequence[str], negative: Sequence[str], n: int, method: str, exclude_inputs: bool
) -> list[Neighbour]:
    """``Vectors.analogy``."""
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, got {method!r}", "add is usual")
    if not positive:
        raise InputError("an analogy needs a word that is added, got none", "for one: king - man + woman")
    rows = {vectors.row(word) for word in (*positive, *negative)}
    left_out = rows if exclude_inputs else set()
    added, taken = vectors.units(positive), vectors.units(negative)
    if method == "add":
        scorer = search.by_cosine(_direction(added.sum(axis=0) - taken.sum(axis=0)))
    else:
        scorer = search.by_cosmul(added.astype(np.float32), taken.astype(np.float32))
    found, scores = search.best_rows(vectors.matrix_all, vectors.norms, scorer, checked_count(n) + len(left_out))
    return _named(vectors, found, scores, left_out, n)


def evaluate(vectors: Vectors, expression: str | Expression, n: int, exclude_inputs: bool, unit: bool) -> Answer:
    """``Vectors.evaluate``."""
    parsed = parse(expression, vectors.words.__contains__) if isinstance(expression, str) else expression
    rows = _rows(vectors, parsed)
    own = vectors.matrix_all
    parts = vectors.units([term.word for term in parsed.terms]) if unit else own[rows].astype(np.float64)
    weights = np.array([term.weight for term in parsed.terms])
    total = weights @ parts
    # What rounding leaves of words that cancel is no direction.
    if np.linalg.norm(total) <= 1e-7 * float(np.abs(weights) @ np.linalg.norm(parts, axis=1)):
        raise ExpressionError("these words cancel each other: the sum is zero and points nowhere", parsed.text, 0)
    found, scores = _nearest(vectors, total, checked_count(n) + len(rows), "cosine")
    whole = _named(vectors, found, scores, set(), n)
    kept = _named(vectors, found, scores, set(rows), n) if exclude_inputs else whole
    return Answer(parsed, total.astype(np.float32), tuple(kept), tuple(whole), exclude_inputs)


def _rows(vectors: Vectors, expression: Expression) -> list[int]:
    """The rows of an expression's words; the error for an unknown one knows its place."""
    rows = []
    for term in expression.terms:
        try:
            rows.append(vectors.row(term.word))
        except UnknownWordError as error:
            error.at = term.at
            raise
    return rows


def _direction(vector: NDArray[np.float64]) -> Floats:
    length = np.linalg.norm(vector)
    if length < 1e-7:
        raise no_direction("this sum")
    return (vector / length).astype(np.float32)


def _nearest(vectors: Vectors, query: NDArray[Any], n: int, measure: Measure) -> tuple[NDArray[np.int64], Floats]:
    """Rows and values, the nearest first."""
    matrix, norms, vector = vectors.matrix_all, vectors.norms, query.astype(np.float32)
    if measure == "dot":
        return search.best_rows(matrix, norms, search.by_dot(vector), n)
    if measure == "euclid":
        return search.nearest_by_distance(matrix, norms, vector, n)
    wide = query.astype(np.float64)
    if not (length := np.linalg.norm(wide)):
        raise no_direction("this vector")
    return search.best_rows(matrix, norms, search.by_cosine((wide / length).astype(np.float32)), n)


def _named(
    vectors: Vectors, rows: NDArray[np.int64], values: Floats, without: Collection[int], n: int
) -> list[Neighbour]:
    kept = [(int(row), float(value)) for row, value in zip(rows, values, strict=True) if row not in without]
    return [Neighbour(vectors.words[row], value, rank) for rank, (row, value) in enumerate(kept[:n], 1)]
