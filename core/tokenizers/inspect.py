"""What a tokenizer makes of a text, in numbers; several on the same text; and finding tokens in a vocabulary.

Leaves out: how a token came to be (``bpe.py`` builds the tree of its merges).
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from core.errors import InputError, TokenizerError
from core.fields import brief
from core.tokenizers.base import UNKNOWN, Token, Tokenizer


@dataclass(frozen=True)
class TokenReport:
    """The tokens of a text and what they amount to."""

    tokenizer: str
    vocab_size: int
    tokens: tuple[Token, ...]
    """In the order of the text; what has no id (``char``, ``words-v1``) has the id -1."""
    characters: int
    bytes: int
    """Of the text in UTF-8."""
    words: int
    """What stands between white space."""
    special_tokens: tuple[int, ...] = ()
    """The ids that stand for no text of their own, ``<|unk|>`` among them."""
    unknown_id: int | None = None
    """The id that stands for what is unknown (``words-v2``); None: there is none."""

    @property
    def bytes_per_token(self) -> float | None:
        """How much text a token holds; None where there are no tokens."""
        return self.bytes / len(self.tokens) if self.tokens else None

    @property
    def tokens_per_word(self) -> float | None:
        """Into how many tokens a word falls; None where there are no words."""
        return len(self.tokens) / self.words if self.words else None

    @cached_property
    def unknown(self) -> int:
        """How many tokens stand for something that the vocabulary does not have."""
        strange = {UNKNOWN, self.unknown_id}
        return sum(token.id in strange for token in self.tokens)

    @cached_property
    def unknown_pieces(self) -> tuple[str, ...]:
        """Those pieces of the text, each once, in order."""
        strange = {UNKNOWN, self.unknown_id}
        return tuple(dict.fromkeys(token.text for token in self.tokens if token.id in strange))

    @property
    def ids(self) -> list[int]:
        """The ids alone."""
        return [token.id for token in self.tokens]

    @property
    def pieces(self) -> list[builtins.bytes]:
        """The bytes of each token, for a token strip."""
        return [token.bytes for token in self.tokens]

    def summary(self) -> dict[str, Any]:
        """The counts as plain JSON values."""
        return {
            "tokenizer": self.tokenizer,
            "vocab_size": self.vocab_size,
            "tokens": len(self.tokens),
            "characters": self.characters,
            "bytes": self.bytes,
            "words": self.words,
            "bytes_per_token": self.bytes_per_token,
            "tokens_per_word": self.tokens_per_word,
            "unknown": self.unknown,
        }

    def to_dict(self, limit: int | None = None) -> dict[str, Any]:
        """Plain JSON values: the counts, and under ``list`` the tokens (the first ``limit`` of them)."""
        return {**self.summary(), "list": [token.to_dict() for token in self.tokens[:limit]]}


def inspect(text: str, tokenizer: Tokenizer) -> TokenReport:
    """The tokens of a text, with each one's place, and their counts; special tokens are plain text.

    Args:
        text: what is looked at.
        tokenizer: what cuts it. Where it has no id for a piece, the token's id is -1.

    Raises:
        TokenizerError: half a surrogate pair.

    >>> from core.tokenizers import get_tokenizer
    >>> report = inspect("naïve", get_tokenizer("byte"))
    >>> len(report.tokens), report.characters, report.bytes, report.tokens_per_word
    (6, 5, 6, 6.0)
    """
    return report_of(text, tokenizer, getattr(tokenizer, "tokens_marked", tokenizer.tokens)(text))


def report_of(text: str, tokenizer: Tokenizer, tokens: Iterable[Token]) -> TokenReport:
    """The report of tokens that have been made already."""
    special = tokenizer.special_tokens
    return TokenReport(
        tokenizer.name,
        tokenizer.vocab_size,
        tuple(tokens),
        len(text),
        len(text) if text.isascii() else len(text.encode()),
        len(text.split()),
        tuple(special.values()),
        special.get("<|unk|>"),
    )


def compare(text: str, tokenizers: Iterable[Tokenizer]) -> tuple[TokenReport, ...]:
    """What several tokenizers make of the same text, in the order given.

    Raises:
        TokenizerError: half a surrogate pair.
    """
    return tuple(inspect(text, tokenizer) for tokenizer in tokenizers)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a vocabulary."""

    id: int
    bytes: builtins.bytes
    special: bool = False

    @property
    def text(self) -> str:
        """Its bytes as text; bytes that are no UTF-8 show as U+FFFD."""
        return self.bytes.decode("utf-8", "replace")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; bytes in hexadecimal."""
        return {"id": self.id, "text": self.text, "bytes": self.bytes.hex(), "special": self.special}


@dataclass(frozen=True, slots=True)
class Found:
    """What a search in a vocabulary has found."""

    query: str
    entries: tuple[Entry, ...]
    """The first ones, best first."""
    total: int
    """How many there are in all."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"query": self.query, "total": self.total, "entries": [entry.to_dict() for entry in self.entries]}


@lru_cache(maxsize=3)  # a search at every key press looks through the same vocabulary
def vocabulary(tokenizer: Tokenizer) -> tuple[Entry, ...]:
    """Every entry of a vocabulary, in the order of the ids; ids that were left free are left out."""
    special = set(tokenizer.special_tokens.values())
    entries = []
    for token_id in range(tokenizer.vocab_size):
        try:
            entries.append(Entry(token_id, tokenizer.token_bytes(token_id), token_id in special))
        except TokenizerError:  # left free
            continue
    return tuple(entries)


def search(query: str, tokenizer: Tokenizer, limit: int = 100) -> Found:
    """Finds entries of a vocabulary.

    Args:
        query: a text that the token holds (exact ones come first, then those that begin so); ``/regular expression/``
            on the token's text; an id (texts with these digits follow); ``len:3`` or ``len:3-5`` for the length in
            bytes; bytes in hexadecimal, ``0xe280`` or ``e2 80``; ``"quoted"`` for a text whatever it looks like;
            nothing for all.
        tokenizer: whose vocabulary.
        limit: how many entries to return at most.

    Raises:
        InputError: a regular expression or a length that cannot be read.

    >>> from core.tokenizers import get_tokenizer
    >>> [entry.text for entry in search("/[aeiou]/", get_tokenizer("char", "hello")).entries]
    ['e', 'o']
    """
    ranked = _matcher(query)
    entries = vocabulary(tokenizer)
    ranks = [(rank, n) for n, entry in enumerate(entries) if (rank := ranked(entry)) is not None]
    ranks.sort()
    return Found(query, tuple(entries[n] for _, n in ranks[:limit]), len(ranks))


Matcher = Callable[[Entry], int | None]
_LENGTH = re.compile(r"len:\s*(\d+)?\s*(-)?\s*(\d+)?")
_HEX = re.compile(r"0x\s*((?:[0-9a-fA-F]{2}\s*)+)|([0-9a-fA-F]{2}(?:\s+[0-9a-fA-F]{2})+)")


def _matcher(query: str) -> Matcher:
    """What gives each entry that is found its rank, lowest first."""
    if not query:
        return lambda entry: 0
    if len(query) >= 3 and query[0] == query[-1] == "/":
        return _by_regex(query[1:-1])
    if query.startswith("len:"):
        return _by_length(query)
    if len(query) >= 3 and query[0] == query[-1] == '"':
        return _by_bytes(_utf8(query[1:-1]))
    if found := _HEX.fullmatch(query.strip()):
        return _by_bytes(bytes.fromhex(found[1] or found[2]))
    text = _by_bytes(_utf8(query))
    if query.strip().isdecimal() and len(query.strip()) < 20:
        wanted = int(query)
        return lambda entry: -1 if entry.id == wanted else text(entry)
    return text


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _by_bytes(wanted: bytes) -> Matcher:
    def rank(entry: Entry) -> int | None:
        token = entry.bytes
        if wanted not in token:
            return None
        return 0 if token == wanted else 1 if token.startswith(wanted) else 2

    return rank


def _by_regex(pattern: str) -> Matcher:
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(
            f"expected a regular expression between the slashes, got {brief(pattern)}: {error}",
            'mend it, or put a text in quotes: "/…/"',
        ) from None
    return lambda entry: 0 if compiled.search(entry.text) else None


def _by_length(query: str) -> Matcher:
    found = _LENGTH.fullmatch(query.strip())
    if not found or not (found[1] or found[3]):
        raise InputError(f"expected a length in bytes after len:, got {brief(query)}", "for example len:3 or len:10-20")
    low = int(found[1]) if found[1] else 0
    high = (int(found[3]) if found[3] else None) if found[2] else low

    def rank(entry: Entry) -> int | None:
        return 0 if low <= len(entry.bytes) and (high is None or len(entry.bytes) <= high) else None

    return rank
