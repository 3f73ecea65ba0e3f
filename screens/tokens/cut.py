"""The tokens of a text, also of a very long one: ids and pieces at once, each token's place when it is asked for.

A million ``Token`` objects would be made in one breath, in which nothing else of the app could run; here a long text is
kept as arrays, made a stretch at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from core.tokenizers.base import Gapped, Token

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.tokenizers import Tokenizer
    from core.tokenizers.inspect import TokenReport

LONG = 200_000
"""Characters above which a text is kept as arrays."""
MOST_GAPPED = 200_000
"""Tokens that are shown of a long text where they have to be made one by one (words, characters)."""
_STRETCH = 20_000


@dataclass(frozen=True)
class Cut:
    """A text in tokens."""

    report: TokenReport
    """The counts of the whole text."""
    tokens: Sequence[Token]
    ids: NDArray[np.int64]
    pieces: list[bytes]
    id_list: list[int]
    """The ids as a list, for a strip."""

    @property
    def covers(self) -> bool:
        """Whether the tokens hold every byte of the text; words leave white space out."""
        first = self.tokens[:1000]
        return not first or sum(len(token.bytes) for token in first) == first[-1].byte_end

    def places_of(self, token_id: int) -> list[int]:
        """Where tokens of an id stand."""
        import numpy as np

        return np.flatnonzero(self.ids == token_id).tolist()


class LongTokens(Sequence[Token]):
    """The tokens of a long text, each made when it is asked for."""

    def __init__(self, text: str, ids: NDArray[np.int64], pieces: Sequence[bytes]) -> None:
        import numpy as np

        lengths = np.concatenate(
            [np.fromiter(map(len, part), np.int64, len(part)) for part in _stretches(pieces)] or [np.zeros(0, np.int64)]
        )
        self._ends = np.cumsum(lengths)
        self._ids, self._pieces = ids, pieces
        self._begun: NDArray[np.int64] | None = None
        if not text.isascii():
            data = np.frombuffer(text.encode(), np.uint8)
            begins = (data & 0xC0) != 0x80
            self._begun = np.concatenate([np.zeros(1, np.int64), np.cumsum(begins)])
            self._data = data

    def __len__(self) -> int:
        return len(self._pieces)

    @overload
    def __getitem__(self, index: int) -> Token: ...
    @overload
    def __getitem__(self, index: slice) -> list[Token]: ...
    def __getitem__(self, index: int | slice) -> Token | list[Token]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        end = int(self._ends[index])
        start = end - len(self._pieces[index])
        char_start, char_end = start, end
        if self._begun is not None:
            inside = start < end and (int(self._data[start]) & 0xC0) == 0x80
            char_start, char_end = int(self._begun[start]) - inside, int(self._begun[end])
        return Token(int(self._ids[index]), self._pieces[index], char_start, char_end, start, end)


def cut(text: str, tokenizer: Tokenizer) -> Cut:
    """The tokens of a text.

    Raises:
        TokenizerError: half a surrogate pair.
    """
    import numpy as np

    from core.tokenizers.inspect import inspect

    if len(text) <= LONG or isinstance(tokenizer, Gapped):
        report = inspect(text, tokenizer, None if len(text) <= LONG else MOST_GAPPED)
        few = report.ids
        return Cut(report, report.tokens, np.array(few, dtype=np.int64), report.pieces, few)
    report = inspect(text, tokenizer, limit=0)
    ids: NDArray[np.int64] = tokenizer.encode_array(text).astype(np.int64)
    table = {i: tokenizer.token_bytes(i) for i in np.unique(ids).tolist()}
    pieces: list[bytes] = []
    listed: list[int] = []
    for start in range(0, len(ids), _STRETCH):
        part = ids[start : start + _STRETCH].tolist()
        listed += part
        pieces += map(table.__getitem__, part)
    return Cut(report, LongTokens(text, ids, pieces), ids, pieces, listed)


def _stretches(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[start : start + _STRETCH] for start in range(0, len(items), _STRETCH)]
