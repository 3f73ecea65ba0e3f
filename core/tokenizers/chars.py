"""One id for each character, in the order of their code points, as nanoGPT numbers them.

Leaves out: characters that the text it was built from does not have; there is no id for the unknown.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import TokenizerError
from core.tokenizers.base import (
    UNKNOWN,
    Allowed,
    Disallowed,
    Token,
    fingerprint_of,
    id_dtype,
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

_STRETCH = 50_000
"""Characters counted at once."""


class CharTokenizer:
    """A character is a token.

    >>> tokenizer = CharTokenizer.from_text("hello")
    >>> tokenizer.encode("hole")
    [1, 3, 2, 0]
    >>> tokenizer.decode([1, 3, 2, 0])
    'hole'
    """

    name = "char"
    has_seams = True
    """Whether a text may be cut at every ``SEAM``, and its parts encoded by themselves."""

    def __init__(self, characters: str) -> None:
        """Takes the characters in the order of their ids, each once.

        Raises:
            TokenizerError: there are none, one stands twice, or one is half a surrogate pair.
        """
        if not characters:
            raise TokenizerError(
                "a char tokenizer needs at least one character, got an empty text", "give it a text that is not empty"
            )
        if len(set(characters)) != len(characters):
            raise TokenizerError(
                "each character must stand once in a char tokenizer, some stand twice", "build it with from_text(text)"
            )
        utf8(characters)
        self.characters = characters
        self._ids = {character: i for i, character in enumerate(characters)}

    @classmethod
    def from_text(cls, text: str) -> CharTokenizer:
        """The sorted unique characters of a text."""
        return cls("".join(sorted(set(text))))

    @property
    def vocab_size(self) -> int:
        """How many characters there are."""
        return len(self.characters)

    @property
    def special_tokens(self) -> dict[str, int]:
        """None."""
        return {}

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of the characters and their order."""
        return fingerprint_of(self._content())

    def encode(
        self, text: str, *, allowed_special: Allowed = frozenset(), disallowed_special: Disallowed = "all"
    ) -> list[int]:
        """The ids of a text; there are no special tokens to allow.

        Raises:
            TokenizerError: a character has no id (the title names it and its place), or the caller disallowed a text.
        """
        text = "".join(map(str, split_special(text, {}, allowed_special, disallowed_special)))
        try:
            return [self._ids[character] for character in text]
        except KeyError:
            raise self._unknown(text) from None

    @cached_property
    def _table(self) -> NDArray[np.unsignedinteger[Any]]:
        """The id of each code point up to the largest known one; ``vocab_size`` stands for none."""
        import numpy as np

        points = np.array([ord(character) for character in self.characters])
        table = np.full(points.max() + 2, self.vocab_size, dtype=id_dtype(self.vocab_size + 1))
        table[points] = np.arange(self.vocab_size)
        return table

    def encode_array(self, text: str) -> NDArray[np.unsignedinteger[Any]]:
        """The ids of a text as uint16 (uint32 above 65,536 characters), by one table look-up.

        Raises:
            TokenizerError: a character has no id; the title names it and its place.
        """
        import numpy as np

        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        table = self._table
        ids = table[np.minimum(points, len(table) - 1)]  # the last entry stands for none
        if ids.size and ids.max() == self.vocab_size:
            raise self._unknown(text)
        compact: NDArray[np.unsignedinteger[Any]] = ids.astype(id_dtype(self.vocab_size), copy=False)
        return compact

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids.

        Raises:
            TokenizerError: an id is not in the vocabulary.
        """
        characters = self.characters
        listed = [int(i) for i in ids]
        if listed and (min(listed) < 0 or max(listed) >= len(characters)):
            raise not_an_id(next(i for i in listed if not 0 <= i < len(characters)), len(characters))
        return "".join([characters[i] for i in listed])

    def token_bytes(self, token_id: int) -> bytes:
        """A character in UTF-8.

        Raises:
            TokenizerError: the id is not in the vocabulary.
        """
        if not 0 <= token_id < self.vocab_size:
            raise not_an_id(token_id, self.vocab_size)
        return self.characters[token_id].encode()

    def tokens(self, text: str) -> list[Token]:
        """The characters of a text, each with its place.

        Raises:
            TokenizerError: a character has no id; the title names it and its place.
        """
        return place_tokens(self.encode(text), [character.encode() for character in text])

    def tokens_marked(self, text: str, limit: int | None = None) -> list[Token]:
        """As ``tokens``, or the first ``limit`` of them; a character without an id has the id ``UNKNOWN``."""
        text = text[:limit]
        utf8(text)
        ids = self._ids
        return place_tokens([ids.get(c, UNKNOWN) for c in text], [c.encode() for c in text])

    def count(self, text: str) -> int:
        """How many characters the text has."""
        return len(text)

    def unknown_in(self, text: str) -> dict[str, int]:
        """The characters without an id, in the order of the text, and how often each stands there."""
        counts: Counter[str] = Counter()
        for start in range(0, len(text), _STRETCH):  # in one call, a megabyte would hold up every other thread
            counts.update(text[start : start + _STRETCH])
        return {c: n for c, n in counts.items() if c not in self._ids}

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Writes ``tokenizer.json``."""
        return write_file(directory, self._content())

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> CharTokenizer:
        """Reads what ``save`` wrote.

        Raises:
            TokenizerError: it is missing, damaged, or of another kind.
        """
        return cls.from_content(read_file(directory))

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> CharTokenizer:
        """Builds it from the JSON of ``tokenizer.json``."""
        characters = content.get("characters")
        if content.get("kind") != "char" or not isinstance(characters, str):
            raise TokenizerError(
                f"expected a char tokenizer with its characters, got kind {content.get('kind')!r}",
                "copy tokenizer.json from where the run was trained",
            )
        return cls(characters)

    def _content(self) -> dict[str, Any]:
        return {"kind": "char", "characters": self.characters}

    def _unknown(self, text: str) -> TokenizerError:
        utf8(text)
        at = next(i for i, character in enumerate(text) if character not in self._ids)
        return TokenizerError(
            f"character {text[at]!r} (U+{ord(text[at]):04X}) at position {at:,} is not among the "
            f"{self.vocab_size:,} characters of this tokenizer",
            "leave it out, or use a tokenizer that knows every text: byte, gpt2 or bpe:PATH",
        )
