"""Word vectors as a file that others read too: word2vec's binary or its text.

Both say in their first line how many words of how many numbers follow; the text holds each number in the fewest digits
that give the same float32 back. A word ends at the first space in the binary, so it cannot have one there.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np

from core.errors import InputError
from core.files import replace, sync_folder, write_error
from core.vectors.search import Floats

_ROWS = 4096  # at a time


def write_word2vec(path: Path, words: Iterable[str], matrix: Floats, *, binary: bool = True) -> None:
    """Writes a file of vectors, beside its name first and then renamed into place.

    Args:
        path: where; what was there is replaced.
        words: N.
        matrix: (N, D) float32.
        binary: word2vec's binary, else its text.

    Raises:
        InputError: a word that this format cannot hold.
        DiskFullError: no space is left; what was there stays.
        LabError: the operating system refused for another reason.
    """
    beside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.name[:100]}-", suffix=".tmp", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(f"{len(matrix)} {matrix.shape[1]}\n".encode())
            for part in _parts(words, np.asarray(matrix, np.float32), binary):
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        replace(Path(beside), path)
        sync_folder(path.parent)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        if beside is not None:
            with suppress(OSError):
                Path(beside).unlink(missing_ok=True)


def _parts(words: Iterable[str], matrix: Floats, binary: bool) -> Iterator[bytes]:
    each = iter(words)
    for begin in range(0, len(matrix), _ROWS):
        rows = np.ascontiguousarray(matrix[begin : begin + _ROWS])
        names = [_checked(word, binary) for word in islice(each, len(rows))]
        assert len(names) == len(rows), "a word for each row"
        if binary:
            data = rows.astype("<f4", copy=False).view(np.uint8)
            yield b"".join(name + b" " + row.tobytes() + b"\n" for name, row in zip(names, data, strict=True))
        else:
            # str() of a float32 is the shortest text that reads back as the same number
            yield b"".join(
                name + b" " + " ".join(map(str, row)).encode() + b"\n" for name, row in zip(names, rows, strict=True)
            )


def _checked(word: str, binary: bool) -> bytes:
    """The word's bytes.

    Raises:
        InputError: it would be read back as another.
    """
    bad = next((c for c in word if c < " " or (binary and c == " ")), None)
    if bad is not None or not word or word != word.strip(" ") or "  " in word:
        what = "it is empty" if not word else f"it has {'spaces' if bad in (' ', None) else f'U+{ord(bad):04X}'}"
        raise InputError(
            f"word2vec's {'binary' if binary else 'text'} cannot hold the word {word!r}: {what}",
            "write text instead (binary=False), which takes a space between" if binary else "leave that word out",
        )
    return word.encode("utf-8", "backslashreplace")
