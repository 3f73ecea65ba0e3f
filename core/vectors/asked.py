"""What may be asked of vectors, and the two lines for what may not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.vectors.search import LONGEST


def checked_vector(query: NDArray[Any], width: int, label: str) -> NDArray[np.float32]:
    """A vector that was handed in, as float32.

    Raises:
        InputError: it has another width, a number in it is not finite, or it is longer than any in a file may be.
    """
    vector = np.asarray(query)
    if not np.issubdtype(vector.dtype, np.number) or np.iscomplexobj(vector):
        raise InputError(f"a vector of numbers was expected, got {vector.dtype}", f"{width} real numbers")
    if vector.shape != (width,):
        raise InputError(
            f"a vector of {width} numbers was expected, got the shape {vector.shape}",
            f"{label} has vectors of that width",
        )
    with np.errstate(over="ignore"):
        out = vector.astype(np.float32)
    if not np.isfinite(out).all():
        raise InputError("a vector of finite numbers was expected, this one is not", "look at what it came from")
    if (length := np.linalg.norm(out.astype(np.float64))) >= LONGEST:
        raise InputError(
            f"a vector shorter than {LONGEST:g} was expected, this one has the length {length:.3g}",
            "for cosines only its direction counts: divide it",
        )
    return out


def checked_count(n: int) -> int:
    """How many are wanted; raises an InputError below 1."""
    if n < 1:
        raise InputError(f"how many neighbours must be at least 1, got {n}", "10 is usual")
    return n


def no_direction(what: str) -> InputError:
    """The two lines for a vector of zeros where a cosine is asked for."""
    return InputError(
        f"{what} is a vector of zeros: it points nowhere, so its cosine with anything is undefined",
        "take other words, or measure by dot or euclid",
    )
