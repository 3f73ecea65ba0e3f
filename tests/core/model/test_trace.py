"""Looking inside: what a trace returns, what its interventions do, and what it refuses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from core.config import GPTConfig
from core.errors import InputError, ModelSpecError
from core.model.gpt import GPT
from core.model.trace import NAMES, Patch, trace
from core.training.flat import FlatParameters

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
    assert all(torch.allclose(one, of) for one, of in zip(run.attention, whole, strict=True))
    keys: list[Any] = [
        (2, 1, 7, 1), (2, 1), 2, -1, (slice(None), 1), (slice(1, 3), slice(2), 5), (0, slice(None), slice(2, 4), 1),
        (slice(None), slice(None), 5, 3), (1, -1), slice(3, None), (slice(3, 3), 1), (1, slice(4, None)),
        (slice(0), slice(0)), (slice(3, None), slice(2), 5),
    ]  # fmt: skip
    for key in keys:
        assert run.attention[key].shape == whole[key].shape, key
        assert torch.allclose(run.attention[key], whole[key], atol=1e-6), key


def kept_bytes(value: Any) -> int:
    """What the tensors in a trace take, however deep they lie."""
    if isinstance(value, torch.Tensor):
        return value.nbytes
    if isinstance(value, dict):
        return sum(map(kept_bytes, value.values()))
    return sum(map(kept_bytes, value)) if isinstance(value, (list, tuple)) else 0


@pytest.mark.parametrize(
    ("ask", "parts", "squares"),
    [
        (lambda run: run.attention[2, 1, 7, 1], 2, 1),  # queries and keys, then one square
        (lambda run: run["pattern", 2, 1], 2, 1),
        (lambda run: run.scores(2, 1), 2, 1),
        (lambda run: run.attention[2, 1:3], 4, 2),
        (lambda run: run.queries(2, 1), 1, 0),
        (lambda run: run.attention[2], 8, 4),
    ],
)
def test_one_head_costs_one_head(model: GPT, ids: torch.Tensor, ask: Any, parts: int, squares: int) -> None:
    """Counted by torch itself: the products of one head are a quarter of those of a layer of four."""
    run = trace(model, ids)
    with FlopCounterMode(display=False) as counted:
        ask(run)
    C, D = 32, 8
    assert counted.get_total_flops() == parts * 2 * T * C * D + squares * 2 * T * T * D


def test_nothing_that_was_asked_for_piles_up(model: GPT, ids: torch.Tensor) -> None:
    run = trace(model, ids)
    stream = kept_bytes(vars(run))
    assert stream == kept_bytes(run.ids) + (3 + 1) * T * 32 * 4, "what enters each layer, and what leaves the last"
    for layer in range(3):
        for head in range(4):
            run.attention[layer, head], run.head_out(layer, head)
        run.pattern(layer), run.mlp_out(layer), run.head_values(layer)
    assert kept_bytes(vars(run)) - stream <= 4 * T * 32 * 4, "the last layer's queries, keys, values and middle at most"


def test_everything_is_had_by_its_name(model: GPT, ids: torch.Tensor) -> None:
    run = trace(model, ids)
    sizes = {"T": T, "C": 32, "4C": 128, "H": 4, "D": 8, "V": 50}
    for name, said in NAMES.items():
        shape = tuple(sizes[letter] for letter in said[1 : said.index(")")].split(", "))
        where = (1, 2) if name == "head_out" else (1,)
        assert run[name, *where].shape == shape, name
        assert torch.equal(run[name, *where], getattr(run, name)(*where)), name
        if "of one head" in said:
            assert run[name, 1, 2].shape == shape[1:]
            assert close(run[name, 1, 2].nan_to_num(neginf=0), run[name, 1][2].nan_to_num(neginf=0)), name
    with pytest.raises(InputError, match=r"no 'patern' \(did you mean pattern\?\)"):
        run["patern", 1]
    with pytest.raises(InputError, match="without a layer"):
        run["pattern"]


def test_a_pass_again_runs_what_is_treated_otherwise_and_no_more(model: GPT, ids: torch.Tensor) -> None:
    base, runs = trace(model, ids), []
    for i, block in enumerate(model.h):
        block.mlp.register_forward_pre_hook(lambda *_, i=i: runs.append(i))
    source, other = trace(model, ids.flip(0)), trace(model, ids.roll(1))
    asked: list[tuple[dict[str, Any], list[int]]] = [
        ({}, []),
        ({"ablate": [(2, 0)]}, [2]),
        ({"ablate": [(2, 0), (1, 3)]}, [1, 2]),
        ({"scale": {(0, 0): 0.5}}, [0, 1, 2]),
        ({"patch": Patch(source, 2, head=1)}, [2]),
        ({"patch": Patch(source, 2, what="residual")}, [1, 2]),
        ({"patch": Patch(source, 0, what="residual")}, [0, 1, 2]),
        ({"patch": [Patch(source, 1, head=1), Patch(other, 1, head=1)]}, [1, 2]),
    ]
    before = base
    for changes, layers in asked:
        runs.clear()
        again = base.again(**changes)
        assert runs == layers, changes
        fresh = trace(model, ids, **changes)
        for layer in range(4):
            assert torch.equal(again.residual(layer), fresh.residual(layer)), (changes, layer)
        back = before.again(**changes)  # from a pass with interventions of its own
        assert close(back.logits, fresh.logits), changes
        before = again
    two = [Patch(source, 1, head=1), Patch(other, 1, head=1)]
    turned = trace(model, ids, patch=two).again(patch=two[::-1])
    assert torch.equal(turned.logits, trace(model, ids, patch=two[0]).logits), "of two at one place the later counts"
    model.wte.weight[0] += 1
    with pytest.raises(ModelSpecError):
        base.again()


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
        direction = model.head[7] - (model.head[against] if against is not None else 0)
        deviation = (run.residual(3)[11].var(unbiased=False) + 1e-5).sqrt()

        def told(part: torch.Tensor) -> float:
            """What the norm makes of a part, its deviation held fixed, along the token's direction."""
            part = part[11]
            normed = (part - part.mean()) / deviation * model.ln_f.weight  # noqa: B023
            return float(normed @ direction)  # noqa: B023

        assert a.embedding == pytest.approx(told(run.residual(0)), abs=1e-4)
        for layer in range(3):
            assert float(a.mlp[layer]) == pytest.approx(told(run.mlp_out(layer)), abs=1e-4)
            bias = model.h[layer].attn.c_proj.bias.expand(T, -1)
            assert float(a.attn_bias[layer]) == pytest.approx(told(bias), abs=1e-4)
            for head in range(4):
                assert float(a.heads[layer, head]) == pytest.approx(told(run.head_out(layer, head)), abs=1e-4)


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
    for what in ("attn", "mlp", "residual"):
        patched = trace(model, other, patch=Patch(source, 2, what=what))
        assert not close(patched.logits, plain.logits)
        later = trace(model, other, patch=Patch(source, 2, what=what, positions=[7, -1]))
        assert close(later.logits[[*range(7), *range(8, T - 1)]], plain.logits[[*range(7), *range(8, T - 1)]]) or (
            what == "residual" and close(later.logits[:7], plain.logits[:7])
        )
        for at in (7, T - 1):
            assert not close(later.logits[at], plain.logits[at]), (what, at)
    middle = trace(model, other, patch=Patch(source, 2, what="residual", positions=[7]))
    assert close(middle.residual(2)[7], source.residual(2)[7]) and close(middle.residual(2)[8:], plain.residual(2)[8:])


def test_a_trace_that_outlives_a_change_of_the_weights_refuses(model: GPT, ids: torch.Tensor) -> None:
    run, later = trace(model, ids), trace(model, ids)
    run.pattern(1)
    model.wte.weight[0] += 1
    asks = (
        run.pattern, run.residual, run.residual_mid, run.logit_lens, run.queries, run.keys, run.values, run.head_values,
        lambda layer: run.pattern(layer, 0), lambda layer: run["mlp_out", layer],
    )  # fmt: skip
    for ask in asks:
        with pytest.raises(ModelSpecError, match="weights have changed"):
            ask(1)
    with pytest.raises(ModelSpecError):
        later.attention[0, 0]
    fresh = trace(model, ids)
    model.load_state_dict({name: tensor.clone() for name, tensor in model.state_dict().items()}, assign=True)
    with pytest.raises(ModelSpecError):
        _ = fresh.logits


def by_a_fused_optimizer(model: GPT) -> None:
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    torch.optim.AdamW(model.parameters(), 0.1, fused=True).step()


def as_a_training_run_does(model: GPT) -> None:
    flat = FlatParameters(model)
    fresh = trace(model, [1, 2])
    flat.data.mul_(1.01)
    with pytest.raises(ModelSpecError):
        fresh.residual(0)


def by_halves(model: GPT) -> None:
    model.half().float()


def by_hand(model: GPT) -> None:
    model.h[1].attn.c_attn.weight.data[8:16] = 0.0  # the query of one head


def by_numpy(model: GPT) -> None:
    model.wpe.weight.numpy()[:] += 0.1


@pytest.mark.parametrize("write", [by_a_fused_optimizer, as_a_training_run_does, by_halves, by_hand, by_numpy])
def test_what_torch_does_not_count_as_writing_is_seen_too(model: GPT, ids: torch.Tensor, write: Any) -> None:
    run = trace(model, ids)
    write(model)
    with pytest.raises(ModelSpecError, match="weights have changed"):
        run.pattern(1, 0)


def test_weights_that_are_no_numbers_have_not_changed(model: GPT, ids: torch.Tensor) -> None:
    model.h[1].mlp.c_fc.weight.fill_(math.nan)
    run = trace(model, ids)
    assert run.pattern(0, 0).isfinite().all() and run.logits.isnan().all()


def test_a_pass_keeps_its_own_copy_of_the_text(model: GPT, ids: torch.Tensor) -> None:
    run = trace(model, ids)
    loss = run.loss()
    ids[3:] = 0
    assert run.loss() == loss and len(set(run.ids.tolist())) > 1
    read_only = np.frombuffer(bytes([3, 1, 2]), np.uint8)  # as a corpus in a file is
    assert trace(model, read_only).ids.tolist() == [3, 1, 2]


def test_nan_in_the_weights_is_shown(model: GPT, ids: torch.Tensor) -> None:
    model.h[2].attn.c_attn.weight[0, 0] = math.nan
    run = trace(model, ids)
    assert run.pattern(1).isfinite().all()
    assert run.pattern(2, 0)[-1].isnan().all() and run.pattern(2, 1).isfinite().all()
    assert run.logits.isnan().any()
    assert trace(model, ids, ablate=[(2, 0)]).logits.isfinite().all(), "a head that is off is off, whatever it says"


@pytest.mark.parametrize("tokens", [1, 7, 15, 16, 20])
def test_nan_reaches_the_tokens_that_see_it_and_no_other(model: GPT, tokens: int) -> None:
    """PyTorch's own kernel answers zeros below 16 keys; what is shown must not depend on that."""
    ids = torch.arange(tokens)
    at = tokens // 2
    model.wte.weight[at] = math.nan
    model.lm_head = torch.nn.Linear(32, 50, bias=False).requires_grad_(False)  # the head is not the embedding
    run = trace(model, ids)
    for layer in range(3):
        pattern = run.pattern(layer)
        assert pattern[:, :at].isfinite().all() and pattern[:, at:].isnan().any(-1).all(), layer
        values = run.head_values(layer)
        assert values[:, :at].isfinite().all() and values[:, at:].isnan().all(), layer
    assert run.logits[:at].isfinite().all() and run.logits[at:].isnan().all()


@pytest.mark.parametrize("tokens", [7, 20])
def test_nan_in_a_query_is_in_the_answer(model: GPT, tokens: int) -> None:
    model.h[1].attn.c_attn.weight[0, 0] = math.nan
    assert trace(model, torch.arange(tokens)).logits.isnan().all()


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
        ({"scale": {(0, 1): "much"}}, "scaled by a number, got 'much'"),
        ({"ids": "a text"}, "expected token ids, whole numbers, got a text"),
        ({"ids": [1.5, 2.0]}, r"whole numbers, got \[1.5, 2.0\]"),
        ({"ids": torch.tensor([1 + 2j])}, "whole numbers, got tensor"),
        ({"ids": [1, 10**30]}, "expected token ids"),
        ({"ablate": (0, 1)}, r"a head is \(layer, head\), got 0"),
        ({"ablate": [(0.5, 1)]}, "a layer is a whole number, got 0.5"),
    ],
)
def test_what_cannot_be_traced(model: GPT, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        trace(model, **{"ids": [1, 2, 3], **wrong})


def test_a_model_that_drops_out_is_refused() -> None:
    model = GPT(GPTConfig(9, 8, 6, 2, 1, drop_rate=0.5))
    with pytest.raises(InputError, match="training mode"):
        trace(model, [1, 2])
    assert torch.equal(trace(model.eval(), [1, 2]).logits, trace(model, [1, 2]).logits)


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
    with pytest.raises(InputError, match="integer or a slice"):
        run.attention[()]
    with pytest.raises(InputError, match="as many tokens: 2 here, 3 there"):
        trace(model, [1, 2], patch=Patch(run, 0, what="mlp"))
    shallow = trace(GPT(GPTConfig(50, 24, 32, 4, 1)).eval(), [1, 2, 3])
    with pytest.raises(InputError, match="3 layers of 4 heads, width 32 here, 1 layers of 4 heads, width 32 there"):
        trace(model, [1, 2, 3], patch=Patch(shallow, 0, what="mlp"))
    with pytest.raises(InputError, match=r"a patch of 'mpl' is none \(did you mean mlp\?\)"):
        trace(model, [1, 2, 3], patch=Patch(run, 0, what="mpl"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="do not go together"):
        trace(model, [1, 2, 3], patch=Patch(run, 0, head=1, what="mlp"))


def test_one_head_of_full_width() -> None:
    model = GPT(GPTConfig(9, 8, 6, 1, 1)).eval().requires_grad_(False)
    run = trace(model, [4])
    assert run.attention[0, 0].tolist() == [[1.0]]
