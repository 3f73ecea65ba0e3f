"""The words and numbers of a file of vectors, some thousand rows at a time, each checked.

Binary (word2vec): a word, a space, its numbers as little-endian float32, perhaps a newline. Text (word2vec, GloVe,
fastText's .vec): a word, then its numbers, one row a line; a word may have spaces in it, since the numbers are counted
from the end. Nothing that is not a finite number goes through, and a first line that lies about its file is found out.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import InputError
from core.vectors.formats import LONGEST_WORD, Layout, Stream
from core.vectors.search import LONGEST, row_norms
from core.vectors.sweep import Floats

_PIECE = 1 << 22  # bytes that are read at once
_AGAIN = "copy or fetch the file again"


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a file."""

    words: list[bytes]
    """As they stand there, in UTF-8 or not."""
    rows: Floats
    """(n, D)."""
    norms: Floats
    """(n,), the lengths of the rows."""
    done: int
    """Bytes of the file read so far."""


def read_blocks(path: Path, layout: Layout) -> Iterator[Block]:
    """The rows of a file.

    Args:
        path: the file.
        layout: what ``formats.recognise`` said of it.

    Raises (when it is iterated):
        InputError: the file is cut off or damaged, its first line lies, or a value is not a finite number; the title
            names the word and its line or row.
    """
    with Stream(path) as stream:
        _skip(stream, layout.start)
        read = _Binary(stream, layout) if layout.kind == "binary" else _Text(stream, layout)
        for words, rows in read:
            norms = row_norms(rows)
            bad = np.flatnonzero(~(norms < LONGEST))  # what is not a number is not less either
            if len(bad):
                at = int(bad[0])
                raise _not_finite(path, words[at], read.place(at), rows[at])
            yield Block(words, rows, norms, stream.done)


def _skip(stream: Stream, size: int) -> None:
    while size:
        piece = stream.read(min(size, _PIECE))
        if not piece:
            return
        size -= len(piece)


def _shown(word: bytes) -> str:
    return repr(word[:80].decode("utf-8", "backslashreplace"))


def _not_finite(path: Path, word: bytes, place: str, row: Floats) -> InputError:
    wrong = np.flatnonzero(~np.isfinite(row))
    if len(wrong):
        said = f"its number {wrong[0] + 1} is {row[wrong[0]]}"
    else:
        said = f"its length is above {LONGEST:g}"
    return InputError(
        f"{path}, {place}: the vector of {_shown(word)} cannot be used, {said}; finite numbers were expected",
        "take that line out, or look at what wrote the file",
    )


class _Binary:
    """Rows of word2vec's binary."""

    def __init__(self, stream: Stream, layout: Layout) -> None:
        self.stream, self.layout = stream, layout
        assert layout.count is not None
        self.count = layout.count
        self._before = 0

    def place(self, at: int) -> str:
        return f"row {self._before + at + 1:,}"

    def __iter__(self) -> Iterator[tuple[list[bytes], Floats]]:
        size, kept, read = 4 * self.layout.width, b"", 0
        while read < self.count:
            piece = self.stream.read(max(_PIECE, size))
            kept += piece
            words: list[bytes] = []
            numbers: list[bytes] = []
            at = 0
            while read + len(words) < self.count:
                space = kept.find(b" ", at, at + LONGEST_WORD + 1)
                if space < 0 and len(kept) - at > LONGEST_WORD:
                    raise self._damaged(read + len(words), "no word ends there")
                if space < 0 or space + 1 + size > len(kept):
                    break
                word = kept[at:space].lstrip(b"\n")
                if not word or min(word) < 0x20:
                    raise self._damaged(read + len(words), f"{_shown(word)} is no word")
                words.append(word)
                numbers.append(kept[space + 1 : space + 1 + size])
                at = space + 1 + size
            kept = kept[at:]
            if words:
                rows = np.frombuffer(b"".join(numbers), "<f4").reshape(len(words), -1)
                self._before = read
                yield words, rows.astype(np.float32, copy=False)
                read += len(words)
            if not piece:
                break
        self._check_end(read, kept)

    def _damaged(self, row: int, said: str) -> InputError:
        return InputError(
            f"{self.stream.path}, row {row + 1:,}: {said}; the {self.layout.width:,} numbers a word of its first line "
            "are wrong, or it is damaged",
            _AGAIN,
        )

    def _check_end(self, read: int, kept: bytes) -> None:
        path = self.stream.path
        if read < self.count:
            within = f" and part of row {read + 1:,}" if kept.strip() else ""
            raise InputError(
                f"{path} is cut off: its first line says {self.count:,} words, it holds {read:,}{within}", _AGAIN
            )
        rest = kept + self.stream.read(64)
        if rest.strip(b"\r\n\x00 "):
            raise InputError(
                f"{path} goes on behind the {self.count:,} words that its first line says",
                f"its first line is wrong, or it is damaged: {_AGAIN}",
            )


class _Text:
    """Rows of a text."""

    def __init__(self, stream: Stream, layout: Layout) -> None:
        self.stream, self.layout = stream, layout
        self._lines: list[int] = []

    def place(self, at: int) -> str:
        return f"line {self._lines[at]:,}"

    def __iter__(self) -> Iterator[tuple[list[bytes], Floats]]:
        line, read, count = int(self.layout.count is not None), 0, self.layout.count
        for lines in self._pieces():
            numbered = [(line + n, text.rstrip(b" \t\r")) for n, text in enumerate(lines, 1)]
            line += len(lines)
            numbered = [(n, text) for n, text in numbered if text.strip()]
            if not numbered:
                continue
            self._lines = [n for n, _ in numbered]
            if count is not None and read + len(numbered) > count:
                raise InputError(
                    f"the first line of {self.stream.path} says {count:,} words, there are more",
                    "correct its first line, or take that away: a file without one is read as it is",
                )
            yield self._parsed([text for _, text in numbered])
            read += len(numbered)
        if count is not None and read < count:
            raise InputError(
                f"{self.stream.path} is cut off: its first line says {count:,} words, it holds {read:,}",
                f"{_AGAIN}, or correct its first line",
            )

    def _pieces(self) -> Iterator[list[bytes]]:
        """Whole lines, some megabytes at a time."""
        kept: list[bytes] = []
        while piece := self.stream.read(_PIECE):
            head, newline, tail = piece.rpartition(b"\n")
            if not newline:
                kept.append(piece)
                if sum(map(len, kept)) > 64 * (self.layout.width + LONGEST_WORD) + _PIECE:
                    raise InputError(f"{self.stream.path} has a line without an end", _AGAIN)
                continue
            lines = b"".join([*kept, head]).split(b"\n")
            kept = [tail]
            yield lines
        if last := b"".join(kept):
            yield [last]

    def _parsed(self, lines: list[bytes]) -> tuple[list[bytes], Floats]:
        lines = [line.replace(b"\t", b" ") if b"\t" in line else line for line in lines]
        cut = [line.partition(b" ") for line in lines]
        try:
            rows = _numbers([rest for _, _, rest in cut])
        except ValueError:
            return self._one_by_one(lines)
        if rows.shape != (len(lines), self.layout.width):
            return self._one_by_one(lines)
        return [word for word, _, _ in cut], rows

    def _one_by_one(self, lines: list[bytes]) -> tuple[list[bytes], Floats]:
        """Where a word has spaces in it, or a line is wrong."""
        width, words, rests = self.layout.width, [], []
        for at, line in enumerate(lines):
            word, *fields = line.rsplit(b" ", width) if b"  " not in line else _split_wide(line, width)
            if len(fields) != width:
                raise InputError(
                    f"{self.stream.path}, {self.place(at)}: a word and {width:,} numbers were expected, got "
                    f"{len(line.split()) - 1:,} after {_shown(line.split()[0])}",
                    f"if it is the last line, the file is cut off: {_AGAIN}",
                )
            rest = b" ".join(fields)
            try:
                if _numbers([rest]).shape != (1, width):
                    raise ValueError
            except ValueError:
                raise InputError(
                    f"{self.stream.path}, {self.place(at)}: {width:,} numbers were expected behind {_shown(word)}, "
                    "one of them is none",
                    "take that line out, or look at what wrote the file",
                ) from None
            words.append(word)
            rests.append(rest)
        return words, _numbers(rests)


def _split_wide(line: bytes, width: int) -> list[bytes]:
    """As ``rsplit(b" ", width)`` where numbers may stand several spaces apart."""
    return line.rsplit(None, width)


def _numbers(lines: list[bytes]) -> Floats:
    """(n, D) numbers of as many lines; ValueError where one is none, or the lines differ in length."""
    text = b"\n".join(lines)
    if not text.strip():
        raise ValueError("no numbers")
    found: Floats = np.loadtxt(io.BytesIO(text), np.float32, comments=None, ndmin=2, encoding="latin-1")
    return found
