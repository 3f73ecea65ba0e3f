"""Batch by batch through gensim's compiled inner loop, in one thread or several, with a loss that is right.

gensim hands one float32 from batch to batch and adds every loss to it. Here each batch gets a sum of its own, and so do
the threads; what a batch learns is the same. Works on any number of batches; epochs are counted elsewhere
(``training.py``).
"""

from __future__ import annotations

import threading
import zlib
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from core.vectors.training_config import Word2VecConfig

BATCH_WORDS = 10_000
"""Words in a batch at most: the room that gensim's inner loop has."""

Batch = list[list[str]]
"""Sentences, each a list of words."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What one batch came to."""

    sentences: int
    words: int
    """Of the text."""
    trained_words: int
    """Those of them that are in the vocabulary and were not thinned out."""
    loss: float
    """Summed over them, in nats."""


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

    def learn(self, batch: Batch, alpha: float) -> Learnt:
        """Learns from one batch at one learning rate."""
        from gensim.models.word2vec_inner import train_batch_cbow, train_batch_sg

        self.running_training_loss = 0.0
        if self._model.sg:
            words = train_batch_sg(self, batch, alpha, self._work, True)
        else:
            words = train_batch_cbow(self, batch, alpha, self._work, self._neu1, True)
        return Learnt(len(batch), sum(map(len, batch)), int(words), float(self.running_training_loss))


def learn(model: Any, batches: Sequence[Batch], alphas: Sequence[float], cancel: threading.Event) -> Iterator[Learnt]:
    """Learns from each batch in turn; ends early when ``cancel`` is set.

    Args:
        model: what ``new_model`` gives; with more than one of ``workers`` they learn beside each other.
        batches: none of more than 10,000 words.
        alphas: the learning rate of each.
        cancel: looked at before each batch.
    """
    if model.workers > 1:
        yield from _in_threads(model, batches, alphas, cancel)
        return
    alone = _BatchModel(model)
    for batch, alpha in zip(batches, alphas, strict=True):
        if cancel.is_set():
            return
        yield alone.learn(batch, alpha)


def _in_threads(
    model: Any, batches: Sequence[Batch], alphas: Sequence[float], cancel: threading.Event
) -> Iterator[Learnt]:
    """The inner loop lets go of Python's lock, so that threads do run beside each other. What they learn mixes."""
    spare = [_BatchModel(model) for _ in range(model.workers)]

    def one(batch: Batch, alpha: float) -> Learnt:
        mine = spare.pop()
        try:
            return mine.learn(batch, alpha)
        finally:
            spare.append(mine)

    left = zip(batches, alphas, strict=True)
    running: deque[Future[Learnt]] = deque()
    with ThreadPoolExecutor(model.workers, thread_name_prefix="word2vec") as pool:
        while True:
            while len(running) < 2 * model.workers and not cancel.is_set() and (job := next(left, None)):
                running.append(pool.submit(one, *job))
            if not running:
                return
            yield running.popleft().result()


def new_model(config: Word2VecConfig, counts: Counter[str]) -> Any:
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
