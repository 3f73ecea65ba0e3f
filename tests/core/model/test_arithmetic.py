"""The arithmetic step by step: every number against transformers' eager attention or torch's own functions."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tiny_models import peer, tiny_model
from torch import Tensor

from core.config import GPTConfig
from core.errors import InputError
from core.model.arithmetic import Step, block_steps, head_steps, loss_steps
from core.model.gpt import GPT
from core.model.parts import FORMS, PARTS, steps_of
from core.model.trace import Patch, Trace, trace
from core.model.variants import variant_steps
from core.model.worked import Check

T, LAYER, HEAD, ROW = 12, 1, 2, 7
TITLES = ["input", "norm", "q k v", "scores", "mask", "softmax", "weighted sum", "join and project"]


@pytest.fixture(scope="module")
def model() -> GPT:
    return tiny_model(50)


@pytest.fixture(scope="module")
def ids() -> Tensor:
    return torch.randint(50, (T,), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def run(model: GPT, ids: Tensor) -> Trace:
    return trace(model, ids)


@pytest.fixture(scope="module")
def theirs(model: GPT, ids: Tensor) -> Any:
    other = peer(model)
    other.set_attn_implementation("eager")
    with torch.no_grad():
        return other(ids[None], labels=ids[None], output_attentions=True, output_hidden_states=True)


def found(steps: list[Step], name: str) -> Tensor:
    """The numbers of that name, of the last step that has them."""
    values = [one.values for step in steps for one in step.numbers if one.name == name]
    assert values, f"no {name} in {[one.name for step in steps for one in step.numbers]}"
    return torch.tensor(values[-1], dtype=torch.float64)


def same(a: Tensor, b: Tensor, limit: float = 1e-5) -> bool:
    return a.shape == b.shape and bool((a - b).abs().max() <= limit * b.abs().max())


def test_a_head_is_worked_out_as_transformers_has_it(run: Trace, model: GPT, theirs: Any) -> None:
    steps = head_steps(run, LAYER, HEAD, ROW)
    assert [step.title for step in steps] == TITLES
    assert same(found(steps, "x"), theirs.hidden_states[LAYER][0, ROW].double())
    assert same(found(steps, "weights"), theirs.attentions[LAYER][0, HEAD, ROW, : ROW + 1].double())
    assert float(found(steps, "weights").sum()) == pytest.approx(1.0, abs=1e-12)
    norm = model.h[LAYER].ln_1
    assert same(found(steps, "n"), F.layer_norm(found(steps[:1], "x").float(), (32,), norm.weight, norm.bias).double())


def test_scores_mask_and_sum_follow_by_torchs_own_functions(run: Trace) -> None:
    steps = head_steps(run, LAYER, HEAD, ROW)
    q, k, v = run.qkv(LAYER, HEAD).double()
    assert same(found(steps, "q"), q[ROW]) and same(found(steps, "k"), k[ROW]) and same(found(steps, "v"), v[ROW])
    assert same(found(steps, "dots"), q[ROW] @ k.T)
    assert same(found(steps, "scores"), q[ROW] @ k.T / math.sqrt(8))
    masked = found(steps, "masked")
    assert masked[ROW + 1 :].eq(-torch.inf).all() and torch.equal(masked[: ROW + 1], found(steps, "scores")[: ROW + 1])
    assert same(found(steps, "z"), F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True)[0, ROW])


def test_all_steps_that_are_checked_agree_and_say_so(run: Trace) -> None:
    for layer in range(2):
        for head in range(4):
            for row in (0, 5, T - 1):
                steps = head_steps(run, layer, head, row)
                checks = [step.check for step in steps if step.check is not None]
                assert len(checks) == 2 and steps[-1].check is checks[-1]
                assert all(check.ok and check.text.startswith("equals") for check in checks)
                assert checks[-1].difference < 1e-6
    assert "equals the fast path to 1e-" in head_steps(run, 0, 0, 3)[-1].check.text  # type: ignore[union-attr]


def test_a_check_fails_where_the_arithmetic_is_not_the_models(run: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "residual_mid", lambda layer: torch.ones(T, 32))
    check = head_steps(run, LAYER, HEAD, ROW)[-1].check
    assert check is not None and not check.ok and check.text.startswith("differs from the fast path by ")


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (0.0, "equals it to 1e-12 (largest difference 0.0e+00)"),
        (1e-7, "equals it to 1e-7 (largest difference 1.0e-07)"),
        (1.1e-7, "equals it to 1e-6 (largest difference 1.1e-07)"),
        (2e-5, "differs from it by 2.0e-05"),
        (math.nan, "differs from it by nan"),
        (math.inf, "differs from it by inf"),
    ],
)
def test_what_a_check_says_holds(difference: float, text: str) -> None:
    check = Check("it", difference, 1e-5)
    assert check.text == text and check.ok == text.startswith("equals")


def test_the_column_decides_which_product_is_written_out(run: Trace) -> None:
    labels = [f"w{i}" for i in range(T)]
    steps = head_steps(run, LAYER, HEAD, ROW, column=3, tokens=labels)
    weight = found(steps, "weights")[3]
    assert steps[3].lines[0].startswith("with ‘w3’ = ")
    assert steps[5].lines[-1] == f"‘w7’ takes {weight:.4f} of ‘w3’"
    assert steps[-1].lines[-1] == f"the weight of ‘w3’ in it: {weight:.4f}"
    most = int(found(steps, "weights").argmax())
    assert head_steps(run, LAYER, HEAD, ROW, tokens=labels)[5].lines[-1].endswith(f"of ‘w{most}’")


def test_in_the_first_layer_the_two_embeddings_are_shown(run: Trace, model: GPT, ids: Tensor) -> None:
    lines = head_steps(run, 0, 0, ROW)[0].lines
    assert lines[0].startswith("token ") and lines[1].startswith("+ position") and lines[2].startswith("= x")
    assert f"{float(model.wte.weight[ids[ROW], 0]):9.4f}" in lines[0]
    assert f"{float(model.wpe.weight[ROW, 0]):9.4f}" in lines[1]
    assert not any(line.startswith("token") for line in head_steps(run, 1, 0, ROW)[0].lines)


def test_the_rest_of_the_block(run: Trace, theirs: Any) -> None:
    # transformers' last hidden state is behind the final norm: the block before is compared
    steps = block_steps(run, 0, ROW)
    assert [step.title for step in steps] == ["after attention", "norm", "expand", "GELU", "contract", "shortcut"]
    assert same(found(steps, "out"), theirs.hidden_states[1][0, ROW].double())
    assert same(found(steps, "a"), run.mlp_activations(0)[ROW].double())
    assert steps[-1].check is not None and steps[-1].check.ok
    assert "enters layer 1" in steps[-1].why and "the last norm" in block_steps(run, 1, ROW)[-1].why


def test_the_loss(run: Trace, theirs: Any, ids: Tensor) -> None:
    steps = loss_steps(run)
    assert [step.title for step in steps] == ["logits", "softmax", "surprise", "cross-entropy", "perplexity"]
    assert same(found(steps, "logits"), theirs.logits[0, T - 2].double())
    assert same(found(steps, "p"), theirs.logits[0, T - 2].double().softmax(-1))
    assert float(found(steps, "cross_entropy")) == pytest.approx(float(theirs.loss), rel=1e-5)
    assert float(found(steps, "perplexity")) == pytest.approx(math.exp(float(theirs.loss)), rel=1e-4)
    assert steps[3].check is not None and steps[3].check.ok
    chosen = loss_steps(run, 3)
    assert float(chosen[2].numbers[0].values[0]) == pytest.approx(
        float(F.cross_entropy(theirs.logits[0, 3], ids[4])), rel=1e-5
    )
    last = loss_steps(run, T - 1, word=lambda i: f"<{i}>")
    assert "nothing follows" in last[2].why and any("<" in line for line in last[0].lines)


def test_the_loss_of_more_tokens_than_are_widened_at_once() -> None:
    model = tiny_model(50, context=100)
    long = torch.randint(50, (90,), generator=torch.Generator().manual_seed(4))
    steps = loss_steps(trace(model, long))
    with torch.no_grad():
        logits = model(long[None])[0]
    assert same(found(steps, "surprise"), F.cross_entropy(logits[:-1], long[1:], reduction="none").double())
    kept = {*found(steps, "surprise").topk(24).indices.tolist(), 88}
    assert f"   … and {89 - len(kept)} more" in steps[3].lines


def test_one_token() -> None:
    run = trace(tiny_model(50), [7])
    steps = head_steps(run, 1, 3, 0)
    assert found(steps, "weights").tolist() == [1.0] and "nothing stands after it" in steps[4].lines
    assert steps[-1].check is not None and steps[-1].check.ok
    loss = loss_steps(run)
    assert loss[-1].title == "cross-entropy" and "nothing to predict" in loss[-1].why
    assert all(variant_steps(run, name, 0, 0, 0) for name in FORMS)


@pytest.mark.parametrize("bias", [True, False])
def test_one_head_and_no_bias(bias: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    model = GPT(GPTConfig(20, 8, 12, 1, 1, qkv_bias=bias, init_std=0.5), generator).eval().requires_grad_(False)
    run = trace(model, [1, 2, 3, 4])
    assert all(s.check is None or s.check.ok for s in head_steps(run, 0, 0, 2))
    for name in FORMS:
        assert all(s.check is None or s.check.ok for s in variant_steps(run, name, 0, 0, 2)), name


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_model_of_half_precision_agrees_as_far_as_that_goes(dtype: torch.dtype, ids: Tensor) -> None:
    run = trace(tiny_model(50).to(dtype), ids)
    checks = [s.check for s in head_steps(run, LAYER, HEAD, ROW) if s.check]
    checks += [s.check for s in block_steps(run, LAYER, ROW) if s.check]
    assert all(check.ok for check in checks) and max(check.difference for check in checks) > 1e-6


@pytest.mark.filterwarnings("error")
def test_weights_that_are_no_numbers_are_shown_as_such(ids: Tensor) -> None:
    model = tiny_model(50)
    with torch.no_grad():
        model.h[1].attn.c_attn.weight[0, 0] = torch.nan  # the query of head 0
    run = trace(model, ids)
    steps = head_steps(run, 1, 0, ROW)
    assert "nan" in steps[5].lines[2] and steps[-1].check is not None and not steps[-1].check.ok
    assert steps[-1].check.text == "differs from the fast path by nan"
    assert head_steps(run, 0, 0, ROW)[-1].check.ok  # type: ignore[union-attr]
    assert block_steps(run, 1, ROW) and loss_steps(run)
    assert all(variant_steps(run, name, 1, 0, ROW) for name in FORMS)
    assert json.dumps([step.to_dict() for step in steps])


def test_a_head_that_is_off_hands_on_nothing_and_the_check_still_holds(model: GPT, ids: Tensor) -> None:
    run = trace(model, ids, ablate=[(LAYER, HEAD)], scale={(LAYER, 0): 2.0})
    steps = head_steps(run, LAYER, HEAD, ROW)
    heads = found(steps, "heads").view(4, 8)
    assert heads[HEAD].eq(0).all() and same(heads[0], 2 * trace(model, ids).head_values(LAYER, 0)[ROW].double())
    assert "this run switches the head off" in "".join(steps[-1].lines)
    assert steps[-1].check is not None and steps[-1].check.ok


def test_patched_parts_are_not_compared(model: GPT, ids: Tensor) -> None:
    other = trace(model, ids.flip(0))
    run = trace(model, ids, patch=[Patch(other, 0, what="attn"), Patch(other, 1, what="mlp")])
    assert head_steps(run, 0, 1, ROW)[-1].check is None and "another run's" in head_steps(run, 0, 1, ROW)[-1].lines[-1]
    assert block_steps(run, 1, ROW)[-1].check is None
    assert block_steps(trace(model, ids, patch=Patch(other, 1, what="residual")), 0, ROW)[-1].check is None
    patched = trace(model, ids, patch=Patch(other, LAYER, HEAD))
    assert head_steps(patched, LAYER, HEAD, ROW)[-1].check.ok  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ((2, 0, 0), "there is no layer 2: there are layers 0 to 1"),
        ((0, 4, 0), "there is no head 4"),
        ((0, 0, T), f"there is no row {T}"),
    ],
)
def test_places_that_are_not_there_are_refused(run: Trace, where: tuple[int, int, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        head_steps(run, *where)
    with pytest.raises(InputError, match=message):
        variant_steps(run, "causal", *where)


def test_other_bad_places(run: Trace) -> None:
    with pytest.raises(InputError, match="there is no column 8: there are columns 0 to 7"):
        head_steps(run, 0, 0, 7, column=8)
    with pytest.raises(InputError, match="there is no position 12"):
        block_steps(run, 0, T)
    with pytest.raises(InputError, match="there is no position 12"):
        loss_steps(run, T)
    with pytest.raises(InputError, match=r"no form of attention is called 'casual' \(did you mean causal\?\)"):
        variant_steps(run, "casual", 0, 0, 0)


def test_a_long_text_lists_what_counts_and_says_what_it_leaves_out() -> None:
    model = tiny_model(50, context=300)
    ids = torch.randint(50, (300,), generator=torch.Generator().manual_seed(2))
    steps = head_steps(trace(model, ids), 1, 1, 250)
    weights = found(steps, "weights")
    assert len(weights) == 251, "the numbers are all there"
    assert max(len(step.lines) for step in steps) < 40
    kept = sorted({*weights.topk(24).indices.tolist(), 250})
    rest = 1 - float(weights[kept].sum())
    assert f"   … and {251 - len(kept)} more, together {rest:.4f}" in steps[5].lines
    listed = [int(line[:5]) for line in steps[5].lines if line[:5].strip().isdigit()]
    assert listed == kept


def test_lines_fit_the_pane_and_everything_is_plain_json(run: Trace) -> None:
    every = [head_steps(run, 0, 0, ROW), block_steps(run, 0, ROW), loss_steps(run)]
    every += [variant_steps(run, name, 0, 0, ROW) for name in FORMS]
    for steps in every:
        for step in steps:
            assert all(len(line) <= 74 for line in step.lines), max(step.lines, key=len)
            assert len(step.why) <= 74, step.why
            again = json.loads(json.dumps(step.to_dict()))
            assert again["title"] == step.title and again["lines"] == list(step.lines)
            assert {name: tuple(v) for name, v in again["numbers"].items()} == {n.name: n.values for n in step.numbers}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_worked_out_on_the_models_own_embeddings(run: Trace, model: GPT, ids: Tensor, name: str) -> None:
    steps = variant_steps(run, name, LAYER, HEAD, ROW)
    x = (model.wte(ids) + model.wpe(torch.arange(T))).double()
    assert same(found(steps, "x"), x[ROW])
    assert steps[-1].check is not None and steps[-1].check.ok


def test_the_forms_differ_in_what_the_course_adds(run: Trace, model: GPT, ids: Tensor) -> None:
    x = (model.wte(ids) + model.wpe(torch.arange(T))).double()
    weight, bias = model.h[LAYER].attn.c_attn.weight.double(), model.h[LAYER].attn.c_attn.bias.double()
    q, k, v = (F.linear(x, weight[at : at + 8], bias[at : at + 8]) for at in (HEAD * 8, 32 + HEAD * 8, 64 + HEAD * 8))
    assert same(found(variant_steps(run, "simple", LAYER, HEAD, ROW), "weights"), (x[ROW] @ x.T).softmax(0))
    full = (q[ROW] @ k.T / math.sqrt(8)).softmax(0)
    assert same(found(variant_steps(run, "weights", LAYER, HEAD, ROW), "weights"), full)
    seen = (q[ROW] @ k[: ROW + 1].T / math.sqrt(8)).softmax(0)
    causal = variant_steps(run, "causal", LAYER, HEAD, ROW)
    assert same(found(causal, "weights"), seen) and same(found(causal, "z"), seen @ v[: ROW + 1])
    stacked = variant_steps(run, "stacked", LAYER, HEAD, ROW)
    assert same(found(stacked, "context")[HEAD * 8 : HEAD * 8 + 8], seen @ v[: ROW + 1])
    one = variant_steps(run, "one projection", LAYER, HEAD, ROW)
    assert same(found(one[:-1], "weights"), seen)
    assert same(found(one, "weights"), run.pattern(LAYER, HEAD)[ROW, : ROW + 1].double())


def test_every_part_by_its_name(run: Trace) -> None:
    titles = {part: [step.title for step in steps_of(run, part, LAYER, HEAD, ROW, column=1)] for part in PARTS}
    assert titles["head"] == TITLES and titles["block"][-1] == "shortcut" and titles["loss"][-1] == "perplexity"
    assert {part: titles[part] for part in FORMS} == {
        part: [step.title for step in variant_steps(run, part, LAYER, HEAD, ROW)] for part in FORMS
    }
    assert steps_of(run, "head", LAYER, HEAD, ROW, column=1)[3].lines[0].startswith(f"with ‘id {run.ids[1]}’")
    with pytest.raises(InputError, match=r"no part is called 'lost' \(did you mean loss\?\)"):
        steps_of(run, "lost", 0, 0, 0)
