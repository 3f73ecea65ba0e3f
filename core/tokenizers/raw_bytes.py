"""The bytes of UTF-8 as ids: 256 of them, and no text that they cannot write.

What byte-pair encoding begins with, before its first merge. Leaves out: special tokens.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.tokenizers.base import (
    Allowed,
    Disallowed,
    Token,
    expect_kind,
    fingerprint_of,
    not_an_id,
    place_tokens,
    read_file,
    split_special,
    utf8,
    write_file,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BYTES = [bytes([value]) for value in range(256)]


class ByteTokenizer:
    """A byte is a token, and its value is its id.

    >>> tokenizer = ByteTokenizer()
    >>> tokenizer.encode("né")
    [110, 195, 169]
    >>> tokenizer.decode([110, 195, 169])
    'né'
    """

    name = "byte"
    vocab_size = 256
    has_seams = True
    """Whether a text may be cut at every ``SEAM``, and its parts encoded by themselves."""

    @property
    def special_tokens(self) -> dict[str, int]:
        """None."""
        return {}

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits, always the same."""
        return fingerprint_of(self._content())

    def encode(
        self, text: str, *, allowed_special: Allowed = frozenset(), disallowed_special: Disallowed = "all"
    ) -> list[int]:
        """The bytes of a text; there are no special tokens to allow.

        Raises:
            TokenizerError: half a surrogate pair, or text that the caller disallowed.
        """
        return list(utf8("".join(map(str, split_special(text, {}, allowed_special, disallowed_special)))))

    def encode_array(self, text: str) -> NDArray[np.unsignedinteger[Any]]:
        """The bytes of a text as uint16.

        Raises:
            TokenizerError: half a surrogate pair.
        """
        import numpy as np

        return np.frombuffer(utf8(text), dtype=np.uint8).astype(np.uint16)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some bytes; what is no UTF-8 shows as U+FFFD.

        Raises:
            TokenizerError: an id is not from 0 to 255.
        """
        listed = [int(i) for i in ids]
        try:
            return bytes(listed).decode("utf-8", "replace")
        except ValueError:
            raise not_an_id(next(i for i in listed if not 0 <= i < 256), 256) from None

    def token_bytes(self, token_id: int) -> bytes:
        """The byte of that value.

        Raises:
            TokenizerError: the id is not from 0 to 255.
        """
        if not 0 <= token_id < 256:
            raise not_an_id(token_id, 256)
        return _BYTES[token_id]

    def tokens(self, text: str) -> list[Token]:
        """The bytes of a text, each with its place; those of one character share its character span."""
        raw = utf8(text)
        return place_tokens(raw, [_BYTES[value] for value in raw])

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Writes ``tokenizer.json``."""
        return write_file(directory, self._content())

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> ByteTokenizer:
        """Reads what ``save`` wrote.

        Raises:
            TokenizerError: it is missing, damaged, or of another kind.
        """
        return cls.from_content(read_file(directory))

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> ByteTokenizer:
        """Builds it from the JSON of ``tokenizer.json``."""
        expect_kind(content, "byte")
        return cls()

    def _content(self) -> dict[str, Any]:
        return {"kind": "byte"}
