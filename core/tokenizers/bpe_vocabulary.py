"""What a byte-pair vocabulary must be, and how ``tokenizer.json`` holds it.

The file has the tokens in base64 in the order of their ids, and the special tokens with theirs, which the others leave
out. Leaves out: other people's files.
"""

from __future__ import annotations

import base64
import binascii
from itertools import pairwise
from typing import Any

from core.errors import TokenizerError
from core.tokenizers.base import utf8

MAX_ID = (1 << 24) - 1
"""Eighty times what the largest vocabularies have; a larger id is damage."""

_AGAIN = "copy or make the vocabulary again"


def check(ranks: dict[bytes, int], special: dict[str, int]) -> None:
    """Refuses what is no vocabulary: every text must be encodable, and every id must mean one token.

    Raises:
        TokenizerError: a byte is missing, an id is taken twice, too large, or left out below the last of the ranks, or
            a special token is no text.
    """
    if missing := [byte for byte in range(256) if bytes([byte]) not in ranks]:
        raise TokenizerError(
            f"expected all 256 bytes among the tokens, {len(missing)} are missing, first byte {missing[0]}", _AGAIN
        )
    if b"" in ranks or "" in special:
        raise TokenizerError("expected tokens of at least one byte, got an empty one", _AGAIN)
    for text in special:
        utf8(text)
    ids = sorted([*ranks.values(), *special.values()])
    if len(set(ids)) < len(ids):
        twice = next(a for a, b in pairwise(ids) if a == b)
        raise TokenizerError(f"expected an id for each token, got {twice:,} for two of them", _AGAIN)
    if ids[0] < 0 or ids[-1] > MAX_ID:
        wrong = ids[0] if ids[0] < 0 else ids[-1]
        raise TokenizerError(f"expected ids from 0 to {MAX_ID:,}, got {wrong:,}", _AGAIN)
    last = max(ranks.values())
    if ids.index(last) != last:
        gap = next(i for i, taken in enumerate(ids) if i != taken)
        raise TokenizerError(f"expected ids without a gap up to {last:,}, got none for {gap:,}", _AGAIN)


def special_ids(content: dict[str, Any]) -> dict[str, int]:
    """The special tokens in the JSON of a ``tokenizer.json``.

    Raises:
        ValueError: one has something else than an id.
    """
    special: dict[str, int] = dict(content["special_tokens"].items())
    if wrong := [i for i in special.values() if type(i) is not int]:
        raise ValueError(f"the id {wrong[0]!r} of a special token")
    return special


def content_of(name: str, pattern: str, ranks: dict[bytes, int], special: dict[str, int]) -> dict[str, Any]:
    """The JSON of ``tokenizer.json``."""
    return {
        "kind": "bpe",
        "name": name,
        "pattern": pattern,
        "special_tokens": special,
        "tokens": [base64.b64encode(token).decode("ascii") for token in sorted(ranks, key=ranks.__getitem__)],
    }


def parse(content: dict[str, Any]) -> tuple[dict[bytes, int], dict[str, int]]:
    """The ranks and the special tokens in that JSON, whose name and pattern are then known to be texts.

    Raises:
        TokenizerError: something is missing or of another kind; the title says what.
    """
    try:
        if content["kind"] != "bpe":
            raise ValueError(f"kind {content['kind']!r}")
        for key in ("name", "pattern"):
            if not isinstance(content[key], str):
                raise ValueError(f"a {key} that is no text")
        special = special_ids(content)
        tokens = [base64.b64decode(token, validate=True) for token in content["tokens"]]
        if len(set(tokens)) < len(tokens):
            raise ValueError("a token that stands twice")
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise TokenizerError(
            f"expected a bpe tokenizer with name, pattern, tokens and special_tokens, got {error}",
            "copy tokenizer.json from where the tokenizer was trained",
        ) from None
    taken = set(special.values())
    free = (i for i in range(len(tokens) + len(taken)) if i not in taken)
    return dict(zip(tokens, free, strict=False)), special
