"""A model in somebody else's layout: a folder for transformers (``huggingface``), or for the lab (``llm-lab``).

The third layout, one file for Keras (``keras``), and the way back from it are ``core.keras_twin.convert``'s.

Written tensor by tensor into a folder beside the final name, which is renamed when it is whole. Always float32: every
16-bit value is one exactly, so nothing is lost, and both sides compute alike.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from core import files
from core.config import GPTConfig
from core.errors import InputError, nearest
from core.keras_twin.convert import convert_steps, free_file, is_keras
from core.tokenizers import load_tokenizer
from core.tokenizers.base import Tokenizer
from core.weights import huggingface, own, pickled
from core.weights.keymap import TensorName, tensor_names
from core.weights.locate import Weights, prepare, ready
from core.weights.progress import ConvertProgress
from core.weights.tensor_writer import Planned, TensorWriter
from core.weights.tokenizer_files import has_tokenizer, tokenizer_of, write_tokenizer

Folder = Literal["huggingface", "llm-lab"]
To = Literal["huggingface", "llm-lab", "keras"]


class Values(Protocol):
    """Where the values of a model come from."""

    def array(self, name: str) -> NDArray[np.float32]:
        """The values of a tensor of ours, in our shape."""
        ...


def convert(
    src: str, dst: str | Path, to: To = "huggingface", cancelled: threading.Event | None = None
) -> Iterator[ConvertProgress]:
    """Writes a model anew.

    Args:
        src: as ``core.load_model`` takes it; also a folder whose weights are a pickle (``pytorch_model.bin``), or that
            file itself, which is read with ``weights_only=True``; or a ``.keras`` file of ours.
        dst: the folder to make; it must not be there, or be empty. For ``keras`` a new file that ends in ``.keras``.
        to: ``huggingface``: what ``transformers.GPT2LMHeadModel.from_pretrained`` loads, with the tokenizer's files
            where it is byte-pair; ``llm-lab``: ours; ``keras``: what ``keras.saving.load_model`` opens once
            ``core.keras_twin.gpt`` is imported, without a tokenizer, which that format has no place for.
        cancelled: set it to stop: the generator ends, and nothing stays.

    Raises:
        InputError: ``dst`` is taken, or an unknown layout.
        MissingExtraError: TensorFlow is not installed, which a ``.keras`` file needs.
        LabError: as ``core.load_model``, or as writing does.
    """
    if to not in get_args(To):
        raise InputError(
            f"expected huggingface, llm-lab or keras, got {to!r}{nearest(to, get_args(To))}", "--to huggingface"
        )
    cancelled = cancelled or threading.Event()
    if to == "keras" or is_keras(src):
        yield from _keras(src, dst, to, cancelled)
        return
    target = _free(dst)
    if pickle := _as_pickle(src):
        config, values, tokenizer = _of_pickle(pickle)
    else:
        for step in prepare(src, cancelled):  # whose end is not yet that of this
            yield replace(step, phase="tensor") if step.phase == "done" else step
        if cancelled.is_set():
            return
        where = ready(src)
        config, values = where.config, Weights(where)
        tokenizer = _tokenizer(where.folder, config, of_run=where.run is not None)
    try:
        with files.Beside(target) as new:
            new.path.mkdir(parents=True)
            last = None
            for last in _write(config, values, new.path / huggingface.WEIGHTS, target, to, cancelled):
                yield last
            if last is None or cancelled.is_set():
                return
            _write_rest(config, tokenizer, new.path, to)
            if target.is_dir():
                target.rmdir()
            new.put()
        yield replace(last, phase="done")
    except OSError as error:
        raise files.write_error(target, error) from error


def _keras(src: str, dst: str | Path, to: To, cancelled: threading.Event) -> Iterator[ConvertProgress]:
    """To a ``.keras`` file, or from one to a folder of ours."""
    if is_keras(src) and to != "llm-lab":
        raise InputError(
            f"{src} is read into a folder of ours, got --to {to}", f"llm-lab convert {src} DST --to llm-lab"
        )
    target = _free(dst) if is_keras(src) else free_file(dst)
    if not is_keras(src):
        if _as_pickle(src):
            raise InputError(
                f"{src} is a pickle, which is not read beside TensorFlow",
                f"first: llm-lab convert {src} FOLDER --to llm-lab",
            )
        for step in prepare(src, cancelled):
            yield replace(step, phase="tensor") if step.phase == "done" else step
        if cancelled.is_set():
            return
        ready(src)  # what is wrong with the name is said before TensorFlow is loaded
    yield from convert_steps(src, target, cancelled)


def _free(dst: str | Path) -> Path:
    """The folder to make, which is not there, or is empty."""
    try:
        target = Path(dst).expanduser()
        taken = target.exists() and (not target.is_dir() or any(target.iterdir()) or target.samefile(Path()))
    except (OSError, RuntimeError) as error:  # a name too long, a folder without permission, ~nobody
        said = getattr(error, "strerror", None) or error
        raise InputError(f"{str(dst)[:200]} cannot be made: {said}", "take another folder") from error
    if taken or not target.name:
        raise InputError(f"{target} is there already, a new folder was expected", "take another name, or remove it")
    return target


def _as_pickle(src: str) -> Path | None:
    with suppress(OSError, RuntimeError):  # no path at all: whoever looks for models says so
        path = Path(src).expanduser()
        return path if pickled.is_pickle(path) else None
    return None


def _of_pickle(path: Path) -> tuple[GPTConfig, Values, Tokenizer | None]:
    folder = path if path.is_dir() else path.parent
    config = huggingface.read_config(folder / huggingface.CONFIG)
    return config, pickled.Pickled(path, config), _tokenizer(folder, config, of_run=False)


def _tokenizer(folder: Path, config: GPTConfig, *, of_run: bool) -> Tokenizer | None:
    if of_run:
        return load_tokenizer(folder)
    return tokenizer_of(folder, config) if has_tokenizer(folder, config) else None


def _write(
    config: GPTConfig, values: Values, path: Path, target: Path, to: Folder, cancelled: threading.Event
) -> Iterator[ConvertProgress]:
    # Hugging Face's model always has the bias of query, key and value: where ours has none, theirs is zero.
    names = tensor_names(config if to == "llm-lab" else replace(config, qkv_bias=True))
    own_names = {name.ours for name in tensor_names(config)}
    plan = [Planned(str(name.name_in(to)), name.shape_in(to)) for name in names]
    with TensorWriter(path, plan, {"format": "pt"}) as writer:
        for index, name in enumerate(names):
            if cancelled.is_set():
                return
            found = values.array(name.ours) if name.ours in own_names else np.zeros(name.shape, np.float32)
            writer.write(str(name.name_in(to)), _laid_out(found, name, to))
            yield ConvertProgress(
                "tensor", name.ours, index + 1, len(names), writer.bytes_done, writer.bytes_total, target
            )
        writer.finish()


def _laid_out(values: NDArray[np.float32], name: TensorName, to: Folder) -> NDArray[np.float32]:
    return values.T if to == "huggingface" and name.transposed_in_openai else values


def _write_rest(config: GPTConfig, tokenizer: Tokenizer | None, folder: Path, to: Folder) -> None:
    """The tokenizer, and last the configuration."""
    if tokenizer is not None and to == "huggingface":
        write_tokenizer(tokenizer, folder)
    elif tokenizer is not None:
        tokenizer.save(folder)
    if to == "llm-lab":
        files.write_json_atomic(folder / huggingface.CONFIG, own.config_dict(config))
        return
    end = tokenizer.special_tokens.get("<|endoftext|>") if tokenizer else None
    files.write_json_atomic(folder / huggingface.CONFIG, huggingface.config_dict(config, end))
