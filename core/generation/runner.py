"""A model with the keys and values of what it has read, so that a token costs one token's work.

The cache is allocated once, for the whole context. What computes the logits is a ``Reader``: the model as it is, or one
with packed weights (``packed.py``). Leaves out: which of them to take (``pace.py``).

Shapes: B rows (continuations), T tokens, V vocabulary, H heads, D channels of a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from core.config import GPTConfig
from core.model.gpt import GPT, Cache


class Runner(Protocol):
    """What decoding needs of a model."""

    @property
    def config(self) -> GPTConfig:
        """The model's shape."""
        ...

    @property
    def length(self) -> int:
        """Tokens read so far, the same for all rows."""
        ...

    @property
    def rows(self) -> int:
        """How many continuations are kept."""
        ...

    @property
    def dtype(self) -> str:
        """The precision of the products, for a person: float32, bfloat16, int8."""
        ...

    @property
    def bytes(self) -> int:
        """Memory of the weights and of the cache."""
        ...

    def prefill(self, ids: Tensor) -> Tensor:
        """Reads ids (B, T) behind what was read before; returns the logits (B, V) after the last, float32 on the CPU.

        With nothing read so far, B may be anything; it decides the number of rows.
        """
        ...

    def step(self, ids: Tensor) -> Tensor:
        """Reads one token (B,) for each row and returns the logits (B, V) after it, float32 on the CPU."""
        ...

    def truncate(self, n: int) -> None:
        """Forgets all but the first ``n`` tokens."""
        ...

    def select(self, rows: Sequence[int]) -> None:
        """Keeps these rows, in this order; one may be named more than once."""
        ...

    def fork(self, n: int) -> Runner:
        """A runner of ``n`` rows that has read what this one's only row has; the weights are shared, this one stays."""
        ...

    def fresh(self) -> Runner:
        """A runner of the same weights that has read nothing."""
        ...


class Reader(Protocol):
    """What computes logits for a runner: a model's weights, with no state of its own."""

    @property
    def config(self) -> GPTConfig:
        """The model's shape."""
        ...

    @property
    def precision(self) -> str:
        """The precision of the weights, for a person: float32, bfloat16, int8."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """What keys and values are kept in."""
        ...

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    @property
    def nbytes(self) -> int:
        """Memory of the weights."""
        ...

    def logits(self, ids: Tensor, cache: Cache) -> Tensor:
        """Reads ids (B, T) behind what the cache holds; logits (B, V) after the last. Leaves ``cache.length`` alone."""
        ...


class ModelReader:
    """The model itself, in its own precision."""

    def __init__(self, model: GPT) -> None:
        self._model, self.config = model, model.config

    @property
    def precision(self) -> str:
        """The precision of the weights."""
        return str(self.dtype).removeprefix("torch.")

    @property
    def dtype(self) -> torch.dtype:
        """That of the weights."""
        return self._model.wte.weight.dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._model.wte.weight.device

    @property
    def nbytes(self) -> int:
        """Memory of the weights."""
        return sum(p.nbytes for p in self._model.parameters())

    def logits(self, ids: Tensor, cache: Cache) -> Tensor:
        """Logits (B, V) after the last of ids (B, T)."""
        return torch.nn.functional.linear(self._model.hidden(ids, cache)[:, -1], self._model.head)


class CachedRunner:
    """A reader with its cache: the runner there is."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self.config = reader, reader.config
        self._store: Tensor | None = None  # (L, 2, B, H, context, D)
        self.length = 0

    @property
    def rows(self) -> int:
        """How many continuations are kept."""
        return 0 if self._store is None else self._store.shape[2]

    @property
    def dtype(self) -> str:
        """The precision of the weights."""
        return self._reader.precision

    @property
    def bytes(self) -> int:
        """Memory of the weights and of the cache."""
        return self._reader.nbytes + (0 if self._store is None else self._store.nbytes)

    @torch.inference_mode()
    def prefill(self, ids: Tensor) -> Tensor:
        """Reads ids (B, T) and returns the logits (B, V) after the last."""
        if self._store is None or (self.length == 0 and self.rows != ids.shape[0]):
            self._store = self._room(ids.shape[0])
        logits = self._reader.logits(ids.to(self._reader.device), self)
        self.length += ids.shape[1]
        return logits.float().cpu()

    def step(self, ids: Tensor) -> Tensor:
        """Reads one token (B,) for each row and returns the logits (B, V) after it."""
        return self.prefill(ids[:, None])

    def truncate(self, n: int) -> None:
        """Forgets all but the first ``n`` tokens."""
        assert 0 <= n <= self.length, "there is nothing behind what was read"
        self.length = n

    @torch.inference_mode()
    def select(self, rows: Sequence[int]) -> None:
        """Keeps these rows, in this order."""
        assert self._store is not None, "nothing was read yet"
        if list(rows) != list(range(self.rows)):
            kept = torch.tensor(rows, device=self._store.device)
            room = self._room(len(rows))
            room[..., : self.length, :] = self._store[..., : self.length, :].index_select(2, kept)
            self._store = room

    def fork(self, n: int) -> CachedRunner:
        """A runner of ``n`` rows that has read what this one's only row has."""
        other = CachedRunner(self._reader)
        other._store, other.length = self._store, self.length
        other.select([0] * n)
        if n == 1:  # nothing was copied: the two must not write into one cache
            assert self._store is not None
            other._store = self._store.clone()
        return other

    def fresh(self) -> CachedRunner:
        """A runner of the same weights that has read nothing."""
        return CachedRunner(self._reader)

    def update(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Stores a layer's new keys and values (B, H, T, D) and returns all so far: the model's ``Cache``."""
        assert self._store is not None
        end = self.length + k.shape[-2]
        keys, values = self._store[layer]
        keys[..., self.length : end, :] = k
        values[..., self.length : end, :] = v
        return keys[..., :end, :], values[..., :end, :]

    def _room(self, rows: int) -> Tensor:
        c, like = self.config, self._reader
        shape = (c.n_layers, 2, rows, c.n_heads, c.context_length, c.head_dim)
        return torch.empty(shape, dtype=like.dtype, device=like.device)


class PlainRunner(CachedRunner):
    """The model as it is, with a cache."""

    def __init__(self, model: GPT) -> None:
        super().__init__(ModelReader(model))
