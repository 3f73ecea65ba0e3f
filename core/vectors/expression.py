"""Arithmetic with words as it is typed: ``king - man + woman``, ``2*paris - (rome + oslo)/2``, ``a : b :: c``.

What belongs to a word:

- whatever is written without a space, as long as the vocabulary has it: ``well-known``, ``c++``, ``and/or``, ``1984``;
- if it hasn't, a sign inside ends the word (``king-man+woman``), except that a hyphen between two letters goes on
  belonging to it where a part would be unknown too (``qwz-abc`` is one unknown word, not two);
- anything at all between quotes: ``"new york"``, ``"+"``; a backslash before a quote or a backslash takes it literally.

A number is a factor beside ``*``, or below ``/``; anywhere else it is a word. Leaves out: vectors (``store.py``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from core.errors import InputError

LONGEST = 10_000
"""Characters of an expression."""
LARGEST = 1e9
"""Of a factor."""
_DEEPEST = 50  # brackets within brackets
_MINUS = "-−–"
_SIGNS = {**dict.fromkeys(_MINUS, "-"), "+": "+", "*": "*", "×": "*", "/": "/", "(": "(", ")": ")", ":": ":"}
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}

Known = Callable[[str], bool]


class ExpressionError(InputError):
    """An expression that cannot be read; ``at`` is the place, in characters from 0."""

    def __init__(self, said: str, text: str, at: int, hint: str = "") -> None:
        shown, place = text, at
        if len(text) > 100:
            begin = max(0, at - 50)
            shown, place = text[begin : begin + 100], at - begin
        plain = "".join(c if c.isprintable() else " " for c in shown)
        super().__init__(
            f"{said}\n  {plain}\n  {' ' * place}^", hint or 'for one: king - man + woman; "in quotes" if need be'
        )
        self.said = said
        self.at = at


@dataclass(frozen=True, slots=True)
class Term:
    """A word and how often it is taken."""

    word: str
    weight: float
    at: int = 0
    """Where it was typed first, in characters from 0."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A sum of words."""

    text: str
    """As it was typed."""
    terms: tuple[Term, ...]
    """Each word once, in the order in which they were typed; one that came to nothing has the weight 0."""
    is_analogy: bool = False
    """Whether it was typed as ``a : b :: c``."""

    @property
    def positive(self) -> tuple[str, ...]:
        """The words with a weight above 0."""
        return tuple(term.word for term in self.terms if term.weight > 0)

    @property
    def negative(self) -> tuple[str, ...]:
        """The words with a weight below 0."""
        return tuple(term.word for term in self.terms if term.weight < 0)

    def __str__(self) -> str:
        """As a sum, so that it can be typed again.

        >>> str(parse("paris : france :: tokyo")), str(parse("2*a - (b + 'c d')/2"))
        ('france - paris + tokyo', '2*a - 0.5*b - 0.5*"c d"')
        """
        out = ""
        for n, term in enumerate(self.terms):
            size, sign = abs(term.weight), "-" if term.weight < 0 else "+"
            out += f" {sign} " if n else ("-" if sign == "-" else "")
            out += ("" if size == 1 else f"{size:.12g}*") + quoted(term.word)
        return out


def quoted(word: str) -> str:
    """A word so that it is read back as one.

    >>> quoted("king"), quoted("new york"), quoted("well-known"), quoted('say "hi"')
    ('king', '"new york"', '"well-known"', '"say \\\\"hi\\\\""')
    """
    plain = word and not any(c.isspace() or c in _SIGNS or c in _QUOTES or c == "\\" for c in word)
    if plain and not _NUMBER.fullmatch(word) and not _NUMBER.match(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def parse(text: str, known: Known | None = None) -> Expression:
    """Reads an expression.

    Args:
        text: what was typed.
        known: says whether a word is in the vocabulary; it decides about signs inside of words.

    Raises:
        ExpressionError: it cannot be read; the title shows the place.

    >>> [(term.word, term.weight) for term in parse("king - man + woman").terms]
    [('king', 1.0), ('man', -1.0), ('woman', 1.0)]
    >>> [(term.word, term.weight) for term in parse("2*(a - b)/4").terms]
    [('a', 0.5), ('b', -0.5)]
    """
    if len(text) > LONGEST:
        raise InputError(f"an expression has at most {LONGEST:,} characters, got {len(text):,}", "leave some words out")
    return _Parser(text, known).parse()


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: Literal["word", "number", "sign", "end"]
    text: str
    at: int


_Sum = dict[str, tuple[float, int]]  # word -> weight, first place


class _Parser:
    """sum = product {(+|-) product}; product = signed {(*|/) signed}; signed = [-] word | number | (sum)."""

    def __init__(self, text: str, known: Known | None) -> None:
        self.text = text
        self.pieces = list(_pieces(text, known))
        self.next = 0
        self.depth = 0

    def parse(self) -> Expression:
        if self._at_end():
            raise ExpressionError("an expression was expected, there is none", self.text, 0)
        parts, is_analogy = [self.sum()], False
        while self.piece.text == ":" and self.piece.kind == "sign":
            colon, double = self.piece, self._take_colons()
            is_analogy = True
            if len(parts) == 3 and not double and self.piece.text == "?":  # paris : france :: tokyo : ?
                self.next += 1
                break
            if double != (len(parts) == 2) or len(parts) > 2:
                raise self.wrong("a : b :: c was expected", colon)
            parts.append(self.sum())
        if not self._at_end():
            raise self.wrong(self._unexpected())
        if is_analogy and len(parts) != 3:
            raise self.wrong("a : b :: c was expected, the rest is missing")
        total = parts[0] if not is_analogy else _joined(_joined(parts[1], parts[0], -1), parts[2], 1)
        terms = tuple(Term(word, weight, at) for word, (weight, at) in total.items())
        for term in terms:
            if not abs(term.weight) <= LARGEST:
                raise ExpressionError(f"a factor is larger than {LARGEST:g}", self.text, term.at)
        return Expression(self.text, terms, is_analogy)

    @property
    def piece(self) -> _Piece:
        return self.pieces[self.next]

    def _at_end(self) -> bool:
        return self.piece.kind == "end"

    def sum(self) -> _Sum:
        total = self._words(self.product)
        while self.piece.kind == "sign" and self.piece.text in "+-":
            sign = 1 if self.piece.text == "+" else -1
            self.next += 1
            total = _joined(total, self._words(self.product), sign)
        return total

    def _words(self, read: Callable[[], _Sum | float]) -> _Sum:
        """A product that has words in it: a number by itself is a word."""
        piece = self.piece
        found = read()
        if isinstance(found, float):
            if self.pieces[self.next - 1] is not piece:
                raise self.wrong("a word was expected, there are numbers alone", piece)
            return {piece.text: (1.0, piece.at)}
        return found

    def product(self) -> _Sum | float:
        value = self.signed()
        while self.piece.kind == "sign" and self.piece.text in "*/":
            sign = self.piece
            self.next += 1
            beside = self.piece
            other = self.signed()
            if sign.text == "/":
                if not isinstance(other, float):
                    raise self.wrong("words can be divided by a number alone", beside)
                if other == 0:
                    raise self.wrong("nothing can be divided by 0", beside)
                other = 1 / other
            if isinstance(value, float):
                value, other = other, value
            if not isinstance(other, float):
                raise self.wrong("a word can be multiplied by a number, not by a word", beside)
            value = value * other if isinstance(value, float) else _scaled(value, other)
        return value

    def signed(self) -> _Sum | float:
        piece = self.piece
        if piece.kind == "sign" and piece.text in "+-":
            self._deeper()
            self.next += 1
            value = self.signed()
            self.depth -= 1
            sign = -1.0 if piece.text == "-" else 1.0
            if isinstance(value, float):
                return {self.pieces[self.next - 1].text: (sign, piece.at)} if self._ends() else sign * value
            return _scaled(value, sign)
        self.next += 1
        if piece.kind == "number":
            return float(piece.text)
        if piece.kind == "word":
            return {piece.text: (1.0, piece.at)}
        if piece.text == "(" and piece.kind == "sign":
            self._deeper()
            inside = self.sum()
            self.depth -= 1
            if self.piece.text != ")" or self.piece.kind != "sign":
                raise self.wrong(f"this bracket is not closed: ) was expected before {_named(self.piece)}", piece)
            self.next += 1
            return inside
        self.next -= 1
        raise self.wrong(f"a word was expected, got {_named(piece)}")

    def wrong(self, said: str, piece: _Piece | None = None) -> ExpressionError:
        return ExpressionError(said, self.text, (piece or self.piece).at)

    def _ends(self) -> bool:
        """Whether what was read last stands by itself, no factor of anything."""
        return not (self.piece.kind == "sign" and self.piece.text in "*/")

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.wrong(f"more than {_DEEPEST} brackets or signs lie in each other")

    def _take_colons(self) -> bool:
        """Takes one colon or two; whether it was two."""
        first = self.piece
        self.next += 1
        double = self.piece.kind == "sign" and self.piece.text == ":" and self.piece.at == first.at + 1
        self.next += double
        return double

    def _unexpected(self) -> str:
        before, piece = self.pieces[self.next - 1] if self.next else None, self.piece
        if piece.text == ")" and piece.kind == "sign":
            return "this bracket was never opened"
        if before is not None and before.kind == "number" and piece.kind != "sign":
            return f"a sign was expected before {_named(piece)}, as in {before.text}*{piece.text}"
        return f"a sign (+ - * :) was expected before {_named(piece)}"


def _named(piece: _Piece) -> str:
    return "the end" if piece.kind == "end" else piece.text


def _joined(left: _Sum, right: _Sum, sign: float) -> _Sum:
    out = dict(left)
    for word, (weight, at) in right.items():
        before, place = out.get(word, (0.0, at))
        out[word] = (before + sign * weight, min(place, at))
    return out


def _scaled(value: _Sum, factor: float) -> _Sum:
    return {word: (weight * factor, at) for word, (weight, at) in value.items()}


def _pieces(text: str, known: Known | None) -> Iterator[_Piece]:
    at = 0
    while at < len(text):
        character = text[at]
        if character.isspace():
            at += 1
        elif character in _QUOTES and not _starts_known(text, at, known):
            word, end = _quoted(text, at)
            yield _Piece("word", word, at)
            at = end
        elif character in _SIGNS and not _starts_known(text, at, known):
            yield _Piece("sign", _SIGNS[character], at)
            at += 1
        else:
            end = _word_end(text, at, known)
            word = text[at:end]
            number = _NUMBER.fullmatch(word) is not None
            yield _Piece("number" if number else "word", word, at)
            at = end
    yield _Piece("end", "", len(text))


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
