"""A model opened for decoding alone, in little more memory than its packed weights and its cache.

What ``load_model`` maps is packed block by block, and the pages of each block are let go before the next is read. Where
weights are converted while they are loaded, the model is in memory once more until it is packed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import MemoryShortError
from core.generation.pace import Precision, make_runner
from core.generation.runner import Runner

if TYPE_CHECKING:
    from core.weights.checkpoint import LoadedModel


def runner_for(loaded: LoadedModel, precision: Precision = "auto") -> Runner:
    """A runner for a loaded model, its weights packed.

    Raises:
        ConfigError: there is no such precision, or not on the model's device.
        MemoryShortError: the packed weights do not fit.
    """
    try:
        return make_runner(loaded.model, precision, after_block=loaded.rest)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "alloc" not in str(error) and "out of memory" not in str(error):
            raise
        size = loaded.config.parameters()
        raise MemoryShortError(
            f"{loaded.spec} does not fit into memory at {precision}: {size * 4 / 1e9:.1f} GB in float32, "
            f"{size * 2 / 1e9:.1f} GB in 16 bits, {size / 1e9:.1f} GB in 8 were expected",
            "take --precision int8, a smaller model, or close something",
        ) from error
