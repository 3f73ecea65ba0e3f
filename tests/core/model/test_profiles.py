"""Head profiles: chance for a model that knows nothing, one for heads that were built by hand."""

from __future__ import annotations

import math

import pytest
import torch

from core.config import GPTConfig
from core.errors import InputError
from core.model.gpt import GPT
from core.model.profiles import MEASURES, head_profiles, repeated_tokens

V = 96
T = 32
STRONG = 150.0


def built_by_hand() -> GPT:
    """Two layers of one head: the first copies the token before into a slot, the second looks for itself in that slot.

    The residual is token (one-hot, V) + position (one-hot, T) + slot (V).
    """
    width = 2 * V + T
    model = GPT(GPTConfig(V, T, width, 1, 2)).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.zero_()
    token, place, slot = slice(0, V), slice(V, V + T), slice(V + T, width)
    model.wte.weight[:, token] = torch.eye(V)
    model.wpe.weight[:, place] = torch.eye(T)
    for norm in [model.ln_f, *[n for block in model.h for n in (block.ln_1, block.ln_2)]]:
        norm.weight.fill_(1.0)

    def head(layer: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        q, k, v = model.h[layer].attn.c_attn.weight.split(width)
        return q, k, v

    q, k, v = head(0)
    q[place, place] = STRONG * torch.eye(T).roll(-1, 0)  # position p asks for p - 1
    k[place, place] = torch.eye(T)
    v[slot, token] = torch.eye(V)
    model.h[0].attn.c_proj.weight.copy_(torch.eye(width))
    q, k, v = head(1)
    q[token, token] = STRONG * torch.eye(V)
    k[token, slot] = torch.eye(V)
    return model


def test_hand_built_heads_score_near_one() -> None:
    found = head_profiles(built_by_hand())
    assert found.previous[0, 0] > 0.95
    assert found.induction[1, 0] > 0.95
    assert found.best("induction")[:2] == (1, 0)
    assert found.induction[0, 0] < 0.1, "the previous-token head is no induction head"


def test_an_untrained_model_lies_near_chance() -> None:
    model = GPT(GPTConfig(65, 64, 32, 4, 3), torch.Generator().manual_seed(1)).eval().requires_grad_(False)
    found = head_profiles(model)
    for measure in ("previous", "duplicate", "induction", "first"):
        assert torch.allclose(found[measure], torch.tensor(found.chance[measure]), atol=0.02), measure
    assert torch.allclose(found.entropy, torch.tensor(found.chance["entropy"]), rtol=0.02)
    assert torch.allclose(found.distance, torch.tensor(found.chance["distance"]), rtol=0.05)


def test_numbers_of_a_pattern_that_is_known() -> None:
    """With zero queries every head looks at all tokens alike: each measure can be reckoned by hand."""
    model = GPT(GPTConfig(10, 8, 16, 2, 1), torch.Generator().manual_seed(0)).eval().requires_grad_(False)
    model.h[0].attn.c_attn.weight.zero_()
    found = head_profiles(model, [5, 7, 5, 7])
    thirds_and_quarter = [1 / 3, 1 / 4]  # the two tokens with an earlier copy see three and four tokens
    expected = {
        "previous": (1 / 2 + 1 / 3 + 1 / 4) / 3,
        "duplicate": sum(thirds_and_quarter) / 2,
        "induction": sum(thirds_and_quarter) / 2,
        "first": (1 / 2 + 1 / 3 + 1 / 4) / 3,
        "entropy": sum(math.log2(n) for n in (1, 2, 3, 4)) / 4,
        "distance": (0 + 1 / 2 + 1 + 3 / 2) / 4,
    }
    for measure in MEASURES:
        assert found[measure].shape == (1, 2)
        assert found[measure][0].tolist() == pytest.approx([expected[measure]] * 2), measure
        assert found.chance[measure] == pytest.approx(expected[measure]), measure


def test_a_single_token_has_scores_that_are_no_numbers() -> None:
    model = GPT(GPTConfig(10, 8, 16, 2, 1)).eval().requires_grad_(False)
    found = head_profiles(model, [3])
    assert found.previous.isnan().all() and found.induction.isnan().all()
    assert found.entropy.eq(0).all()


def test_nan_in_the_weights_is_shown_and_no_crash() -> None:
    model = GPT(GPTConfig(10, 8, 16, 2, 2), torch.Generator().manual_seed(0)).eval().requires_grad_(False)
    model.h[1].attn.c_attn.weight[0, 0] = math.nan
    found = head_profiles(model, [1, 2, 1, 2])
    assert found.entropy[0].isfinite().all()
    assert found.entropy[1, 0].isnan() and found.previous[1, 0].isnan()
    assert found.best("previous")[:2] != (1, 0) and math.isfinite(found.best("previous")[2])


def test_a_context_that_is_too_short_says_so() -> None:
    with pytest.raises(InputError, match="context of 3 is too short"):
        head_profiles(GPT(GPTConfig(10, 3, 16, 2, 1)))


def test_repeated_tokens_repeat() -> None:
    row = repeated_tokens(50, 7, seed=3)
    assert row.shape == (14,)
    assert torch.equal(row[:7], row[7:])
    assert not torch.equal(row, repeated_tokens(50, 7, seed=4))
    assert len(repeated_tokens(50, 7, seed=-(10**30))) == 14, "any whole number is a seed"
