"""What follows when OpenAI's own files are here: their conversion to safetensors, where TensorFlow is installed."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator

from core.data.pull_catalogue import Entry
from core.folders import cache_dir
from core.shelf import GPT2_SIZES

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
    ref = next(ref for ref in GPT2_SIZES if ref.label.removeprefix("gpt2-") == folder.name.removeprefix("openai-"))
    dest = cache_dir() / "models" / ref.spec
    if (dest / "model.safetensors").is_file():
        return
    if not tensorflow_is_here():
        notes.append(f"OpenAI's files are in {folder}; to read them: {INSTALL}, then the same pull again")
        return
    from core.weights.openai import convert_folder

    for progress in convert_folder(folder, dest, cancelled):
        yield progress.done, progress.total
