"""What vectors answer, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.vectors.expression import Expression, Term


class Neighbour(NamedTuple):
    """A word that is near."""

    word: str
    value: float
    """By the measure that was asked for: cosine, inner product, distance, or what cosmul computes."""
    rank: int
    """1 for the nearest in this answer."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return self._asdict()


class OddOneOut(NamedTuple):
    """The word that does not belong, and how near each is to the mean of all."""

    word: str
    cosines: tuple[tuple[str, float], ...]
    """Each word and its cosine with the mean, the nearest first."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"word": self.word, "cosines": [list(pair) for pair in self.cosines]}


@dataclass(frozen=True, slots=True)
class Closeness:
    """Everything that is said of two words."""

    a: str
    b: str
    cosine: float
    dot: float
    distance: float
    """Euclidean."""
    lengths: tuple[float, float]
    """Of a and of b."""
    ranks: tuple[int, int]
    """Of b among the neighbours of a, and of a among those of b."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an expression comes to."""

    expression: Expression
    vector: NDArray[np.float32]
    """(D,), the sum."""
    neighbours: tuple[Neighbour, ...]
    """The words nearest to it, by cosine."""
    with_inputs: tuple[Neighbour, ...]
    """The same with the words of the expression among them."""
    exclude_inputs: bool
    """Whether ``neighbours`` leaves out the words of the expression."""

    @property
    def terms(self) -> tuple[Term, ...]:
        """The words of the expression with their weights."""
        return self.expression.terms

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without the vector."""
        return {
            "expression": self.expression.text,
            "sum": str(self.expression),
            "terms": [{"word": term.word, "weight": term.weight} for term in self.terms],
            "exclude_inputs": self.exclude_inputs,
            "neighbours": [each.to_dict() for each in self.neighbours],
            "with_inputs": [each.to_dict() for each in self.with_inputs],
        }
