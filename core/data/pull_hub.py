"""What the files of a repository of Hugging Face's say of each other: its kind of model, and the parts of its weights.

All of it came from elsewhere and is taken with care: no name in it may lead out of the model's folder.
"""

from __future__ import annotations

from dataclasses import replace

from core.data.pull_catalogue import PullFile, shard
from core.errors import ModelSpecError
from core.files import read_json

INDEX = "model.safetensors.index.json"


def index_of(weights: PullFile) -> PullFile:
    """The index that stands for weights in several files."""
    urls = tuple(f"{url}.index.json" for url in weights.urls)
    return replace(weights, path=f"{weights.path}.index.json", urls=urls)


def check_config(config: PullFile, name: str) -> None:
    """Refuses another kind of model before its weights are fetched.

    Raises:
        ModelSpecError: it is not shaped as GPT-2 is.
    """
    found = read_json(config.dest)
    kind = found.get("model_type") if found else None
    if kind != "gpt2":
        said = f"is of the kind {kind!r}" if kind else "has a config.json that names no kind"
        raise ModelSpecError(
            f"expected a model of the kind 'gpt2', {name} {said}",
            "take one with GPT-2's shape, as in: llm-lab pull hf:openai-community/gpt2",
        )


def no_safetensors(name: str) -> ModelSpecError:
    """The two lines for a repository that offers its weights in another form alone."""
    return ModelSpecError(
        f"{name} has no model.safetensors and no index of several",
        "its weights may be there as pickle, which can run programs and is never fetched; take another model",
    )


def shards(index: PullFile) -> list[PullFile]:
    """The files that an index names, in order.

    Raises:
        ModelSpecError: it names none, or one that could lie elsewhere.
    """
    found = read_json(index.dest)
    names = found.get("weight_map") if found else None
    if not isinstance(names, dict) or not names or not all(isinstance(name, str) for name in names.values()):
        raise ModelSpecError(f"expected an index with a weight_map, {index.urls[0]} has none", "take another model")
    return [shard(index, name) for name in sorted(set(names.values()))]
