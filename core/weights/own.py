"""Our own folder of a model that belongs to no run: ``config.json``, ``model.safetensors``, ``tokenizer.json``.

The weights lie as our model has them, (out, in). This is what ``llm-lab convert --to llm-lab`` writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.config import GPTConfig
from core.errors import CheckpointError
from core.weights.huggingface import CONFIG, read_json_object

FORMAT, VERSION = "llm-lab", 1


def is_own(folder: Path) -> bool:
    """Whether a folder's ``config.json`` is ours; one that cannot be read is not."""
    try:
        return read_json_object(folder / CONFIG).get("format") == FORMAT
    except CheckpointError:
        return False


def read_config(folder: Path) -> GPTConfig:
    """The shape of the model in a folder of ours.

    Raises:
        CheckpointError: ``config.json`` is damaged, or of a newer version.
        ConfigError: it states no shape.
    """
    raw = read_json_object(folder / CONFIG)
    if not isinstance(raw.get("version"), int) or raw["version"] > VERSION:
        raise CheckpointError(
            f"{folder / CONFIG} has version {raw.get('version')}, up to {VERSION} is known here",
            "it was written by a newer version: pip install --upgrade llm-lab",
        )
    return GPTConfig.from_dict(raw.get("model", {}))


def config_dict(config: GPTConfig) -> dict[str, Any]:
    """What ``config.json`` says."""
    return {"format": FORMAT, "version": VERSION, "model": config.to_dict()}
