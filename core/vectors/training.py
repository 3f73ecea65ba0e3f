"""Word2Vec on any text, as a generator of events; the vectors are there at any moment, also half learnt.

gensim builds the vocabulary and the first weights and does the learning (its compiled inner loop, one batch of at most
10,000 words at a time). What is ours is the loop around the batches, for three reasons. It can be stopped between two
batches. It needs no thread when ``workers`` is 1; the result is then bit for bit what ``gensim.models.Word2Vec``
gives with the same settings (by test). And its loss is right: gensim adds every loss to one float32 that is handed from
epoch to epoch, so that it is a sum over all epochs, hardly grows beyond 2**24, and loses what threads add at the same
time. Here each batch starts a sum of its own (``training_batches.py``), and the sums are added in double precision.

Leaves out: hierarchical softmax, phrases, going on from vectors that were saved (the second matrix is not kept).
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from core.errors import CorpusError, InputError, MemoryShortError
from core.vectors.sentences import sentences
from core.vectors.training_batches import BATCH_WORDS, Batch, learn, new_model
from core.vectors.training_config import Word2VecConfig
from core.vectors.training_events import BatchEvent, CountedEvent, EpochEvent, TrainingEvent
from core.vectors.word2vec_files import save

if TYPE_CHECKING:
    from core.vectors.store import Vectors

__all__ = [
    "BatchEvent",
    "CountedEvent",
    "EpochEvent",
    "TrainingEvent",
    "VectorTraining",
    "Word2VecConfig",
    "save",
    "train",
    "train_steps",
]

PROBE_NEIGHBOURS = 8
TEACHING = "teaching"
"""The name of the text that the demo vectors are trained on."""


class VectorTraining:
    """A training of word vectors: iterate it for its events; ``vectors()`` gives what there is so far.

    Ends early, keeping what it has, when ``cancel`` is set or the loop over it is left.
    """

    def __init__(
        self,
        text: str,
        config: Word2VecConfig | None = None,
        probes: Sequence[str] = (),
        *,
        name: str = "a text",
        synthetic: bool = False,
        cancel: threading.Event | None = None,
    ) -> None:
        self.config = config or Word2VecConfig()
        self.name = name
        self.synthetic = synthetic
        """Whether the text is made up, which is said wherever its vectors are shown."""
        self.done = 0.0
        """How much of the training is done, 0 to 1."""
        self._text = text
        self._probes = [word.lower() if self.config.lowercase else word for word in probes]
        self._cancel = cancel or threading.Event()
        self._model: Any = None
        self._events: Generator[TrainingEvent] = self._run()

    def __iter__(self) -> Iterator[TrainingEvent]:
        return self._events

    def close(self) -> None:
        """Ends it, as leaving the loop does; what there is stays."""
        self._events.close()

    @property
    def finished(self) -> bool:
        """Whether every epoch was done."""
        return self.done == 1.0

    @property
    def started(self) -> bool:
        """Whether there are vectors already, if only the random ones of the beginning."""
        return self._model is not None

    @property
    def shape(self) -> tuple[int, int]:
        """(V, D), once it has started."""
        return len(self._model.wv), self.config.vector_size

    def keyed(self) -> Any:
        """What there is so far as gensim's ``KeyedVectors``, a copy: (V, D) float32, the most frequent word first.

        Raises:
            InputError: the words are not even counted yet.
        """
        if self._model is None:
            raise InputError("nothing has been learnt yet", "let it count the words first")
        from gensim.models import KeyedVectors

        own = self._model.wv
        copy = KeyedVectors(own.vector_size, count=len(own))
        copy.index_to_key, copy.key_to_index = list(own.index_to_key), dict(own.key_to_index)
        copy.vectors = own.vectors.copy()
        copy.expandos["count"] = own.expandos["count"].copy()
        return copy

    def vectors(self) -> Vectors:
        """What there is so far, to search in; raises as ``keyed`` does."""
        from core.vectors.store import Vectors

        part = "" if self.finished else f", {self.done:.0%} of a training"
        label = f"{self.config.method} on {self.name}{' (synthetic)' if self.synthetic else ''}{part}"
        return Vectors.of_keyed(self.keyed(), spec=self.name, label=label, synthetic=self.synthetic)

    def neighbours(self, word: str, n: int = PROBE_NEIGHBOURS) -> tuple[tuple[str, float], ...]:
        """The ``n`` nearest words and their cosines as they are now; none if the word has no vector."""
        import numpy as np

        own = self._model.wv
        if word not in own.key_to_index:
            return ()
        lengths = np.linalg.norm(own.vectors, axis=1)
        at = own.key_to_index[word]
        cosines = own.vectors @ own.vectors[at] / np.maximum(lengths * lengths[at], 1e-12)
        cosines[at] = -np.inf
        n = min(n, len(own) - 1)
        best = np.argsort(-cosines, kind="stable")[:n]
        return tuple((own.index_to_key[i], float(cosines[i])) for i in best)

    def _run(self) -> Generator[TrainingEvent]:
        began = time.monotonic()
        counts: Counter[str] = Counter()
        batches = self._batches(counts)
        if self._cancel.is_set():
            return
        _must_fit(self.config, sum(count >= self.config.min_count for count in counts.values()))
        try:
            self._model = new_model(self.config, counts)
            yield CountedEvent(
                corpus=self.name,
                sentences=sum(map(len, batches)),
                words=counts.total(),
                vocabulary=len(self._model.wv),
                left_out=len(counts) - len(self._model.wv),
                epochs=self.config.epochs,
                seconds=time.monotonic() - began,
            )
            yield from self._epochs(batches, counts.total())
        except MemoryError:
            raise _too_large(self.config, len(counts)) from None

    def _batches(self, counts: Counter[str]) -> list[Batch]:
        """The sentences in batches as gensim would make them, and their words counted; raises if there are none."""
        batches: list[Batch] = []
        room = 0
        for number, sentence in enumerate(sentences(self._text, self.config.lowercase)):
            if number % 1000 == 0 and self._cancel.is_set():
                return []
            if len(sentence) > room:
                batches.append([])
                room = BATCH_WORDS
            batches[-1].append(sentence)
            room -= len(sentence)
            counts.update(sentence)
        self._text = ""  # the words are kept; the text may be large
        if not any(count >= self.config.min_count for count in counts.values()):
            least = self.config.min_count
            raise CorpusError(
                f"expected a text in which a word stands {least} times, the {counts.total():,} words of {self.name} "
                "have none"
                if counts
                else f"expected a text with words in it, {self.name} has none",
                "a smaller min_count (--min-count 1), or more text" if counts else "give another text",
            )
        return batches

    def _epochs(self, batches: list[Batch], words: int) -> Iterator[TrainingEvent]:
        config, began = self.config, time.monotonic()
        before, after = _shares(batches)
        for epoch in range(config.epochs):
            epoch_began, read, trained, losses = time.monotonic(), 0, 0, 0.0
            alphas = [self._alpha(epoch, share) for share in before]
            for done, learnt in zip(after, learn(self._model, batches, alphas, self._cancel), strict=False):
                read, trained, losses = read + learnt.words, trained + learnt.trained_words, losses + learnt.loss
                self.done = (epoch + done) / config.epochs
                if done < 1:
                    rate = (epoch * words + read) / max(time.monotonic() - began, 1e-9)
                    yield BatchEvent(epoch + 1, self.done, self._alpha(epoch, done), rate)
            if read < words:
                return
            seconds = time.monotonic() - epoch_began
            yield EpochEvent(
                epoch=epoch + 1,
                epochs=config.epochs,
                loss=losses / trained if trained else math.nan,
                words=words,
                trained_words=trained,
                seconds=seconds,
                words_per_second=words / max(seconds, 1e-9),
                probes=tuple((word, self.neighbours(word)) for word in self._probes),
            )

    def _alpha(self, epoch: int, share: float) -> float:
        """The learning rate, as gensim lets it fall: linearly over all epochs, batch by batch."""
        high, low = self.config.alpha, self.config.min_alpha
        return max(low, high - (high - low) * (epoch + share) / self.config.epochs)


def _shares(batches: list[Batch]) -> tuple[list[float], list[float]]:
    """How much of the sentences lies before each batch, and after it."""
    ends = list(itertools.accumulate(map(len, batches)))
    return [end_before / ends[-1] for end_before in (0, *ends[:-1])], [end / ends[-1] for end in ends]


def _needed(config: Word2VecConfig, words: int) -> int:
    """Bytes of the two matrices in float32."""
    return 2 * 4 * words * config.vector_size


def _must_fit(config: Word2VecConfig, words: int) -> None:
    """Refuses what this machine has no memory for, before the system ends the process for trying."""
    import psutil

    if _needed(config, words) > psutil.virtual_memory().available:
        raise _too_large(config, words)


def _too_large(config: Word2VecConfig, words: int) -> MemoryShortError:
    return MemoryShortError(
        f"no memory for two matrices of {words:,} words x {config.vector_size:,} numbers "
        f"({_needed(config, words) / 1e9:,.1f} GB)",
        "a larger --min-count or a smaller --vector-size takes less",
    )


def train_steps(
    corpus: str,
    config: Word2VecConfig | None = None,
    probes: Sequence[str] = (),
    *,
    cancel: threading.Event | None = None,
) -> VectorTraining:
    """A training on a named corpus, a text file or a folder; iterate it for its events.

    Args:
        corpus: what ``core.load_corpus`` takes, or ``teaching``, the made-up text of the demo vectors.
        config: the settings; left out, gensim's own with skip-gram.
        probes: words whose neighbours each ``EpochEvent`` carries.
        cancel: set, it ends the training after the batch at hand, with what there is kept.

    Raises:
        CorpusError: no such text; while iterating, no word that stands often enough.
        MemoryShortError: while iterating, the matrices do not fit.
    """
    if corpus == TEACHING:
        from core.vectors.teaching_text import write_corpus

        return VectorTraining(write_corpus(), config, probes, name=corpus, synthetic=True, cancel=cancel)
    from core.data.corpora import corpus as read

    found = read(corpus)
    return VectorTraining(found.text, config, probes, name=found.name, cancel=cancel)


def train(corpus: str, config: Word2VecConfig | None = None, *, cancel: threading.Event | None = None) -> Vectors:
    """Trains to the end (or until ``cancel``) and returns the vectors; raises as ``train_steps`` does."""
    training = train_steps(corpus, config, cancel=cancel)
    for _ in training:
        pass
    return training.vectors()
