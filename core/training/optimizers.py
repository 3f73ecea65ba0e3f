"""AdamW over everything, or Muon over the matrices inside the blocks and AdamW over the rest.

Both are PyTorch's own. AdamW works on the flat buffers, so that one kernel updates the whole model. On a CPU the work
is cut into shares, one for each thread of the crew. Matrices decay, biases and norms do not.

Sources: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019); Jordan et al., "Muon: An optimizer for
hidden layers in neural networks" (2024).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from core.config import TrainConfig
from core.errors import CheckpointError
from core.training.flat import FlatParameters

NEWTON_SCHULZ_STEPS = 5
_MOMENTS = ("exp_avg", "exp_avg_sq")


class Optimizers:
    """The optimizer of one model, in ``shares`` parts that may run at the same time."""

    def __init__(self, config: TrainConfig, flat: FlatParameters, shares: int) -> None:
        self._flat, self._muon_used = flat, config.optimizer == "muon"
        self._first = flat.block_matrices_end if self._muon_used else 0  # where AdamW's part begins
        self._ranges: list[tuple[int, int, nn.Parameter]] = []
        self._parts: list[list[torch.optim.Optimizer]] = [[] for _ in range(shares)]
        for share in range(shares):
            decaying = self._piece(self._first, flat.matrices_end, share, shares)
            plain = self._piece(flat.matrices_end, flat.data.numel(), share, shares)
            groups = [
                {"params": [p], "weight_decay": decay}
                for p, decay in ((decaying, config.weight_decay), (plain, 0.0))
                if p is not None
            ]
            if groups:
                betas = (config.beta1, config.beta2)
                self._parts[share].append(torch.optim.AdamW(groups, config.learning_rate, betas, 1e-8, fused=True))
        if self._muon_used:
            self._add_muon(config, shares)
        self._peaks = [[[g["lr"] for g in o.param_groups] for o in part] for part in self._parts]

    @property
    def shares(self) -> int:
        """How many parts there are."""
        return len(self._parts)

    def step(self, share: int, rate: float) -> None:
        """Updates one share's parameters from their gradients, at ``rate`` times the peak learning rates."""
        for optimizer, peaks in zip(self._parts[share], self._peaks[share], strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * rate
            optimizer.step()

    def tensors(self) -> dict[str, Tensor]:
        """The optimizer's state by the parameters' names: ``exp_avg/NAME``, ``exp_avg_sq/NAME``, ``momentum/NAME``."""
        out: dict[str, Tensor] = {}
        for moment in _MOMENTS:
            whole = torch.zeros_like(self._flat.data)
            for start, stop, parameter in self._ranges:
                if state := self._state(parameter):
                    whole[start:stop] = state[moment]
            out |= {
                f"{moment}/{piece.name}": self._flat.view(whole, piece)
                for piece in self._flat.pieces
                if piece.start >= self._first
            }
        steps = self._state(self._ranges[0][2]).get("step", torch.zeros(()))
        out["step"] = steps.detach().clone().float().cpu()
        for name, parameter in self._muon_parameters().items():
            buffer = self._state(parameter).get("momentum_buffer")
            out[f"momentum/{name}"] = torch.zeros_like(parameter.data) if buffer is None else buffer
        return out

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes over what ``tensors()`` gave, cut for any number of shares.

        Raises:
            CheckpointError: a tensor is missing, or has another shape.
        """
        wanted = self.tensors()
        for name, tensor in wanted.items():
            if name not in tensors or tensors[name].shape != tensor.shape:
                came = f"shape {tuple(tensors[name].shape)}" if name in tensors else "nothing"
                raise CheckpointError(
                    f"the optimizer's {name} should have shape {tuple(tensor.shape)}, the checkpoint has {came}",
                    "resume with the same model and optimizer, or start a new run with --init-from",
                )
        device = self._flat.data.device
        whole = {moment: torch.zeros_like(self._flat.data) for moment in _MOMENTS}
        for moment in _MOMENTS:
            for piece in self._flat.pieces:
                if piece.start >= self._first:
                    self._flat.view(whole[moment], piece).copy_(tensors[f"{moment}/{piece.name}"])
        for start, stop, parameter in self._ranges:
            state = {moment: whole[moment][start:stop].clone() for moment in _MOMENTS}
            self._owner(parameter).state[parameter] = {"step": tensors["step"].clone().to(device), **state}
        for name, parameter in self._muon_parameters().items():
            momentum = tensors[f"momentum/{name}"].to(device).clone()
            self._owner(parameter).state[parameter] = {"momentum_buffer": momentum}

    def _piece(self, start: int, stop: int, share: int, shares: int) -> nn.Parameter | None:
        begin = start + (stop - start) * share // shares
        end = start + (stop - start) * (share + 1) // shares
        if begin == end:
            return None
        parameter = nn.Parameter(self._flat.data[begin:end])
        parameter.grad = self._flat.grad[begin:end]
        self._ranges.append((begin, end, parameter))
        return parameter

    def _add_muon(self, config: TrainConfig, shares: int) -> None:
        matrices = list(self._muon_parameters().values())
        matrices.sort(key=lambda m: -m.numel())
        for share in range(shares):
            mine = matrices[share::shares]
            if mine:
                self._parts[share].append(
                    torch.optim.Muon(
                        mine,
                        config.muon_learning_rate,
                        config.weight_decay,
                        config.momentum,
                        ns_steps=NEWTON_SCHULZ_STEPS,
                    )
                )

    def _muon_parameters(self) -> dict[str, nn.Parameter]:
        if not self._muon_used:
            return {}
        return {p.name: self._flat.parameters[p.name] for p in self._flat.pieces if p.stop <= self._first}

    def _owner(self, parameter: nn.Parameter) -> torch.optim.Optimizer:
        for part in self._parts:
            for optimizer in part:
                if any(parameter is p for group in optimizer.param_groups for p in group["params"]):
                    return optimizer
        raise AssertionError("each parameter has an optimizer")

    def _state(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self._owner(parameter).state.get(parameter, {})
        return state
