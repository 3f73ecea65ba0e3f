"""What the settings do to a distribution, filter by filter, told in plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.generation.prompts import piece
from core.generation.sampling import Filter, entropy_bits
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
    def totals(self) -> list[float]:
        """The logsumexp of the raw logits and of each stage: what makes probabilities of them."""
        return [float(logits.logsumexp(0)) for logits in (self.raw, *(left for _, left in self.stages))]

    def kept(self) -> dict[str, int]:
        """How many tokens are left after each filter."""
        return {name: int((logits > -torch.inf).sum()) for name, logits in self.stages}

    def paths(self, tokens: Sequence[int]) -> list[tuple[tuple[str, float], ...]]:
        """The probability of each token after each filter."""
        chosen = torch.tensor(tokens, dtype=torch.int64)
        told = zip(self.stages, self.totals[1:], strict=True)
        rows = [(name, _probabilities(logits[chosen], total)) for (name, logits), total in told]
        return [tuple((name, row[i]) for name, row in rows) for i in range(len(tokens))]

    def before(self, tokens: Sequence[int]) -> list[float]:
        """The model's own probability of each token."""
        return _probabilities(self.raw[torch.tensor(tokens, dtype=torch.int64)], self.totals[0])

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
        told = zip(tokens, self.before(tokens), self.paths(tokens), strict=True)
        alternatives = tuple(
            _alternative(token, piece(tokenizer, token, last), p, path, self._cut_by(token)) for token, p, path in told
        )
        entropy = entropy_bits(self.raw, self.totals[0])
        after = entropy_bits(self.final, self.totals[-1]) if self.stages else entropy
        return Choice(entropy, after, alternatives, self.kept())

    def _cut_by(self, token: int) -> str | None:
        """The first filter that cut a token; one whose probability is too small for a float was not cut."""
        return next((name for name, logits in self.stages if logits[token] == -torch.inf), None)


def run_filters(logits: Tensor, chain: Sequence[tuple[str, Filter]]) -> Filtered:
    """Puts logits (V,) through the filters, keeping what each leaves."""
    stages, current = [], logits
    for name, change in chain:
        current = change(current)
        stages.append((name, current))
    return Filtered(logits, stages)


def _probabilities(chosen: Tensor, total: float) -> list[float]:
    values: list[float] = (chosen - total).exp().tolist()
    return values


def _alternative(
    token: int, raw: bytes, before: float, path: tuple[tuple[str, float], ...], cut_by: str | None
) -> Alternative:
    after = path[-1][1] if path else before
    return Alternative(token, raw, raw.decode("utf-8", "replace"), before, after, cut_by, path)
