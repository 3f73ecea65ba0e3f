"""Our own checkpoints and snapshots as models to use: ``core.load_model("NAME@best")``.

Leaves out, for now, everybody else's files: OpenAI's, Hugging Face's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from core.config import DType, GPTConfig, TrainConfig
from core.errors import CheckpointError, ConfigError, ModelSpecError, RunError, nearest
from core.shelf import resolve_step, split_spec
from core.tokenizers import load_tokenizer
from core.tokenizers.base import Tokenizer
from core.training import checkpoints, stored
from core.training.runs import Run, open_run

if TYPE_CHECKING:
    import torch

    from core.model.gpt import GPT

LATER = ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")
_SHORT = {"fp16": "float16", "half": "float16", "bf16": "bfloat16", "fp32": "float32", "float": "float32"}


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to use, with what belongs to it."""

    model: GPT
    """In evaluation mode, gradients off."""
    tokenizer: Tokenizer
    config: GPTConfig
    source: Path
    """The file that the weights came from."""
    spec: str
    step: int


def load_model(spec: str, *, device: str = "auto", dtype: DType = "auto") -> LoadedModel:
    """Opens what a run trained.

    Args:
        spec: ``NAME`` (its best checkpoint, or else its latest), ``NAME@STEP``, ``NAME@best``, ``NAME@latest``; NAME is
            a run in the runs folder, a path of one, or ``demo``.
        device: auto takes CUDA, then MPS, then the CPU; ``cuda:1`` and the like name one of several.
        dtype: of the weights; auto is float32.

    Raises:
        ModelSpecError: the name means nothing here.
        CheckpointError: the run has no such step, or its file is damaged.
        ConfigError: an unknown dtype, or a device that this machine does not have.
    """
    import torch

    from core.model.gpt import GPT
    from core.training.measure import pick_device
    from core.training.torch_backend import misfit

    wanted, place = _dtype(dtype), pick_device(device)
    run, word = _find(spec)
    config, tensors, source, step = _read(run, word)
    with torch.device("meta"):
        model = GPT(config)
    if problem := misfit(dict(model.named_parameters()), tensors):
        raise CheckpointError(f"{source} does not fit the run's configuration: {problem}", "take another checkpoint")
    model.load_state_dict({name: t.to(place, wanted) for name, t in tensors.items()}, assign=True)
    model.eval().requires_grad_(False)
    return LoadedModel(model, load_tokenizer(run.path), config, source, spec, step)


def _dtype(name: str) -> torch.dtype:
    import torch

    known = get_args(DType)
    if name not in known:
        meant = f" (did you mean {_SHORT[name]}?)" if name in _SHORT else nearest(str(name), known)
        raise ConfigError(
            f"dtype must be one of {', '.join(known)}, got {name!r}{meant}", "leave dtype at auto for float32"
        )
    return torch.float32 if name == "auto" else cast(torch.dtype, getattr(torch, name))


def _find(spec: str) -> tuple[Run, str]:
    name, word = split_spec(spec)
    if name in LATER or name.startswith(("hf:", "openai:")):
        raise ModelSpecError(
            f"{spec} is a pre-trained model, this version opens runs only",
            "train one: llm-lab train --preset shakespeare-1min",
        )
    try:
        return open_run(name), word
    except RunError as error:
        raise ModelSpecError(
            f"no model is called {spec}; NAME, NAME@STEP, NAME@best or NAME@latest of a run was expected", error.hint
        ) from error


def _read(run: Run, word: str) -> tuple[GPTConfig, dict[str, torch.Tensor], Path, int]:
    step = resolve_step(run, word)
    paths = {info.step: info.path for info in run.checkpoints}
    snapshots = {info.step: info.path for info in run.snapshots}
    if step in paths:
        return _read_checkpoint(paths[step])
    if step in snapshots:
        return _read_snapshot(run, step, snapshots[step])
    if have := sorted({*paths, *snapshots}):
        raise CheckpointError(
            f"the run {run.name} has nothing at {word or 'any step'}; best, latest or a step was expected",
            "there are steps " + ", ".join(map(str, have[-12:])),
        )
    raise CheckpointError(
        f"the run {run.name} has kept no weights yet",
        f"they come with its first checkpoint; while it runs, ask for one: llm-lab checkpoint {run.name}",
    )


def _read_checkpoint(path: Path) -> tuple[GPTConfig, dict[str, torch.Tensor], Path, int]:
    checkpoint = checkpoints.load_checkpoint(path)
    config = checkpoint.state.get("config")
    if config is None:
        raise CheckpointError(f"the checkpoint {path.name} does not say its configuration", "take another step")
    return TrainConfig.from_dict(config).model, checkpoint.model, path / stored.MODEL, checkpoint.step


def _read_snapshot(run: Run, step: int, path: Path) -> tuple[GPTConfig, dict[str, torch.Tensor], Path, int]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"the snapshot {path.name} cannot be read: {error}", "take another step") from error
    return run.config.model, tensors, path, step
