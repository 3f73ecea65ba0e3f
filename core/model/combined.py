"""Many heads as one map: averaged, the largest, or rolled out over the layers.

A layer at a time is in memory. Leaves out: drawing.

Shapes: T tokens, L layers, H heads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import torch
from torch import Tensor

from core.errors import InputError, nearest
from core.model.patching import index

if TYPE_CHECKING:
    from core.model.trace import Trace

How = Literal["mean", "max", "rollout"]
HOWS: tuple[How, ...] = get_args(How)


def combined(trace: Trace, how: str = "mean", layer: int | None = None) -> Tensor:
    """One map of many heads, (T, T) float32; row i is where token i looks.

    Args:
        trace: the pass.
        how: ``mean`` or ``max`` of the heads; ``rollout``: attention followed through the layers up to this one, half
            of each token staying where it is (Abnar and Zuidema, "Quantifying Attention Flow in Transformers", 2020).
            Rows of ``mean`` and ``rollout`` sum to 1.
        layer: of which layer, for ``rollout`` up to which; None: of all layers.

    Raises:
        InputError: another way, or a layer that there is not.
    """
    if how not in HOWS:
        raise InputError(f"expected one of {', '.join(HOWS)}, got {how!r}{nearest(how, HOWS)}", "take mean")
    last = None if layer is None else index(layer, trace.config.n_layers, "layer")
    if how == "rollout":
        return _rollout(trace, trace.config.n_layers - 1 if last is None else last)
    layers = range(trace.config.n_layers) if last is None else range(last, last + 1)
    out: Tensor | None = None
    for at in layers:
        pattern = trace.pattern(at).float()
        here = pattern.mean(0) if how == "mean" else pattern.amax(0)  # (T, T)
        out = here if out is None else out + here if how == "mean" else torch.maximum(out, here)
    assert out is not None
    return out / len(layers) if how == "mean" else out


def _rollout(trace: Trace, last: int) -> Tensor:
    T = len(trace.ids)
    own = torch.eye(T, device=trace.ids.device)
    flow = own
    for layer in range(last + 1):
        flow = (0.5 * trace.pattern(layer).float().mean(0) + 0.5 * own) @ flow
    return flow
