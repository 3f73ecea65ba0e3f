"""The parts of the twin: attention for one head, attention for many, feed-forward, block.

They are those of ``core.model.gpt``, in Keras's words: a ``Dense`` holds its kernel as (in, out) where PyTorch's
``Linear`` holds (out, in), and nothing else differs. ``CausalSelfAttention`` is the one of the courses, written out
line by line; the model is made of ``MultiHeadAttention``, which is the same for all heads at once.

Shapes: B batch, T time, S keys so far, C channels (emb_dim), H heads, D channels of a head.
Source: Vaswani et al., "Attention Is All You Need" (2017), section 3.2; github.com/openai/gpt-2, src/model.py.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from core.config import GPTConfig

EPSILON = 1e-5
"""What is added to a variance before its root; GPT-2's."""


class Dropout(keras.layers.Layer):
    """Drops a share of its input while training; what it drops is decided by a generator that the model owns.

    Keras's own keeps a generator in each layer. With one for the whole model, setting its state before a step makes all
    that is dropped in the step a function of that state.
    """

    def __init__(self, rate: float, seeds: Any = None, **rest: Any) -> None:
        super().__init__(**rest)
        self.rate, self.seeds = rate, seeds

    def call(self, x: Any, training: bool = False) -> Any:
        """The input, or while training the input with zeros in it and the rest made larger."""
        if not training or not self.rate:
            return x
        return keras.random.dropout(x, self.rate, seed=self.seeds)


class CausalSelfAttention(keras.layers.Layer):
    """One head of attention in which each token sees itself and those before it, written out.

    Args:
        d_out: width of the head, D.
        context_length: the most tokens, T.
        drop_rate: share of the attention weights dropped while training.
        qkv_bias: whether query, key and value have a bias.
        seeds: where dropout comes from; left out, Keras's global one.
    """

    def __init__(
        self,
        d_out: int,
        context_length: int,
        drop_rate: float = 0.0,
        qkv_bias: bool = False,
        seeds: Any = None,
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self.w_query, self.w_key, self.w_value = (
            keras.layers.Dense(d_out, use_bias=qkv_bias, name=name) for name in ("w_query", "w_key", "w_value")
        )
        self.dropout = Dropout(drop_rate, seeds, name="dropout")
        self.d_out, self.mask = d_out, upper_triangle(context_length)

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Makes the three projections for an input (B, T, C)."""
        for projection in (self.w_query, self.w_key, self.w_value):
            projection.build(shape)

    def call(self, x: Any, training: bool = False) -> Any:
        """What each token takes from itself and those before it, (B, T, D), for x (B, T, C)."""
        queries, keys, values = self.w_query(x), self.w_key(x), self.w_value(x)  # each (B, T, D)
        scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))  # (B, T, T)
        T = x.shape[1]
        masked = ops.where(self.mask[:T, :T], -math.inf, scores / math.sqrt(self.d_out))
        weights = tf.nn.softmax(masked, axis=-1)  # rows sum to 1, 0 above the diagonal
        return ops.matmul(self.dropout(weights, training=training), values)


class MultiHeadAttention(keras.layers.Layer):
    """Causal self-attention for all heads at once; query, key and value are one projection, as in GPT-2's files."""

    def __init__(self, config: GPTConfig, seeds: Any, **rest: Any) -> None:
        super().__init__(**rest)
        c = config
        self.n_heads, self.head_dim, self.emb_dim = c.n_heads, c.head_dim, c.emb_dim
        normal = keras.initializers.RandomNormal(stddev=c.init_std)
        small = keras.initializers.RandomNormal(stddev=c.init_std / math.sqrt(2 * c.n_layers))
        self.c_attn = keras.layers.Dense(
            3 * c.emb_dim, use_bias=c.qkv_bias, kernel_initializer=normal, dtype=self.dtype_policy, name="c_attn"
        )
        self.c_proj = keras.layers.Dense(c.emb_dim, kernel_initializer=small, dtype=self.dtype_policy, name="c_proj")
        self.attention_dropout = Dropout(c.drop_rate, seeds, dtype=self.dtype_policy, name="attention_dropout")
        self.dropout = Dropout(c.drop_rate, seeds, dtype=self.dtype_policy, name="dropout")
        self.mask = upper_triangle(c.context_length)

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Makes the projections for an input (B, T, C)."""
        self.c_attn.build(shape)
        self.c_proj.build(shape)

    def call(self, x: Any, training: bool = False) -> Any:
        """What attention adds to the residual, (B, T, C), for its normalised copy x (B, T, C)."""
        T = x.shape[1]
        return self.attend(*self.split(x), self.mask[:T, :T], training=training)

    def split(self, x: Any) -> tuple[Any, Any, Any]:
        """Queries, keys and values of all heads, each (B, H, T, D), for x (B, T, C)."""
        heads = ops.reshape(self.c_attn(x), (-1, x.shape[1], 3, self.n_heads, self.head_dim))
        q, k, v = ops.unstack(ops.transpose(heads, (2, 0, 3, 1, 4)), 3)
        return q, k, v

    def attend(self, q: Any, k: Any, v: Any, mask: Any, training: bool = False) -> Any:
        """Attention of queries (B, H, T, D) over keys and values (B, H, S, D), put together: (B, T, C).

        Args:
            q: queries.
            k: keys.
            v: values.
            mask: (T, S), true where a query must not look.
            training: whether to drop.
        """
        scores = ops.matmul(q * (1 / math.sqrt(self.head_dim)), ops.transpose(k, (0, 1, 3, 2)))  # (B, H, T, S)
        weights = tf.nn.softmax(ops.where(mask, ops.cast(-math.inf, scores.dtype), scores), axis=-1)
        y = ops.matmul(self.attention_dropout(weights, training=training), v)  # (B, H, T, D)
        joined = ops.reshape(ops.transpose(y, (0, 2, 1, 3)), (-1, q.shape[2], self.emb_dim))
        return self.dropout(self.c_proj(joined), training=training)


class FeedForward(keras.layers.Layer):
    """Four times as wide inside, GELU (the tanh form) between."""

    def __init__(self, config: GPTConfig, seeds: Any, **rest: Any) -> None:
        super().__init__(**rest)
        c = config
        normal = keras.initializers.RandomNormal(stddev=c.init_std)
        small = keras.initializers.RandomNormal(stddev=c.init_std / math.sqrt(2 * c.n_layers))
        self.c_fc = keras.layers.Dense(4 * c.emb_dim, kernel_initializer=normal, dtype=self.dtype_policy, name="c_fc")
        self.c_proj = keras.layers.Dense(c.emb_dim, kernel_initializer=small, dtype=self.dtype_policy, name="c_proj")
        self.dropout = Dropout(c.drop_rate, seeds, dtype=self.dtype_policy, name="dropout")

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Makes both projections for an input (B, T, C)."""
        self.c_fc.build(shape)
        self.c_proj.build((*shape[:-1], 4 * int(shape[-1] or 0)))

    def call(self, x: Any, training: bool = False) -> Any:
        """What the feed-forward part adds to the residual, (B, T, C), for its normalised copy x."""
        wide = keras.activations.gelu(self.c_fc(x), approximate=True)  # (B, T, 4C)
        return self.dropout(self.c_proj(wide), training=training)


class Block(keras.layers.Layer):
    """Attention, then feed-forward, each on a normalised copy and added back."""

    def __init__(self, config: GPTConfig, seeds: Any, **rest: Any) -> None:
        super().__init__(**rest)
        self.ln_1 = keras.layers.LayerNormalization(epsilon=EPSILON, dtype=self.dtype_policy, name="ln_1")
        self.attn = MultiHeadAttention(config, seeds, dtype=self.dtype_policy, name="attn")
        self.ln_2 = keras.layers.LayerNormalization(epsilon=EPSILON, dtype=self.dtype_policy, name="ln_2")
        self.mlp = FeedForward(config, seeds, dtype=self.dtype_policy, name="mlp")

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Makes the four parts for a residual (B, T, C)."""
        for part in (self.ln_1, self.attn, self.ln_2, self.mlp):
            part.build(shape)

    def call(self, x: Any, training: bool = False) -> Any:
        """The residual after this block, (B, T, C)."""
        x = x + self.attn(self.ln_1(x), training=training)
        return x + self.mlp(self.ln_2(x), training=training)


def upper_triangle(n: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where a token must not look: (n, n), true above the diagonal, which is what comes after it.

    >>> upper_triangle(3).astype(int).tolist()
    [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    """
    return np.triu(np.ones((n, n), dtype=np.bool_), k=1)
