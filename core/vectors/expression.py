"""Arithmetic with words as it is typed: ``king - man + woman``, ``2*paris - (rome + oslo)/2``, ``a : b :: c``.

A number is a factor beside ``*``, or below ``/``; anywhere else it is a word. What belongs to a word is said in
``expression_pieces.py``. Leaves out: vectors (``store.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import InputError
from core.vectors.expression_pieces import ExpressionError, Known, Piece, cut, quoted

__all__ = ["Expression", "ExpressionError", "Term", "parse", "quoted"]

LONGEST = 10_000
"""Characters of an expression."""
LARGEST = 1e9
"""Of a factor."""
_DEEPEST = 50  # brackets within brackets


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


_Sum = dict[str, tuple[float, int]]  # word -> weight, first place


class _Parser:
    """sum = product {(+|-) product}; product = signed {(*|/) signed}; signed = [-] word | number | (sum)."""

    def __init__(self, text: str, known: Known | None) -> None:
        self.text = text
        self.pieces = list(cut(text, known))
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
    def piece(self) -> Piece:
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

    def wrong(self, said: str, piece: Piece | None = None) -> ExpressionError:
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


def _named(piece: Piece) -> str:
    return "the end" if piece.kind == "end" else piece.text


def _joined(left: _Sum, right: _Sum, sign: float) -> _Sum:
    out = dict(left)
    for word, (weight, at) in right.items():
        before, place = out.get(word, (0.0, at))
        out[word] = (before + sign * weight, min(place, at))
    return out


def _scaled(value: _Sum, factor: float) -> _Sum:
    return {word: (weight * factor, at) for word, (weight, at) in value.items()}
