"""What the threads of the embeddings screen send back; each says what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from core.errors import LabError
    from core.vectors.answers import Closeness
    from core.vectors.progress import LoadProgress
    from core.vectors.sources import VectorSource
    from core.vectors.store import Vectors
    from core.vectors.tsne import ProjectionProgress
    from screens.embeddings.reader import Asked, Drawn


class Loading(Message):
    """How far reading vectors is; the newest is enough."""

    def __init__(self, number: int, progress: LoadProgress) -> None:
        super().__init__()
        self.number = number
        self.progress = progress

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, Loading)


class Loaded(Message):
    """Vectors are here, or why not; None: it was cancelled."""

    def __init__(self, number: int, spec: str, found: Vectors | LabError | None) -> None:
        super().__init__()
        self.number = number
        self.spec = spec
        self.found = found


class Answered(Message):
    """What an expression comes to."""

    def __init__(self, number: int, text: str, found: Asked | LabError) -> None:
        super().__init__()
        self.number = number
        self.text = text
        self.found = found


class Pictured(Message):
    """Matrix and map."""

    def __init__(self, number: int, found: Drawn | LabError) -> None:
        super().__init__()
        self.number = number
        self.found = found


class Compared(Message):
    """Everything about two words."""

    def __init__(self, number: int, found: Closeness | LabError) -> None:
        super().__init__()
        self.number = number
        self.found = found


class Arranged(Message):
    """How far a map by t-SNE is, the map, or why there is none; None: it was given up."""

    def __init__(self, number: int, found: ProjectionProgress | LabError | None) -> None:
        super().__init__()
        self.number = number
        self.found = found


class Spelled(Message):
    """What unknown words may have been meant to be."""

    def __init__(self, said: str) -> None:
        super().__init__()
        self.said = said


class Listed(Message):
    """Vectors that can be opened."""

    def __init__(self, sources: Sequence[VectorSource]) -> None:
        super().__init__()
        self.sources = tuple(sources)
