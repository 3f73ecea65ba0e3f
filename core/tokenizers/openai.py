"""OpenAI's tokenizers, from GPT-2's on, run by tiktoken.

A vocabulary is read from the cache (in tiktoken's layout, so its files serve both) or fetched by our downloader.
Saved, it takes its whole vocabulary along, so a copied run needs neither. Leaves out: how byte-pair encoding works.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import TokenizerError
from core.tokenizers import bpe_vocabulary
from core.tokenizers.base import (
    SEAM,
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
from core.tokenizers.bpe_split import Splitter
from core.tokenizers.vocabularies import (
    CL100K_PATTERN,
    GPT2_PATTERN,
    O200K_PATTERN,
    VOCABULARIES,
    fetch_vocabulary,
    find_vocabulary,
    read_ranks,
)

if TYPE_CHECKING:
    import numpy as np
    import tiktoken
    from numpy.typing import NDArray

    from core.tokenizers.bpe import BPETokenizer

# Text is encoded in stretches of about this many characters, so that a large corpus never stands in memory as a second
# and third copy.
_STRETCH = 4_000_000
_SEAMED = frozenset({GPT2_PATTERN, CL100K_PATTERN, O200K_PATTERN})

_MANY = 100_000
"""Characters from which on a text may be too much for tiktoken's regular expressions."""


class TiktokenTokenizer:
    """A byte-pair vocabulary of OpenAI's, with tiktoken doing the work."""

    def __init__(self, name: str, pattern: str, ranks: dict[bytes, int], special_tokens: dict[str, int]) -> None:
        """Takes the vocabulary itself.

        Args:
            name: what ``get_tokenizer`` calls it.
            pattern: the regular expression that cuts text into pieces before the merges.
            ranks: the id of each token's bytes.
            special_tokens: the ids of tokens that stand for no text.
        """
        import tiktoken

        self.name = name
        self._pattern = pattern
        self._ranks = ranks
        self._special = dict(special_tokens)
        self._encoding: tiktoken.Encoding = tiktoken.Encoding(
            name, pat_str=pattern, mergeable_ranks=ranks, special_tokens=self._special
        )

    @property
    def vocab_size(self) -> int:
        """How many ids there are, special tokens included."""
        return int(self._encoding.n_vocab)

    @property
    def special_tokens(self) -> dict[str, int]:
        """``<|endoftext|>`` and its id."""
        return dict(self._special)

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of the vocabulary and the pattern, whatever its name."""
        return fingerprint_of({**self._content(), "name": "gpt2"})  # as it stood in the first one of this kind

    def encode(
        self, text: str, *, allowed_special: Allowed = frozenset(), disallowed_special: Disallowed = "all"
    ) -> list[int]:
        """The ids of a text.

        Raises:
            TokenizerError: the text of a special token that is not allowed, or half a surrogate pair.
        """
        utf8(text)
        ids: list[int] = []
        for part in split_special(text, self._special, allowed_special, disallowed_special):
            ids += [part] if isinstance(part, int) else self._plain(part)
        return ids

    def _plain(self, text: str) -> list[int]:
        # Only this call of tiktoken's can say that its regular expressions have had enough (half a million spaces
        # before a letter); the one for lists panics there.
        ids: list[int] = self.encode_array(text).tolist() if len(text) > _MANY else self._encoding.encode_ordinary(text)
        return ids

    @cached_property
    def _own(self) -> BPETokenizer:
        """The same vocabulary in our own code, for what tiktoken cannot do, or only slowly."""
        from core.tokenizers.bpe import BPETokenizer

        twin = BPETokenizer.of(self)
        assert twin is not None
        return twin

    def encode_array(self, text: str) -> NDArray[np.unsignedinteger[Any]]:
        """The ids of a text as uint16 (uint32 above 65,536 entries); special tokens are plain text."""
        import numpy as np

        utf8(text)
        dtype = id_dtype(self.vocab_size)
        parts = [self._stretch(text[a:b]).astype(dtype) for a, b in self._stretches(text)]
        return np.concatenate(parts) if parts else np.empty(0, dtype)

    @property
    def has_seams(self) -> bool:
        """Whether a text may be cut at every ``SEAM``, and its parts encoded by themselves."""
        return self._pattern in _SEAMED

    def _stretches(self, text: str) -> Iterator[tuple[int, int]]:
        return _stretches(text) if self.has_seams else iter([(0, len(text))] if text else [])

    def _stretch(self, text: str) -> NDArray[np.uint32]:
        if len(text) <= 2 * _STRETCH:
            with suppress(ValueError):  # its regular expressions have had enough
                ids: NDArray[np.uint32] = self._encoding.encode_to_numpy(text, disallowed_special=())
                return ids
        # Megabytes without a space between two words, and perhaps one piece: tiktoken would take minutes.
        return self._own.encode_array(text)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids; bytes that are no UTF-8 show as U+FFFD.

        Raises:
            TokenizerError: an id is not in the vocabulary.
        """
        return b"".join(self._pieces([int(i) for i in ids])).decode("utf-8", "replace")

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text, each with its place; special tokens are plain text."""
        ids = self.encode(text, disallowed_special=())
        return place_tokens(ids, self._pieces(ids))

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of one token; a special token's are its text in UTF-8.

        Raises:
            TokenizerError: the id is not in the vocabulary.
        """
        return self._pieces([token_id])[0]

    def _pieces(self, ids: list[int]) -> list[bytes]:
        known = self._by_id
        try:
            return [known[i] for i in ids]
        except KeyError as wrong:
            raise not_an_id(wrong.args[0], self.vocab_size) from None

    @cached_property
    def _by_id(self) -> dict[int, bytes]:
        plain = {i: token for token, i in self._ranks.items()}
        return plain | {i: text.encode() for text, i in self._special.items()}

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Writes ``tokenizer.json`` with the whole vocabulary."""
        return write_file(directory, self._content())

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> TiktokenTokenizer:
        """Reads what ``save`` wrote.

        Raises:
            TokenizerError: it is missing, damaged, or of another kind.
        """
        return cls.from_content(read_file(directory))

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> TiktokenTokenizer:
        """Builds it from the JSON of ``tokenizer.json``."""
        try:
            if content["kind"] != "tiktoken":
                raise ValueError(f"kind {content['kind']!r}")
            listed = [(i, token) for i, token in enumerate(content["tokens"]) if token is not None]
            ranks = {base64.b64decode(token, validate=True): i for i, token in listed}
            special = bpe_vocabulary.special_ids(content)
            if len(ranks) != len(listed):
                raise ValueError("a token that stands twice")
            bpe_vocabulary.check(ranks, special)
            Splitter(content["pattern"])  # before tiktoken's engine sees what may be no pattern
            return cls(str(content["name"]), content["pattern"], ranks, special)
        except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
            raise TokenizerError(
                f"expected a tiktoken tokenizer with name, pattern, tokens and special_tokens, got {error}",
                "copy tokenizer.json from where the run was trained",
            ) from None

    def _content(self) -> dict[str, Any]:
        tokens: list[str | None] = [None] * (max(self._ranks.values()) + 1)  # p50k_base has a gap at <|endoftext|>
        for token, i in self._ranks.items():
            tokens[i] = base64.b64encode(token).decode("ascii")
        return {
            "kind": "tiktoken",
            "name": self.name,
            "pattern": self._pattern,
            "special_tokens": self._special,
            "tokens": tokens,
        }


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Cuts a text where no token can lie across the cut."""
    start = 0
    while start < len(text):
        seam = SEAM.search(text, start + _STRETCH) if len(text) - start > _STRETCH else None
        end = seam.start() if seam else len(text)
        yield start, end
        start = end


def openai_tokenizer(name: str) -> TiktokenTokenizer:
    """One of OpenAI's tokenizers, from the cache or fetched into it.

    Args:
        name: a name in ``VOCABULARIES``.

    Raises:
        DownloadError: its vocabulary is not here and could not be fetched.
    """
    path = find_vocabulary(name)
    if path is None:
        for _ in fetch_vocabulary(name):
            pass
        path = VOCABULARIES[name].place
    return _read(name, path)


@lru_cache(maxsize=5)  # they are asked for often, and building one takes 70 ms or more
def _read(name: str, path: Path) -> TiktokenTokenizer:
    vocabulary = VOCABULARIES[name]
    return TiktokenTokenizer(name, vocabulary.pattern, read_ranks(path), vocabulary.special_tokens)
