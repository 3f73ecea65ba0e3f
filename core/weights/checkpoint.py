"""Our own checkpoints and snapshots as models to use: ``core.load_model("NAME@best")``.

Leaves out, for now, everybody else's files: OpenAI's, Hugging Face's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.config import Device, DType, GPTConfig, TrainConfig
from core.errors import CheckpointError, ModelSpecError, RunError
from core.files import read_json
from core.tokenizers import load_tokenizer
from core.tokenizers.base import Tokenizer
from core.training import checkpoints, stored
from core.training.runs import open_run

if TYPE_CHECKING:
    import torch

    from core.model.gpt import GPT

LATER = ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")


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


def load_model(spec: str, *, device: Device = "auto", dtype: DType = "auto") -> LoadedModel:
    """Opens what a run trained.

    Args:
        spec: ``NAME`` (its best checkpoint, or else its latest), ``NAME@STEP``, ``NAME@best``, ``NAME@latest``; NAME is
            a run in the runs folder, a path of one, or ``demo``.
        device: auto takes CUDA, then MPS, then the CPU.
        dtype: of the weights; auto is float32.

    Raises:
        ModelSpecError: the name means nothing here.
        CheckpointError: the run has no such step, or its file is damaged.
    """
    import torch

    from core.model.gpt import GPT
    from core.training.measure import pick_device
    from core.training.torch_backend import misfit

    run_dir, which = _find(spec)
    config, tensors, source, step = _read(run_dir, which)
    place = pick_device(device)
    wanted = torch.float32 if dtype == "auto" else getattr(torch, dtype)
    with torch.device("meta"):
        model = GPT(config)
    if problem := misfit(dict(model.named_parameters()), tensors):
        raise CheckpointError(f"{source} does not fit the run's configuration: {problem}", "take another checkpoint")
    model.load_state_dict({name: t.to(place, wanted) for name, t in tensors.items()}, assign=True)
    model.eval().requires_grad_(False)
    return LoadedModel(model, load_tokenizer(run_dir), config, source, spec, step)


def _find(spec: str) -> tuple[Path, str]:
    name, at, which = spec.rpartition("@")
    name, which = (name, which) if at else (spec, "")
    if name in LATER or name.startswith(("hf:", "openai:")):
        raise ModelSpecError(
            f"{spec} is a pre-trained model, this version opens runs only",
            "train one: llm-lab train --preset shakespeare-1min",
        )
    try:
        return open_run(name).path, which
    except RunError as error:
        raise ModelSpecError(
            f"no model is called {spec}; NAME, NAME@STEP or NAME@best of a run was expected", error.hint
        ) from error


def _read(run_dir: Path, which: str) -> tuple[GPTConfig, dict[str, torch.Tensor], Path, int]:
    infos = {info.step: info for info in stored.list_checkpoints(run_dir)}
    snapshots = {info.step: info for info in stored.list_snapshots(run_dir)}
    if which.isdigit() and int(which) not in infos and int(which) in snapshots:
        return _read_snapshot(run_dir, int(which), snapshots[int(which)].path)
    if not infos and snapshots and which in ("", "best", "latest"):  # a run that came without checkpoints: the demo
        step = max(snapshots)
        return _read_snapshot(run_dir, step, snapshots[step].path)
    if which and which not in ("best", "latest") and not (which.isdigit() and int(which) in infos):
        have = sorted({*infos, *snapshots})
        raise CheckpointError(
            f"the run {run_dir.name} has nothing at {which}; best, latest or a step was expected",
            "there are steps " + ", ".join(map(str, have[-12:])) if have else "train it first",
        )
    if not which:
        which = "best" if any(info.best for info in infos.values()) else "latest"
    path = stored.find_checkpoint(run_dir, int(which) if which.isdigit() else which)
    checkpoint = checkpoints.load_checkpoint(path)
    config = TrainConfig.from_dict(checkpoint.state["config"]).model
    return config, checkpoint.model, path / stored.MODEL, checkpoint.step


def _read_snapshot(run_dir: Path, step: int, path: Path) -> tuple[GPTConfig, dict[str, torch.Tensor], Path, int]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    meta = read_json(run_dir / "run.json") or {}
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"the snapshot {path.name} cannot be read: {error}", "take another step") from error
    return GPTConfig.from_dict(meta["config"]["model"]), tensors, path, step
