"""What a tokenizer makes of a text, in numbers; several on the same text; and finding tokens in a vocabulary.

Leaves out: how a token came to be (``bpe.py`` builds the tree of its merges).
"""

from __future__ import annotations

import builtins
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.errors import InputError, TokenizerError
from core.fields import brief
from core.tokenizers.base import (
    Allowed,
    Disallowed,
    Gapped,
    Token,
    Tokenizer,
    place_tokens,
    split_special,
    utf8,
)

_STRETCH = 100_000
"""Characters whose words are counted at once: no list of all of a long text's, and other threads get their turn."""


@dataclass(frozen=True)
class TokenReport:
    """The tokens of a text and what they amount to."""

    tokenizer: str
    vocab_size: int
    tokens: tuple[Token, ...]
    """In the order of the text; what has no id (``char``, ``words-v1``) has the id -1."""
    total: int
    """How many tokens the text has, those left out of ``tokens`` by a limit included."""
    characters: int
    bytes: int
    """Of the text in UTF-8."""
    words: int
    """What stands between white space."""
    unknown: int
    """How many tokens stand for something that the vocabulary does not have (``<|unk|>`` among them)."""
    unknown_pieces: tuple[str, ...]
    """What that is, each once, in the order of the text."""

    @property
    def bytes_per_token(self) -> float | None:
        """How much text a token holds; None where there are no tokens."""
        return self.bytes / self.total if self.total else None

    @property
    def tokens_per_word(self) -> float | None:
        """Into how many tokens a word falls; None where there are no words."""
        return self.total / self.words if self.words else None

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
            "tokens": self.total,
            "characters": self.characters,
            "bytes": self.bytes,
            "words": self.words,
            "bytes_per_token": self.bytes_per_token,
            "tokens_per_word": self.tokens_per_word,
            "unknown": self.unknown,
            "unknown_pieces": list(self.unknown_pieces[:100]),
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: the counts, the ids, and under ``list`` each token with its place."""
        return {**self.summary(), "ids": self.ids, "list": [token.to_dict() for token in self.tokens]}


def inspect(
    text: str,
    tokenizer: Tokenizer,
    limit: int | None = None,
    *,
    allowed_special: Allowed = frozenset(),
    disallowed_special: Disallowed = (),
) -> TokenReport:
    """The tokens of a text, with each one's place, and their counts; special tokens are plain text unless allowed.

    Args:
        text: what is looked at.
        tokenizer: what cuts it. Where it has no id for a piece, the token's id is -1.
        limit: how many tokens to list; the counts are those of the whole text. For texts of many megabytes.
        allowed_special: the special tokens whose text stands for them.
        disallowed_special: those whose text is an error.

    Raises:
        TokenizerError: half a surrogate pair, or the text of a disallowed special token.

    >>> from core.tokenizers import get_tokenizer
    >>> report = inspect("naïve", get_tokenizer("byte"))
    >>> len(report.tokens), report.characters, report.bytes, report.tokens_per_word
    (6, 5, 6, 6.0)
    """
    size = len(utf8(text))
    tokens: list[Token] = []
    unknown: Counter[str] = Counter()
    total = chars = at = 0  # characters and bytes before this part
    for part in split_special(text, tokenizer.special_tokens, allowed_special, disallowed_special):
        left = None if limit is None else max(0, limit - len(tokens))
        if isinstance(part, int):
            word = tokenizer.token_bytes(part).decode()
            found, count = place_tokens([part], [word.encode()])[:left], 1
        else:
            word = part
            found, count, missing = _plain(part, tokenizer, left)
            unknown.update(missing)
        tokens += [token.moved(chars, at) for token in found] if at else found
        total, chars, at = total + count, chars + len(word), at + len(word.encode())
    return TokenReport(
        tokenizer=tokenizer.name,
        vocab_size=tokenizer.vocab_size,
        tokens=tuple(tokens),
        total=total,
        characters=len(text),
        bytes=size,
        words=_count_words(text),
        unknown=sum(unknown.values()),
        unknown_pieces=tuple(unknown),
    )


def _count_words(text: str) -> int:
    """What stands between white space."""
    count = 0
    for start in range(0, len(text), _STRETCH):
        count += len(text[start : start + _STRETCH].split())
        if start and not (text[start - 1].isspace() or text[start].isspace()):
            count -= 1  # one word, of which both stretches hold a part
    return count


def _plain(text: str, tokenizer: Tokenizer, limit: int | None) -> tuple[list[Token], int, Mapping[str, int]]:
    """The first tokens of a text without special ones, how many there are in all, and what has no id of its own."""
    if isinstance(tokenizer, Gapped):
        tokens = tokenizer.tokens_marked(text, limit)
        return tokens, len(tokens) if limit is None else tokenizer.count(text), tokenizer.unknown_in(text)
    if limit is None:
        tokens = tokenizer.tokens(text)
        return tokens, len(tokens), {}
    ids = tokenizer.encode_array(text)
    first = ids[:limit].tolist()
    return place_tokens(first, [tokenizer.token_bytes(i) for i in first]), len(ids), {}


def compare(text: str, tokenizers: Iterable[Tokenizer], limit: int | None = None) -> tuple[TokenReport, ...]:
    """What several tokenizers make of the same text, in the order given; ``limit`` as for ``inspect``.

    Raises:
        TokenizerError: half a surrogate pair.
    """
    return tuple(inspect(text, tokenizer, limit) for tokenizer in tokenizers)


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


def vocabulary(tokenizer: Tokenizer) -> tuple[Entry, ...]:
    """Every entry of a vocabulary, in the order of the ids; ids that were left free are left out."""
    instance: Any = tokenizer
    return _entries(instance)


@lru_cache(maxsize=3)  # a search at every key press looks through the same vocabulary
def _entries(tokenizer: Any) -> tuple[Entry, ...]:
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
