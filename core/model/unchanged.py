"""Whether a model's weights are still those that a pass was run with.

What is looked at: which tensors the weights are, how often torch says that each was written to, and a sample of the
numbers themselves. The sample is needed: fused optimizers, the flat buffer of a training run, ``.data`` and numpy all
write without being counted. Leaves out: single numbers written that way outside the sample.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.model.gpt import GPT

SAMPLED = 128
"""About how many numbers of each weight are compared: enough that every head of a layer has some."""
GOLDEN = 0.618
"""The share of a row by which the samples of a large weight move on: each next one falls into the widest gap."""


class Weights:
    """The weights of a model as they are when this is made, to be compared with what they are later."""

    def __init__(self, model: GPT) -> None:
        self._model = model
        self._kept = [p.detach() for p in model.parameters()]
        """Held, so that no weight that is put in their place later gets their address."""
        self._counts = _counts(model)
        self._sampled = [_sample(kept) for kept in self._kept]
        self._numbers = self._read()

    @property
    def changed(self) -> bool:
        """Whether anything was written or replaced since."""
        return _counts(self._model) != self._counts or not torch.equal(self._read(), self._numbers)

    def _read(self) -> Tensor:
        """The sampled numbers as bytes, so that one that is not a number is equal to itself."""
        return torch.cat(self._sampled).view(torch.uint8)


def _counts(model: GPT) -> list[tuple[int, int]]:
    """The address of each weight, and how often it was written to as far as torch counts."""
    return [(p.data_ptr(), 0 if p.is_inference() else p._version) for p in model.parameters()]


def _sample(weight: Tensor) -> Tensor:
    """Numbers spread over a weight, as a view: over its rows and its columns, since a head has some of either.

    One that lies transposed, as in OpenAI's files, is read as it lies; one that lies in neither way is left out.
    """
    lies = next((one for one in (weight, weight.t()) if one.is_contiguous()), weight[:0])
    columns, distance = lies.shape[-1], max(1, lies.numel() // SAMPLED)
    if distance < columns:
        distance |= 1
    else:
        distance += round(GOLDEN * columns) - distance % columns
    return lies.view(-1)[::distance]
