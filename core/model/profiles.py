"""What each head looks at, as a few numbers: previous-token, duplicate-token, induction and first-token scores.

All heads at once, on repeated random tokens (where only position and repetition can be looked at) or on a given text.
Leaves out: whether a head matters, which only switching it off tells.

Shapes: T tokens, L layers, H heads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.errors import InputError
from core.model.gpt import GPT
from core.model.trace import trace

MEASURES: dict[str, str] = {
    "previous": "attention to the token just before (Clark et al., 2019; Voita et al., 2019)",
    "duplicate": "attention to earlier copies of the token itself (Wang et al., 2022)",
    "induction": "attention to what followed earlier copies of the token (Olsson et al., 2022: prefix matching)",
    "first": "attention to the first token (Clark et al., 2019; Xiao et al., 2023: attention sinks)",
    "entropy": "how spread the attention of a token is, in bits (Clark et al., 2019)",
    "distance": "how many tokens back a head looks, on average (Vig and Belinkov, 2019)",
}
"""Each measure of a head, with what it is and where it is described."""

MIN_CONTEXT = 4
"""Tokens that a context must hold for random tokens to be repeated in it."""


@dataclass(frozen=True)
class HeadProfiles:
    """The measures of all heads: each (L, H) float32; scores are means of attention, from 0 to 1.

    A token counts for a score if there is something to look at: for ``duplicate`` and ``induction``, an earlier copy of
    it. A measure for which no token counts is not a number.
    """

    previous: Tensor
    duplicate: Tensor
    induction: Tensor
    first: Tensor
    entropy: Tensor
    distance: Tensor
    chance: dict[str, float]
    """What each measure is for a head that looks at all tokens alike."""
    tokens: int
    """How many tokens the text had."""

    def __getitem__(self, measure: str) -> Tensor:
        """One measure by its name."""
        found: Tensor = getattr(self, measure)
        return found

    def best(self, measure: str) -> tuple[int, int, float]:
        """The layer and head with the highest value of a measure, and the value."""
        values = self[measure].nan_to_num(-torch.inf)
        layer, head = divmod(int(values.argmax()), values.shape[1])
        return layer, head, float(values[layer, head])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"tokens": self.tokens, "chance": self.chance, **{name: self[name].tolist() for name in MEASURES}}


def repeated_tokens(vocab_size: int, half: int, seed: int = 0) -> Tensor:
    """Random tokens, and the same once more: (2 half,) int64.

    Source: Olsson et al., "In-context Learning and Induction Heads" (2022), prefix matching; there 25 tokens are said
    four times, without the most and the least common ones.
    """
    generator = torch.Generator().manual_seed(seed % 2**63)  # torch takes no larger one
    row = torch.randint(vocab_size, (half,), generator=generator)
    return torch.cat([row, row])


@torch.no_grad()
def head_profiles(
    model: GPT, ids: Tensor | Sequence[int] | None = None, *, seed: int = 0, texts: int = 4
) -> HeadProfiles:
    """Measures all heads.

    Args:
        model: in evaluation mode.
        ids: the tokens of a text; None: repeated random tokens, as many as half of what the context holds, at most 64.
        seed: of the random tokens.
        texts: over how many random texts the mean is taken.

    Raises:
        InputError: the text does not fit the model, or its context is too short to repeat anything.
    """
    if ids is not None:
        return _mean([_measure(model, ids)])
    half = min(64, model.config.context_length // 2)
    if model.config.context_length < MIN_CONTEXT:
        raise InputError(
            f"a context of {model.config.context_length} is too short for repeated tokens, {MIN_CONTEXT} are needed",
            "give a text of your own: head_profiles(model, ids)",
        )
    vocab = model.wte.weight.shape[0]
    return _mean([_measure(model, repeated_tokens(vocab, half, seed + i)) for i in range(texts)])


def _measure(model: GPT, tokens: Tensor | Sequence[int]) -> HeadProfiles:
    run = trace(model, tokens)
    ids = run.ids
    T = len(ids)
    at = torch.arange(T, device=ids.device)
    weights = _weights(ids)
    uniform = torch.ones(T, T, device=ids.device).tril() / (at[:, None] + 1)
    chance = _numbers(uniform[None], weights)
    layers = [_numbers(run.pattern(layer).float(), weights) for layer in range(model.config.n_layers)]
    values = {name: torch.stack([layer[name] for layer in layers]).cpu() for name in MEASURES}
    return HeadProfiles(**values, chance={name: float(chance[name][0]) for name in MEASURES}, tokens=T)


def _weights(ids: Tensor) -> dict[str, Tensor]:
    """What each place of a pattern counts for in each measure that is a weighted sum of it, (T, T) float32.

    A measure for which no token counts has weights that are not numbers.
    """
    T = len(ids)
    at = torch.arange(T, device=ids.device)
    same = (ids[:, None] == ids[None, :]).tril(-1)  # (T, T): an earlier copy of the token
    after = torch.zeros_like(same)
    after[:, 1:] = same[:, :-1]  # what followed it; a token that follows its copy at once is itself excluded by tril
    targets = {"previous": at[:, None] - at[None, :] == 1, "duplicate": same, "induction": after.tril(-1)}
    targets["first"] = (at[None] == 0) & (at[:, None] > 0)
    shares = {name: target / target.any(1).sum() for name, target in targets.items()}  # over tokens that count
    return {**shares, "distance": (at[:, None] - at[None, :]).clamp_min(0) / T}


def _numbers(pattern: Tensor, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The measures of patterns (H, T, T), each (H,)."""
    H, T, _ = pattern.shape
    sums = pattern.reshape(H, -1) @ torch.stack([weight.flatten() for weight in weights.values()], 1)  # (H, measures)
    bits = torch.special.entr(pattern).sum((1, 2)) / (T * math.log(2))  # a NaN stays one
    return {**dict(zip(weights, sums.unbind(1), strict=True)), "entropy": bits + 0.0}  # no -0


def _mean(found: list[HeadProfiles]) -> HeadProfiles:
    chance = {name: sum(one.chance[name] for one in found) / len(found) for name in MEASURES}
    values = {name: torch.stack([one[name] for one in found]).mean(0) for name in MEASURES}
    return HeadProfiles(**values, chance=chance, tokens=found[0].tokens)
