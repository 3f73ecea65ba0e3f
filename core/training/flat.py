"""A model's parameters and gradients as two flat tensors, with the model's own tensors as views into them.

One buffer makes whole-model operations single kernels: the gradient's norm, clipping, AdamW, the cast to bfloat16.
The order is: matrices inside the blocks, other matrices (embeddings, head), vectors (norms, biases), so that what
decays, or what Muon takes, is one contiguous piece.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Piece:
    """One parameter's place in the flat buffers."""

    name: str
    start: int
    stop: int
    shape: torch.Size


class FlatParameters:
    """Moves a model's parameters into one flat tensor (float32, on the model's device), gradients beside them."""

    def __init__(self, model: nn.Module) -> None:
        named = sorted(
            model.named_parameters(), key=lambda item: _rank(*item)
        )  # stable: the model's order within a group
        self.pieces: list[Piece] = []
        at = 0
        for name, parameter in named:
            self.pieces.append(Piece(name, at, at + parameter.numel(), parameter.shape))
            at += parameter.numel()
        first = named[0][1]
        self.data = torch.empty(at, dtype=torch.float32, device=first.device)
        self.grad = torch.zeros_like(self.data)
        for piece, (_, parameter) in zip(self.pieces, named, strict=True):
            view = self.view(self.data, piece)
            view.copy_(parameter.detach())
            parameter.data = view
            parameter.grad = self.view(self.grad, piece)
        self.parameters = dict(named)
        ranks = [_rank(name, parameter) for name, parameter in named]
        self.block_matrices_end = sum(p.stop - p.start for p, r in zip(self.pieces, ranks, strict=True) if r == 0)
        self.matrices_end = sum(p.stop - p.start for p, r in zip(self.pieces, ranks, strict=True) if r <= 1)

    @staticmethod
    def view(flat: Tensor, piece: Piece) -> Tensor:
        """The part of a flat tensor that belongs to one parameter, in its shape."""
        return flat[piece.start : piece.stop].view(piece.shape)

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """All parts of a flat tensor of this layout, by the parameters' names."""
        return {piece.name: self.view(flat, piece) for piece in self.pieces}


def _rank(name: str, parameter: Tensor) -> int:
    if parameter.dim() < 2:
        return 2
    return 0 if name.startswith("h.") else 1
