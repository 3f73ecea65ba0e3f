"""Twins for the tests: the same weights in PyTorch and in Keras. TensorFlow is loaded by the first that asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from core.config import GPTConfig
from core.model.gpt import GPT

if TYPE_CHECKING:
    from numpy.typing import NDArray

TINY = GPTConfig(65, 64, 128, 4, 4)
SHAPES = {
    "tied, with bias": TINY,
    "a head of its own, no bias": GPTConfig(65, 64, 48, 3, 2, qkv_bias=False, tie_weights=False),
    "tied, no bias": GPTConfig(31, 16, 32, 1, 1, qkv_bias=False),
    "a head of its own, with bias": GPTConfig(17, 8, 16, 2, 3, tie_weights=False),
}


def torch_model(config: GPTConfig, seed: int = 0) -> GPT:
    """PyTorch's, with no parameter at a value that would hide what is done to it: norms and biases are drawn too."""
    generator = torch.Generator().manual_seed(seed)
    model = GPT(config, generator)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
    return model.eval()


def arrays_of(model: GPT) -> dict[str, NDArray[np.float32]]:
    """The weights by name."""
    return {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}


def keras_model(config: GPTConfig, weights: dict[str, NDArray[np.float32]] | None = None, **options: Any) -> Any:
    """Keras's, with given weights or its own."""
    from core.keras_twin.loading import load_tensorflow

    load_tensorflow()
    from core.keras_twin.gpt import KerasGPT
    from core.keras_twin.weights import assign

    model = KerasGPT(config, **options)
    if weights is not None:
        assign(model, weights)
    return model


def some_ids(config: GPTConfig, batch: int = 2, time: int | None = None, seed: int = 7) -> NDArray[np.int64]:
    """Random token ids, (batch, time), as long as the context unless told."""
    time = config.context_length if time is None else time
    return np.random.default_rng(seed).integers(0, config.vocab_size or 1, (batch, time))


def same_arrays(one: dict[str, NDArray[np.float32]], other: dict[str, NDArray[np.float32]]) -> bool:
    """Whether two models' weights agree in every bit."""
    return one.keys() == other.keys() and all(np.array_equal(one[n].view("u4"), other[n].view("u4")) for n in one)
