"""A model as a ``.keras`` file, and a ``.keras`` file as a folder of ours: ``core.weights.convert`` hands both to here.

TensorFlow does the work in a process of its own (``convert_child.py``), so that it never enters this one.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from core.child import at_work
from core.errors import InputError, LabError
from core.files import replace, sync_folder, write_error
from core.weights.progress import ConvertProgress

SUFFIX = ".keras"


def convert_steps(src: str, target: Path, cancelled: threading.Event) -> Iterator[ConvertProgress]:
    """Writes what one of the two ways says, by the ending of the source.

    Args:
        src: a model, which becomes a ``.keras`` file; or such a file, which becomes a folder of ours.
        target: the file or folder to make, which is not there; it comes whole or not at all.
        cancelled: set it to stop: the generator ends, and nothing stays.

    Raises:
        MissingExtraError: TensorFlow is not installed, or too old.
        MemoryShortError: the model does not fit twice.
        LabError: as ``core.load_model``, as ``core.keras_twin.files``, or as writing does.
    """
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        for step in _in_child(src, beside / target.name, cancelled):
            if cancelled.is_set():
                return
            if step.phase == "done":
                if target.is_dir():
                    target.rmdir()
                replace(beside / target.name, target)
                sync_folder(target.parent)
            yield dataclasses.replace(step, path=target)
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _in_child(src: str, target: Path, cancelled: threading.Event) -> Iterator[ConvertProgress]:
    done = False
    with at_work("core.keras_twin.convert_child", {"src": src, "target": str(target)}, cancelled) as child:
        for said in child.answers():
            done = said["phase"] == "done"
            yield ConvertProgress(**{**said, "path": target})
        if not done and not cancelled.is_set():
            raise LabError(
                f"the process that writes {target.name} ended before its time: {child.last_words()}",
                "python -c 'import tensorflow' shows whether TensorFlow works here",
            )


def is_keras(src: str) -> bool:
    """Whether a source is named as such a file is."""
    return src.endswith(SUFFIX)


def free_file(dst: str | Path) -> Path:
    """The file to make, which is not there and has the right ending.

    Raises:
        InputError: it is there, or has another ending.
    """
    try:
        path = Path(dst).expanduser()
        there = path.exists()
    except (OSError, RuntimeError) as error:  # a name too long, a folder without permission, ~nobody
        said = getattr(error, "strerror", None) or error
        raise InputError(f"{str(dst)[:200]} cannot be made: {said}", "take another name") from error
    if path.suffix != SUFFIX:
        raise InputError(f"a name that ends in {SUFFIX} was expected, got {path.name}", f"{path.name}{SUFFIX}, for one")
    if there:
        raise InputError(f"{path} is there already, a new file was expected", "take another name, or remove it")
    return path
