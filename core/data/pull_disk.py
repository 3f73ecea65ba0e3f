"""What a pull leaves on the disk: its files, the half-fetched ones, notes and locks; and how that is cleared away."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from core.data import digests
from core.data.partfile import size_of, writing
from core.data.pull_catalogue import Entry, PullFile, entries
from core.data.pull_hub import index_of, shards
from core.errors import ModelSpecError
from core.folders import cache_dir
from core.lock import FileLock


def lock_of(wanted: Entry) -> FileLock:
    """The lock on one item: one name for both of its sources."""
    first = next(iter(wanted.files.values()))[0]
    owner = next((e for e in entries().values() if any(first in files for files in e.files.values())), wanted)
    return FileLock(cache_dir() / ".pulls" / f"{owner.name.replace(':', '-').replace('/', '--')}.lock")


def paths_of(wanted: Entry) -> list[Path]:
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
            for name in (digests.SEEN, "config.json", ".convert.lock", ".model.safetensors.tmp"):  # of a conversion too
                found[dest.with_name(name)] = None
            found.update(dict.fromkeys(dest.parent.glob("model*.safetensors*")))
    return [path for path in found if path.is_file() or path.is_symlink()]


def clear(paths: list[Path]) -> int:
    """Removes files, and folders of the cache that are then empty; returns how many bytes that frees.

    Raises:
        LabError: one of them cannot be removed.
    """
    freed = 0
    for path in paths:
        size = size_of(path)
        with writing(path.parent):
            path.unlink(missing_ok=True)
        freed += size
        for folder in path.parents:
            if folder == cache_dir() or not folder.is_relative_to(cache_dir()):
                break
            with suppress(OSError):  # something else is in it
                folder.rmdir()
    return freed


def looks_whole(file: PullFile) -> bool:
    """Whether a file is here with the right size, as far as can be seen without reading it."""
    if file.name == "model.safetensors" and not file.dest.exists():
        return _parts_are_here(file)
    right = file.size in (None, size_of(file.dest)) or file.name in digests.seen(file.dest.parent)
    return file.dest.is_file() and right


def _parts_are_here(weights: PullFile) -> bool:
    """Whether the index that stands for weights in several files is here, and all that it names."""
    index = index_of(weights)
    try:
        return all(part.dest.is_file() for part in shards(index))
    except ModelSpecError:  # there is none, or it names what it must not
        return False
