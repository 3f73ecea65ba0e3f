"""Reading a model layer by layer: what it would answer at a position if it ended there.

The final norm and the head, put on the residual between two layers. Source: nostalgebraist, "interpreting GPT: the
logit lens" (2020). An approximation: the layers in between were never trained to be read so.

Shapes: L layers, V vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from core.errors import InputError
from core.model.patching import index

if TYPE_CHECKING:
    from core.model.trace import Trace


@dataclass(frozen=True, slots=True)
class LensToken:
    """A token and its probability."""

    token: int
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"token": self.token, "probability": self.probability}


@dataclass(frozen=True, slots=True)
class LensRow:
    """What the model would answer if its layers ended before ``layer``."""

    layer: int
    """0: straight from the embeddings; L: the model's own answer."""
    top: tuple[LensToken, ...]
    """The likeliest tokens, the first the likeliest; empty where the answer is not a number."""
    entropy: float
    """Of the whole distribution, in bits."""
    answer: int | None
    """The token that is told through all rows: the model's own likeliest, or the one asked for."""
    rank: int | None
    """Its rank here, 1 the likeliest."""
    probability: float
    """Its probability here."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "layer": self.layer,
            "top": [token.to_dict() for token in self.top],
            "entropy_bits": self.entropy,
            "answer": self.answer,
            "rank": self.rank,
            "probability": self.probability,
        }


@torch.no_grad()
def lens(trace: Trace, position: int = -1, k: int = 5, *, token: int | None = None) -> list[LensRow]:
    """The answer after each layer, from the embeddings alone to the whole model: L + 1 rows.

    Args:
        trace: the pass.
        position: the token whose successor is told.
        k: how many of the likeliest tokens a row names.
        token: the token whose rank and probability each row tells; None: the model's own answer.

    Raises:
        InputError: a position or a token that there is not, or k below 1.
    """
    if k < 1:
        raise InputError(f"k must be at least 1, got {k}", "ask for one token or more")
    position = index(position, len(trace.ids), "position")
    vocab = trace.model.head.shape[0]
    answer = None if token is None else index(token, vocab, "token", back=False)
    if answer is None:
        own = trace.logit_lens(trace.config.n_layers, position)
        answer = None if own.isnan().any() else int(own.argmax())
    return [_row(trace, layer, position, min(k, vocab), answer) for layer in range(trace.config.n_layers + 1)]


def _row(trace: Trace, layer: int, position: int, k: int, answer: int | None) -> LensRow:
    logs = trace.logit_lens(layer, position).cpu().double().log_softmax(-1)  # (V,)
    if logs.isnan().any():
        return LensRow(layer, (), math.nan, answer, None, math.nan)
    chances = logs.exp()
    best = chances.topk(k)
    top = tuple(LensToken(int(i), float(p)) for p, i in zip(best.values, best.indices, strict=True))
    entropy = float(-torch.where(chances > 0, chances * logs, 0.0).sum()) / math.log(2)
    rank = None if answer is None else 1 + int((logs > logs[answer]).sum())
    return LensRow(layer, top, entropy, answer, rank, math.nan if answer is None else float(chances[answer]))
