"""How well a model expected a given text: probability, rank and entropy of each of its tokens, and its perplexity.

Leaves out: generating. Source of the sliding windows: huggingface.co/docs/transformers/perplexity.
"""

from __future__ import annotations

import builtins
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import InputError
from core.generation.memory import telling_out_of_memory
from core.generation.prompts import Special, check_fits, piece, prompt_ids
from core.generation.sampling import check_numbers

if TYPE_CHECKING:
    from core.weights.checkpoint import LoadedModel

ROWS = 128
"""Positions whose logits are computed at once: 26 MB of them at GPT-2's vocabulary."""


@dataclass(frozen=True, slots=True)
class TokenScore:
    """One token of a text; the first has nothing before it and so no numbers."""

    token_id: int
    bytes: builtins.bytes
    logprob: float | None
    """Natural logarithm of the probability that the model gave it."""
    rank: int | None
    """1: the likeliest token there."""
    entropy: float | None
    """Of the model's distribution there, in bits."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        text = self.bytes.decode("utf-8", "replace")
        numbers = {"logprob": self.logprob, "rank": self.rank, "entropy": self.entropy}
        return {"token_id": self.token_id, "text": text, "bytes": self.bytes.hex(), **numbers}


@dataclass(frozen=True)
class TextScore:
    """A whole text."""

    tokens: tuple[TokenScore, ...]

    @property
    def nats(self) -> float:
        """The surprise of all tokens but the first, together."""
        return -math.fsum(t.logprob for t in self.tokens if t.logprob is not None)

    @property
    def scored(self) -> int:
        """How many tokens have a probability."""
        return sum(t.logprob is not None for t in self.tokens)

    @property
    def perplexity(self) -> float:
        """e to the mean surprise: among how many equally likely tokens the model chose, as it were.

        NaN where nothing was scored, as when it was cancelled at once.
        """
        return math.exp(min(self.nats_per_token, 709.0))

    @property
    def nats_per_token(self) -> float:
        """The mean surprise; NaN where nothing was scored."""
        return self.nats / self.scored if self.scored else math.nan

    @property
    def bits_per_byte(self) -> float:
        """The surprise in bits for each byte of the tokens that have one; comparable between tokenizers."""
        size = sum(len(t.bytes) for t in self.tokens if t.logprob is not None)
        return self.nats / math.log(2) / max(size, 1)

    def to_dict(self) -> dict[str, Any]:
        """The numbers of the whole, as plain JSON values."""
        numbers = {"perplexity": self.perplexity, "bits_per_byte": self.bits_per_byte}
        return {"tokens": len(self.tokens), "scored": self.scored, "nats_per_token": self.nats_per_token, **numbers}


def score(
    loaded: LoadedModel,
    text: str | Sequence[int],
    *,
    stride: int | None = None,
    cancelled: threading.Event | None = None,
    allowed_special: Special = frozenset(),
) -> TextScore:
    """Scores each token of a text.

    Args:
        loaded: what ``core.load_model`` returned.
        text: text, or token ids; at least two tokens.
        stride: how far a window moves; each token but those of the first window is then seen with at least
            ``context_length - stride`` tokens before it. Left out, half the context.
        cancelled: set, the scoring ends early with the tokens so far.
        allowed_special: special tokens whose text becomes their id.

    Raises:
        InputError: fewer than two tokens, or a stride out of range.
        TokenizerError: the tokenizer is missing, belongs to another model, or cannot write the text.
        MemoryShortError: a window does not fit.
        LabError: the model's numbers are none.
    """
    steps = score_steps(loaded, text, stride=stride, cancelled=cancelled, allowed_special=allowed_special)
    return TextScore(tuple(token for part in steps for token in part))


def score_steps(
    loaded: LoadedModel,
    text: str | Sequence[int],
    *,
    stride: int | None = None,
    cancelled: threading.Event | None = None,
    allowed_special: Special = frozenset(),
) -> Iterator[tuple[TokenScore, ...]]:
    """``score``, a stretch of tokens at a time."""
    check_fits(loaded)
    context = loaded.config.context_length
    stride = max(1, context // 2) if stride is None else stride
    if not 1 <= stride <= context:
        raise InputError(
            f"stride must be from 1 to the model's context_length {context:,}, got {stride}", "leave it out for half"
        )
    ids = prompt_ids(loaded, text, allowed_special)[0] if text else []
    if len(ids) < 2:
        raise InputError(
            f"a text of at least two tokens is needed, got {len(ids)}: a token is scored by what stands before it",
            "give it a longer text",
        )
    return _scored(loaded, ids, stride, cancelled)


def _scored(
    loaded: LoadedModel, ids: list[int], stride: int, cancelled: threading.Event | None
) -> Iterator[tuple[TokenScore, ...]]:
    tokenizer = loaded.tokenizer
    yield (TokenScore(ids[0], piece(tokenizer, ids[0]), None, None, None),)
    for begin, first, end in windows(len(ids), loaded.config.context_length, stride):
        if cancelled is not None and cancelled.is_set():
            return
        with telling_out_of_memory():
            hidden = _hidden(loaded, ids[begin : end - 1])[first - begin - 1 :]  # (T, C): one row before each target
        for at in range(0, len(hidden), ROWS):
            place = first + at
            with telling_out_of_memory():
                numbers = _numbers(loaded, hidden[at : at + ROWS], ids[place : min(place + ROWS, end)])
            pairs = zip(ids[place - 1 :], ids[place:], numbers, strict=False)
            yield tuple(TokenScore(token, piece(tokenizer, token, last), *row) for last, token, row in pairs)


def windows(length: int, context: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """Windows over a text: where each begins, its first token that is scored, and its end.

    A window reads ``context`` tokens and so scores at most ``context`` targets, the last of them one behind it.

    >>> list(windows(10, 4, 2))
    [(0, 1, 5), (2, 5, 7), (4, 7, 9), (6, 9, 10)]
    """
    first, begin = 1, 0
    while first < length:
        end = min(begin + context + 1, length)
        yield begin, first, end
        first = end
        begin += stride


@torch.inference_mode()
def _hidden(loaded: LoadedModel, ids: list[int]) -> Tensor:
    return loaded.model.hidden(torch.tensor([ids], device=loaded.model.wte.weight.device))[0]  # (T, C)


@torch.inference_mode()
def _numbers(loaded: LoadedModel, hidden: Tensor, targets: list[int]) -> list[tuple[float, int, float]]:
    logits = F.linear(hidden, loaded.model.head)[:, : loaded.tokenizer.vocab_size].float()  # (T, V)
    check_numbers(logits)
    logprobs = logits.log_softmax(-1)
    wanted = torch.tensor(targets, device=logits.device)[:, None]
    chosen = logprobs.gather(1, wanted)  # (T, 1)
    ranks = 1 + (logits > logits.gather(1, wanted)).sum(-1)
    entropy = -(logprobs.exp() * logprobs).sum(-1) / math.log(2)
    return list(zip(chosen[:, 0].tolist(), ranks.tolist(), entropy.tolist(), strict=True))
