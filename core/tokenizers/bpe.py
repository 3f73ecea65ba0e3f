"""Byte-pair encoding from scratch: how GPT-2 and its successors turn text into numbers.

A text is cut into words (bpe_split), a word is its bytes, and neighbours that were found together often merge into one
token (bpe_encode); which ones is learnt from a corpus (bpe_train). Other people's vocabularies are read and written by
bpe_files. Leaves out: nothing; tiktoken's engine serves only where a whole corpus is encoded.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from core.errors import TokenizerError
from core.tokenizers import bpe_files, bpe_vocabulary
from core.tokenizers.base import (
    END_OF_TEXT,
    Allowed,
    Disallowed,
    Token,
    Tokenizer,
    fingerprint_of,
    id_dtype,
    not_an_id,
    place_tokens,
    read_file,
    split_special,
    utf8,
    write_file,
)
from core.tokenizers.bpe_encode import EncodeStep, MergeNode, Merges
from core.tokenizers.bpe_split import FAST_STRETCH, LONG_STRETCH, Splitter
from core.tokenizers.bpe_train import BPETraining, MergeStep
from core.tokenizers.vocabularies import GPT2_PATTERN

if TYPE_CHECKING:
    import numpy as np
    import tiktoken
    from numpy.typing import NDArray

    from core.tokenizers.openai import TiktokenTokenizer

__all__ = ["GPT2_PATTERN", "BPETokenizer", "BPETraining", "EncodeStep", "MergeNode", "MergeStep"]


class BPETokenizer:
    """Tokens are bytes that were found side by side often.

    >>> tokenizer = BPETokenizer.train("low lower lowest newest widest", 262)
    >>> [tokenizer.decode([i]) for i in tokenizer.encode("lowest")]
    ['low', 'est']
    """

    def __init__(
        self,
        ranks: Mapping[bytes, int],
        *,
        pattern: str = GPT2_PATTERN,
        special_tokens: Mapping[str, int] | None = None,
        name: str | None = None,
    ) -> None:
        """Takes a vocabulary.

        Args:
            ranks: the id of each token's bytes; of neighbours that can merge, those with the lowest go first.
            pattern: what cuts a text into words, as a regular expression.
            special_tokens: the ids of tokens that stand for no text.
            name: what it is called; without one ``bpe`` and the size.

        Raises:
            TokenizerError: a byte is missing, an id is taken twice or left out, or the pattern is none.
        """
        self._ranks = dict(ranks)
        self._special = dict(special_tokens or {})
        bpe_vocabulary.check(self._ranks, self._special)
        self.pattern = pattern
        self._splitter = Splitter(pattern)
        self._merges = Merges(self._ranks)
        self._bytes = self._merges.bytes_of | {i: text.encode() for text, i in self._special.items()}
        self.vocab_size = 1 + max(self._bytes)
        self.name = name or f"bpe{self.vocab_size}"

    @classmethod
    def train(
        cls,
        text: str | Iterable[str],
        vocab_size: int,
        *,
        pattern: str = GPT2_PATTERN,
        special_tokens: Sequence[str] = (END_OF_TEXT,),
        cancelled: threading.Event | None = None,
    ) -> BPETokenizer:
        """Learns a vocabulary.

        Args:
            text: a text, or several, which are read one after the other and never held together.
            vocab_size: how many tokens: 256 bytes, the merges, and the special tokens. A text too small for as many
                gives fewer.
            pattern: what cuts a text into words.
            special_tokens: texts that end a document; they are not learnt from, and get the last ids.
            cancelled: set by another thread to stop; what was learnt until then is returned.

        Raises:
            TokenizerError: the vocabulary is too small for the bytes, or a text is none.
        """
        training = cls.train_steps(
            text, vocab_size, pattern=pattern, special_tokens=special_tokens, cancelled=cancelled
        )
        for _ in training:
            pass
        return training.tokenizer()

    @classmethod
    def train_steps(
        cls,
        text: str | Iterable[str],
        vocab_size: int,
        *,
        pattern: str = GPT2_PATTERN,
        special_tokens: Sequence[str] = (END_OF_TEXT,),
        cancelled: threading.Event | None = None,
    ) -> BPETraining:
        """The same, merge by merge: iterate over what this returns, and ask it for its ``tokenizer()`` at any time."""
        return BPETraining(text, vocab_size, pattern=pattern, special_tokens=special_tokens, cancelled=cancelled)

    @classmethod
    def from_openai_files(
        cls, encoder_json: str | os.PathLike[str], vocab_bpe: str | os.PathLike[str], *, name: str | None = None
    ) -> BPETokenizer:
        """Reads GPT-2's pair of files, or another of the kind.

        Raises:
            TokenizerError: one is missing or damaged, or they do not belong together; the title says where.
        """
        ranks, special = bpe_files.read_openai(Path(encoder_json), Path(vocab_bpe))
        return cls(ranks, special_tokens=special, name=name)

    @classmethod
    def from_tiktoken_ranks(
        cls,
        ranks: str | os.PathLike[str] | Mapping[bytes, int],
        *,
        pattern: str | None = None,
        special_tokens: Mapping[str, int] | None = None,
        name: str | None = None,
    ) -> BPETokenizer:
        """Takes tiktoken's ranks, or the ``.tiktoken`` file that they stand in.

        The file knows neither pattern nor special tokens. Those of OpenAI's own files are known here; for others,
        without a pattern it is GPT-2's, and without special tokens ``<|endoftext|>`` gets the first free id.

        Raises:
            TokenizerError: the file is missing or damaged, or the ranks are no vocabulary.
        """
        if not isinstance(ranks, Mapping):
            path, ranks = Path(ranks), bpe_files.read_tiktoken(Path(ranks))
            if known := bpe_files.published(path):
                name = name or known.file.partition(".")[0]
                pattern = pattern or known.pattern
                special_tokens = known.special_tokens if special_tokens is None else special_tokens
        if special_tokens is None:
            taken = set(ranks.values())
            special_tokens = {END_OF_TEXT: next(i for i in range(len(taken) + 1) if i not in taken)}
        return cls(ranks, pattern=pattern or GPT2_PATTERN, special_tokens=special_tokens, name=name)

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> BPETokenizer | None:
        """The same vocabulary as our own code runs it, for one that tiktoken runs; None where there are no merges."""
        from core.tokenizers.openai import TiktokenTokenizer

        if isinstance(tokenizer, BPETokenizer):
            return tokenizer
        if not isinstance(tokenizer, TiktokenTokenizer):
            return None
        if tokenizer not in _twins:
            _twins[tokenizer] = cls(
                tokenizer._ranks,
                pattern=tokenizer._pattern,
                special_tokens=tokenizer.special_tokens,
                name=tokenizer.name,
            )
        return _twins[tokenizer]

    @property
    def special_tokens(self) -> dict[str, int]:
        """The ids of the tokens that stand for no text."""
        return dict(self._special)

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of the vocabulary and the pattern, the same as a TiktokenTokenizer's of them."""
        return fingerprint_of({**self._content(), "kind": "tiktoken", "name": "gpt2"})

    def encode(
        self, text: str, *, allowed_special: Allowed = frozenset(), disallowed_special: Disallowed = "all"
    ) -> list[int]:
        """The ids of a text; the text of a special token raises unless it is allowed, or disallowed_special is ``()``.

        Raises:
            TokenizerError: a special token that is not allowed, or half a surrogate pair.
        """
        ids: list[int] = []
        for part in split_special(text, self._special, allowed_special, disallowed_special):
            if isinstance(part, int):
                ids.append(part)
            else:
                self._encode_plain(part, ids)
        return ids

    def _encode_plain(self, text: str, ids: list[int]) -> None:
        of_word = self._merges.of_word.__getitem__
        for pieces in self._splitter.pieces(text):
            ids.extend(chain.from_iterable(map(of_word, pieces)))

    @property
    def has_seams(self) -> bool:
        """Whether a text may be cut at every ``SEAM``, and its parts encoded by themselves."""
        return self._splitter.has_seams

    def encode_array(self, text: str) -> NDArray[np.unsignedinteger[Any]]:
        """The ids of a text as uint16 (uint32 above 65,536 entries); special tokens are plain text.

        By tiktoken's engine where the pattern is one of OpenAI's.

        Raises:
            TokenizerError: half a surrogate pair.
        """
        import numpy as np

        dtype = id_dtype(self.vocab_size)
        parts = [self._encode_fast(stretch).astype(dtype) for stretch in self._splitter.stretches(text, FAST_STRETCH)]
        return np.concatenate(parts) if parts else np.empty(0, dtype)

    def _encode_fast(self, text: str) -> NDArray[np.uint32]:
        import numpy as np

        ids: list[int] = []
        if self.has_seams and len(text) <= LONG_STRETCH:  # what a pattern of others does to tiktoken, nobody knows
            try:
                fast: NDArray[np.uint32] = self._tiktoken.encode_to_numpy(text, disallowed_special=())
            except ValueError:  # its regular expressions have had enough: half a million spaces before a letter
                pass
            else:
                return fast
        self._encode_plain(text, ids)
        return np.array(ids, dtype=np.uint32)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids; bytes that are no UTF-8 show as U+FFFD.

        Raises:
            TokenizerError: an id is not in the vocabulary.
        """
        return b"".join(self._pieces([int(i) for i in ids])).decode("utf-8", "replace")

    def _pieces(self, ids: Sequence[int]) -> list[bytes]:
        try:
            return list(map(self._bytes.__getitem__, ids))
        except KeyError as error:
            raise not_an_id(error.args[0], self.vocab_size) from None

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of one token; a special token's are its text in UTF-8.

        Raises:
            TokenizerError: the id is not in the vocabulary.
        """
        return self._pieces([token_id])[0]

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text, each with its place in it; special tokens are plain text."""
        ids = self.encode(text, disallowed_special=())
        return place_tokens(ids, self._pieces(ids))

    @property
    def n_merges(self) -> int:
        """How many tokens were made by merging."""
        return len(self._merges.made)

    def rank_of(self, token_id: int) -> int | None:
        """Which merge made this token, counted from 1; None for bytes and special tokens."""
        return self._merges.number_of(token_id)

    def encode_steps(self, word: str) -> Iterator[EncodeStep]:
        """How a word becomes tokens: its single bytes first, then one merge after the other.

        Args:
            word: one piece, as ``words`` cuts them (with the space before it, in GPT-2's way).

        Raises:
            TokenizerError: half a surrogate pair.
        """
        return self._merges.steps(utf8(word))

    def words(self, text: str) -> list[str]:
        """A text cut into the pieces that are merged each by itself."""
        return list(chain.from_iterable(self._splitter.pieces(text)))

    def merge_tree(self, token_id: int) -> MergeNode:
        """How a token was built, down to its bytes; a special token, or one that no merge makes, is a single node.

        Raises:
            TokenizerError: the id is not in the vocabulary.
        """
        token = self.token_bytes(token_id)
        return self._merges.tree(token_id) if token_id in self._merges.bytes_of else MergeNode(token_id, token)

    def to_tiktoken(self) -> tiktoken.Encoding:
        """The same vocabulary in tiktoken's engine, which is written in Rust.

        Raises:
            TokenizerError: the engine cannot read the pattern.
        """
        return self._tiktoken

    @cached_property
    def _tiktoken(self) -> tiktoken.Encoding:
        import tiktoken

        try:
            return tiktoken.Encoding(
                self.name, pat_str=self.pattern, mergeable_ranks=self._ranks, special_tokens=self._special
            )
        except ValueError as error:
            raise TokenizerError(
                f"tiktoken's engine cannot read the pattern {self.pattern!r}: {error}",
                "encode with the tokenizer itself, which can",
            ) from None

    def write_openai_files(self, directory: str | os.PathLike[str]) -> None:
        """Writes ``encoder.json`` and ``vocab.bpe``, as GPT-2's.

        Raises:
            TokenizerError: a token comes of no merge of two, so that these files cannot say how it is made.
            DiskFullError: no space is left.
        """
        bpe_files.write_openai(Path(directory), self._ranks, self._special, self._merges.pairs())

    def write_tiktoken(self, path: str | os.PathLike[str]) -> None:
        """Writes the ranks in tiktoken's format, which has no place for pattern and special tokens.

        Raises:
            DiskFullError: no space is left.
        """
        bpe_files.write_tiktoken(Path(path), self._ranks)

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Writes ``tokenizer.json`` with the whole vocabulary."""
        return write_file(directory, self._content())

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> BPETokenizer:
        """Reads what ``save`` wrote.

        Raises:
            TokenizerError: it is missing, damaged, or of another kind.
        """
        return cls.from_content(read_file(directory))

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> BPETokenizer:
        """Builds it from the JSON of ``tokenizer.json``."""
        ranks, special = bpe_vocabulary.parse(content)
        return cls(ranks, pattern=content["pattern"], special_tokens=special, name=content["name"])

    def _content(self) -> dict[str, Any]:
        return bpe_vocabulary.content_of(self.name, self.pattern, self._ranks, self._special)


_twins: WeakKeyDictionary[TiktokenTokenizer, BPETokenizer] = WeakKeyDictionary()
