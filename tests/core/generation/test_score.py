"""Scoring a text: what each token gets, whole texts, and what cannot be scored. Agreement is in tests/parity."""

from __future__ import annotations

import math
import threading

import pytest
import torch
from tiny_models import byte_level, letters, loaded, tiny_model

from core.errors import InputError, LabError, TokenizerError
from core.generation.score import score, score_steps
from core.tokenizers import get_tokenizer


def test_each_token_has_the_numbers_of_the_distribution_before_it() -> None:
    model = letters()
    found = score(model, "the fox")
    with torch.no_grad():
        logits = model.model(torch.tensor([model.tokenizer.encode("the fox")]))[0]
    assert (found.tokens[0].logprob, found.tokens[0].rank, found.tokens[0].entropy) == (None, None, None)
    for row, token in zip(logits, found.tokens[1:], strict=False):
        logprobs = row.log_softmax(0)
        assert token.logprob == pytest.approx(float(logprobs[token.token_id]), abs=1e-5)
        assert token.rank == 1 + int((row > row[token.token_id]).sum())
        assert token.entropy == pytest.approx(float(-(logprobs.exp() * logprobs).sum()) / math.log(2), abs=1e-4)
    assert b"".join(t.bytes for t in found.tokens) == b"the fox"


def test_every_token_of_a_long_text_is_scored_once() -> None:
    text = "the quick brown fox jumps over the lazy dog " * 20
    found = score(letters(), text)
    assert found.scored == len(text) - 1 and b"".join(t.bytes for t in found.tokens).decode() == text
    assert found.perplexity == pytest.approx(math.exp(found.nats / found.scored))
    assert found.bits_per_byte == pytest.approx(found.nats / math.log(2) / (len(text) - 1))


def test_bits_per_byte_counts_bytes_and_not_tokens() -> None:
    model = byte_level()
    euro = score(model, "a€")
    assert euro.scored == 3 and euro.bits_per_byte == pytest.approx(euro.nats / math.log(2) / 3)


def test_words_are_scored_with_their_spaces() -> None:
    tokenizer = get_tokenizer("words-v1", "the cat sat.")
    model = loaded(tiny_model(tokenizer.vocab_size), tokenizer)
    assert b"".join(t.bytes for t in score(model, "the cat sat.").tokens) == b"the cat sat."


@pytest.mark.parametrize("text", ["", "a", []])
def test_a_text_without_two_tokens_is_refused(text: object) -> None:
    with pytest.raises(InputError, match="at least two tokens"):
        score(letters(), text)  # type: ignore[arg-type]


@pytest.mark.parametrize("stride", [0, -1, 17])
def test_a_stride_out_of_range_is_refused(stride: int) -> None:
    with pytest.raises(InputError, match=f"stride must be from 1 to the model's context_length 16, got {stride}"):
        score(letters(), "hello", stride=stride)


def test_text_that_cannot_be_written_and_another_models_tokenizer_are_refused() -> None:
    with pytest.raises(TokenizerError, match="U\\+00FC"):
        score(letters(), "grün")
    with pytest.raises(TokenizerError, match="was made for 20"):
        score(loaded(tiny_model(20), letters().tokenizer), "hello")


def test_weights_that_are_no_numbers_are_said_as_when_generating() -> None:
    model = letters()
    with torch.no_grad():
        model.model.ln_f.weight[3] = float("nan")
    with pytest.raises(LabError, match="not numbers"):
        score(model, "hello")


def test_a_text_of_which_nothing_was_scored_has_no_perplexity() -> None:
    cancelled = threading.Event()
    cancelled.set()
    found = score(letters(), "hello", cancelled=cancelled)
    assert found.scored == 0 and math.isnan(found.perplexity) and math.isnan(found.to_dict()["nats_per_token"])


def test_cancelled_it_ends_with_what_there_is() -> None:
    cancelled = threading.Event()
    parts = []
    for part in score_steps(letters(), "hello " * 50, cancelled=cancelled):
        parts.append(part)
        if len(parts) == 2:
            cancelled.set()
    assert len(parts) == 2 and len(score(letters(), "hello " * 50, cancelled=cancelled).tokens) == 1


def test_special_tokens_are_text_unless_allowed() -> None:
    model = byte_level()
    assert len(score(model, "a<|endoftext|>").tokens) == 14
    assert [t.token_id for t in score(model, "a<|endoftext|>", allowed_special="all").tokens][1:] == [256]
