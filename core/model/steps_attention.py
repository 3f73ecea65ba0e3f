"""Attention as a course builds it: from averaging similar tokens to many heads in one matrix product.

Each class adds one idea to the one above it, and keeps every tensor of its last ``forward`` as an attribute (detached),
so that it can be looked at: ``attention(x)``, then ``attention.weights``. Class and parameter names are those of
Raschka, "Build a Large Language Model (From Scratch)" (2024), chapters 2 and 3; the code is our own. Leaves out: the
rest of the block (``steps.py``), speed (``gpt.py``).

Shapes: B batch, T tokens, H heads, D channels of a head; d_in and d_out are the widths that come in and go out.
A leading ``...`` may be a batch or nothing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from core.errors import InputError


class TokenAndPositionEmbedding(nn.Module):
    """What a model reads instead of ids: a vector for the token, plus one for the place where it stands.

    After ``forward``: ``token_embeddings`` (..., T, C), ``position_embeddings`` (T, C), and their sum
    ``input_embeddings`` (..., T, C).
    """

    token_embeddings: Tensor
    position_embeddings: Tensor
    input_embeddings: Tensor

    def __init__(self, vocab_size: int, context_length: int, emb_dim: int) -> None:
        super().__init__()
        self.tok_emb = nn.Embedding(vocab_size, emb_dim)
        self.pos_emb = nn.Embedding(context_length, emb_dim)

    def forward(self, ids: Tensor) -> Tensor:
        """(..., T, emb_dim) for ids (..., T) int64."""
        check_length(ids.shape[-1], self.pos_emb.num_embeddings)
        tokens = self.tok_emb(ids)  # (..., T, C)
        positions = self.pos_emb(torch.arange(ids.shape[-1], device=ids.device))  # (T, C), the same in every text
        x: Tensor = tokens + positions  # (..., T, C)
        self.token_embeddings, self.position_embeddings = tokens.detach(), positions.detach()
        self.input_embeddings = x.detach()
        return x


class SimplifiedSelfAttention(nn.Module):
    """Self-attention with nothing to learn: each token becomes an average of all, the similar ones counting more.

    After ``forward``: ``scores`` and ``weights`` (..., T, T), ``context`` (..., T, C).
    """

    scores: Tensor
    weights: Tensor
    context: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Context vectors (..., T, C) for x (..., T, C)."""
        scores = x @ x.transpose(-2, -1)  # (..., T, T): the dot product of every token with every token
        weights = scores.softmax(-1)  # each row adds up to 1
        context = weights @ x  # (..., T, C)
        self.scores, self.weights, self.context = scores.detach(), weights.detach(), context.detach()
        return context


class SelfAttention_v1(nn.Module):  # noqa: N801, the course's name
    """Self-attention with trainable weights: a token asks with its query, is found by its key, hands on its value.

    After ``forward``: ``queries``, ``keys``, ``values`` (..., T, d_out), ``scores`` and ``weights`` (..., T, T),
    ``context`` (..., T, d_out).
    """

    queries: Tensor
    keys: Tensor
    values: Tensor
    scores: Tensor
    weights: Tensor
    context: Tensor

    def __init__(self, d_in: int, d_out: int) -> None:
        super().__init__()
        self.W_query = nn.Parameter(torch.rand(d_in, d_out))
        self.W_key = nn.Parameter(torch.rand(d_in, d_out))
        self.W_value = nn.Parameter(torch.rand(d_in, d_out))

    def forward(self, x: Tensor) -> Tensor:
        """Context vectors (..., T, d_out) for x (..., T, d_in)."""
        queries, keys, values = x @ self.W_query, x @ self.W_key, x @ self.W_value  # each (..., T, d_out)
        scores = queries @ keys.transpose(-2, -1)  # (..., T, T)
        # A dot product of d numbers spreads with sqrt(d); undone, softmax does not harden as the width grows.
        weights = (scores / math.sqrt(keys.shape[-1])).softmax(-1)
        context = weights @ values  # (..., T, d_out)
        self.queries, self.keys, self.values = queries.detach(), keys.detach(), values.detach()
        self.scores, self.weights, self.context = scores.detach(), weights.detach(), context.detach()
        return context


class SelfAttention_v2(nn.Module):  # noqa: N801, the course's name
    """The same with ``nn.Linear``, which may have a bias and starts from better random weights.

    After ``forward``: as ``SelfAttention_v1``.
    """

    queries: Tensor
    keys: Tensor
    values: Tensor
    scores: Tensor
    weights: Tensor
    context: Tensor

    def __init__(self, d_in: int, d_out: int, qkv_bias: bool = False) -> None:
        super().__init__()
        self.W_query = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_key = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_value = nn.Linear(d_in, d_out, bias=qkv_bias)

    def forward(self, x: Tensor) -> Tensor:
        """Context vectors (..., T, d_out) for x (..., T, d_in)."""
        queries, keys, values = self.W_query(x), self.W_key(x), self.W_value(x)  # each (..., T, d_out)
        scores = queries @ keys.transpose(-2, -1)  # (..., T, T)
        weights = (scores / math.sqrt(keys.shape[-1])).softmax(-1)
        context: Tensor = weights @ values  # (..., T, d_out)
        self.queries, self.keys, self.values = queries.detach(), keys.detach(), values.detach()
        self.scores, self.weights, self.context = scores.detach(), weights.detach(), context.detach()
        return context


SelfAttention = SelfAttention_v2
"""Self-attention with trainable weights, in the form that the rest builds on."""


class CausalAttention(nn.Module):
    """One head that cannot see the future; in training it forgets some of what it sees (dropout).

    After ``forward``: as ``SelfAttention_v1``, and ``masked_scores`` (..., T, T), minus infinity above the diagonal;
    ``weights`` are those after dropout.
    """

    mask: Tensor
    queries: Tensor
    keys: Tensor
    values: Tensor
    scores: Tensor
    masked_scores: Tensor
    weights: Tensor
    context: Tensor

    def __init__(self, d_in: int, d_out: int, context_length: int, dropout: float, qkv_bias: bool = False) -> None:
        super().__init__()
        self.W_query = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_key = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_value = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("mask", future(context_length), persistent=False)  # follows the module to its device

    def forward(self, x: Tensor) -> Tensor:
        """Context vectors (..., T, d_out) for x (..., T, d_in), T at most ``context_length``."""
        T = x.shape[-2]
        check_length(T, self.mask.shape[0])
        queries, keys, values = self.W_query(x), self.W_key(x), self.W_value(x)  # each (..., T, d_out)
        scores = queries @ keys.transpose(-2, -1)  # (..., T, T)
        masked = scores.masked_fill(self.mask[:T, :T], -torch.inf)  # exp(-inf) is 0: the future gets no weight
        weights = self.dropout((masked / math.sqrt(keys.shape[-1])).softmax(-1))
        context: Tensor = weights @ values  # (..., T, d_out)
        self.queries, self.keys, self.values = queries.detach(), keys.detach(), values.detach()
        self.scores, self.masked_scores = scores.detach(), masked.detach()
        self.weights, self.context = weights.detach(), context.detach()
        return context


class MultiHeadAttentionWrapper(nn.Module):
    """Several heads by stacking: each is a ``CausalAttention`` of its own, their contexts stand side by side.

    After ``forward``: ``context`` (..., T, num_heads * d_out); the rest is in ``heads[i]``.
    """

    context: Tensor

    def __init__(
        self, d_in: int, d_out: int, context_length: int, dropout: float, num_heads: int, qkv_bias: bool = False
    ) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            CausalAttention(d_in, d_out, context_length, dropout, qkv_bias) for _ in range(num_heads)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Context vectors (..., T, num_heads * d_out) for x (..., T, d_in)."""
        context = torch.cat([head(x) for head in self.heads], dim=-1)  # (..., T, num_heads * d_out)
        self.context = context.detach()
        return context


class MultiHeadAttention(nn.Module):
    """All heads by one projection that is cut into heads, and a projection that joins them again: GPT-2's attention.

    After ``forward``: ``queries``, ``keys``, ``values`` (B, H, T, D), ``scores``, ``masked_scores`` and ``weights``
    (B, H, T, T), ``context`` (B, T, d_out): the heads side by side, before the joining projection.

    Raises:
        InputError: d_out cannot be shared evenly by num_heads.
    """

    mask: Tensor
    queries: Tensor
    keys: Tensor
    values: Tensor
    scores: Tensor
    masked_scores: Tensor
    weights: Tensor
    context: Tensor

    def __init__(
        self, d_in: int, d_out: int, context_length: int, dropout: float, num_heads: int, qkv_bias: bool = False
    ) -> None:
        super().__init__()
        if num_heads < 1 or d_out % num_heads:
            raise InputError(
                f"expected d_out to be a multiple of num_heads, got {d_out} and {num_heads}",
                "each head takes an equal share of the width: for example d_out 128 with 4 heads",
            )
        self.num_heads = num_heads
        self.W_query = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_key = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_value = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.out_proj = nn.Linear(d_out, d_out)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("mask", future(context_length), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """What attention hands on, (B, T, d_out), for x (B, T, d_in)."""
        B, T, _ = x.shape
        check_length(T, self.mask.shape[0])
        queries, keys, values = (self._cut(part(x)) for part in (self.W_query, self.W_key, self.W_value))
        scores = queries @ keys.transpose(-2, -1)  # (B, H, T, T)
        masked = scores.masked_fill(self.mask[:T, :T], -torch.inf)
        weights = self.dropout((masked / math.sqrt(keys.shape[-1])).softmax(-1))
        heads = weights @ values  # (B, H, T, D)
        context = heads.transpose(1, 2).reshape(B, T, -1)  # (B, T, H * D = d_out)
        self.queries, self.keys, self.values = queries.detach(), keys.detach(), values.detach()
        self.scores, self.masked_scores = scores.detach(), masked.detach()
        self.weights, self.context = weights.detach(), context.detach()
        out: Tensor = self.out_proj(context)
        return out

    def _cut(self, x: Tensor) -> Tensor:
        """(B, T, d_out) to (B, H, T, D)."""
        return x.view(*x.shape[:2], self.num_heads, -1).transpose(1, 2)


def future(context_length: int) -> Tensor:
    """Which token (row) must not see which (column), (T, T) bool: those after it."""
    return torch.ones(context_length, context_length, dtype=torch.bool).triu(1)


def check_length(tokens: int, context_length: int) -> None:
    """Raises an InputError for more tokens than there are places."""
    if tokens > context_length:
        raise InputError(
            f"{tokens} tokens do not fit: the context_length is {context_length}", "give it fewer tokens at once"
        )
