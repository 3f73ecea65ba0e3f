"""Weights between the twins: by our names, in our layout, bit for bit.

Keras keeps matrices as (in, out), ours are (out, in); the values are the same ones. Names and shapes come from the one
table, ``core.weights.keymap``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from core.weights.keymap import check_tensors, tensor_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.keras_twin.gpt import KerasGPT

    Arrays = dict[str, NDArray[np.float32]]


def variables(model: KerasGPT) -> dict[str, Any]:
    """Each of the model's variables by our name, in the order of ``tensor_names``; Keras's layout."""
    return {name.ours: _find(model, name.ours) for name in tensor_names(model.config)}


def is_turned(name: str, variable: Any) -> bool:
    """Whether Keras holds the transpose of ours: it does for each matrix of a ``Dense``."""
    return len(variable.shape) == 2 and name not in ("wte.weight", "wpe.weight")


def to_ours(name: str, value: Any, *, turned: bool) -> NDArray[np.float32]:
    """A value of Keras's as an array of ours, contiguous."""
    array = np.asarray(value, dtype=np.float32)
    return np.ascontiguousarray(array.T if turned else array)


def arrays(model: KerasGPT) -> Arrays:
    """The model's weights by our names in our layout, float32, copied."""
    return {n: to_ours(n, v.numpy(), turned=is_turned(n, v)) for n, v in variables(model).items()}


def assign(model: KerasGPT, tensors: Mapping[str, Any], where: str = "the weights") -> None:
    """Takes over weights by our names in our layout (arrays or CPU tensors).

    Raises:
        CheckpointError: a tensor is missing, left over, or of another shape; nothing was taken over then.
    """
    shapes = {name.ours: name.shape for name in tensor_names(model.config)}
    check_tensors(shapes, {name: tuple(tensor.shape) for name, tensor in tensors.items()}, where)
    for name, variable in variables(model).items():
        value = np.asarray(tensors[name], dtype=np.float32)
        variable.assign(value.T if is_turned(name, variable) else value)


def _find(model: KerasGPT, name: str) -> Any:
    """The variable that a name of ours means: ``h.0.attn.c_attn.weight`` is the kernel of that ``Dense``.

    The same path leads through both models: attributes by name, blocks by number.
    """
    *path, last = name.split(".")
    at: Any = model
    for part in path:
        at = at[int(part)] if part.isdecimal() else getattr(at, part)
    if last == "bias":
        return at.beta if hasattr(at, "beta") else at.bias
    for attribute in ("embeddings", "gamma", "kernel"):
        if hasattr(at, attribute):
            return getattr(at, attribute)
    raise AssertionError(f"{name} leads to no weight")
