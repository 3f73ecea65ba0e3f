"""Looking inside: what a trace returns, what its interventions do, and what it refuses."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from core.config import GPTConfig
from core.errors import InputError, ModelSpecError
from core.model.gpt import GPT
from core.model.trace import Patch, Trace, trace

T = 20


@pytest.fixture
def model() -> GPT:
    generator = torch.Generator().manual_seed(0)
    model = GPT(GPTConfig(50, 24, 32, 4, 3), generator).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.2)
    return model


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(50, (T,), generator=torch.Generator().manual_seed(1))


def close(a: torch.Tensor, b: torch.Tensor) -> bool:
    return bool((a - b).abs().max() <= 1e-5 * b.abs().max())


def test_logits_are_those_of_the_fast_path(model: GPT, ids: torch.Tensor) -> None:
    assert close(trace(model, ids).logits, model(ids[None])[0])
    assert close(trace(model, ids[None]).logits, model(ids[None])[0])
    assert close(trace(model, ids.tolist()).logits, model(ids[None])[0])


def test_the_parts_of_attention_follow_from_each_other(model: GPT, ids: torch.Tensor) -> None:
    run = trace(model, ids)
    q, k, v = run.queries(1)[2], run.keys(1)[2], run.values(1)[2]
    assert q.shape == k.shape == v.shape == (T, 8)
    assert close(run.raw_scores(1, 2), q @ k.T)
    assert run.scores(1, 2)[3, 4] == -math.inf
    assert float(run.scores(1, 2)[4, 3]) == pytest.approx(float(q[4] @ k[3]) / math.sqrt(8), rel=1e-5)
    pattern = run.pattern(1, 2)
    assert torch.allclose(pattern.sum(1), torch.ones(T)) and pattern.triu(1).eq(0).all()
    assert close(run.head_values(1, 2), pattern @ v)
    heads = sum(run.head_out(1, h) for h in range(4)) + model.h[1].attn.c_proj.bias
    assert close(heads, run.attn_out(1))
    assert close(run.residual(1) + run.attn_out(1) + run.mlp_out(1), run.residual(2))
    assert run.mlp_activations(1).shape == (T, 128)


def test_attention_is_indexed_like_a_tensor(model: GPT, ids: torch.Tensor) -> None:
    run = trace(model, ids)
    whole = torch.stack([run.pattern(layer) for layer in range(3)])
    assert run.attention.shape == whole.shape == (3, 4, T, T) and len(run.attention) == 3
    keys: list[Any] = [
        (2, 1, 7, 1), (2, 1), 2, -1, (slice(None), 1), (slice(1, 3), slice(2), 5), (0, slice(None), slice(2, 4), 1),
        (slice(None), slice(None), 5, 3), (1, -1),
    ]  # fmt: skip
    for key in keys:
        assert torch.allclose(run.attention[key], whole[key], atol=1e-6), key


def test_one_head_costs_one_head(model: GPT, ids: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    run, asked = trace(model, ids), []
    pattern = Trace.pattern
    monkeypatch.setattr(Trace, "pattern", lambda self, *a: asked.append(a) or pattern(self, *a))
    run.attention[2, 1, 7, 1]
    assert asked == [(2, 1)]
    kept = sum(v.nbytes for v in vars(run).values() if isinstance(v, torch.Tensor))
    assert kept < 3 * T * 32 * 4 * 3 + 1000, "nothing with T x T numbers is kept"


def test_the_lens_ends_with_the_models_own_answer(model: GPT, ids: torch.Tensor) -> None:
    run = trace(model, ids)
    assert torch.equal(run.logit_lens(3), run.logits)
    assert close(run.logit_lens(1, position=4), run.logit_lens(1)[4])
    assert run.logit_lens(0).shape == (T, 50)
    expected = torch.nn.functional.cross_entropy(model(ids[None])[0, :-1], ids[1:])
    assert run.loss() == pytest.approx(float(expected), rel=1e-5)
    assert math.isnan(trace(model, [3]).loss())


def test_attribution_adds_up_to_the_logit(model: GPT, ids: torch.Tensor) -> None:
    run = trace(model, ids)
    for against in (None, 9):
        a = run.attribution(7, position=11, against=against)
        parts = a.embedding + float(a.heads.sum() + a.attn_bias.sum() + a.mlp.sum()) + a.norm_bias
        logit = run.logits[11, 7] - (run.logits[11, against] if against is not None else 0)
        assert a.total == pytest.approx(float(logit), rel=1e-4, abs=1e-5)
        assert parts == pytest.approx(float(logit), rel=1e-4, abs=1e-4)
        assert a.heads.shape == (3, 4)


def test_a_head_that_is_off_is_as_if_its_projection_were_zero(model: GPT, ids: torch.Tensor) -> None:
    cut = GPT(model.config).eval().requires_grad_(False)
    cut.load_state_dict(model.state_dict())
    cut.h[1].attn.c_proj.weight[:, 2 * 8 : 3 * 8] = 0
    assert close(trace(model, ids, ablate=[(1, 2)]).logits, cut(ids[None])[0])
    cut.load_state_dict(model.state_dict())
    cut.h[0].attn.c_proj.weight[:, :8] *= 0.5
    assert close(trace(model, ids, scale={(0, 0): 0.5}).logits, cut(ids[None])[0])
    assert close(trace(model, ids).logits, model(ids[None])[0]), "the model itself was never changed"


def test_patches_put_one_runs_activations_into_another(model: GPT, ids: torch.Tensor) -> None:
    source, other = trace(model, ids), torch.randint(50, (T,), generator=torch.Generator().manual_seed(2))
    plain = trace(model, other)
    everything = trace(model, other, patch=Patch(source, 0, what="residual"))
    assert close(everything.logits, source.logits)
    one = trace(model, other, patch=[Patch(source, 1, head=3, positions=[4, 5])])
    assert close(one.head_values(1, 3)[[4, 5]], source.head_values(1, 3)[[4, 5]])
    assert close(one.head_values(1, 3)[6:], plain.head_values(1, 3)[6:])
    assert close(one.logits[:4], plain.logits[:4]) and not close(one.logits[4:], plain.logits[4:])
    for what in ("attn", "mlp"):
        patched = trace(model, other, patch=Patch(source, 2, what=what))
        assert not close(patched.logits, plain.logits)


def test_a_trace_that_outlives_a_change_of_the_weights_refuses(model: GPT, ids: torch.Tensor) -> None:
    run, later = trace(model, ids), trace(model, ids)
    run.pattern(1)
    model.wte.weight[0] += 1
    asks = (run.pattern, run.residual, run.logit_lens, run.qkv)
    for ask in asks:
        with pytest.raises(ModelSpecError, match="weights have changed"):
            ask(1)
    with pytest.raises(ModelSpecError):
        later.attention[0, 0]
    fresh = trace(model, ids)
    model.load_state_dict({name: tensor.clone() for name, tensor in model.state_dict().items()}, assign=True)
    with pytest.raises(ModelSpecError):
        _ = fresh.logits


def test_nan_in_the_weights_is_shown(model: GPT, ids: torch.Tensor) -> None:
    model.h[2].attn.c_attn.weight[0, 0] = math.nan
    run = trace(model, ids)
    assert run.pattern(1).isfinite().all()
    assert run.pattern(2, 0)[-1].isnan().all() and run.pattern(2, 1).isfinite().all()
    assert run.logits.isnan().any()
    assert trace(model, ids, ablate=[(2, 0)]).logits.isfinite().all(), "a head that is off is off, whatever it says"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ids": []}, "at least one token"),
        ({"ids": [1] * 25}, "25 tokens do not fit: the model's context_length is 24"),
        ({"ids": [1, 50]}, "expected ids from 0 to 49, got 50"),
        ({"ids": torch.zeros(2, 3, dtype=torch.int64)}, r"got \(2, 3\)"),
        ({"ablate": [(3, 0)]}, "there is no layer 3: there are layers 0 to 2"),
        ({"ablate": [(0, -1)]}, "there is no head -1"),
        ({"scale": {(0, 4): 2.0}}, "there is no head 4: there are heads 0 to 3"),
    ],
)
def test_what_cannot_be_traced(model: GPT, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        trace(model, **{"ids": [1, 2, 3], **wrong})


def test_what_cannot_be_asked(model: GPT) -> None:
    run = trace(model, [1, 2, 3])
    for ask in (
        lambda: run.pattern(3),
        lambda: run.pattern(0, 4),
        lambda: run.residual(4),
        lambda: run.logit_lens(1, 3),
    ):
        with pytest.raises(InputError, match="there is no"):
            ask()
    with pytest.raises(InputError, match="integer or a slice"):
        run.attention[[0, 1]]
    with pytest.raises(InputError, match="same shape"):
        trace(model, [1, 2], patch=Patch(run, 0, what="mlp"))
    with pytest.raises(InputError, match="do not go together"):
        trace(model, [1, 2, 3], patch=Patch(run, 0, head=1, what="mlp"))


def test_one_head_of_full_width() -> None:
    model = GPT(GPTConfig(9, 8, 6, 1, 1)).eval().requires_grad_(False)
    run = trace(model, [4])
    assert run.attention[0, 0].tolist() == [[1.0]]
