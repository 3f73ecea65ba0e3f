"""Position embeddings that begin as waves, so that neighbouring places can be told apart from the first step.

Drawn at random, like the rest of the weights, positions have no order until it is learnt, and heads that look at the
token before are late. They are weights like all others: training goes on from the waves. Without torch, so that both
frameworks begin alike.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def position_waves(context_length: int, emb_dim: int, amplitude: float) -> NDArray[np.float32]:
    """Sines in the first half of the channels, cosines in the second, (T, C) float32.

    Wavelengths rise geometrically from 2 pi tokens to 2 pi T, T the context length.

    Source: Vaswani et al., "Attention Is All You Need" (2017), section 3.5, with T in place of 10,000.

    >>> (100 * position_waves(4, 2, 0.5)[:2]).round().tolist()
    [[0.0, 50.0], [42.0, 27.0]]
    """
    sines = (emb_dim + 1) // 2
    rates = np.exp(-math.log(context_length) * np.arange(sines) / sines)
    angles = np.arange(context_length)[:, None] * rates  # (T, sines)
    waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)[:, :emb_dim]
    return (amplitude * waves).astype(np.float32)
