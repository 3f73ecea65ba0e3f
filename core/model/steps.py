"""The model as a course builds it, one small class for each part, every intermediate tensor kept to be looked at.

Attention comes first (``steps_attention.py``, its names are here too); then what stands around it: layer norm, GELU,
feed-forward, shortcuts, the block, the model, and the loss from logits to perplexity. ``GPTModel.of(model)`` takes the
weights of a model of ``gpt.py`` and answers as that one does. Names are those of Raschka, "Build a Large Language
Model (From Scratch)" (2024), chapters 4 and 5; the code is our own. Leaves out: speed, for which there is ``gpt.py``.

Shapes: B batch, T tokens, C channels (emb_dim), V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from core.config import GPTConfig
from core.errors import InputError
from core.model.gpt import GPT, Block, CausalSelfAttention
from core.model.steps_attention import (
    CausalAttention,
    MultiHeadAttention,
    MultiHeadAttentionWrapper,
    SelfAttention,
    SelfAttention_v1,
    SelfAttention_v2,
    SimplifiedSelfAttention,
    TokenAndPositionEmbedding,
)

__all__ = [
    "GELU",
    "CausalAttention",
    "ExampleDeepNeuralNetwork",
    "FeedForward",
    "GPTModel",
    "LayerNorm",
    "LossSteps",
    "MultiHeadAttention",
    "MultiHeadAttentionWrapper",
    "SelfAttention",
    "SelfAttention_v1",
    "SelfAttention_v2",
    "SimplifiedSelfAttention",
    "TokenAndPositionEmbedding",
    "TransformerBlock",
    "attention_of",
    "loss_steps",
]


class LayerNorm(nn.Module):
    """Puts the numbers of each token at mean 0 and variance 1, then lets the model scale and shift them.

    After ``forward``: ``mean`` and ``variance`` (..., 1), ``normalised`` (..., C), before scale and shift.
    """

    mean: Tensor
    variance: Tensor
    normalised: Tensor

    def __init__(self, emb_dim: int) -> None:
        super().__init__()
        self.eps = 1e-5  # so that a token whose numbers are all alike is not divided by zero
        self.scale = nn.Parameter(torch.ones(emb_dim))
        self.shift = nn.Parameter(torch.zeros(emb_dim))

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) for x (..., C)."""
        mean = x.mean(-1, keepdim=True)  # (..., 1)
        variance = (x - mean).square().mean(-1, keepdim=True)  # (..., 1): over C, not C - 1, as GPT-2 does
        normalised = (x - mean) / (variance + self.eps).sqrt()  # (..., C)
        self.mean, self.variance, self.normalised = mean.detach(), variance.detach(), normalised.detach()
        return normalised * self.scale + self.shift


class GELU(nn.Module):
    """A soft ReLU: x times about the share of a normal distribution below x.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), section 2: the tanh form, which GPT-2 uses.
    """

    def forward(self, x: Tensor) -> Tensor:
        """As many numbers as came in."""
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        return 0.5 * x * (1 + torch.tanh(inner))


class FeedForward(nn.Module):
    """Each token by itself: four times as wide, GELU, back again.

    After ``forward``: ``expanded`` and ``activated`` (..., 4C), ``contracted`` (..., C).
    """

    expanded: Tensor
    activated: Tensor
    contracted: Tensor

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.expand = nn.Linear(config.emb_dim, 4 * config.emb_dim)
        self.gelu = GELU()
        self.contract = nn.Linear(4 * config.emb_dim, config.emb_dim)

    def forward(self, x: Tensor) -> Tensor:
        """(..., C) for x (..., C)."""
        expanded = self.expand(x)  # (..., 4C)
        activated = self.gelu(expanded)
        contracted: Tensor = self.contract(activated)  # (..., C)
        self.expanded, self.activated = expanded.detach(), activated.detach()
        self.contracted = contracted.detach()
        return contracted


class ExampleDeepNeuralNetwork(nn.Module):
    """Layers one after the other, with or without shortcuts: what they do to gradients.

    ``network.gradients(x, target)`` is the mean size of each layer's gradient. Without shortcuts it shrinks towards the
    first layers. After ``forward``: ``outputs``, what each layer handed on.
    """

    outputs: tuple[Tensor, ...]

    def __init__(self, layer_sizes: Sequence[int], use_shortcut: bool) -> None:
        super().__init__()
        if len(layer_sizes) < 2:
            raise InputError(f"expected at least two layer sizes, got {list(layer_sizes)}", "for example [3, 3, 3, 1]")
        self.use_shortcut = use_shortcut
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(wide_in, wide_out), GELU()) for wide_in, wide_out in pairwise(layer_sizes)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(..., last size) for x (..., first size)."""
        kept = []
        for layer in self.layers:
            y = layer(x)
            x = x + y if self.use_shortcut and x.shape == y.shape else y  # only like can be added to like
            kept.append(x.detach())
        self.outputs = tuple(kept)
        return x

    def gradients(self, x: Tensor, target: Tensor) -> list[float]:
        """The mean absolute gradient of each layer's weight, for the squared error against a target."""
        self.zero_grad()
        (self(x) - target).square().mean().backward()
        return [
            float(w.grad.abs().mean())
            for n, w in self.named_parameters()
            if n.endswith("weight") and w.grad is not None
        ]


class TransformerBlock(nn.Module):
    """Attention, then feed-forward; each reads a normalised copy and is added back by a shortcut.

    After ``forward``: ``after_attention`` and ``after_feed_forward`` (B, T, C), the residual after each of the two.
    """

    after_attention: Tensor
    after_feed_forward: Tensor

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        C, T = config.emb_dim, config.context_length
        self.att = MultiHeadAttention(C, C, T, config.drop_rate, config.n_heads, config.qkv_bias)
        self.ff = FeedForward(config)
        self.norm1 = LayerNorm(C)
        self.norm2 = LayerNorm(C)
        self.drop_shortcut = nn.Dropout(config.drop_rate)

    @classmethod
    def of(cls, block: Block, config: GPTConfig) -> TransformerBlock:
        """The same block with the weights (copied) of one of ``gpt.py``."""
        made = cls(config).to(block.ln_1.weight)
        made.att = attention_of(block.attn, config)
        made.ff.expand.load_state_dict(block.mlp.c_fc.state_dict())
        made.ff.contract.load_state_dict(block.mlp.c_proj.state_dict())
        for ours, theirs in ((made.norm1, block.ln_1), (made.norm2, block.ln_2)):
            _copy_norm(ours, theirs)
        return made.train(block.training)

    def forward(self, x: Tensor) -> Tensor:
        """The residual after this block, (B, T, C), for x (B, T, C)."""
        x = x + self.drop_shortcut(self.att(self.norm1(x)))
        self.after_attention = x.detach()
        x = x + self.drop_shortcut(self.ff(self.norm2(x)))
        self.after_feed_forward = x.detach()
        return x


class GPTModel(nn.Module):
    """The whole model: embeddings, blocks, a last norm, and a head that turns each vector into scores for all words.

    After ``forward``: ``final`` (B, T, C), what the head reads; the rest is in ``embedding`` and ``trf_blocks[i]``.
    """

    final: Tensor

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        config.parameters()  # says what to do if the vocabulary is not known yet
        assert config.vocab_size is not None
        self.embedding = TokenAndPositionEmbedding(config.vocab_size, config.context_length, config.emb_dim)
        self.drop_emb = nn.Dropout(config.drop_rate)
        self.trf_blocks = nn.Sequential(*(TransformerBlock(config) for _ in range(config.n_layers)))
        self.final_norm = LayerNorm(config.emb_dim)
        self.out_head = nn.Linear(config.emb_dim, config.vocab_size, bias=False)

    @classmethod
    @torch.no_grad()
    def of(cls, model: GPT) -> GPTModel:
        """The same model with the weights (copied) of one of ``gpt.py``; a tied head becomes a head of its own."""
        made = cls(model.config).to(model.wte.weight)
        made.embedding.tok_emb.weight.copy_(model.wte.weight)
        made.embedding.pos_emb.weight.copy_(model.wpe.weight)
        blocks = [TransformerBlock.of(block, model.config) for block in model.h if isinstance(block, Block)]
        made.trf_blocks = nn.Sequential(*blocks)
        _copy_norm(made.final_norm, model.ln_f)
        made.out_head.weight.copy_(model.head)
        return made.train(model.training)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (B, T, V) for ids (B, T) int64."""
        x = self.drop_emb(self.embedding(ids))  # (B, T, C)
        x = self.final_norm(self.trf_blocks(x))
        self.final = x.detach()
        logits: Tensor = self.out_head(x)  # (B, T, V)
        return logits


@dataclass(frozen=True)
class LossSteps:
    """From logits to perplexity, each step kept. N is the number of targets (B times T)."""

    probabilities: Tensor
    """Softmax of the logits, (N, V)."""
    target_probabilities: Tensor
    """What each target got of it, (N,)."""
    log_probabilities: Tensor
    """Their natural logarithms, (N,); 0 would be certainty."""
    cross_entropy: Tensor
    """Minus their mean, in nats, ()."""
    perplexity: Tensor
    """exp of that, (): among how many equally likely words the model might as well have guessed."""


def loss_steps(logits: Tensor, targets: Tensor) -> LossSteps:
    """The loss of logits (..., T, V) against targets (..., T) int64, step by step; differentiable.

    Raises:
        InputError: the two are not of as many tokens, or there are none.
    """
    if logits.shape[:-1] != targets.shape or not targets.numel():
        raise InputError(
            f"expected a target for each row of logits, got {tuple(logits.shape)} and {tuple(targets.shape)}",
            "logits are (..., T, V), targets (..., T), with at least one token",
        )
    rows, chosen = logits.flatten(0, -2), targets.flatten()  # (N, V), (N,)
    probabilities = rows.softmax(-1)
    of_target = probabilities[torch.arange(len(chosen), device=chosen.device), chosen]  # (N,)
    logs = rows.log_softmax(-1).gather(1, chosen[:, None])[:, 0]  # log of the line above, without log(0)
    loss = -logs.mean()
    return LossSteps(probabilities, of_target, logs, loss, loss.exp())


@torch.no_grad()
def attention_of(attn: CausalSelfAttention, config: GPTConfig) -> MultiHeadAttention:
    """The attention of a block of ``gpt.py``, as the course has it: its one matrix cut into query, key and value."""
    C = config.emb_dim
    made = MultiHeadAttention(C, C, config.context_length, config.drop_rate, config.n_heads, config.qkv_bias)
    made = made.to(attn.c_attn.weight)
    parts = (made.W_query, made.W_key, made.W_value)
    for part, weight in zip(parts, attn.c_attn.weight.chunk(3), strict=True):  # (3C, C) to three (C, C)
        part.weight.copy_(weight)
    if config.qkv_bias:
        for part, bias in zip(parts, attn.c_attn.bias.chunk(3), strict=True):
            part.bias.copy_(bias)
    made.out_proj.load_state_dict(attn.c_proj.state_dict())
    return made.train(attn.training)


@torch.no_grad()
def _copy_norm(ours: LayerNorm, theirs: nn.LayerNorm) -> None:
    ours.scale.copy_(theirs.weight)
    ours.shift.copy_(theirs.bias)
