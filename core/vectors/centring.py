"""Centring: the mean of all vectors is taken from each, so that what they all share no longer makes them alike.

The token embeddings of a GPT lie in a narrow cone: two tokens drawn at random have a cosine well above 0, and all
neighbours look near. How narrow it is says ``Vectors.mean_cosine``, the measure of Ethayarajh, "How contextual are
contextualized word representations?" (2019, section 3.3). Taking the mean away is step 1 of "All-but-the-Top" (Mu, Bhat
and Viswanath, 2018, algorithm 1). Leaves out its step 2, the leading components; a Euclidean distance does not change.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.errors import MemoryShortError
from core.vectors.progress import LoadProgress, check_cancelled
from core.vectors.search import row_norms
from core.vectors.sweep import PIECE, Floats

if TYPE_CHECKING:
    from core.vectors.store import Vectors

MARK = ":centred"
"""What stands behind a name: ``gpt2:wte:centred``."""
_TOLD = 32
"""Pieces between two words about how far it is: 32 MB."""


def split_centred(spec: str) -> str | None:
    """The name of what is to be centred; None where a spec asks for no such thing.

    >>> split_centred("gpt2:wte:centred"), split_centred("demo")
    ('gpt2:wte', None)
    """
    return spec.removesuffix(MARK) if spec.endswith(MARK) and spec != MARK else None


def centred(vectors: Vectors) -> Vectors:
    """The same words, each less the mean of all. Raises as ``centre_steps``."""
    *_, last = centre_steps(vectors)
    assert last.vectors is not None
    return last.vectors


def centre_steps(vectors: Vectors, cancel: threading.Event | None = None) -> Iterator[LoadProgress]:
    """As ``centred``, saying how far it is; the last step carries the vectors, whose ``plain`` are those given.

    Those that are centred already come back as they are.

    Raises (when it is iterated):
        MemoryShortError: a second matrix does not fit into memory.
        CancelledError: it was given up.
    """
    from core.vectors.store import Vectors

    if vectors.plain is not None:
        yield LoadProgress("done", words=len(vectors), vectors=vectors)
        return
    matrix = vectors.matrix_all
    _check_memory(vectors)
    mean, out = np.zeros(vectors.width), np.empty_like(matrix)
    step = max(1, PIECE // max(1, vectors.width))
    begins = range(0, len(matrix), step)
    for turn in range(2):  # the mean, and then what is left of each
        for number, begin in enumerate(begins):
            wide = matrix[begin : begin + step].astype(np.float64)
            if turn == 0:
                mean += wide.sum(axis=0)
            else:
                out[begin : begin + step] = wide - mean
            if number % _TOLD == 0:
                check_cancelled(cancel)
                yield LoadProgress("centring", (turn * len(matrix) + begin) * 2 * vectors.width, matrix.nbytes)
        if turn == 0:
            mean /= max(1, len(matrix))
    yield LoadProgress("done", matrix.nbytes, matrix.nbytes, len(matrix), _named(vectors, out, Vectors))


def mean_cosine(matrix: Floats, norms: Floats, most: int = 10_000) -> float | None:
    """The mean cosine of two different rows, over all pairs of (at most) so many rows, taken at even steps.

    All pairs at once: the square of the length of the sum of the unit vectors, less their own squares. Rows of zeros do
    not count; None where fewer than two are left.
    """
    rows = np.arange(0, len(matrix), max(1, -(-len(matrix) // most)))
    rows = rows[norms[rows] > 0]
    if (count := len(rows)) < 2:
        return None
    units: NDArray[np.float64] = matrix[rows].astype(np.float64)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    total = units.sum(axis=0)
    return float((total @ total - count) / (count * (count - 1)))


def _named(vectors: Vectors, matrix: Floats, kind: type[Vectors]) -> Vectors:
    made = kind(
        vectors.words,
        matrix,
        spec=f"{vectors.spec}{MARK}" if vectors.spec else "",
        label=f"{vectors.label}, centred",
        synthetic=vectors.synthetic,
        norms=row_norms(matrix),
        notes=vectors.notes,
        pieces=vectors.pieces,
    )
    made.plain = vectors
    return made


def _check_memory(vectors: Vectors) -> None:
    from core.vectors.importing import free_memory

    needed, free = vectors.matrix_all.nbytes, free_memory()
    if needed > free:
        raise MemoryShortError(
            f"{vectors.label} centred is a second matrix of {needed / 2**20:,.0f} MiB, {free / 2**20:,.0f} MiB of "
            "memory are free",
            "close other programs, or take them as they are",
        )
