"""The copy of a large file of vectors that is kept in the cache, mapped and not read.

``CACHE/vectors/mapped/PATH-STATE.safetensors`` holds the matrix, the lengths of its rows and the words with their
index, ready to be used where they lie; several processes share its pages. PATH is a digest of where the original is,
STATE of its size and its time of change: a file that has changed has no copy, and the stale one goes when a new one is
written. It is written beside its name and renamed when it is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import numpy as np
from numpy.typing import NDArray

from core.errors import CheckpointError
from core.files import Beside
from core.folders import cache_dir
from core.lock import is_held
from core.vectors.sweep import Floats
from core.vectors.words import WordTable
from core.weights.tensor_file import TensorFile

FORMAT = 2
_ROOM = 4096  # bytes of the header, filled in at the end
_NAMES = ("vectors", "norms", "order", "padding", "starts", "words")


def copy_path(original: Path) -> Path:
    """Where the copy of a file is, or would be.

    Raises:
        OSError: there is no such file.
    """
    found = original.stat()
    place = hashlib.sha256(os.fsencode(original.resolve())).hexdigest()[:16]
    state = hashlib.sha256(f"{FORMAT} {found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:16]
    return cache_dir() / "vectors" / "mapped" / f"{place}-{state}.safetensors"


def open_copy(path: Path) -> tuple[WordTable, Floats, Floats, tuple[str, ...]] | None:
    """Words, matrix (N, D), lengths (N,) and notes of a copy; None if there is none that is whole."""
    try:
        file = TensorFile(path)
        words, matrix, norms, order, starts = (
            np.asarray(file.raw(name)) for name in ("words", "vectors", "norms", "order", "starts")
        )
        notes = tuple(map(str, json.loads(file.metadata["notes"])))
    except (CheckpointError, KeyError, ValueError, TypeError, RecursionError):
        return None  # not there, cut off, or of another kind: it is made again
    fits = matrix.ndim == 2 and len(norms) == len(order) == len(matrix) == len(starts) - 1
    if not fits or starts[-1] != len(words) or file.metadata.get("format") != str(FORMAT):
        return None
    table = WordTable(words, cast(NDArray[np.int64], starts), cast(NDArray[np.int32], order))
    return table, cast(Floats, matrix), cast(Floats, norms), notes


class CopyWriter:
    """Writes a copy, row after row; what is not finished leaves nothing.

    Args:
        path: its final name; whoever writes it holds the lock at ``lock_path``.
        width: D.

    Raises:
        OSError: it cannot be written there.
    """

    def __init__(self, path: Path, width: int) -> None:
        self.path, self.width, self.count = path, width, 0
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        self._new = Beside(path)
        self._file: BinaryIO = self._new.path.open("wb")
        self._file.write(b" " * _ROOM)

    def rows(self, rows: Floats) -> None:
        """Writes some rows, (n, D)."""
        self._file.write(np.ascontiguousarray(rows).data)
        self.count += len(rows)

    def finish(self, words: WordTable, norms: Floats, notes: tuple[str, ...]) -> None:
        """Writes the rest and gives the file its name; older copies of the same original go."""
        arrays: dict[str, NDArray[Any]] = {"norms": norms, "order": words.order}
        behind = 4 * self.count * (self.width + 2)
        arrays["padding"] = np.zeros(-behind % 8, np.uint8)  # so that 64-bit numbers lie on their own size
        arrays |= {"starts": words.starts, "words": words.blob}
        shapes: dict[str, tuple[tuple[int, ...], str]] = {"vectors": ((self.count, self.width), "F32")}
        types = {"norms": "F32", "order": "I32", "padding": "U8", "starts": "I64", "words": "U8"}
        for name, values in arrays.items():
            self._file.write(np.ascontiguousarray(values).data)
            shapes[name] = values.shape, types[name]
        self._file.seek(0)
        self._file.write(_header(shapes, {"format": str(FORMAT), "notes": json.dumps(list(notes))}))
        self._file.close()
        self._new.put()
        for other in self.path.parent.glob(f"{self.path.name[:17]}*.safetensors"):
            if other != self.path:
                with suppress(OSError):  # Windows: a process has it mapped
                    other.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self._file.close()
        self._new.__exit__()


def lock_path(copy: Path) -> Path:
    """The file that whoever writes a copy holds."""
    return copy.with_suffix(".lock")


def _sweep(copy: Path) -> None:
    """Removes what killed writers left of the same original; the lock of ``copy`` is ours."""
    for left in copy.parent.glob(f".{copy.name[:17]}*.tmp"):
        lock = copy.parent / f"{left.name[1:34]}.lock"
        if lock == lock_path(copy) or is_held(lock) is False:
            with suppress(OSError):
                left.unlink()


def _header(shapes: Mapping[str, tuple[tuple[int, ...], str]], metadata: Mapping[str, str]) -> bytes:
    sizes = {"F32": 4, "I32": 4, "I64": 8, "U8": 1}
    table: dict[str, object] = {"__metadata__": dict(metadata)}
    at = 0
    for name in _NAMES:
        shape, dtype = shapes[name]
        size = sizes[dtype]
        for each in shape:
            size *= each
        table[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(table, separators=(",", ":")).encode()
    assert len(text) <= _ROOM - 8, "notes are short"
    return struct.pack("<Q", _ROOM - 8) + text.ljust(_ROOM - 8)
