"""Which heads and which activations: naming them, checking them, and what a patch is.

Leaves out: running the model with them, which ``trace.py`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from core.errors import InputError
from core.model.gpt import GPT

if TYPE_CHECKING:
    from core.model.trace import Trace

Head = tuple[int, int]
"""A layer and a head in it, both counted from 0."""

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


def check_head(model: GPT, layer: int, head: int) -> None:
    """Raises an InputError that says which layers and heads there are, unless this is one."""
    index(layer, model.config.n_layers, "layer", back=False)
    index(head, model.config.n_heads, "head", back=False)


def check_patch(model: GPT, patch: Patch, tokens: int) -> None:
    """Raises an InputError unless a patch fits a run of so many tokens."""
    if (patch.head is None) != (patch.what != "head"):
        raise InputError(
            f"a patch of {patch.what} and head {patch.head} do not go together", 'name a head for what="head"'
        )
    check_head(model, patch.layer, patch.head or 0)
    other = patch.source
    ours, theirs = model.config, other.config
    same = (ours.n_layers, ours.n_heads, ours.emb_dim) == (theirs.n_layers, theirs.n_heads, theirs.emb_dim)
    if len(other.ids) != tokens or not same:
        raise InputError(
            f"a patch comes from a run of the same shape: {tokens} tokens here, {len(other.ids)} there",
            "trace two texts of as many tokens with the same model",
        )
    for position in patch.positions or ():
        index(position, tokens, "position")


def places(patch: Patch, tokens: int) -> list[int]:
    """The positions that a patch replaces."""
    return list(range(tokens) if patch.positions is None else patch.positions)


def index(value: int, count: int, what: str, *, back: bool = True) -> int:
    """An index from 0; negative ones count from the end where ``back`` allows it."""
    if not (-count if back else 0) <= value < count:
        raise InputError(
            f"there is no {what} {value}: there are {what}s 0 to {count - 1}", f"choose a {what} in between"
        )
    return value % count
