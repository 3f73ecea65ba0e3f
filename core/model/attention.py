"""The attention of a whole pass, indexed like one tensor and computed where it is asked for; and how a pass attends.

Shapes: B passes at once, T tokens, L layers, H heads, D channels of a head.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, SupportsIndex

import torch
from torch import Tensor

from core.errors import InputError
from core.model.gpt import fused_attention

if TYPE_CHECKING:
    from core.model.trace import Trace


class Attention:
    """Attention patterns that look like one tensor (L, H, T, T); indexing computes the layers and heads it names."""

    def __init__(self, of: Trace) -> None:
        self._trace = of
        T = len(of.ids)
        self.shape = (of.config.n_layers, of.config.n_heads, T, T)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        """Layer after layer, (H, T, T) each; one is computed when its turn comes."""
        return (self[layer] for layer in range(len(self)))

    def __getitem__(self, key: Any) -> Tensor:
        """As a tensor's; the first two indices are integers or slices, whatever follows is handed on.

        Raises:
            InputError: a layer or head that there is not, or one that is neither an integer nor a slice.
        """
        layer, *rest = key if isinstance(key, tuple) and key else (key,)
        head, *inner = rest or (slice(None),)
        for what, asked in (("layer", layer), ("head", head)):
            if not isinstance(asked, (SupportsIndex, slice)):
                raise InputError(
                    f"a {what} is an integer or a slice, got {asked!r}", "for example trace.attention[2, 1]"
                )
        if not isinstance(layer, slice):
            pattern = self._of_layer(layer, head)
        else:
            layers = range(*layer.indices(self.shape[0]))
            of_each = [self._of_layer(i, head) for i in layers]
            pattern = torch.stack(of_each) if of_each else self._nothing(*self.shape[1:])[:, head]
        outer = sum(isinstance(index, slice) for index in (layer, head))
        return pattern[(*[slice(None)] * outer, *inner)] if inner else pattern

    def _of_layer(self, layer: int, head: int | slice) -> Tensor:
        if not isinstance(head, slice):
            return self._trace.pattern(layer, head)
        heads = range(*head.indices(self.shape[1]))
        if len(heads) == self.shape[1] and heads.step == 1:
            return self._trace.pattern(layer)
        of_each = [self._trace.pattern(layer, h) for h in heads]
        return torch.stack(of_each) if of_each else self._nothing(*self.shape[2:])

    def _nothing(self, *shape: int) -> Tensor:
        """What a tensor gives for a slice with nothing in it."""
        return self._trace.residual(0).new_empty(0, *shape)


def attend(q: Tensor, k: Tensor, v: Tensor, layer: int, dropout: float) -> Tensor:
    """Causal attention, (B, H, T, D) each: the fast kernel, and step by step where something is not a number.

    PyTorch's kernel for CPUs makes zeros of what is not a number while there are fewer than 16 keys. Here it stays one,
    in the tokens that see it and in no other.
    """
    if all(bool(x.isfinite().all()) for x in (q, k, v)):
        return fused_attention(q, k, v, layer, dropout)
    seen = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).tril()
    scores = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).masked_fill(~seen, -torch.inf)  # (B, H, T, T)
    y = scores.softmax(-1) @ v.nan_to_num(0.0, 0.0, 0.0)  # (B, H, T, D); zero times what is no number would be none
    return y.masked_fill(seen.to(v.dtype) @ (~v.isfinite()).to(v.dtype) > 0, torch.nan)
