"""What the attention screen says of the place under the cursor: the sentences of its status line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from screens.attention.view import figure, head_text, measure_of, place_sentence, written

if TYPE_CHECKING:
    from screens.attention.painting import Painting
    from screens.attention.reader import NextTokens


MEASURING = "heads are being measured"
"""Said while there is no order of heads yet; no longer true once there is."""
NO_REPEATS = "no token of this text repeats · x: random tokens, E: texts that repeat"


def sentence_of(screen: Painting) -> str:
    """The status line."""
    seen, at, pane = screen.seen, screen.place, screen.body.pane
    assert seen is not None
    if pane == "centre" and (own := screen.body.centre.sentence()):
        return own
    if pane in ("grid", "head"):
        return head_sentence(screen)
    if pane == "next" and screen.next is not None and screen.next.position == at.row:
        return _next_sentence(screen)
    pattern = screen.pattern("a", at.layer, at.head, screen.body.pattern.how)
    weight = float(pattern[at.row, at.column]) if pattern is not None else math.nan
    pinned = screen.body.pattern.pinned or screen.body.strip.pin is not None
    said = place_sentence(at, seen.pieces, weight, how=screen.body.pattern.how, pinned=pinned)
    if screen.differs and (matrix := screen.matrix()) is not None:
        said += f" · A−B {float(matrix[at.row, at.column]):+.3f}"
    if seen.tokens == 1:
        said += " · one token can only look at itself"
    return said


def head_sentence(screen: Painting) -> str:
    """The head, its measure, its rank."""
    head, values = (screen.place.layer, screen.place.head), screen.grid_values()
    measure = measure_of(screen.measure, screen.tokens)
    off = " · off" if head in screen.off else ""
    if screen.nothing_repeats:
        return f"{head_text(head)}{off} · {measure.title}: {NO_REPEATS}"
    if values is None or values[head] != values[head]:
        return f"{head_text(head)}{off} · {measure.title}: {measure.about}"
    unit = f" {measure.unit}" if measure.unit else ""
    rank = screen.order().index(head) + 1
    return f"{head_text(head)}{off} · {measure.title} {figure(float(values[head]))}{unit} · #{rank} of {values.size}"


def _next_sentence(screen: Painting) -> str:
    found = screen.next
    assert found is not None
    if not found.rows:
        return "the model's answer is not a number"
    token, piece, before, after = found.rows[min(screen.body.next.cursor, len(found.rows) - 1)]
    said = f"‘{written(piece)}’ · {after:.2%}"
    if found.off:
        said += f" · {before:.2%} with all heads on · {next_note(found)}"
    return said + (" · this is what follows in the text" if token == found.follows else "")


def next_note(found: NextTokens) -> str:
    """What switching heads off does to the next token and to the loss."""
    if not found.off:
        return "all heads on" if math.isnan(found.loss_before) else f"loss {found.loss_before:.3f} nats"
    loss = "" if math.isnan(found.loss_before) else f", loss {found.loss_after - found.loss_before:+.3f}"
    return f"KL {figure(found.kl_bits)} bits{loss}"
