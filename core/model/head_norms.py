"""How much each head adds: the length of what it puts into the residual stream.

Leaves out: whether that matters for the answer, which only switching it off tells (``ablation.py``).

Shapes: T tokens, L layers, H heads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from core.model.trace import Trace


@torch.no_grad()
def output_norms(trace: Trace, layer: int | None = None) -> Tensor:
    """How long what each head adds to the residual stream is, the mean over the tokens: (L, H) float32.

    After Kobayashi et al., "Attention is Not Only a Weight: Analyzing Transformers with Vector Norms" (EMNLP 2020), who
    take the length of transformed values times their weights rather than weights alone; they do so for each token that
    is looked at, here it is the length of the sum.

    Args:
        trace: the run.
        layer: of one layer alone, (H,).

    Raises:
        InputError: there is no such layer.
    """
    if layer is None:
        return torch.stack([output_norms(trace, i) for i in range(trace.config.n_layers)])
    heads = [trace.head_out(layer, head).float().norm(dim=-1).mean() for head in range(trace.config.n_heads)]
    return torch.stack(heads).cpu()
