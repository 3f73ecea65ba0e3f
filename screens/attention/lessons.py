"""The live numbers of lessons L3 and L4, from what the panes show and from the trace that they are drawn of."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from core.shelf import split_spec
from screens.attention.lens_view import read_lens
from screens.attention.maths import MathsView
from screens.attention.saying import NO_REPEATS
from screens.attention.seen import Place, Seen
from screens.attention.view import figure, head_text, measure_of, written
from screens.widgets.lesson import LessonView

if TYPE_CHECKING:
    from screens.attention.offers import AttentionOffers

SMALL = 64 * 1024
"""Tokens times width up to which the numbers are worked out at once; beyond it in a thread."""
TOP = 4
"""How many tokens of the row are named."""
_TRIES = {
    "L3": (
        ("work this row out, step by step with its numbers", "view_named('maths')"),
        ("a message said twice: which head looks at what followed?", "try_induction"),
    ),
    "L4": (
        ("switch this head off, and see what would come next", "try_ablation"),
        ("the rest of the block, step by step with its numbers", "try_block"),
    ),
}


class LessonNumbers:
    """What the lessons say that no pane shows; worked out once for a place."""

    def __init__(self) -> None:
        self._known: tuple[Seen, Place] | None = None
        self._asked: tuple[Seen, Place] | None = None
        self._values: dict[str, str] = {}

    def of(self, screen: AttentionOffers) -> dict[str, str]:
        """The values at the cursor; empty while they are on their way."""
        if screen.seen is None:
            return {}
        key = (screen.seen, screen.place)
        if self._known != key and self._asked != key:
            self._asked = key
            if screen.seen.tokens * screen.seen.loaded.config.emb_dim <= SMALL and screen.seen.lock.acquire(False):
                try:
                    self._work(key)
                finally:
                    screen.seen.lock.release()
            else:
                work = partial(self._work, key)
                screen.run_worker(
                    work, thread=True, group="lesson", exit_on_error=False, description="numbers of a lesson"
                )
        return self._values if self._known == key else {}

    def _work(self, key: tuple[Seen, Place]) -> None:
        values = {**row_values(*key), **block_values(*key)}
        if self._asked == key:
            self._values, self._known = values, key


def row_values(seen: Seen, place: Place) -> dict[str, str]:
    """The row of the cursor as a lesson has it: dot product, score, weights."""
    with seen.lock:
        q = seen.trace.queries(place.layer, place.head)[place.row].float()
        k = seen.trace.keys(place.layer, place.head)[: place.row + 1].float()
    d = len(q)
    dots = k @ q
    weights = (dots / math.sqrt(d)).softmax(0)
    shown = weights.nan_to_num(0.0).topk(min(TOP, len(weights))).indices.tolist()
    lines = [f"    {figure(float(weights[i])):>6} · value of ‘{written(seen.pieces[i])}’ #{i}" for i in shown]
    if len(weights) > len(shown):
        rest = max(0.0, 1 - float(weights[shown].sum()))
        lines.append(f"    {figure(rest):>6} · those of the {len(weights) - len(shown)} others")
    return {
        "d": str(d),
        "dot": f"{float(dots[place.column]):.3f}",
        "score": f"{float(dots[place.column]) / math.sqrt(d):.3f}",
        "weight": figure(float(weights[place.column])),
        "row_sum": f"{float(weights.sum()):.3f}",
        "row_top": "\n".join(lines),
    }


def block_values(seen: Seen, place: Place) -> dict[str, str]:
    """What the parts of a block add at the cursor, and what the lens reads there."""
    with seen.lock:
        run, at, row = seen.trace, place.layer, place.row
        x, mid, out = (v[row].float() for v in (run.residual(at), run.residual_mid(at), run.residual(at + 1)))
        losses = (seen.base.loss(), run.loss()) if (at, place.head) in seen.off else None
    lens = read_lens(seen, row, 1)
    rows = []
    for one in lens.rows:
        name = "embed" if one.layer == 0 else f"L{one.layer - 1}"
        if not one.top:
            rows.append(f"    {name:<6} not a number")
            continue
        best = one.top[0]
        rank = f"#{one.rank:,}" if one.rank is not None else "–"
        rows.append(f"    {name:<6}{one.entropy:5.2f} {rank:<5} ‘{lens.word(best.token)}’ {best.probability:.0%}")
    answer = lens.rows[-1].answer
    values = {
        "x_length": f"{float(x.norm()):.2f}",
        "attn_length": f"{float((mid - x).norm()):.2f}",
        "mlp_length": f"{float((out - mid).norm()):.2f}",
        "out_length": f"{float(out.norm()):.2f}",
        "lens_rows": "\n".join(rows),
        "answer": lens.word(answer) if answer is not None else "",
    }
    if losses is not None:
        others = len(seen.off) - 1
        also = f" and {others} other{'s' if others > 1 else ''}" if others else ""
        without = f"Without {head_text((at, place.head))}{also} the loss"
        values["effect"] = f"{without} goes from {losses[0]:.3f} to {losses[1]:.3f} nats; a switches it on again."
    return values


def lesson_of(screen: AttentionOffers) -> LessonView:
    """L4 over the Lens and over the block in Maths, else L3."""
    block = screen.body.view == "lens" or (screen.body.view == "maths" and screen.query_one(MathsView).part == "block")
    lesson = screen.lesson_wanted or ("L4" if block else "L3")
    return LessonView(lesson, {**_seen_values(screen), **screen.lesson_numbers.of(screen)}, _TRIES[lesson])


def _seen_values(screen: AttentionOffers) -> dict[str, str]:
    """What the panes show."""
    seen, at = screen.seen, screen.place
    if seen is None:
        return {"model": screen.workbench.a}
    count, config = seen.tokens, seen.loaded.config
    values = {
        "model": split_spec(seen.spec)[0] if "@" in seen.spec else seen.spec,
        "tokens": f"{count:,}",
        "layers": str(seen.layers),
        "heads": str(seen.heads),
        "all_heads": str(seen.layers * seen.heads),
        "width": f"{config.emb_dim:,}",
        "head": head_text((at.layer, at.head)),
        "layer": str(at.layer),
        "asks": written(seen.pieces[at.row]),
        "row": str(at.row),
        "looked": written(seen.pieces[at.column]),
        "column": str(at.column),
        "before": f"{at.row:,} tokens" if at.row != 1 else "1 token",
        "cells": f"{count * count:,}",
        "masked": f"{count * (count - 1) // 2:,}",
    }
    return values | {"first": _first_text(screen)} | _effect_values(screen)


def _first_text(screen: AttentionOffers) -> str:
    """Which head the measure puts first, or what to do for there to be one."""
    title, order, grid = measure_of(screen.measure).title, screen.order(), screen.grid_values()
    if screen.nothing_repeats:
        return f"By {title} none stands first: {NO_REPEATS}."
    if not order or grid is None:
        return "d switches each of them off once, to see which matters most." if screen.measure == "effect" else ""
    value = float(grid[order[0]])
    return f"By {title}, {head_text(order[0])} stands first with {figure(value)}." if value == value else ""


def _effect_values(screen: AttentionOffers) -> dict[str, str]:
    """What is known of the head's absence."""
    at, swept = (screen.place.layer, screen.place.head), screen.effects.get(screen.swept)
    if swept is None or math.isnan(float(swept[at])):
        return {"effect": f"a switches {head_text(at)} off, d does so with every head, one at a time."}
    return {"effect": f"When {head_text(at)} alone was off (d), the loss changed by {float(swept[at]):+.3f} nats."}
