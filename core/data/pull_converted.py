"""Models that were converted from OpenAI's files elsewhere: listed and removed like what is pulled.

They lie in the cache folder. Nothing fetches them by this name: the folder that they were made from is what one opens.
"""

from __future__ import annotations

from pathlib import Path

from core.data.partfile import size_of
from core.data.pull_disk import clear
from core.errors import LabError, ModelSpecError
from core.folders import cache_dir
from core.lock import is_held

PREFIX = "converted/"


def converted() -> dict[str, Path]:
    """Their folders, by the names that ``llm-lab pull --list`` gives them."""
    folders = sorted(path for path in cache_dir().glob("models/converted/*") if path.is_dir())
    return {f"{PREFIX}{path.name}": path for path in folders}


def files_of(folder: Path) -> list[Path]:
    """What a conversion has left there, the unfinished included."""
    return sorted(path for path in folder.iterdir() if path.is_file() or path.is_symlink())


def is_whole(folder: Path) -> bool:
    """Whether a conversion was finished there: its configuration is written last."""
    return (folder / "model.safetensors").is_file() and (folder / "config.json").is_file()


def remove_converted(name: str) -> int:
    """Removes one and returns how many bytes that frees; OpenAI's own files stay where they are.

    Raises:
        ModelSpecError: there is none of that name.
        LabError: it is being converted now, or a file cannot be removed.
    """
    folder = converted().get(name)
    if folder is None:
        raise ModelSpecError(f"no conversion is called {name}", "llm-lab pull --list names those that are here")
    paths = files_of(folder)
    if any(is_held(path) for path in paths if path.name.endswith(".lock")):
        raise LabError(f"{name} is being converted by another process", "wait for it, or stop it there first")
    return clear(paths)


def bytes_of(folder: Path) -> int:
    """What one takes on the disk."""
    return sum(size_of(path) for path in files_of(folder))
