"""Reading a file of vectors: small ones into memory, large ones once into the mapped copy (``mapped.py``).

Of several processes that want the same large file one reads it and the others wait. Before anything is read it is asked
whether there is room for what the file says it holds.
"""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import DiskFullError, LabError, MemoryShortError
from core.files import write_error
from core.lock import FileLock
from core.vectors.formats import Layout, recognise
from core.vectors.mapped import CopyWriter, copy_path, lock_path, open_copy
from core.vectors.progress import LoadProgress, check_cancelled
from core.vectors.reading import Block, read_blocks
from core.vectors.store import Vectors
from core.vectors.sweep import Floats
from core.vectors.words import WordTable

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = 16 << 20
"""Bytes of a file from which on a mapped copy is kept."""
_PER_WORD = 200
"""Bytes of memory that a word takes while a file is read: itself, its place in a list and a set, its index."""
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_PATIENCE = 0.1  # seconds between two looks at a lock


def import_file(path: Path, spec: str, label: str, cancel: threading.Event | None = None) -> Iterator[LoadProgress]:
    """Reads a file, or opens the copy of it; the last step carries the vectors.

    Raises (when it is iterated):
        InputError: the file cannot be used.
        MemoryShortError: what it holds does not fit into memory.
        DiskFullError: the copy does not fit on the disk.
        LabError: the file was changed while it was read.
        CancelledError: it was given up; nothing stays of it.
    """
    layout = None
    try:
        size = path.stat().st_size
        copy = copy_path(path) if size >= LARGE else None
    except OSError:
        size, copy = 0, None  # recognising it says what is wrong
    if copy is not None and (found := _opened(copy, spec, label)) is not None:
        yield _done(found, size)
        return
    layout = recognise(path)
    if copy is None:
        yield from _into_memory(path, layout, spec, label, size, cancel, ())
        return
    lock = FileLock(lock_path(copy))
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        yield from _locked(lock, size, cancel)
    except OSError as error:
        note = f"no copy could be kept in the cache ({error.strerror or error}): it is read anew each time"
        yield from _into_memory(path, layout, spec, label, size, cancel, (note,))
        return
    try:
        if (found := _opened(copy, spec, label)) is None:  # nobody made it while we waited
            yield from _into_copy(path, layout, copy, size, cancel)
            found = _opened(copy, spec, label)
    finally:
        lock.release()
    if found is None:
        raise LabError(f"{copy} was written and cannot be read back", "look at the disk of the cache folder")
    yield _done(found, size)


def free_memory() -> int:
    """Bytes of memory that can be had."""
    import psutil

    return int(psutil.virtual_memory().available)


def _opened(copy: Path, spec: str, label: str) -> Vectors | None:
    found = open_copy(copy)
    if found is None:
        return None
    words, matrix, norms, notes = found
    return Vectors(words, matrix, spec=spec, label=label, norms=norms, notes=notes)


def _done(vectors: Vectors, size: int) -> LoadProgress:
    return LoadProgress("done", size, size, len(vectors), vectors)


def _locked(lock: FileLock, size: int, cancel: threading.Event | None) -> Iterator[LoadProgress]:
    while not lock.acquire(patience=0):
        check_cancelled(cancel)
        yield LoadProgress("waiting", 0, size)
        time.sleep(_PATIENCE)


def _into_memory(
    path: Path,
    layout: Layout,
    spec: str,
    label: str,
    size: int,
    cancel: threading.Event | None,
    notes: tuple[str, ...],
) -> Iterator[LoadProgress]:
    count = layout.count or (0 if layout.gzipped else size // (2 * layout.width + 2))
    if layout.count is not None:
        _check_memory(path, count * (4 * layout.width + _PER_WORD))
    kept: list[Floats] = []
    reader = _Reader(path, layout, size, cancel)
    try:
        yield from reader.read(kept.append)
        matrix, norms = np.concatenate(kept) if len(kept) > 1 else kept[0], reader.norms()
        found = Vectors(reader.table(), matrix, spec=spec, label=label, norms=norms, notes=reader.notes() + notes)
    except MemoryError:
        raise MemoryShortError(
            f"{path} does not fit into memory", "close other programs, or take a file with fewer words"
        ) from None
    yield _done(found, size)


def _into_copy(
    path: Path, layout: Layout, copy: Path, size: int, cancel: threading.Event | None
) -> Iterator[LoadProgress]:
    if layout.count is not None:
        _check_memory(path, layout.count * _PER_WORD)
        needed, free = layout.count * (4 * layout.width + 32), shutil.disk_usage(copy.parent).free
        if needed > free:
            raise DiskFullError(
                f"the mapped copy of {path} needs {_size(needed)} in {copy.parent}, {_size(free)} are free",
                "free some space there, or set LLM_LAB_CACHE to a folder on another disk",
            )
    reader = _Reader(path, layout, size, cancel)
    try:
        with CopyWriter(copy, layout.width) as writer:
            yield from reader.read(writer.rows)
            if copy_path(path) != copy:  # the copy would be that of a file that never was
                raise LabError(f"{path} was changed while it was read", "load it again when nobody writes to it")
            yield LoadProgress("sorting", size, size, reader.count)
            table = reader.table()
            check_cancelled(cancel)
            yield LoadProgress("writing", size, size, reader.count)
            writer.finish(table, reader.norms(), reader.notes())
    except MemoryError:
        raise MemoryShortError(f"the words of {path} do not fit into memory", "close other programs") from None
    except OSError as error:
        raise write_error(copy, error) from error


class _Reader:
    """Takes the rows of a file, each word once, and hands them on."""

    def __init__(self, path: Path, layout: Layout, size: int, cancel: threading.Event | None) -> None:
        self.path, self.layout, self.size, self.cancel = path, layout, size, cancel
        self._seen: set[bytes] = set()
        self._words: list[bytes] = []
        self._norms: list[Floats] = []
        self._twice: list[bytes] = []
        self.twice = self.nameless = self.no_utf8 = self.controls = 0

    @property
    def count(self) -> int:
        return len(self._words)

    def read(self, take: Callable[[Floats], None]) -> Iterator[LoadProgress]:
        yield LoadProgress("reading", 0, self.size)
        for block in read_blocks(self.path, self.layout):
            check_cancelled(self.cancel)
            rows, norms = self._fresh(block)
            take(rows)
            self._norms.append(norms)
            yield LoadProgress("reading", block.done, self.size, self.count)
        if not self.count:
            from core.errors import InputError

            raise InputError(f"{self.path} holds no words", "copy or fetch it again")

    def _fresh(self, block: Block) -> tuple[Floats, Floats]:
        """The rows of words that were not there before."""
        words = self._shown(block.words)
        kept = []
        for at, word in enumerate(words):
            if word in self._seen:
                self.twice += 1
                self._twice += [word] if len(self._twice) < 3 else []
            elif not word:
                self.nameless += 1
            else:
                self._seen.add(word)
                kept.append(at)
        if len(kept) == len(words):
            self._words += words
            return block.rows, block.norms
        self._words += [words[at] for at in kept]
        return block.rows[kept], block.norms[kept]

    def _shown(self, words: list[bytes]) -> list[bytes]:
        """The words as they can be shown: in UTF-8, and without what would give orders to a terminal."""
        try:
            if not _CONTROL.search(b"\n".join(words).decode()):
                return words
        except UnicodeDecodeError:
            pass
        out = []
        for word in words:
            text = word.decode("utf-8", "backslashreplace")
            plain = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
            self.no_utf8 += text.encode() != word
            self.controls += plain != text
            out.append(plain.encode())
        return out

    def table(self) -> WordTable:
        self._seen.clear()
        return WordTable.packed(self._words)

    def norms(self) -> Floats:
        return np.concatenate(self._norms)

    def notes(self) -> tuple[str, ...]:
        out = []
        if self.twice:
            some = ", ".join(word.decode()[:40] for word in self._twice)
            out.append(f"{_counted(self.twice, 'row')} came a second time ({some}): the first of each counts")
        if self.nameless:
            out.append(f"{_counted(self.nameless, 'row')} had no word and {_be(self.nameless, 'was')} left out")
        if self.no_utf8:
            out.append(f"{_counted(self.no_utf8, 'word')} {_be(self.no_utf8)} no UTF-8: odd bytes are written \\xNN")
        if self.controls:
            out.append(f"{_counted(self.controls, 'word')} with control characters, which are written \\xNN")
        zeros = sum(int(np.count_nonzero(norms == 0)) for norms in self._norms)
        if zeros:
            out.append(f"{_counted(zeros, 'word')} {_be(zeros)} of zeros alone: no direction, no neighbours")
        return tuple(out)


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'s' if count != 1 else ''}"


def _be(count: int, one: str = "is") -> str:
    return one if count == 1 else {"is": "are", "was": "were"}[one]


def _check_memory(path: Path, needed: int) -> None:
    if needed > (free := free_memory()):
        raise MemoryShortError(
            f"{path} needs {_size(needed)} of memory, {_size(free)} are free",
            "close other programs, or take a file with fewer words",
        )


def _size(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB" if count >= 2**28 else f"{count / 2**20:,.1f} MiB"
