"""What every pane of the attention screen draws: one text through one model, and the place of the cursor in it.

Plain values and the traces that more can be asked of. Whoever asks a trace does so in a thread and holds ``lock``.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.model.trace import Trace
    from core.weights.checkpoint import LoadedModel

Head = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """The one cursor that grid, pattern, strip and bars share."""

    layer: int = 0
    head: int = 0
    row: int = 0
    """The token that asks."""
    column: int = 0
    """The token that is looked at."""

    def at(self, **changes: int) -> Place:
        """The same place but for some of it."""
        return replace(self, **changes)

    def inside(self, layers: int, heads: int, tokens: int) -> Place:
        """The nearest place that there is; a row sees no column behind itself."""
        row = max(0, min(self.row, tokens - 1))
        return Place(
            max(0, min(self.layer, layers - 1)),
            max(0, min(self.head, heads - 1)),
            row,
            max(0, min(self.column, row)),
        )


@dataclass(frozen=True, eq=False)
class Seen:
    """One text through one model."""

    number: int
    """Of the question that this answers; a higher one is newer."""
    spec: str
    loaded: LoadedModel
    text: str
    ids: tuple[int, ...]
    """The tokens that were traced: those of the text, without the first ``cut``."""
    pieces: tuple[bytes, ...]
    """The bytes of each."""
    labels: tuple[str, ...]
    """Each as it is written beside a row or over a column."""
    cut: int
    """Tokens at the front that the context has no room for."""
    off: frozenset[Head]
    """Heads that are switched off in ``trace``."""
    trace: Trace
    base: Trace
    """The run with all heads on; the same object where none is off."""
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    """Held while one of the two traces is asked: each remembers the layer asked for last."""
    seconds: float = 0.0
    """What tracing took."""
    stamp: tuple[tuple[str, int, int], ...] = ()
    """What the model's files were like when they were read."""

    @property
    def layers(self) -> int:
        """Layers of the model."""
        return self.loaded.config.n_layers

    @property
    def heads(self) -> int:
        """Heads of a layer."""
        return self.loaded.config.n_heads

    @property
    def tokens(self) -> int:
        """Tokens that were traced."""
        return len(self.ids)

    @property
    def patterns_fit(self) -> bool:
        """Whether the patterns of all heads are small enough to be kept together."""
        return self.layers * self.heads * self.tokens**2 * 4 <= KEEP_ALL


KEEP_ALL = 256 << 20
"""Bytes of patterns up to which those of all heads are kept; beyond it, those of the layer that is shown."""
