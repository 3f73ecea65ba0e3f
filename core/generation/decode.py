"""Decoding with a key-value cache, as little as a training run's samples need.

Leaves out what the generation console has (``engine.py``): streaming, alternatives, penalties, branches.

Shapes: B batch, T time, H heads, S keys so far, D channels of a head, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from core.config import GPTConfig
from core.model.gpt import GPT


class KVCache:
    """Keys and values of all layers, allocated once for the whole context."""

    def __init__(self, config: GPTConfig, like: Tensor, batch: int = 1) -> None:
        shape = (config.n_layers, 2, batch, config.n_heads, config.context_length, config.head_dim)
        self._store = torch.empty(shape, dtype=like.dtype, device=like.device)
        self.length = 0

    def update(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Stores a layer's new keys and values (B, H, T, D) and returns all so far, (B, H, S, D)."""
        end = self.length + k.shape[-2]
        keys, values = self._store[layer]
        keys[..., self.length : end, :] = k
        values[..., self.length : end, :] = v
        return keys[..., :end, :], values[..., :end, :]


@torch.no_grad()
def continue_text(
    model: GPT, prompt: Sequence[int], n: int, *, temperature: float = 1.0, top_k: int | None = None, seed: int = 0
) -> list[int]:
    """``n`` token ids drawn after the prompt.

    Past the context length the last half of the context is read again and decoding goes on from there.

    Args:
        model: the GPT; its mode (training or not) is put back afterwards.
        prompt: at least one token id.
        n: how many tokens to draw.
        temperature: what the logits are divided by; 0 takes the likeliest.
        top_k: draw among so many of the likeliest; None among all.
        seed: decides the draws.
    """
    assert prompt, "decoding starts from at least one token"
    was_training, context = model.training, model.config.context_length
    device = model.wte.weight.device
    generator = torch.Generator(device).manual_seed(seed)
    model.eval()
    cache, ids = KVCache(model.config, model.wte.weight), list(prompt)
    fresh = ids[-context:]  # what the cache does not hold yet
    for _ in range(n):
        if cache.length + len(fresh) > context:
            cache.length, fresh = 0, ids[-max(1, context // 2) :]
        logits = model(torch.tensor([fresh], device=device), cache)[0, -1]  # (V,)
        cache.length += len(fresh)
        fresh = [_draw(logits.float(), temperature, top_k, generator)]
        ids += fresh
    model.train(was_training)
    return ids[len(prompt) :]


def _draw(logits: Tensor, temperature: float, top_k: int | None, generator: torch.Generator) -> int:
    if temperature == 0:
        return int(logits.argmax())
    logits = logits / temperature
    if top_k is not None and top_k < logits.numel():
        logits = logits.masked_fill(logits < logits.topk(top_k).values[-1], -torch.inf)
    return int(torch.multinomial(logits.softmax(0), 1, generator=generator))
