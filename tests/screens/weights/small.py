"""Small models in every layout that the screen reads, with numbers from a seed; no torch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from run_writing import writing
from safetensors.numpy import save_file

from core.config import GPTConfig, TrainConfig
from core.training.rundir import RunWriter
from core.weights.keymap import tensor_names

SHAPE = GPTConfig(40, 16, 24, 3, 2)


def numbers(config: GPTConfig = SHAPE, seed: int = 0, scale: float = 0.1) -> dict[str, np.ndarray]:
    """Every tensor in our layout."""
    random = np.random.default_rng(seed)
    found = {}
    for name in tensor_names(config):
        values = random.normal(scale=scale, size=name.shape).astype(np.float32)
        found[name.ours] = values + (1 if name.ours.endswith(("ln_1.weight", "ln_2.weight", "ln_f.weight")) else 0)
    return found


def huggingface(folder: Path, tensors: dict[str, np.ndarray] | None = None, config: GPTConfig = SHAPE) -> Path:
    """A folder as transformers writes it."""
    tensors = tensors if tensors is not None else numbers(config)
    folder.mkdir(parents=True, exist_ok=True)
    out = {
        n.huggingface: np.ascontiguousarray(tensors[n.ours].T if n.transposed_in_openai else tensors[n.ours])
        for n in tensor_names(config)
    }
    save_file(out, folder / "model.safetensors")
    shape = {
        "model_type": "gpt2",
        "vocab_size": config.vocab_size,
        "n_positions": config.context_length,
        "n_embd": config.emb_dim,
        "n_head": config.n_heads,
        "n_layer": config.n_layers,
        "activation_function": "gelu_new",
    }
    (folder / "config.json").write_text(json.dumps(shape))
    return folder


def snapshot(run: Path, step: int, tensors: dict[str, np.ndarray]) -> Path:
    """One more snapshot of a run, put in place as the trainer does."""
    path = run / "snapshots" / f"step-{step:06}.safetensors"
    path.parent.mkdir(exist_ok=True)
    beside = path.with_suffix(".new")
    save_file({name: values.astype(np.float16) for name, values in tensors.items()}, beside)
    beside.replace(path)
    return path


def run_with(folder: Path, steps: dict[int, dict[str, np.ndarray]], config: GPTConfig = SHAPE) -> Path:
    """A finished run that has kept snapshots."""
    train = TrainConfig(model=config, max_steps=max(steps), corpus="tiny-shakespeare", tokenizer="char")
    meta = {"config": train.to_dict(), "parameters": config.parameters(), "tokenizer": "char", "host": "here"}
    with writing(RunWriter.create(folder, meta)):
        pass
    for step, tensors in steps.items():
        snapshot(folder, step, tensors)
    return folder
