"""What kind of vectors a file holds, told by its content, never by its name.

Read here: word2vec's binary and text, GloVe's text, fastText's ``.vec``, each of them gzipped too. What else such a
file may be (a pickle of gensim's, fastText's ``.bin``, an archive, a picture) is named and refused with what to do.
"""

from __future__ import annotations

import gzip
import json
import re
import shlex
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self, cast

from core.errors import InputError

LONGEST_WORD = 4096
"""Bytes of a word; a longer one is no word."""
WIDEST = 100_000
"""Numbers of a vector."""
_HEADER = re.compile(rb"\s*(\d{1,18})[ \t]+(\d{1,18})[ \t]*(?:\r?\n|\Z)")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LOOK = 1 << 20  # bytes at the beginning that decide; several lines of any width that is in use
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"  # Windows' editors put it before UTF-8
_FETCH_AGAIN = "copy or fetch it again"
_GENSIM = (
    "from gensim.utils import SaveLoad as S; m = S.load({path}); "
    'getattr(m, "wv", m).save_word2vec_format({path} + ".w2v", binary=True)'
)
_FASTTEXT = (
    "from gensim.models.fasttext import load_facebook_vectors as f; "
    'f({path}).save_word2vec_format({path} + ".w2v", binary=True)'
)
_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xba\x16\x4f\x2f", "a fastText model (.bin), whose words are made of pieces", "convert it: {fasttext}"),
    (b"PK\x03\x04", "a zip archive", "unpack it first: unzip {quoted}"),
    (b"\x93NUMPY", "an array of numpy's without words, perhaps part of what gensim saved", "give the file beside it"),
    (b"\x89PNG", "a picture (PNG)", ""),
    (b"\xff\xd8\xff", "a picture (JPEG)", ""),
    (b"GIF8", "a picture (GIF)", ""),
    (b"%PDF", "a PDF", ""),
    (b"\x89HDF", "HDF5", ""),
    (b"\x7fELF", "a program", ""),
    (b"BZh", "a bzip2 archive", "unpack it first: bunzip2 {quoted}"),
    (b"\xfd7zXZ", "an xz archive", "unpack it first: unxz {quoted}"),
    (b"(\xb5/\xfd", "a zstandard archive", "unpack it first: unzstd {quoted}"),
)
_EXPECTED = "word2vec (binary or text), GloVe or fastText's .vec was expected"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is to be read."""

    kind: Literal["binary", "text"]
    width: int
    count: int | None
    """Words, as its first line says; None without such a line."""
    start: int
    """The byte at which the first word begins."""
    gzipped: bool


class Stream:
    """A file, unpacked if it is gzipped, that says how many of its bytes on the disk have been read.

    Raises:
        InputError: it is missing, a folder, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if path.is_dir():
                raise InputError(f"{path} is a folder, a file of vectors was expected", "name a file in it")
            if path.exists() and not path.is_file():
                raise InputError(f"{path} is a device or a pipe, a file was expected", "save it as a file first")
            self.total = path.stat().st_size
            self._raw = path.open("rb")
        except FileNotFoundError:
            raise InputError(f"there is no file {path}", "look for a typing error in the path") from None
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}", "look at its permissions") from None
        self.gzipped = self._raw.read(2) == _GZIP
        self._raw.seek(0)
        self._file = cast(BinaryIO, gzip.GzipFile(fileobj=self._raw)) if self.gzipped else self._raw

    @property
    def done(self) -> int:
        """Bytes of the file that have been read."""
        return self._raw.tell()

    def read(self, size: int) -> bytes:
        """The next bytes; fewer at the end.

        Raises:
            InputError: the disk or the packing is damaged.
        """
        try:
            return self._file.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{self.path} is damaged or cut off: {error}", _FETCH_AGAIN) from None
        except OSError as error:
            raise InputError(f"{self.path} cannot be read: {error.strerror or error}", "look at the disk") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        self._raw.close()


def recognise(path: Path) -> Layout:
    """How a file is to be read.

    Raises:
        InputError: it is empty, a folder, cannot be read, or holds no vectors; the title says what it holds instead.
    """
    with Stream(path) as stream:
        if not stream.total:
            raise InputError(f"{path} is empty (0 bytes), vectors were expected", _FETCH_AGAIN)
        begin = stream.read(_LOOK)
        if not begin:
            raise InputError(f"{path} holds nothing once unpacked, vectors were expected", _FETCH_AGAIN)
        whole = len(begin) < _LOOK
    _refuse_others(path, begin)
    start = len(_BOM) if begin.startswith(_BOM) else 0
    header = _HEADER.match(begin, start)
    if header is not None:
        return _with_header(path, begin, header, stream)
    return Layout("text", _width_of(path, _first_lines(begin[start:], whole)), None, start, stream.gzipped)


def _refuse_others(path: Path, begin: bytes) -> None:
    for magic, what, hint in _OTHERS:
        if begin.startswith(magic):
            raise InputError(f"{path} is {what}; {_EXPECTED}", _filled(hint, path) or "give another file")
    if begin[:1] == b"\x80" and begin[1:2] in b"\x02\x03\x04\x05":
        raise InputError(
            f"{path} is a pickle, as gensim saves its own models: reading it could run code, so it is refused",
            _filled("if you trust it, convert it once: {gensim}", path),
        )
    if len(begin) > 9 and begin[8:9] == b"{" and int.from_bytes(begin[:8], "little") < 100_000_000:
        raise InputError(
            f"{path} is safetensors, as models are saved; {_EXPECTED}", "a model's embeddings are MODEL:wte"
        )


def _filled(hint: str, path: Path) -> str:
    """A hint with its command, whatever the path is called."""

    def python(code: str) -> str:
        return "python -c " + shlex.quote(code.format(path=json.dumps(str(path), ensure_ascii=False)))

    return hint.format(quoted=shlex.quote(str(path)), gensim=python(_GENSIM), fasttext=python(_FASTTEXT))


def _with_header(path: Path, begin: bytes, header: re.Match[bytes], stream: Stream) -> Layout:
    count, width = int(header[1]), int(header[2])
    said = f"the first line of {path} says {count:,} words of {width:,} numbers"
    if not count or not 0 < width <= WIDEST:
        raise InputError(f"{said}; at least one word, and 1 to {WIDEST:,} numbers, were expected", _FETCH_AGAIN)
    line = _first_lines(begin[header.end() :], whole=True)[:1]
    # Numbers in binary may look like words and digits with one of the rarer white spaces between.
    fields = line[0].split() if line and not _CONTROL.search(line[0]) else []
    spaced = len(fields) > width + 1 and all(map(_is_number, fields[-width:]))  # a word with spaces in it
    all_numbers = len(fields) >= 2 and all(map(_is_number, fields[1:]))
    is_text = spaced or all_numbers
    if all_numbers and len(fields) != width + 1:
        raise InputError(
            f"{said}, but the first word has {len(fields) - 1}", f"correct the first line, or {_FETCH_AGAIN}"
        )
    least = (2 * width + 2) if is_text else (4 * width + 2)
    if not stream.gzipped and header.end() + count * least > stream.total + 1:
        raise InputError(
            f"{said}, which take {count * least:,} bytes at least; the file has {stream.total:,}",
            f"it is cut off, or its first line is wrong: {_FETCH_AGAIN}",
        )
    return Layout("text" if is_text else "binary", width, count, header.end(), stream.gzipped)


def _first_lines(begin: bytes, whole: bool) -> list[bytes]:
    """The first lines that are whole."""
    lines = begin.split(b"\n")
    if not whole or len(lines) > 1:
        lines = lines[:-1]
    return [line for line in lines[:100] if line.strip()]


def _width_of(path: Path, lines: list[bytes]) -> int:
    """Numbers of each line of a file without a header: what most lines agree on, whatever spaces words have in them."""
    no_vectors = InputError(f"{path} holds no vectors that can be read; {_EXPECTED}", "one word and its numbers a line")
    widths = []
    for line in lines:
        fields = line.split()
        numbers = 0
        while numbers < len(fields) - 1 and _is_number(fields[-1 - numbers]):
            numbers += 1
        widths.append(numbers)
    width = max(set(widths), key=lambda w: (widths.count(w), -w), default=0)
    if not 0 < width <= WIDEST or widths.count(width) * 2 < len(widths):
        raise no_vectors
    return width


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return b"_" not in field
