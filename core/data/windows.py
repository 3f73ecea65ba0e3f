"""Windows over a long row of ids: what the model reads (x) and what should come next (y).

Two ways to walk a corpus. ``sliding`` is the classic dataset: windows that begin every ``stride`` tokens, each once an
epoch, shuffled. ``random`` is nanoGPT's: windows that begin anywhere, drawn with replacement (``stride`` 1).

Which windows make the batch of step k is a pure function of (seed, k), so a resumed run goes on with the very batches
it would have seen. The numbers come from the raw 64-bit output of ``numpy.random.Philox(key=[seed, k])``: numpy keeps
that stream the same across its releases, which it does not promise for ``Generator.integers`` or ``permutation``.

- ``random``, step k: the first ``batch_size`` outputs r of key [seed, k]; the window is ``(r >> 32) * n >> 32``.
- ``sliding``, epoch e: the first n outputs of key [seed, e]; the order of the epoch is their stable argsort. Batches
  follow one another through the epochs' orders, so one batch may hold the end of an epoch and the start of the next.

Leaves out: where the ids come from (``ids.py``), and any tensor: torch and TensorFlow both take these arrays.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from core.errors import CorpusError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ids = NDArray[np.integer[Any]]
    Indices = NDArray[np.int64]

WindowKind = Literal["random", "sliding"]


class Windows:
    """The windows of a row of ids, gathered in batches by one vectorised index.

    >>> windows = Windows(np.arange(10), context_length=3)
    >>> len(windows)
    3
    >>> windows[1][0].tolist(), windows[1][1].tolist()
    ([3, 4, 5], [4, 5, 6])
    >>> windows.gather(np.array([2, 0]))[0].tolist()
    [[6, 7, 8], [0, 1, 2]]
    """

    def __init__(self, ids: Ids, context_length: int, stride: int | None = None, *, part: str = "") -> None:
        """Looks at the ids, copying nothing.

        Args:
            ids: (N,) integers, in memory or memory-mapped.
            context_length: tokens in a window, T.
            stride: tokens from the start of one window to the next; left out, T (no overlap).
            part: which part of a text they are, for the error.

        Raises:
            CorpusError: there are fewer than T + 1 ids.
        """
        if context_length < 1:
            raise ValueError(f"context_length must be at least 1, got {context_length}")
        if stride is not None and stride < 1:
            raise ValueError(f"stride must be at least 1, got {stride}")
        if ids.ndim != 1:
            raise ValueError(f"ids must have one dimension, got {ids.ndim}")
        check_length(len(ids), context_length, part)
        self.ids = ids
        self.context_length = context_length
        self.stride = stride or context_length
        self._count = count_windows(len(ids), context_length, self.stride)
        self._offsets = np.arange(context_length + 1, dtype=np.int64)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[Indices, Indices]:
        """The window ``index`` as x (T,) and y (T,), int64."""
        if not -self._count <= index < self._count:
            raise IndexError(f"window {index} of {self._count}")
        start = (index % self._count) * self.stride
        window = np.asarray(self.ids[start : start + self.context_length + 1], dtype=np.int64)
        return window[:-1], window[1:]

    def gather(self, indices: Indices) -> tuple[Indices, Indices]:
        """The windows ``indices`` (B,) as x (B, T) and y (B, T), int64, each contiguous.

        Raises:
            IndexError: an index is not from 0 to len - 1.
        """
        chosen = np.asarray(indices, dtype=np.int64)
        if chosen.size and (chosen.min() < 0 or chosen.max() >= self._count):
            raise IndexError(f"windows {int(chosen.min())} to {int(chosen.max())} of {self._count}")
        block = np.asarray(self.ids)[chosen[:, None] * self.stride + self._offsets]  # (B, T + 1)
        return block[:, :-1].astype(np.int64, order="C"), block[:, 1:].astype(np.int64, order="C")


def count_windows(n_tokens: int, context_length: int, stride: int) -> int:
    """How many whole windows, each with its next token, lie in ``n_tokens``.

    >>> count_windows(111540, 64, 64)
    1742
    """
    return max(0, (n_tokens - context_length - 1) // stride + 1)


def check_length(n_tokens: int, context_length: int, part: str = "") -> None:
    """Makes sure that a text, or a part of one, holds at least one window.

    Args:
        n_tokens: how many tokens it has.
        context_length: tokens in a window; its targets reach one token further.
        part: which part, ``training`` or ``validation``; left out, it is the whole text.

    Raises:
        CorpusError: it holds none; the title names both numbers.
    """
    if n_tokens > context_length:
        return
    hints = ["take a longer text"]
    if part == "validation":
        hints.append("a larger --val-fraction")
    if n_tokens > 2:  # a window of one token learns nothing from what came before
        hints.append(f"--context-length {n_tokens - 1} or less")
    raise CorpusError(
        f"the {f'{part} part of the ' if part else ''}text has {n_tokens:,} tokens, one window of context_length "
        f"{context_length:,} needs {context_length + 1:,}",
        ", or ".join(hints),
    )


def split(ids: Ids, val_fraction: float) -> tuple[Ids, Ids]:
    """Cuts ids into training and validation parts, validation at the end, as nanoGPT does; copies nothing.

    >>> [len(part) for part in split(np.arange(1_115_394), 0.1)]
    [1003854, 111540]
    """
    if not 0 <= val_fraction < 1:
        raise ValueError(f"val_fraction must be from 0 up to (not including) 1, got {val_fraction}")
    cut = int(len(ids) * (1 - val_fraction))
    return ids[:cut], ids[cut:]


def batch_indices(kind: WindowKind, n_windows: int, batch_size: int, seed: int, step: int) -> Indices:
    """The windows of one batch, a pure function of its arguments (the module's docstring says which).

    Args:
        kind: ``random`` or ``sliding``.
        n_windows: how many windows there are: ``len(Windows(...))``, with stride 1 for ``random``.
        batch_size: windows in the batch, B.
        seed: the run's seed.
        step: which batch, from 0; with gradient accumulation the n-th batch of step k is ``k * grad_accumulation + n``.

    Returns:
        (B,) int64, from 0 to n_windows - 1.
    """
    if n_windows < 1 or batch_size < 1 or step < 0:
        raise ValueError(f"no batch of {batch_size} from {n_windows} windows at step {step}")
    if kind == "random":
        raw = _philox(seed, step, batch_size)
        return ((raw >> np.uint64(32)) * np.uint64(n_windows) >> np.uint64(32)).astype(np.int64)
    if kind == "sliding":
        return _sliding(n_windows, batch_size, seed, step)
    raise ValueError(f"windows are random or sliding, got {kind!r}")


def _sliding(n_windows: int, batch_size: int, seed: int, step: int) -> Indices:
    epoch, start = divmod(step * batch_size, n_windows)
    parts: list[Indices] = []
    wanted = batch_size
    while wanted:
        part = epoch_order(n_windows, seed, epoch)[start : start + wanted]
        parts.append(part)
        wanted -= len(part)
        epoch, start = epoch + 1, 0
    return np.concatenate(parts)


@lru_cache(maxsize=2)  # a batch needs the epoch it is in, and at its end the next one
def epoch_order(n_windows: int, seed: int, epoch: int) -> Indices:
    """The order of the windows in one epoch of ``sliding``: (n_windows,) int64, read-only."""
    order = np.argsort(_philox(seed, epoch, n_windows), kind="stable").astype(np.int64, copy=False)
    order.flags.writeable = False
    return order


def _philox(seed: int, counter: int, count: int) -> NDArray[np.uint64]:
    key = np.array([seed % 2**64, counter % 2**64], dtype=np.uint64)
    raw: NDArray[np.uint64] = np.random.Philox(key=key).random_raw(count)
    return raw


def eval_indices(n_windows: int, count: int) -> Indices:
    """A fixed set of windows, spread evenly; all of them if ``count`` is 0 or more than there are.

    >>> eval_indices(10, 4).tolist()
    [0, 2, 5, 7]
    """
    if count <= 0 or count >= n_windows:
        return np.arange(n_windows, dtype=np.int64)
    return np.arange(count, dtype=np.int64) * n_windows // count
