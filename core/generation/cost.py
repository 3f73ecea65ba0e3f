"""What a number format costs: how much worse a model expects a text when its weights are kept in fewer bits."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from core.errors import InputError
from core.generation.opened import runner_for
from core.generation.pace import Precision

if TYPE_CHECKING:
    from core.weights.checkpoint import LoadedModel


@dataclass(frozen=True, slots=True)
class PrecisionCost:
    """Perplexities of one text."""

    precision: str
    perplexity: float
    float32: float
    tokens: int

    @property
    def share(self) -> float:
        """How much higher the perplexity is, as a share; negative where chance made it lower."""
        return self.perplexity / self.float32 - 1


def precision_cost(
    loaded: LoadedModel, ids: Sequence[int], precision: Precision, cancelled: threading.Event | None = None
) -> PrecisionCost | None:
    """The perplexity of some tokens, decoded one by one as an answer is, in a precision and in float32.

    Args:
        loaded: a model, loaded in float32.
        ids: at least two; those beyond the context are left out.
        precision: of the weights.
        cancelled: set, it ends early with None.

    Raises:
        InputError: fewer than two tokens.
        ConfigError: there is no such precision here.
    """
    ids = list(ids)[: loaded.config.context_length]
    if len(ids) < 2:
        raise InputError(f"a text of at least two tokens is needed, got {len(ids)}", "give it a longer text")
    found = []
    for kind in (precision, "float32"):
        runner, nats = runner_for(loaded, kind), 0.0
        for token, following in pairwise(ids):
            if cancelled is not None and cancelled.is_set():
                return None
            logits = runner.prefill(torch.tensor([[token]]))[0]
            nats -= float(logits.log_softmax(0)[following])
        found.append(math.exp(nats / (len(ids) - 1)))
    return PrecisionCost(precision, found[0], found[1], len(ids) - 1)
