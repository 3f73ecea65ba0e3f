"""What changes when heads are switched off: the next token, and the loss over the text.

A pass with heads off is run from the first layer that has one of them; a sweep, each head once, runs the heads of a
layer side by side. Leaves out: which heads a text names (``head_sets.py``).

Shapes: B passes at once, T tokens, C channels, H heads, D channels of a head, V vocabulary.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from core.model.attention import attend
from core.model.gpt import GPT
from core.model.head_sets import Head
from core.model.loss import text_losses
from core.model.patching import index
from core.model.trace import Trace, trace

_ROWS = 1024
"""Tokens that a sweep sends through a layer at once: few enough that a cancel is heard soon."""


@dataclass(frozen=True)
class Shift:
    """A token, and how likely it is before and after."""

    token: int
    before: float
    after: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"token": self.token, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class AblationResult:
    """What switching some heads off does to a text."""

    heads: tuple[Head, ...]
    position: int
    """Of the token whose successor is told."""
    before: Tensor
    """The distribution of the next token there, (V,) float64, on the CPU."""
    after: Tensor
    """The same with the heads off."""
    kl_bits: float
    """Kullback-Leibler divergence of the two, before from after, in bits."""
    loss_before: float
    """Mean cross-entropy over the text in nats; not a number for a single token."""
    loss_after: float

    @property
    def loss_change(self) -> float:
        """By how many nats the loss rises."""
        return self.loss_after - self.loss_before

    def top(self, k: int = 10) -> list[Shift]:
        """The likeliest tokens before and the likeliest after, together, the likelier before first."""
        k = min(k, len(self.before))
        found = {int(i) for dist in (self.before, self.after) if not dist.isnan().any() for i in dist.topk(k).indices}
        shifts = [Shift(i, float(self.before[i]), float(self.after[i])) for i in found]
        return sorted(shifts, key=lambda s: (-s.before if s.before == s.before else math.inf, -s.after, s.token))

    def to_dict(self, k: int = 10) -> dict[str, Any]:
        """Plain JSON values, with the likeliest tokens."""
        return {
            "heads": [list(head) for head in self.heads],
            "position": self.position,
            "kl_bits": self.kl_bits,
            "loss_before": self.loss_before,
            "loss_after": self.loss_after,
            "loss_change": self.loss_change,
            "top": [shift.to_dict() for shift in self.top(k)],
        }


@dataclass(frozen=True, slots=True)
class HeadEffect:
    """One head of a sweep."""

    layer: int
    head: int
    loss_change: float
    """By how many nats the mean loss over the text rises without the head; not a number for a single token."""
    kl_bits: float
    """How far the next token's distribution moves, in bits."""
    number: int
    """How many heads have been looked at, this one included."""
    of: int
    """How many there are."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "layer": self.layer,
            "head": self.head,
            "loss_change": self.loss_change,
            "kl_bits": self.kl_bits,
            "number": self.number,
            "of": self.of,
        }


def ablate(
    model: GPT,
    ids: Tensor | Sequence[int],
    heads: Iterable[Head],
    *,
    position: int = -1,
    base: Trace | None = None,
) -> AblationResult:
    """Switches heads off together and compares.

    Args:
        model: in evaluation mode; it is not changed.
        ids: token ids of a text, (T,).
        heads: which; none gives no change at all.
        position: the token whose successor is compared.
        base: a pass over these ids to compare with; left out, it is run. What it does to heads stays done.

    Raises:
        InputError: as ``core.trace``, or a position that the text has not.
    """
    base = trace(model, ids) if base is None else base
    off = tuple(dict.fromkeys(heads))
    position = index(position, len(base.ids), "position")
    changes = base.changes
    without = base.again(ablate=[*changes.off, *off], scale=changes.factors, patch=changes.patches)
    before, after = (_log_distribution(run.logit_lens(-1, position)) for run in (base, without))
    return AblationResult(
        heads=off,
        position=position,
        before=before.exp(),
        after=after.exp(),
        kl_bits=float(kl_bits(before, after)),
        loss_before=base.loss(),
        loss_after=without.loss(),
    )


def sweep(
    model: GPT,
    ids: Tensor | Sequence[int],
    cancel: threading.Event | None = None,
    *,
    position: int = -1,
    base: Trace | None = None,
) -> Iterator[HeadEffect]:
    """Switches each head off once, alone, and says what that does; in the order of the model.

    Args:
        model: in evaluation mode; it is not changed.
        ids: token ids of a text, (T,).
        cancel: set by another thread to end it within a layer's time; closing the generator ends it too.
        position: the token whose successor is compared.
        base: a pass over these ids that the heads are taken from; left out, it is run.

    Raises:
        InputError: as ``ablate``.
        ModelSpecError: the weights were changed meanwhile.
    """
    base = trace(model, ids) if base is None else base
    position = index(position, len(base.ids), "position")
    return _sweep(base, position, cancel or threading.Event())


def _sweep(base: Trace, position: int, cancel: threading.Event) -> Iterator[HeadEffect]:
    layers, H = base.config.n_layers, base.config.n_heads
    loss, before = base.loss(), _log_distribution(base.logit_lens(layers, position))
    at_once = max(1, _ROWS // len(base.ids))
    number = 0
    for layer in range(layers):
        for first in range(0, H, at_once):
            heads = range(first, min(first + at_once, H))
            out = _without_each(base, layer, heads, cancel)  # (B, T, C)
            if out is None or cancel.is_set():
                return
            losses = text_losses(base.model, out, base.ids)
            moved = kl_bits(before, _answers(base.model, out[:, position]))  # (B,)
            for i, head in enumerate(heads):
                number += 1
                yield HeadEffect(layer, head, float(losses[i]) - loss, float(moved[i]), number, layers * H)


@torch.no_grad()
def _without_each(base: Trace, layer: int, heads: range, cancel: threading.Event) -> Tensor | None:
    """What leaves the last layer without each of some heads, (B, T, C); None if it was cancelled."""
    block, changes, B = base.block(layer), base.changes, len(heads)
    T, C = len(base.ids), base.config.emb_dim
    y = base.head_values(layer).expand(B, -1, -1, -1).clone()  # (B, H, T, D)
    for i, head in enumerate(heads):
        y[i, head] = 0.0
    attn = changes.on("attn", layer, block.attn.c_proj(y.transpose(1, 2).reshape(B, T, C)))
    x = base.residual(layer) + attn  # (B, T, C)
    x = x + changes.on("mlp", layer, block.mlp(block.ln_2(x)))

    def changed(q: Tensor, k: Tensor, v: Tensor, layer: int, dropout: float) -> Tensor:
        return changes.on_heads(layer, attend(q, k, v, layer, dropout))

    for later in range(layer + 1, base.config.n_layers):
        if cancel.is_set():
            return None
        block = base.block(later)
        x = changes.on("residual", later, x)
        x = x + changes.on("attn", later, block.attn(block.ln_1(x), None, changed))
        x = x + changes.on("mlp", later, block.mlp(block.ln_2(x)))
    return x


@torch.no_grad()
def _answers(model: GPT, last: Tensor) -> Tensor:
    """What a model says, from what leaves its last layer (B, C): log-probabilities (B, V)."""
    return _log_distribution(F.linear(model.ln_f(last), model.head))


def _log_distribution(logits: Tensor) -> Tensor:
    return logits.cpu().double().log_softmax(-1)  # Apple's GPUs have no float64


def kl_bits(before: Tensor, after: Tensor) -> Tensor:
    """Kullback-Leibler divergence in bits of two distributions, as log-probabilities (..., V) in nats.

    How far ``after`` lies from ``before``. What has no chance before counts for nothing. Never below 0; not a number
    where one of the two is none.
    """
    each = before.exp() * (before - after)  # (..., V)
    return torch.where(before == -torch.inf, 0.0, each).sum(-1).div(math.log(2)).clamp_min(0.0)
