"""What a model's name means on this machine: which files, in whose layout, of what shape. Reads no weights, no torch.

``locate`` finds; ``open_weights`` opens what was found by its header and holds it against the table in keymap.py.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from core.config import GPTConfig, TrainConfig
from core.errors import CheckpointError, ModelSpecError, RunError, nearest
from core.files import read_json
from core.folders import cache_dir, runs_dir
from core.shelf import GPT2, nearest_model, resolve_step, split_spec
from core.training import stored
from core.training.run import is_run
from core.training.runs import Run, open_run
from core.weights import huggingface, openai, own
from core.weights.keymap import Layout, check_tensors, huggingface_names, is_ignored, tensor_names
from core.weights.progress import ConvertProgress
from core.weights.tensor_file import Entry, TensorFile, check_floats

OPENAI = {f"openai:{size}": name for name, size in GPT2.items()}
"""OpenAI's originals, and the published model that each is."""
_REPOSITORY = re.compile(r"hf:([\w-][\w.-]*)/([\w-][\w.-]*)", re.ASCII)


@dataclass(frozen=True)
class Located:
    """Where a model is."""

    spec: str
    config: GPTConfig
    layout: Layout
    """Of its files."""
    files: tuple[Path, ...]
    """Its safetensors; empty where only its shape is known."""
    folder: Path
    """Where its tokenizer is looked for."""
    step: int | None = None
    run: str | None = None
    """The run that it belongs to."""
    original: Path | None = None
    """OpenAI's folder that must be converted before there are files; they will be in ``folder``."""

    @property
    def here(self) -> bool:
        """Whether there are values to read, be it after a conversion."""
        return bool(self.files) or self.original is not None


def locate(spec: str) -> Located:
    """Finds a model by its name.

    A published GPT-2 that is not here is found too, with its shape alone.

    Raises:
        ModelSpecError: the name means nothing here, or the run has not kept that step.
        CheckpointError: what it names lacks a file, or has a damaged one.
        ConfigError: its configuration is of another kind of model.
    """
    try:
        return _found(spec)
    except (OSError, RuntimeError) as error:  # a name too long, a folder without permission, ~nobody
        said = getattr(error, "strerror", None) or error
        raise ModelSpecError(f"{spec[:200]} cannot be looked for: {said}", "look at the path") from error


def _found(spec: str) -> Located:
    if spec in GPT2:
        return _published(spec)
    if spec.startswith("openai:"):
        return _original(spec)
    if spec.startswith("hf:"):
        return _repository(spec)
    name, word = split_spec(spec)
    try:
        run = open_run(name)
    except RunError as error:
        found = _of_path(spec, Path(spec).expanduser()) if spec else None
        if found is None and any(is_run(place) for place in (Path(name).expanduser(), runs_dir() / name) if name):
            raise ModelSpecError(error.title, error.hint) from error  # it is one, of a newer version or damaged
        if found is None:
            raise ModelSpecError(
                f"no model is called {spec}{nearest_model(spec)}; "
                "NAME, NAME@STEP, NAME@best or NAME@latest of a run was expected",
                _hint(spec),
            ) from error
        return found
    return _of_run(spec, run, word)


def _hint(spec: str) -> str:
    if not spec or not Path(spec).expanduser().exists():
        return "llm-lab runs lists the runs, llm-lab pull --list what can be had; one elsewhere is named by its path"
    return (
        "of a path: a run, a folder of Hugging Face's (config.json, model.safetensors), one of OpenAI's (hparams.json, "
        "model.ckpt.*), or a .safetensors with its config.json beside it"
    )


def _published(spec: str) -> Located:
    models = cache_dir() / "models"
    folder, original = models / spec, models / f"openai-{GPT2[spec]}"
    if huggingface.has_weights(folder) and huggingface.is_huggingface(folder):  # both, or a pull was cut off
        return _of_folder(spec, folder)
    if openai.has_originals(original):
        return _of_original(spec, original)
    return Located(spec, GPTConfig.preset(spec), "huggingface", (), folder)


def _original(spec: str) -> Located:
    if spec not in OPENAI:
        raise ModelSpecError(f"OpenAI published no {spec}{nearest(spec, OPENAI)}", "there are: " + ", ".join(OPENAI))
    folder = cache_dir() / "models" / spec.replace(":", "-")
    if openai.has_originals(folder):  # never Hugging Face's copy in their stead: the two may be compared
        return _of_original(spec, folder)
    return Located(spec, GPTConfig.preset(OPENAI[spec]), "huggingface", (), folder)


def _repository(spec: str) -> Located:
    match = _REPOSITORY.fullmatch(spec)
    if not match:
        raise ModelSpecError(f"hf:OWNER/NAME was expected, got {spec}", "for one: hf:distilbert/distilgpt2")
    folder = cache_dir() / "models" / "hf" / match[1] / match[2]
    if not huggingface.is_huggingface(folder):
        raise missing(spec)
    return _of_folder(spec, folder)


def _of_path(spec: str, path: Path) -> Located | None:
    """A model by the path of its folder or of its weights; None if it is no such thing."""
    folder = path if path.is_dir() else path.parent
    if path.suffix in huggingface.PICKLE_SUFFIXES and path.is_file():
        raise huggingface.pickle_refused(path, path.name, path.with_suffix(""))
    if (found := _in_run(spec, path)) is not None:
        return found
    if path.suffix == ".safetensors" and path.is_file():
        if not (folder / huggingface.CONFIG).is_file():
            raise CheckpointError(
                f"{path} has no {huggingface.CONFIG} beside it, which says the model's shape", "copy it there"
            )
        return _of_folder(spec, folder, (path,))
    if not path.is_dir():
        return None
    if huggingface.is_huggingface(path):
        return _of_folder(spec, path)
    return _of_original(spec, path) if openai.is_openai(path) else None


def _in_run(spec: str, path: Path) -> Located | None:
    """A checkpoint or snapshot of a run by its path."""
    thing = path.parent if path.name == stored.MODEL else path
    step, run = stored.step_of(thing.name), thing.absolute().parent.parent
    if step is None or thing.absolute().parent.name not in ("checkpoints", "snapshots") or not is_run(run):
        return None
    return _of_run(spec, Run(run), str(step))


def _of_folder(spec: str, folder: Path, files: tuple[Path, ...] = ()) -> Located:
    if own.is_own(folder):
        config, layout = own.read_config(folder), "llm-lab"
    else:
        config, layout = huggingface.read_config(folder / huggingface.CONFIG), "huggingface"
    return Located(spec, config, cast(Layout, layout), files or huggingface.weight_files(folder), folder)


def _of_original(spec: str, folder: Path) -> Located:
    config = openai.read_hparams(folder)
    openai.checkpoint_prefix(folder)
    dest = openai.converted_folder(folder)
    if openai.is_converted(dest):
        return _of_folder(spec, dest)
    return Located(spec, config, "huggingface", (), dest, original=folder)


def _of_run(spec: str, run: Run, word: str) -> Located:
    step = resolve_step(run, word)
    checkpoints = {info.step: info.path for info in run.checkpoints}
    snapshots = {info.step: info.path for info in run.snapshots}
    if step in checkpoints:
        path = checkpoints[step]
        return Located(spec, _config_of(path), "llm-lab", (path / stored.MODEL,), run.path, step, run.name)
    if step in snapshots:
        return Located(spec, run.config.model, "llm-lab", (snapshots[step],), run.path, step, run.name)
    if have := sorted({*checkpoints, *snapshots}):
        raise ModelSpecError(
            f"the run {run.name} has nothing at {word or 'any step'}; best, latest or a step was expected",
            "there are steps " + ", ".join(map(str, have[-12:])),
        )
    raise ModelSpecError(
        f"the run {run.name} has kept no weights yet",
        f"they come with its first checkpoint; while it runs, ask for one: llm-lab checkpoint {run.name}",
    )


def _config_of(checkpoint: Path) -> GPTConfig:
    body = read_json(checkpoint / stored.STATE)
    if body is None:
        raise CheckpointError(
            f"the checkpoint {checkpoint.name} is damaged: {stored.STATE} cannot be read", "take another step"
        )
    state = body.get("state")
    config = state.get("config") if isinstance(state, dict) else None
    if config is None:
        raise CheckpointError(f"the checkpoint {checkpoint.name} does not say its configuration", "take another step")
    return TrainConfig.from_dict(config).model


class Weights:
    """The tensors of a located model under our names and in our shapes, unread until they are asked for."""

    def __init__(self, where: Located) -> None:
        self.where = where
        self.names = {name.ours: name for name in tensor_names(where.config)}
        found: dict[str, tuple[TensorFile, Entry]] = {}
        for path in where.files:
            file = _opened(path, *_stamp(path))
            if twice := found.keys() & file.entries.keys():
                raise CheckpointError(f"{path}: the tensor {min(twice)} is in another shard too", "fetch them again")
            found |= {name: (file, entry) for name, entry in file.entries.items()}
        if where.layout == "huggingface":
            found = {name: place for name, place in found.items() if not is_ignored(name)}
            full = huggingface_names(where.config, found)
            in_file = {name.ours: full[name.huggingface] for name in self.names.values()}
            _take_out(where.config, found, full)
        else:
            in_file = {name: name for name in self.names}
        expected = {in_file[ours]: name.shape_in(where.layout) for ours, name in self.names.items()}
        check_tensors(expected, {n: e.shape for n, (_, e) in found.items()}, str(where.files[0]))
        self._places = {ours: found[in_file[ours]] for ours in self.names}
        for file, entry in self._places.values():
            check_floats(file, entry)

    def place(self, name: str) -> tuple[Path, Entry, bool]:
        """The file of a tensor of ours, its entry there, and whether that is the transpose."""
        file, entry = self._places[name]
        return file.path, entry, self.turned(name)

    def turned(self, name: str) -> bool:
        """Whether the file holds the transpose."""
        return self.where.layout == "huggingface" and self.names[name].transposed_in_openai

    def array(self, name: str) -> NDArray[np.float32]:
        """The values in our shape, as float32: a view of the mapped file where that holds float32."""
        if name not in self._places:
            raise ModelSpecError(
                f"{self.where.spec} has no tensor {name}{nearest(name, self._places)}",
                f"llm-lab weights {self.where.spec} lists its tensors",
            )
        file, entry = self._places[name]
        values = file.array(entry.name)
        return values.T if self.turned(name) else values


def _take_out(config: GPTConfig, found: dict[str, tuple[TensorFile, Entry]], full: dict[str, str]) -> None:
    """Takes out what says nothing: a head that is the embedding once more, a bias of zeros where our model has none.

    Raises:
        CheckpointError: they say something after all.
    """

    def array(name: str) -> NDArray[np.float32]:
        file, entry = found[name]
        return file.array(entry.name)

    head, embedding = "lm_head.weight", full["transformer.wte.weight"]
    if config.tie_weights and head in found and embedding in found:
        if found[head][1].shape != found[embedding][1].shape or not np.array_equal(array(head), array(embedding)):
            raise CheckpointError(
                f"{found[head][0].path}: lm_head.weight is not the embedding, but config.json says that they are tied",
                "set tie_word_embeddings to false there if the model was trained so",
            )
        del found[head]
    if not config.qkv_bias:
        for name in [name for name in found if name.endswith(".attn.c_attn.bias")]:
            if array(name).any():
                raise CheckpointError(
                    f"{found[name][0].path}: {name} was expected to be zero, as config.json says (qkv_bias false)",
                    "copy or fetch the folder again",
                )
            del found[name]


def open_weights(spec: str) -> Weights:
    """Opens a model's tensors.

    Raises:
        ModelSpecError: the name means nothing here, or the model is not on this machine.
        CheckpointError: a file is damaged, or a tensor is missing, left over or misshapen.
    """
    return Weights(ready(spec))


def ready(spec: str) -> Located:
    """Finds a model whose values can be read at once; one of OpenAI's is converted first, which takes its time.

    Raises:
        ModelSpecError: the name means nothing here, or the model is not on this machine.
        LabError: as ``prepare``.
    """
    for _ in prepare(spec):
        pass
    where = locate(spec)
    if not where.files:
        raise missing(spec)
    return where


def prepare(spec: str, cancelled: threading.Event | None = None) -> Iterator[ConvertProgress]:
    """Converts OpenAI's checkpoint if that is what a spec means and it has not been done; else there is nothing to do.

    Raises:
        LabError: as ``core.weights.openai.convert_folder``.
    """
    where = locate(spec)
    if where.original is not None:
        yield from openai.convert_folder(where.original, where.folder, cancelled)


def missing(spec: str) -> ModelSpecError:
    """The two lines for a model that could be here and is not."""
    return ModelSpecError(f"{spec} is not on this machine", f"fetch it: llm-lab pull {spec}")


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0  # opening it says what is wrong
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=16)
def _opened(path: Path, _changed: int, _size: int) -> TensorFile:
    return TensorFile(path)
