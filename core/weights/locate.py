"""What a model's name means on this machine: which files, in whose layout, of what shape. Reads no weights, no torch.

``locate`` finds; ``open_weights`` opens what was found by its header and holds it against the table in keymap.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.config import GPTConfig, TrainConfig
from core.errors import CheckpointError, ModelSpecError, RunError, nearest
from core.files import read_json
from core.folders import cache_dir
from core.shelf import resolve_step, split_spec
from core.training import stored
from core.training.runs import Run, open_run
from core.weights import huggingface
from core.weights.keymap import Layout, check_tensors, huggingface_names, is_ignored, tensor_names
from core.weights.tensor_file import Entry, TensorFile

GPT2 = {"gpt2": "124M", "gpt2-medium": "355M", "gpt2-large": "774M", "gpt2-xl": "1558M"}
"""The published models, and what OpenAI calls each."""


@dataclass(frozen=True)
class Located:
    """Where a model is."""

    spec: str
    config: GPTConfig
    layout: Layout
    files: tuple[Path, ...]
    """Its safetensors; empty where only its shape is known."""
    folder: Path | None
    """Where its tokenizer is looked for."""
    step: int | None = None
    run: str | None = None
    """The run that it belongs to."""

    @property
    def here(self) -> bool:
        """Whether there are values to read."""
        return bool(self.files)


def locate(spec: str) -> Located:
    """Finds a model by its name.

    A published GPT-2 that is not here is found too, with its shape alone.

    Raises:
        ModelSpecError: the name means nothing here.
        CheckpointError: what it names lacks a file, or has a damaged one.
        ConfigError: its configuration is of another kind of model.
    """
    name, word = split_spec(spec)
    if name in GPT2 and not word:
        return _published(spec)
    try:
        run = open_run(name)
    except RunError as error:
        return _elsewhere(spec, error)
    return _of_run(spec, run, word)


def _published(spec: str) -> Located:
    folder = cache_dir() / "models" / spec
    if (folder / huggingface.WEIGHTS).is_file() or (folder / huggingface.INDEX).is_file():
        return _of_folder(spec, folder)
    return Located(spec, GPTConfig.preset(spec), "huggingface", (), folder)


def _of_folder(spec: str, folder: Path) -> Located:
    config = huggingface.read_config(folder / huggingface.CONFIG)
    return Located(spec, config, "huggingface", huggingface.weight_files(folder), folder)


def _elsewhere(spec: str, error: RunError) -> Located:
    path = Path(spec).expanduser()
    if spec and path.is_dir() and huggingface.is_huggingface(path):
        return _of_folder(spec, path)
    raise ModelSpecError(
        f"no model is called {spec}; NAME, NAME@STEP, NAME@best or NAME@latest of a run was expected", error.hint
    ) from error


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
        raise CheckpointError(
            f"the run {run.name} has nothing at {word or 'any step'}; best, latest or a step was expected",
            "there are steps " + ", ".join(map(str, have[-12:])),
        )
    raise CheckpointError(
        f"the run {run.name} has kept no weights yet",
        f"they come with its first checkpoint; while it runs, ask for one: llm-lab checkpoint {run.name}",
    )


def _config_of(checkpoint: Path) -> GPTConfig:
    state = (read_json(checkpoint / stored.STATE) or {}).get("state")
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
            found |= {name: (file, entry) for name, entry in file.entries.items()}
        if where.layout == "huggingface":
            found = {name: place for name, place in found.items() if not is_ignored(name)}
            full = huggingface_names(where.config, found)
            in_file = {name.ours: full[name.huggingface] for name in self.names.values()}
            if where.config.tie_weights:
                found.pop("lm_head.weight", None)
        else:
            in_file = {name: name for name in self.names}
        expected = {in_file[ours]: name.shape_in(where.layout) for ours, name in self.names.items()}
        check_tensors(expected, {n: e.shape for n, (_, e) in found.items()}, str(where.files[0]))
        self._places = {ours: found[in_file[ours]] for ours in self.names}

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


def open_weights(spec: str) -> Weights:
    """Opens a model's tensors.

    Raises:
        ModelSpecError: the name means nothing here, or the model is not on this machine.
        CheckpointError: a file is damaged, or a tensor is missing, left over or misshapen.
    """
    where = locate(spec)
    if not where.here:
        raise missing(spec)
    return Weights(where)


def missing(spec: str) -> ModelSpecError:
    """The two lines for a model that could be here and is not."""
    return ModelSpecError(f"{spec} is not on this machine", f"llm-lab pull {spec}")


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0  # opening it says what is wrong
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=16)
def _opened(path: Path, _changed: int, _size: int) -> TensorFile:
    return TensorFile(path)
