"""What follows when OpenAI's own files are here: their conversion to safetensors, where TensorFlow is installed."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator

from core.data.digests import digest_of, remember, seen
from core.data.partfile import writing
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

    weights = dest / "model.safetensors"
    if is_converted(dest):
        noted = seen(dest).get(weights.name)
        if noted is None or digest_of(weights, "sha256", cancelled.is_set) == noted or cancelled.is_set():
            return
        notes.append(f"{weights} is not what was made here ({noted}): it is made again")
        with writing(dest):
            weights.unlink()
    if not tensorflow_is_here():
        notes.append(f"OpenAI's files are in {folder}; to read them: {INSTALL}, then the same pull again")
        return
    for progress in convert_folder(folder, dest, cancelled):
        yield progress.bytes_done, progress.bytes_total or None
    if is_converted(dest) and not cancelled.is_set():
        for path in (weights, dest / "config.json"):
            remember(dest, path.name, digest_of(path, "sha256"))
