"""Windows that say random tokens over and over: what induction heads are learnt from.

Ordinary text rewards looking back at an earlier copy only now and then, and a small model sees too little of it to find
out. Where tokens without any sense are repeated, nothing else helps. Which windows repeat, with which period and with
which tokens, is a pure function of (seed, batch), like the batches themselves (``windows.py``).

Source: Olsson et al., "In-context Learning and Induction Heads" (2022), whose repeated random tokens these are; as
training data for the same end in Reddy, "The mechanistic basis of data dependence..." (2023), as bursts of a token.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Batch = tuple[NDArray[np.int64], NDArray[np.int64]]

SHORTEST = 8
"""Tokens in the shortest period; shorter ones are rather counted than looked up."""
LONGEST = 96
"""Tokens in the longest, where the window holds two of them."""


def with_repeats(batch: Batch, ids: NDArray[np.integer[Any]], fraction: float, seed: int, step: int) -> Batch:
    """The batch with about ``fraction`` of its windows replaced by repeated random tokens.

    Periods are drawn so that short and long ones are as frequent on a logarithmic scale; tokens are drawn from the
    text, so each is as frequent as there.

    Args:
        batch: x and y, each (B, T) int64.
        ids: (N,) the text's tokens.
        fraction: share of the windows, 0 to 1.
        seed: the run's seed.
        step: which batch.

    Returns:
        x and y, each (B, T) int64; those given are left as they are.
    """
    x, y = batch
    rows, length = x.shape
    longest = min(LONGEST, (length + 1) // 2)
    if fraction <= 0 or longest < 2:  # nothing can be said twice in so short a window
        return batch
    shortest = min(SHORTEST, longest)
    x, y = x.copy(), y.copy()
    raw = _philox(seed, step, rows * (2 + longest)).reshape(rows, 2 + longest)
    share = (raw[:, :2] >> np.uint64(11)) * 2.0**-53  # (B, 2), each from 0 up to 1
    for row in np.flatnonzero(share[:, 0] < fraction):
        period = round(math.exp(math.log(shortest) + share[row, 1] * math.log(longest / shortest)))
        at = (raw[row, 2 : 2 + period] >> np.uint64(32)) * np.uint64(len(ids)) >> np.uint64(32)
        said = np.resize(ids[at.astype(np.int64)], length + 1)
        x[row], y[row] = said[:-1], said[1:]
    return x, y


def _philox(seed: int, step: int, count: int) -> NDArray[np.uint64]:
    """Raw numbers of (seed, step), far from those that choose the windows: the counter begins elsewhere."""
    key = np.array([seed % 2**64, step % 2**64], dtype=np.uint64)
    counter = np.array([0, 0, 0, 1], dtype=np.uint64)
    raw: NDArray[np.uint64] = np.random.Philox(key=key, counter=counter).random_raw(count)
    return raw
