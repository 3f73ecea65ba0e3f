"""Switching heads off: against models whose projection was cut by hand, and against whole passes."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
import torch.nn.functional as F
from tiny_models import tiny_model

from core.config import GPTConfig
from core.errors import InputError, ModelSpecError
from core.model import ablation
from core.model.ablation import HeadEffect, ablate, kl_bits, sweep
from core.model.gpt import GPT, Block
from core.model.trace import Patch, trace

V, T, L, H, D = 40, 12, 2, 4, 8
"""Of ``tiny_model``, whose width is 32."""


@pytest.fixture
def model() -> GPT:
    return tiny_model(V, context=T)


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(V, (T,), generator=torch.Generator().manual_seed(1))


def cut(model: GPT, heads: list[tuple[int, int]]) -> GPT:
    """A copy whose projections take nothing from some heads."""
    other = GPT(model.config).eval().requires_grad_(False)
    other.load_state_dict(model.state_dict())
    for layer, head in heads:
        other.h[layer].attn.c_proj.weight[:, head * D : (head + 1) * D] = 0
    return other


@contextmanager
def blocks_run(model: GPT) -> Iterator[list[int]]:
    """Counts the rows that go through each feed-forward part."""
    counts = [0] * L

    def counting(layer: int) -> object:
        def hook(module: torch.nn.Module, inputs: tuple[torch.Tensor]) -> None:
            counts[layer] += inputs[0].shape[0]

        return hook

    hooks = [block.mlp.register_forward_pre_hook(counting(i)) for i, block in enumerate(model.h)]
    yield counts
    for hook in hooks:
        hook.remove()


@pytest.mark.parametrize("heads", [[(0, 1)], [(1, 0), (0, 3)], [(1, h) for h in range(H)]])
def test_heads_that_are_off_are_as_if_cut_from_the_projection(
    model: GPT, ids: torch.Tensor, heads: list[tuple[int, int]]
) -> None:
    found = ablate(model, ids, heads)
    whole, less = model(ids[None])[0], cut(model, heads)(ids[None])[0]
    assert torch.allclose(found.before, whole[-1].double().softmax(-1), atol=1e-6)
    assert torch.allclose(found.after, less[-1].double().softmax(-1), atol=1e-6)
    expected = F.kl_div(
        less[-1].double().log_softmax(-1), whole[-1].double().log_softmax(-1), reduction="sum", log_target=True
    )
    assert found.kl_bits == pytest.approx(float(expected) / math.log(2), rel=1e-4)
    assert found.loss_before == pytest.approx(float(F.cross_entropy(whole[:-1], ids[1:])), rel=1e-5)
    assert found.loss_after == pytest.approx(float(F.cross_entropy(less[:-1], ids[1:])), rel=1e-5)
    assert found.heads == tuple(heads) and found.position == T - 1


def test_no_head_off_changes_nothing_at_all(model: GPT, ids: torch.Tensor) -> None:
    found = ablate(model, ids, [])
    assert found.kl_bits == 0 and found.loss_change == 0
    assert torch.equal(found.before, found.after)


def test_another_position_tells_of_the_token_after_it(model: GPT, ids: torch.Tensor) -> None:
    found = ablate(model, ids, [(0, 0)], position=4)
    assert torch.allclose(found.before, model(ids[None])[0, 4].double().softmax(-1), atol=1e-6)
    assert ablate(model, ids, [(0, 0)], position=4 - T).kl_bits == found.kl_bits


def test_the_likeliest_of_both_are_told(model: GPT, ids: torch.Tensor) -> None:
    found = ablate(model, ids, [(1, 2), (0, 0)])
    top = found.top(3)
    told = {shift.token for shift in top}
    assert set(found.before.topk(3).indices.tolist()) | set(found.after.topk(3).indices.tolist()) == told
    assert [s.before for s in top] == sorted((s.before for s in top), reverse=True)
    assert found.to_dict(2)["heads"] == [[1, 2], [0, 0]] and len(found.top(10_000)) == V


def test_a_sweep_agrees_with_a_whole_pass_for_each_head(model: GPT, ids: torch.Tensor) -> None:
    effects = list(sweep(model, ids))
    assert [(e.layer, e.head) for e in effects] == [(layer, head) for layer in range(L) for head in range(H)]
    assert [e.number for e in effects] == list(range(1, L * H + 1)) and {e.of for e in effects} == {L * H}
    whole = model(ids[None])[0]
    for effect in effects:
        less = trace(model, ids, ablate=[(effect.layer, effect.head)])
        assert effect.loss_change == pytest.approx(less.loss() - trace(model, ids).loss(), abs=1e-6)
        moved = kl_bits(whole[-1].double().log_softmax(-1), less.logits[-1].double().log_softmax(-1))
        assert effect.kl_bits == pytest.approx(float(moved), rel=1e-3)


@pytest.mark.parametrize("at_once", [1, 3 * T])
def test_heads_side_by_side_or_one_by_one_are_the_same(
    model: GPT, ids: torch.Tensor, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = list(sweep(model, ids))
    monkeypatch.setattr(ablation, "_ROWS", at_once)
    for one, other in zip(sweep(model, ids), expected, strict=True):
        assert one.loss_change == pytest.approx(other.loss_change, abs=1e-6)
        assert one.kl_bits == pytest.approx(other.kl_bits, rel=1e-3)


def test_a_sweep_runs_no_layer_before_the_head(model: GPT, ids: torch.Tensor) -> None:
    with blocks_run(model) as counts:
        list(sweep(model, ids))
    assert counts == [1 + H, 1 + 2 * H], "the first pass, and each head from its own layer on"
    base = trace(model, ids)
    with blocks_run(model) as counts:
        ablate(model, ids, [(1, 1)], base=base)
    assert counts == [0, 1], "what comes before the head is the base's own"


def test_a_sweep_of_a_pass_with_interventions_keeps_them(model: GPT, ids: torch.Tensor) -> None:
    source = trace(model, ids.flip(0))
    patches = (Patch(source, 1, what="residual", positions=[3]), Patch(source, 1, what="mlp"), Patch(source, 1, head=2))
    kept = {"scale": {(1, 1): 2.0}, "patch": patches}
    base = trace(model, ids, ablate=[(0, 2)], **kept)
    effects = list(sweep(model, ids, base=base))
    for effect in effects:
        less = trace(model, ids, ablate=[(0, 2), (effect.layer, effect.head)], **kept)
        if (effect.layer, effect.head) != (1, 2):  # a head that is patched is what the other run says
            assert effect.loss_change == pytest.approx(less.loss() - base.loss(), abs=1e-6), effect
    off = next(e for e in effects if (e.layer, e.head) == (0, 2))
    assert off.loss_change == pytest.approx(0, abs=1e-7), "it was off already"
    found = ablate(model, ids, [(1, 0)], base=base)
    expected = trace(model, ids, ablate=[(0, 2), (1, 0)], **kept)
    assert found.loss_after == pytest.approx(expected.loss(), rel=1e-6)


def test_a_sweep_ends_when_it_is_told_to(model: GPT, ids: torch.Tensor) -> None:
    cancel = threading.Event()
    cancel.set()
    assert list(sweep(model, ids, cancel)) == []
    cancel.clear()
    effects = sweep(model, ids, cancel)
    assert isinstance(next(effects), HeadEffect)
    cancel.set()
    assert len(list(effects)) < H, "what is reckoned side by side may still come, the next layer does not"
    closed = sweep(model, ids)
    next(closed)
    closed.close()  # type: ignore[attr-defined]
    assert list(closed) == []


def test_a_cancel_is_heard_between_two_layers(model: GPT, ids: torch.Tensor) -> None:
    cancel, base = threading.Event(), trace(model, ids)
    first = model.h[0]
    assert isinstance(first, Block)
    hook = first.mlp.register_forward_pre_hook(lambda *_: cancel.set())
    with blocks_run(model) as counts:
        assert list(sweep(model, ids, cancel, base=base)) == []
    hook.remove()
    assert counts == [H, 0]


def test_weights_that_change_meanwhile_end_it(model: GPT, ids: torch.Tensor) -> None:
    effects = sweep(model, ids)
    next(effects)
    model.wte.weight[0] += 1
    with pytest.raises(ModelSpecError, match="weights have changed"):
        list(effects)


def test_a_model_that_can_still_learn_is_swept_without_gradients(model: GPT, ids: torch.Tensor) -> None:
    frozen = list(sweep(model, ids))
    model.requires_grad_(True)
    assert list(sweep(model, ids)) == frozen  # a number taken from a tensor with gradients would warn
    assert not ablate(model, ids, [(0, 0)]).after.requires_grad


def test_a_single_token_has_no_loss_and_a_next_one(model: GPT) -> None:
    found = ablate(model, [3], [(0, 0)])
    assert math.isnan(found.loss_change) and found.kl_bits > 0
    assert all(math.isnan(e.loss_change) and e.kl_bits >= 0 for e in sweep(model, [3]))


def test_one_head_of_full_width() -> None:
    model = GPT(GPTConfig(9, 8, 6, 1, 1), torch.Generator().manual_seed(0)).eval().requires_grad_(False)
    (effect,) = sweep(model, [1, 2, 3])
    assert (effect.layer, effect.head, effect.of) == (0, 0, 1)


def test_nan_in_the_weights_is_shown(model: GPT, ids: torch.Tensor) -> None:
    model.h[1].attn.c_attn.weight[2 * 32 + 3 * D, 0] = math.nan  # a value of the last head of the last layer
    found = ablate(model, ids, [(0, 0)])
    assert math.isnan(found.kl_bits) and math.isnan(found.loss_after)
    healed = ablate(model, ids, [(1, 3)])
    assert math.isnan(healed.loss_before) and math.isfinite(healed.loss_after), "without the head the rest is sound"
    assert {shift.token for shift in healed.top(3)} == set(healed.after.topk(3).indices.tolist())
    assert found.top(3) == []
    effects = list(sweep(model, ids))
    assert all(math.isnan(e.loss_change) for e in effects), "there is nothing to compare with"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"heads": [(2, 0)]}, "there is no layer 2"),
        ({"heads": [(0, 4)]}, "there is no head 4"),
        ({"position": T}, "there is no position 12"),
        ({"ids": []}, "at least one token"),
        ({"ids": [0] * (T + 1)}, "13 tokens do not fit"),
        ({"ids": [V]}, "expected ids from 0 to 39, got 40"),
    ],
)
def test_what_cannot_be_switched_off(model: GPT, wrong: dict[str, object], message: str) -> None:
    arguments = {"ids": [1] * T, "heads": [(0, 0)], **wrong}
    with pytest.raises(InputError, match=message):
        ablate(model, **arguments)  # type: ignore[arg-type]
    if "heads" not in wrong:
        with pytest.raises(InputError, match=message):
            sweep(model, arguments["ids"], position=wrong.get("position", -1))  # type: ignore[arg-type]


def test_divergence_of_what_has_no_chance() -> None:
    log = torch.tensor([[0.5, 0.5, 0.0], [0.25, 0.5, 0.25]]).double().log()
    assert float(kl_bits(log[0], log[0])) == 0
    assert float(kl_bits(log[0], log[1])) == pytest.approx(0.5)
    assert float(kl_bits(log[1], log[0])) == math.inf
