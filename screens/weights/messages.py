"""What the threads of the weights screen send back; each says what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from core.data.pull import PullItem
    from core.errors import LabError
    from core.weights.compare import TensorChange
    from core.weights.inspect import TensorStats
    from screens.weights.reader import Looked, Opened, Stamp


class ModelRead(Message):
    """A model's tensors are known, or why not."""

    def __init__(self, generation: int, spec: str, found: Opened | LabError) -> None:
        super().__init__()
        self.generation = generation
        self.spec = spec
        self.found = found


class TensorRead(Message):
    """Something is known of one tensor; more may follow."""

    def __init__(self, generation: int, found: Looked | LabError) -> None:
        super().__init__()
        self.generation = generation
        self.found = found


class Surveyed(Message):
    """Figures for the tree's column."""

    def __init__(self, spec: str, stamp: Stamp, found: dict[str, TensorStats]) -> None:
        super().__init__()
        self.spec = spec
        self.stamp = stamp
        self.found = found


class Compared(Message):
    """What moved between two models, or why that cannot be said."""

    def __init__(self, pair: tuple[str, str], found: Sequence[TensorChange] | LabError) -> None:
        super().__init__()
        self.pair = pair
        self.found = found


class DiskRead(Message):
    """What of the published models is here, and whether the shown model's files are others now."""

    def __init__(self, items: Sequence[PullItem], free: int, spec: str, stamp: Stamp | None) -> None:
        super().__init__()
        self.items = tuple(items)
        self.free = free
        self.spec = spec
        self.stamp = stamp


class Removed(Message):
    """Files of a published model are gone, or why not."""

    def __init__(self, name: str, freed: int | LabError) -> None:
        super().__init__()
        self.name = name
        self.freed = freed
