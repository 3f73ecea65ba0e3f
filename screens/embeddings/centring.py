"""Centring on the embeddings screen: the mean of all vectors taken from each, and put back, with one key.

Abstract: ``EmbedScreen`` completes it. What it does to vectors is ``core.vectors.centring``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from core.vectors.centring import MARK, split_centred
from screens.embeddings.dialogs import LARGE
from screens.embeddings.scores import number
from screens.embeddings.sources import EmbedSources

if TYPE_CHECKING:
    from core.vectors.store import Vectors
    from core.workbench import Workbench


def parts_of(spec: str) -> tuple[str, str]:
    """A name without what asks for centring, and that.

    >>> parts_of("demo@700:wte:centred"), parts_of("demo")
    (('demo@700:wte', ':centred'), ('demo', ''))
    """
    plain = split_centred(spec)
    return (spec, "") if plain is None else (plain, MARK)


class EmbedCentring(EmbedSources):
    """The part of the screen that centres what is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "n",
            "centre",
            show=False,
            id="embed.centre",
            tooltip="take the mean of all from each vector, or put it back",
        ),
    ]

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self._told_centring: Vectors | None = None
        """Whose sentence about centring was said already, or need not be."""

    def action_centre(self) -> None:
        """Takes the mean of all vectors from each; of vectors that are centred, puts it back."""
        vectors = self.vectors
        if vectors is None:
            return
        self._told_centring = vectors
        if vectors.plain is not None:
            self.take_vectors(vectors.plain)
        else:
            size = vectors.matrix_all.nbytes  # a job, where it takes long enough to be one
            self.begin(f"{vectors.label}, centred", size if size > LARGE else 0, vectors)

    def say_centring(self) -> bool:
        """Says once, after the first answer, what centring or putting it back has changed; whether it was said."""
        vectors, before = self.vectors, self._told_centring
        self._told_centring = None
        if vectors is None or before is None or vectors is before:
            return False
        what = "the mean of all is taken from each" if vectors.plain is not None else "as they are, with their mean"
        if before.mean_cosine is not None and vectors.mean_cosine is not None:
            what += f" · two at random: cosine {number(before.mean_cosine)} before, {number(vectors.mean_cosine)} now"
        self.say(f"{what} · n turns it back")
        return True
