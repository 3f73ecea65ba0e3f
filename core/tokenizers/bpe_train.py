"""Learning the merges of byte-pair encoding from text.

Again and again the most frequent pair of neighbours becomes a token, until the vocabulary is full (Sennrich et al.
2016, section 3.2, on bytes as GPT-2 does it). Of pairs that are as frequent, the one whose left token has the lower id
goes first, then the one whose right token has.

Each distinct word is looked at once, whatever its count, and a merge touches only the words that have its pair and
there only the pairs beside it. A word is a `str` with a character for each token, so that a merge is one replacement.
Leaves out: using what was learnt.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from operator import add
from typing import TYPE_CHECKING

from core.errors import TokenizerError
from core.tokenizers.base import any_of
from core.tokenizers.bpe_split import Splitter
from core.tokenizers.vocabularies import GPT2_PATTERN, PRINTABLE_FIRST

if TYPE_CHECKING:
    from core.tokenizers.bpe import BPETokenizer

_ID_OF_BYTE = bytes(PRINTABLE_FIRST.index(byte) for byte in range(256))

_LONGEST_WORD = 512
"""A longer piece (a line of 50 MB without a space) is learnt from in parts of so many bytes; no pair spans two."""

MAX_VOCAB_SIZE = 0x110000
"""As many as there are characters to stand for tokens."""


@dataclass(frozen=True, slots=True)
class MergeStep:
    """One merge that was learnt."""

    index: int
    """From 1."""
    total: int
    """How many are wanted."""
    left: bytes
    right: bytes
    token: bytes
    token_id: int
    count: int
    """How often the two stood side by side when they were merged."""
    tokens_left: int
    """The tokens of the corpus after this merge."""
    bytes_total: int
    """The bytes of the corpus."""

    @property
    def compression(self) -> float:
        """Bytes per token over the corpus, so far."""
        return self.bytes_total / self.tokens_left


class BPETraining:
    """A training on its way: iterate over it, stop when you like, and take what was learnt so far.

    It ends early when no pair is left. Breaking off the loop does no harm, and another loop goes on from there.
    """

    def __init__(
        self,
        text: str | Iterable[str],
        vocab_size: int,
        *,
        pattern: str = GPT2_PATTERN,
        special_tokens: Sequence[str] = ("<|endoftext|>",),
        cancelled: threading.Event | None = None,
    ) -> None:
        """Takes what ``BPETokenizer.train`` takes; nothing is read before the first step is asked for.

        Raises:
            TokenizerError: the vocabulary is too small or too large, or a special token or the pattern is none.
        """
        self.special_tokens = _checked(special_tokens)
        smallest = 256 + len(self.special_tokens)
        if not smallest <= vocab_size <= MAX_VOCAB_SIZE:
            named = "1 special token" if smallest == 257 else f"{len(self.special_tokens)} special tokens"
            raise TokenizerError(
                f"expected a vocab_size of at least {smallest} (256 bytes and {named}) and at most {MAX_VOCAB_SIZE:,}, "
                f"got {vocab_size:,}",
                f"{smallest + 256} is small, 5,000 is good for a book, GPT-2 has 50,257",
            )
        self.pattern = pattern
        self.total = vocab_size - smallest
        self.token_bytes = [bytes([byte]) for byte in PRINTABLE_FIRST]
        self.characters_read = 0
        """How far the counting of words is, which comes before the first merge."""
        self.bytes_total = 0
        self.tokens_left = 0
        self.distinct_words = 0
        self._splitter = Splitter(pattern)
        self._texts = (text,) if isinstance(text, str) else text
        self._cancelled = cancelled or threading.Event()
        self._steps = self._run()

    @property
    def learnt(self) -> int:
        """How many merges there are so far."""
        return len(self.token_bytes) - 256

    def __iter__(self) -> Iterator[MergeStep]:
        return self._steps

    def tokenizer(self) -> BPETokenizer:
        """A tokenizer with the merges learnt so far."""
        from core.tokenizers.bpe import BPETokenizer

        ranks = {token: i for i, token in enumerate(list(self.token_bytes))}
        special = {token: len(ranks) + i for i, token in enumerate(self.special_tokens)}
        return BPETokenizer(ranks, pattern=self.pattern, special_tokens=special)

    def _run(self) -> Iterator[MergeStep]:
        counts = self._count_words()
        self.distinct_words = len(counts)
        words = _Words(counts)
        del counts
        self.tokens_left = words.tokens
        names = self.token_bytes
        while self.learnt < self.total and not self._cancelled.is_set():
            pair, count = words.most_frequent()
            if not count:
                return
            words.merge(pair, chr(len(names)))
            left, right = names[ord(pair[0])], names[ord(pair[1])]
            names.append(left + right)
            self.tokens_left = words.tokens
            yield MergeStep(
                index=self.learnt,
                total=self.total,
                left=left,
                right=right,
                token=left + right,
                token_id=len(names) - 1,
                count=count,
                tokens_left=words.tokens,
                bytes_total=self.bytes_total,
            )

    def _count_words(self) -> dict[str, int]:
        """How often each word stands in the corpus; a character of a word is the id of a byte.

        Raises:
            TokenizerError: a text is none, or the pattern does not match all of it.
        """
        pieces: Counter[str] = Counter()
        documents = any_of(set(self.special_tokens)) if self.special_tokens else None
        for text in self._texts:
            if not isinstance(text, str):
                raise TokenizerError(
                    f"expected texts to learn from, got {type(text).__name__}", "read files as text: path.read_text()"
                )
            for document in documents.split(text) if documents else (text,):
                read = self.characters_read
                for some in self._splitter.pieces(document):
                    pieces.update(some)
                    self.characters_read += sum(map(len, some))
                    if self._cancelled.is_set():
                        return {}
                if left_out := read + len(document) - self.characters_read:
                    raise TokenizerError(
                        f"the pattern {self.pattern!r} leaves out {left_out:,} of {len(document):,} characters, "
                        "which no token would stand for",
                        r"end it with |\s+|. or so, or take gpt2's",
                    )
        words: dict[str, int] = {}
        for piece, count in pieces.items():
            ids = piece.encode().translate(_ID_OF_BYTE).decode("latin-1")
            self.bytes_total += count * len(ids)
            for start in range(0, len(ids), _LONGEST_WORD):
                word = ids[start : start + _LONGEST_WORD]
                words[word] = words.get(word, 0) + count
        return words


class _Words:
    """The distinct words of a corpus while their tokens merge, and the count of every pair in them."""

    def __init__(self, counts: dict[str, int]) -> None:
        self._words = list(counts)
        self._counts = list(counts.values())
        self.tokens = sum(map(int.__mul__, map(len, self._words), self._counts))
        self._pairs: defaultdict[str, int] = defaultdict(int)
        self._where: defaultdict[str, list[int]] = defaultdict(list)
        """In which words a pair stands, or has stood."""
        pairs, where = self._pairs, self._where
        for i, (word, count) in enumerate(counts.items()):
            for pair in map(add, word, word[1:]):
                pairs[pair] += count
                where[pair].append(i)
        self._queue = [(-count, pair) for pair, count in pairs.items()]
        heapify(self._queue)

    def most_frequent(self) -> tuple[str, int]:
        """The pair that stands most often, the lowest ids among equals, and its count; 0 when there is none.

        A count in the queue may be too high by now, for a pair only loses after it came up: it is then put back.
        """
        while self._queue:
            minus, pair = heappop(self._queue)
            count = self._pairs.get(pair, 0)
            if count == -minus:
                return pair, count
            if count:
                heappush(self._queue, (-count, pair))
        return "", 0

    def merge(self, pair: str, token: str) -> None:
        """Replaces a pair by a new token wherever it stands."""
        words, counts, where, pairs = self._words, self._counts, self._where, self._pairs
        before: defaultdict[str, int] = defaultdict(int)
        """How often each token stands before the pair, and so before the new token."""
        after: defaultdict[str, int] = defaultdict(int)
        first, second = pair[0], pair[1]
        merged = twins = 0
        for i in where.pop(pair):
            head, found, tail = words[i].partition(pair)
            if not found:
                continue
            count = counts[i]
            if pair in tail:
                parts = words[i].split(pair)
                words[i] = token.join(parts)
                merged += count * (len(parts) - 1)
                for at, part in enumerate(parts):
                    if part and at:
                        after[part[0]] += count
                        where[token + part[0]].append(i)
                    if part and at < len(parts) - 1:
                        before[part[-1]] += count
                        where[part[-1] + token].append(i)
                    if not part and 0 < at < len(parts) - 1:
                        twins += count
                        where[token + token].append(i)
                continue
            words[i] = head + token + tail
            merged += count
            if head:
                before[head[-1]] += count
                where[head[-1] + token].append(i)
            if tail:
                after[tail[0]] += count
                where[token + tail[0]].append(i)
        self.tokens -= merged
        new = {token + token: (twins, second + first)} if twins else {}
        new.update({other + token: (count, other + first) for other, count in before.items()})
        new.update({token + other: (count, second + other) for other, count in after.items()})
        for fresh, (count, old) in new.items():
            pairs[fresh] = count
            pairs[old] -= count
            heappush(self._queue, (-count, fresh))
        del pairs[pair]


def _checked(special_tokens: Sequence[str]) -> tuple[str, ...]:
    """The special tokens, if each is a text and none stands twice."""
    tokens = (special_tokens,) if isinstance(special_tokens, str) else tuple(special_tokens)
    if not all(isinstance(token, str) and token for token in tokens) or len(set(tokens)) < len(tokens):
        raise TokenizerError(
            f"expected special tokens that are texts, each once and none empty, got {list(tokens)!r}",
            'such as special_tokens=("<|endoftext|>",)',
        )
    return tokens
