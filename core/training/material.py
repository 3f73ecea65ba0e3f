"""What a run trains on: the text as ids, its two parts, and the batch that belongs to each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.config import TrainConfig
from core.data.corpora import corpus as read_corpus
from core.data.ids import encode_corpus
from core.data.repeats import with_repeats
from core.data.windows import Windows, batch_indices, check_length, eval_indices, split
from core.errors import TokenizerError
from core.folders import cache_dir
from core.tokenizers import get_tokenizer
from core.tokenizers.base import Tokenizer

if TYPE_CHECKING:
    from core.training.backend import Batch


@dataclass(frozen=True)
class Material:
    """A corpus, encoded and cut; ``batch(number)`` is a pure function of the configuration and the number."""

    config: TrainConfig
    """With the model's vocabulary and max_steps filled in."""
    tokenizer: Tokenizer
    name: str
    sha256: str
    characters: int
    utf8_bytes: int
    train: NDArray[np.integer[Any]]
    val: NDArray[np.integer[Any]]

    @property
    def windows(self) -> Windows:
        """The training windows."""
        return Windows(self.train, self.config.model.context_length, self._stride)

    @property
    def _stride(self) -> int:
        return 1 if self.config.windows == "random" else self.config.stride or self.config.model.context_length

    @property
    def batches_per_epoch(self) -> float:
        """Batches that make one pass: over all windows, or with random ones over as many tokens as the text has."""
        c = self.config
        if c.windows == "random":
            return len(self.train) / (c.batch_size * c.model.context_length)
        return len(self.windows) / c.batch_size

    @property
    def steps_per_epoch(self) -> float:
        """Optimizer steps that make one pass."""
        return self.batches_per_epoch / self.config.grad_accumulation

    @property
    def tokens_per_step(self) -> int:
        """Tokens in one optimizer step."""
        return self.config.batch_size * self.config.model.context_length * self.config.grad_accumulation

    def batches(self, step: int) -> list[Batch]:
        """The batches of optimizer step ``step`` (the first is 0), each (x, y) of (B, T) int64."""
        first = step * self.config.grad_accumulation
        return [self.batch(first + n) for n in range(self.config.grad_accumulation)]

    def batch(self, number: int) -> Batch:
        """A batch (x, y), each (B, T) int64; a step takes ``grad_accumulation`` of them, one after the other."""
        c, windows = self.config, self.windows
        batch = windows.gather(batch_indices(c.windows, len(windows), c.batch_size, c.seed, number))
        return with_repeats(batch, self.train, c.repeat_fraction, c.seed, number)

    def prompt(self) -> tuple[str, list[int]]:
        """What samples begin with, and its ids: the configured prompt, or the text's first token where it has none."""
        try:
            ids = self.tokenizer.encode(self.config.sample_prompt, disallowed_special=())
        except TokenizerError:  # a character that this text does not have
            ids = []
        if ids:
            return self.config.sample_prompt, ids
        first = [int(self.train[0])]
        return self.tokenizer.decode(first), first

    def eval_batches(self, part: str) -> Iterator[Batch]:
        """The fixed windows of an evaluation: side by side without overlap, evenly spread when not all are taken."""
        c = self.config
        ids = self.train if part == "train" else self.val
        windows = Windows(ids, c.model.context_length, c.model.context_length)
        count = c.eval_batches * c.batch_size if c.eval_batches else len(windows)
        if part == "train" and not c.eval_batches:
            count = 20 * c.batch_size  # every window of the training part would take longer than the training
        chosen = eval_indices(len(windows), count)
        for at in range(0, len(chosen), c.batch_size):
            yield windows.gather(chosen[at : at + c.batch_size])

    def meta(self) -> dict[str, object]:
        """What run.json says of the corpus."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "characters": self.characters,
            "train_tokens": len(self.train),
            "val_tokens": len(self.val),
            "bytes_per_token": self.utf8_bytes / max(1, len(self.train) + len(self.val)),
        }


def prepare(config: TrainConfig, tokenizer: Tokenizer | None = None) -> Material:
    """Reads the corpus, encodes it, cuts it, and fills in what the configuration left to the text.

    Args:
        config: the training configuration.
        tokenizer: that of the run, or of the weights, to go on with; None makes the one that the configuration names.

    Raises:
        CorpusError: no usable text, or too little for one window in a part.
        TokenizerError: a character that the run's tokenizer does not know.
        ConfigError: a vocabulary larger than the model's.
    """
    text = read_corpus(config.corpus)
    if tokenizer is None:
        tokenizer = get_tokenizer(config.tokenizer, text.text)
    ids = encode_corpus(text, tokenizer, cache_dir())
    train, val = split(ids, config.val_fraction)
    context = config.model.context_length
    check_length(len(train), context, "training")
    check_length(len(val), context, "validation")
    config = replace(config, model=config.model.with_vocab(tokenizer.vocab_size))
    material = Material(config, tokenizer, text.name, text.sha256, len(text.text), len(text.text.encode()), train, val)
    if config.epochs is not None:
        steps = max(1, round(config.epochs * material.steps_per_epoch))
        material = replace(material, config=replace(config, max_steps=steps))
    return material
