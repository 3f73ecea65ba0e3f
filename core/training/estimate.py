"""What a run will take, before it starts: parameters, memory, passes over the text; and its time, by measuring.

``estimate`` is arithmetic, instant and without torch. ``measure_step`` runs a few real steps in a child process, as a
run would, so that neither torch nor its threads come into the asking process.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from core.child import Say, at_work, work_off
from core.config import TrainConfig
from core.errors import LabError, MemoryShortError

USUAL_VOCABULARY = {"char": 65, "words-v1": 14_000, "words-v2": 14_000}
"""Entries to reckon with while the text that decides them has not been read (tiny-shakespeare's)."""
MEASURE_SECONDS = 1.5
_FIXED_BYTES = 300 * 2**20  # Python, torch and its libraries


def vocabulary_to_reckon_with(tokenizer: str) -> int:
    """The entries of a tokenizer's vocabulary, or about as many where a text decides them."""
    from core.tokenizers.listing import known_vocab_size

    return USUAL_VOCABULARY.get(tokenizer) or known_vocab_size(tokenizer) or 65


@dataclass(frozen=True)
class Estimate:
    """What a configuration amounts to."""

    parameters: int
    memory_bytes: int
    tokens: int
    """Tokens of training in the whole run."""
    epochs: float | None
    """Passes over the training text, if its size is known."""
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Measured:
    """How fast this machine trains a configuration."""

    seconds_per_step: float
    tokens_per_second: float
    seconds_total: float
    """For all steps, evaluations and samples left out."""


def estimate(config: TrainConfig, corpus_tokens: int | None = None) -> Estimate:
    """Reckons parameters, memory and passes, with a warning in words for what is likely a mistake.

    Args:
        config: the run.
        corpus_tokens: tokens of the whole text, if known.
    """
    model = config.model.with_vocab(config.model.vocab_size or vocabulary_to_reckon_with(config.tokenizer))
    tokens = config.max_steps * config.batch_size * config.grad_accumulation * model.context_length
    epochs = None if not corpus_tokens else tokens / max(1.0, corpus_tokens * (1 - config.val_fraction))
    warnings = []
    if epochs is not None and epochs > 30:
        warnings.append(f"{epochs:.0f} passes over the text: expect over-fitting")
    if config.warmup_steps >= config.max_steps:
        warnings.append(f"the warm-up ({config.warmup_steps} steps) lasts the whole run")
    if config.learning_rate > 5e-3 and config.optimizer == "adamw":
        warnings.append(f"a learning rate of {config.learning_rate:g} is high for AdamW: expect the loss to jump")
    return Estimate(model.parameters(), memory_bytes(config), tokens, epochs, warnings)


def memory_bytes(config: TrainConfig, *, on_gpu: bool = False) -> int:
    """About how many bytes a run needs: weights, gradients and moments, activations, logits.

    A reckoning from the shapes of ``core.training.manual``, in the larger of the precisions; not a measurement.

    Args:
        config: the run.
        on_gpu: there attention never holds its T x T weights, and the batch is not cut into shares.
    """
    model = config.model.with_vocab(config.model.vocab_size or vocabulary_to_reckon_with(config.tokenizer))
    rows, c, t = config.batch_size * model.context_length, model.emb_dim, model.context_length
    parameters, threads = model.parameters(), config.threads or os.cpu_count() or 1
    whole = config.backend == "tensorflow"  # no shares, and all logits at once: they, their softmax, their gradient
    shares = 0 if on_gpu or whole else threads
    state = parameters * 4 * 4 + parameters * 2 + shares * parameters * 4  # weights, gradients, moments; copy; shares
    dropped = 2 if model.drop_rate else 1
    squares = 0 if on_gpu else config.batch_size * model.n_heads * t * t * 4 * 3 * dropped
    layer = rows * c * 4 * 20 * dropped + squares
    logits = rows * (model.vocab_size or 0) * 4
    logits = 3 * logits if whole else min(logits, (shares or 1) * 160 * 2**20)
    return _FIXED_BYTES * (1 + whole) + state + model.n_layers * layer + logits + rows * c * 16


def check_memory(config: TrainConfig) -> None:
    """Refuses a run that its device cannot hold, before it takes the machine down.

    Raises:
        MemoryShortError: with what would fit.
    """
    free, on_gpu = free_memory(config)
    needed = memory_bytes(config, on_gpu=on_gpu)
    if needed > free:
        raise MemoryShortError(
            f"the run would need about {needed / 2**30:.1f} GiB of memory, {free / 2**30:.1f} GiB are free",
            what_would_fit(config),
        )


def free_memory(config: TrainConfig) -> tuple[int, bool]:
    """Free bytes where the run would compute, and whether that is a CUDA device."""
    import psutil
    import torch

    if config.device in ("auto", "cuda") and torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0]), True
    return int(psutil.virtual_memory().available), False


def what_would_fit(config: TrainConfig) -> str:
    """A hint with the largest batch (halved as often as needed) or context that the free memory holds."""
    free, on_gpu = free_memory(config)

    def fits(asked: TrainConfig) -> bool:
        return memory_bytes(asked, on_gpu=on_gpu) <= free * 0.9

    batch = max(1, config.batch_size // 2)
    while batch > 1 and not fits(replace(config, batch_size=batch)):
        batch //= 2
    if batch < config.batch_size and fits(replace(config, batch_size=batch)):
        steps = -(-config.batch_size * config.grad_accumulation // batch)
        return f"this would fit: --batch-size {batch} --grad-accumulation {steps} (as many tokens a step)"
    context = max(1, config.model.context_length // 2)
    while context > 1 and not fits(config.override(batch_size=1, context_length=context)):
        context //= 2
    if fits(config.override(batch_size=1, context_length=context)):
        return f"this would fit: --batch-size 1 --context-length {context}"
    return "no batch of this model fits: take a smaller --emb-dim or fewer --n-layers"


def measure_step(config: TrainConfig, cancelled: threading.Event | None = None) -> Measured:
    """Times real steps on random tokens in a child process, for about as long as torch takes to load.

    Args:
        config: the run; its text is not read.
        cancelled: set it to give up.

    Raises:
        LabError: the child failed; the two lines are its own where it said any. Also when it was cancelled.
    """
    with at_work("core.training.estimate", config.to_dict(), cancelled or threading.Event()) as child:
        said = next(child.answers(), None)
        if said is None:
            last = f"exit code {child.wait()}: {child.last_words()}"
            raise LabError(f"the step could not be timed: {last}", "start the run all the same, or change its shape")
    seconds = float(said["seconds"])
    tokens = config.batch_size * config.model.context_length * config.grad_accumulation
    return Measured(seconds, tokens / seconds, seconds * config.max_steps)


def _time_steps(config: TrainConfig) -> float:
    """The median time of a step, once the first ones are over."""
    import numpy as np

    from core.training.backend import make_backend

    model = config.model.with_vocab(config.model.vocab_size or vocabulary_to_reckon_with(config.tokenizer))
    config = replace(config, model=model)
    check_memory(config)
    backend = make_backend(config)
    rng = np.random.default_rng(0)
    shape = (config.batch_size, model.context_length)
    batches = [(rng.integers(0, model.vocab_size, shape), rng.integers(0, model.vocab_size, shape))]
    batches *= config.grad_accumulation
    backend.train_step(batches, 0, 1e-9)
    times: list[float] = []
    begin = time.perf_counter()
    while len(times) < 2 or (time.perf_counter() - begin < MEASURE_SECONDS and len(times) < 200):
        start = time.perf_counter()
        backend.train_step(batches, len(times) + 1, 1e-9)
        times.append(time.perf_counter() - start)
    backend.close()
    return sorted(times)[len(times) // 2]


def main() -> int:
    """The child: reads a configuration, says the time of a step."""
    return work_off(_measure)


def _measure(orders: dict[str, Any], say: Say) -> None:
    from core.training.launch import prepare_environment

    config = TrainConfig.from_dict(orders)
    prepare_environment(config.threads)
    say({"seconds": _time_steps(config)})


if __name__ == "__main__":
    sys.exit(main())
