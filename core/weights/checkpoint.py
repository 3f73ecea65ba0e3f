"""Any model that can be named, ready to use: ``core.load_model("demo")``, ``core.load_model("gpt2")``.

Weights that need no change are mapped, not read: the system brings in the pages that are used, and takes them back when
memory is short. Where a file holds the transpose of ours (Hugging Face's, OpenAI's), ours is a view of it; that is as
fast in float32 on a CPU, and slow in 16 bits, so everything that is converted is laid out anew.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from core.config import DType, GPTConfig
from core.errors import CheckpointError, ConfigError, nearest
from core.tokenizers import load_tokenizer
from core.tokenizers.base import Tokenizer
from core.training import checkpoints, stored
from core.weights.locate import Located, Weights, ready
from core.weights.tokenizer_files import tokenizer_of

if TYPE_CHECKING:
    import torch

    from core.model.gpt import GPT
    from core.weights.tensor_file import Entry

_SHORT = {"fp16": "float16", "half": "float16", "bf16": "bfloat16", "fp32": "float32", "float": "float32"}
_FILLERS = frozenset({"normal_", "uniform_", "kaiming_uniform_", "fill_", "zero_", "ones_", "zeros_"})


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to use, with what belongs to it."""

    model: GPT
    """In evaluation mode, gradients off. Its float32 weights on a CPU may be mapped: a change stays in this process."""
    tokenizer: Tokenizer
    config: GPTConfig
    source: Path
    """The file that the weights came from, the first of them where there are several."""
    spec: str
    step: int | None
    """Of the run that trained it; None for a model that comes from elsewhere."""
    maps: tuple[mmap.mmap, ...] = field(default=(), repr=False, compare=False)
    """The mapped files that weights lie in."""

    def rest(self) -> None:
        """Lets go of the memory that mapped weights take, until they are used again; what was changed in them is lost.

        For who has packed the weights elsewhere. Does nothing where nothing is mapped, or the system cannot.
        """
        for mapped in self.maps:
            if hasattr(mapped, "madvise"):
                mapped.madvise(mmap.MADV_DONTNEED)


def load_model(spec: str, *, device: str = "auto", dtype: DType = "auto") -> LoadedModel:
    """Opens a model by its name.

    Args:
        spec: ``demo``; a run (``NAME``, its best checkpoint or else its latest, ``NAME@STEP``, ``NAME@best``,
            ``NAME@latest``); ``gpt2``, ``gpt2-medium``, ``gpt2-large``, ``gpt2-xl``; ``hf:OWNER/NAME``;
            ``openai:124M`` and so on; or the path of a run, of a folder of Hugging Face's, OpenAI's or ours, or of a
            ``.safetensors`` with its ``config.json`` beside it. A checkpoint of OpenAI's is converted the first time.
        device: auto takes CUDA, then MPS, then the CPU; ``cuda:1`` and the like name one of several.
        dtype: of the weights; auto is float32.

    Raises:
        ModelSpecError: the name means nothing here, or the model is not on this machine; the hint fetches it.
        CheckpointError: a file is missing or damaged, or a tensor is missing, left over or misshapen.
        ConfigError: an unknown dtype, a device that this machine does not have, or a model of another kind.
        TokenizerError: no tokenizer lies beside it, or a damaged one.
        MissingExtraError: OpenAI's checkpoint needs TensorFlow.
    """
    where = ready(spec)
    model, maps = load_weights(where, device=device, dtype=dtype)
    tokenizer = load_tokenizer(where.folder) if where.run is not None else tokenizer_of(where.folder, where.config)
    return LoadedModel(model, tokenizer, where.config, where.files[0], spec, where.step, maps)


def load_weights(where: Located, *, device: str = "auto", dtype: DType = "auto") -> tuple[GPT, tuple[mmap.mmap, ...]]:
    """The model alone, of what ``core.weights.locate.ready`` found, and what is mapped; raises as ``load_model``."""
    import torch

    from core.training.measure import pick_device

    wanted, place = _dtype(dtype), pick_device(device)
    if where.files[0].name == stored.MODEL and where.run is not None:
        checkpoints.check_model(where.files[0].parent)
    model = _unfilled(where.config)
    tensors, maps = _tensors(where, Weights(where), torch.device(place), wanted)
    model.load_state_dict(tensors, assign=True)
    return model.eval().requires_grad_(False), maps


def _unfilled(config: GPTConfig) -> GPT:
    """A model whose parameters have shapes and no values.

    Its initial weights are not drawn: even on the meta device the first ``normal_`` imports half of torch's compiler,
    for a second and 100 MB.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    from core.model.gpt import GPT

    class Undrawn(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if getattr(func, "__name__", "") in _FILLERS:  # of Tensor, or of torch.nn.init
                return args[0] if args else kwargs["tensor"]
            return func(*args, **(kwargs or {}))

    with torch.device("meta"), Undrawn():
        return GPT(config)


def _dtype(name: str) -> torch.dtype:
    import torch

    known = get_args(DType)
    if name not in known:
        meant = f" (did you mean {_SHORT[name]}?)" if name in _SHORT else nearest(str(name), known)
        raise ConfigError(
            f"dtype must be one of {', '.join(known)}, got {name!r}{meant}", "leave dtype at auto for float32"
        )
    return torch.float32 if name == "auto" else cast(torch.dtype, getattr(torch, name))


def _tensors(
    where: Located, weights: Weights, device: torch.device, wanted: torch.dtype
) -> tuple[dict[str, torch.Tensor], tuple[mmap.mmap, ...]]:
    """The model's parameters by our names: mapped where nothing changes, else read one by one; and what is mapped."""
    import torch

    # The files of a run are pruned and replaced while it goes on: a model of it holds its own copy.
    may_map = device.type == "cpu" and wanted == torch.float32 and where.run is None
    maps: dict[Path, mmap.mmap] = {}
    out = {}
    for name in weights.names:
        path, entry, turned = weights.place(name)
        held = cast(torch.dtype, getattr(torch, entry.dtype))
        if may_map and held == wanted and entry.start % held.itemsize == 0:
            if path not in maps:
                maps[path] = _map(path)
            tensor = torch.frombuffer(maps[path], dtype=held, count=entry.size // held.itemsize, offset=entry.start)
            tensor = tensor.reshape(entry.shape)
            out[name] = tensor.t() if turned else tensor
        else:
            tensor = _read(path, entry, held)
            out[name] = (tensor.t() if turned else tensor).to(device, wanted).contiguous()
    return out, tuple(maps.values())


def _map(path: Path) -> mmap.mmap:
    """A file in memory; what is written there stays in this process."""
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be mapped: {error}", "copy or fetch it again") from None


def _read(path: Path, entry: Entry, held: torch.dtype) -> torch.Tensor:
    import torch

    tensor = torch.empty(entry.shape, dtype=held)
    if not entry.size:
        return tensor
    try:
        with path.open("rb") as file:
            file.seek(entry.start)
            read = file.readinto(tensor.reshape(-1).view(torch.uint8).numpy().data)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}", "take another step") from error
    if read != entry.size:
        raise CheckpointError(f"{path} ended within the tensor {entry.name}", "copy or fetch it again")
    return tensor
