"""What a pass may be made to do otherwise: heads switched off or scaled, activations of another run put in.

Leaves out: running the model with them, which ``trace.py`` does, and writing sets of heads, ``head_sets.py``.

Shapes: B passes at once, T tokens, C channels, H heads, D channels of a head.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from torch import Tensor

from core.errors import InputError, nearest
from core.model.gpt import GPT
from core.model.head_sets import Head

if TYPE_CHECKING:
    from core.model.trace import Trace

Part = Literal["head", "attn", "mlp", "residual"]


@dataclass(frozen=True)
class Patch:
    """An activation of another run, put into this one in place of its own (activation patching).

    Source: Vig et al., "Causal Mediation Analysis for Interpreting Neural NLP" (2020); Meng et al.,
    "Locating and Editing Factual Associations in GPT" (2022), section 2.
    """

    source: Trace
    """The run that the activation comes from; as many tokens, and the same shape of model."""
    layer: int
    head: int | None = None
    """For ``what="head"``."""
    positions: Sequence[int] | None = None
    """Tokens at which it is replaced; None: at all."""
    what: Part = "head"
    """``head``: what it hands to the projection; ``attn``, ``mlp``: what it adds; ``residual``: what comes in."""


@dataclass(frozen=True)
class Interventions:
    """All that is done to one pass; the model itself is never changed or copied."""

    factors: Mapping[Head, float]
    """What the output of a head is multiplied by; 0 switches it off."""
    patches: tuple[Patch, ...] = ()

    @classmethod
    def of(
        cls, ablate: Iterable[Head], scale: Mapping[Head, float] | None, patch: Patch | Iterable[Patch]
    ) -> Interventions:
        """What the arguments of ``core.trace`` ask for."""
        factors = {_head(head): _factor(factor) for head, factor in (scale or {}).items()}
        factors.update(dict.fromkeys(map(_head, ablate), 0.0))
        return cls(factors, (patch,) if isinstance(patch, Patch) else tuple(patch))

    @property
    def off(self) -> tuple[Head, ...]:
        """The heads that are switched off."""
        return tuple(sorted(head for head, factor in self.factors.items() if factor == 0))

    def check(self, model: GPT, tokens: int) -> None:
        """Raises an InputError unless the model has all those heads, and the patches fit so many tokens."""
        for layer, head in self.factors:
            check_head(model, layer, head)
        for patch in self.patches:
            check_patch(model, patch, tokens)

    def shared_layers(self, other: Interventions, layers: int) -> int:
        """How many layers from the first on the two treat alike, with what goes into the next."""
        heads = {head for (head, _) in set(self.factors.items()) ^ set(other.factors.items())}
        both = (*self.patches, *other.patches)
        differing = {p.layer for p in both if self._patches_at(p.layer) != other._patches_at(p.layer)}
        patches = [p for p in both if p.layer in differing]
        into = [p.layer - (p.what == "residual") for p in patches]  # what comes in is another one, too
        return max(0, min([layers, *(layer for layer, _ in heads), *into]))

    def _patches_at(self, layer: int) -> list[Patch]:
        """Those of a layer, in their order: of two at one place the later one counts."""
        return [patch for patch in self.patches if patch.layer == layer]

    def on_heads(self, layer: int, y: Tensor) -> Tensor:
        """What the heads of a layer hand on, (B, H, T, D), with what is done to them."""
        for (at, head), factor in self.factors.items():
            if at == layer:
                y = y.clone()
                y[:, head] = 0.0 if factor == 0 else y[:, head] * factor  # zero even where the head is not a number
        for patch in self.patches:
            if patch.what == "head" and patch.layer == layer:
                assert patch.head is not None
                y = y.clone()
                where = places(patch, y.shape[2])
                y[:, patch.head, where] = patch.source.head_values(layer, patch.head)[where].to(y)
        return y

    def on(self, what: Part, layer: int, x: Tensor) -> Tensor:
        """An activation (B, T, C) with what is put in its place."""
        for patch in self.patches:
            if patch.what == what and patch.layer == layer:
                other = patch.source
                part = {"residual": other.residual, "attn": other.attn_out, "mlp": other.mlp_out}[what](layer)
                x = x.clone()
                where = places(patch, x.shape[1])
                x[:, where] = part[where].to(x)
        return x


def _head(head: Head) -> Head:
    """A layer and a head, as plain numbers of the one kind that a dictionary holds."""
    if not isinstance(head, Sequence) or isinstance(head, str) or len(head) != 2:
        raise InputError(f"a head is (layer, head), got {head!r}", 'for example [(2, 1)]; core.parse_heads reads "2.1"')
    return whole(head[0], "layer"), whole(head[1], "head")


def _factor(factor: float) -> float:
    try:
        return float(factor)
    except (TypeError, ValueError):
        raise InputError(f"a head is scaled by a number, got {factor!r}", "for example {(2, 1): 0.5}") from None


def check_head(model: GPT, layer: int, head: int) -> None:
    """Raises an InputError that says which layers and heads there are, unless this is one."""
    index(layer, model.config.n_layers, "layer", back=False)
    index(head, model.config.n_heads, "head", back=False)


def check_patch(model: GPT, patch: Patch, tokens: int) -> None:
    """Raises an InputError unless a patch fits a run of so many tokens."""
    if patch.what not in get_args(Part):
        raise InputError(
            f"a patch of {patch.what!r} is none{nearest(str(patch.what), get_args(Part))}",
            f"one of: {', '.join(get_args(Part))}",
        )
    if (patch.head is None) != (patch.what != "head"):
        raise InputError(
            f"a patch of {patch.what} and head {patch.head} do not go together", 'name a head for what="head"'
        )
    check_head(model, patch.layer, patch.head or 0)
    other = patch.source
    ours, theirs = model.config, other.config
    shapes = [f"{c.n_layers} layers of {c.n_heads} heads, width {c.emb_dim}" for c in (ours, theirs)]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"a patch comes from a model of the same shape: {shapes[0]} here, {shapes[1]} there",
            "trace both texts with the same model",
        )
    if len(other.ids) != tokens:
        raise InputError(
            f"a patch comes from a text of as many tokens: {tokens} here, {len(other.ids)} there",
            "trace two texts of as many tokens",
        )
    for position in patch.positions or ():
        index(position, tokens, "position")


def places(patch: Patch, tokens: int) -> list[int]:
    """The positions that a patch replaces."""
    return list(range(tokens) if patch.positions is None else patch.positions)


def index(value: int, count: int, what: str, *, back: bool = True) -> int:
    """An index from 0; negative ones count from the end where ``back`` allows it."""
    value = whole(value, what)
    if not (-count if back else 0) <= value < count:
        raise InputError(
            f"there is no {what} {value}: there are {what}s 0 to {count - 1}", f"choose a {what} in between"
        )
    return value % count


def whole(value: int, what: str) -> int:
    """A whole number of any library as Python's own; a 1.0 is none."""
    try:
        return operator.index(value)
    except TypeError:
        raise InputError(f"a {what} is a whole number, got {value!r}", "they are counted from 0") from None
