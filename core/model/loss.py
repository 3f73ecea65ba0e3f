"""Cross-entropy over a large vocabulary, a chunk of rows at a time, with its gradients taken on the way.

With 50,257 words the logits of one small batch outweigh the model. So each chunk's logits are made, turned into loss
and gradients in place, and dropped; what remains is the gradient of the hidden states and of the head.

Shapes: N rows (batch times time), C channels, V vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from core.model.gpt import GPT

CHUNK_BYTES = 32 * 2**20
"""About how much memory the float32 logits of one chunk take."""


def chunk_rows(vocab_size: int) -> int:
    """How many rows of logits make one chunk.

    >>> chunk_rows(65) > 50_000, chunk_rows(50257)
    (True, 166)
    """
    return max(1, CHUNK_BYTES // (4 * vocab_size))


def cross_entropy_and_gradient(logits: Tensor, targets: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """The summed loss of float32 logits (n, V), and ``scale`` times its gradient, written over the logits."""
    rows = torch.arange(targets.numel(), device=targets.device)
    peak, chosen = logits.amax(1), logits[rows, targets]  # (n,)
    z = logits.sub_(peak.unsqueeze(1)).exp_().sum(1)  # (n,)
    logits.mul_((scale / z).unsqueeze(1))
    logits[rows, targets] -= scale
    return (z.log() + peak - chosen).sum(), logits


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, targets: Tensor, learning: bool) -> Tensor:
        n = targets.numel()
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        d_hidden = torch.empty_like(hidden) if learning and hidden.requires_grad else None
        d_head = torch.zeros_like(head, dtype=torch.float32) if learning and head.requires_grad else None
        rows = chunk_rows(head.shape[0])
        for at in range(0, n, rows):
            part = slice(at, at + rows)
            logits = (hidden[part] @ head.t()).float()  # (n, V)
            loss, gradient = cross_entropy_and_gradient(logits, targets[part], 1 / n)
            total += loss
            gradient = gradient.to(hidden.dtype)
            if d_hidden is not None:
                torch.mm(gradient, head, out=d_hidden[part])
            if d_head is not None:
                d_head += gradient.t() @ hidden[part]
        ctx.save_for_backward(d_hidden, d_head)
        ctx.head_dtype = head.dtype
        return total / n

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor | None, Tensor | None, None, None]:
        (grad,) = grads
        d_hidden, d_head = ctx.saved_tensors
        return (
            None if d_hidden is None else d_hidden * grad.to(d_hidden.dtype),
            None if d_head is None else (d_head * grad).to(ctx.head_dtype),
            None,
            None,
        )


def chunked_cross_entropy(hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats, float32, differentiable in ``hidden`` and ``head``.

    Args:
        hidden: (N, C), any floating dtype; under autocast the products run in autocast's dtype.
        head: (V, C).
        targets: (N,) int64.
    """
    if torch.is_autocast_enabled(hidden.device.type):
        dtype = torch.get_autocast_dtype(hidden.device.type)
        hidden, head = hidden.to(dtype), head.to(dtype)
        with torch.autocast(hidden.device.type, enabled=False):
            out: Tensor = _ChunkedCrossEntropy.apply(hidden, head, targets, torch.is_grad_enabled())  # type: ignore[no-untyped-call]
            return out
    plain: Tensor = _ChunkedCrossEntropy.apply(hidden, head, targets, torch.is_grad_enabled())  # type: ignore[no-untyped-call]
    return plain


@torch.no_grad()
def text_losses(model: GPT, residuals: Tensor, ids: Tensor) -> Tensor:
    """Mean cross-entropy in nats of each token given those before it, of several passes over one text.

    Args:
        model: whose final norm and head are used.
        residuals: what leaves the last layer in each pass, (B, T, C).
        ids: the text, (T,) int64; a single token has nothing before it, and the loss of it is not a number.

    Returns:
        (B,) float64, on the CPU.
    """
    B, T, C = residuals.shape
    hidden = model.ln_f(residuals[:, :-1]).reshape(-1, C)  # (B (T - 1), C)
    targets = ids[1:].repeat(B)
    losses = torch.empty(len(targets), device=ids.device)
    rows = chunk_rows(model.head.shape[0])
    for at in range(0, len(targets), rows):
        part = slice(at, at + rows)
        logits = (hidden[part] @ model.head.t()).float()  # (n, V)
        chosen = logits.gather(1, targets[part, None])[:, 0]
        losses[part] = torch.logsumexp(logits, 1) - chosen
    return losses.cpu().double().view(B, T - 1).mean(1)
