"""One pass over a matrix by several threads, each of which looks at what it has computed while it is in its cache.

The rows are cut into blocks, large ones first, and each thread takes the next one when it is through with its last: who
is held up by another program has taken less. When none is left, this thread does again, in small pieces, what a helper
has begun and not ended, until it ends: on a busy machine it waits for nobody. Leaves out: what is looked for
(``search.py``).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Found = TypeVar("Found")
Look = Callable[[int, Floats], Found]
"""What is made of the products of some vectors with some rows: of the first row, and of (Q, C) float32, which is
overwritten afterwards."""

PIECE = 1 << 18
"""Numbers of the matrix that are read between two looks at whether a helper has ended: 1 MB, some 30 microseconds."""
_SHARE = 0.75
"""Of what would be a thread's part of the rest: so large is its next block. Few blocks are few changes of hands of
Python's lock, each of which may wait for a thread that other programs hold up; the last ones even out the rest."""
_LEAST = 4
"""Pieces of a block at least."""
_SINGLE = 16 << 20
"""Bytes of a matrix up to which one thread reads it."""
_THREADS = 4
"""At most: some more than one are needed to ask a machine's memory for all it gives, not all that there are."""


def sweep(matrix: Floats, vectors: Floats, looker: Callable[[], Look[Found]]) -> list[Found]:
    """Multiplies all rows with some vectors, and looks at the products as they come.

    Args:
        matrix: (N, D) float32, perhaps mapped.
        vectors: (Q, D) float32.
        looker: makes what looks, one for each thread; a look sees rows in their order, with gaps.

    Returns:
        What each look gave, in the order of the rows.
    """
    threads = thread_count(matrix.nbytes)
    blocks = _blocks(len(matrix), matrix.shape[1], threads)
    left = deque(enumerate(blocks))  # taking from it is one step of Python's: no lock is needed
    found: list[Found | None] = [None] * len(blocks)

    def work() -> None:
        look, out = looker(), np.empty((len(vectors), _longest(blocks)), np.float32)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            while left:
                try:
                    at, block = left.popleft()
                except IndexError:  # another thread was quicker
                    return
                found[at] = look(block.start, _products(matrix, vectors, block, out))

    helpers = [_helpers().submit(work) for _ in range(threads - 1)]
    work()
    for helper in helpers:
        helper.cancel()  # one that has not begun has nothing left to do
    whole: list[Found] = []
    for at, block in enumerate(blocks):
        if (each := found[at]) is not None:
            whole.append(each)
        else:
            whole += _again(matrix, vectors, block, looker(), partial(found.__getitem__, at))
    return whole


def thread_count(size: int) -> int:
    """Threads that read so many bytes."""
    return 1 if size < _SINGLE else min(_THREADS, os.cpu_count() or 1)


def _again(
    matrix: Floats, vectors: Floats, block: range, look: Look[Found], ended: Callable[[], Found | None]
) -> list[Found]:
    """A block that a helper has not ended, in pieces, unless the helper ends it meanwhile."""
    pieces, out = list(_pieces(block, matrix.shape[1])), np.empty((len(vectors), len(block)), np.float32)
    whole = []
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for piece in pieces:
            if (found := ended()) is not None:
                return [found]
            whole.append(look(piece.start, _products(matrix, vectors, piece, out)))
    return whole


def _products(matrix: Floats, vectors: Floats, rows: range, out: Floats) -> Floats:
    """The products of some rows with some vectors, (Q, C), which lie in ``out``.

    einsum adds up a row as fast as memory gives it, and holds no lock of Python's meanwhile; OpenBLAS would start
    threads of its own, which wait for each other.
    """
    # For several vectors a piece at a time, which is in a core's cache when the second one comes.
    for piece in _pieces(rows, matrix.shape[1]) if len(vectors) > 1 else (rows,):
        some, at = matrix[piece.start : piece.stop], piece.start - rows.start
        for each, vector in zip(out, vectors, strict=True):
            np.einsum("ij,j->i", some, vector, out=each[at : at + len(piece)])
    return out[:, : len(rows)]


def _pieces(rows: range, width: int) -> Iterator[range]:
    step = max(1, PIECE // max(1, width))
    for begin in range(rows.start, rows.stop, step):
        yield range(begin, min(begin + step, rows.stop))


def _blocks(count: int, width: int, threads: int) -> list[range]:
    """The rows in blocks: each a share of what is left, so that the last are small and nobody waits long for them."""
    least, out, begin = max(1, _LEAST * PIECE // max(1, width)), [], 0
    while begin < count:
        size = max(least, int(_SHARE * (count - begin) / threads)) if threads > 1 else count
        out.append(range(begin, min(begin + size, count)))
        begin += size
    return out


def _longest(blocks: list[range]) -> int:
    return max(map(len, blocks), default=0)


@lru_cache(maxsize=1)
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS - 1, thread_name_prefix="vectors")
