"""Weights that came as a pickle: read once, tensors alone (``weights_only=True``), so that no code in them runs.

``core.load_model`` refuses them and names ``llm-lab convert``, which reads them here and writes safetensors.
"""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.config import GPTConfig
from core.errors import CheckpointError
from core.weights.huggingface import PICKLE_SUFFIXES, PICKLES, has_weights, read_json_object
from core.weights.keymap import check_tensors, huggingface_names, is_ignored, tensor_names

if TYPE_CHECKING:
    import torch


def is_pickle(path: Path) -> bool:
    """Whether a path is a pickle of weights, or a folder that has its weights as one and not as safetensors."""
    if path.is_dir():
        return not has_weights(path) and any((path / name).is_file() for name in PICKLES)
    return path.suffix in PICKLE_SUFFIXES and path.is_file()


class Pickled:
    """The tensors of a pickle of Hugging Face's kind, under our names and in our shapes.

    Args:
        path: the file, or its folder.
        config: the shape that they must have.

    Raises:
        CheckpointError: it holds more than tensors, is damaged, or does not fit the configuration.
    """

    def __init__(self, path: Path, config: GPTConfig) -> None:
        found: dict[str, torch.Tensor] = {}
        for file in _files(path):
            found |= {name: tensor for name, tensor in _load(file).items() if not is_ignored(name)}
        names, full = tensor_names(config), huggingface_names(config, found)
        head, embedding = found.get("lm_head.weight"), found.get(full["transformer.wte.weight"])
        if config.tie_weights and head is not None and embedding is not None and head.equal(embedding):
            del found["lm_head.weight"]
        expected = {full[name.huggingface]: name.shape_in("huggingface") for name in names}
        check_tensors(expected, {name: tuple(tensor.shape) for name, tensor in found.items()}, str(path))
        self._tensors = {n.ours: (found[full[n.huggingface]], n.transposed_in_openai) for n in names}

    def array(self, name: str) -> NDArray[np.float32]:
        """The values of a tensor of ours, in our shape."""
        tensor, turned = self._tensors[name]
        values: NDArray[np.float32] = tensor.detach().float().numpy()
        return values.T if turned else values


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    name = next(name for name in PICKLES if (path / name).is_file())
    if not name.endswith(".json"):
        return [path / name]
    table = read_json_object(path / name).get("weight_map")
    shards = sorted({str(shard) for shard in table.values()}) if isinstance(table, dict) else []
    for shard in shards:
        if shard != Path(shard).name or "\\" in shard or not (path / shard).is_file():
            raise CheckpointError(f"{path / name} names {shard!r}, a file beside it was expected", "copy it there")
    return [path / shard for shard in shards]


def _load(path: Path) -> dict[str, torch.Tensor]:
    import torch

    again = "take the safetensors of the same model, or save it anew where it was trained"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of protocols that it may not know: then it says so
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path} holds more than tensors, and reading it could run code: it is refused", again
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        said = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path} cannot be read: {said}", again) from None
    if not isinstance(found, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in found.values()):
        raise CheckpointError(f"{path} is no table of tensors", again)
    return {str(name): tensor for name, tensor in found.items()}
