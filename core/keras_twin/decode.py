"""Decoding with a key-value cache in TensorFlow, as little as a training run's samples need.

One compiled function reads one token: it adds its key and value to the cache, whose size is that of the context, and
gives the logits of the next. Leaves out what the generation console has.

Shapes: B batch (1), H heads, S context length, D channels of a head, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from core.keras_twin.steps import xla_works

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.keras_twin.gpt import KerasGPT


class Decoder:
    """Continues texts with one model, whose weights may change between two calls."""

    def __init__(self, model: KerasGPT) -> None:
        c = model.config
        self._model, self._context = model, c.context_length
        room = (c.n_layers, 1, c.n_heads, c.context_length, c.head_dim)
        dtype = model.compute_dtype
        self._keys, self._values = (tf.Variable(tf.zeros(room, dtype), trainable=False) for _ in range(2))
        self._read = tf.function(self._one_token, jit_compile=xla_works())

    def continue_text(
        self,
        prompt: Sequence[int],
        n: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        seed: int = 0,
    ) -> list[int]:
        """``n`` token ids drawn after the prompt.

        Past the context length the last half of the context is read again and decoding goes on from there.

        Args:
            prompt: at least one token id.
            n: how many tokens to draw.
            temperature: what the logits are divided by; 0 takes the likeliest.
            top_k: draw among so many of the likeliest; None among all.
            seed: decides the draws.
        """
        assert prompt, "decoding starts from at least one token"
        random, ids, at = np.random.default_rng(seed), list(prompt), 0
        fresh = ids[-self._context :]  # what the cache does not hold yet
        for _ in range(n):
            if at + len(fresh) > self._context:
                at, fresh = 0, ids[-max(1, self._context // 2) :]
            for token in fresh:
                logits = self._read(tf.constant([[token]], tf.int32), tf.constant(at, tf.int32))
                at += 1
            fresh = [draw(logits.numpy(), temperature, top_k, random)]
            ids += fresh
        return ids[len(prompt) :]

    def _one_token(self, token: Any, at: Any) -> Any:
        """Logits (V,) float32 after a token (1, 1) that stands at place ``at``; the places before are in the cache."""
        model, hidden = self._model, tf.range(self._context)[None, :] > at  # (1, S), what is not there yet
        x = model.embed(token, start=at)
        keys, values = [], []
        for layer, block in enumerate(model.h):
            q, k, v = block.attn.split(block.ln_1(x))  # each (1, H, 1, D)
            keys.append(_put(self._keys[layer], k, at))
            values.append(_put(self._values[layer], v, at))
            x = x + block.attn.attend(q, keys[-1], values[-1], hidden)
            x = x + block.mlp(block.ln_2(x))
        self._keys.assign(tf.stack(keys))
        self._values.assign(tf.stack(values))
        return tf.cast(model.head(model.ln_f(x))[0, -1], tf.float32)


def _put(room: Any, new: Any, at: Any) -> Any:
    """A layer's cache (1, H, S, D) with the new one (1, H, 1, D) at its place."""
    place = tf.range(room.shape[2])[None, None, :, None] == at
    return tf.where(place, new, room)


def draw(logits: NDArray[np.float32], temperature: float, top_k: int | None, random: np.random.Generator) -> int:
    """One token from logits (V,).

    >>> draw(np.array([0.0, 5.0, 1.0]), 0, None, np.random.default_rng(0))
    1
    """
    if temperature == 0:
        return int(logits.argmax())
    scaled = logits.astype(np.float64) / temperature
    if top_k is not None and top_k < len(scaled):
        scaled[scaled < np.partition(scaled, -top_k)[-top_k]] = -np.inf
    odds = np.exp(scaled - scaled.max())
    return int(random.choice(len(odds), p=odds / odds.sum()))
