"""From a piece of text to tokens: of all neighbours that make a token, those with the lowest rank merge first.

``merge`` is the whole of it; ``merge_long`` and what is remembered are speed; ``steps`` and ``tree`` show how tokens
came to be. Leaves out: learning the ranks, and cutting text into pieces.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from core.errors import TokenizerError

NONE = 1 << 62
"""The rank of two neighbours that make no token."""

LONG = 256
"""Above so many bytes a piece is merged in stretches."""
CHUNK = 64
_CACHED_WORDS = 1 << 18
_CACHED_SPANS = 1 << 16
_CACHED_LENGTH = 64


@dataclass(frozen=True, slots=True)
class EncodeStep:
    """A word on its way to tokens, after one merge."""

    pieces: tuple[bytes, ...]
    """The word now."""
    merged: bytes | None
    """The token that this step made; None for the first, where every byte stands alone."""
    token_id: int | None
    rank: int | None
    """Which of the vocabulary's merges it was, counted from 1; lower ones go first."""


@dataclass(frozen=True, slots=True)
class MergeNode:
    """A token and the two that it was made of; a single byte has none."""

    id: int
    bytes: bytes
    left: MergeNode | None = None
    right: MergeNode | None = None


class Merges:
    """The merges of a vocabulary, ready to be applied."""

    def __init__(self, ranks: dict[bytes, int]) -> None:
        """Takes the rank, which is also the id, of each token's bytes; all 256 single bytes must be there."""
        self.ranks = ranks
        self.bytes_of = {rank: token for token, rank in ranks.items()}
        self._spans = _Spans(self)
        self.of_word = _Words(self)

    def encode(self, piece: bytes) -> list[int]:
        """The tokens of one piece, as tiktoken finds them: a piece that is a token as a whole is that token."""
        whole = self.ranks.get(piece)
        if whole is not None:
            return [whole]
        return self.merge(piece) if len(piece) <= LONG else self.merge_long(piece)

    def merge(self, piece: bytes, below: int = NONE) -> list[int]:
        """Merges until no two neighbours make a token (of a rank lower than ``below``).

        Takes time with the square of the length, which for words is the fastest.
        """
        rank_of, ends = self.ranks.get, list(range(len(piece) + 1))  # a token begins at each, and ends at the next
        ranks = [rank_of(piece[i : i + 2], NONE) for i in range(len(piece) - 1)]
        while ranks:
            lowest = min(ranks)
            if lowest >= below:
                break
            i = ranks.index(lowest)  # the leftmost of equals
            del ends[i + 1], ranks[i]
            if i:
                ranks[i - 1] = rank_of(piece[ends[i - 1] : ends[i + 1]], NONE)
            if i < len(ranks):
                ranks[i] = rank_of(piece[ends[i] : ends[i + 2]], NONE)
        return [self.ranks[piece[start:end]] for start, end in pairwise(ends)]

    def merge_long(self, piece: bytes) -> list[int]:
        """The same for a piece of any length (a line of 50 MB without a space) in time proportional to it.

        Short stretches are merged by themselves and then joined. That a joint is right can be seen locally: tokens are
        the encoding of a text exactly when each two neighbours are the encoding of their own bytes. (If the whole text
        crossed a boundary between two of them, look at the first such merge: until then nothing went in or out of those
        two, so their bytes alone would have come to the same merge.) Where a joint is wrong, a few tokens on each side
        are merged anew, and more until both outer joints are right.
        """
        ids: list[int] = []
        for start in range(0, len(piece), CHUNK):
            low = high = len(ids)  # what lies between the two is not certain yet
            ids += self._spans[piece[start : start + CHUNK]]
            reach = 1
            while not (self._joins(ids, low) and self._joins(ids, high)):
                low, high = max(0, low - reach), min(len(ids), high + reach)
                anew = self._spans[b"".join(map(self.bytes_of.__getitem__, ids[low:high]))]
                ids[low:high] = anew
                high = low + len(anew)
                reach *= 2
        return ids

    def _joins(self, ids: list[int], at: int) -> bool:
        """Whether the tokens on both sides of a boundary stay what they are beside each other."""
        if not 0 < at < len(ids):
            return True
        pair = ids[at - 1 : at + 1]
        return self._spans[self.bytes_of[pair[0]] + self.bytes_of[pair[1]]] == pair

    def trace(self, word: bytes) -> Iterator[tuple[int, int]]:
        """The same merges one by one: which of the pieces merges with its right neighbour, and the id of the two."""
        pieces = [word[i : i + 1] for i in range(len(word))]
        ranks = [self.ranks.get(left + right, NONE) for left, right in pairwise(pieces)]
        while ranks and (lowest := min(ranks)) != NONE:
            i = ranks.index(lowest)
            pieces[i : i + 2] = [self.bytes_of[lowest]]
            around = slice(max(0, i - 1), i + 2)
            ranks[around] = [self.ranks.get(left + right, NONE) for left, right in pairwise(pieces[around])]
            yield i, lowest

    def steps(self, word: bytes) -> Iterator[EncodeStep]:
        """How a word becomes tokens: its single bytes first, then one merge after the other."""
        pieces = [bytes([byte]) for byte in word]
        yield EncodeStep(tuple(pieces), None, None, None)
        for i, made in self.trace(word):
            pieces[i : i + 2] = [self.bytes_of[made]]
            yield EncodeStep(tuple(pieces), pieces[i], made, self.number_of(made))
        whole = self.ranks.get(word)
        if whole is not None and len(pieces) > 1:  # a token that no merges lead to
            yield EncodeStep((word,), word, whole, self.number_of(whole))

    def tree(self, token_id: int) -> MergeNode:
        """How a token was built, down to its bytes; a single node where no merges lead to it."""
        token = self.bytes_of[token_id]
        nodes = [MergeNode(self.ranks[bytes([byte])], bytes([byte])) for byte in token]
        for i, made in self.trace(token):
            nodes[i : i + 2] = [MergeNode(made, self.bytes_of[made], *nodes[i : i + 2])]
        return nodes[0] if len(nodes) == 1 else MergeNode(token_id, token)

    @cached_property
    def made(self) -> list[int]:
        """The ids of the tokens that are no single bytes, in order."""
        return sorted(rank for token, rank in self.ranks.items() if len(token) > 1)

    def number_of(self, token_id: int) -> int | None:
        """Which merge made this token, counted from 1; None for bytes and what is no token."""
        at = bisect_right(self.made, token_id)
        return at if at and self.made[at - 1] == token_id else None

    def pairs(self) -> list[tuple[bytes, bytes]]:
        """The merges in their order, each as its two parts.

        Raises:
            TokenizerError: a token comes of no merge of two.
        """
        pairs = []
        for token_id in self.made:
            parts = self.merge(self.bytes_of[token_id], below=token_id)
            if len(parts) != 2:
                raise TokenizerError(
                    f"expected tokens made of two earlier ones, got {self.bytes_of[token_id]!r} (id {token_id:,}), "
                    "which is not",
                    "write_tiktoken(path) can hold it",
                )
            pairs.append((self.bytes_of[parts[0]], self.bytes_of[parts[1]]))
        return pairs


class _Spans(dict[bytes, list[int]]):
    """The merged stretches of long pieces, which often repeat themselves."""

    def __init__(self, merges: Merges) -> None:
        self._merges = merges

    def __missing__(self, span: bytes) -> list[int]:
        ids = self._merges.merge(span)
        if len(span) <= 2 * CHUNK:
            if len(self) >= _CACHED_SPANS:
                self.clear()
            self[span] = ids
        return ids


class _Words(dict[str, Sequence[int]]):
    """The ids of a word, found once and then remembered: most words of a text have been there before."""

    def __init__(self, merges: Merges) -> None:
        self._merges = merges

    def __missing__(self, word: str) -> Sequence[int]:
        piece = word.encode()
        whole = self._merges.ranks.get(piece)
        ids: Sequence[int] = (whole,) if whole is not None else self._merges.encode(piece)
        if len(word) <= _CACHED_LENGTH:
            if len(self) >= _CACHED_WORDS:
                self.clear()
            self[word] = ids
        return ids
