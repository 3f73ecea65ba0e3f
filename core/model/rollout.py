"""Several heads as one: the mean or the largest over a layer's heads, and rollout over layers.

Attention weights say where one layer looks, but what a token holds by then has come from other tokens already. Rollout
follows it back: each layer hands on half of what stands at a token (the shortcut) and half of what its heads bring.
Leaves out: values and feed-forward parts, which weights know nothing of.

Shapes: T tokens, L layers, H heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.errors import InputError
from core.model.patching import index

if TYPE_CHECKING:
    from core.model.trace import Trace

TOGETHER: dict[str, str] = {
    "mean": "the mean over the heads of the layer",
    "max": "the largest over the heads of the layer; rows no longer add up to 1",
    "rollout": "rollout over the layers up to this one (Abnar and Zuidema, 2020)",
}
"""The ways to see several heads as one."""


def rollout_of(patterns: Sequence[Tensor]) -> Tensor:
    """Rollout over the patterns of layers from the first on, each the mean over its heads, (T, T).

    ``R_l = (A_l / 2 + I / 2) R_(l-1)``: how much of what a token (row) holds after the last of these layers came from
    each token (column) of the text. Rows add up to 1. What is not a number is so for the tokens that take from it, and
    for no other.

    Source: Abnar and Zuidema, "Quantifying Attention Flow in Transformers" (ACL 2020), section 3.

    >>> half = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    >>> rollout_of([half]).tolist()
    [[1.0, 0.0], [0.25, 0.75]]
    """
    if not patterns:
        raise InputError("rollout needs the patterns of at least one layer, none came", "hand in one for each layer")
    eye = torch.eye(patterns[0].shape[-1], device=patterns[0].device)
    found, lost = eye, eye[0] < 0  # (T, T), and which tokens hold no number, (T,)
    for pattern in patterns:
        mixed = 0.5 * pattern.float() + 0.5 * eye
        lost = mixed.isnan().any(-1) | ((mixed != 0) & lost).any(-1)
        found = mixed.nan_to_num(0.0) @ found  # zero times what is no number would be none
    return found.masked_fill(lost[:, None], torch.nan)


@torch.no_grad()
def rollout(trace: Trace, layer: int | None = None) -> Tensor:
    """Attention rollout up to and with a layer (None: the last), (T, T) float32.

    Raises:
        InputError: there is no such layer.
    """
    last = trace.config.n_layers - 1 if layer is None else index(layer, trace.config.n_layers, "layer")
    return rollout_of([trace.pattern(i).float().mean(0) for i in range(last + 1)])


@torch.no_grad()
def together(trace: Trace, layer: int, how: str) -> Tensor:
    """The heads of a layer as one pattern, (T, T) float32, by one of ``TOGETHER``.

    Raises:
        InputError: there is no such layer, or no such way.
    """
    if how == "rollout":
        return rollout(trace, layer)
    if how not in TOGETHER:
        raise InputError(f"heads cannot be seen together by {how!r}", f"one of: {', '.join(TOGETHER)}")
    pattern = trace.pattern(layer).float()
    return pattern.mean(0) if how == "mean" else pattern.amax(0)
