"""The arithmetic inside a model, step by step with the actual numbers: one head, one block, the loss.

Each function takes a trace and works everything out anew in float64; what comes out is compared with what the model
itself computed by its fast path. The head has a file of its own (``arithmetic_head.py``), its name is here too. Leaves
out: the simpler forms of attention that a course begins with (``variants.py``).

Shapes: T tokens, C channels, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.model.arithmetic_head import head_steps
from core.model.gpt import Block
from core.model.patching import index
from core.model.trace import Trace
from core.model.worked import (
    PATCHED,
    Check,
    Numbers,
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

__all__ = ["Check", "Numbers", "Step", "block_steps", "head_steps", "loss_steps"]

CHUNK = 32
"""Rows of logits that are held in float64 at once."""
TOP = 5
"""How many of the likeliest tokens are shown."""


@torch.no_grad()
def block_steps(trace: Trace, layer: int, position: int, *, tokens: Sequence[str] | None = None) -> list[Step]:
    """The rest of a block for one token: norm, feed-forward, shortcut.

    Raises:
        InputError: there is no such layer or position.
    """
    layer, position = index(layer, trace.config.n_layers, "layer"), index(position, len(trace.ids), "position")
    block, label = trace.block(layer), texts(trace, tokens)[position]
    x = exact(trace.residual_mid(layer)[position])  # (C,)
    n = normalised(block.ln_2, x)[1]
    wide = linear(block.mlp.c_fc, n)  # (4C,)
    active = nn.functional.gelu(wide, approximate="tanh")
    back = linear(block.mlp.c_proj, active)  # (C,)
    out = x + back
    check = compare(out, trace.residual(layer + 1)[position], "the fast path")
    here = ((layer, "mlp"), (layer + 1, "residual"))
    replaced = any((p.layer, p.what) in here for p in trace.changes.patches)
    return [
        Step(
            "after attention",
            f"#{position} ‘{label}’: what entered layer {layer}, plus what attention added",
            (vector("x", x), f"length {short(x.norm())}, {len(x):,} numbers"),
            (numbers("x", x),),
        ),
        norm_step("norm", block.ln_2, x),
        *_feed_forward(block, n, wide, active, back),
        Step(
            "shortcut",
            f"added to what was there: this enters layer {layer + 1}"
            if layer + 1 < trace.config.n_layers
            else "added to what was there: this is what the last norm and the head read",
            (vector("x", x), vector("+ added", back), vector("= out", out), *([PATCHED] if replaced else [])),
            (numbers("out", out),),
            None if replaced else check,
        ),
    ]


def _feed_forward(block: Block, n: Tensor, wide: Tensor, active: Tensor, back: Tensor) -> list[Step]:
    """Out to four times the width, the bend, and back: n (C,) to u (4C,), a (4C,) and what is added (C,)."""
    top = int(active.abs().nan_to_num(torch.inf).argmax())
    return [
        Step(
            "expand",
            "every inner neuron: a dot product with a direction of its own, and a bias",
            (
                product("u0", n, exact(block.mlp.c_fc.weight[0]), float(block.mlp.c_fc.bias[0])),
                vector("u", wide),
                f"{int((wide > 0).sum()):,} of {len(wide):,} neurons are above 0",
            ),
            (numbers("u", wide),),
        ),
        Step(
            "GELU",
            "what is far below 0 is silenced, what is above passes",
            (
                "a = u/2 (1 + tanh(sqrt(2/pi) (u + 0.044715 u^3)))",
                f"u0 = {short(wide[0])} becomes {short(active[0])}",
                vector("a", active),
                f"the strongest is neuron {top:,} with {short(active[top])}",
            ),
            (numbers("a", active),),
        ),
        Step(
            "contract",
            f"{len(active):,} numbers back to {len(back):,}: each neuron adds a direction of its own",
            (vector("feed-forw.", back), f"length {short(back.norm())}"),
            (numbers("feed-forward", back),),
        ),
    ]


@torch.no_grad()
def loss_steps(
    trace: Trace,
    position: int | None = None,
    *,
    tokens: Sequence[str] | None = None,
    word: Callable[[int], str] | None = None,
) -> list[Step]:
    """From the logits at one position to the loss of the whole text: softmax, cross-entropy, perplexity.

    Args:
        trace: the run.
        position: whose logits are shown; None: the last that has a next token to predict.
        tokens: the text of each token; without it, its id.
        word: the text of any token of the vocabulary; without it, its id.

    Raises:
        InputError: there is no such position.
    """
    T, labels = len(trace.ids), texts(trace, tokens)
    position = max(0, T - 2) if position is None else index(position, T, "position")
    logits = trace.logits  # (T, V)
    target = int(trace.ids[position + 1]) if position + 1 < T else None
    steps = _prediction(exact(logits[position]), target, labels[position], position, word or str)
    if T < 2:
        why = "a text of one token has nothing to predict: no loss, no perplexity"
        return [*steps, Step("cross-entropy", why, ("type a longer text",), ())]
    surprise = _surprise(logits[:-1], trace.ids[1:])
    fast = F.cross_entropy(logits[:-1].float(), trace.ids[1:])
    check = compare(surprise.mean(), fast, "torch's own cross-entropy")
    return [*steps, *_mean_loss(surprise, labels, min(position, T - 2), check, logits.shape[1])]


def _prediction(z: Tensor, target: int | None, label: str, position: int, word: Callable[[int], str]) -> list[Step]:
    """What is predicted after one token, from its logits z (V,)."""
    peak = z.max()
    powers = (z - peak).exp()
    p = powers / powers.sum()
    top = z.nan_to_num(-torch.inf).topk(min(TOP, len(z))).indices.tolist()
    shown = top if target is None or target in top else [*top, target]
    mark = {target: "  ◀ comes next"}
    rows = [(i, [float(z[i])], f"{word(i)}{mark.get(i, '')}") for i in shown]
    powered = [(i, [float(z[i] - peak), float(powers[i]), float(p[i])], f"{word(i)}{mark.get(i, '')}") for i in shown]
    steps = [
        Step(
            "logits",
            f"after #{position} ‘{label}’: the last norm, then a dot product for every token",
            tuple(table(("logit",), rows, unlisted(len(z) - len(shown)))),
            (numbers("logits", z),),
        ),
        Step(
            "softmax",
            "e to each logit less the largest, over the sum of all",
            (
                *table(("logit", "e^", "p"), powered, unlisted(len(z) - len(shown), float(1 - p[shown].sum()))),
                f"sum of e^ {short(powers.sum())}, sum of p {short(p.sum())}",
            ),
            (numbers("p", p),),
        ),
    ]
    if target is None:
        why = "nothing follows the last token here: it does not count in the loss"
        return [*steps, Step("surprise", why, (), ())]
    nats = -float(z.log_softmax(0)[target])
    line = f"-ln {short(p[target])} = {short(nats)} nats = {short(nats / math.log(2))} bits"
    why = f"what ‘{word(target)}’, which comes next, costs: nothing if it were certain"
    return [*steps, Step("surprise", why, (line,), (Numbers("surprise", (nats,)),))]


def _mean_loss(surprise: Tensor, labels: Sequence[str], always: int, check: Check, vocabulary: int) -> list[Step]:
    """The loss of the text from what each token cost, (T - 1,) in nats."""
    loss = surprise.mean()
    places = listed(surprise, [always])
    rows = [(i, [float((-surprise[i]).exp()), float(surprise[i])], f"{labels[i]} → {labels[i + 1]}") for i in places]
    mean = f"{short(surprise.sum())} / {len(surprise)} = {short(loss)} nats = {short(loss / math.log(2))} bits"
    return [
        Step(
            "cross-entropy",
            f"the mean of -ln p over the {len(surprise)} tokens that have one before them",
            (*table(("p", "-ln p"), rows, unlisted(len(surprise) - len(places))), mean),
            (numbers("surprise", surprise), numbers("cross_entropy", loss)),
            check,
        ),
        Step(
            "perplexity",
            "as unsure as if it had chosen each time among so many tokens, all alike",
            (f"e ^ {short(loss)} = {short(loss.exp())}   of {vocabulary:,} tokens",),
            (numbers("perplexity", loss.exp()),),
        ),
    ]


def _surprise(logits: Tensor, targets: Tensor) -> Tensor:
    """-ln p of each target (N,), in nats, (N,) float64; only some rows of logits (N, V) at a time are widened."""
    found = []
    for at in range(0, len(targets), CHUNK):
        rows, chosen = exact(logits[at : at + CHUNK]), targets[at : at + CHUNK].cpu()
        found.append(-rows.log_softmax(-1).gather(1, chosen[:, None])[:, 0])
    return torch.cat(found)
