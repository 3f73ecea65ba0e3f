"""What follows when OpenAI's own files are here: their conversion to safetensors, where TensorFlow is installed."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator

from core.data.pull_catalogue import Entry
from core.folders import cache_dir

INSTALL = "pip install 'llm-lab[tensorflow]'"


def tensorflow_is_here() -> bool:
    """Whether TensorFlow is installed; it is not imported for that."""
    return importlib.util.find_spec("tensorflow") is not None


def extra_bytes(wanted: Entry) -> int:
    """What the conversion will take beside the originals."""
    return wanted.about if tensorflow_is_here() else 0


def convert(wanted: Entry, cancelled: threading.Event, notes: list[str]) -> Iterator[tuple[int, int | None]]:
    """Converts the originals, saying how many bytes of how many are done; without TensorFlow it notes what to do."""
    folder = wanted.files["openai"][0].dest.parent
    dest = folder if wanted.name.startswith("openai:") else cache_dir() / "models" / wanted.name
    from core.weights.openai import convert_folder, is_converted

    if is_converted(dest):
        return
    if not tensorflow_is_here():
        notes.append(f"OpenAI's files are in {folder}; to read them: {INSTALL}, then the same pull again")
        return
    for progress in convert_folder(folder, dest, cancelled):
        yield progress.bytes_done, progress.bytes_total or None
