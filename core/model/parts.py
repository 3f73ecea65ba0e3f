"""All that can be worked out step by step, by name: one head, the block, the loss, and a course's forms of attention.

The names load no torch, so a screen and the command line can offer them. Leaves out: the steps themselves
(``arithmetic.py``, ``variants.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.errors import InputError, nearest

if TYPE_CHECKING:
    from core.model.trace import Trace
    from core.model.worked import Step

FORMS: dict[str, str] = {
    "simple": "no weights: a token is compared with every token, itself and later ones too",
    "weights": "query, key and value by trained matrices: one head, nothing masked",
    "causal": "one head that cannot see later tokens",
    "stacked": "several causal heads, each with matrices of its own, side by side",
    "one projection": "all heads by one matrix that is cut up, and one that joins them",
}
"""Each form of attention by its name, in the order of the course, with what is new in it."""

PARTS: dict[str, str] = {
    "head": "one token through one head of the model",
    "block": "the rest of the block: norm, feed-forward, shortcut",
    "loss": "from logits to softmax, cross-entropy and perplexity",
    **FORMS,
}
"""Each part by its name, with what it is; the forms last."""

OF_A_HEAD = ("head", "weights", "causal", "one projection")
"""Parts of one head; ``block`` and ``stacked`` are of a layer, the others of the whole model."""


def steps_of(
    trace: Trace,
    part: str,
    layer: int,
    head: int,
    row: int,
    *,
    column: int | None = None,
    tokens: Sequence[str] | None = None,
    word: Callable[[int], str] | None = None,
) -> list[Step]:
    """The steps of a part at a place.

    Args:
        trace: the run.
        part: a key of ``PARTS``.
        layer: plays no part in ``loss`` and ``simple``.
        head: plays a part in those of ``OF_A_HEAD`` alone.
        row: the token that asks, or whose prediction it is.
        column: of ``head``: the token whose dot product is written out; None: the one with the most weight.
        tokens: the text of each token; without it, its id.
        word: of ``loss``: the text of any token of the vocabulary; without it, its id.

    Raises:
        InputError: there is no such part, layer, head, row or column.
    """
    from core.model.arithmetic import block_steps, head_steps, loss_steps
    from core.model.variants import variant_steps

    if part not in PARTS:
        raise InputError(f"no part is called {part!r}{nearest(part, PARTS)}", "there are: " + ", ".join(PARTS))
    if part == "head":
        return head_steps(trace, layer, head, row, column=column, tokens=tokens)
    if part == "block":
        return block_steps(trace, layer, row, tokens=tokens)
    if part == "loss":
        return loss_steps(trace, row, tokens=tokens, word=word)
    return variant_steps(trace, part, layer, head, row, tokens=tokens)
