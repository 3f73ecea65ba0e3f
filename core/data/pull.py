"""Fetching things by name into the cache folder: models, texts, vocabularies and word vectors, and removing them.

Each file comes whole or not at all (``download.py``); a pull that broke off, or was cancelled, goes on where it
stopped. Of two pulls of the same thing at once one fetches and the other waits. Leaves out: what there is
(``pull_catalogue.py``) and where it is looked for (``pull_mirrors.py``).
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data import digests
from core.data.digests import Digest, digest_of
from core.data.download import NotThereError, download, new_client
from core.data.partfile import UnwritableError, size_of, writing
from core.data.pull_catalogue import Entry, PullFile, entries, entry
from core.data.pull_mirrors import Offer, addresses, ask
from core.errors import DiskFullError, DownloadError, InputError, LabError
from core.folders import cache_dir
from core.lock import FileLock

if TYPE_CHECKING:
    import httpx

_WINDOW = 5.0  # seconds over which the rate is taken
_TICK = 0.1


@dataclass(frozen=True, slots=True)
class PullItem:
    """One thing that can be pulled, and how much of it is here."""

    name: str
    kind: str
    """model, corpus, tokenizer or vectors."""
    title: str
    files: tuple[str, ...]
    """The names of its files, from its first source."""
    size: int
    """Bytes; see ``exact``."""
    exact: bool
    """Whether ``size`` is known, or reckoned from the number of parameters, or (0) known to the server alone."""
    sources: tuple[str, ...]
    here: bool
    """Whether it can be used now."""
    bytes_here: int
    """What it takes on the disk, the half-fetched included."""
    partial_bytes: int
    """What is here of files that are not whole yet."""
    folder: Path
    licence: str
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "title": self.title,
            "here": self.here,
            "size": self.size or None,
            "exact": self.exact,
            "bytes_here": self.bytes_here,
            "partial_bytes": self.partial_bytes,
            "sources": list(self.sources),
            "files": list(self.files),
            "folder": str(self.folder),
            "licence": self.licence,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull is."""

    name: str
    file: str
    """The file that is being fetched, or empty."""
    file_index: int
    """Its place, from 1."""
    files: int
    received: int
    """Bytes of the whole item that are here."""
    total: int | None
    """Bytes of the whole item, where known."""
    rate: float
    """Bytes a second, lately."""
    seconds_left: float | None
    phase: str
    """waiting (for another pull of the same), asking, checking, fetching, converting, done."""
    note: str = ""
    """Something worth telling once: another mirror, what was not published."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def items() -> list[PullItem]:
    """Everything that can be pulled by name, and the models of Hugging Face's that are here, with what is here."""
    known = list(entries().values())
    for path in sorted(cache_dir().glob("models/hf/*/*")):
        with suppress(LabError):
            known.append(entry(f"hf:{path.parent.name}/{path.name}"))
    return [_item(each) for each in known]


def pull_item(name: str) -> PullItem:
    """One thing that can be pulled.

    Raises:
        ModelSpecError: nothing has that name.
    """
    return _item(entry(name))


def pull(name: str, *, source: str | None = None, cancelled: threading.Event | None = None) -> Iterator[PullProgress]:
    """Fetches a thing by name, saying how far it is; what is here already is checked and left alone.

    Args:
        name: as in ``items()``; or ``hf:OWNER/NAME``, ``openai:124M`` and so on.
        source: ``huggingface`` or ``openai``, where there is a choice.
        cancelled: set it to stop; what has arrived stays, and the next pull goes on from there.

    Raises:
        ModelSpecError: nothing has that name.
        InputError: it does not come from that source.
        DiskFullError: the disk has too little room for it.
        DownloadError: no mirror gave it; the hint says how to put the files there by hand.
    """
    wanted = entry(name)
    chosen = source or wanted.sources[0]
    if chosen not in wanted.sources:
        raise InputError(
            f"{name} does not come from {chosen}", f"it comes from: {', '.join(wanted.sources)}; leave --from out"
        )
    return _Pull(wanted, chosen, cancelled or threading.Event()).run()


def remove(name: str) -> int:
    """Removes what was pulled (and what is half-fetched) and returns how many bytes that frees.

    Raises:
        ModelSpecError: nothing has that name.
        LabError: it is being pulled now, or a file cannot be removed.
    """
    wanted = entry(name)
    lock = _lock(wanted)
    if not lock.path.parent.exists():
        return 0
    with writing(lock.path.parent):
        held = lock.acquire(patience=0)
    if not held:
        raise LabError(f"{name} is being pulled by another process", "wait for it, or stop it there first")
    try:
        return sum(_unlink(path) for path in _paths(wanted))
    finally:
        lock.release()


def _lock(wanted: Entry) -> FileLock:
    """The lock on one item: one name for both of its sources."""
    first = next(iter(wanted.files.values()))[0]
    owner = next((e for e in entries().values() if any(first in files for files in e.files.values())), wanted)
    return FileLock(cache_dir() / ".pulls" / f"{owner.name.replace(':', '-').replace('/', '--')}.lock")


def _paths(wanted: Entry) -> list[Path]:
    """Everything on the disk that a pull of this may have left."""
    found: dict[Path, None] = {}
    for file in (file for files in wanted.files.values() for file in files):
        dest = file.dest
        for name in (
            dest.name,
            f"{dest.name}.part",
            f"{dest.name}.part.json",
            f"{dest.name}.bad",
            f".{dest.name}.lock",
        ):
            found[dest.with_name(name)] = None
        if wanted.kind == "model":
            found[dest.with_name(digests.SEEN)] = None
            found.update(dict.fromkeys(dest.parent.glob("model*.safetensors*")))
    return [path for path in found if path.is_file() or path.is_symlink()]


def _unlink(path: Path) -> int:
    freed = size_of(path)
    with writing(path.parent):
        path.unlink(missing_ok=True)
    for folder in (path.parent, path.parent.parent):  # an empty folder goes too, the cache folder itself never
        with suppress(OSError):
            if folder.is_relative_to(cache_dir()) and folder != cache_dir():
                folder.rmdir()
    return freed


def _item(wanted: Entry) -> PullItem:
    files = next(iter(wanted.files.values()))
    sizes = [file.size for file in files]
    exact = None not in sizes
    size = sum(file.size or 0 for file in files) if exact or not wanted.about else wanted.about
    on_disk = _paths(wanted)
    partial = sum(size_of(path) for path in on_disk if path.name.endswith(".part"))
    return PullItem(
        wanted.name,
        wanted.kind,
        wanted.title,
        tuple(file.name for file in files),
        size,
        exact,
        wanted.sources,
        all(_looks_whole(file) or file.optional for file in files),
        sum(size_of(path) for path in on_disk),
        partial,
        files[0].dest.parent,
        wanted.licence,
        wanted.note,
    )


def _looks_whole(file: PullFile) -> bool:
    if file.name == "model.safetensors" and not file.dest.exists():  # one of several files stands for all
        return file.dest.with_name("model.safetensors.index.json").is_file()
    return file.dest.is_file() and file.size in (None, size_of(file.dest))


@dataclass(slots=True)
class _Pull:
    """One call of ``pull``."""

    wanted: Entry
    source: str
    cancelled: threading.Event
    note: str = ""
    _recent: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=400))

    def run(self) -> Iterator[PullProgress]:
        for index, file in enumerate(self.wanted.files[self.source], 1):
            for progress in download(
                addresses(file)[0], file.dest, digest=file.digest, size=file.size, cancelled=self.cancelled
            ):
                yield PullProgress(
                    self.wanted.name,
                    file.name,
                    index,
                    len(self.wanted.files[self.source]),
                    progress.received,
                    progress.total,
                    progress.rate,
                    None,
                    "fetching",
                )
            if self.cancelled.is_set():
                return
        yield PullProgress(self.wanted.name, "", 0, 0, 0, None, 0.0, None, "done")
