"""One square of numbers over the tokens of a text, with all that its picture must say: a head's, or several as one.

Shapes: T tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from core.errors import InputError, nearest
from core.model.pictures.labels import token_labels

if TYPE_CHECKING:
    from core.model.head_sets import Head
    from core.model.trace import Trace
    from core.tokenizers.base import Tokenizer

SQUARES = {"pattern": "attention", "scores": "scaled and masked scores", "raw_scores": "dot products q·k"}
"""What a pass has one T x T square of for each head, by the name that ``Trace`` gives it."""


@dataclass(frozen=True)
class HeadMap:
    """A square of numbers: row i says what token i has with each token j."""

    model: str
    what: str
    """One of ``SQUARES``."""
    layer: int | None
    """None: over all layers."""
    head: int | None
    """None: several heads as one."""
    how: str
    """``head``, or how several became one: mean, max, rollout."""
    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    """A label for each id."""
    values: Tensor
    """(T, T) float32, on the CPU."""

    @property
    def title(self) -> str:
        """What it is, in a line."""
        if self.how == "head":
            return f"L{self.layer} H{self.head} · {SQUARES[self.what]}"
        of = "all layers" if self.layer is None else f"layers 0 to {self.layer}"
        return f"{self.how} · {of if self.how == 'rollout' else f'heads of layer {self.layer}'}"

    @property
    def unseen(self) -> Tensor:
        """Where a token would look at a later one, (T, T) bool: those places are left empty."""
        return torch.ones_like(self.values, dtype=torch.bool).triu(1)

    def to_dict(self) -> dict[str, Any]:
        """Plain values: a row has a number for each token that it may see, so row i has i + 1."""
        rows = self.values.tolist()
        return {
            "model": self.model,
            "what": self.what,
            "how": self.how,
            "layer": self.layer,
            "head": self.head,
            "ids": list(self.ids),
            "tokens": list(self.tokens),
            "rows": [row[: i + 1] for i, row in enumerate(rows)],
        }


def head_maps(
    trace: Trace, tokenizer: Tokenizer, model: str, heads: Iterable[Head], what: str = "pattern"
) -> Iterator[HeadMap]:
    """The squares of some heads, each computed when it is its turn.

    Raises:
        InputError: there is no such square, or no such head.
    """
    if what not in SQUARES:
        raise InputError(f"expected one of {', '.join(SQUARES)}, got {what!r}{nearest(what, SQUARES)}", "take pattern")
    ids = tuple(trace.ids.tolist())
    labels = token_labels(tokenizer, ids)
    return (
        HeadMap(model, what, layer, head, "head", ids, labels, trace[what, layer, head].float().cpu())
        for layer, head in heads
    )


def combined_map(trace: Trace, tokenizer: Tokenizer, model: str, layer: int, how: str) -> HeadMap:
    """The heads of a layer as one square, or rollout up to it, see ``core.model.rollout.together``.

    Raises:
        InputError: there is no such layer, or no such way.
    """
    from core.model.rollout import together

    ids = tuple(trace.ids.tolist())
    values = together(trace, layer, how).cpu()
    return HeadMap(model, "pattern", layer, None, how, ids, token_labels(tokenizer, ids), values)
