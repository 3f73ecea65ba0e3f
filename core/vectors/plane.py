"""The arithmetic of an expression, drawn in the plane of its words: the parallelogram of an analogy.

king, man and woman span a plane; king - man + woman lies in it, as the fourth corner of their parallelogram, and
everything else is looked at from straight above. How much of a word lies in the plane is said with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.vectors.answers import Answer
from core.vectors.expression import Expression

if TYPE_CHECKING:
    from core.vectors.store import Vectors


@dataclass(frozen=True, slots=True)
class PlanePoint:
    """One word, or the sum, in the plane."""

    name: str
    x: float
    y: float
    role: str
    """``input``: a word of the expression; ``sum``: what it comes to; ``answer``: a word near it; ``other``."""
    weight: float = 0.0
    """Of an input."""
    outside: float = 0.0
    """How far it lies above or below the plane; the unit is a word's length, 1."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Plane:
    """An expression in the plane of its words."""

    answer: Answer
    points: tuple[PlanePoint, ...]
    """The inputs in their order, the sum, the answers, the others."""
    edges: tuple[tuple[int, int], ...]
    """Pairs of points: for an analogy the four sides, man to king, woman to the sum, man to woman, king to the sum."""
    share: float
    """Of the spread of the inputs and the answers that lies in the plane, 0 to 1."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "expression": self.answer.expression.text,
            "points": [point.to_dict() for point in self.points],
            "edges": [list(edge) for edge in self.edges],
            "share": self.share,
        }


def plane(vectors: Vectors, expression: str | Expression, *, answers: int = 3, others: tuple[str, ...] = ()) -> Plane:
    """An expression in the plane of its words, each at length 1 as ``Vectors.evaluate`` takes them.

    Three words span it exactly; of more words it is the one that keeps the most of their spread; with two, the plane
    holds both and the origin. The first input lies to the right of the middle.

    Args:
        vectors: where the words have their vectors.
        expression: two words or more.
        answers: how many words near the sum are drawn too.
        others: more words to draw.

    Raises:
        ExpressionError: it cannot be read.
        UnknownWordError: a word is unknown.
        InputError: fewer than two words; a vector of zeros.
    """
    answer = vectors.evaluate(expression, max(1, answers))
    inputs = [term.word for term in answer.terms]
    if len(inputs) < 2:
        raise InputError(f"two words or more span a plane, got {len(inputs)}", "for one: king - man + woman")
    near = [each.word for each in answer.neighbours[:answers]]
    more = [word for word in dict.fromkeys(others) if word not in inputs and word not in near]
    units, total = vectors.units(inputs), answer.vector.astype(np.float64)
    middle, basis = _basis(units)
    drawn = np.vstack([units, total, vectors.units([*near, *more])]) - middle
    xy = drawn @ basis.T
    if xy[0, 0] < 0:
        xy[:, 0] *= -1
    flat, whole = np.sum(xy**2, axis=1), np.sum(drawn**2, axis=1)
    outside = np.sqrt(np.maximum(0.0, whole - flat))
    roles = ["input"] * len(inputs) + ["sum"] + ["answer"] * len(near) + ["other"] * len(more)
    weights = [term.weight for term in answer.terms] + [0.0] * (1 + len(near) + len(more))
    names = [*inputs, str(answer.expression), *near, *more]
    points = tuple(
        PlanePoint(name, float(x), float(y), role, weight, float(out))
        for name, (x, y), role, weight, out in zip(names, xy, roles, weights, outside, strict=True)
    )
    counted = [n for n, role in enumerate(roles) if role in ("input", "answer")]
    share = float(flat[counted].sum() / whole[counted].sum()) if whole[counted].any() else 1.0
    return Plane(answer, points, _edges(answer), min(1.0, share))


def _basis(units: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The middle of some words, and two directions (2, D) at right angles that span their plane."""
    middle = units.mean(axis=0)
    if len(units) == 2:  # they make a line; the origin makes it a plane
        first = units[0] - units[1]
        second = middle - first * (middle @ first) / max(first @ first, 1e-30)
        rows = [first, second]
    else:
        _, _, turned = np.linalg.svd(units - middle, full_matrices=False)
        rows = list(turned[:2])
    out = np.zeros((2, units.shape[1]))
    for n, row in enumerate(rows):
        length = np.linalg.norm(row)
        out[n] = row / length if length > 1e-12 else 0.0
    return middle, out


def _edges(answer: Answer) -> tuple[tuple[int, int], ...]:
    """The sides of the parallelogram, where there is one: a - b + c in any order."""
    terms = answer.terms
    added = [n for n, term in enumerate(terms) if term.weight == 1]
    taken = [n for n, term in enumerate(terms) if term.weight == -1]
    if len(terms) != 3 or len(added) != 2 or len(taken) != 1:
        return tuple((n, len(terms)) for n, term in enumerate(terms) if term.weight)
    (a, c), (b,), total = added, taken, 3
    return (b, a), (c, total), (b, c), (a, total)
