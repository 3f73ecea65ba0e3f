"""Words along two axes that pairs of words name: man to woman across, young to old upwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.vectors.projection import Projection

if TYPE_CHECKING:
    from core.vectors.store import Vectors


def along_pairs(
    vectors: Vectors, words: tuple[str, ...], table: NDArray[np.float32], pairs: Sequence[tuple[str, str]]
) -> Projection:
    """Where words lie along two directions.

    A coordinate is the length along the direction from the first word of a pair to the second, both at length 1, as the
    words are: 0 halfway between the two. The axes need not be at right angles; ``share`` is what each keeps by itself.

    Args:
        vectors: where the words of the pairs have their vectors.
        words: n.
        table: (n, D), their vectors.
        pairs: two.

    Raises:
        UnknownWordError: a word of a pair is unknown.
        InputError: there are not two pairs, a pair has no direction, or one of the words is a row of zeros.
    """
    if len(pairs) != 2:
        raise InputError(f"two pairs of words were expected, got {len(pairs)}", "for one: man woman, and young old")
    lengths = np.linalg.norm(table.astype(np.float64), axis=1)
    if not lengths.all():
        raise InputError(
            f"{words[int(lengths.argmin())]} is a vector of zeros, which lies in no direction", "leave it out"
        )
    units = table / lengths[:, None]
    centred = units - units.mean(axis=0)
    total = float(np.einsum("ij,ij->", centred, centred))
    xy, share = np.zeros((len(words), 2)), [0.0, 0.0]
    for axis, (first, second) in enumerate(pairs):
        begin, end = (vectors.unit(word) for word in (first, second))
        direction = end - begin
        if (length := np.linalg.norm(direction)) < 1e-7:
            raise InputError(f"{first} and {second} point the same way: they make no axis", "take two other words")
        direction /= length
        xy[:, axis] = (units - (begin + end) / 2) @ direction
        share[axis] = float(np.sum((centred @ direction) ** 2)) / total if total else 0.0
    (a, b), (c, d) = pairs
    return Projection(words, xy, (share[0], share[1]), "axes", (f"{a} to {b}", f"{c} to {d}"))
