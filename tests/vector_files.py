"""Files of vectors, written byte by byte for tests: by nobody's code but this."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def binary(words: Sequence[bytes], matrix: Floats, *, newline: bool = True, header: str | None = None) -> bytes:
    """Word2vec's binary; ``header`` is the first line where it is to lie."""
    end = b"\n" if newline else b""
    first = header or f"{len(words)} {matrix.shape[1]}"
    rows = (word + b" " + row.astype("<f4").tobytes() + end for word, row in zip(words, matrix, strict=True))
    return first.encode() + b"\n" + b"".join(rows)


def text(words: Sequence[bytes], matrix: Floats, *, header: str | None = "", end: str = "\n") -> bytes:
    """Word2vec's text with its first line ("" for a true one), or GloVe's with ``header`` None."""
    rows = [word + b" " + " ".join(map(str, row)).encode() for word, row in zip(words, matrix, strict=True)]
    first = [] if header is None else [(header or f"{len(words)} {matrix.shape[1]}").encode()]
    return b"".join(row + end.encode() for row in [*first, *rows])


def write(path: Path, content: bytes, *, gzipped: bool = False) -> str:
    """Writes a file and gives its path as a spec."""
    path.write_bytes(gzip.compress(content) if gzipped else content)
    return str(path)


def numbers(count: int, width: int, seed: int = 0) -> Floats:
    """Some vectors."""
    return np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)


def names(count: int) -> list[bytes]:
    """As many words."""
    return [f"w{n}".encode() for n in range(count)]
