"""Greedy decoding, beam search and scoring against Hugging Face's on the same weights."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from tiny_models import byte_level, letters, peer

from core.generation.beams import beam_search
from core.generation.engine import generate
from core.generation.score import score
from core.generation.settings import SamplingConfig
from core.weights.checkpoint import LoadedModel

END = 256


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Two threads on small products wait for each other more than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def wordy(seed: int) -> LoadedModel:
    """A model whose texts end now and then."""
    model = byte_level(context=32, seed=seed)
    with torch.no_grad():
        model.model.ln_f.bias += 2 * model.model.wte.weight[END]
    return model


@pytest.mark.parametrize("seed", range(3))
def test_greedy_tokens_are_theirs(seed: int) -> None:
    model = letters(context=32, seed=seed)
    ids = torch.tensor([model.tokenizer.encode("a cat")])
    theirs = peer(model.model).generate(
        ids, do_sample=False, max_new_tokens=27, pad_token_id=0, attention_mask=torch.ones_like(ids)
    )
    ours = generate(model, "a cat", SamplingConfig(max_new_tokens=27, temperature=0))
    assert [step.token_id for step in ours] == theirs[0, 5:].tolist()


@pytest.mark.parametrize("length_penalty", [1.0, 0.0, 2.0])
@pytest.mark.parametrize("beams", [1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_beam_search_finds_what_theirs_finds(seed: int, beams: int, length_penalty: float) -> None:
    model = wordy(seed)
    ids = torch.randint(0, 256, (1, 5), generator=torch.Generator().manual_seed(seed))
    theirs = peer(model.model, END).generate(
        ids,
        do_sample=False,
        num_beams=beams,
        num_return_sequences=beams,
        length_penalty=length_penalty,
        max_new_tokens=14,
        pad_token_id=0,
        attention_mask=torch.ones_like(ids),
        return_dict_in_generate=True,
        output_scores=True,
    )
    steps = list(
        beam_search(model, ids[0].tolist(), beams, SamplingConfig(max_new_tokens=14), length_penalty=length_penalty)
    )
    found = steps[-1].finished
    if beams == 1:  # theirs is plain greedy then, without scores
        expected = theirs.sequences[0, 5:].tolist()
        assert list(steps[-1].best.ids) == expected[: len(steps[-1].best.ids)]
        return
    assert len(found) == beams
    for beam, row, value in zip(found, theirs.sequences, theirs.sequences_scores, strict=True):
        assert list(beam.ids) == row[5 : 5 + len(beam.ids)].tolist()
        assert beam.score == pytest.approx(float(value), abs=1e-4)


def test_some_of_those_texts_ended_and_some_did_not() -> None:
    ends = set()
    for seed in range(4):
        ids = torch.randint(0, 256, (1, 5), generator=torch.Generator().manual_seed(seed))
        last = list(beam_search(wordy(seed), ids[0].tolist(), 5, SamplingConfig(max_new_tokens=14)))[-1]
        ends |= {beam.done for beam in last.finished}
    assert ends == {True, False}


def test_the_perplexity_of_a_short_text_is_the_exponential_of_their_loss() -> None:
    model = byte_level(context=64)
    text = "It was the best of times, it was the worst of times."
    ids = torch.tensor([model.tokenizer.encode(text)])
    with torch.no_grad():
        loss = float(peer(model.model)(ids, labels=ids).loss)
    found = score(model, text)
    assert math.log(found.perplexity) == pytest.approx(loss, abs=1e-5)
    assert found.bits_per_byte == pytest.approx(loss / math.log(2), abs=1e-5)  # every token is a byte here


@pytest.mark.parametrize("stride", [1, 5, 8, 16])
def test_sliding_windows_are_those_of_their_guide(stride: int) -> None:
    """huggingface.co/docs/transformers/perplexity, where a window scores C - 1 tokens; ours scores C."""
    model = byte_level(context=16)
    ids = model.tokenizer.encode("the quick brown fox jumps over the lazy dog, twice or three times")
    theirs = peer(model.model)
    nats, done = 0.0, 1
    with torch.no_grad():
        for begin in range(0, len(ids), stride):
            end = min(begin + 17, len(ids))
            rows = theirs(torch.tensor([ids[begin : end - 1]])).logits[0].log_softmax(-1)
            for target in range(done, end):
                nats -= float(rows[target - begin - 1, ids[target]])
            done = end
            if end == len(ids):
                break
    found = score(model, ids, stride=stride)
    assert found.nats == pytest.approx(nats, rel=1e-5)
    assert found.scored == len(ids) - 1
