"""Word2Vec on any text, as a generator of events; the vectors are there at any moment, also half learnt.

gensim builds the vocabulary, the first weights and does the learning (its compiled inner loop, one batch of at most
10,000 words at a time). What is ours is the loop around the batches, for three reasons. It can be stopped between two
batches. It needs no thread when ``workers`` is 1; the result is then bit for bit what ``gensim.models.Word2Vec``
gives with the same settings (by test). And its loss is right: gensim adds every loss to one float32 that is handed from
epoch to epoch, so that it is a sum over all epochs, stops growing at 2**24, and loses what several threads add at the
same time. Here each batch starts a sum of its own, and the sums are added in double precision.

Leaves out: hierarchical softmax, phrases, going on from vectors that were saved (the second matrix is not kept).
"""

from __future__ import annotations

import math
import threading
import time
import zlib
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from core.errors import CorpusError, InputError, MemoryShortError
from core.files import write_bytes_atomic, write_error
from core.vectors.sentences import sentences
from core.vectors.training_config import Word2VecConfig

if TYPE_CHECKING:
    from core.vectors.store import Vectors

BATCH_WORDS = 10_000
"""Words in a batch at most: the room that gensim's inner loop has."""
PROBE_NEIGHBOURS = 8
TEACHING = "teaching"


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
    """Nats for each word learnt from: minus the log probability of the true pairs and the noise, as gensim's inner loop
    adds it up while it learns (pairs whose dot product is beyond 6 are left out there). With skip-gram a word has
    several pairs, with cbow one; so it falls within one training, and compares only between equal settings."""
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


class _BatchModel:
    """What gensim's inner loop gets for a model: the real one, but with a loss and scratch memory of its own."""

    def __init__(self, model: Any) -> None:
        import numpy as np

        self._model = model
        self.running_training_loss = 0.0
        self._work = np.zeros(model.layer1_size, dtype=np.float32)
        self._neu1 = np.zeros(model.layer1_size, dtype=np.float32)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def learn(self, batch: list[list[str]], alpha: float) -> tuple[int, float]:
        """The words that were learnt from and the sum of their losses."""
        from gensim.models.word2vec_inner import train_batch_cbow, train_batch_sg

        self.running_training_loss = 0.0
        if self._model.sg:
            words = train_batch_sg(self, batch, alpha, self._work, True)
        else:
            words = train_batch_cbow(self, batch, alpha, self._work, self._neu1, True)
        return int(words), float(self.running_training_loss)


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
        cancel: threading.Event | None = None,
    ) -> None:
        self.config = config or Word2VecConfig()
        self.name = name
        self.done = 0.0
        """How much of the training is done, 0 to 1."""
        self._text = text
        self._probes = [word.lower() if self.config.lowercase else word for word in probes]
        self._cancel = cancel or threading.Event()
        self._model: Any = None
        self._events = self._run()

    def __iter__(self) -> Iterator[TrainingEvent]:
        return self._events

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
        return Vectors.of_keyed(self.keyed(), spec=self.name, label=f"{self.config.method} on {self.name}{part}")

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

    def _run(self) -> Iterator[TrainingEvent]:
        began = time.monotonic()
        counts: Counter[str] = Counter()
        batches = self._batches(counts)
        if self._cancel.is_set():
            return
        try:
            self._model = _new_model(self.config, counts)
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

    def _batches(self, counts: Counter[str]) -> list[list[list[str]]]:
        """The sentences in batches as gensim would make them, and their words counted; raises if there are none."""
        batches: list[list[list[str]]] = []
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

    def _epochs(self, batches: list[list[list[str]]], words: int) -> Iterator[TrainingEvent]:
        config, began, total = self.config, time.monotonic(), sum(map(len, batches))
        for epoch in range(config.epochs):
            epoch_began, trained, losses, sentences_done, read = time.monotonic(), 0, 0.0, 0, 0
            for size, (learnt, loss) in self._learn(batches, epoch, total):
                trained, losses, sentences_done, read = (
                    trained + learnt,
                    losses + loss,
                    sentences_done + size[0],
                    read + size[1],
                )
                self.done = (epoch + sentences_done / total) / config.epochs
                if sentences_done < total:
                    rate = (epoch * words + read) / max(time.monotonic() - began, 1e-9)
                    yield BatchEvent(epoch + 1, self.done, self._alpha(epoch, sentences_done / total), rate)
            if sentences_done < total:
                return
            if epoch + 1 == config.epochs:
                self.done = 1.0
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

    def _learn(
        self, batches: list[list[list[str]]], epoch: int, total: int
    ) -> Iterator[tuple[tuple[int, int], tuple[int, float]]]:
        """Learns from each batch in turn and says its sentences and words, words learnt from, and loss."""
        before = 0
        jobs = []
        for batch in batches:
            jobs.append((batch, self._alpha(epoch, before / total)))
            before += len(batch)
        if self.config.workers == 1:
            alone = _BatchModel(self._model)
            for batch, alpha in jobs:
                if self._cancel.is_set():
                    return
                yield _size(batch), alone.learn(batch, alpha)
            return
        yield from self._learn_in_threads(jobs)

    def _learn_in_threads(
        self, jobs: list[tuple[list[list[str]], float]]
    ) -> Iterator[tuple[tuple[int, int], tuple[int, float]]]:
        """As ``_learn``; the inner loop lets Python go, so that threads do run beside each other."""
        spare = [_BatchModel(self._model) for _ in range(self.config.workers)]

        def learn(batch: list[list[str]], alpha: float) -> tuple[int, float]:
            mine = spare.pop()
            try:
                return mine.learn(batch, alpha)
            finally:
                spare.append(mine)

        running: deque[tuple[list[list[str]], Future[tuple[int, float]]]] = deque()
        left = iter(jobs)
        with ThreadPoolExecutor(self.config.workers, thread_name_prefix="word2vec") as pool:
            while True:
                while len(running) < 2 * self.config.workers and not self._cancel.is_set():
                    job = next(left, None)
                    if job is None:
                        break
                    running.append((job[0], pool.submit(learn, *job)))
                if not running:
                    return
                batch, future = running.popleft()
                yield _size(batch), future.result()


def _size(batch: list[list[str]]) -> tuple[int, int]:
    return len(batch), sum(map(len, batch))


def _new_model(config: Word2VecConfig, counts: Counter[str]) -> Any:
    """gensim's Word2Vec with its vocabulary and first weights.

    ``hashfxn`` is given although gensim 4 no longer calls it, so that PYTHONHASHSEED has no say in any version.
    """
    from gensim.models import Word2Vec

    model = Word2Vec(
        sg=config.method == "skip-gram",
        vector_size=config.vector_size,
        window=config.window,
        min_count=config.min_count,
        negative=config.negative,
        ns_exponent=config.ns_exponent,
        sample=config.sample,
        alpha=config.alpha,
        min_alpha=config.min_alpha,
        epochs=config.epochs,
        seed=config.seed,
        workers=config.workers,
        hashfxn=_crc32,
    )
    model.build_vocab_from_freq(dict(counts))
    return model


def _crc32(text: str) -> int:
    return zlib.crc32(text.encode("utf-8"))


def _too_large(config: Word2VecConfig, words: int) -> MemoryShortError:
    needed = 2 * 4 * words * config.vector_size / 1e9
    return MemoryShortError(
        f"no memory for two matrices of up to {words:,} words x {config.vector_size} ({needed:.1f} GB)",
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

        return VectorTraining(write_corpus(), config, probes, name=corpus, cancel=cancel)
    from core.data.corpora import corpus as read

    found = read(corpus)
    return VectorTraining(found.text, config, probes, name=found.name, cancel=cancel)


def train(corpus: str, config: Word2VecConfig | None = None, *, cancel: threading.Event | None = None) -> Vectors:
    """Trains to the end (or until ``cancel``) and returns the vectors; raises as ``train_steps`` does."""
    training = train_steps(corpus, config, cancel=cancel)
    for _ in training:
        pass
    return training.vectors()


def save(keyed: Any, path: Path, *, binary: bool = True) -> Path:
    """Writes vectors in word2vec's binary or text format, in one step: the header, then a word and its numbers each.

    Args:
        keyed: gensim's ``KeyedVectors`` or our ``Vectors``.
        path: the file to replace.
        binary: 4 bytes a number; else text, in which every float32 is written so that it reads back as the same.

    Raises:
        DiskFullError: no space is left; what was there stays.
        InputError: a word with white space in it, which the format cannot hold.
        LabError: the file cannot be written.
    """
    keyed = getattr(keyed, "keyed", keyed)
    words, matrix = list(keyed.index_to_key), keyed.vectors
    for word in words:
        if not word or word.split() != [word]:
            raise InputError(f"the word2vec format holds no word with white space in it, got {word!r}", "leave it out")
    lines = [f"{len(words)} {matrix.shape[1]}\n".encode()]
    for word, row in zip(words, matrix, strict=True):
        if binary:
            lines.append(word.encode() + b" " + row.astype("<f4").tobytes() + b"\n")
        else:
            lines.append(f"{word} {' '.join(map(str, row))}\n".encode())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from error
    write_bytes_atomic(path, b"".join(lines))
    return path
