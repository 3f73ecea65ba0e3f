"""Words in the plane: principal components at once, axes that pairs of words name, and t-SNE (``tsne.py``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError

if TYPE_CHECKING:
    from core.vectors.store import Vectors

Method = Literal["pca", "tsne", "axes"]
_STRETCH = 1 << 17  # numbers at a time: they stay in a core's cache, and OpenBLAS starts no threads for them
_SMALL = 200
"""The shorter side of a table up to which all components are computed."""


@dataclass(frozen=True)
class Projection:
    """Some words in the plane."""

    words: tuple[str, ...]
    xy: NDArray[np.float64]
    """(n, 2)."""
    share: tuple[float, float] | None
    """Of the words' spread that each axis keeps, 0 to 1; None where that means nothing."""
    method: Method
    names: tuple[str, str]
    """Of the axes."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "method": self.method,
            "axes": list(self.names),
            "share": None if self.share is None else list(self.share),
            "points": [
                {"word": word, "x": float(x), "y": float(y)} for word, (x, y) in zip(self.words, self.xy, strict=True)
            ],
        }


def project(
    vectors: Vectors,
    words: Sequence[str],
    method: Method = "pca",
    *,
    axes: tuple[int, int] = (0, 1),
    pairs: Sequence[tuple[str, str]] | None = None,
    seed: int = 0,
) -> Projection:
    """Some words in the plane.

    Args:
        vectors: where they have theirs.
        words: two or more, each once.
        method: ``pca``, ``axes`` or ``tsne`` (to its end; ``project_steps`` says how far it is).
        axes: for ``pca``: which two components, counted from 0.
        pairs: for ``axes``: two pairs of words; an axis goes from the first word of a pair to the second.
        seed: of what is drawn at random.

    Raises:
        UnknownWordError: a word is unknown.
        InputError: too few words, or axes that there are not.
    """
    if method == "tsne":
        from core.vectors.tsne import project_steps

        *_, last = project_steps(vectors, words, seed=seed)
        assert last.projection is not None
        return last.projection
    chosen, table = table_of(vectors, words)
    if method == "pca":
        xy, share = pca(table, axes, seed)
        return Projection(chosen, xy, share, "pca", (f"component {axes[0] + 1}", f"component {axes[1] + 1}"))
    if method == "axes":
        from core.vectors.axes import along_pairs

        return along_pairs(vectors, chosen, table, pairs or ())
    raise InputError(f"method must be pca, tsne or axes, got {method!r}", "pca is at once")


def table_of(vectors: Vectors, words: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Some words, each once, and their vectors (n, D).

    Raises:
        UnknownWordError: a word is unknown.
        InputError: there are fewer than two.
    """
    chosen = tuple(dict.fromkeys(words))
    if len(chosen) < 2:
        raise InputError(f"a map needs two words or more, got {len(chosen)}", "add some words")
    return chosen, np.ascontiguousarray(vectors.matrix_all[[vectors.row(word) for word in chosen]])


def pca(
    table: NDArray[np.float32], axes: tuple[int, int] = (0, 1), seed: int = 0
) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Two principal components of some rows.

    Small tables are taken apart whole; of larger ones the first components alone, by ARPACK's restarted Lanczos
    (Lehoucq, Sorensen & Yang 1998). The largest number of each component is made positive, so that the same words give
    the same picture.

    Args:
        table: (n, D), a row for each word.
        axes: which two, counted from 0.
        seed: of the start.

    Returns:
        (n, 2) float64, and the share of the variance that each keeps.

    Raises:
        InputError: there is no such component.
    """
    most = min(len(table), table.shape[1])
    if axes[0] == axes[1] or not all(0 <= axis < most for axis in axes):
        raise InputError(
            f"two different components from 1 to {most} were expected, got {axes[0] + 1} and {axes[1] + 1}",
            "1 and 2 keep the most",
        )
    centred = table.astype(np.float64)
    centred -= centred.mean(axis=0)
    total = float(np.einsum("ij,ij->", centred, centred))
    if total == 0:
        return np.zeros((len(table), 2)), (0.0, 0.0)
    size = max(axes) + 1
    directions, squares = _exact(centred, size) if most <= max(_SMALL, 4 * size) else _iterated(centred, size, seed)
    picked = directions[:, list(axes)]
    picked = picked * np.where(picked[np.abs(picked).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    return centred @ picked, (float(squares[axes[0]]) / total, float(squares[axes[1]]) / total)


def _exact(centred: NDArray[np.float64], size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Directions (D, size) and the variance along each, times n."""
    _, values, turned = np.linalg.svd(centred, full_matrices=False)
    return turned[:size].T, values[:size] ** 2


def _iterated(centred: NDArray[np.float64], size: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """As ``_exact``, for the first few of many components: Lanczos on the covariance, which is never formed."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    width = centred.shape[1]
    step = max(1, _STRETCH // width)

    def times_covariance(vector: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = (centred[begin : begin + step] for begin in range(0, len(centred), step))
        out: NDArray[np.float64] = np.sum([(part @ vector) @ part for part in parts], axis=0)
        return out

    covariance = LinearOperator((width, width), times_covariance, dtype=np.float64)
    start = np.random.default_rng(seed).standard_normal(width)
    squares, directions = eigsh(covariance, k=size, which="LA", v0=start, tol=1e-9, ncv=min(width, 2 * size + 30))
    return directions[:, ::-1], squares[::-1]
