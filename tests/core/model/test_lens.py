"""The lens by rows: against the model itself and torch's own distributions."""

from __future__ import annotations

import math

import pytest
import torch
from tiny_models import tiny_model
from torch.distributions import Categorical

from core.errors import InputError
from core.model.gpt import GPT
from core.model.lens import lens
from core.model.trace import trace

V, T = 40, 10


@pytest.fixture
def model() -> GPT:
    return tiny_model(V, context=T)


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(V, (T,), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("position", [-1, 0, 4])
def test_the_last_row_is_the_models_own_distribution(model: GPT, ids: torch.Tensor, position: int) -> None:
    rows = lens(trace(model, ids), position, k=V)
    own = model(ids[None])[0, position].double().softmax(-1)
    assert [row.layer for row in rows] == [0, 1, 2]
    assert [t.token for t in rows[-1].top] == own.argsort(descending=True).tolist()
    assert [t.probability for t in rows[-1].top] == pytest.approx(own.sort(descending=True).values.tolist(), rel=1e-5)
    assert rows[-1].answer == int(own.argmax()) and rows[-1].rank == 1
    assert rows[-1].probability == pytest.approx(float(own.max()), rel=1e-5)


def test_each_row_is_the_norm_and_the_head_on_what_stands_there(model: GPT, ids: torch.Tensor) -> None:
    run = trace(model, ids)
    hidden, answer = [], int(model(ids[None])[0, -1].argmax())
    hooks = [block.register_forward_pre_hook(lambda m, args: hidden.append(args[0])) for block in model.h]
    model(ids[None])
    for hook in hooks:
        hook.remove()
    for row, x in zip(lens(run), hidden, strict=False):
        expected = Categorical(logits=(model.ln_f(x[0, -1]) @ model.head.T).double())
        assert row.entropy == pytest.approx(float(expected.entropy()) / math.log(2), rel=1e-5)
        order = expected.probs.argsort(descending=True).tolist()
        assert [t.token for t in row.top] == order[:5]
        assert row.rank == order.index(answer) + 1 and row.answer == answer
        assert row.probability == pytest.approx(float(expected.probs[answer]), rel=1e-5)


def test_a_token_of_ones_own_is_followed(model: GPT, ids: torch.Tensor) -> None:
    run = trace(model, ids)
    own = run.logits[-1].argsort(descending=True).tolist()
    assert lens(run, token=own[6])[-1].rank == 7
    assert {row.answer for row in lens(run, token=own[6])} == {own[6]}
    with pytest.raises(InputError, match="there is no token 40"):
        lens(run, token=V)


def test_heads_that_are_off_show(model: GPT, ids: torch.Tensor) -> None:
    cut = lens(trace(model, ids, ablate=[(1, h) for h in range(4)]))
    whole = lens(trace(model, ids))
    assert [row.top for row in cut[:2]] == [row.top for row in whole[:2]], "what comes before stays as it was"
    assert cut[2].entropy != whole[2].entropy


def test_nan_in_the_weights_is_shown(model: GPT, ids: torch.Tensor) -> None:
    model.h[1].mlp.c_fc.weight[0, 0] = math.nan
    rows = lens(trace(model, ids))
    assert math.isfinite(rows[0].entropy) and len(rows[0].top) == 5
    assert rows[2].top == () and math.isnan(rows[2].entropy) and rows[2].rank is None
    assert rows[0].answer is None and math.isnan(rows[0].probability), "the model has no answer to be ranked"
    assert rows[2].to_dict()["top"] == []


def test_a_single_token_and_what_there_is_not(model: GPT) -> None:
    run = trace(model, [3])
    assert len(lens(run)) == 3
    for wrong, message in (({"position": 1}, "no position 1"), ({"k": 0}, "k must be at least 1")):
        with pytest.raises(InputError, match=message):
            lens(run, **wrong)
    assert len(lens(run, k=1000)[0].top) == V
