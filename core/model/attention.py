"""The attention of a whole pass, indexed like one tensor and computed where it is asked for.

Shapes: T tokens, L layers, H heads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from core.errors import InputError

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

    def __getitem__(self, key: Any) -> Tensor:
        """As a tensor's; the first two indices are integers or slices, whatever follows is handed on.

        Raises:
            InputError: a layer or head that there is not, or one that is neither an integer nor a slice.
        """
        layer, *rest = key if isinstance(key, tuple) else (key,)
        head, *inner = rest or (slice(None),)
        for what, asked in (("layer", layer), ("head", head)):
            if not isinstance(asked, (int, slice)):
                raise InputError(
                    f"a {what} is an integer or a slice, got {asked!r}", "for example trace.attention[2, 1]"
                )
        if isinstance(layer, int):
            pattern = self._of_layer(layer, head)
        else:
            layers = range(*layer.indices(self.shape[0]))
            pattern = torch.stack([self._of_layer(i, head) for i in layers])
        outer = sum(isinstance(index, slice) for index in (layer, head))
        return pattern[(*[slice(None)] * outer, *inner)] if inner else pattern

    def _of_layer(self, layer: int, head: int | slice) -> Tensor:
        if isinstance(head, int):
            return self._trace.pattern(layer, head)
        heads = range(*head.indices(self.shape[1]))
        if len(heads) == self.shape[1] and heads.step == 1:
            return self._trace.pattern(layer)
        return torch.stack([self._trace.pattern(layer, h) for h in heads])
