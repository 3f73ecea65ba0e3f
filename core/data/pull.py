"""Fetching things by name into the cache folder: models, texts, vocabularies and word vectors, and removing them.

Each file comes whole or not at all (``download.py``); a pull that broke off, or was cancelled, goes on where it
stopped. Of two pulls of the same thing at once one fetches and the other waits. Leaves out: what there is
(``pull_catalogue.py``) and where it is looked for (``pull_mirrors.py``).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data import pull_openai
from core.data.partfile import UnwritableError, size_of, writing
from core.data.pull_catalogue import Entry, entries, entry
from core.data.pull_converted import PREFIX, bytes_of, converted, files_of, is_whole, remove_converted
from core.data.pull_disk import clear, lock_of, looks_whole, paths_of
from core.data.pull_job import PullJob
from core.data.pull_progress import PullProgress
from core.errors import DownloadError, InputError, LabError
from core.folders import cache_dir
from core.lock import is_held

__all__ = ["PullItem", "PullProgress", "items", "pull", "pull_item", "remove"]


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


def items() -> list[PullItem]:
    """Everything that can be pulled by name, with what is here; then what is here of Hugging Face's and converted."""
    known = list(entries().values())
    for path in sorted(cache_dir().glob("models/hf/*/*")):
        with suppress(LabError):
            known.append(entry(f"hf:{path.parent.name}/{path.name}"))
    found = [_item(each) for each in known]
    found = [item for item in found if item.bytes_here or not item.name.startswith("hf:")]
    return found + [_converted(name, folder) for name, folder in converted().items()]


def _converted(name: str, folder: Path) -> PullItem:
    size = bytes_of(folder)
    return PullItem(
        name,
        "model",
        "made from OpenAI's checkpoint in a folder of yours",
        files=tuple(path.name for path in files_of(folder)),
        size=size,
        exact=True,
        sources=(),
        here=is_whole(folder),
        bytes_here=size,
        partial_bytes=0 if is_whole(folder) else size,
        folder=folder,
        licence="",
    )


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
    return _pull(wanted, chosen, source is None, cancelled or threading.Event())


def _pull(wanted: Entry, source: str, may_switch: bool, cancelled: threading.Event) -> Iterator[PullProgress]:
    """One source after the other, where another may be taken: one that can be read here, with nothing lost."""
    lock = lock_of(wanted)
    try:
        yield from PullJob(wanted, source, cancelled).run(lock)
    except UnwritableError:
        raise
    except DownloadError as error:
        begun = any(size_of(path) for path in paths_of(wanted) if path.name.startswith("model.safetensors"))
        if not may_switch or begun or "openai" not in wanted.sources or not pull_openai.tensorflow_is_here():
            raise
        try:
            yield from PullJob(wanted, "openai", cancelled, note=f"{error.title}; OpenAI's own files are tried").run(
                lock
            )
        except DownloadError as second:
            also = second.title.removeprefix(f"{wanted.name}: ")
            raise DownloadError(f"{error.title}; then {also}", error.hint) from second


def remove(name: str) -> int:
    """Removes what was pulled (and what is half-fetched) and returns how many bytes that frees.

    Raises:
        ModelSpecError: nothing has that name.
        LabError: it is being pulled now, or a file cannot be removed.
    """
    if name.startswith(PREFIX):
        return remove_converted(name)
    wanted = entry(name)
    lock = lock_of(wanted)
    if not paths_of(wanted):
        return 0
    with writing(lock.path.parent):
        lock.path.parent.mkdir(parents=True, exist_ok=True)  # files put there by hand have never been pulled
        held = lock.acquire(patience=0)
    busy = LabError(f"{name} is being fetched by another process", "wait for it, or stop it there first")
    if not held:
        raise busy
    try:
        if any(is_held(path) for path in paths_of(wanted) if path.name.endswith(".lock")):
            raise busy
        return clear(paths_of(wanted))
    finally:
        lock.release()


def _item(wanted: Entry) -> PullItem:
    files = next(iter(wanted.files.values()))
    sizes = [file.size for file in files]
    exact = None not in sizes
    known = sum(file.size or 0 for file in files)
    size = known if exact else max(known, wanted.about)
    on_disk = paths_of(wanted)
    partial = sum(size_of(path) for path in on_disk if path.name.endswith(".part"))
    return PullItem(
        wanted.name,
        wanted.kind,
        wanted.title,
        tuple(file.name for file in files),
        size,
        exact,
        wanted.sources,
        all(looks_whole(file) or file.optional for file in files),
        sum(size_of(path) for path in on_disk),
        partial,
        files[0].dest.parent,
        wanted.licence,
        wanted.note,
    )
