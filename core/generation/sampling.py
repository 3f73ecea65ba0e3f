"""Choosing the next token: pure functions on logits, and the order in which they are put together.

Each takes logits (V,) in float32 and returns new ones; a token that is cut gets minus infinity. The order, which is
that of Hugging Face's ``generate``: what changes single tokens first (logit bias, repetition, presence and
frequency penalty, banned tokens), then the temperature, then what cuts the tail (top-k, top-p, min-p, typical), each on
what the one before left. Then a draw, or the likeliest.

Leaves out: anything that needs the model.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from core.errors import ConfigError, LabError
from core.generation.cuts import cuts_of
from core.generation.settings import SamplingConfig

Filter = Callable[[Tensor], Tensor]
_NEVER = -torch.inf
_HEADS = (1024, 8192)
"""So many of the likeliest tokens mostly hold any share that is asked for; sorting all of 50,257 takes 5 ms."""


def bias_logits(logits: Tensor, bias: Sequence[tuple[int, float]]) -> Tensor:
    """Adds to the logits of single tokens. OpenAI's ``logit_bias``; transformers' ``SequenceBiasLogitsProcessor``."""
    ids = torch.tensor([token for token, _ in bias])
    return logits.index_add(0, ids, torch.tensor([float(b) for _, b in bias]))


def penalize_repetition(logits: Tensor, seen: Sequence[int], penalty: float) -> Tensor:
    """Divides positive and multiplies negative logits of the tokens in prompt and answer so far.

    Keskar et al., "CTRL" (2019), section 4.1; transformers' ``RepetitionPenaltyLogitsProcessor``.
    """
    ids = torch.tensor(sorted(set(seen)), dtype=torch.int64)
    old = logits[ids]
    return logits.index_copy(0, ids, torch.where(old < 0, old * penalty, old / penalty))


def penalize_presence(logits: Tensor, generated: Sequence[int], penalty: float) -> Tensor:
    """Takes ``penalty`` from each token generated so far. OpenAI's API reference, ``presence_penalty``."""
    ids = torch.tensor(sorted(set(generated)), dtype=torch.int64)
    return logits.index_add(0, ids, torch.full((len(ids),), -float(penalty)))


def penalize_frequency(logits: Tensor, generated: Sequence[int], penalty: float) -> Tensor:
    """Takes ``penalty`` from each token for each time it was generated. OpenAI's ``frequency_penalty``."""
    counts = Counter(generated)
    ids = torch.tensor(list(counts), dtype=torch.int64)
    return logits.index_add(0, ids, torch.tensor([-float(penalty) * n for n in counts.values()]))


def ban(logits: Tensor, tokens: Sequence[int]) -> Tensor:
    """Cuts some tokens. transformers' ``SuppressTokensLogitsProcessor``.

    Raises:
        ConfigError: nothing is left.
    """
    left = logits.index_fill(0, torch.tensor(tokens, dtype=torch.int64), _NEVER)
    if bool((left == _NEVER).all()):
        raise ConfigError(
            f"every token is banned, {len(set(tokens)):,} of {logits.numel():,}; at least one must be left",
            "give fewer banned_tokens",
        )
    return left


def scale_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Divides by the temperature. Ackley, Hinton, Sejnowski (1985); transformers' ``TemperatureLogitsWarper``.

    The largest logit is moved to 0 first, so that a very small temperature cannot overflow.
    """
    return (logits - logits.max()) / max(temperature, torch.finfo(torch.float32).tiny)


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Cuts all but the k largest; those that tie with the last of them stay.

    Fan et al., "Hierarchical Neural Story Generation" (2018), section 5; transformers' ``TopKLogitsWarper``.
    """
    return logits.masked_fill(logits < logits.topk(min(k, logits.numel())).values[-1], _NEVER)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Keeps the likeliest tokens up to the one with which they hold at least ``p``, that one included.

    Holtzman et al., "The Curious Case of Neural Text Degeneration" (2019), section 3.1; transformers'
    ``TopPLogitsWarper``. At p = 0 the likeliest alone is kept, at 1 all. Among equals the lower id is the likelier.
    """
    if p >= 1:
        return logits
    left = (logits > _NEVER).nonzero()[:, 0]
    probabilities = logits[left].softmax(0)
    for size in (*(n for n in _HEADS if n < left.numel()), left.numel()):
        order = _likeliest(probabilities, size)
        ordered = probabilities[order]
        count = max(1, int((ordered.cumsum(0) - ordered < p).sum()))  # those before which the likelier hold less
        if ordered[count - 1] > ordered[-1]:  # what was not looked at is less likely than the last that is kept
            break
    kept = left[order[:count]]
    return torch.full_like(logits, _NEVER).index_copy(0, kept, logits[kept])


def keep_min_p(logits: Tensor, p: float) -> Tensor:
    """Cuts tokens less likely than ``p`` times the likeliest.

    Nguyen et al., "Turning Up the Heat: Min-p Sampling" (2024), section 3; transformers' ``MinPLogitsWarper``.
    """
    probabilities = logits.softmax(0)
    return logits.masked_fill(probabilities < p * probabilities.max(), _NEVER)


def keep_typical(logits: Tensor, p: float) -> Tensor:
    """Keeps the tokens whose surprise is closest to the entropy until they hold at least ``p``.

    Meister et al., "Locally Typical Sampling" (2022), section 3; transformers' ``TypicalLogitsWarper``.
    """
    if p >= 1:
        return logits
    left = (logits > _NEVER).nonzero()[:, 0]
    logprobs = logits[left].log_softmax(0)
    distance = (-logprobs + (logprobs.exp() * logprobs).sum()).abs()  # the entropy is minus that sum
    ordered, order = distance.sort(stable=True)
    held = logprobs[order].exp().cumsum(0)
    last = min(int((held < p).sum()), left.numel() - 1)
    kept = left[distance <= ordered[last]]
    return torch.full_like(logits, _NEVER).index_copy(0, kept, logits[kept])


def draw(logits: Tensor, generator: torch.Generator) -> int:
    """One token, each with the probability that the logits give it: where a uniform number falls in their sum.

    In float64, so that a sum over 50,257 tokens loses none of them.
    """
    held = logits.double().softmax(0).cumsum(0)
    point = torch.rand(1, generator=generator, dtype=torch.float64) * held[-1]
    token = int(torch.searchsorted(held, point, right=True))
    return token if token < logits.numel() and logits[token] > _NEVER else greedy(logits)


def greedy(logits: Tensor) -> int:
    """The likeliest token; among equals the lowest id."""
    return int(logits.argmax())


def filters(sampling: SamplingConfig, prompt: Sequence[int], generated: Sequence[int]) -> list[tuple[str, Filter]]:
    """The functions that the settings ask for, in their order, each named as its setting; the idle ones left out.

    Args:
        sampling: the settings.
        prompt: what the penalty for repetition counts beside the answer.
        generated: the answer so far.
    """
    c, chain = sampling, list[tuple[str, Filter]]()
    if c.logit_bias:
        chain.append(("logit_bias", partial(bias_logits, bias=c.logit_bias)))
    if c.repetition_penalty != 1 and (prompt or generated):
        seen = [*prompt, *generated]
        chain.append(("repetition_penalty", partial(penalize_repetition, seen=seen, penalty=c.repetition_penalty)))
    if c.presence_penalty and generated:
        chain.append(("presence_penalty", partial(penalize_presence, generated=generated, penalty=c.presence_penalty)))
    if c.frequency_penalty and generated:
        fewer = partial(penalize_frequency, generated=generated, penalty=c.frequency_penalty)
        chain.append(("frequency_penalty", fewer))
    if c.banned_tokens:
        chain.append(("banned_tokens", partial(ban, tokens=c.banned_tokens)))
    if c.temperature not in (0, 1):
        chain.append(("temperature", partial(scale_temperature, temperature=c.temperature)))
    for name, cut in cuts_of(SamplingConfig).items():
        if (value := getattr(c, name)) is not None:
            chain.append((name, partial(_cut, keep=cut.keep, value=value)))
    if c.temperature == 0:
        chain.append(("temperature", _only_the_likeliest))
    return chain


def check_tokens(sampling: SamplingConfig, vocab_size: int) -> None:
    """Refuses settings that name a token which the model does not have.

    Raises:
        ConfigError: with the field and the token.
    """
    named = {"logit_bias": [t for t, _ in sampling.logit_bias], "banned_tokens": list(sampling.banned_tokens)}
    for field, tokens in named.items():
        if tokens and max(tokens) >= vocab_size:
            raise ConfigError(
                f"{field} names token {max(tokens):,}, the model has tokens 0 to {vocab_size - 1:,}",
                "take ids of this model's tokenizer",
            )


def check_numbers(logits: Tensor) -> None:
    """Refuses logits that are no numbers, as damaged or diverged weights give them.

    Raises:
        LabError: there is a NaN, or nothing finite.
    """
    if not math.isfinite(float(logits.max())):  # which a NaN is, wherever it stands
        raise LabError(
            "the model's logits are not numbers (NaN or infinite): its weights are damaged or its training diverged",
            "take another checkpoint of it; llm-lab weights MODEL shows which tensor holds NaN",
        )


def _cut(logits: Tensor, keep: Callable[[Tensor, float], Tensor], value: float) -> Tensor:
    return keep(logits, value)


def _only_the_likeliest(logits: Tensor) -> Tensor:
    best = logits.argmax()
    return torch.full_like(logits, _NEVER).index_copy(0, best[None], logits[best][None])


def _likeliest(probabilities: Tensor, size: int) -> Tensor:
    """The ids of the ``size`` largest, largest first, lower ids first among equals."""
    if size == probabilities.numel():
        return probabilities.argsort(descending=True, stable=True)
    some = probabilities.topk(size).indices.sort().values
    return some[probabilities[some].argsort(descending=True, stable=True)]
