"""What the twin takes of memory beside PyTorch's model, asked for before it is made.

Measured on Linux with TensorFlow 2.21, the peak of the comparing process: 0.8 GiB for the demo's model, 2.2 GiB for the
124M shape with a short text, 3.7 GiB with a full context; the sums below come out a little above each.
"""

from __future__ import annotations

from core.config import GPTConfig
from core.errors import MemoryShortError

_FIXED = 850 << 20
"""Bytes of a process that has both frameworks loaded."""
_COPIES = 3
"""Of the weights: PyTorch's, which may be mapped, Keras's, and one on its way between them."""
_LOGITS = 9
"""Arrays of the size of the logits at their most: both twins', Keras's from PyTorch's input, how far they are apart,
the loss in 64 bits."""


def twin_bytes(config: GPTConfig, tokens: int = 0) -> int:
    """Bytes that a process needs that makes the twin and runs both on so many tokens.

    >>> twin_bytes(GPTConfig(50257, 1024, 768, 12, 12), 1024) >> 20
    4040
    """
    return _FIXED + 4 * (_COPIES * config.parameters() + _LOGITS * tokens * (config.vocab_size or 0))


def check_memory(config: GPTConfig, what: str, tokens: int = 0) -> None:
    """Refuses what does not fit, before it is begun.

    Args:
        config: of the model.
        what: what needs the memory, for the error.
        tokens: of the text that both read; 0 where nothing is computed.

    Raises:
        MemoryShortError: with what would fit.
    """
    needed, free = twin_bytes(config, tokens), free_memory()
    if needed <= free:
        return
    fits = twin_bytes(config, 1) <= free if tokens > 1 else False
    raise MemoryShortError(
        f"{what} would need about {needed / 2**30:.1f} GiB of memory, {free / 2**30:.1f} GiB are free",
        f"a shorter text would fit: {_most_tokens(config, free):,} tokens"
        if fits
        else "close other programs, or take a smaller model",
    )


def free_memory() -> int:
    """Bytes of memory that can be had."""
    import psutil

    return int(psutil.virtual_memory().available)


def _most_tokens(config: GPTConfig, free: int) -> int:
    return int((free - twin_bytes(config)) // (4 * _LOGITS * (config.vocab_size or 1)))
