"""Looking inside one forward pass: ``trace = core.trace(model, ids)``, then ``trace.attention[2, 1]``.

The pass is run once and only the residual stream is kept; whatever else is asked for (queries, scores, attention, a
head's output, the logit lens, ...) is computed from it at that moment, for that layer and head alone. Heads are
switched off, scaled or replaced by another run's while the pass runs; the model itself is never changed or copied.

The explicit path: ``softmax(q k^T / sqrt(D) + mask) v``, as in Vaswani et al., "Attention Is All You Need", 3.2.1.
Leaves out: who said it (``attribution.py``), what a head is good for (``profiles.py``).

Shapes: T tokens, C channels, L layers, H heads, D channels of a head, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import InputError, ModelSpecError
from core.model.gpt import GPT, Block, fused_attention
from core.model.patching import Head, Part, Patch, check_head, check_patch, index, places

if TYPE_CHECKING:
    from core.model.attribution import Attribution

__all__ = ["Attention", "Head", "Patch", "Trace", "trace"]


def trace(
    model: GPT,
    ids: Tensor | Sequence[int],
    *,
    ablate: Iterable[Head] = (),
    scale: Mapping[Head, float] | None = None,
    patch: Patch | Iterable[Patch] = (),
) -> Trace:
    """Runs the model over some tokens and keeps what is needed to look inside.

    Args:
        model: in evaluation mode, of any dtype, on any device.
        ids: token ids, (T,) or (1, T).
        ablate: heads whose output is replaced by zero.
        scale: heads whose output is multiplied by a number.
        patch: activations of other runs to put in.

    Raises:
        InputError: no tokens, more than the context holds, ids that the model has not, or a head that it has not.
    """
    patches = (patch,) if isinstance(patch, Patch) else tuple(patch)
    factors = {**(scale or {}), **dict.fromkeys(ablate, 0.0)}
    row = _checked_ids(model, ids)
    for layer, head in factors:
        check_head(model, layer, head)
    for one in patches:
        check_patch(model, one, len(row))
    return Trace(model, row, factors, patches)


class Trace:
    """One forward pass, to be asked for anything in it. Nothing returned has gradients."""

    def __init__(self, model: GPT, ids: Tensor, factors: Mapping[Head, float], patches: Sequence[Patch]) -> None:
        self.model, self.config, self.ids = model, model.config, ids
        self.factors, self.patches = dict(factors), tuple(patches)
        self._versions = _versions(model)
        self._at: tuple[int, Tensor] | None = None  # queries, keys and values of the layer asked for last
        self._run()

    @torch.no_grad()
    def _run(self) -> None:
        layers, T = self.config.n_layers, len(self.ids)
        positions = torch.arange(T, device=self.ids.device)
        x = self.model.wte(self.ids[None]) + self.model.wpe(positions)  # (1, T, C)
        self._pre: Tensor = x.new_empty(layers + 1, T, self.config.emb_dim)
        self._mid: Tensor = x.new_empty(layers, T, self.config.emb_dim)
        for layer in range(layers):
            block = self._block(layer)
            x = self._patched("residual", layer, x)
            self._pre[layer] = x[0]
            x = x + self._patched("attn", layer, block.attn(block.ln_1(x), None, self._attend))
            self._mid[layer] = x[0]
            x = x + self._patched("mlp", layer, block.mlp(block.ln_2(x)))
        self._pre[layers] = x[0]

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, layer: int, dropout: float) -> Tensor:
        return self._changed(layer, fused_attention(q, k, v, layer, dropout))

    def _changed(self, layer: int, y: Tensor) -> Tensor:
        """What the heads of a layer hand on, (1, H, T, D), after this run's interventions."""
        for (at, head), factor in self.factors.items():
            if at == layer:
                y = y.clone()
                y[:, head] = 0.0 if factor == 0 else y[:, head] * factor  # zero even where the head is not a number
        for patch in self.patches:
            if patch.what == "head" and patch.layer == layer:
                assert patch.head is not None
                y = y.clone()
                where = places(patch, y.shape[2])
                y[0, patch.head, where] = patch.source.head_values(layer, patch.head)[where].to(y)
        return y

    def _patched(self, what: Part, layer: int, x: Tensor) -> Tensor:
        for patch in self.patches:
            if patch.what == what and patch.layer == layer:
                other = patch.source
                part = {"residual": other.residual, "attn": other.attn_out, "mlp": other.mlp_out}[what](layer)
                x = x.clone()
                where = places(patch, x.shape[1])
                x[0, where] = part[where].to(x)
        return x

    # The residual stream and what is read off it

    def residual(self, layer: int) -> Tensor:
        """What enters a layer, (T, C); ``layer`` L is what leaves the last."""
        self._check_fresh()
        return self._pre[index(layer, self.config.n_layers + 1, "layer")]

    def residual_mid(self, layer: int) -> Tensor:
        """The residual between a layer's attention and its feed-forward part, (T, C)."""
        self._check_fresh()
        return self._mid[self._layer(layer)]

    def attn_out(self, layer: int) -> Tensor:
        """What a layer's attention adds to the residual, (T, C)."""
        return self.residual_mid(layer) - self.residual(layer)

    def mlp_out(self, layer: int) -> Tensor:
        """What a layer's feed-forward part adds to the residual, (T, C)."""
        return self.residual(self._layer(layer) + 1) - self.residual_mid(layer)

    @torch.no_grad()
    def mlp_activations(self, layer: int) -> Tensor:
        """The feed-forward part after its GELU, (T, 4C)."""
        mid, block = self.residual_mid(layer), self._block(layer)
        out: Tensor = F.gelu(block.mlp.c_fc(block.ln_2(mid)), approximate="tanh")
        return out

    @property
    def logits(self) -> Tensor:
        """The model's answer, (T, V)."""
        return self.logit_lens(self.config.n_layers)

    @torch.no_grad()
    def logit_lens(self, layer: int, position: int | None = None) -> Tensor:
        """What the model would answer if its last layer were the one before ``layer``: (T, V), or (V,) at one position.

        The final norm and the head, on the residual that enters ``layer``; at L these are the model's own logits.
        Source: nostalgebraist, "interpreting GPT: the logit lens" (2020).
        """
        x = self.residual(layer)
        x = x if position is None else x[index(position, len(self.ids), "position")]
        return F.linear(self.model.ln_f(x), self.model.head)

    @torch.no_grad()
    def loss(self) -> float:
        """Mean cross-entropy in nats of each token given those before it; not a number for a single token."""
        if len(self.ids) < 2:
            return math.nan
        return float(F.cross_entropy(self.logits[:-1].float(), self.ids[1:]))

    # Attention

    @torch.no_grad()
    def qkv(self, layer: int) -> Tensor:
        """Queries, keys and values of a layer, (3, H, T, D)."""
        layer = self._layer(layer)
        if self._at is None or self._at[0] != layer:
            x, block = self.residual(layer), self._block(layer)
            heads = block.attn.c_attn(block.ln_1(x)).view(len(self.ids), 3, self.config.n_heads, self.config.head_dim)
            self._at = layer, heads.permute(1, 2, 0, 3)
        self._check_fresh()
        return self._at[1]

    def queries(self, layer: int) -> Tensor:
        """(H, T, D)."""
        return self.qkv(layer)[0]

    def keys(self, layer: int) -> Tensor:
        """(H, T, D)."""
        return self.qkv(layer)[1]

    def values(self, layer: int) -> Tensor:
        """(H, T, D)."""
        return self.qkv(layer)[2]

    def raw_scores(self, layer: int, head: int | None = None) -> Tensor:
        """Dot products of queries with keys, before scaling and mask: (H, T, T), or (T, T) of one head."""
        q, k, _ = self.qkv(layer) if head is None else self.qkv(layer)[:, self._head(head)]
        dots: Tensor = q @ k.transpose(-1, -2)
        return dots

    def scores(self, layer: int, head: int | None = None) -> Tensor:
        """The dot products over sqrt(D), minus infinity where a token would see a later one."""
        raw = self.raw_scores(layer, head) / math.sqrt(self.config.head_dim)
        return raw.masked_fill(~self.mask, -torch.inf)

    @property
    def mask(self) -> Tensor:
        """Which token (row) may see which (column), (T, T) bool: itself and those before it."""
        T = len(self.ids)
        return torch.ones(T, T, dtype=torch.bool, device=self.ids.device).tril()

    def pattern(self, layer: int, head: int | None = None) -> Tensor:
        """Attention: how much each token (row) takes from each (column): (H, T, T), or (T, T) of one head."""
        return self.scores(layer, head).softmax(-1)

    @property
    def attention(self) -> Attention:
        """All attention, (L, H, T, T), indexed like a tensor; what is not asked for is not computed."""
        return Attention(self)

    def head_values(self, layer: int, head: int) -> Tensor:
        """What a head hands to the projection, (T, D): its sum of the values, after this run's interventions."""
        layer, head = self._layer(layer), self._head(head)
        own = (self.pattern(layer, head) @ self.values(layer)[head])[None, None]  # (1, 1, T, D)
        whole = own.expand(1, self.config.n_heads, -1, -1)
        return self._changed(layer, whole)[0, head]

    @torch.no_grad()
    def head_out(self, layer: int, head: int) -> Tensor:
        """What a head adds to the residual, (T, C), its share of the projection without the bias."""
        layer, head = self._layer(layer), self._head(head)
        D = self.config.head_dim
        return F.linear(
            self.head_values(layer, head), self._block(layer).attn.c_proj.weight[:, head * D : (head + 1) * D]
        )

    def attribution(self, token: int, position: int = -1, against: int | None = None) -> Attribution:
        """How much each part adds to the logit of a token at a position; see ``attribution.py``."""
        from core.model.attribution import attribute

        return attribute(self, token, position, against)

    # Housekeeping

    def _block(self, layer: int) -> Block:
        block = self.model.h[layer]
        assert isinstance(block, Block)
        return block

    def _layer(self, layer: int) -> int:
        return index(layer, self.config.n_layers, "layer")

    def _head(self, head: int) -> int:
        return index(head, self.config.n_heads, "head")

    def _check_fresh(self) -> None:
        if _versions(self.model) != self._versions:
            raise ModelSpecError(
                "the model's weights have changed since this trace was made, so it can no longer be asked",
                "trace again: core.trace(model, ids)",
            )


class Attention:
    """Attention patterns that look like one tensor (L, H, T, T); indexing computes the layers and heads it names."""

    def __init__(self, of: Trace) -> None:
        self._trace = of
        T = len(of.ids)
        self.shape = (of.config.n_layers, of.config.n_heads, T, T)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Tensor:
        """As a tensor's; the first two indices are integers or slices, whatever follows is handed on."""
        layer, *rest = key if isinstance(key, tuple) else (key,)
        head, *inner = rest or (slice(None),)
        if isinstance(layer, int):
            pattern = self._of_layer(layer, head)
        elif isinstance(layer, slice):
            layers = range(*layer.indices(self.shape[0]))
            pattern = torch.stack([self._of_layer(i, head) for i in layers])
        else:
            raise InputError(f"a layer is an integer or a slice, got {layer!r}", "for example trace.attention[2, 1]")
        outer = sum(isinstance(index, slice) for index in (layer, head))
        return pattern[(*[slice(None)] * outer, *inner)] if inner else pattern

    def _of_layer(self, layer: int, head: Any) -> Tensor:
        if isinstance(head, int):
            return self._trace.pattern(layer, head)
        return self._trace.pattern(layer)[head]


def _checked_ids(model: GPT, ids: Tensor | Sequence[int]) -> Tensor:
    row = torch.as_tensor(ids, dtype=torch.int64, device=model.wte.weight.device)
    row = row[0] if row.dim() == 2 and row.shape[0] == 1 else row
    if row.dim() != 1:
        raise InputError(f"expected the ids of one text, (T,) or (1, T), got {tuple(row.shape)}", "trace one at a time")
    if not len(row):
        raise InputError("expected at least one token, got none", "give it a text that is not empty")
    context, vocab = model.config.context_length, model.wte.weight.shape[0]
    if len(row) > context:
        raise InputError(
            f"{len(row)} tokens do not fit: the model's context_length is {context}",
            f"trace the last {context}: ids[-{context}:]",
        )
    if int(row.min()) < 0 or int(row.max()) >= vocab:
        wrong = next(i for i in row.tolist() if not 0 <= i < vocab)
        raise InputError(
            f"expected ids from 0 to {vocab - 1:,}, got {wrong:,}", "encode with the model's own tokenizer"
        )
    return row


def _versions(model: GPT) -> tuple[tuple[int, int], ...]:
    """What changes whenever a weight is written to or replaced."""
    return tuple((p.data_ptr(), 0 if p.is_inference() else p._version) for p in model.parameters())
