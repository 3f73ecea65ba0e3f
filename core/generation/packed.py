"""The same GPT for decoding on a CPU: weights packed for products of few rows, the arithmetic written out.

``core.model.gpt`` is the model to read; this one computes the same and is two to six times as fast a token. What it
leaves out: training, dropout, looking inside, other devices.

Shapes: B batch, T new tokens, M = B T rows, S tokens so far, C channels, H heads, D channels of a head, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError
from core.generation.products import Format, Product, pack
from core.model.gpt import GPT, Block, Cache, fused_attention


@dataclass(frozen=True, slots=True)
class _Norm:
    weight: Tensor
    bias: Tensor
    eps: float

    @classmethod
    def of(cls, norm: nn.LayerNorm) -> _Norm:
        return cls(norm.weight.float(), norm.bias.float(), norm.eps)

    def __call__(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


@dataclass(frozen=True, slots=True)
class _Block:
    ln_1: _Norm
    qkv: Product
    attn_out: Product
    ln_2: _Norm
    fc: Product
    mlp_out: Product

    @classmethod
    def of(cls, block: Block, fmt: Format) -> _Block:
        def packed(linear: nn.Linear) -> Product:
            return pack(linear.weight, linear.bias, fmt)

        attn, mlp = block.attn, block.mlp
        return cls(
            _Norm.of(block.ln_1), packed(attn.c_attn), packed(attn.c_proj),
            _Norm.of(block.ln_2), packed(mlp.c_fc), packed(mlp.c_proj),
        )  # fmt: skip

    @property
    def products(self) -> tuple[Product, ...]:
        return self.qkv, self.attn_out, self.fc, self.mlp_out


class PackedGPT:
    """A GPT on the CPU with its weights in one of the formats of ``products.py``.

    Only the products have the format's own dtype. The residual, the norms and the cache stay float32: a CPU's attention
    over a cache of 16 bits takes two to nine times as long (measured at 128 and 1,000 tokens).
    """

    def __init__(self, model: GPT, fmt: Format, after_block: Callable[[], None] | None = None) -> None:
        """Packs a model.

        Args:
            model: on the CPU; it is only read, its token embedding stays in use.
            fmt: what the weights are kept in.
            after_block: called after each block was packed (to let go of what was read for it).
        """
        self.config = model.config
        self.format: Format = fmt
        self._wte, self._wpe = model.wte.weight, model.wpe.weight.float()
        # The head first: it is the largest, and the least else is there while it is read.
        self._head = pack(model.head, None, fmt)
        self._wants = self._head.wants
        if after_block is not None:
            after_block()
        self._blocks = []
        for block in model.h:
            assert isinstance(block, Block)
            self._blocks.append(_Block.of(block, fmt))
            if after_block is not None:
                after_block()
        self._ln_f = _Norm.of(model.ln_f)

    @property
    def precision(self) -> str:
        """The format of the weights."""
        return self.format

    @property
    def dtype(self) -> torch.dtype:
        """What keys and values are kept in."""
        return torch.float32

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return torch.device("cpu")

    @property
    def nbytes(self) -> int:
        """What the packed weights take; all but the position embedding and the norms is read for each token."""
        return sum(p.nbytes for block in self._blocks for p in block.products) + self._head.nbytes + self._wpe.nbytes

    @torch.inference_mode()
    def logits(self, ids: Tensor, cache: Cache) -> Tensor:
        """Reads ids (B, T) int64 behind what the cache holds; the logits (B, V) float32 of the last position.

        The caller moves ``cache.length`` on by T.

        Raises:
            InputError: more tokens than the context holds.
        """
        (B, T), start = ids.shape, cache.length
        if start + T > self.config.context_length:
            raise InputError(
                f"{start + T} tokens do not fit: the model's context_length is {self.config.context_length}",
                "give it fewer tokens, or a model with a longer context",
            )
        x = (self._wte[ids].float() + self._wpe[start : start + T]).flatten(0, 1)  # (M, C)
        for layer, block in enumerate(self._blocks):
            y = self._attention(block, layer, x, B, T, cache)
            x = x + block.attn_out(y)
            hidden = F.gelu(block.fc(block.ln_2(x).to(self._wants)), approximate="tanh")  # (M, 4C)
            x = x + block.mlp_out(hidden)
        last = x.view(B, T, -1)[:, -1]  # (B, C)
        return self._head(self._ln_f(last).to(self._wants)).float()

    def _attention(self, block: _Block, layer: int, x: Tensor, B: int, T: int, cache: Cache) -> Tensor:
        """What the heads of a layer read, (M, C), before the projection."""
        qkv = block.qkv(block.ln_1(x).to(self._wants)).float()
        qkv = qkv.view(B, T, 3, self.config.n_heads, self.config.head_dim)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, H, T, D)
        k, v = cache.update(layer, k, v)  # (B, H, S, D)
        y = fused_attention(q, k, v, layer, 0.0)  # (B, H, T, D)
        return y.transpose(1, 2).reshape(B * T, -1).to(self._wants)
