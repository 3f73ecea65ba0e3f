"""Who said it: a logit as the sum of what each part of the model adds to it.

Shapes: T tokens, C channels, L layers, H heads, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.model.patching import index

if TYPE_CHECKING:
    from core.model.trace import Trace


@dataclass(frozen=True)
class Attribution:
    """A logit as the sum of what each part adds to it."""

    embedding: float
    """Token and position embeddings."""
    heads: Tensor
    """(L, H)."""
    attn_bias: Tensor
    """(L,): the bias of each attention's projection, and what a patch of the whole attention puts beside its heads."""
    mlp: Tensor
    """(L,)."""
    norm_bias: float
    total: float
    """The logit itself, or the difference of two."""


@torch.no_grad()
def attribute(trace: Trace, token: int, position: int = -1, against: int | None = None) -> Attribution:
    """Direct logit attribution: how much each part adds to the logit of a token at a position.

    The final norm is taken as it stands at that position (its mean and deviation held fixed), so that the parts add
    up to the logit exactly. Source: Elhage et al., "A Mathematical Framework for Transformer Circuits" (2021),
    section "Direct path"; the frozen norm as in Wang et al., "Interpretability in the Wild" (2022), appendix.

    Args:
        trace: the run.
        token: whose logit.
        position: where.
        against: another token; then the difference of the two logits is told.
    """
    vocab = trace.model.head.shape[0]
    position = index(position, len(trace.ids), "position")
    direction = trace.model.head[index(token, vocab, "token")].float()
    if against is not None:
        direction = direction - trace.model.head[index(against, vocab, "token")].float()
    x, norm = trace.residual(trace.config.n_layers)[position].float(), trace.model.ln_f
    deviation = (x.var(unbiased=False) + norm.eps).sqrt()
    weight = direction * norm.weight.float() / deviation  # (C,)
    weight = weight - weight.mean()  # the norm takes the mean away, which is the same as taking it off the weight

    def share(part: Tensor) -> float:
        return float(part.float() @ weight)

    L, H = trace.config.n_layers, trace.config.n_heads

    def of_heads(layer: int) -> Tensor:
        back = weight @ trace.block(layer).attn.c_proj.weight.float()  # (C,): through the projection to the heads
        return (trace.head_values(layer)[:, position].float() * back.view(H, -1)).sum(1)  # (H,)

    heads = torch.stack([of_heads(layer) for layer in range(L)]).cpu()
    attn = torch.tensor([share(trace.attn_out(la)[position]) for la in range(L)])
    mlp = torch.tensor([share(trace.mlp_out(la)[position]) for la in range(L)])
    return Attribution(
        embedding=share(trace.residual(0)[position]),
        heads=heads,
        attn_bias=attn - heads.sum(1),
        mlp=mlp,
        norm_bias=float(norm.bias.float() @ direction),
        total=float(direction @ norm(trace.residual(L)[position]).float()),
    )
