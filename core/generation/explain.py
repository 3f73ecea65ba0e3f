"""What the settings do to a distribution, filter by filter, told in plain numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.generation.prompts import piece
from core.generation.sampling import Filter
from core.generation.steps import Alternative, Choice

if TYPE_CHECKING:
    from core.tokenizers.base import Tokenizer


@dataclass(frozen=True)
class Filtered:
    """Logits (V,) before, between and after the filters."""

    raw: Tensor
    stages: list[tuple[str, Tensor]]
    """What each filter left, with its name."""

    @property
    def final(self) -> Tensor:
        """What the draw is made from."""
        return self.stages[-1][1] if self.stages else self.raw

    @cached_property
    def _masses(self) -> list[tuple[float, float]]:
        """The logsumexp and the entropy in bits of the raw logits and of each stage."""
        return [mass(logits) for logits in (self.raw, *(left for _, left in self.stages))]

    @cached_property
    def totals(self) -> list[float]:
        """The logsumexp of the raw logits and of each stage: what makes probabilities of them."""
        return [total for total, _ in self._masses]

    def kept(self) -> dict[str, int]:
        """How many tokens are left after each filter."""
        return {name: int((logits > -torch.inf).count_nonzero()) for name, logits in self.stages}

    def paths(self, tokens: Sequence[int]) -> list[tuple[tuple[str, float], ...]]:
        """The probability of each token after each filter."""
        rows = [(name, _probabilities(row, total)) for name, row, total in self._rows(tokens)]
        return [tuple((name, row[i]) for name, row in rows) for i in range(len(tokens))]

    def _rows(self, tokens: Sequence[int]) -> list[tuple[str, list[float], float]]:
        """Of each stage its name, the logits of some tokens, and the logsumexp."""
        chosen = torch.tensor(tokens, dtype=torch.int64)
        told = zip(self.stages, self.totals[1:], strict=True)
        return [(name, logits[chosen].tolist(), total) for (name, logits), total in told]

    def before(self, tokens: Sequence[int]) -> list[float]:
        """The model's own probability of each token."""
        return _probabilities(self.raw[torch.tensor(tokens, dtype=torch.int64)].tolist(), self.totals[0])

    def logprobs(self, token: int) -> tuple[float, float]:
        """Natural logarithms of a token's probability: the model's own, and in the draw."""
        return float(self.raw[token]) - self.totals[0], float(self.final[token]) - self.totals[-1]

    def choice(self, tokenizer: Tokenizer, top: int, last: int | None = None) -> Choice:
        """The numbers of this distribution, with its ``top`` likeliest tokens.

        Args:
            tokenizer: whose tokens they are.
            top: how many of them are told.
            last: the token before.
        """
        tokens: list[int] = self.raw.topk(min(top, self.raw.numel())).indices.tolist()
        rows = self._rows(tokens)
        paths = [[(name, math.exp(row[i] - total)) for name, row, total in rows] for i in range(len(tokens))]
        # The first filter that cut a token; one whose probability is too small for a float was not cut.
        cut_by = [next((name for name, row, _ in rows if row[i] == -math.inf), None) for i in range(len(tokens))]
        alternatives = tuple(
            _alternative(token, piece(tokenizer, token, last), p, tuple(path), cut)
            for token, p, path, cut in zip(tokens, self.before(tokens), paths, cut_by, strict=True)
        )
        return Choice(self._masses[0][1], self._masses[-1][1], alternatives, self.kept())


def mass(logits: Tensor) -> tuple[float, float]:
    """The logsumexp of logits (V,), and the entropy of their distribution in bits.

    >>> mass(torch.zeros(8))[1]
    3.0
    """
    probabilities = logits.softmax(0)
    total = float(logits.max()) - math.log(float(probabilities.max()))
    # What was cut has no probability, and no surprise at all.
    nats = total - float(probabilities.dot(logits.clamp_min(-1e30)))
    return total, max(0.0, round(nats / math.log(2), 5)) + 0.0


def run_filters(logits: Tensor, chain: Sequence[tuple[str, Filter]]) -> Filtered:
    """Puts logits (V,) through the filters, keeping what each leaves."""
    stages, current = [], logits
    for name, change in chain:
        current = change(current)
        stages.append((name, current))
    return Filtered(logits, stages)


def _probabilities(chosen: Sequence[float], total: float) -> list[float]:
    return [math.exp(logit - total) for logit in chosen]


def _alternative(
    token: int, raw: bytes, before: float, path: tuple[tuple[str, float], ...], cut_by: str | None
) -> Alternative:
    after = path[-1][1] if path else before
    return Alternative(token, raw, raw.decode("utf-8", "replace"), before, after, cut_by, path)
