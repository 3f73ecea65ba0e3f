"""The twin in files: Keras's own ``.keras``, and our safetensors, which PyTorch's model reads too.

A ``.keras`` file is an archive that tells Keras which classes to make and call. We take one that names our model and
nothing else: what it would have Keras do is read here before Keras sees it. Code in it (a ``Lambda``, a function of
another module) is refused, whatever Keras's safe mode thinks of it, and so are weights that lie in other files.

Source: keras.io, "Whole model saving and loading"; the three members are metadata.json, config.json, model.weights.h5.
"""

from __future__ import annotations

import json
import os
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import GPTConfig
from core.errors import CheckpointError, ConfigError, InputError
from core.files import Beside, replace, sync_folder, write_error, write_json_atomic
from core.keras_twin import weights
from core.weights import own
from core.weights.huggingface import CONFIG, WEIGHTS
from core.weights.keymap import tensor_names
from core.weights.locate import open_weights
from core.weights.tensor_writer import Planned, TensorWriter

if TYPE_CHECKING:
    from core.keras_twin.gpt import KerasGPT
    from core.tokenizers.base import Tokenizer

SUFFIX = ".keras"
CLASS = "llm_lab>KerasGPT"
MODULE = "core.keras_twin.gpt"
MEMBERS = ("config.json", "metadata.json", "model.weights.h5")
_SAID = {"module", "class_name", "registered_name", "config", "build_config", "compile_config"}
_JSON_ROOM = 2**20
"""Bytes that a configuration may have; a real one has less than a thousand."""
_H5_ROOM = 2**24
"""Bytes beside the numbers that a file of weights may have."""


def open_twin(spec: str, *, dtype: str = "float32") -> KerasGPT:
    """Any model that can be named (``core.load_model`` says how), as its Keras twin.

    Raises:
        LabError: as ``core.load_model``.
    """
    from core.keras_twin.gpt import KerasGPT

    found = open_weights(spec)
    model = KerasGPT(found.where.config, dtype=dtype)
    weights.assign(model, {name: found.array(name) for name in found.names}, spec)
    return model


def save_own(model: KerasGPT, folder: Path, tokenizer: Tokenizer | None = None) -> None:
    """Writes a folder of ours: safetensors that ``core.load_model`` opens as PyTorch's model, bit for bit.

    Args:
        model: the twin.
        folder: a new or empty folder.
        tokenizer: what belongs to it; without one ``core.load_model`` asks for it.

    Raises:
        InputError: something is there already.
        DiskFullError: no space is left.
    """
    plan = [Planned(name.ours, name.shape) for name in tensor_names(model.config)]
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} is there already, a new folder was expected", "take another name, or remove it")
        with Beside(folder) as new:
            new.path.mkdir(parents=True)
            with TensorWriter(new.path / WEIGHTS, plan, {"format": "pt"}) as writer:
                for name, variable in weights.variables(model).items():
                    turned = weights.is_turned(name, variable)
                    writer.write(name, weights.to_ours(name, variable.numpy(), turned=turned))
                writer.finish()
            if tokenizer is not None:
                tokenizer.save(new.path)
            write_json_atomic(new.path / CONFIG, own.config_dict(model.config))
            if folder.is_dir():
                folder.rmdir()
            new.put()
    except OSError as error:
        raise write_error(folder, error) from error


def save_keras(model: KerasGPT, path: Path) -> None:
    """Writes a ``.keras`` file, which ``keras.saving.load_model`` opens too once ``core.keras_twin.gpt`` is imported.

    Raises:
        InputError: the name has another ending.
        DiskFullError: no space is left.
    """
    if path.suffix != SUFFIX:
        raise InputError(f"a name that ends in {SUFFIX} was expected, got {path.name}", f"{path.stem}{SUFFIX}, for one")
    beside = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _keras_and_numpy():
            model.save(beside)
        replace(beside, path)
        sync_folder(path.parent)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def load_keras(path: Path) -> KerasGPT:
    """Reads a ``.keras`` file that holds the twin.

    Raises:
        CheckpointError: it cannot be read, is damaged, holds another model or code, or has tensors of another shape.
    """
    import keras

    from core.keras_twin.gpt import KerasGPT

    if path.suffix != SUFFIX:  # by its name Keras chooses how to read it, and only what it reads in this way is checked
        raise CheckpointError(
            f"a file whose name ends in {SUFFIX} was expected, got {path.name}",
            f"rename it if that is what it is: {path.stem}{SUFFIX}",
        )
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path)
            config = _check_config(json.loads(archive.read("config.json")), path)
            _check_weights(archive, config, path)
        with _keras_and_numpy():
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except CheckpointError:
        raise
    except Exception as error:  # a damaged archive, damaged HDF5, tensors that are missing: each says it in its way
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise CheckpointError(f"{path} cannot be read as a {SUFFIX} file: {said}", "copy or save it again") from error
    assert isinstance(model, KerasGPT)
    return model


@contextmanager
def _keras_and_numpy() -> Iterator[None]:
    """Bears with how Keras 3 makes arrays, of which numpy 2 warns."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning)
        yield


def _check_members(archive: zipfile.ZipFile, path: Path) -> None:
    names = [info.filename for info in archive.infolist()]
    if sorted(names) != sorted(MEMBERS):
        odd = ", ".join(sorted(set(names) ^ set(MEMBERS)) or names)[:100]
        raise _refused(path, f"it should hold {', '.join(MEMBERS)}, and {odd} is not right")
    if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
        raise _refused(path, "its members are packed")  # Keras packs none; a small file may unpack to any size
    if max(archive.getinfo(name).file_size for name in MEMBERS[:2]) > _JSON_ROOM:
        raise _refused(path, "its configuration is far too long")


def _check_config(raw: Any, path: Path) -> GPTConfig:
    """The shape that the file states, if all that it names is our model."""
    if not isinstance(raw, dict):
        raise _refused(path, "its configuration is no object")
    if raw.get("registered_name") != CLASS or raw.get("module") != MODULE or raw.get("class_name") != "KerasGPT":
        raise _refused(path, f"it holds a {raw.get('registered_name') or raw.get('class_name')}"[:100])
    stated = raw.get("config")
    if extra := set(raw) - _SAID:
        raise _refused(path, f"it says {min(extra)} too"[:100])
    if not isinstance(stated, dict) or set(stated) != {"config", "name", "dtype"}:
        raise _refused(path, "it states more or less than a shape, a name and a dtype")
    if raw.get("compile_config") or _has_code([stated, raw.get("build_config")]):
        raise _refused(path, "it names classes or functions to call")
    try:
        config = GPTConfig.from_dict(stated["config"])
        config.parameters()
    except ConfigError as error:
        raise _refused(path, error.title) from None
    if not isinstance(stated["name"], str) or stated["dtype"] not in ("float32", "mixed_bfloat16"):
        raise _refused(path, f"its dtype is {stated['dtype']}"[:100])
    return config


def _has_code(value: Any) -> bool:
    """Whether a configuration has anything that Keras would look up and call, wherever it stands."""
    if isinstance(value, dict):
        return "class_name" in value or "module" in value or any(map(_has_code, value.values()))
    return isinstance(value, list) and any(map(_has_code, value))


def _check_weights(archive: zipfile.ZipFile, config: GPTConfig, path: Path) -> None:
    """Holds that the weights are as many numbers as the shape has, and lie in this file."""
    import h5py

    expected = 4 * config.parameters()
    size = archive.getinfo("model.weights.h5").file_size
    if not expected <= size <= expected + _H5_ROOM:  # a shape that is only stated would be given its memory too
        raise _refused(
            path, f"its weights have {size:,} bytes, {expected:,} and a little belong to the shape it states"
        )
    with archive.open("model.weights.h5") as packed, h5py.File(packed, "r") as file:
        numbers = _count(file, path, set())
    if numbers != config.parameters():
        raise CheckpointError(
            f"{path} holds {numbers:,} numbers, {config.parameters():,} were expected of the shape that it states",
            "its configuration belongs to another model; save it again",
        )


def _count(group: Any, path: Path, seen: set[int]) -> int:
    """How many numbers a group of the file holds; nothing in it may lead out of it, or stand in two places."""
    import h5py

    total = 0
    for key in group:
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise _refused(path, f"{key} leads out of the file")
        item = group[key]
        place = h5py.h5o.get_info(item.id).addr
        if place in seen:
            raise _refused(path, f"{key} stands in two places")
        seen.add(place)
        if isinstance(item, h5py.Group):
            total += _count(item, path, seen)
        elif item.external or item.is_virtual:
            raise _refused(path, f"{key} leads out of the file")
        else:
            total += int(item.size)
    return total


def _refused(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"{path} was refused: {why}; a twin that LLM Lab saved was expected",
        "a file from elsewhere may run code: export its weights as safetensors where it comes from",
    )
