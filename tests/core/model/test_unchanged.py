"""What is compared of a model's weights: something of every head, whether its numbers are rows or columns."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from core.config import GPTConfig
from core.model.gpt import GPT
from core.model.unchanged import Weights

C, HEADS, D = 256, 8, 32


def rows(weight: Tensor, head: int) -> Tensor:
    return weight[head * D : head * D + D]


def columns(weight: Tensor, head: int) -> Tensor:
    return weight[:, head * D : head * D + D]


def as_trained(weight: Tensor) -> Tensor:
    return weight.clone()


def as_openai_has_it(weight: Tensor) -> Tensor:
    return weight.t().contiguous().t()


@pytest.fixture(scope="module")
def model() -> GPT:
    return GPT(GPTConfig(20, 8, C, HEADS, 1)).eval().requires_grad_(False)


@pytest.mark.parametrize("lies", [as_trained, as_openai_has_it])
@pytest.mark.parametrize(("name", "of"), [("c_attn", rows), ("c_proj", columns)])
def test_any_head_that_is_written_to_uncounted_is_seen(
    model: GPT, name: str, of: Callable[[Tensor, int], Tensor], lies: Callable[[Tensor], Tensor]
) -> None:
    weight = model.get_parameter(f"h.0.attn.{name}.weight")
    weight.data = lies(weight.data)
    for head in range(HEADS):
        weights = Weights(model)
        assert not weights.changed
        of(weight.data, head).add_(1.0)
        assert weights.changed, head


def test_what_lies_in_no_order_is_compared_by_what_torch_counts(model: GPT) -> None:
    weight = model.get_parameter("wpe.weight")
    weight.data = torch.zeros(8, 2 * C)[:, ::2]
    weights = Weights(model)
    assert not weights.changed
    weight.add_(1.0)
    assert weights.changed


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_weights_of_other_kinds_beside_each_other(model: GPT, dtype: torch.dtype) -> None:
    mixed = GPT(model.config).eval().requires_grad_(False)
    mixed.h[0].to(dtype)
    weights = Weights(mixed)
    assert not weights.changed
    mixed.h[0].get_parameter("attn.c_proj.weight").data.add_(1.0)
    assert weights.changed
