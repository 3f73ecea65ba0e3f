"""Whether two answers are the same but for the order in which their sums were taken.

The app's threads, its children and a test's own thread may each have another number of PyTorch threads, and another
number sums a product in another order: float32 then differs in its last places, and text that was rounded from it in
its last digit.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

_NUMBER = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:e[-+]?\d+)?")
RELATIVE, ABSOLUTE = 1e-4, 1e-6


def alike(mine: Any, theirs: Any) -> bool:
    """Compares numbers, text with numbers in it, arrays, lists and mappings; all but numbers must be equal."""
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        return mine.keys() == theirs.keys() and all(alike(mine[key], theirs[key]) for key in mine)
    if isinstance(mine, str) and isinstance(theirs, str):
        return _texts(mine, theirs)
    if isinstance(mine, np.ndarray | float | np.floating) or isinstance(theirs, np.ndarray | float | np.floating):
        one, other = np.asarray(mine, dtype=float), np.asarray(theirs, dtype=float)
        return one.shape == other.shape and np.allclose(one, other, RELATIVE, ABSOLUTE, equal_nan=True)
    if isinstance(mine, Sequence) and isinstance(theirs, Sequence):
        return len(mine) == len(theirs) and all(alike(a, b) for a, b in zip(mine, theirs, strict=True))
    return bool(mine == theirs)


def _texts(mine: str, theirs: str) -> bool:
    """The same words, whole numbers the same, and decimals at most one apart in the last digit that both print."""
    if _NUMBER.sub("#", mine).split() != _NUMBER.sub("#", theirs).split():
        return False
    pairs = zip_longest(_NUMBER.findall(mine), _NUMBER.findall(theirs), fillvalue="")
    return all(a == b or ("." in a and "." in b and _rounded_alike(a, b)) for a, b in pairs)


def _rounded_alike(mine: str, theirs: str) -> bool:
    step = max(_last_place(mine), _last_place(theirs))
    return abs(float(mine) - float(theirs)) <= max(1.01 * step, RELATIVE * abs(float(theirs)))


def _last_place(number: str) -> float:
    digits, _, exponent = number.partition("e")
    return 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))
