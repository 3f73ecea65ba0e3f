"""Several heads as one: against the paper's recursion written out, and by what must hold of any model."""

import math

import numpy as np
import pytest
import torch
from tiny_models import tiny_model

from core.errors import InputError
from core.model.head_norms import output_norms
from core.model.rollout import TOGETHER, rollout, rollout_of, together
from core.model.trace import trace


@pytest.fixture
def run():
    return trace(tiny_model(50), [3, 1, 4, 1, 5, 9, 2, 6])


def test_rollout_is_the_recursion_of_the_paper(run) -> None:
    """Section 3 of Abnar and Zuidema in numpy: A = 0.5 W_att + 0.5 I, then the product from the last layer down."""
    layers = [run.pattern(i).mean(0).double().numpy() for i in range(run.config.n_layers)]
    mixed = [0.5 * w + 0.5 * np.eye(len(w)) for w in layers]
    expected = np.linalg.multi_dot([*reversed(mixed), np.eye(8)])
    assert np.allclose(rollout(run).numpy(), expected, atol=1e-6)
    assert np.allclose(rollout(run, 0).numpy(), mixed[0], atol=1e-6)


def test_rows_of_rollout_add_up_to_one_and_see_nothing_later(run) -> None:
    found = rollout(run)
    assert torch.allclose(found.sum(-1), torch.ones(8), atol=1e-6)
    assert not found.triu(1).any()


def test_a_model_that_looks_only_at_itself_keeps_every_token_in_its_place() -> None:
    assert torch.equal(rollout_of([torch.eye(3)] * 5), torch.eye(3))


def test_mean_and_maximum(run) -> None:
    pattern = run.pattern(1)
    assert torch.equal(together(run, 1, "mean"), pattern.mean(0))
    assert torch.equal(together(run, 1, "max"), pattern.amax(0))
    assert torch.equal(together(run, 1, "rollout"), rollout(run, 1))
    assert set(TOGETHER) == {"mean", "max", "rollout"}


def test_output_norms_are_of_what_each_head_adds(run) -> None:
    found = output_norms(run)
    assert found.shape == (2, 4)
    by_hand = run.head_out(1, 2).norm(dim=-1).mean()
    assert math.isclose(float(found[1, 2]), float(by_hand), rel_tol=1e-6)
    off = output_norms(trace(run.model, run.ids, ablate=[(1, 2)]))
    assert off[1, 2] == 0 and torch.equal(off[0], found[0])


def test_what_cannot_be_is_refused(run) -> None:
    with pytest.raises(InputError, match="no layer 2"):
        rollout(run, 2)
    with pytest.raises(InputError, match="median"):
        together(run, 0, "median")
    with pytest.raises(InputError, match="at least one layer"):
        rollout_of([])


def test_what_is_no_number_reaches_the_tokens_that_take_from_it_and_no_other() -> None:
    model = tiny_model(50)
    model.wpe.weight[5] = math.nan
    found = rollout(trace(model, [3, 1, 4, 1, 5, 9, 2, 6]))
    assert found[:5].isfinite().all() and found[5:].isnan().all()
