"""OpenAI's own checkpoints of GPT-2: TensorFlow's files in a folder, turned once into safetensors in the cache.

TensorFlow reads them, in a child process (openai_child.py), so that it never enters ours and its memory goes with it.
The files as OpenAI published them: ``checkpoint``, ``hparams.json``, ``model.ckpt.{data-00000-of-00001,index,meta}``,
``encoder.json``, ``vocab.bpe``.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.child import at_work
from core.config import GPTConfig
from core.errors import CheckpointError, ConfigError, LabError
from core.files import replace, sync_folder, write_bytes_atomic, write_error, write_json_atomic
from core.folders import cache_dir
from core.lock import FileLock
from core.weights.huggingface import CONFIG, WEIGHTS, config_dict, read_json_object
from core.weights.progress import ConvertProgress

HPARAMS, POINTER = "hparams.json", "checkpoint"
VOCABULARY = ("encoder.json", "vocab.bpe")
PUBLISHED = ("openai-124M", "openai-355M", "openai-774M", "openai-1558M")
"""The folders of OpenAI's originals in ``models/`` of the cache."""
_HPARAMS = {
    "n_vocab": "vocab_size",
    "n_ctx": "context_length",
    "n_embd": "emb_dim",
    "n_head": "n_heads",
    "n_layer": "n_layers",
}
_POINTER = re.compile(r'^model_checkpoint_path:\s*"([^"]*)"', re.MULTILINE)
_LOCK = ".convert.lock"


def is_openai(folder: Path) -> bool:
    """Whether a folder is of OpenAI's kind, whole or not."""
    return (folder / HPARAMS).is_file() or (folder / POINTER).is_file()


def has_originals(folder: Path) -> bool:
    """Whether a download of OpenAI's files has come to its end there."""
    return (folder / POINTER).is_file() and any(folder.glob("*.data-00000-of-00001"))


def read_hparams(folder: Path) -> GPTConfig:
    """The shape that ``hparams.json`` states.

    Raises:
        CheckpointError: it is missing or damaged.
        ConfigError: it states something that is no shape.
    """
    raw = read_json_object(folder / HPARAMS)
    if lacking := [name for name in _HPARAMS if name not in raw]:
        raise ConfigError(f"{folder / HPARAMS} lacks {', '.join(lacking)}", "copy or fetch it again")
    try:
        return GPTConfig.from_dict({ours: raw[theirs] for theirs, ours in _HPARAMS.items()})
    except ConfigError as error:
        raise ConfigError(f"{folder / HPARAMS}: {error.title}", "copy or fetch it again") from None


def checkpoint_prefix(folder: Path) -> Path:
    """The common part of the names of TensorFlow's files, all of which are there.

    Raises:
        CheckpointError: one of OpenAI's files is missing, or ``checkpoint`` points out of the folder.
    """
    try:
        text = (folder / POINTER).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise _lacks(folder, POINTER) from None
    match = _POINTER.search(text)
    if not match:
        raise CheckpointError(f"{folder / POINTER} is damaged: it names no checkpoint", "copy or fetch it again")
    named = Path(match[1])
    # TensorFlow writes an absolute path there if it was given one: after a copy only the last part holds.
    if not named.name or (not named.is_absolute() and (named.parent != Path() or "\\" in match[1])):
        raise CheckpointError(
            f"{folder / POINTER} points to {match[1]!r}, a name in the same folder was expected", "don't trust it"
        )
    prefix = folder / named.name
    parts = ("index", "meta", "data-00000-of-00001")
    for path in [Path(f"{prefix}.{part}") for part in parts]:
        if not path.is_file():
            raise _lacks(folder, path.name)
    there = [name for name in VOCABULARY if (folder / name).is_file()]
    if len(there) == 1:
        raise _lacks(folder, next(name for name in VOCABULARY if name not in there))
    return prefix


def _lacks(folder: Path, name: str) -> CheckpointError:
    return CheckpointError(
        f"{folder} lacks {name}, one of the seven files of OpenAI's checkpoint",
        "copy it there, or fetch the model again: llm-lab pull gpt2 --from openai",
    )


def converted_folder(folder: Path) -> Path:
    """Where the safetensors of a folder of OpenAI's are kept: those of ``models/openai-124M`` of the cache beside them.

    A folder elsewhere is left as it is, and they go into the cache; the name there holds the sizes and times of its
    files, so that a changed folder is converted again.
    """
    folder = folder.resolve()
    models = cache_dir() / "models"
    if folder.parent == models.resolve() and folder.name in PUBLISHED:
        return folder
    seen = [str(folder)]
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            found = path.stat()
            seen.append(f"{path.name} {found.st_size} {found.st_mtime_ns}")
    digest = hashlib.sha256("\n".join(seen).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return models / "converted" / f"{folder.name or 'model'}-{digest}"


def is_converted(dest: Path) -> bool:
    """Whether a conversion stands there, whole: its configuration is written last."""
    return (dest / WEIGHTS).is_file() and (dest / CONFIG).is_file()


def convert_folder(folder: Path, dest: Path, cancelled: threading.Event | None = None) -> Iterator[ConvertProgress]:
    """Turns a folder of OpenAI's into one of Hugging Face's layout, tensor by tensor, in a child process.

    Args:
        folder: OpenAI's.
        dest: where ``model.safetensors``, ``config.json`` and the vocabulary go; may be the same folder.
        cancelled: set it to stop: the generator ends, and nothing half-written stays.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        CheckpointError: a file is missing or damaged, or a tensor is missing, left over or misshapen.
        ConfigError: ``hparams.json`` states no shape.
        DiskFullError: no space is left.
    """
    cancelled = cancelled or threading.Event()
    config, prefix = read_hparams(folder), checkpoint_prefix(folder)
    target, lock = dest / WEIGHTS, FileLock(dest / _LOCK)
    beside = dest / f".{WEIGHTS}.tmp"
    try:
        dest.mkdir(parents=True, exist_ok=True)
        waited = False
        while not lock.acquire(patience=0.2):  # somebody else is at it
            if cancelled.is_set():
                return
            waited = True
            yield ConvertProgress("starting", "", 0, 0, 0, 0, target)
    except OSError as error:
        raise write_error(dest, error) from error
    try:
        if waited and is_converted(dest):
            yield ConvertProgress("done", "", 0, 0, target.stat().st_size, target.stat().st_size, target)
            return
        last = None
        for last in _run_child(prefix, config, beside, target, cancelled):
            yield last
        if last is None or cancelled.is_set():
            return
        _put_in_place(folder, dest, beside, config)
        yield ConvertProgress("done", "", last.index, last.total, last.bytes_done, last.bytes_total, target)
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        lock.release()


def _put_in_place(folder: Path, dest: Path, beside: Path, config: GPTConfig) -> None:
    """Renames what is whole; ``config.json`` comes last, and with it the folder counts."""
    if folder.resolve() != dest.resolve():
        for name in VOCABULARY:
            if (folder / name).is_file():
                write_bytes_atomic(dest / name, (folder / name).read_bytes())
    replace(beside, dest / WEIGHTS)
    sync_folder(dest)
    end_of_text = config.vocab_size - 1 if config.vocab_size == 50257 else None
    write_json_atomic(dest / CONFIG, config_dict(config, end_of_text))


def _run_child(
    prefix: Path, config: GPTConfig, beside: Path, target: Path, cancelled: threading.Event
) -> Iterator[ConvertProgress]:
    yield ConvertProgress("starting", "", 0, 0, 0, 0, target)
    orders = {"prefix": str(prefix.absolute()), "config": config.to_dict(), "target": str(beside.absolute())}
    done = False
    with at_work("core.weights.openai_child", orders, cancelled) as child:
        for said in child.answers():
            done = said["index"] == said["total"]
            yield ConvertProgress("tensor", **said, path=target)
        if ((code := child.wait()) != 0 or not done) and not cancelled.is_set():
            raise LabError(
                f"the process that reads {prefix.parent} ended with code {code}: {child.last_words()}",
                "python -c 'import tensorflow' shows whether TensorFlow works here",
            )
