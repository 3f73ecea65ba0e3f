"""Hugging Face's folder of a GPT-2: ``config.json`` beside ``model.safetensors``, in one file or in shards.

What our model cannot do as the configuration asks (another activation, epsilon, inner width) is refused by name, never
ignored. No pickle here: ``core.weights.convert`` reads a ``.bin`` once, with ``weights_only=True``.
Source of the fields: transformers, models/gpt2/configuration_gpt2.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.config import GPTConfig
from core.errors import CheckpointError, ConfigError

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt", "pytorch_model.pt")
PICKLE_SUFFIXES = (".bin", ".pt", ".pth")
OURS = "llm_lab"
"""The key in ``config.json`` under which a shape stands that Hugging Face's own fields cannot say."""

_SAME_GELU = ("gelu_new", "gelu_pytorch_tanh", "gelu_fast")
"""Three names, one function: GELU in its tanh form, as GPT-2 has it."""


def is_huggingface(folder: Path) -> bool:
    """Whether a folder is of Hugging Face's kind."""
    return (folder / CONFIG).is_file()


def has_weights(folder: Path) -> bool:
    """Whether a folder has weights as safetensors."""
    return (folder / WEIGHTS).is_file() or (folder / INDEX).is_file()


def read_json_object(path: Path) -> dict[str, Any]:
    """A JSON file that must hold an object.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{path.name} was expected in {path.parent}, it is not there", "copy it there") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}", "look at its permissions") from None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged: {error}", "copy or fetch it again") from None
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} is damaged: an object was expected", "copy or fetch it again")
    return found


def read_config(path: Path) -> GPTConfig:
    """The shape that a ``config.json`` of a GPT-2 states.

    Raises:
        CheckpointError: the file is missing or damaged.
        ConfigError: it asks for what our model does not do; the title names each such field.
    """
    raw = read_json_object(path)
    kind = raw.get("model_type", "gpt2")
    if kind != "gpt2":
        raise ConfigError(f"{path}: model_type gpt2 was expected, got {kind!r}", "the lab runs models of GPT-2's kind")
    if problems := _refused(raw):
        raise ConfigError(f"{path} asks for what this model does not do: {'; '.join(problems)}", _ONLY)
    fields = {
        "vocab_size": raw.get("vocab_size", 50257),
        "context_length": raw.get("n_positions", raw.get("n_ctx", 1024)),
        "emb_dim": raw.get("n_embd", 768),
        "n_heads": raw.get("n_head", 12),
        "n_layers": raw.get("n_layer", 12),
        "tie_weights": raw.get("tie_word_embeddings", True),
    }
    fields |= _own_fields(raw)
    try:
        return GPTConfig.from_dict(fields)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.title}", "copy or fetch it again") from None


_ONLY = "it runs GPT-2 as published: activation gelu_new, epsilon 1e-5, inner width four times the embedding"


def _own_fields(raw: Mapping[str, Any]) -> dict[str, Any]:
    own = raw.get(OURS)
    if not isinstance(own, dict):
        return {}
    return {name: own[name] for name in ("qkv_bias", "drop_rate", "init_std") if name in own}


def _refused(raw: Mapping[str, Any]) -> list[str]:
    """What a configuration asks for that our model does not do."""
    width, inner, problems = raw.get("n_embd", 768), raw.get("n_inner"), []
    activation, epsilon = raw.get("activation_function", "gelu_new"), raw.get("layer_norm_epsilon", 1e-5)
    if activation not in _SAME_GELU:
        problems.append(f"activation_function {activation!r} (gelu_new is what it has)")
    if epsilon != 1e-5:
        problems.append(f"layer_norm_epsilon {epsilon!r} (1e-05 is what it has)")
    if inner is not None and (not isinstance(width, int) or inner != 4 * width):
        problems.append(f"n_inner {inner!r} (four times n_embd, {4 * width if isinstance(width, int) else '?'})")
    for name, usual in (
        ("scale_attn_weights", True),
        ("scale_attn_by_inverse_layer_idx", False),
        ("add_cross_attention", False),
    ):
        if raw.get(name, usual) is not usual:
            problems.append(f"{name} {raw[name]!r} ({usual} is what it has)")
    return problems


def config_dict(config: GPTConfig, end_of_text: int | None = None) -> dict[str, Any]:
    """The ``config.json`` with which transformers builds the same model.

    Args:
        config: our shape.
        end_of_text: the id of the token that ends a text, if the tokenizer has one.
    """
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": config.vocab_size,
        "n_positions": config.context_length,
        "n_ctx": config.context_length,
        "n_embd": config.emb_dim,
        "n_head": config.n_heads,
        "n_layer": config.n_layers,
        "n_inner": None,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
        "scale_attn_weights": True,
        "resid_pdrop": config.drop_rate,
        "embd_pdrop": config.drop_rate,
        "attn_pdrop": config.drop_rate,
        "initializer_range": config.init_std,
        "tie_word_embeddings": config.tie_weights,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "torch_dtype": "float32",
        OURS: {"qkv_bias": config.qkv_bias, "drop_rate": config.drop_rate, "init_std": config.init_std},
    }


def pickle_refused(path: Path, name: str, safe: Path) -> CheckpointError:
    """The two lines for weights that are a pickle: why they are not loaded, and how they can be written anew."""
    return CheckpointError(
        f"{path} has its weights as {name}, a pickle, which can run code when it is read",
        f"write it anew as safetensors, read with weights_only: llm-lab convert {path} {safe}",
    )


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The safetensors files of a folder: the one, or the shards that its index names.

    Raises:
        CheckpointError: there is none, a shard is missing, or the index names a file outside the folder.
    """
    if (folder / WEIGHTS).is_file():
        return (folder / WEIGHTS,)
    if not (folder / INDEX).is_file():
        if pickle := next((name for name in PICKLES if (folder / name).exists()), None):
            raise pickle_refused(folder, pickle, Path(f"{folder}-safe"))
        raise CheckpointError(f"{WEIGHTS} was expected in {folder}, it is not there", "copy or fetch it there")
    table = read_json_object(folder / INDEX).get("weight_map")
    if not isinstance(table, dict) or not table:
        raise CheckpointError(f"{folder / INDEX} is damaged: it has no weight_map", "copy or fetch it again")
    names = sorted({str(name) for name in table.values()})
    for name in names:
        if not name.endswith(".safetensors") or name != Path(name).name or "\\" in name or ":" in name:
            raise CheckpointError(
                f"{folder / INDEX} names {name!r}, a safetensors file beside it was expected", "don't trust this folder"
            )
        if not (folder / name).is_file():
            raise CheckpointError(f"the shard {name} of {folder} is not there", "copy or fetch it there")
    return tuple(folder / name for name in names)
