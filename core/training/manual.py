"""GPT's forward and backward pass written out by hand, for training on a CPU.

Autograd on a small model spends much of its time between operations, and PyTorch's bfloat16 attention backward is
slow on CPUs. Here each layer is a dozen kernels forward and two dozen back, in one dtype. The function is exactly that
of ``core.model.gpt`` (in float32 the gradients agree with autograd's, by test): read it there, it is only computed
here.

Shapes: B batch, T time, N = B T rows, C channels, H heads, D channels of a head, V vocabulary.
Sources: the derivatives of layer norm, softmax and GELU are PyTorch's own kernels; the rest is the chain rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.config import GPTConfig
from core.model.loss import chunk_rows, cross_entropy_and_gradient

_ops = torch.ops.aten
BLOCK_BYTES = 128 * 2**20
"""About how much memory a block of logits takes in the dtype that is computed in."""
Norm = tuple[Tensor, Tensor, Tensor]
"""What a layer norm leaves: the normalised rows, each row's mean, and one over its standard deviation."""


@dataclass(slots=True)
class _Layer:
    """What one layer's forward pass leaves for its backward pass; dropout masks are None where nothing is dropped."""

    x: Tensor  # (N, C), the residual that came in
    norm_1: Norm
    heads: Tensor  # (3, B H, T, D), queries, keys, values
    attention: Tensor  # (B H, T, T), after the softmax
    attention_mask: Tensor | None
    joined: Tensor  # (N, C), the heads side by side
    mask_1: Tensor | None
    mid: Tensor  # (N, C), the residual between attention and feed-forward
    norm_2: Norm
    wide: Tensor  # (N, 4C), before GELU
    active: Tensor  # (N, 4C), after it
    mask_2: Tensor | None


class ManualGPT:
    """Loss and gradients of one share of a batch, without autograd.

    Args:
        config: the model's shape.
        weights: each parameter by name, in the dtype to compute in.
        gradients: where each parameter's gradient is written (not added), same names and dtype; that of the token
            embedding's rows and of the positions is returned instead, since it is sparse.
        generator: where dropout comes from.
    """

    def __init__(
        self,
        config: GPTConfig,
        weights: dict[str, Tensor],
        gradients: dict[str, Tensor],
        generator: torch.Generator,
    ) -> None:
        self.config, self.w, self.g, self.generator = config, weights, gradients, generator
        self.dtype = weights["wte.weight"].dtype
        self.head = "wte.weight" if config.tie_weights else "lm_head.weight"
        self._causal: dict[int, Tensor] = {}
        self._logits: Tensor | None = None
        self._wide = torch.empty(0)

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """The summed cross-entropy in nats (float32 scalar) of targets (B, T) given ids (B, T), without dropout."""
        _, x = self._forward(ids, drop_rate=0.0, keep=False)
        hidden, rows = self._norm(x, "ln_f")[0], targets.flatten()
        total = torch.zeros((), dtype=torch.float32)
        step = chunk_rows(self.w[self.head].shape[0])
        for at in range(0, rows.numel(), step):
            logits = (hidden[at : at + step] @ self.w[self.head].t()).float()
            total += torch.nn.functional.cross_entropy(logits, rows[at : at + step], reduction="sum")
        return total

    def loss_and_gradient(self, ids: Tensor, targets: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        """The summed cross-entropy, and ``scale`` times its gradient.

        Args:
            ids: (B, T) int64.
            targets: (B, T) int64.
            scale: one over the number of targets in the whole batch.

        Returns:
            The loss, a float32 scalar, and the gradient (N, C) of the embedded tokens. All others are in ``gradients``.
        """
        layers, x = self._forward(ids, self.config.drop_rate, keep=True)
        norm = self._norm(x, "ln_f")
        loss, d_hidden = self._head(norm[0], targets.flatten(), scale)
        dx = self._norm_back(d_hidden, x, norm, "ln_f")
        for i in reversed(range(self.config.n_layers)):
            dx = self._feed_forward_back(f"h.{i}.", layers[i], dx)
            dx = self._attention_back(f"h.{i}.", layers[i], dx, ids.shape)
        return loss, self._undrop(dx, self._embedding_mask)

    # Forward

    def _forward(self, ids: Tensor, drop_rate: float, keep: bool) -> tuple[list[_Layer], Tensor]:
        T, C = ids.shape[1], self.config.emb_dim
        x = (self.w["wte.weight"][ids] + self.w["wpe.weight"][:T]).view(-1, C)  # (N, C)
        self._embedding_mask = self._drop(x, drop_rate)
        layers = []
        for i in range(self.config.n_layers):
            layer, x = self._layer(f"h.{i}.", x, ids.shape, drop_rate)
            if keep:
                layers.append(layer)
        return layers, x

    def _layer(self, at: str, x: Tensor, shape: torch.Size, drop_rate: float) -> tuple[_Layer, Tensor]:
        B, T = shape
        C, H = self.config.emb_dim, self.config.n_heads
        norm_1 = self._norm(x, at + "ln_1")
        qkv = self._linear(norm_1[0], at + "attn.c_attn")  # (N, 3C)
        heads = qkv.view(B, T, 3, H, C // H).permute(2, 0, 3, 1, 4).reshape(3, B * H, T, C // H)
        scores = torch.baddbmm(self._mask(T), heads[0], heads[1].transpose(1, 2), alpha=1 / math.sqrt(C // H))
        attention = torch.softmax(scores, -1)  # (B H, T, T)
        dropped = attention
        attention_mask = None
        if drop_rate:
            dropped = attention.clone()
            attention_mask = self._drop(dropped, drop_rate)
        joined = torch.bmm(dropped, heads[2]).view(B, H, T, C // H).transpose(1, 2).reshape(-1, C)  # (N, C)
        mid = self._linear(joined, at + "attn.c_proj")
        mask_1 = self._drop(mid, drop_rate)
        mid.add_(x)
        norm_2 = self._norm(mid, at + "ln_2")
        wide = self._linear(norm_2[0], at + "mlp.c_fc")  # (N, 4C)
        active = torch.nn.functional.gelu(wide, approximate="tanh")
        out = self._linear(active, at + "mlp.c_proj")
        mask_2 = self._drop(out, drop_rate)
        layer = _Layer(x, norm_1, heads, attention, attention_mask, joined, mask_1, mid, norm_2, wide, active, mask_2)
        return layer, out.add_(mid)

    def _norm(self, x: Tensor, name: str) -> Norm:
        weight, bias = self.w[name + ".weight"], self.w[name + ".bias"]
        out: Norm = _ops.native_layer_norm(x, [x.shape[1]], weight, bias, 1e-5)
        return out

    def _linear(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self.w[name + ".weight"], self.w.get(name + ".bias")
        return x @ weight.t() if bias is None else torch.addmm(bias, x, weight.t())

    def _drop(self, x: Tensor, rate: float) -> Tensor | None:
        """Drops in place and returns the mask, already divided by the share that stays."""
        if rate == 0:
            return None
        mask = torch.empty_like(x).bernoulli_(1 - rate, generator=self.generator).div_(1 - rate)
        x.mul_(mask)
        return mask

    def _mask(self, T: int) -> Tensor:
        if T not in self._causal:
            self._causal[T] = torch.full((T, T), -math.inf, dtype=self.dtype).triu_(1)
        return self._causal[T]

    # Backward

    def _head(self, hidden: Tensor, targets: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        """The loss and the gradient of the normalised residual (N, C).

        Logits are made a block of rows at a time in the dtype; a chunk of it at a time becomes gradients in float32.
        """
        head, total = self.w[self.head], torch.zeros((), dtype=torch.float32)
        d_hidden, block = torch.empty_like(hidden), BLOCK_BYTES // (head.shape[0] * head.element_size())
        many = targets.numel() > block
        d_head = torch.zeros_like(head, dtype=torch.float32) if many else self.g[self.head]
        for at in range(0, targets.numel(), block):
            part = slice(at, at + block)
            logits = torch.mm(hidden[part], head.t(), out=self._room(targets[part].numel(), head.shape[0]))
            total += self._to_gradient(logits, targets[part], scale)
            torch.mm(logits, head, out=d_hidden[part])
            if many:
                d_head += logits.t() @ hidden[part]
            else:
                torch.mm(logits.t(), hidden, out=d_head)
        if many:
            self.g[self.head].copy_(d_head)
        return total, d_hidden

    def _to_gradient(self, logits: Tensor, targets: Tensor, scale: float) -> Tensor:
        """Turns logits (n, V) into their gradient in place and returns the summed loss."""
        total, rows = torch.zeros((), dtype=torch.float32), chunk_rows(logits.shape[1])
        for at in range(0, targets.numel(), rows):
            low = logits[at : at + rows]
            loss, gradient = cross_entropy_and_gradient(
                self._wide[: len(low)].copy_(low), targets[at : at + rows], scale
            )
            total += loss
            low.copy_(gradient)
        return total

    def _room(self, n: int, vocab_size: int) -> Tensor:
        """Room for a block of logits, kept, since fresh pages cost more than the sums."""
        if self._logits is None or self._logits.shape[0] < n:
            self._logits = torch.empty(n, vocab_size, dtype=self.dtype)
            self._wide = torch.empty(min(n, chunk_rows(vocab_size)), vocab_size)
        return self._logits[:n]

    def _feed_forward_back(self, at: str, layer: _Layer, dx: Tensor) -> Tensor:
        d_active = self._linear_back(self._undrop(dx, layer.mask_2), layer.active, at + "mlp.c_proj")
        d_wide = _ops.gelu_backward(d_active, layer.wide, approximate="tanh")
        d_norm = self._linear_back(d_wide, layer.norm_2[0], at + "mlp.c_fc")
        return self._norm_back(d_norm, layer.mid, layer.norm_2, at + "ln_2").add_(dx)

    def _attention_back(self, at: str, layer: _Layer, d_mid: Tensor, shape: torch.Size) -> Tensor:
        B, T = shape
        C, H = self.config.emb_dim, self.config.n_heads
        q, k, v = layer.heads
        dy = self._linear_back(self._undrop(d_mid, layer.mask_1), layer.joined, at + "attn.c_proj")
        dy = dy.view(B, T, H, C // H).transpose(1, 2).reshape(B * H, T, C // H)
        used = layer.attention if layer.attention_mask is None else layer.attention * layer.attention_mask
        d_heads = torch.empty_like(layer.heads)
        torch.bmm(used.transpose(1, 2), dy, out=d_heads[2])
        d_attention = self._undrop(torch.bmm(dy, v.transpose(1, 2)), layer.attention_mask)
        d_scores = _ops._softmax_backward_data(d_attention, layer.attention, -1, self.dtype)
        scale = 1 / math.sqrt(C // H)
        torch.baddbmm(d_heads[0], d_scores, k, beta=0, alpha=scale, out=d_heads[0])
        torch.baddbmm(d_heads[1], d_scores.transpose(1, 2), q, beta=0, alpha=scale, out=d_heads[1])
        d_qkv = d_heads.view(3, B, H, T, C // H).permute(1, 3, 0, 2, 4).reshape(-1, 3 * C)
        d_norm = self._linear_back(d_qkv, layer.norm_1[0], at + "attn.c_attn")
        return self._norm_back(d_norm, layer.x, layer.norm_1, at + "ln_1").add_(d_mid)

    def _linear_back(self, dy: Tensor, x: Tensor, name: str) -> Tensor:
        torch.mm(dy.t(), x, out=self.g[name + ".weight"])
        if name + ".bias" in self.g:
            torch.sum(dy, 0, out=self.g[name + ".bias"])
        return dy @ self.w[name + ".weight"]

    def _norm_back(self, dy: Tensor, x: Tensor, norm: Norm, name: str) -> Tensor:
        weight, bias = self.w[name + ".weight"], self.w[name + ".bias"]
        dx: Tensor
        dx, d_weight, d_bias = _ops.native_layer_norm_backward(
            dy, x, [x.shape[1]], norm[1], norm[2], weight, bias, [True, True, True]
        )
        self.g[name + ".weight"].copy_(d_weight)
        self.g[name + ".bias"].copy_(d_bias)
        return dx

    @staticmethod
    def _undrop(gradient: Tensor, mask: Tensor | None) -> Tensor:
        return gradient if mask is None else gradient * mask
