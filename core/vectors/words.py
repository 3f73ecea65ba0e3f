"""Words by row and rows by word, over one block of UTF-8 that may lie in a mapped file.

Nothing is unpacked when a table is opened: three million words are there at once, and several processes share them. A
word is found by bisecting the rows in the order of their bytes, in some 20 µs among three million; the same order
answers what begins with a prefix. Leaves out: spelling (``spelling.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError

_SEPARATOR = b"\n"
_STRETCH = 65_536  # words that are decoded at once where all are wanted


class UnknownWordError(InputError):
    """A word that has no vector; ``suggestions`` are words that have one and are spelled much like it.

    ``at`` is its place in the expression in which it was typed, in characters from 0, where there is one.
    """

    def __init__(self, title: str, hint: str, word: str, suggestions: Sequence[str] = ()) -> None:
        super().__init__(title, hint)
        self.word = word
        self.suggestions = tuple(suggestions)
        self.at: int | None = None


class WordTable(Sequence[str]):
    """A vocabulary: each word once, in the order of its rows.

    Args:
        blob: (B,) uint8, the words in UTF-8, a newline behind each.
        starts: (N + 1,) int64, where each begins in it, and where the last ends.
        order: (N,) int32, the rows in the order of their words' bytes.
    """

    def __init__(self, blob: NDArray[np.uint8], starts: NDArray[np.int64], order: NDArray[np.int32]) -> None:
        self.blob, self.starts, self.order = blob, starts, order

    @classmethod
    def of(cls, words: Iterable[str]) -> WordTable:
        """The table of some words, each of which must come once; what UTF-8 cannot hold is escaped, a newline too."""
        return cls.packed([word.replace("\n", "\\n").encode("utf-8", "backslashreplace") for word in words])

    @classmethod
    def packed(cls, words: Sequence[bytes]) -> WordTable:
        """The table of words that are in UTF-8 already."""
        blob = np.frombuffer(_SEPARATOR.join(words) + _SEPARATOR if words else b"", np.uint8)
        starts = np.zeros(len(words) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, words), np.int64, len(words)) + 1, out=starts[1:])
        assert starts[-1] == len(blob)
        order = np.fromiter(sorted(range(len(words)), key=words.__getitem__), np.int32, len(words))
        return cls(blob, starts, order)

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            begin, end, step = at.indices(len(self))
            return self._stretch(begin, end) if step == 1 else [self[row] for row in range(begin, end, step)]
        row = at + len(self) if at < 0 else at
        if not 0 <= row < len(self):
            raise IndexError(at)
        return self._bytes(row).decode()

    def __iter__(self) -> Iterator[str]:
        for begin in range(0, len(self), _STRETCH):
            yield from self._stretch(begin, min(begin + _STRETCH, len(self)))

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.row(word) is not None

    def index(self, word: Any, start: int = 0, stop: int | None = None) -> int:
        """The row of a word, as of any sequence.

        Raises:
            ValueError: it is not there.
        """
        row = self.row(word)
        if row is None or not start <= row < (len(self) if stop is None else stop):
            raise ValueError(f"{word!r} is not among these words")
        return row

    def row(self, word: str) -> int | None:
        """The row of a word; None if it is not there."""
        wanted = word.encode("utf-8", "backslashreplace")
        at = self._bisect(wanted)
        if at < len(self) and self._bytes(int(self.order[at])) == wanted:
            return int(self.order[at])
        return None

    def beginning(self, prefix: str) -> NDArray[np.int32]:
        """The rows of the words that begin so, in the order of their bytes."""
        wanted = prefix.encode("utf-8", "backslashreplace")
        if not wanted:
            return self.order
        behind = self._bisect(wanted + b"\xff")  # no UTF-8 holds this byte
        return self.order[self._bisect(wanted) : behind]

    def _bisect(self, wanted: bytes) -> int:
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._bytes(int(self.order[middle])) < wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def _bytes(self, row: int) -> bytes:
        return self.blob[self.starts[row] : self.starts[row + 1] - 1].tobytes()

    def _stretch(self, begin: int, end: int) -> list[str]:
        if end <= begin:
            return []
        return self.blob[self.starts[begin] : self.starts[end] - 1].tobytes().decode().split("\n")
