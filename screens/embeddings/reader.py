"""What the embeddings screen asks core, in threads: the words near a word, what a sum comes to, a matrix, a map.

Holds no state of the screen. Each answer carries its question, so that a late one can be recognised and dropped.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.vectors.answers import Answer, Neighbour
    from core.vectors.expression import Expression
    from core.vectors.plane import Plane
    from core.vectors.projection import Projection
    from core.vectors.search import Measure
    from core.vectors.store import Vectors

Pairs = tuple[tuple[str, str], tuple[str, str]]
SHOWN = 40
"""Words in a list."""
MATRIX_MOST = 400
"""Words in the matrix; of more, the first."""


@dataclass(frozen=True, slots=True)
class How:
    """How is asked."""

    measure: Measure = "cosine"
    """What the neighbours are ranked by."""
    exclude_inputs: bool = True
    """Whether the words of a sum are left out of its answer."""
    unit: bool = True
    """Whether each word of a sum is taken at length 1."""
    cosmul: bool = False
    """Whether a sum of whole words is solved by the product of cosines."""


@dataclass(frozen=True)
class Asked:
    """The answer to an expression."""

    text: str
    how: How
    word: str
    """Whose neighbours ``near`` are."""
    near: tuple[Neighbour, ...]
    expression: Expression
    answer: Answer | None
    """None where the expression is one word."""
    found: tuple[Neighbour, ...]
    """The words that the sum comes to, by the method that was asked for."""
    with_inputs: tuple[Neighbour, ...]
    """The same, the words of the sum among them."""
    plane: Plane | None
    seconds: float

    @property
    def by_product(self) -> bool:
        """Whether 3CosMul solved the sum: it was asked for, and every word counts once."""
        return self.how.cosmul and by_product(self.expression)

    @property
    def rank_with_inputs(self) -> int:
        """The rank of the best answer among all words, those of the sum too; 0 where it is not among the first."""
        return next((n.rank for n in self.with_inputs if n.word == self.found[0].word), 0) if self.found else 0


@dataclass(frozen=True)
class Drawn:
    """Words in a matrix and on a map."""

    words: tuple[str, ...]
    matrix: NDArray[np.float64]
    projection: Projection | None
    """None where there are fewer than two words, or words have one number each."""
    scope: str
    seconds: float
    axes: tuple[int, int] = (0, 1)
    """The principal components of the map."""
    pairs: Pairs | None = None
    """What its axes go along, where they are no principal components."""


def named(vectors: Vectors, word: str) -> str | None:
    """What a word is called there, if it has a direction: a row of zeros has no cosine."""
    from core.vectors.comparison import name_in

    name = name_in(vectors, word)
    return name if name is not None and vectors.norms[vectors.row(name)] > 0 else None


def ask(vectors: Vectors, text: str, how: How) -> Asked:
    """What an expression comes to, and the words near its first.

    Raises:
        LabError: it cannot be read, a word is unknown, a sum is zero.
    """
    from core.vectors.expression import parse

    began = time.perf_counter()
    expression = parse(text, vectors.words.__contains__)
    word = next(iter(expression.positive), expression.terms[0].word)
    alone = len(expression.terms) == 1 and expression.terms[0].weight == 1.0
    answer: Answer | None = None
    found: tuple[Neighbour, ...] = ()
    with_inputs: tuple[Neighbour, ...] = ()
    if not alone:
        answer = vectors.evaluate(expression, SHOWN, exclude_inputs=how.exclude_inputs, unit=how.unit)
        found, with_inputs = answer.neighbours, answer.with_inputs
        if how.cosmul and by_product(expression):
            plus, minus, most = expression.positive, expression.negative, SHOWN + len(expression.terms)
            with_inputs = tuple(vectors.analogy(plus, minus, most, method="cosmul", exclude_inputs=False))
            found = with_inputs[:SHOWN]
            if how.exclude_inputs:
                found = tuple(vectors.analogy(plus, minus, SHOWN, method="cosmul"))
    near = tuple(vectors.neighbours(word, SHOWN, measure=how.measure))
    seconds = time.perf_counter() - began
    asked = Asked(text, how, word, near, expression, answer, found, with_inputs, None, seconds)
    return replace(asked, plane=plane_of(vectors, asked))


def by_product(expression: Expression) -> bool:
    """Whether 3CosMul can solve a sum: it knows whole words only."""
    return all(abs(term.weight) == 1 for term in expression.terms)


def plane_of(vectors: Vectors, asked: Asked) -> Plane | None:
    """A sum in the plane of its words, with the best answer; None where it has fewer than two."""
    from core.vectors.plane import plane

    if asked.answer is None or len(asked.expression.terms) < 2:
        return None
    return plane(vectors, asked.expression, answers=1)


def draw(
    vectors: Vectors, words: Sequence[str], on_map: Sequence[str], axes: tuple[int, int], scope: str = "set"
) -> Drawn:
    """The matrix of some words, and a map by principal components of those or others.

    Raises:
        LabError: a word is unknown, or points nowhere.
    """
    import numpy as np

    began = time.perf_counter()
    kept = tuple(words[:MATRIX_MOST])
    matrix = vectors.matrix(kept) if kept else np.zeros((0, 0))
    chosen = tuple(dict.fromkeys(on_map))
    most = min(len(chosen), vectors.width)
    axes = axes if max(axes) < most else (0, 1)  # words that left the set took components with them
    found = vectors.project(chosen, "pca", axes=axes) if most > 1 else None
    return Drawn(kept, matrix, found, scope, time.perf_counter() - began, axes)


def map_words(vectors: Vectors, scope: str, words: Sequence[str], asked: Asked | None) -> list[str]:
    """The words of the map: the set and what was asked (``set``), those nearest to the query, or the most frequent.

    Args:
        vectors: where they are from.
        scope: ``set``, ``near 100``, ``first 1000``.
        words: the set.
        asked: the last answer.
    """
    kind, _, count = scope.partition(" ")
    extra: list[str] = []
    if asked is not None:
        extra = [term.word for term in asked.expression.terms] + [n.word for n in asked.found[:1]]
    if kind == "near" and asked is not None:
        query = asked.answer.vector if asked.answer is not None else asked.word
        found = vectors.neighbours(query, int(count))
        return list(dict.fromkeys([*extra, *(n.word for n in found)]))
    if kind == "first":
        first = vectors.words[: int(count)]
        turned = [word for word, norm in zip(first, vectors.norms[: int(count)], strict=True) if norm > 0]
        return list(dict.fromkeys([*turned, *extra]))
    return list(dict.fromkeys([*words, *extra]))


def translated(vectors: Vectors, text: str) -> str | None:
    """An expression with each word called as it is in some vectors; None where one of them has no direction there."""
    from core.errors import LabError
    from core.vectors.expression import parse

    try:
        expression = parse(text, vectors.words.__contains__)
    except LabError:
        return None
    names = {term.word: named(vectors, term.word) for term in expression.terms}
    if not all(names.values()):
        return None
    if all(name == word for word, name in names.items()):
        return text
    terms = tuple(replace(term, word=names[term.word] or "") for term in expression.terms)
    return str(replace(expression, terms=terms))


def with_words(text: str, word: str, instead: Sequence[str], vectors: Vectors) -> str:
    """An expression in which other words stand for one, all of them at an equal share."""
    from core.vectors.expression import Term, parse

    expression = parse(text, vectors.words.__contains__)
    terms: list[Term] = []
    for term in expression.terms:
        if term.word == word:
            terms += [Term(name, term.weight / len(instead), term.at) for name in instead]
        else:
            terms.append(term)
    return str(replace(expression, terms=tuple(terms)))
