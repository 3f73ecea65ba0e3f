"""An expression cut into words, numbers and signs, before it is known whether they make sense (``expression.py``).

What belongs to a word:

- whatever is written without a space, as long as the vocabulary has it: ``well-known``, ``c++``, ``and/or``, ``1984``;
- if it hasn't, a sign inside ends the word (``king-man+woman``), except that a hyphen between two letters goes on
  belonging to it where a part would be unknown too (``qwz-abc`` is one unknown word, not two);
- anything at all between quotes: ``"new york"``, ``"+"``; a backslash before a quote or a backslash takes it literally.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from core.errors import InputError

_MINUS = "-−–"
_SIGNS = {**dict.fromkeys(_MINUS, "-"), "+": "+", "*": "*", "×": "*", "/": "/", "(": "(", ")": ")", ":": ":"}
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}

Known = Callable[[str], bool]
"""Says whether a word is in the vocabulary."""


class ExpressionError(InputError):
    """An expression that cannot be read; ``at`` is the place, in characters from 0."""

    def __init__(self, said: str, text: str, at: int, hint: str = "") -> None:
        shown, place = text, at
        if len(text) > 100:
            begin = max(0, at - 50)
            shown, place = text[begin : begin + 100], at - begin
        plain = "".join(c if c.isprintable() else " " for c in shown)
        before = " " * sum(map(_cells, plain[:place]))
        super().__init__(
            f"{said}\n  {plain}\n  {before}^", hint or 'for one: king - man + woman; "in quotes" if need be'
        )
        self.said = said
        self.at = at


def _cells(character: str) -> int:
    """How many columns of a terminal a character takes, so that the mark stands below its place."""
    return 0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")


@dataclass(frozen=True, slots=True)
class Piece:
    """What was typed at one place; a quoted word without its quotes, a sign in its plain form."""

    kind: Literal["word", "number", "sign", "end"]
    text: str
    at: int


def quoted(word: str) -> str:
    """A word so that it is read back as one.

    >>> quoted("king"), quoted("new york"), quoted("well-known"), quoted('say "hi"')
    ('king', '"new york"', '"well-known"', '"say \\\\"hi\\\\""')
    """
    plain = word and not any(c.isspace() or c in _SIGNS or c in _QUOTES or c == "\\" for c in word)
    if plain and not _NUMBER.match(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def cut(text: str, known: Known | None) -> Iterator[Piece]:
    """The pieces of an expression in their order, the end as the last.

    Raises:
        ExpressionError: a quote is not closed, or has nothing in it.
    """
    at = 0
    while at < len(text):
        character = text[at]
        if character.isspace():
            at += 1
        elif character in _QUOTES and not _starts_known(text, at, known):
            word, end = _quoted(text, at)
            yield Piece("word", word, at)
            at = end
        elif character in _SIGNS and not _starts_known(text, at, known):
            yield Piece("sign", _SIGNS[character], at)
            at += 1
        else:
            end = _word_end(text, at, known)
            word = text[at:end]
            number = _NUMBER.fullmatch(word) is not None
            yield Piece("number" if number else "word", word, at)
            at = end
    yield Piece("end", "", len(text))


def _quoted(text: str, at: int) -> tuple[str, int]:
    """The word between quotes that begin here, and where the text goes on."""
    closing, out, i = _QUOTES[text[at]], "", at + 1
    while i < len(text) and text[i] != closing:
        if text[i] == "\\" and text[i + 1 : i + 2] in (closing, "\\"):
            i += 1
        out += text[i]
        i += 1
    if i == len(text):
        raise ExpressionError(f"this quote is not closed: {closing} was expected", text, at)
    if not out:
        raise ExpressionError("a word was expected between the quotes", text, at)
    return out, i + 1


def _run_end(text: str, at: int) -> int:
    """The end of what is written without a space."""
    while at < len(text) and not text[at].isspace():
        at += 1
    return at


def _starts_known(text: str, at: int, known: Known | None) -> bool:
    """Whether a word that begins with a sign begins here: all that is written without a space, longer than a sign."""
    end = _run_end(text, at)
    return known is not None and end - at > 1 and text[at] not in "()" and known(text[at:end])


def _word_end(text: str, at: int, known: Known | None) -> int:
    """Where the word that begins here ends: the longest that is known, else at the first sign that isn't a hyphen."""
    end = _run_end(text, at)
    cuts = [i for i in range(at + 1, end) if text[i] in _SIGNS or text[i - 1] in _SIGNS]
    if not cuts:
        return end
    if number := _NUMBER.match(text, at):
        after = text[number.end() : number.end() + 1]
        if after and after in _SIGNS and not (known is not None and known(text[at:end])):
            return number.end()
    if known is not None:
        for stop in [end, *reversed(cuts[-64:])]:
            if known(text[at:stop]):
                return stop
    for i in cuts:
        inner_hyphen = text[i] == "-" and i + 1 < end and text[i - 1].isalnum() and text[i + 1].isalnum()
        if text[i] in _SIGNS and not inner_hyphen:
            return i
    return end
