"""What a training of word vectors says as it goes: plain numbers and words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """The words have been counted, and training begins."""

    kind: ClassVar[Literal["counted"]] = "counted"
    corpus: str
    sentences: int
    words: int
    """Of the whole text."""
    vocabulary: int
    """Different words that get a vector."""
    left_out: int
    """Different words that stand less often than ``min_count``."""
    epochs: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True, slots=True)
class BatchEvent:
    """One batch has been learnt from."""

    kind: ClassVar[Literal["batch"]] = "batch"
    epoch: int
    """From 1."""
    share: float
    """How much of the whole training is done, 0 to 1."""
    alpha: float
    words_per_second: float
    """Words of the text, over the whole training so far."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True, slots=True)
class EpochEvent:
    """The text has been read once more."""

    kind: ClassVar[Literal["epoch"]] = "epoch"
    epoch: int
    """From 1."""
    epochs: int
    loss: float
    """Nats for each word learnt from: minus the log probability of the true pairs and of the noise, as gensim's inner
    loop adds it up while it learns (its tables are up to 3 % off; what has a dot product beyond 6 is left out). With
    skip-gram a word has several pairs, with cbow one. So it falls within one training, and compares only between equal
    settings."""
    words: int
    """Words of the text."""
    trained_words: int
    """Those among them that are in the vocabulary and were not thinned out."""
    seconds: float
    words_per_second: float
    probes: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]
    """Each probe with its nearest words and their cosines; none for a word without a vector."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"kind": self.kind, **asdict(self), "probes": {word: list(near) for word, near in self.probes}}


TrainingEvent = CountedEvent | BatchEvent | EpochEvent
