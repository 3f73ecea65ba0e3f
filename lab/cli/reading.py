"""How every command reads a number that was typed: as a configuration reads it, and never rounded.

The parser's own way makes 2 of ``--layer 1.5``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cyclopts import Token, convert

from core.fields import parse_value

EXPECTED = {int: "a whole number", float: "a number"}
"""What stands in an error, for each type that is read here."""


def read_words(kind: Any, tokens: Sequence[Token]) -> Any:
    """The value of a parameter; the converter of all of them.

    >>> read_words(int | None, [Token(value="1_000")]), read_words(list[float], [Token(value="1e-3")])
    (1000, [0.001])

    Raises:
        CoercionError: it is none of its kind.
    """
    return convert(kind, tokens, converter=_read_word)


def _read_word(kind: Any, word: str) -> Any:
    return parse_value(kind, word) if kind in EXPECTED else convert(kind, [word])
