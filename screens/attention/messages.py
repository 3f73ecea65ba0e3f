"""What the threads of the attention screen send back; each says what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.message import Message

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.errors import LabError
    from screens.attention.reader import Measures, NextTokens
    from screens.attention.seen import Seen


class Traced(Message):
    """A text went through a model, or why it could not."""

    def __init__(self, number: int, slot: str, found: Seen | LabError) -> None:
        super().__init__()
        self.number = number
        self.slot = slot
        """``a``, or ``b``: the model to compare with."""
        self.found = found


class LayerRead(Message):
    """The attention of a layer: of each head, or of all heads together."""

    def __init__(self, seen: Seen, layer: int, how: str, values: NDArray[Any]) -> None:
        super().__init__()
        self.seen = seen
        self.layer = layer
        self.how = how
        """Empty: (H, T, T); else a way of ``core.model.rollout.TOGETHER``: (T, T)."""
        self.values = values


class Measured(Message):
    """The measures of all heads."""

    def __init__(self, seen: Seen, slot: str, measures: Measures) -> None:
        super().__init__()
        self.seen = seen
        self.slot = slot
        self.measures = measures


class NextRead(Message):
    """What comes after a token, as it is and as it was with all heads on."""

    def __init__(self, seen: Seen, found: NextTokens) -> None:
        super().__init__()
        self.seen = seen
        self.found = found


class Failed(Message):
    """Something that was asked of a text could not be told."""

    def __init__(self, number: int, error: LabError) -> None:
        super().__init__()
        self.number = number
        self.error = error


class Rewritten(Message):
    """The model's files are others now, or its run has kept a newer step."""

    def __init__(self, spec: str) -> None:
        super().__init__()
        self.spec = spec
