"""Looking inside one forward pass: ``run = core.trace(model, ids)``, then ``run.attention[2, 1]``.

The pass is run once and only what enters each layer is kept; whatever else is asked for (queries, scores, attention, a
head's output, the logit lens, ...) is computed from it at that moment, for that layer and head alone. Heads are
switched off, scaled or replaced by another run's while the pass runs; the model itself is never changed or copied.

The explicit path: ``softmax(q k^T / sqrt(D) + mask) v``, as in Vaswani et al., "Attention Is All You Need", 3.2.1.
Leaves out: what can be done to a pass (``patching.py``), indexing attention like one tensor (``attention.py``), who
said it (``attribution.py``), what a head is good for (``profiles.py``).

Shapes: T tokens, C channels, L layers, H heads, D channels of a head, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import InputError, ModelSpecError, nearest
from core.model.attention import Attention, attend
from core.model.gpt import GPT, Block
from core.model.head_sets import Head
from core.model.loss import text_losses
from core.model.patching import Interventions, Patch, index
from core.model.unchanged import Weights

if TYPE_CHECKING:
    from core.model.attribution import Attribution

__all__ = ["NAMES", "Attention", "Head", "Patch", "Trace", "trace"]

NAMES: dict[str, str] = {
    "residual": "(T, C): what enters a layer; layer L: what leaves the last",
    "queries": "(H, T, D), or (T, D) of one head",
    "keys": "(H, T, D), or (T, D) of one head",
    "values": "(H, T, D), or (T, D) of one head",
    "raw_scores": "(H, T, T), or (T, T) of one head: dot products of queries with keys",
    "scores": "(H, T, T), or (T, T) of one head: the same over sqrt(D), minus infinity where it is masked",
    "pattern": "(H, T, T), or (T, T) of one head: attention, the softmax of the scores",
    "head_values": "(H, T, D), or (T, D) of one head: its sum of the values",
    "head_out": "(T, C): what one head adds to the residual",
    "attn_out": "(T, C): what attention adds to the residual",
    "residual_mid": "(T, C): the residual between attention and feed-forward",
    "mlp_activations": "(T, 4C): the feed-forward part after its GELU",
    "mlp_out": "(T, C): what the feed-forward part adds to the residual",
    "logit_lens": "(T, V), or (V,) at one position: what the model would answer if it ended before a layer",
}
"""What ``run["pattern", 2, 1]`` can be asked for by name, with its layer and, where there is one, its head."""


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
        InputError: no tokens, more than the context holds, ids that the model has not, a head that it has not, or a
            model that would drop out what is to be seen.
    """
    if model.training and model.config.drop_rate > 0:
        raise InputError("the model is in training mode, where dropout changes every pass", "call model.eval() first")
    row = _checked_ids(model, ids)
    changes = Interventions.of(ablate, scale, patch)
    changes.check(model, len(row))
    return Trace(model, row, changes)


class Trace:
    """One forward pass, to be asked for anything in it. Nothing returned has gradients."""

    def __init__(self, model: GPT, ids: Tensor, changes: Interventions, like: Trace | None = None) -> None:
        """Runs the pass; ``core.trace`` checks the arguments first.

        Args:
            model: in evaluation mode.
            ids: (T,) int64, on the model's device.
            changes: what is done to the pass.
            like: the model's pass over the same tokens; layers before the first that is treated otherwise are its own.
        """
        self.model, self.config, self.ids, self.changes = model, model.config, ids, changes
        self._weights: Weights = like._weights if like is not None else Weights(model)
        self._at: tuple[int, int | None, dict[int, Tensor]] | None = None  # queries, keys, values asked for last
        self._between: tuple[int, Tensor] | None = None  # the residual in the middle of the layer asked for last
        self._residuals: tuple[Tensor, ...] = ()  # what enters each layer, (T, C), and what leaves the last
        self._run(like)

    @torch.no_grad()
    def _run(self, like: Trace | None) -> None:
        layers, start = self.config.n_layers, 0
        if like is not None:
            start = self.changes.shared_layers(like.changes, layers)
        if like is None or start == 0:
            x = self.model.wte(self.ids[None]) + self.model.wpe.weight[: len(self.ids)]  # (1, T, C)
        else:
            x = like.residual(start)[None]
        shared = () if like is None else like._residuals[:start]
        own = x.new_empty(layers + 1 - start, *x.shape[1:])  # one block: kept piece by piece they would litter the heap
        self._residuals = (*shared, *own)
        for layer in range(start, layers):
            block = self.block(layer)
            x = self.changes.on("residual", layer, x)
            own[layer - start] = x[0]
            x = x + self._attended(layer, x)
            x = x + self.changes.on("mlp", layer, block.mlp(block.ln_2(x)))
        own[-1] = x[0]

    def _attended(self, layer: int, x: Tensor) -> Tensor:
        """What a layer's attention adds to its residual x, both (1, T, C)."""
        block = self.block(layer)
        return self.changes.on("attn", layer, block.attn(block.ln_1(x), None, self._attend))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, layer: int, dropout: float) -> Tensor:
        return self.changes.on_heads(layer, attend(q, k, v, layer, dropout))

    def again(
        self,
        *,
        ablate: Iterable[Head] = (),
        scale: Mapping[Head, float] | None = None,
        patch: Patch | Iterable[Patch] = (),
    ) -> Trace:
        """A pass over the same tokens with these interventions instead; layers that stay as they are are not run.

        Raises:
            InputError: as ``core.trace``.
            ModelSpecError: the weights have changed since.
        """
        self._check_fresh()
        changes = Interventions.of(ablate, scale, patch)
        changes.check(self.model, len(self.ids))
        return Trace(self.model, self.ids, changes, like=self)

    def __getitem__(self, what: str | tuple[str, *tuple[int, ...]]) -> Tensor:
        """One thing by its name, with its layer and head: ``run["pattern", 2, 1]`` is ``run.pattern(2, 1)``."""
        name, *where = (what,) if isinstance(what, str) else what
        if name not in NAMES:
            raise InputError(f"a pass has no {name!r}{nearest(str(name), NAMES)}", f"it has: {', '.join(NAMES)}")
        if not where:
            raise InputError(f"{name} was asked for without a layer", f'for example run["{name}", 0]')
        found: Tensor = getattr(self, name)(*where)
        return found

    # The residual stream and what is read off it

    def residual(self, layer: int) -> Tensor:
        """What enters a layer, (T, C); ``layer`` L is what leaves the last."""
        self._check_fresh()
        return self._residuals[index(layer, self.config.n_layers + 1, "layer")]

    @torch.no_grad()
    def residual_mid(self, layer: int) -> Tensor:
        """The residual between a layer's attention and its feed-forward part, (T, C)."""
        self._check_fresh()
        layer, kept = self._layer(layer), self._between
        if kept is None or kept[0] != layer:
            x = self._residuals[layer]
            self._between = kept = (layer, x + self._attended(layer, x[None])[0])
        return kept[1]

    def attn_out(self, layer: int) -> Tensor:
        """What a layer's attention adds to the residual, (T, C)."""
        return self.residual_mid(layer) - self.residual(self._layer(layer))

    def mlp_out(self, layer: int) -> Tensor:
        """What a layer's feed-forward part adds to the residual, (T, C).

        Where the pass had the residual of the next layer patched, that patch counts for this layer's part.
        """
        return self.residual(self._layer(layer) + 1) - self.residual_mid(layer)

    @torch.no_grad()
    def mlp_activations(self, layer: int) -> Tensor:
        """The feed-forward part after its GELU, (T, 4C)."""
        mid, block = self.residual_mid(layer), self.block(layer)
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
        return float(text_losses(self.model, self.residual(self.config.n_layers)[None], self.ids))

    # Attention

    @torch.no_grad()
    def _projected(self, which: int, layer: int, head: int | None) -> Tensor:
        """Queries (0), keys (1) or values (2) of a layer, (H, T, D), or of one head alone, (T, D); who asks checks."""
        layer, head = self._layer(layer), None if head is None else self._head(head)
        kept = self._at
        if kept is None or kept[0] != layer or (kept[1] is not None and kept[1] != head):
            self._at = kept = (layer, head, {})
        if which not in kept[2]:
            kept[2][which] = self._project(which, layer, kept[1])
        return kept[2][which] if kept[1] == head else kept[2][which][head]

    def _project(self, which: int, layer: int, head: int | None) -> Tensor:
        block, H, D, C = self.block(layer), self.config.n_heads, self.config.head_dim, self.config.emb_dim
        first, width = (which * C, C) if head is None else (which * C + head * D, D)
        rows, linear = slice(first, first + width), block.attn.c_attn
        bias = None if linear.bias is None else linear.bias[rows]
        out = F.linear(block.ln_1(self._residuals[layer]), linear.weight[rows], bias)  # (T, C) or (T, D)
        return out.view(-1, H, D).transpose(0, 1) if head is None else out

    def queries(self, layer: int, head: int | None = None) -> Tensor:
        """(H, T, D), or (T, D) of one head."""
        self._check_fresh()
        return self._projected(0, layer, head)

    def keys(self, layer: int, head: int | None = None) -> Tensor:
        """(H, T, D), or (T, D) of one head."""
        self._check_fresh()
        return self._projected(1, layer, head)

    def values(self, layer: int, head: int | None = None) -> Tensor:
        """(H, T, D), or (T, D) of one head."""
        self._check_fresh()
        return self._projected(2, layer, head)

    def qkv(self, layer: int, head: int | None = None) -> Tensor:
        """Queries, keys and values of a layer, (3, H, T, D), or of one head, (3, T, D)."""
        self._check_fresh()
        return torch.stack([self._projected(which, layer, head) for which in range(3)])

    def raw_scores(self, layer: int, head: int | None = None) -> Tensor:
        """Dot products of queries with keys, before scaling and mask: (H, T, T), or (T, T) of one head."""
        self._check_fresh()  # once: it costs as much as a head's scores of a short text
        return self._projected(0, layer, head) @ self._projected(1, layer, head).transpose(-1, -2)

    def scores(self, layer: int, head: int | None = None) -> Tensor:
        """The dot products over sqrt(D), minus infinity where a token would see a later one."""
        raw = self.raw_scores(layer, head)
        return raw.div_(math.sqrt(self.config.head_dim)).masked_fill_(~self.mask, -torch.inf)

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

    def head_values(self, layer: int, head: int | None = None) -> Tensor:
        """What heads hand to the projection: (H, T, D), or (T, D) of one.

        Each is a head's weighted sum of the values, after what this pass does to the head.
        """
        layer, H = self._layer(layer), self.config.n_heads
        self._check_fresh()
        q, k, v = (self._projected(which, layer, head) for which in range(3))
        if head is None:
            return self._attend(q[None], k[None], v[None], layer, 0.0)[0]
        own = attend(q[None, None], k[None, None], v[None, None], layer, 0.0)  # (1, 1, T, D)
        return self.changes.on_heads(layer, own.expand(1, H, -1, -1))[0, head]

    @torch.no_grad()
    def head_out(self, layer: int, head: int) -> Tensor:
        """What a head adds to the residual, (T, C), its share of the projection without the bias."""
        layer, head, D = self._layer(layer), self._head(head), self.config.head_dim
        share = self.block(layer).attn.c_proj.weight[:, head * D : (head + 1) * D]
        return F.linear(self.head_values(layer, head), share)

    def attribution(self, token: int, position: int = -1, against: int | None = None) -> Attribution:
        """How much each part adds to the logit of a token at a position; see ``attribution.py``."""
        from core.model.attribution import attribute

        return attribute(self, token, position, against)

    # Housekeeping

    def block(self, layer: int) -> Block:
        """The module of a layer."""
        block = self.model.h[layer]
        assert isinstance(block, Block)
        return block

    def _layer(self, layer: int) -> int:
        return index(layer, self.config.n_layers, "layer")

    def _head(self, head: int) -> int:
        return index(head, self.config.n_heads, "head")

    def _check_fresh(self) -> None:
        if self._weights.changed:
            raise ModelSpecError(
                "the model's weights have changed since this trace was made, so it can no longer be asked",
                "trace again: core.trace(model, ids)",
            )


def _checked_ids(model: GPT, ids: Tensor | Sequence[int]) -> Tensor:
    row = _whole_numbers(ids).to(model.wte.weight.device, torch.int64, copy=True)  # the pass keeps them: its own copy
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


def _whole_numbers(ids: object) -> Tensor:
    try:
        found = ids if isinstance(ids, Tensor) else torch.tensor(ids)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        found = None
    if found is None or (
        found.numel() and (found.is_floating_point() or found.is_complex() or found.dtype == torch.bool)
    ):
        got = "a text" if isinstance(ids, str) else f"{ids!r:.60}"
        raise InputError(
            f"expected token ids, whole numbers, got {got}", "encode a text with the model's own tokenizer"
        )
    return found
