"""The lines of the arithmetic, which is what a person reads: every number in them against torch's own functions."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tiny_models import tiny_model
from torch import Tensor

from core.model.arithmetic import Step, block_steps, head_steps, loss_steps
from core.model.gpt import GPT, Block
from core.model.trace import Trace, trace
from core.model.variants import variant_steps

T, LAYER, HEAD, ROW, COLUMN, D = 12, 1, 2, 7, 3, 8


@pytest.fixture(scope="module")
def model() -> GPT:
    return tiny_model(50)


@pytest.fixture(scope="module")
def run(model: GPT) -> Trace:
    return trace(model, torch.randint(50, (T,), generator=torch.Generator().manual_seed(1)))


@pytest.fixture(scope="module")
def block(model: GPT) -> Block:
    found = model.h[LAYER]
    assert isinstance(found, Block)
    return found


def by_title(steps: list[Step]) -> dict[str, tuple[str, ...]]:
    return {step.title: step.lines for step in steps}


def near(expected: Any) -> Any:
    """As near as four decimals, or three figures, can be."""
    values = [float(one) for one in expected] if isinstance(expected, list) else expected
    values = values.tolist() if isinstance(values, Tensor) else values
    return pytest.approx(values, rel=6e-3, abs=1.5e-4)


def line_of(lines: tuple[str, ...], start: str) -> str:
    return next(line for line in lines if line.lstrip(" ▸").startswith(start))


def is_product(line: str, a: Tensor, b: Tensor, plus: float | None = None) -> bool:
    """Whether a line writes out the dot product of two vectors: the first three terms, what is added, and the sum."""
    body, total = line.split(" = ", 1)[1].rsplit(" = ", 1)
    terms = body.split(" + ")
    pairs = [[float(x) for x in term.split("×")] for term in terms if "×" in term]
    added = [float(term) for term in terms if "×" not in term and term != "…"]
    expected = float(a.double() @ b.double()) + (plus or 0.0)
    first = torch.stack([a, b], 1)[:3]
    return (
        pairs == [near(pair) for pair in first]
        and added == near([plus] if plus else [])
        and float(total) == near(expected)
    )


def is_vector(line: str, x: Tensor) -> bool:
    """Whether a line shows a vector's first five numbers and the sum of all."""
    found = re.findall(r"-?\d+\.\d+(?:e-?\d+)?", line)
    return [float(one) for one in found] == near([*x[:5].tolist(), float(x.double().sum())])


def rows_of(lines: tuple[str, ...], columns: int) -> dict[int, list[float]]:
    """The rows of a table by the place of their token."""
    rows = [line for line in lines if line[:5].strip().isdigit()]
    return {int(line[:5]): [float(line[5 + 9 * i : 14 + 9 * i]) for i in range(columns)] for line in rows}


def is_table(lines: tuple[str, ...], *columns: Tensor, rows: list[int]) -> bool:
    expected = torch.stack([column.double() for column in columns], 1)
    return rows_of(lines, len(columns)) == {row: near(expected[row]) for row in rows}


def test_the_lines_of_a_head(run: Trace, block: Block) -> None:
    lines = by_title(head_steps(run, LAYER, HEAD, ROW, column=COLUMN))
    x = run.residual(LAYER)[ROW]
    n = F.layer_norm(x, (32,), block.ln_1.weight, block.ln_1.bias)
    q, k, v = run.qkv(LAYER, HEAD)
    assert is_vector(lines["input"][0], x) and float(lines["input"][1].split()[1]) == near(float(x.norm()))
    plain, spread = F.layer_norm(x, (32,)), float((x.var(unbiased=False) + 1e-5).sqrt())
    said = [float(one) for one in re.findall(r"-?\d+\.\d+", " ".join(lines["norm"][:2]))]
    x0, mean = float(x[0]), float(x.mean())
    assert said == near([mean, spread, x0, mean, spread, float(plain[0])])
    shown = dict(zip(("normalised", "× scale", "+ shift", "= n"), lines["norm"][2:], strict=True))
    for name, expected in zip(shown, (plain, block.ln_1.weight, block.ln_1.bias, n), strict=True):
        assert shown[name].startswith(name) and is_vector(shown[name], expected)
    weight, bias = block.attn.c_attn.weight[HEAD * D], float(block.attn.c_attn.bias[HEAD * D])
    assert is_product(line_of(lines["q k v"], "q0"), n, weight, bias)
    for name, vector in zip(("query", "key", "value"), (q[ROW], k[ROW], v[ROW]), strict=True):
        assert is_vector(line_of(lines["q k v"], name), vector)
    dots = k @ q[ROW]
    scores = dots / math.sqrt(D)
    assert is_product(lines["scores"][0], q[ROW], k[COLUMN])
    assert is_table(lines["scores"], dots, scores, rows=list(range(T)))
    masked = scores.masked_fill(torch.arange(T) > ROW, -math.inf)
    assert is_table(lines["mask"], scores, masked, rows=list(range(ROW, T)))
    seen, weights = list(range(ROW + 1)), scores[: ROW + 1].softmax(0)
    powers = (scores[: ROW + 1] - scores[: ROW + 1].max()).exp()
    assert is_table(lines["softmax"], scores[: ROW + 1], powers, weights, rows=seen)
    sums = re.findall(r"\d+\.\d+", line_of(lines["softmax"], "sum of e^"))
    assert [float(one) for one in sums] == near([powers.sum(), 1.0])
    assert is_table(lines["weighted sum"], weights, *v[: ROW + 1, :3].unbind(1), rows=seen)
    z, top = weights @ v[: ROW + 1], weights.topk(3).indices
    body, total = line_of(lines["weighted sum"], "z0").removeprefix("z0 = ").rsplit(" = ", 1)
    pairs = [[float(x) for x in term.split("×")] for term in body.split(" + ") if "×" in term]
    assert pairs == [near([weights[i], v[i, 0]]) for i in top] and float(total) == near(float(z[0]))
    assert is_vector(line_of(lines["weighted sum"], "z  "), z)
    joined = lines["join and project"]
    heads, out = run.head_values(LAYER)[:, ROW], run.attn_out(LAYER)[ROW]
    assert all(is_vector(line.partition(f"head {i}")[2], heads[i]) for i, line in enumerate(joined[:4]))
    assert is_product(
        line_of(joined, "o0"), heads.flatten(), block.attn.c_proj.weight[0], float(block.attn.c_proj.bias[0])
    )
    for name, vector in (("attention", out), ("+ x", x), ("= out", x + out)):
        assert is_vector(line_of(joined, name), vector)


def test_the_lines_of_the_block(run: Trace, block: Block) -> None:
    lines = by_title(block_steps(run, LAYER, ROW))
    x, out = run.residual_mid(LAYER)[ROW], run.residual(LAYER + 1)[ROW]
    n = F.layer_norm(x, (32,), block.ln_2.weight, block.ln_2.bias)
    u = F.linear(n, block.mlp.c_fc.weight, block.mlp.c_fc.bias)
    a = F.gelu(u, approximate="tanh")
    assert is_vector(lines["after attention"][0], x) and is_vector(line_of(lines["norm"], "= n"), n)
    assert is_product(line_of(lines["expand"], "u0"), n, block.mlp.c_fc.weight[0], float(block.mlp.c_fc.bias[0]))
    assert is_vector(line_of(lines["expand"], "u  "), u)
    assert lines["expand"][-1] == f"{int((u > 0).sum())} of 128 neurons are above 0"
    becomes = [float(one) for one in re.findall(r"-?\d+\.\d+", line_of(lines["GELU"], "u0"))]
    assert becomes == near([u[0], a[0]]) and is_vector(line_of(lines["GELU"], "a  "), a)
    strongest = int(a.abs().argmax())
    assert f"neuron {strongest} with" in lines["GELU"][-1] and float(lines["GELU"][-1].split()[-1]) == near(
        a[strongest]
    )
    assert is_vector(lines["contract"][0], out - x) and is_vector(line_of(lines["shortcut"], "= out"), out)


def test_the_lines_of_the_loss(run: Trace) -> None:
    lines, z = by_title(loss_steps(run, 4)), run.logits[4]
    p, target = z.softmax(0), int(run.ids[5])
    shown = sorted({*z.topk(5).indices.tolist(), target})
    assert is_table(lines["logits"], z, rows=shown)
    assert is_table(lines["softmax"], z - z.max(), (z - z.max()).exp(), p, rows=shown)
    assert sum("comes next" in line and int(line[:5]) == target for line in lines["logits"]) == 1
    nats = float(F.cross_entropy(z, run.ids[5]))
    said = [float(one) for one in re.findall(r"\d+\.\d+", lines["surprise"][0])]
    assert said == near([math.exp(-nats), nats, nats / math.log(2)])
    each = F.cross_entropy(run.logits[:-1], run.ids[1:], reduction="none")
    assert is_table(lines["cross-entropy"], (-each).exp(), each, rows=list(range(T - 1)))
    total, loss = float(each.sum()), float(each.mean())
    said = [float(one) for one in re.findall(r"\d+\.?\d*", lines["cross-entropy"][-1])]
    assert said == near([total, T - 1, loss, loss / math.log(2)])
    said = [float(one) for one in re.findall(r"\d+\.\d+", lines["perplexity"][0])]
    assert said == near([loss, math.exp(loss)])


def test_the_lines_of_the_forms_of_a_course(run: Trace, model: GPT, block: Block) -> None:
    x = model.wte(run.ids) + model.wpe.weight[:T]
    rows = [slice(at + HEAD * D, at + HEAD * D + D) for at in (0, 32, 64)]
    q, k, v = (F.linear(x, block.attn.c_attn.weight[at], block.attn.c_attn.bias[at]) for at in rows)
    plain, dots = x[ROW] @ x.T, q[ROW] @ k.T
    forms = {"simple": (plain, plain, T, x), "weights": (dots, dots / math.sqrt(D), T, v)}
    forms |= {"causal": (dots, dots / math.sqrt(D), ROW + 1, v)}
    for form, (raw, scores, seen, values) in forms.items():
        lines = by_title(variant_steps(run, form, LAYER, HEAD, ROW))
        columns = [raw[:seen]] if form == "simple" else [raw[:seen], scores[:seen]]
        assert is_table(lines["scores"], *columns, rows=list(range(seen))), form
        weights = scores[:seen].softmax(0)
        assert is_table(lines["softmax"], scores[:seen], weights, rows=list(range(seen))), form
        assert is_vector(line_of(lines["context"], "z  "), weights @ values[:seen]), form
        assert any("come later: -inf" in line for line in lines["scores"]) == (form == "causal")
    stacked = by_title(variant_steps(run, "stacked", LAYER, HEAD, ROW))["side by side"]
    assert is_vector(
        stacked[HEAD].partition(f"head {HEAD}")[2], (dots / math.sqrt(D))[: ROW + 1].softmax(0) @ v[: ROW + 1]
    )
