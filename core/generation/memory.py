"""What decoding needs beside the weights, said before it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.config import GPTConfig
from core.errors import LabError, MemoryShortError

if TYPE_CHECKING:
    import torch

    from core.generation.session import Session

_SPARE = 0.9
"""Share of the free memory that is offered as what would fit."""


def cache_bytes(config: GPTConfig, tokens: int, itemsize: int = 4) -> int:
    """Keys and values of one continuation.

    >>> cache_bytes(GPTConfig.preset("gpt2"), 1024) / 2**20
    72.0
    """
    return 2 * config.n_layers * config.emb_dim * min(tokens, config.context_length) * itemsize


def check_memory(session: Session, rows: int, prompt_tokens: int, new_tokens: int) -> None:
    """Refuses what the device cannot hold, before it takes the machine down.

    Raises:
        MemoryShortError: with what would fit.
    """
    config, device = session.runner.config, session.loaded.model.wte.weight.device
    itemsize = 4 if session.runner.dtype == "float32" else 2  # 8-bit weights come with a cache in bfloat16
    row = cache_bytes(config, prompt_tokens + new_tokens, itemsize) + 8 * (config.vocab_size or 0)  # and its logits
    free = free_bytes(device)
    if rows * row <= free:
        return
    title = (
        f"{rows:,} x {prompt_tokens + new_tokens:,} tokens need about {_size(rows * row)} for keys and values, "
        f"{_size(free)} are free"
    )
    if (fit := int(free * _SPARE) // row) >= 1:
        raise MemoryShortError(title, f"this would fit: {fit:,} at once (n, or beams)")
    tokens = int(free * _SPARE) // cache_bytes(config, 1, itemsize) - prompt_tokens
    if tokens >= 1:
        raise MemoryShortError(title, f"this would fit: max_new_tokens {tokens:,}")
    raise MemoryShortError(title, "close other programs, or take a smaller model")


def free_bytes(device: torch.device) -> int:
    """Memory that can still be had there."""
    import psutil
    import torch

    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


@contextmanager
def telling_out_of_memory() -> Iterator[None]:
    """Turns an allocation that failed after all into the two lines.

    Raises:
        MemoryShortError: with what to do.
    """
    try:
        yield
    except LabError:
        raise
    except (RuntimeError, MemoryError) as error:
        if not _out_of_memory(error):
            raise
        raise MemoryShortError(
            "out of memory while decoding: the machine has less than the model, its keys and values need",
            "close other programs, generate fewer continuations or beams, or take a smaller model or dtype",
        ) from error


def _out_of_memory(error: BaseException) -> bool:
    words = ("out of memory", "can't allocate memory", "not enough memory", "bad allocation")
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**28 else f"{count / 2**20:.0f} MiB"
