"""Words and punctuation as tokens: the two simple tokenizers of the well-known course.

"Build a Large Language Model (From Scratch)" by Sebastian Raschka, chapter 2: a text is cut at white space and at
punctuation, and each different piece gets an id, in sorted order. White space is in no token, so ``tokens(text)``
leaves gaps, and ``decode`` is not exact: it puts one space between words and takes those before punctuation away again.
Leaves out: what to do about words that never stood in the text it was built from, for which V2 has one common id.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from core.errors import TokenizerError
from core.fields import brief
from core.tokenizers.base import (
    END_OF_TEXT,
    UNKNOWN,
    Allowed,
    Disallowed,
    Token,
    fingerprint_of,
    id_dtype,
    not_an_id,
    read_file,
    split_special,
    utf8,
    write_file,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNK = "<|unk|>"
"""V2's token for every word that it does not know."""

# What re.split(r'([,.:;?_!"()\']|--|\s)', text) leaves once white space is thrown away, found in place.
_PIECE = re.compile(r"""[,.:;?_!"()']|--|(?:[^,.:;?_!"()'\s-]++|-(?!-))++""")

_Self = TypeVar("_Self", bound="SimpleTokenizerV1")


def split_words(text: str) -> list[str]:
    """The words and punctuation marks of a text.

    >>> split_words("Hello, world. Is this-- a test?")
    ['Hello', ',', 'world', '.', 'Is', 'this', '--', 'a', 'test', '?']
    """
    return _PIECE.findall(text)


class SimpleTokenizerV1:
    """Words that stand in its text have an id, and others are an error.

    >>> tokenizer = SimpleTokenizerV1.from_text("It's the last he painted, you know")
    >>> tokenizer.encode("he painted it's last")
    Traceback (most recent call last):
    core.errors.TokenizerError: ...
    >>> tokenizer.decode(tokenizer.encode("you know, he painted"))
    'you know, he painted'
    """

    name = "words-v1"
    has_seams = True
    """Whether a text may be cut at every ``SEAM``, and its parts encoded by themselves."""
    _TIGHT: ClassVar[re.Pattern[str]] = re.compile(r"""\s+([,.?!"()'])""")
    _SPECIAL: ClassVar[tuple[str, ...]] = ()

    def __init__(self, vocab: Mapping[str, int]) -> None:
        """Takes the vocabulary as the course builds it: the id of each word.

        Raises:
            TokenizerError: no words, ids that are not 0 to n - 1, or a special token that is missing.
        """
        self.str_to_int = dict(vocab)
        self.int_to_str = {i: word for word, i in vocab.items()}
        if not vocab:
            raise TokenizerError(
                f"a {self.name} tokenizer needs at least one word, got none", "give it a text with words in it"
            )
        if sorted(self.int_to_str) != list(range(len(vocab))):
            raise TokenizerError(
                f"expected the ids 0 to {len(vocab) - 1:,} once each in the vocabulary of {self.name}, got others",
                "number the words: {word: i for i, word in enumerate(words)}",
            )
        if missing := [word for word in self._SPECIAL if word not in vocab]:
            raise TokenizerError(
                f"expected {' and '.join(self._SPECIAL)} in the vocabulary of {self.name}, got none of {missing[0]}",
                "build it with from_text(text), which adds them",
            )
        self._plain = {word: i for word, i in self.str_to_int.items() if word not in self._SPECIAL}

    @classmethod
    def from_text(cls: type[_Self], text: str) -> _Self:
        """Gives each different word of a text an id, in sorted order; special tokens come last.

        Raises:
            TokenizerError: the text has no words, or half a surrogate pair.
        """
        utf8(text)
        words = sorted(set(split_words(text)) - set(cls._SPECIAL))
        if not words:
            raise TokenizerError(
                f"a {cls.name} tokenizer is made from the words of a text, got a text without any",
                "give it a text with words in it",
            )
        return cls({word: i for i, word in enumerate([*words, *cls._SPECIAL])})

    @property
    def vocab_size(self) -> int:
        """How many ids there are, special tokens included."""
        return len(self.str_to_int)

    @property
    def special_tokens(self) -> dict[str, int]:
        """V1 has none; V2 has ``<|endoftext|>`` and ``<|unk|>``."""
        return {word: self.str_to_int[word] for word in self._SPECIAL}

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of the vocabulary."""
        return fingerprint_of(self._content())

    def encode(
        self, text: str, *, allowed_special: Allowed = frozenset(), disallowed_special: Disallowed = "all"
    ) -> list[int]:
        """The ids of the words of a text.

        Raises:
            TokenizerError: a word that it does not know (V1), the text of a special token that is not allowed, or half
                a surrogate pair.
        """
        utf8(text)
        ids: list[int] = []
        for part in split_special(text, self.special_tokens, allowed_special, disallowed_special):
            if isinstance(part, int):
                ids.append(part)
            else:
                ids += self._ids(part, text)
        return ids

    def _ids(self, part: str, text: str) -> list[int]:
        known = self._plain
        try:
            return [known[word] for word in split_words(part)]
        except KeyError as missing:
            raise self._unknown(str(missing.args[0]), text) from None

    def _unknown(self, word: str, text: str) -> TokenizerError:
        at = next(m.start() for m in _PIECE.finditer(text) if m[0] == word)
        return TokenizerError(
            f"the word {brief(word)} at character {at:,} is not among the {self.vocab_size:,} words of {self.name}",
            "words-v2 has a token for unknown words; byte, gpt2 and bpe:PATH know every text",
        )

    def encode_array(self, text: str) -> NDArray[np.unsignedinteger[Any]]:
        """The ids of a text as uint16 (uint32 above 65,536 words); special tokens are plain text."""
        import numpy as np

        return np.array(self.encode(text, disallowed_special=()), dtype=id_dtype(self.vocab_size))

    def decode(self, ids: Iterable[int]) -> str:
        """The words with a space between, without those before punctuation; not exactly the text they came from.

        Raises:
            TokenizerError: an id is not in the vocabulary.
        """
        return self._TIGHT.sub(r"\1", " ".join([self._word(int(i)) for i in ids]))

    def _word(self, token_id: int) -> str:
        try:
            return self.int_to_str[token_id]
        except KeyError:
            raise not_an_id(token_id, self.vocab_size) from None

    def token_bytes(self, token_id: int) -> bytes:
        """A word in UTF-8.

        Raises:
            TokenizerError: the id is not in the vocabulary.
        """
        return self._word(token_id).encode()

    def tokens(self, text: str) -> list[Token]:
        """The words of a text, each with its place and the bytes that stand there; white space is in none.

        Raises:
            TokenizerError: a word that it does not know (V1), or half a surrogate pair.
        """
        placed = self.tokens_marked(text)
        if wrong := next((token for token in placed if token.id == UNKNOWN), None):
            raise self._unknown(wrong.text, text)
        return placed

    def tokens_marked(self, text: str, limit: int | None = None) -> list[Token]:
        """As ``tokens``, or the first ``limit`` of them; a word without an id has ``UNKNOWN`` (V2: ``<|unk|>``'s)."""
        ids, unknown = self._plain, self._stand_in
        places = islice(_places(text), limit)
        return [Token(ids.get(word, unknown), word.encode(), *span, *raw) for word, span, raw in places]

    @property
    def _stand_in(self) -> int:
        return UNKNOWN

    def count(self, text: str) -> int:
        """How many words and punctuation marks the text has."""
        return sum(1 for _ in _PIECE.finditer(text))

    def unknown_in(self, text: str) -> dict[str, int]:
        """The words without an id, in the order of the text, and how often each stands there."""
        counts = Counter(found[0] for found in _PIECE.finditer(text))
        return {word: n for word, n in counts.items() if word not in self._plain}

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Writes ``tokenizer.json``."""
        return write_file(directory, self._content())

    @classmethod
    def load(cls: type[_Self], directory: str | os.PathLike[str]) -> _Self:
        """Reads what ``save`` wrote.

        Raises:
            TokenizerError: it is missing, damaged, or of another kind.
        """
        return cls.from_content(read_file(directory))

    @classmethod
    def from_content(cls: type[_Self], content: dict[str, Any]) -> _Self:
        """Builds it from the JSON of ``tokenizer.json``."""
        words = content.get("words")
        whole = isinstance(words, list) and all(isinstance(w, str) for w in words) and len(set(words)) == len(words)
        if content.get("kind") != cls.name or not whole:
            raise TokenizerError(
                f"expected a {cls.name} tokenizer with its words once each, got kind {content.get('kind')!r}",
                "copy tokenizer.json from where the run was trained",
            )
        assert isinstance(words, list)
        return cls({word: i for i, word in enumerate(words)})

    def _content(self) -> dict[str, Any]:
        return {"kind": self.name, "words": [self.int_to_str[i] for i in range(self.vocab_size)]}


class SimpleTokenizerV2(SimpleTokenizerV1):
    """Like V1, with ``<|unk|>`` for unknown words and ``<|endoftext|>`` between documents.

    >>> tokenizer = SimpleTokenizerV2.from_text("do you like tea")
    >>> text = tokenizer.join(["do you like palaces", "like tea"])
    >>> tokenizer.decode(tokenizer.encode(text, allowed_special="all"))
    'do you like <|unk|> <|endoftext|> like tea'
    """

    name = "words-v2"
    _TIGHT = re.compile(r"""\s+([,.:;?!"()'])""")
    _SPECIAL = (END_OF_TEXT, UNK)

    @staticmethod
    def join(documents: Iterable[str]) -> str:
        """Documents with ``<|endoftext|>`` between them; encode it with ``allowed_special="all"``."""
        return f" {END_OF_TEXT} ".join(documents)

    def _ids(self, part: str, text: str) -> list[int]:
        known, unknown = self._plain, self._stand_in
        return [known.get(word, unknown) for word in split_words(part)]

    @property
    def _stand_in(self) -> int:
        return self.str_to_int[UNK]


def _places(text: str) -> Iterator[tuple[str, tuple[int, int], tuple[int, int]]]:
    """Each word with its span in characters and in bytes."""
    utf8(text)
    before = at = 0  # the end of the word before, in characters and in bytes
    for found in _PIECE.finditer(text):
        start, end = found.span()
        byte_start = at + len(text[before:start].encode())
        before, at = end, byte_start + len(found[0].encode())
        yield found[0], (start, end), (byte_start, at)
