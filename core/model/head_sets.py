"""Sets of heads as a person writes them: ``0.3,5.1``, ``2.*`` for a layer, ``!1.2`` for all but one.

Leaves out: what is done with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.config import GPTConfig
from core.errors import InputError

Head = tuple[int, int]
"""A layer and a head in it, both counted from 0."""

_TERM = re.compile(r"(!?)(?:(N|N-N|\*)\.(N|N-N|\*)|(\*))".replace("N", r"\d{1,9}"), re.ASCII)
_SHOWN = 40
"""Characters of a term that a message repeats."""
_HOW = "write LAYER.HEAD, for example 0.3,5.1; 2.* is all of layer 2, 0-2.1 head 1 of three layers, !1.2 all but that"


def parse_heads(text: str, config: GPTConfig) -> tuple[Head, ...]:
    """The heads that a text names, each once, in the order of the model.

    Terms stand between commas or spaces: ``5.1`` a head, ``2.*`` a layer, ``*.0`` a head of every layer, ``0-2.1`` of
    some, ``*`` all. ``!`` before a term takes away what it names; a text that begins so begins with all.

    >>> small = GPTConfig(10, 8, 12, n_heads=3, n_layers=2)
    >>> parse_heads("1.2, 0.0", small), parse_heads("1.*,!1.0", small), len(parse_heads("!1.2", small))
    (((0, 0), (1, 2)), ((1, 1), (1, 2)), 5)

    Raises:
        InputError: nothing is named, a term cannot be read, or it names a head or layer that the model has not.
    """
    terms = [term for term in re.split(r"[\s,]+", text) if term]
    if not terms:
        raise InputError("expected heads, got none", _HOW)
    chosen: set[Head] = set(_all(config)) if terms[0].startswith("!") else set()
    for term in terms:
        match = _TERM.fullmatch(term)
        if match is None:
            said = term if len(term) <= _SHOWN else term[:_SHOWN] + "…"
            raise InputError(f"expected heads as LAYER.HEAD, got {said!r}", _HOW)
        away, layer, head, _ = match.groups()
        layers = _range(layer or "*", config.n_layers, "layer", term)
        heads = _range(head or "*", config.n_heads, "head", term)
        named = {(la, h) for la in layers for h in heads}
        chosen = chosen - named if away else chosen | named
    return tuple(sorted(chosen))


def _all(config: GPTConfig) -> list[Head]:
    return [(layer, head) for layer in range(config.n_layers) for head in range(config.n_heads)]


def _range(word: str, count: int, what: str, term: str) -> range:
    if word == "*":
        return range(count)
    first, _, last = word.partition("-")
    low, high = int(first), int(last or first)
    if low > high:
        raise InputError(f"{word} in {term} runs backwards", f"write {high}-{low}")
    if high >= count:
        there = f"there are {what}s 0 to {count - 1}" if count > 1 else f"there is {what} 0 alone"
        raise InputError(f"there is no {what} {high}, named in {term}: {there}", _HOW)
    return range(low, high + 1)


def format_heads(heads: Iterable[Head], config: GPTConfig) -> str:
    """The shortest text of those that ``parse_heads`` reads back: whole layers as ``2.*``, few left as ``!1.2``.

    >>> small = GPTConfig(10, 8, 12, n_heads=3, n_layers=2)
    >>> format_heads([(1, 1)], small), format_heads([(1, 0), (1, 1), (1, 2)], small)
    ('1.1', '1.*')
    >>> format_heads([(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)], small), format_heads([], small)
    ('!0.2', '')
    """
    chosen = set(heads)
    if not chosen:
        return ""
    rest = set(_all(config)) - chosen
    plain = _terms(chosen, config)
    without = ",".join(f"!{term}" for term in _terms(rest, config).split(",")) if rest else "*"
    return min(plain, without, key=len)


def _terms(heads: set[Head], config: GPTConfig) -> str:
    terms = []
    for layer in range(config.n_layers):
        here = sorted(head for at, head in heads if at == layer)
        whole = len(here) == config.n_heads
        terms += [f"{layer}.*"] if whole else [f"{layer}.{head}" for head in here]
    return ",".join(terms)
