"""Looking through a model's tensors: names, shapes, values, and what their numbers are like. No torch.

A spec opens its files by their headers; a published GPT-2 that is not here is listed from its shape alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from core.config import GPTConfig
from core.errors import InputError, LabError, ModelSpecError, nearest
from core.weights.keymap import Kind, tensor_names
from core.weights.locate import Weights, locate, open_weights
from core.weights.parts import cut_part, split_part

if TYPE_CHECKING:
    from core.weights.checkpoint import LoadedModel

CHUNK = 1 << 20
"""Numbers that are looked at at once: they, and what is computed of them, fit a cache."""
OUTLIER = 4.0
"""A value that lies further from the mean than so many standard deviations is an outlier."""


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of a model."""

    name: str
    """Ours."""
    openai_name: str | None
    hf_name: str
    shape: tuple[int, ...]
    """In our layout: matrices are (out, in)."""
    dtype: str
    """In the file: float32, float16, bfloat16."""
    parameters: int
    bytes: int
    """In the file."""
    kind: Kind
    layer: int | None
    transposed_in_openai: bool = False
    """Whether OpenAI's file and Hugging Face's hold the transpose."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "openai": self.openai_name,
            "huggingface": self.hf_name,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "parameters": self.parameters,
            "bytes": self.bytes,
            "kind": self.kind,
            "layer": self.layer,
            "transposed_in_openai": self.transposed_in_openai,
        }


@dataclass(frozen=True)
class TensorList(Sequence[TensorInfo]):
    """The tensors of a model, in the table's order."""

    spec: str
    config: GPTConfig
    infos: tuple[TensorInfo, ...]
    here: bool
    """Whether there are values; else names and shapes alone are known."""
    files: tuple[Path, ...] = ()
    step: int | None = None

    @property
    def parameters(self) -> int:
        """Numbers in all tensors."""
        return sum(info.parameters for info in self.infos)

    @property
    def bytes(self) -> int:
        """What they take in the file."""
        return sum(info.bytes for info in self.infos)

    def __len__(self) -> int:
        return len(self.infos)

    def __iter__(self) -> Iterator[TensorInfo]:
        return iter(self.infos)

    @overload
    def __getitem__(self, at: int) -> TensorInfo: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[TensorInfo, ...]: ...
    def __getitem__(self, at: int | slice) -> TensorInfo | tuple[TensorInfo, ...]:
        return self.infos[at]

    def find(self, name: str) -> TensorInfo:
        """A tensor by any of its three names.

        Raises:
            InputError: none has it.
        """
        for info in self.infos:
            if name in (info.name, info.openai_name, info.hf_name):
                return info
        raise InputError(
            f"{self.spec} has no tensor {name}{nearest(name, [i.name for i in self.infos])}",
            f"llm-lab weights {self.spec} lists them",
        )


@dataclass(frozen=True, slots=True)
class TensorStats:
    """What the values of a tensor are like; those that are no number are counted and left out of the rest."""

    mean: float
    std: float
    min: float
    max: float
    norm: float
    """The root of the sum of squares."""
    zeros: int
    nans: int
    """Not a number, or infinite."""
    outliers: int
    """Further than four standard deviations from the mean."""
    count: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True)
class TensorHistogram:
    """How many values lie where; together they are all that were counted."""

    edges: NDArray[np.float64]
    """One more than there are bins."""
    counts: NDArray[np.int64]
    sampled: bool
    """Whether some of the values stand for all."""
    below: int = 0
    """Values clipped into the first bin."""
    above: int = 0
    """Values clipped into the last bin."""


def tensors(spec: str) -> TensorList:
    """The tensors of a model: names, shapes, types, from the headers alone.

    Args:
        spec: as ``core.load_model`` takes it; a published GPT-2 need not be here.

    Raises:
        ModelSpecError: the name means nothing here.
        CheckpointError: a file is damaged or does not fit its configuration.
    """
    where = locate(spec)
    weights = Weights(where) if where.files else None  # OpenAI's are listed before they are converted
    infos = []
    for name in tensor_names(where.config):
        entry = weights.place(name.ours)[1] if weights else None
        infos.append(
            TensorInfo(
                name.ours,
                name.openai,
                name.huggingface,
                name.shape,
                entry.dtype if entry else "float32",
                name.parameters,
                entry.size if entry else 4 * name.parameters,
                name.kind,
                name.layer,
                name.transposed_in_openai,
            )
        )
    return TensorList(spec, where.config, tuple(infos), where.here, where.files, where.step)


def values(source: str | LoadedModel | Weights, name: str) -> NDArray[np.float32]:
    """The values of a tensor as two dimensions (a vector is one row), float32, in our layout.

    Args:
        source: a spec (the file is mapped, not read), or a loaded model.
        name: one of ours.

    Raises:
        ModelSpecError: the model is not here, or has no such tensor.
    """
    found = _array(source, name)
    return found.reshape(1, -1) if found.ndim == 1 else found


def stats(source: str | LoadedModel | Weights, name: str, cancelled: threading.Event | None = None) -> TensorStats:
    """Mean, spread, extremes and the like over all values of a tensor.

    Args:
        source: a spec, or a loaded model.
        name: one of our tensors.
        cancelled: set it to give up.

    Raises:
        ModelSpecError: the model is not here, or has no such tensor.
        GivenUpError: it was set.
    """
    chunks = _Chunks(values(source, name), cancelled)
    count = nans = zeros = outliers = 0
    total = squares = 0.0
    low, high = np.inf, -np.inf
    for chunk in chunks:
        good = _finite(chunk)
        nans += chunk.size - good.size
        if not good.size:
            continue
        count += good.size
        zeros += int(good.size - np.count_nonzero(good))
        wide = good.astype(np.float64)
        total += float(wide.sum())
        squares += float(wide @ wide)
        low, high = min(low, float(good.min())), max(high, float(good.max()))
    if not count:
        return TensorStats(nan, nan, nan, nan, nan, 0, nans, 0, nans)
    mean = total / count
    std = float(np.sqrt(max(0.0, squares / count - mean * mean)))
    if std > 0 and max(high - mean, mean - low) > OUTLIER * std:
        for chunk in chunks:
            outliers += int(np.count_nonzero(np.abs(_finite(chunk) - np.float32(mean)) > OUTLIER * std))
    return TensorStats(mean, std, low, high, float(np.sqrt(squares)), zeros, nans, outliers, count + nans)


def histogram(
    source: str | LoadedModel | Weights,
    name: str,
    bins: int = 64,
    clip: float | None = None,
    *,
    sample: int | None = None,
    limits: tuple[float, float] | None = None,
    cancelled: threading.Event | None = None,
) -> TensorHistogram:
    """How the values of a tensor are spread.

    Args:
        source: a spec, or a loaded model.
        name: one of our tensors.
        bins: how many.
        clip: so many standard deviations to each side of the mean; what lies beyond counts in the outermost bins. None:
            from the smallest to the largest.
        limits: the ends of the scale, as when two histograms are to be laid side by side; what lies beyond counts in
            the outermost bins, and ``clip`` means nothing.
        sample: about so many values, evenly taken, stand for all where there are more; None: all are counted.
        cancelled: set it to give up.

    Raises:
        ModelSpecError: the model is not here, or has no such tensor.
        InputError: no bins.
    """
    if bins < 1:
        raise InputError(f"a histogram has at least one bin, got {bins}", "bins=64 is usual")
    table = values(source, name)
    stride = 1 if sample is None else max(1, table.size // max(1, sample))
    taken = table if stride == 1 else np.ascontiguousarray(_flat(table)[::stride]).reshape(1, -1)
    chunks = _Chunks(taken, cancelled)
    low, high, mean, std = _range(chunks)
    if limits is not None:
        low, high = limits
    elif clip is not None and std > 0:
        low, high = max(low, mean - clip * std), min(high, mean + clip * std)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)
    counts = np.zeros(bins, np.int64)
    below = above = 0
    for chunk in chunks:
        good = _finite(chunk)
        below += int(np.count_nonzero(good < low))
        above += int(np.count_nonzero(good > high))
        at = ((good - np.float64(low)) * (bins / (high - low))).clip(0, bins - 1).astype(np.int64)
        counts += np.bincount(at, minlength=bins)
    return TensorHistogram(edges, counts, stride > 1, below, above)


def _range(chunks: _Chunks) -> tuple[float, float, float, float]:
    count, total, squares, low, high = 0, 0.0, 0.0, np.inf, -np.inf
    for chunk in chunks:
        good = _finite(chunk)
        if good.size:
            wide = good.astype(np.float64)
            count, total, squares = count + good.size, total + float(wide.sum()), squares + float(wide @ wide)
            low, high = min(low, float(good.min())), max(high, float(good.max()))
    if not count:
        return 0.0, 0.0, 0.0, 0.0
    mean = total / count
    return low, high, mean, float(np.sqrt(max(0.0, squares / count - mean * mean)))


class GivenUpError(LabError):
    """It was given up on request."""


class _Chunks:
    """The values of a table in stretches that fit a cache, in the order in which they lie in memory."""

    def __init__(self, table: NDArray[np.float32], cancelled: threading.Event | None) -> None:
        self._flat, self._cancelled = _flat(table), cancelled

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        for start in range(0, self._flat.size, CHUNK):
            if self._cancelled is not None and self._cancelled.is_set():
                raise GivenUpError("the tensor was not looked through to its end", "ask again")
            yield self._flat[start : start + CHUNK]


def _flat(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values in a row without a copy; which order does not matter."""
    return (table if table.flags.c_contiguous else table.T).reshape(-1)


def _finite(chunk: NDArray[np.float32]) -> NDArray[np.float32]:
    good = np.isfinite(chunk)
    return chunk if good.all() else chunk[good]


def _array(source: str | LoadedModel | Weights, name: str) -> NDArray[np.float32]:
    whole, part = split_part(name)
    return cut_part(_whole(source, whole), part)


def _whole(source: str | LoadedModel | Weights, name: str) -> NDArray[np.float32]:
    if isinstance(source, str):
        source = open_weights(source)
    if isinstance(source, Weights):
        return source.array(name)
    parameters = dict(source.model.named_parameters())
    if name not in parameters:
        raise ModelSpecError(
            f"{source.spec} has no tensor {name}{nearest(name, parameters)}",
            f"llm-lab weights {source.spec} lists them",
        )
    found: NDArray[np.float32] = parameters[name].detach().float().cpu().numpy()
    return found
