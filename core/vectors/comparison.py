"""The same words in two spaces: how alike their similarities are, and both maps turned to lie on each other.

Two spaces have no axis in common, so vectors of one mean nothing beside those of the other. What can be compared is how
near words are to each other in each: the cosines of all pairs. Leaves out: mapping one space into the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError

if TYPE_CHECKING:
    from core.vectors.store import Vectors


@dataclass(frozen=True)
class SpacesCompared:
    """Some words in two spaces, a and b."""

    words: tuple[str, ...]
    """As they were asked for; each is in both."""
    names_a: tuple[str, ...]
    """What they are called in a (a token may have a mark for the space before it)."""
    names_b: tuple[str, ...]
    missing: tuple[str, ...]
    """Words that one of the two has not."""
    cosines_a: NDArray[np.float64]
    """(n, n)."""
    cosines_b: NDArray[np.float64]
    correlation: float | None
    """Pearson's, of the cosines of all pairs; None where they do not vary or there are fewer than three pairs."""
    xy_a: NDArray[np.float64]
    """(n, 2), two principal components."""
    xy_b: NDArray[np.float64]
    """(n, 2), likewise, shifted, turned, mirrored and scaled so that they lie as near to ``xy_a`` as they can."""

    @property
    def pairs(self) -> int:
        """How many pairs of words there are."""
        return len(self.words) * (len(self.words) - 1) // 2

    def changes(self) -> list[tuple[str, str, float, float]]:
        """Each pair with its cosine in a and in b, the largest difference first."""
        upper = np.triu_indices(len(self.words), 1)
        differences = np.abs(self.cosines_a[upper] - self.cosines_b[upper])
        order = np.argsort(-differences, kind="stable")
        pairs = [(int(upper[0][k]), int(upper[1][k])) for k in order]
        return [
            (self.words[i], self.words[j], float(self.cosines_a[i, j]), float(self.cosines_b[i, j])) for i, j in pairs
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "words": list(self.words),
            "names_a": list(self.names_a),
            "names_b": list(self.names_b),
            "missing": list(self.missing),
            "correlation": self.correlation,
            "pairs": [{"a": a, "b": b, "cosine_a": x, "cosine_b": y} for a, b, x, y in self.changes()],
        }


def name_in(vectors: Vectors, word: str) -> str | None:
    """What a word is called in some vectors: as it is, as a token after a space, with other capitals; else None."""
    bare = word.removeprefix("·")
    forms = [word, f"·{bare}", bare, bare.lower(), f"·{bare.lower()}", bare.capitalize(), f"·{bare.capitalize()}"]
    return next((form for form in dict.fromkeys(forms) if form and form in vectors), None)


def compare_spaces(a: Vectors, b: Vectors, words: Sequence[str]) -> SpacesCompared:
    """Some words in two spaces.

    Args:
        a: one.
        b: another; its width may differ.
        words: as they are called in a, or nearly so (``name_in``); those that one of them lacks are named as missing.

    Raises:
        InputError: fewer than two words are in both, or one of them is a row of zeros.
    """
    names = {word: (name_in(a, word), name_in(b, word)) for word in dict.fromkeys(words)}
    shared = [(word, x, y) for word, (x, y) in names.items() if x is not None and y is not None]
    missing = tuple(word for word, (x, y) in names.items() if x is None or y is None)
    if len(shared) < 2:
        raise InputError(
            f"two words that both have were expected, got {len(shared)} of {len(names)}",
            f"{a.label} and {b.label} have hardly a word in common: choose other vectors, or add words that both know",
        )
    names_a, names_b = tuple(x for _, x, _ in shared), tuple(y for _, _, y in shared)
    cosines_a, cosines_b = a.matrix(names_a), b.matrix(names_b)
    upper = np.triu_indices(len(shared), 1)
    xy_a, xy_b = (_flat(v, n) for v, n in ((a, names_a), (b, names_b)))
    return SpacesCompared(
        tuple(word for word, _, _ in shared),
        names_a,
        names_b,
        missing,
        cosines_a,
        cosines_b,
        _correlation(cosines_a[upper], cosines_b[upper]),
        xy_a,
        _laid_on(xy_b, xy_a),
    )


def _flat(vectors: Vectors, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Two principal components of words, each word once though two may share a name."""
    chosen = tuple(dict.fromkeys(names))
    if len(chosen) < 2:
        return np.zeros((len(names), 2))
    found = vectors.project(chosen)
    at = {word: i for i, word in enumerate(found.words)}
    return found.xy[[at[name] for name in names]]


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float | None:
    if len(x) < 3 or np.ptp(x) < 1e-12 or np.ptp(y) < 1e-12:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def _laid_on(points: NDArray[np.float64], goal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points shifted, turned or mirrored, and scaled as near to others as they can be.

    Orthogonal Procrustes with one scale (Schönemann & Carroll 1970).
    """
    middle = goal.mean(axis=0)
    own, other = points - points.mean(axis=0), goal - middle
    left, sizes, right = np.linalg.svd(own.T @ other)
    spread = float((own**2).sum())
    scale = float(sizes.sum()) / spread if spread else 1.0
    out: NDArray[np.float64] = scale * own @ (left @ right) + middle
    return out
