"""The TensorFlow backend: the twin with its optimizer, behind the protocol that the training loop knows.

With the same seed it starts from the very weights that PyTorch's backend draws, and sees the same windows in the same
order: two runs that differ in ``--backend`` alone lie on each other until rounding parts them.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core import __version__
from core.config import TrainConfig
from core.errors import ConfigError
from core.keras_twin.loading import Chatter, load_tensorflow
from core.training.backend import StepResult, seed_for

if TYPE_CHECKING:
    from torch import Tensor

    from core.training.backend import Batch

DTYPES = {"auto": "float32", "float32": "float32", "bfloat16": "bfloat16"}


class KerasBackend:
    """The Keras twin with its optimizer on one device.

    Args:
        config: the run; the model's vocabulary must be known.
        log: where TensorFlow's own messages go, for as long as the backend lives; None: nowhere.

    Raises:
        MissingExtraError: TensorFlow is not installed, or too old.
        ConfigError: an optimizer, a device or a precision that there is not; the title says which there are.
    """

    def __init__(self, config: TrainConfig, log: Path | None = None) -> None:
        check_config(config)
        self._config = config
        self._chatter = Chatter(log)
        self._chatter.begin()
        try:
            self._make(config)
        except BaseException:
            self._chatter.end()
            raise

    def _make(self, config: TrainConfig) -> None:
        tf = load_tensorflow()
        self.device, self.dtype = pick_device(tf, config.device), DTYPES[config.dtype]
        self.threads = set_threads(tf, config.threads)
        import keras

        from core.keras_twin import weights
        from core.keras_twin.gpt import KerasGPT
        from core.keras_twin.optimizers import AdamW
        from core.keras_twin.steps import Steps

        policy = "mixed_bfloat16" if self.dtype == "bfloat16" else "float32"
        self.model = KerasGPT(config.model, dtype=policy)
        weights.assign(self.model, initial_weights(config))
        self.parameters = int(sum(np.prod(v.shape) for v in weights.variables(self.model).values()))
        self._weights = weights
        self._optimizer = AdamW(weights.variables(self.model), config.beta1, config.beta2, config.weight_decay)
        self._steps = Steps(self.model, self._optimizer, config.grad_clip, config.batch_size)
        self._decoder: Any = None
        self.versions = {
            "llm-lab": __version__,
            "tensorflow": str(tf.__version__),
            "keras": str(keras.__version__),
            "python": platform.python_version(),
            "sums": self._steps.compiler,
        }

    def feed(self, batch: Callable[[int], Batch], numbers: range) -> Iterator[Any]:
        """The batches in their order as tensors, through ``tf.data``: the next are gathered while a step computes."""
        from core.keras_twin.tf_windows import feed

        return feed(batch, (self._config.batch_size, self._config.model.context_length), numbers)

    def train_step(self, batches: Sequence[Any], step: int, rate: float) -> StepResult:
        """One optimizer step; where the loss or the gradient is not finite, the weights stay as they are."""
        c = self._config
        seeds = [_two_words(seed_for(c.seed, "dropout", step, number)) for number in range(len(batches))]
        return StepResult(*self._steps.step(batches, seeds, c.learning_rate * rate))

    def evaluate(self, batches: Iterable[Batch]) -> float:
        """The mean loss over all targets of the batches, in nats, without dropout."""
        total, count = 0.0, 0
        for ids, targets in batches:
            total += self._steps.loss(ids, targets) * targets.size
            count += targets.size
        return total / count

    def sample(self, prompt: Sequence[int], n: int, seed: int) -> list[int]:
        """``n`` tokens after the prompt, at temperature 0.8 among the 40 likeliest."""
        from core.keras_twin.decode import Decoder

        if self._decoder is None:
            self._decoder = Decoder(self.model)
        tokens: list[int] = self._decoder.continue_text(prompt, n, temperature=0.8, top_k=40, seed=seed)
        return tokens

    def peak_flops(self) -> float | None:
        """What a large matrix product reaches on this CPU, measured once with PyTorch; None on a GPU."""
        if self.device != "cpu":
            return None
        import torch

        from core.training.measure import matmul_rate

        return matmul_rate(torch.device("cpu"), getattr(torch, self.dtype), self.threads)

    def model_tensors(self) -> dict[str, Tensor]:
        """The model's tensors by our names in our layout, copied."""
        return _as_torch(self._weights.arrays(self.model))

    def optimizer_tensors(self) -> dict[str, Tensor]:
        """Moments by the parameters' names, in our layout, as PyTorch's backend writes them."""
        return _as_torch(self._optimizer.arrays())

    def load(self, model: Mapping[str, Tensor], optimizer: Mapping[str, Tensor] | None) -> None:
        """Takes over weights, and the optimizer's tensors where they are given.

        Raises:
            CheckpointError: a tensor is missing, superfluous, or has another shape.
        """
        self._weights.assign(self.model, _as_arrays(model), "the checkpoint")
        if optimizer is not None:
            self._optimizer.load(_as_arrays(optimizer))

    def close(self) -> None:
        """Gives standard error back; what TensorFlow has set up stays for as long as the process."""
        self._chatter.end()


def check_config(config: TrainConfig) -> None:
    """Refuses what this backend has not, before TensorFlow is loaded.

    Raises:
        ConfigError: the optimizer or the precision.
    """
    if config.optimizer != "adamw":
        raise ConfigError(
            f"the tensorflow backend trains with adamw, got optimizer {config.optimizer}",
            "add --optimizer adamw, or leave --backend out",
        )
    if config.dtype not in DTYPES:
        raise ConfigError(
            f"{config.dtype} was asked for; the tensorflow backend trains in float32 or bfloat16",
            "take dtype float32, or auto",
        )


def pick_device(tf: Any, wanted: str) -> str:
    """The device to compute on: auto takes a GPU that TensorFlow sees, or else the CPU.

    Raises:
        ConfigError: TensorFlow does not see it.
    """
    gpus = tf.config.list_physical_devices("GPU")
    here = [*(["cuda"] if gpus else []), "cpu"]
    device = here[0] if wanted == "auto" else wanted
    if device not in here:
        raise ConfigError(
            f"device {wanted} was asked for, TensorFlow sees {', '.join(here)}",
            "leave device at auto, or take cpu; tensorflow-cpu never sees a GPU",
        )
    if device == "cpu" and gpus:
        tf.config.set_visible_devices([], "GPU")
    return device


def set_threads(tf: Any, wanted: int) -> int:
    """Gives TensorFlow so many threads (0: one for each core) and returns how many it has; the first call counts."""
    from core.training.launch import usable_cores

    with suppress(RuntimeError):  # it has begun to compute in this process: the threads are there
        tf.config.threading.set_intra_op_parallelism_threads(wanted or usable_cores())
    return int(tf.config.threading.get_intra_op_parallelism_threads()) or usable_cores()


def initial_weights(config: TrainConfig) -> dict[str, Any]:
    """The weights that PyTorch's backend starts from with this seed."""
    import torch

    from core.model.gpt import GPT

    model = GPT(config.model, torch.Generator().manual_seed(seed_for(config.seed, "weights")))
    return {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}


def _two_words(seed: int) -> Any:
    """A state for Keras's generator, (2,) uint32, from a 63-bit seed."""
    return np.array([seed & 0xFFFFFFFF, seed >> 32], dtype=np.uint32)


def _as_torch(arrays: Mapping[str, Any]) -> dict[str, Tensor]:
    import torch

    return {name: torch.from_numpy(np.asarray(array, order="C")) for name, array in arrays.items()}


def _as_arrays(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {name: tensor.detach().float().cpu().numpy() for name, tensor in tensors.items()}
