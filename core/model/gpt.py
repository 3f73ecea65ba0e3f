"""GPT-2, whole: token and position embeddings, pre-norm blocks, a head that may share the embedding.

Read it top-down: attention, feed-forward, block, model. Module names are those of OpenAI's checkpoint (``wte``,
``h.0.attn.c_attn``, ...), so that loading weights is a table and a loop. What it leaves out: decoding
(``core.generation``) and looking inside, which use the two seams ``cache`` and ``attend``, and loading weights.

Shapes: B batch, T time, S keys so far, C channels (emb_dim), H heads, D channels of a head, L layers, V vocabulary.
Source: Radford et al., "Language Models are Unsupervised Multitask Learners" (2019); github.com/openai/gpt-2, model.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import GPTConfig
from core.errors import InputError
from core.model.loss import chunked_cross_entropy
from core.model.waves import position_waves

Attend = Callable[[Tensor, Tensor, Tensor, int, float], Tensor]
"""The attention of one layer: (q (B, H, T, D), k (B, H, S, D), v (B, H, S, D), layer, dropout) -> (B, H, T, D)."""


class Cache(Protocol):
    """Keys and values of the tokens before: what decoding keeps so that it need not compute them again."""

    length: int
    """Tokens that the cache holds already; the new ones stand behind them."""

    def update(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Stores a layer's new keys and values (B, H, T, D) and returns all so far, (B, H, S, D)."""
        ...


def fused_attention(q: Tensor, k: Tensor, v: Tensor, layer: int, dropout: float) -> Tensor:
    """Causal attention by PyTorch's own kernel; query t of T sees the first S - T + t + 1 keys."""
    T, S = q.shape[-2], k.shape[-2]
    mask = None if T in (1, S) else torch.ones(T, S, dtype=torch.bool, device=q.device).tril(S - T)
    return F.scaled_dot_product_attention(q, k, v, mask, dropout, is_causal=T == S and T > 1)


class CausalSelfAttention(nn.Module):
    """Multi-head attention in which each token sees itself and those before it."""

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        self.layer, self.n_heads, self.drop_rate = layer, config.n_heads, config.drop_rate
        self.c_attn = nn.Linear(config.emb_dim, 3 * config.emb_dim, bias=config.qkv_bias)  # query, key, value
        self.c_proj = nn.Linear(config.emb_dim, config.emb_dim)
        self.dropout = nn.Dropout(config.drop_rate)

    def forward(self, x: Tensor, cache: Cache | None, attend: Attend) -> Tensor:
        """What attention adds to the residual x, both (B, T, C)."""
        B, T, C = x.shape
        heads = self.c_attn(x).view(B, T, 3, self.n_heads, C // self.n_heads)
        q, k, v = heads.permute(2, 0, 3, 1, 4)  # each (B, H, T, D)
        if cache is not None:
            k, v = cache.update(self.layer, k, v)  # (B, H, S, D)
        y = attend(q, k, v, self.layer, self.drop_rate if self.training else 0.0)  # (B, H, T, D)
        out: Tensor = self.dropout(self.c_proj(y.transpose(1, 2).reshape(B, T, C)))
        return out


class MLP(nn.Module):
    """Feed-forward: four times as wide inside, GELU (the tanh form) between."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.c_fc = nn.Linear(config.emb_dim, 4 * config.emb_dim)
        self.c_proj = nn.Linear(4 * config.emb_dim, config.emb_dim)
        self.dropout = nn.Dropout(config.drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """What the feed-forward part adds to the residual x, both (B, T, C)."""
        out: Tensor = self.dropout(self.c_proj(F.gelu(self.c_fc(x), approximate="tanh")))
        return out


class Block(nn.Module):
    """Attention, then feed-forward, each on a normalised copy and added back."""

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.emb_dim, eps=1e-5)
        self.attn = CausalSelfAttention(config, layer)
        self.ln_2 = nn.LayerNorm(config.emb_dim, eps=1e-5)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, cache: Cache | None, attend: Attend) -> Tensor:
        """The residual after this block, (B, T, C)."""
        x = x + self.attn(self.ln_1(x), cache, attend)
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class GPT(nn.Module):
    """The model: ``GPT(config)(ids)`` gives logits.

    Args:
        config: the shape; ``vocab_size`` must be known.
        generator: where the initial weights come from; None takes torch's global one.
    """

    def __init__(self, config: GPTConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        config.parameters()  # says what to do if the vocabulary is not known yet
        assert config.vocab_size is not None
        self.config = config
        self.wte = nn.Embedding(config.vocab_size, config.emb_dim)
        self.wpe = nn.Embedding(config.context_length, config.emb_dim)
        self.drop = nn.Dropout(config.drop_rate)
        self.h = nn.ModuleList(Block(config, layer) for layer in range(config.n_layers))
        self.ln_f = nn.LayerNorm(config.emb_dim, eps=1e-5)
        self.lm_head = None if config.tie_weights else nn.Linear(config.emb_dim, config.vocab_size, bias=False)
        self.init_weights(generator)

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """GPT-2's start: normal weights, zero biases, residual projections smaller by sqrt(2 L); maybe waves."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            elif parameter.dim() == 1:  # the scale of a norm
                parameter.fill_(1.0)
            else:
                shrink = math.sqrt(2 * self.config.n_layers) if name.endswith("c_proj.weight") else 1.0
                parameter.normal_(0.0, self.config.init_std / shrink, generator=generator)
        if self.config.position_waves:
            waves = position_waves(self.config.context_length, self.config.emb_dim, self.config.position_waves)
            self.wpe.weight.copy_(torch.from_numpy(waves))

    @property
    def head(self) -> Tensor:
        """The output head's weight (V, C): the token embedding itself where they are tied."""
        return self.wte.weight if self.lm_head is None else self.lm_head.weight

    def hidden(self, ids: Tensor, cache: Cache | None = None, attend: Attend = fused_attention) -> Tensor:
        """The normalised last residual, (B, T, C), for ids (B, T) int64."""
        T, start = ids.shape[-1], 0 if cache is None else cache.length
        if start + T > self.config.context_length:
            raise InputError(
                f"{start + T} tokens do not fit: the model's context_length is {self.config.context_length}",
                "give it fewer tokens, or a model with a longer context",
            )
        positions = torch.arange(start, start + T, device=ids.device)
        x = self.drop(self.wte(ids) + self.wpe(positions))  # (B, T, C)
        for block in self.h:
            x = block(x, cache, attend)
        out: Tensor = self.ln_f(x)
        return out

    def forward(self, ids: Tensor, cache: Cache | None = None, attend: Attend = fused_attention) -> Tensor:
        """Logits (B, T, V) for ids (B, T) int64.

        Args:
            ids: token ids, at most ``context_length`` of them.
            cache: keys and values of the tokens before these, for decoding.
            attend: what computes attention; tracing hands in an explicit one, the weights stay the same.

        Raises:
            InputError: more tokens than the context holds.
        """
        return F.linear(self.hidden(ids, cache, attend), self.head)

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy in nats of targets (B, T) given ids (B, T); never holds all logits in float32."""
        return chunked_cross_entropy(self.hidden(ids).flatten(0, 1), self.head, targets.flatten())
