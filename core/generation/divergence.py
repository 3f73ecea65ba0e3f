"""How far apart two distributions over the same tokens are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.errors import InputError

if TYPE_CHECKING:
    from core.generation.session import Session


def divergence(
    one: Session, ids: Sequence[int], other: Session, other_ids: Sequence[int], *, prompt_lengths: tuple[int, int]
) -> float:
    """The Kullback-Leibler divergence of the first model's next token from the second's, in bits; 0: they agree.

    Both are the models' own distributions, before any setting. Kullback and Leibler, "On Information and Sufficiency"
    (1951): the bits that one pays for each token by coding with the second what the first chooses.

    Args:
        one: a model, with the ids that it goes on from.
        ids: at least one.
        other: the model that it is compared with, of the same vocabulary.
        other_ids: what that one goes on from.
        prompt_lengths: how many of the ids of each are prompt.

    Raises:
        InputError: the vocabularies differ.
    """
    sizes = one.loaded.tokenizer.vocab_size, other.loaded.tokenizer.vocab_size
    if sizes[0] != sizes[1]:
        raise InputError(
            f"distributions over the same tokens were expected, got vocabularies of {sizes[0]:,} and {sizes[1]:,}",
            "compare models of one tokenizer",
        )
    first = one.logits([list(ids)], prompt_lengths[0])
    second = other.logits([list(other_ids)], prompt_lengths[1])
    assert first is not None and second is not None, "nothing could cancel them"
    p, q = (logits[0, : sizes[0]].double().log_softmax(0) for logits in (first, second))
    return max(0.0, float((p.exp() * (p - q)).nansum()) / math.log(2))
