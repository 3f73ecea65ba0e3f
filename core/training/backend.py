"""What computes: the protocol between the training loop and a framework.

The loop knows configurations, events and files; a backend knows tensors. PyTorch's is in torch_backend.py, that of the
TensorFlow twin in ``core.keras_twin.backend``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from core.config import TrainConfig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Batch = tuple[NDArray[np.int64], NDArray[np.int64]]
    """Inputs and targets, each (B, T) int64."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """One optimizer step: the batch's loss in nats per token and the gradient's norm before clipping."""

    loss: float
    grad_norm: float

    @property
    def finite(self) -> bool:
        """Whether both are; if not, the weights were left as they were."""
        return abs(self.loss) + abs(self.grad_norm) < float("inf")


class Backend(Protocol):
    """A model with its optimizer, ready to be trained; the constructor draws the initial weights from the seed."""

    device: str
    dtype: str
    threads: int
    parameters: int
    versions: dict[str, str]

    def feed(self, batch: Callable[[int], Batch], numbers: range) -> Iterator[Any]:
        """The batches to train on in their order, as ``train_step`` takes them; it may gather some ahead.

        Args:
            batch: which one has a number; a pure function.
            numbers: of those wanted.
        """
        ...

    def train_step(self, batches: Sequence[Any], step: int, rate: float) -> StepResult:
        """One optimizer step on the mean gradient of the batches.

        Args:
            batches: one, or ``grad_accumulation`` of them; what ``feed`` gives, or a ``Batch``.
            step: the step's number; with the seed it decides the dropout.
            rate: what the learning rates are multiplied with, 0 to 1.
        """
        ...

    def evaluate(self, batches: Iterable[Batch]) -> float:
        """The mean loss over all targets of the batches, without dropout."""
        ...

    def sample(self, prompt: Sequence[int], n: int, seed: int) -> list[int]:
        """``n`` tokens that the model writes after the prompt."""
        ...

    def peak_flops(self) -> float | None:
        """Floating-point operations a second that the device reaches in a large matrix product; None: not measured."""
        ...

    def model_tensors(self) -> dict[str, Any]:
        """The model's tensors by name, not copied."""
        ...

    def optimizer_tensors(self) -> dict[str, Any]:
        """What the optimizer must be given back to go on exactly, by name."""
        ...

    def load(self, model: Mapping[str, Any], optimizer: Mapping[str, Any] | None) -> None:
        """Takes over weights and, to go on exactly, the optimizer's tensors."""
        ...

    def close(self) -> None:
        """Gives back threads and settings."""
        ...


def make_backend(config: TrainConfig, log: Path | None = None) -> Backend:
    """The backend that a configuration names; the model's vocabulary must be known.

    Args:
        config: the run.
        log: the run's log, for what a framework says on its own.

    Raises:
        ConfigError: something that the backend has not.
        MissingExtraError: the backend's framework is not installed.
    """
    if config.backend == "tensorflow":
        from core.keras_twin.backend import KerasBackend

        return KerasBackend(config, log)
    from core.training.torch_backend import TorchBackend

    return TorchBackend(config)


def seed_for(*parts: int | str) -> int:
    """A 63-bit seed from any parts, the same everywhere: randomness as a pure function of (seed, step, purpose).

    >>> seed_for(1337, "dropout", 7) == seed_for(1337, "dropout", 7) != seed_for(1337, "dropout", 8)
    True
    """
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
