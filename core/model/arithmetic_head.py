"""One token through one head, step by step with the actual numbers.

Everything is worked out anew in float64 from the weights and what enters the layer; the last step is compared with what
the model itself computed by its fast path. Leaves out: the rest of the block and the loss (``arithmetic.py``), and the
simpler forms of attention that a course begins with (``variants.py``).

Shapes: T tokens, S tokens that one sees, C channels, H heads, D channels of a head.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.model.gpt import Block
from core.model.patching import index
from core.model.trace import Trace
from core.model.worked import (
    MOST,
    PATCHED,
    Check,
    Step,
    compare,
    exact,
    linear,
    listed,
    norm_step,
    normalised,
    numbers,
    product,
    short,
    table,
    texts,
    unlisted,
    vector,
)


@dataclass(frozen=True)
class _Head:
    """One token through one head, in float64."""

    row: int
    column: int
    tokens: Sequence[str]
    x: Tensor
    """(C,)."""
    n: Tensor
    """(C,), normalised."""
    q: Tensor
    """(D,)."""
    keys: Tensor
    """(T, D)."""
    values: Tensor
    """(T, D)."""
    dots: Tensor
    """(T,)."""
    scores: Tensor
    """(T,), over sqrt(D)."""
    weights: Tensor
    """(row + 1,)."""
    context: Tensor
    """(D,)."""
    places: Sequence[int]
    """The tokens that tables list."""

    @property
    def root(self) -> float:
        return math.sqrt(len(self.q))

    @property
    def left(self) -> str:
        shown = [place for place in self.places if place <= self.row]
        return unlisted(self.row + 1 - len(shown), float(1 - self.weights[shown].sum()))


@torch.no_grad()
def head_steps(
    trace: Trace,
    layer: int,
    head: int,
    row: int,
    *,
    column: int | None = None,
    tokens: Sequence[str] | None = None,
) -> list[Step]:
    """One token through one head in eight steps, from what enters the layer to what attention adds to it.

    Args:
        trace: the run; the heads that it switches off or patches are, here too.
        layer: from 0; negative ones count from the end.
        head: as well.
        row: the token that asks.
        column: the token that is looked at, whose dot product is written out; None: the one with the most weight.
        tokens: the text of each token; without it, its id.

    Raises:
        InputError: there is no such layer, head, row or column; a column after the row is one that it cannot see.
    """
    layer, head = index(layer, trace.config.n_layers, "layer"), index(head, trace.config.n_heads, "head")
    row = index(row, len(trace.ids), "row")
    h = _worked(trace, layer, head, row, column, texts(trace, tokens))
    block = trace.block(layer)
    return [
        _input(trace, layer, row, h.tokens[row], h.x),
        norm_step("norm", block.ln_1, h.x),
        _projections(trace, block, head, h),
        _dot_products(h),
        _mask(h),
        _softmax(h, compare(h.weights, trace.pattern(layer, head)[row, : row + 1], "the trace's row of attention")),
        _weighted_sum(h),
        _join(trace, block, layer, head, h),
    ]


# --- the steps


def _input(trace: Trace, layer: int, row: int, label: str, x: Tensor) -> Step:
    told = f"the {len(x):,} numbers that stand for #{row} ‘{label}’ as it enters layer {layer}"
    lines = [vector("x", x), f"length {short(x.norm())}"]
    if layer == 0 and not any(p.layer == 0 and p.what == "residual" for p in trace.changes.patches):
        token, place = exact(trace.model.wte.weight[trace.ids[row]]), exact(trace.model.wpe.weight[row])
        lines[:1] = [vector("token", token), vector("+ position", place), vector("= x", x)]
        lines.append("a row of the token table and a row of the position table, added")
    return Step("input", told, tuple(lines), (numbers("x", x),))


def _projections(trace: Trace, block: Block, head: int, h: _Head) -> Step:
    weight, bias = _qkv_of(trace, block, head)
    D = len(h.q)
    return Step(
        "q k v",
        "what it asks with, how it is found, what it hands on",
        (
            product("q0", h.n, weight[0], None if bias is None else float(bias[0])),
            vector("query", h.q),
            vector("key", h.keys[h.row]),
            vector("value", h.values[h.row]),
            f"three products with the weights of head {head}: {len(h.n):,} numbers become {D} each",
        ),
        (numbers("q", h.q), numbers("k", h.keys[h.row]), numbers("v", h.values[h.row])),
    )


def _dot_products(h: _Head) -> Step:
    rows = [(i, [float(h.dots[i]), float(h.scores[i])], h.tokens[i]) for i in h.places]
    return Step(
        "scores",
        f"its query times every key, over sqrt({len(h.q)}), lest width sharpen them",
        (
            product(f"with ‘{h.tokens[h.column]}’", h.q, h.keys[h.column]),
            *table(("dot", f"/ {h.root:.3f}"), rows, unlisted(len(h.keys) - len(h.places))),
        ),
        (numbers("dots", h.dots), numbers("scores", h.scores)),
    )


def _mask(h: _Head) -> Step:
    masked = h.scores.clone()
    masked[h.row + 1 :] = -torch.inf
    later = [i for i in h.places if i > h.row]
    rows = [(i, [float(h.scores[i]), float(masked[i])], h.tokens[i]) for i in (h.row, *later)]
    hidden = len(h.keys) - h.row - 1
    left = unlisted(hidden - len(later))
    return Step(
        "mask",
        "a token sees itself and those before; the others get -inf: e^-inf is 0",
        (
            "#0 is all it sees" if h.row == 0 else f"#0 to #{h.row} keep their scores",
            *(table(("score", "masked"), rows, left) if hidden else ["nothing stands after it"]),
        ),
        (numbers("masked", masked),),
    )


def _softmax(h: _Head, check: Check) -> Step:
    seen = h.scores[: h.row + 1]
    top = seen.max()
    powers = (seen - top).exp()
    shown = [i for i in h.places if i <= h.row]
    rows = [(i, [float(seen[i]), float(powers[i]), float(h.weights[i])], h.tokens[i]) for i in shown]
    return Step(
        "softmax",
        "e to each score less the largest, over their sum: a row that makes 1",
        (
            *table(("score", "e^", "weight"), rows, h.left),
            f"sum of e^ {short(powers.sum())}, sum of weights {short(h.weights.sum())}",
            f"‘{h.tokens[h.row]}’ takes {short(h.weights[h.column])} of ‘{h.tokens[h.column]}’",
        ),
        (numbers("weights", h.weights),),
        check,
    )


def _weighted_sum(h: _Head) -> Step:
    shown = [i for i in h.places if i <= h.row]
    rows = [(i, [float(h.weights[i]), *h.values[i, :3].tolist()], h.tokens[i]) for i in shown]
    names = [f"v{i}" for i in range(min(3, len(h.context)))]
    top = h.weights.nan_to_num(0.0).topk(min(3, h.row + 1)).indices.tolist()
    terms = " + ".join(f"{short(h.weights[i])}×{short(h.values[i, 0])}" for i in top)
    more = " + …" if h.row >= 3 else ""
    return Step(
        "weighted sum",
        "the values of the tokens that it sees, each as much as its weight",
        (
            *table(("weight", *names), rows, h.left),
            f"z0 = {terms}{more} = {short(h.context[0])}",
            vector("z", h.context),
        ),
        (numbers("z", h.context),),
    )


def _join(trace: Trace, block: Block, layer: int, head: int, h: _Head) -> Step:
    heads = _handed_on(trace, layer, head, h)  # (H, D)
    out = linear(block.attn.c_proj, heads.flatten())  # (C,)
    after = h.x + out
    lines = [vector(f"{'▸' if i == head else ' '} head {i}", z) for i, z in enumerate(heads)]
    if _changed(trace, layer, head):
        lines.append("this run switches the head off, scales or patches it: so it hands on this")
    lines += [
        product("o0", heads.flatten(), exact(block.attn.c_proj.weight[0]), float(block.attn.c_proj.bias[0])),
        vector("attention", out),
        vector("+ x", h.x),
        vector("= out", after),
        f"the weight of ‘{h.tokens[h.column]}’ in it: {short(h.weights[h.column])}",
    ]
    replaced = any(p.layer == layer and p.what == "attn" for p in trace.changes.patches)
    return Step(
        "join and project",
        f"{_heads(len(heads))} side by side, one more matrix, added to what came in",
        (*lines, *([PATCHED] if replaced else [])),
        (numbers("heads", heads), numbers("attention", out), numbers("out", after)),
        None if replaced else compare(after, trace.residual_mid(layer)[h.row], "the fast path"),
    )


def _heads(count: int) -> str:
    return "the one head, nothing" if count == 1 else f"the {count} heads"


# --- what they are made of


def _worked(trace: Trace, layer: int, head: int, row: int, column: int | None, tokens: Sequence[str]) -> _Head:
    block, D = trace.block(layer), trace.config.head_dim
    x = exact(trace.residual(layer))  # (T, C)
    n = normalised(block.ln_1, x)[1]
    weight, bias = _qkv_of(trace, block, head)  # (3D, C), (3D,)
    q, k, v = (n @ weight.T + (0 if bias is None else bias)).chunk(3, -1)  # each (T, D)
    dots = k @ q[row]  # (T,)
    scores = dots / math.sqrt(D)
    weights = scores[: row + 1].softmax(0)  # (row + 1,)
    column = int(weights.nan_to_num(0.0).argmax()) if column is None else index(column, row + 1, "column", back=False)
    places = listed(weights, [column, row])
    later = range(row + 1, len(x))
    places += list(later)[: max(3, MOST - len(places))]
    return _Head(
        row, column, tokens, x[row], n[row], q[row], k, v, dots, scores, weights, weights @ v[: row + 1], places
    )


def _handed_on(trace: Trace, layer: int, head: int, h: _Head) -> Tensor:
    """What each head of a layer hands to the projection at a row, (H, D); this one's is worked out already."""
    out = exact(trace.head_values(layer)[:, h.row])
    if not _changed(trace, layer, head):
        out[head] = h.context
    return out


def _changed(trace: Trace, layer: int, head: int) -> bool:
    """Whether this run puts something else in place of what a head hands on."""
    patched = any(p.what == "head" and (p.layer, p.head) == (layer, head) for p in trace.changes.patches)
    return patched or (layer, head) in trace.changes.factors


def _qkv_of(trace: Trace, block: Block, head: int) -> tuple[Tensor, Tensor | None]:
    """One head's share of the weights of query, key and value, (3D, C) and (3D,)."""
    C, D = trace.config.emb_dim, trace.config.head_dim
    rows = torch.cat([torch.arange(D) + part * C + head * D for part in range(3)]).to(block.attn.c_attn.weight.device)
    bias = block.attn.c_attn.bias if trace.config.qkv_bias else None
    return exact(block.attn.c_attn.weight[rows]), None if bias is None else exact(bias[rows])
