"""The forms of attention that a course builds up to, worked out on a text with a model's own embeddings.

The classes of ``steps_attention.py`` are run, in float64, on what the model reads (token plus position embedding), with
the weights of one of its heads where a form has weights. So the forms can be compared row by row, up to the last, which
is the model's own attention. Leaves out: that one's arithmetic in full (``arithmetic_head.py``).

Shapes: T tokens, C channels, H heads, D channels of a head.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.errors import InputError, nearest
from core.model.parts import FORMS
from core.model.patching import index
from core.model.steps import attention_of
from core.model.steps_attention import (
    CausalAttention,
    MultiHeadAttention,
    MultiHeadAttentionWrapper,
    SelfAttention,
    SimplifiedSelfAttention,
)
from core.model.trace import Trace
from core.model.worked import Step, compare, exact, listed, numbers, short, table, texts, unlisted, vector


@torch.no_grad()
def variant_steps(
    trace: Trace, variant: str, layer: int, head: int, row: int, *, tokens: Sequence[str] | None = None
) -> list[Step]:
    """One token through one of the forms.

    Args:
        trace: whose model and text; what the trace switches off or patches plays no part here, but for what the layer
            reads in the last step of ``one projection``.
        variant: a key of ``FORMS``.
        layer: whose weights, where the form has weights.
        head: which head's.
        row: the token that asks.
        tokens: the text of each token; without it, its id.

    Raises:
        InputError: there is no such form, layer, head or row.
    """
    if variant not in FORMS:
        raise InputError(
            f"no form of attention is called {variant!r}{nearest(variant, FORMS)}",
            "there are: " + ", ".join(FORMS),
        )
    layer, head = index(layer, trace.config.n_layers, "layer"), index(head, trace.config.n_heads, "head")
    row, labels = index(row, len(trace.ids), "row"), texts(trace, tokens)
    model, ids = trace.model, trace.ids
    x = exact(model.wte(ids) + model.wpe.weight[: len(ids)])  # (T, C), what the model reads, with nothing done to it
    start = Step(
        "input",
        f"#{row} ‘{labels[row]}’: its row of the token table plus that of its place",
        (vector("x", x[row]), f"{len(x)} tokens of {x.shape[1]:,} numbers; no norm before, as the course begins"),
        (numbers("x", x[row]),),
    )
    if variant == "simple":
        return [start, *_simple(x, row, labels)]
    whole = attention_of(trace.block(layer).attn, trace.config).cpu().double().eval()
    if variant == "weights":
        return [start, *_one_head(SelfAttention(*_widths(whole), _biased(whole)), whole, head, x, row, labels)]
    if variant == "causal":
        one = CausalAttention(*_widths(whole), len(x), 0.0, _biased(whole))
        return [start, *_one_head(one, whole, head, x, row, labels)]
    if variant == "stacked":
        return [start, *_stacked(whole, x[: row + 1], row, labels)]
    return [start, *_one_projection(trace, whole, layer, head, x, row, labels)]


def _simple(x: Tensor, row: int, labels: Sequence[str]) -> list[Step]:
    attention = SimplifiedSelfAttention()
    attention(x)
    fast = F.scaled_dot_product_attention(x[None], x[None], x[None], scale=1.0)[0]
    return [
        _scores(
            attention.scores[row], attention.weights[row], labels, "the dot product of its vector with every vector"
        ),
        _weights(attention.scores[row], attention.weights[row], labels),
        Step(
            "context",
            "every vector as much as its weight: what is alike has been averaged",
            (
                vector("z", attention.context[row]),
                f"‘{labels[row]}’ takes {short(attention.weights[row, row])} of itself",
            ),
            (numbers("z", attention.context[row]),),
            compare(attention.context[row], fast[row], "torch's own attention"),
        ),
    ]


def _one_head(
    one: SelfAttention | CausalAttention,
    whole: MultiHeadAttention,
    head: int,
    x: Tensor,
    row: int,
    labels: Sequence[str],
) -> list[Step]:
    """A form with one head, which gets the weights of a head of the model."""
    one = one.double().eval()
    _take_head(one, whole, head)
    causal = isinstance(one, CausalAttention)
    later = len(x) - row - 1 if causal else 0
    x = x[: len(x) - later]  # what comes later changes nothing, and need not be computed
    one(x)
    q, k, v = one.queries, one.keys, one.values
    fast = F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=causal)[0]
    dots, weights = one.scores[row], one.weights[row]
    scaled = dots / math.sqrt(k.shape[1])
    why = f"its query times every key, over sqrt({k.shape[1]})"
    return [
        Step(
            "q k v",
            f"three products with the weights of head {head}",
            (vector("query", q[row]), vector("key", k[row]), vector("value", v[row])),
            (numbers("q", q[row]), numbers("k", k[row]), numbers("v", v[row])),
        ),
        _scores(dots, weights, labels, why, scaled, later),
        _weights(scaled, weights, labels),
        Step(
            "context",
            "the values of the tokens, each as much as its weight",
            (vector("z", one.context[row]),),
            (numbers("z", one.context[row]),),
            compare(one.context[row], fast[row], "torch's own attention"),
        ),
    ]


def _stacked(whole: MultiHeadAttention, x: Tensor, row: int, labels: Sequence[str]) -> list[Step]:
    width, D = _widths(whole)
    stack = MultiHeadAttentionWrapper(width, D, len(x), 0.0, whole.num_heads, _biased(whole)).double().eval()
    heads = [head for head in stack.heads if isinstance(head, CausalAttention)]
    for i, head in enumerate(heads):
        _take_head(head, whole, i)
    context = stack(x)
    whole(x[None])
    rows = []
    for i, head in enumerate(heads):
        most = int(head.weights[row].nan_to_num(0.0).argmax())
        rows.append((i, [float(head.weights[row, most])], f"of ‘{labels[most]}’"))
    return [
        Step(
            "heads",
            "each head asks in its own way; what each takes most of, and how much",
            tuple(table(("weight",), rows)),
            tuple(numbers(f"weights of head {i}", head.weights[row]) for i, head in enumerate(heads)),
        ),
        Step(
            "side by side",
            f"{len(heads)} contexts of {D} numbers make {len(heads) * D:,} again",
            tuple(vector(f"head {i}", head.context[row]) for i, head in enumerate(heads)),
            (numbers("context", context[row]),),
            compare(context[row], whole.context[0, row], "the heads cut out of one projection"),
        ),
    ]


def _one_projection(
    trace: Trace, whole: MultiHeadAttention, layer: int, head: int, x: Tensor, row: int, labels: Sequence[str]
) -> list[Step]:
    D = _widths(whole)[1]
    later, x = len(x) - row - 1, x[: row + 1]
    out = whole(x[None])[0, row]  # (C,)
    dots, weights = (part[0, head, row, : row + 1] for part in (whole.scores, whole.weights))
    scores = dots / math.sqrt(D)
    steps = [
        Step(
            "cut into heads",
            f"one product makes all queries; head {head} reads numbers {head * D} to {head * D + D - 1}",
            tuple(vector(f"query {i}", q) for i, q in enumerate(whole.queries[0, :, row])),
            (numbers("queries", whole.queries[0, :, row]),),
        ),
        _scores(dots, weights, labels, f"of head {head}, as one causal head has them", scores, later),
        _weights(scores, weights, labels),
        Step(
            "join and project",
            "the heads side by side, mixed by one more matrix",
            (vector("context", whole.context[0, row]), vector("out", out)),
            (numbers("context", whole.context[0, row]), numbers("out", out)),
        ),
    ]
    block = trace.block(layer)
    residual = exact(trace.residual(layer)[: row + 1])
    normed = F.layer_norm(
        residual, residual.shape[1:], exact(block.ln_1.weight), exact(block.ln_1.bias), block.ln_1.eps
    )
    whole(normed[None])
    mine, theirs = whole.weights[0, head, row, : row + 1], trace.pattern(layer, head)[row, : row + 1]
    most = int(mine.nan_to_num(0.0).argmax())
    return [
        *steps,
        Step(
            "in the model",
            f"given what layer {layer} really reads (the normalised residual), it is the model",
            (vector("weights", mine), f"‘{labels[row]}’ takes {short(mine[most])} of ‘{labels[most]}’ in the model"),
            (numbers("weights", mine),),
            compare(mine, theirs, "the model's own row of attention"),
        ),
    ]


def _scores(
    dots: Tensor, weights: Tensor, labels: Sequence[str], why: str, scaled: Tensor | None = None, later: int = 0
) -> Step:
    """The scores of the tokens that are seen; ``later`` ones are masked."""
    places = listed(weights)
    columns = [dots] if scaled is None else [dots, scaled]
    rows = [(i, [float(column[i]) for column in columns], labels[i]) for i in places]
    head = ("dot",) if scaled is None else ("dot", "scaled")
    lines = table(head, rows, unlisted(len(dots) - len(places)))
    if later:
        lines.append(f"#{len(dots)} to #{len(dots) + later - 1} come later: -inf")
    return Step("scores", why, tuple(lines), (numbers("scores", dots),))


def _weights(scores: Tensor, weights: Tensor, labels: Sequence[str]) -> Step:
    places = listed(weights)
    rows = [(i, [float(scores[i]), float(weights[i])], labels[i]) for i in places]
    left = unlisted(len(weights) - len(places), float(1 - weights[places].sum()))
    why = "e to each score, over their sum: a row that makes 1"
    return Step("softmax", why, tuple(table(("score", "weight"), rows, left)), (numbers("weights", weights),))


def _take_head(one: SelfAttention | CausalAttention, whole: MultiHeadAttention, head: int) -> None:
    """Copies one head's share of each matrix."""
    D = _widths(whole)[1]
    rows = slice(head * D, (head + 1) * D)
    for name in ("W_query", "W_key", "W_value"):
        source, target = getattr(whole, name), getattr(one, name)
        target.weight.copy_(source.weight[rows])
        if source.bias is not None:
            target.bias.copy_(source.bias[rows])


def _widths(whole: MultiHeadAttention) -> tuple[int, int]:
    """The width of a token, and of a head."""
    out, width = whole.W_query.weight.shape
    return width, out // whole.num_heads


def _biased(whole: MultiHeadAttention) -> bool:
    bias: nn.Parameter | None = whole.W_query.bias
    return bias is not None
