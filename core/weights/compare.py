"""Which tensors moved between two models of one shape, and by how much. No torch; the files are mapped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, nan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.config import GPTConfig
from core.errors import InputError
from core.weights import inspect
from core.weights.keymap import Kind, tensor_names
from core.weights.locate import Weights, open_weights

if TYPE_CHECKING:
    from core.weights.checkpoint import LoadedModel

SHAPE = ("vocab_size", "context_length", "emb_dim", "n_heads", "n_layers", "qkv_bias", "tie_weights")


@dataclass(frozen=True, slots=True)
class TensorChange:
    """How far one tensor of b lies from that of a."""

    name: str
    layer: int | None
    kind: Kind
    parameters: int
    max_abs: float
    """Largest absolute difference of two values; not a number, as the others, where one of them is none."""
    mean_abs: float
    relative: float
    """Norm of the difference over the norm of a; infinite where a is all zeros and b is not."""
    cosine: float
    """Of the angle between the two; not a number where either is all zeros."""

    @property
    def same(self) -> bool:
        """Whether every value is equal."""
        return self.max_abs == 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def compare(
    a: str | LoadedModel, b: str | LoadedModel, cancelled: threading.Event | None = None
) -> Iterator[TensorChange]:
    """The change of each tensor from a to b, in the table's order.

    Args:
        a: a spec, or a loaded model; of a run, ``NAME@STEP``.
        b: another of the same shape.
        cancelled: set it to end early.

    Raises (when it is iterated):
        InputError: their shapes differ; the title names each field.
        ModelSpecError: one of them is not here.
    """
    first, second = _opened(a), _opened(b)
    ours, theirs = _config(first), _config(second)
    apart = [
        f"{n} {getattr(ours, n)} and {getattr(theirs, n)}" for n in SHAPE if getattr(ours, n) != getattr(theirs, n)
    ]
    if apart:
        raise InputError(
            f"two models of one shape can be compared, these differ: {', '.join(apart)}",
            "take two steps of one run: NAME@STEP",
        )
    for name in tensor_names(ours):
        x, y = inspect.values(first, name.ours), inspect.values(second, name.ours)
        try:
            figures = _difference(x, y, cancelled)
        except inspect.GivenUpError:
            return
        yield TensorChange(name.ours, name.layer, name.kind, name.parameters, *figures)


def _difference(
    x: NDArray[np.float32], y: NDArray[np.float32], cancelled: threading.Event | None
) -> tuple[float, float, float, float]:
    """Largest and mean absolute difference, relative norm, cosine; in stretches, so that no copy of a whole is made."""
    largest = total = squares = own = other = product = 0.0
    rows = max(1, inspect.CHUNK // max(1, x.shape[1]))
    if x.flags.f_contiguous and not x.flags.c_contiguous:  # a file that holds the transpose is read as it lies
        x, y = x.T, y.T
        rows = max(1, inspect.CHUNK // max(1, x.shape[1]))
    for start in range(0, x.shape[0], rows):
        if cancelled is not None and cancelled.is_set():
            raise inspect.GivenUpError("the comparison was given up", "ask again")
        p = x[start : start + rows].astype(np.float64).reshape(-1)
        q = y[start : start + rows].astype(np.float64).reshape(-1)
        with np.errstate(invalid="ignore"):  # of two infinities
            gap = q - p
        if not np.isfinite(gap).all():
            gap[(p == q) | (np.isnan(p) & np.isnan(q))] = 0.0
        largest = float(np.maximum(largest, np.abs(gap).max(initial=0.0)))  # unlike max(), it keeps what is no number
        total += float(np.abs(gap).sum())
        squares, own = squares + float(gap @ gap), own + float(p @ p)
        other, product = other + float(q @ q), product + float(p @ q)
    if largest == 0.0:
        relative = 0.0
    else:
        relative = sqrt(squares / own) if 0 < own < inf else (inf if own == 0 else nan)
    cosine = product / sqrt(own * other) if own and other else nan
    return largest, total / max(1, x.size), relative, max(-1.0, min(1.0, cosine)) if cosine == cosine else nan


def _opened(source: str | LoadedModel) -> Weights | LoadedModel:
    return open_weights(source) if isinstance(source, str) else source


def _config(source: Weights | LoadedModel) -> GPTConfig:
    return source.where.config if isinstance(source, Weights) else source.config
