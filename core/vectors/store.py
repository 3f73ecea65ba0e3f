"""Word vectors that can be asked: neighbours, analogies, arithmetic, similarity, and a GPT's token embeddings likewise.

A ``Vectors`` holds words, a matrix that may be mapped from a file, and the lengths of its rows, computed once; each
query reads the matrix once (``queries.py``). ``keyed`` is the same in gensim's own class, sharing the matrix. What
agrees with gensim's answers is said at each method and held by ``tests/parity/test_vectors_gensim.py``.

Cosines are undefined for a row of zeros: it never stands among the neighbours, and asking for its cosine is an error.
Leaves out: where vectors come from (``sources.py``) and pictures of them (``projection.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.vectors import queries, search
from core.vectors.answers import Answer, Closeness, Neighbour, OddOneOut
from core.vectors.asked import no_direction
from core.vectors.expression import Expression
from core.vectors.search import Measure
from core.vectors.spelling import close_words, completions, explain_unknown
from core.vectors.sweep import Floats
from core.vectors.words import UnknownWordError, WordTable

if TYPE_CHECKING:
    from pathlib import Path

    from gensim.models import KeyedVectors

    from core.vectors.plane import Plane
    from core.vectors.projection import Method, Projection


class Vectors:
    """Words and their vectors.

    Args:
        words: N of them, each once.
        matrix_all: (N, D) float32, a row for each word; it is not copied and must not change.
        spec: how ``core.load_vectors`` names it.
        label: for a title.
        synthetic: whether it was trained on a synthetic text, which is said wherever it is shown.
        norms: (N,) float32, the lengths of the rows where they are known already.
        notes: what was found while reading that a person should know, such as words that came twice.
        pieces: for a vocabulary of tokens: the words here that a text is cut into.
        source: of a model's table: the file of weights that it was read from.
    """

    def __init__(
        self,
        words: Iterable[str],
        matrix_all: Floats,
        *,
        spec: str = "",
        label: str = "",
        synthetic: bool = False,
        norms: Floats | None = None,
        notes: Sequence[str] = (),
        pieces: Callable[[str], list[str]] | None = None,
        source: Path | None = None,
    ) -> None:
        self.words = words if isinstance(words, WordTable) else WordTable.of(words)
        assert matrix_all.ndim == 2 and matrix_all.dtype == np.float32
        assert len(self.words) == len(matrix_all), "a row for each word"
        self.matrix_all = matrix_all
        self.spec, self.label, self.synthetic = spec, label or spec, synthetic
        self.notes, self.pieces, self.source = tuple(notes), pieces, source
        self._norms = norms
        self.plain: Vectors | None = None
        """Of vectors that are centred: those that they were made from."""

    @classmethod
    def of_keyed(cls, keyed: KeyedVectors, *, spec: str = "", label: str = "", synthetic: bool = False) -> Vectors:
        """The vectors of a gensim ``KeyedVectors``, sharing its matrix, and ``keyed`` is that one."""
        out = cls(keyed.index_to_key, keyed.vectors, spec=spec, label=label, synthetic=synthetic)
        out.__dict__["keyed"] = keyed
        return out

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.words

    def __repr__(self) -> str:
        return f"<Vectors {self.spec or self.label}: {len(self):,} words x {self.width}>"

    @property
    def width(self) -> int:
        """D, the numbers of each vector."""
        return int(self.matrix_all.shape[1])

    @cached_property
    def norms(self) -> Floats:
        """(N,) float32, the length of each vector; computed once."""
        return search.row_norms(self.matrix_all) if self._norms is None else self._norms

    @cached_property
    def mean_cosine(self) -> float | None:
        """The mean cosine of two different words, the measure of anisotropy; see ``core.vectors.centring``."""
        from core.vectors.centring import mean_cosine

        return mean_cosine(self.matrix_all, self.norms)

    def centred(self) -> Vectors:
        """The same words, each less the mean of all; see ``core.vectors.centring``.

        Raises:
            MemoryShortError: a second matrix does not fit into memory.
        """
        from core.vectors.centring import centred

        return centred(self)

    @cached_property
    def keyed(self) -> KeyedVectors:
        """The same as gensim's ``KeyedVectors``, sharing the matrix and the lengths; the words alone are copied."""
        from gensim.models import KeyedVectors

        keyed = KeyedVectors(self.width)
        keyed.index_to_key = list(self.words)
        keyed.key_to_index = {word: row for row, word in enumerate(keyed.index_to_key)}
        keyed.vectors, keyed.norms, keyed.next_index = self.matrix_all, self.norms, len(self)
        return keyed

    # --- one word, two words

    def row(self, word: str) -> int:
        """The row of a word.

        Raises:
            UnknownWordError: it has none; with words that are spelled much like it.
        """
        found = self.words.row(word)
        if found is None:
            raise explain_unknown(word, self.words, self.label, self.pieces)
        return found

    def vector(self, word: str) -> Floats:
        """(D,) float32, a copy.

        Raises:
            UnknownWordError: it has none.
        """
        return np.array(self.matrix_all[self.row(word)])

    def unit(self, word: str) -> NDArray[np.float64]:
        """(D,) float64, the direction of a word: its vector at length 1.

        Raises:
            UnknownWordError: it has none.
            InputError: it is a row of zeros.
        """
        vector = self.vector(word).astype(np.float64)
        if not (length := np.linalg.norm(vector)):
            raise no_direction(word)
        out: NDArray[np.float64] = vector / length
        return out

    def units(self, words: Sequence[str]) -> NDArray[np.float64]:
        """(n, D) float64, the directions of some words; raises as ``unit``."""
        return np.stack([self.unit(word) for word in words]) if len(words) else np.zeros((0, self.width))

    def similarity(self, a: str, b: str) -> float:
        """The cosine of the angle between two words, -1 to 1; gensim's ``similarity``.

        Raises:
            UnknownWordError: one of them is unknown.
            InputError: one of them is a row of zeros.
        """
        return float(np.clip(self.unit(a) @ self.unit(b), -1.0, 1.0))

    def distance(self, a: str, b: str) -> float:
        """1 less their cosine, 0 to 2; gensim's ``distance``. Raises as ``similarity``."""
        return 1.0 - self.similarity(a, b)

    def compare(self, a: str, b: str) -> Closeness:
        """All there is to say of two words: cosine, inner product, distance, lengths, ranks. Raises as above."""
        x, y = (self.vector(word).astype(np.float64) for word in (a, b))
        return Closeness(
            a,
            b,
            self.similarity(a, b),
            float(x @ y),
            float(np.linalg.norm(x - y)),
            (float(np.linalg.norm(x)), float(np.linalg.norm(y))),
            (self.rank(a, b), self.rank(b, a)),
        )

    def rank(self, a: str, b: str) -> int:
        """The place of b among the neighbours of a by cosine, 1 for the nearest; gensim's ``rank``.

        As there, a itself is not counted, and words that are exactly as near as b are not before it. Raises as
        ``similarity``.
        """
        self.unit(b)
        mine, other = self.row(a), self.row(b)
        return search.count_above(self.matrix_all, self.norms, self.unit(a).astype(np.float32), other, mine) + 1

    def matrix(self, words: Sequence[str]) -> NDArray[np.float64]:
        """(n, n) float64, the cosines of some words with each other: symmetric, 1 on the diagonal. Raises as above."""
        units = self.units(words)
        cosines = np.clip(units @ units.T, -1.0, 1.0)
        out: NDArray[np.float64] = (cosines + cosines.T) / 2
        np.fill_diagonal(out, 1.0)
        return out

    def odd_one_out(self, words: Sequence[str]) -> OddOneOut:
        """The word that lies furthest from the mean of all; gensim's ``doesnt_match``.

        Args:
            words: three or more.

        Raises:
            InputError: there are fewer, or their mean is zero; and as ``similarity``.
        """
        if len(set(words)) < 3:
            raise InputError(
                f"three words or more were expected, got {len(set(words))}", "for one: breakfast lunch car"
            )
        units = self.units(words)
        mean = units.mean(axis=0)
        if not (length := np.linalg.norm(mean)):
            raise no_direction("the mean of these words")
        cosines = np.clip(units @ (mean / length), -1.0, 1.0)
        ranked = sorted(zip(words, map(float, cosines), strict=True), key=lambda pair: -pair[1])
        return OddOneOut(ranked[-1][0], tuple(ranked))

    # --- neighbours

    def neighbours(
        self, query: str | NDArray[Any], n: int = 10, *, measure: Measure = "cosine", exclude: Collection[str] = ()
    ) -> list[Neighbour]:
        """The words nearest to a word or a vector, which is read in one pass over the matrix.

        Args:
            query: a word, which is left out of the answer, or (D,) numbers.
            n: how many.
            measure: ``cosine``; ``dot``, the inner product; ``euclid``, the distance, which is smallest first.
            exclude: words that are left out too.

        Raises:
            UnknownWordError: the word, or one that is excluded, is unknown.
            InputError: a vector of zeros where the cosine is asked for, of another width, or not finite.
        """
        return queries.neighbours(self, query, n, measure, exclude)

    def analogy(
        self,
        positive: Sequence[str],
        negative: Sequence[str] = (),
        n: int = 10,
        *,
        method: str = "add",
        exclude_inputs: bool = True,
    ) -> list[Neighbour]:
        """The words nearest to what some words have in common and others have not.

        ``add`` is gensim's ``most_similar``: the cosine with the mean of unit vectors. ``cosmul`` is its
        ``most_similar_cosmul``: 3CosMul of Levy & Goldberg (2014), whose values are no cosines.

        Args:
            positive: words that are added, one or more.
            negative: words that are subtracted.
            n: how many.
            method: ``add`` or ``cosmul``.
            exclude_inputs: whether the words themselves are left out.

        Raises:
            UnknownWordError: a word is unknown.
            InputError: no words, an unknown method, or a sum that is zero.
        """
        return queries.analogy(self, positive, negative, n, method, exclude_inputs)

    def evaluate(
        self, expression: str | Expression, n: int = 10, *, exclude_inputs: bool = True, unit: bool = True
    ) -> Answer:
        """The words nearest to a sum: ``king - man + woman``, ``2*paris - france``, ``paris : france :: tokyo``.

        Args:
            expression: see ``expression.py``; which signs belong to a word is decided by this vocabulary.
            n: how many.
            exclude_inputs: whether the words of the expression are left out of ``neighbours``.
            unit: whether each word is taken at length 1, as gensim does; else at its own.

        Raises:
            ExpressionError: it cannot be read.
            UnknownWordError: a word is unknown.
            InputError: the sum is zero, so that it has no direction.
        """
        return queries.evaluate(self, expression, n, exclude_inputs, unit)

    # --- spelling

    def suggest(self, word: str, n: int = 5) -> list[str]:
        """Words that are spelled much like one, the likeliest first."""
        return close_words(word, self.words, n)

    def complete(self, prefix: str, n: int = 10) -> list[str]:
        """Words that begin so, the first rows first; then those that differ in capitals, or by a space as for GPTs."""
        return completions(prefix, self.words, n)

    # --- pictures

    def project(
        self,
        words: Sequence[str],
        method: Method = "pca",
        *,
        axes: tuple[int, int] = (0, 1),
        pairs: Sequence[tuple[str, str]] | None = None,
        seed: int = 0,
    ) -> Projection:
        """Some words in the plane; see ``core.vectors.projection.project``."""
        from core.vectors.projection import project

        return project(self, words, method, axes=axes, pairs=pairs, seed=seed)

    def plane(self, expression: str | Expression, *, answers: int = 3) -> Plane:
        """The parallelogram of an analogy, in the plane of its words; see ``core.vectors.plane.plane``."""
        from core.vectors.plane import plane

        return plane(self, expression, answers=answers)


__all__ = ["Answer", "Closeness", "Neighbour", "OddOneOut", "UnknownWordError", "Vectors"]
