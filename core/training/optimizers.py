"""AdamW over everything, or Muon over the matrices inside the blocks and AdamW over the rest.

AdamW is PyTorch's fused kernel on the flat buffers, so that one call updates the whole model; Muon is written out. On a
CPU the work is cut into shares, one for each thread of the crew. Matrices decay, biases and norms do not. The classes
of ``torch.optim`` would give the same numbers (by test), but the first of them that is made imports PyTorch's compiler:
over a second of a run's start.

Sources: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019); Jordan et al., "Muon: An optimizer for
hidden layers in neural networks" (2024).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from core.config import TrainConfig
from core.errors import CheckpointError
from core.training.flat import FlatParameters

NEWTON_SCHULZ_STEPS = 5
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""The quintic's coefficients, as Jordan et al. tuned them."""
_EPSILON = 1e-8
_LEAST_NORM = 1e-7
_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True, slots=True)
class _Range:
    """A range of the flat buffers that AdamW updates at once."""

    start: int
    stop: int
    data: Tensor
    grad: Tensor
    decay: float
    exp_avg: Tensor
    exp_avg_sq: Tensor
    step: Tensor


@dataclass(frozen=True, slots=True)
class _Matrix:
    """A matrix that Muon updates."""

    name: str
    data: Tensor
    grad: Tensor
    momentum: Tensor


class Optimizers:
    """The optimizer of one model, in ``shares`` parts that may run at the same time."""

    def __init__(self, config: TrainConfig, flat: FlatParameters, shares: int) -> None:
        self._config, self._flat = config, flat
        self._first = flat.block_matrices_end if config.optimizer == "muon" else 0  # where AdamW's part begins
        self._ranges = [self._ranges_of(share, shares) for share in range(shares)]
        matrices = self._matrices_by_size() if config.optimizer == "muon" else []
        self._matrices = [matrices[share::shares] for share in range(shares)]

    @property
    def shares(self) -> int:
        """How many parts there are."""
        return len(self._ranges)

    @torch.no_grad()
    def step(self, share: int, rate: float) -> None:
        """Updates one share's parameters from their gradients, at ``rate`` times the peak learning rates."""
        config = self._config
        for part in self._ranges[share]:
            adamw(
                [part.data],
                [part.grad],
                [part.exp_avg],
                [part.exp_avg_sq],
                [],
                [part.step],
                fused=True,
                amsgrad=False,
                beta1=config.beta1,
                beta2=config.beta2,
                lr=config.learning_rate * rate,
                weight_decay=part.decay,
                eps=_EPSILON,
                maximize=False,
            )
        for matrix in self._matrices[share]:
            muon(
                matrix.data,
                matrix.grad,
                matrix.momentum,
                learning_rate=config.muon_learning_rate * rate,
                weight_decay=config.weight_decay,
                momentum=config.momentum,
            )

    def tensors(self) -> dict[str, Tensor]:
        """The optimizer's state by the parameters' names: ``exp_avg/NAME``, ``exp_avg_sq/NAME``, ``momentum/NAME``."""
        out: dict[str, Tensor] = {}
        for moment in _MOMENTS:
            whole = torch.zeros_like(self._flat.data)
            for part in self._all_ranges():
                whole[part.start : part.stop] = getattr(part, moment)
            out |= {
                f"{moment}/{piece.name}": self._flat.view(whole, piece)
                for piece in self._flat.pieces
                if piece.start >= self._first
            }
        out["step"] = self._all_ranges()[0].step.clone().cpu()
        return out | {f"momentum/{m.name}": m.momentum for part in self._matrices for m in part}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes over what ``tensors()`` gave, cut for any number of shares.

        Raises:
            CheckpointError: a tensor is missing, or has another shape.
        """
        for name, tensor in self.tensors().items():
            if name not in tensors or tensors[name].shape != tensor.shape:
                came = f"shape {tuple(tensors[name].shape)}" if name in tensors else "nothing"
                raise CheckpointError(
                    f"the optimizer's {name} should have shape {tuple(tensor.shape)}, the checkpoint has {came}",
                    "resume with the same model and optimizer, or start a new run with --init-from",
                )
        for moment in _MOMENTS:
            whole = torch.zeros_like(self._flat.data)
            for piece in self._flat.pieces:
                if piece.start >= self._first:
                    self._flat.view(whole, piece).copy_(tensors[f"{moment}/{piece.name}"])
            for part in self._all_ranges():
                getattr(part, moment).copy_(whole[part.start : part.stop])
        for part in self._all_ranges():
            part.step.copy_(tensors["step"])
        for matrix in (m for part in self._matrices for m in part):
            matrix.momentum.copy_(tensors[f"momentum/{matrix.name}"])

    def _all_ranges(self) -> list[_Range]:
        return [r for part in self._ranges for r in part]

    def _ranges_of(self, share: int, shares: int) -> list[_Range]:
        flat, found = self._flat, []
        for start, stop, decay in (
            (self._first, flat.matrices_end, self._config.weight_decay),
            (flat.matrices_end, flat.data.numel(), 0.0),
        ):
            begin = start + (stop - start) * share // shares
            end = start + (stop - start) * (share + 1) // shares
            if begin < end:
                data = flat.data[begin:end]
                step = torch.zeros((), dtype=torch.float32, device=data.device)
                zeros = torch.zeros_like(data), torch.zeros_like(data)
                found.append(_Range(begin, end, data, flat.grad[begin:end], decay, *zeros, step))
        return found

    def _matrices_by_size(self) -> list[_Matrix]:
        """What Muon updates, the largest first, so that the shares weigh alike."""
        flat, found = self._flat, []
        for piece in flat.pieces:
            if piece.stop <= self._first:
                data, grad = flat.view(flat.data, piece), flat.view(flat.grad, piece)
                found.append(_Matrix(piece.name, data, grad, torch.zeros_like(data)))
        return sorted(found, key=lambda matrix: -matrix.data.numel())


def muon(
    matrix: Tensor, grad: Tensor, momentum_buffer: Tensor, *, learning_rate: float, weight_decay: float, momentum: float
) -> None:
    """One step of Muon, in place: Nesterov momentum, made orthogonal.

    Args:
        matrix: (A, B) float32; its update is scaled by sqrt(max(1, A / B)).
        grad: (A, B).
        momentum_buffer: (A, B), zeros before the first step.
        learning_rate, weight_decay, momentum: of this step.
    """
    momentum_buffer.lerp_(grad, 1 - momentum)
    update = orthogonalised(grad.lerp(momentum_buffer, momentum))
    rows, columns = matrix.shape
    matrix.mul_(1 - learning_rate * weight_decay)
    matrix.add_(update, alpha=-learning_rate * max(1, rows / columns) ** 0.5)


def orthogonalised(matrix: Tensor) -> Tensor:
    """The matrix with its singular values brought near 1, in bfloat16, by five steps of Newton and Schulz.

    The coefficients are chosen for speed: singular values that were not tiny end between about 0.5 and 1.5.
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.bfloat16()
    x = x.T if tall else x
    x = x / x.norm().clamp(min=_LEAST_NORM)  # no singular value above 1
    for _ in range(NEWTON_SCHULZ_STEPS):
        square = x @ x.T
        polynomial = torch.addmm(square, square, square, beta=b, alpha=c)
        x = torch.addmm(x, polynomial, x, beta=a)
    return x.T if tall else x
