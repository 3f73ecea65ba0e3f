"""The PyTorch backend: picks device, dtype and engine, and puts model, engine and optimizer together."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core import __version__
from core.config import TrainConfig
from core.errors import CheckpointError
from core.generation.decode import continue_text
from core.model.gpt import GPT
from core.training.backend import StepResult, seed_for
from core.training.engines import AutogradEngine, Crew, Engine, ManualEngine
from core.training.flat import FlatParameters
from core.training.launch import usable_cores
from core.training.measure import matmul_rate, pick_device, pick_dtype
from core.training.optimizers import Optimizers

if TYPE_CHECKING:
    from core.training.backend import Batch


class TorchBackend:
    """A GPT with its optimizer on one device.

    On a CPU the backward pass is the hand-written one, unless ``compile`` is asked for; elsewhere it is autograd's.

    Raises:
        ConfigError: a device or a precision that this machine does not have.
    """

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        device = pick_device(config.device)
        self.threads = config.threads or usable_cores()
        dtype = pick_dtype(config.dtype, device)
        by_hand = device.type == "cpu" and not config.compile
        self._crew = Crew(self.threads if by_hand else 1)
        if device.type == "cpu" and not by_hand:
            torch.set_num_threads(self.threads)
        self.device, self.dtype = str(device), str(dtype).removeprefix("torch.")
        generator = torch.Generator().manual_seed(seed_for(config.seed, "weights"))
        self.model = GPT(config.model, generator).to(device)
        self.parameters = sum(p.numel() for p in self.model.parameters())
        self._flat = FlatParameters(self.model)
        self._optimizers = Optimizers(config, self._flat, self._crew.size)
        self._engine: Engine = (
            ManualEngine(self.model, self._flat, dtype, self._crew)
            if by_hand
            else AutogradEngine(self.model, self._flat, dtype, compiled=config.compile)
        )
        self.versions = {
            "llm-lab": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "cpu": torch.backends.cpu.get_cpu_capability(),
            "sums": self._engine.order,
        }

    def feed(self, batch: Callable[[int], Batch], numbers: range) -> Iterator[Batch]:
        """The batches in their order, each gathered when it is asked for."""
        return map(batch, numbers)

    def train_step(self, batches: Sequence[Batch], step: int, rate: float) -> StepResult:
        """One optimizer step; where the loss or the gradient is not finite, the weights stay as they are."""
        loss = self._engine.gradient(batches, self._config.seed, step)
        result = StepResult(loss, float(self._flat.grad.norm()))
        if not result.finite:
            return result
        if 0 < self._config.grad_clip < result.grad_norm:
            self._flat.grad.mul_(self._config.grad_clip / (result.grad_norm + 1e-6))
        self._crew.map(lambda share: self._optimizers.step(share, rate), self._optimizers.shares)
        return result

    def evaluate(self, batches: Iterable[Batch]) -> float:
        """The mean loss over all targets of the batches, in nats, without dropout."""
        return self._engine.loss(batches)

    def sample(self, prompt: Sequence[int], n: int, seed: int) -> list[int]:
        """``n`` tokens after the prompt, at temperature 0.8 among the 40 likeliest."""
        return continue_text(self.model, prompt, n, temperature=0.8, top_k=40, seed=seed)

    def peak_flops(self) -> float | None:
        """Floating-point operations a second of a large matrix product, on this device in this dtype."""
        return matmul_rate(self._flat.data.device, getattr(torch, self.dtype), self.threads)

    def model_tensors(self) -> dict[str, Tensor]:
        """The model's tensors by name, not copied."""
        return self._flat.views(self._flat.data)

    def optimizer_tensors(self) -> dict[str, Tensor]:
        """Moments and momenta by the parameters' names."""
        return self._optimizers.tensors()

    def load(self, model: Mapping[str, Tensor], optimizer: Mapping[str, Tensor] | None) -> None:
        """Takes over weights, and the optimizer's tensors where they are given.

        Raises:
            CheckpointError: a tensor is missing, superfluous, or has another shape.
        """
        own = self._flat.views(self._flat.data)
        if problem := misfit(own, model):
            raise CheckpointError(
                f"the checkpoint does not fit the model: {problem}",
                "take the same model and tokenizer as the run that wrote it",
            )
        for name, tensor in own.items():
            tensor.copy_(model[name])
        if optimizer is not None:
            self._optimizers.load(optimizer)

    def close(self) -> None:
        """Ends the crew's threads and gives PyTorch its own back."""
        self._crew.close()


def misfit(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str | None:
    """The first difference in names or shapes between a model's tensors and given ones, as a phrase."""
    for name, tensor in own.items():
        if name not in given:
            return f"{name} with shape {tuple(tensor.shape)} was expected, it is missing"
        if given[name].shape != tensor.shape:
            return f"{name} should have shape {tuple(tensor.shape)}, it has {tuple(given[name].shape)}"
    extra = sorted(set(given) - set(own))
    return f"{extra[0]} was not expected" if extra else None
