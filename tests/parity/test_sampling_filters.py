"""Each filter on logits against Hugging Face's processor of the same name, and all in a row against its generate."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from tiny_models import byte_level, peer
from torch import Tensor

from core.generation import sampling
from core.generation.settings import SamplingConfig

SIZES = [7, 97, 3000]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Two threads on small products wait for each other more than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def logits(size: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(size, generator=generator) * (1 + 3 * torch.rand(1, generator=generator))


def cases() -> list[Tensor]:
    return [logits(size, seed) for size in SIZES for seed in range(8)]


def same(ours: Tensor, theirs: Tensor) -> None:
    """The same tokens are cut, and the rest have the same probabilities."""
    assert torch.equal(ours == -torch.inf, theirs == -torch.inf)
    assert torch.allclose(ours.softmax(0), theirs.softmax(0), atol=1e-6)


@pytest.mark.parametrize("temperature", [0.05, 0.7, 1.0, 1.9, 30.0])
def test_temperature(temperature: float) -> None:
    from transformers import TemperatureLogitsWarper

    for row in cases():
        theirs = TemperatureLogitsWarper(temperature)(None, row[None])[0]
        same(sampling.scale_temperature(row, temperature), theirs)


@pytest.mark.parametrize("k", [1, 2, 50, 10_000])
def test_top_k(k: int) -> None:
    from transformers import TopKLogitsWarper

    for row in cases():
        same(sampling.keep_top_k(row, k), TopKLogitsWarper(k)(None, row[None])[0])
        tied = row.round()
        same(sampling.keep_top_k(tied, k), TopKLogitsWarper(k)(None, tied[None])[0])


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.95, 0.999, 1.0])
def test_top_p(p: float) -> None:
    from transformers import TopPLogitsWarper

    for row in cases():
        same(sampling.keep_top_p(row, p), TopPLogitsWarper(p)(None, row[None])[0])


@pytest.mark.parametrize("p", [0.0, 0.02, 0.3, 1.0])
def test_min_p(p: float) -> None:
    from transformers import MinPLogitsWarper

    for row in cases():
        same(sampling.keep_min_p(row, p), MinPLogitsWarper(p)(None, row[None])[0])


@pytest.mark.parametrize("p", [0.05, 0.4, 0.9, 0.999])
def test_typical(p: float) -> None:
    from transformers import TypicalLogitsWarper

    for row in cases():
        same(sampling.keep_typical(row, p), TypicalLogitsWarper(p)(None, row[None])[0])
        after_top_k = sampling.keep_top_k(row, 5)
        same(sampling.keep_typical(after_top_k, p), TypicalLogitsWarper(p)(None, after_top_k[None])[0])


@pytest.mark.parametrize("penalty", [0.5, 1.0, 1.3, 4.0])
def test_repetition_penalty(penalty: float) -> None:
    from transformers import RepetitionPenaltyLogitsProcessor

    for seed, row in enumerate(cases()):
        seen = torch.randint(0, len(row), (9,), generator=torch.Generator().manual_seed(seed))
        theirs = RepetitionPenaltyLogitsProcessor(penalty)(seen[None], row[None])[0]
        same(sampling.penalize_repetition(row, seen.tolist(), penalty), theirs)


def test_logit_bias() -> None:
    from transformers import SequenceBiasLogitsProcessor

    bias = {0: -3.0, 4: 2.5, 6: 0.25}
    for row in cases():
        theirs = SequenceBiasLogitsProcessor([[[token], b] for token, b in bias.items()])(
            torch.tensor([[1, 2]]), row[None]
        )[0]
        same(sampling.bias_logits(row, list(bias.items())), theirs)


def test_banned_tokens() -> None:
    from transformers import SuppressTokensLogitsProcessor

    for row in cases():
        same(sampling.ban(row, [1, 3, 3]), SuppressTokensLogitsProcessor([1, 3])(None, row[None])[0])


def test_the_order_is_theirs() -> None:
    """All settings at once give the distribution that transformers' generate draws from, in its own order."""
    model = byte_level().model
    config = SamplingConfig(
        temperature=0.7,
        top_k=40,
        top_p=0.9,
        min_p=0.01,
        typical_p=0.95,
        repetition_penalty=1.4,
        banned_tokens=(7,),
        logit_bias=((65, 1.5), (66, -1.5)),
    )
    ids = torch.randint(0, 256, (1, 12), generator=torch.Generator().manual_seed(3))
    out = peer(model).generate(
        ids,
        do_sample=True,
        max_new_tokens=6,
        temperature=0.7,
        top_k=40,
        top_p=0.9,
        min_p=0.01,
        typical_p=0.95,
        repetition_penalty=1.4,
        suppress_tokens=[7],
        sequence_bias=[[[65], 1.5], [[66], -1.5]],
        output_scores=True,
        return_dict_in_generate=True,
        pad_token_id=0,
        attention_mask=torch.ones_like(ids),
    )
    for i, theirs in enumerate(out.scores):
        before = out.sequences[0, : 12 + i]
        with torch.no_grad():
            ours = model(before[None])[0, -1]
        for _, change in sampling.filters(config, before[:12].tolist(), before[12:].tolist()):
            ours = change(ours)
        same(ours, theirs[0])
        assert 1 < int((ours > -torch.inf).sum()) < 257
