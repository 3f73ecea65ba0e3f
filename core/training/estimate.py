"""What a run will take, before it starts: parameters, memory, passes over the text; and its time, by measuring.

``estimate`` is arithmetic, instant and without torch. ``measure_step`` runs a few real steps in a child process, as a
run would, so that neither torch nor its threads come into the asking process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from core.config import TrainConfig
from core.errors import LabError, MemoryShortError

USUAL_VOCABULARY = {"char": 65, "gpt2": 50257}
"""Entries to reckon with while the text has not been read."""
MEASURE_SECONDS = 1.5
_FIXED_BYTES = 300 * 2**20  # Python, torch and its libraries
_READY = "llm-lab measured "


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
    model = config.model.with_vocab(config.model.vocab_size or USUAL_VOCABULARY.get(config.tokenizer, 65))
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


def memory_bytes(config: TrainConfig) -> int:
    """About how many bytes a run needs: weights, gradients and moments, activations, logits.

    A reckoning from the shapes of ``core.training.manual``, in the larger of the precisions; not a measurement.
    """
    model = config.model.with_vocab(config.model.vocab_size or USUAL_VOCABULARY.get(config.tokenizer, 65))
    rows, c, t = config.batch_size * model.context_length, model.emb_dim, model.context_length
    state = model.parameters() * 4 * 6  # weights, gradients, two moments, a 16-bit copy, gradients of each share
    dropped = 2 if model.drop_rate else 1
    layer = rows * c * 4 * 20 * dropped + config.batch_size * model.n_heads * t * t * 4 * 3 * dropped
    logits = min(rows, 4096) * (model.vocab_size or 0) * 4
    return _FIXED_BYTES + state + model.n_layers * layer + min(logits, 2**28) + rows * c * 16


def check_memory(config: TrainConfig) -> None:
    """Refuses a run that this machine cannot hold, before it takes the machine down.

    Raises:
        MemoryShortError: with what would fit.
    """
    if config.device not in ("auto", "cpu"):
        return
    import psutil

    free, needed = psutil.virtual_memory().available, memory_bytes(config)
    if needed > free:
        raise MemoryShortError(
            f"the run would need about {needed / 2**30:.1f} GiB of memory, {free / 2**30:.1f} GiB are free",
            what_would_fit(config, free),
        )


def what_would_fit(config: TrainConfig, free: int | None = None) -> str:
    """A hint with the largest batch (a power of two) or shape that the free memory holds, and how to keep the rest."""
    if free is None:
        import psutil

        free = int(psutil.virtual_memory().available * 0.9)
    batch = config.batch_size
    while batch > 1 and memory_bytes(replace(config, batch_size=batch)) > free:
        batch //= 2
    if memory_bytes(replace(config, batch_size=batch)) <= free:
        if batch == config.batch_size:
            batch = max(1, batch // 2)
        steps = -(-config.batch_size * config.grad_accumulation // batch)
        return f"this would fit: --batch-size {batch} --grad-accumulation {steps} (the same tokens a step)"
    context = config.model.context_length
    while context > 1 and memory_bytes(config.override(batch_size=1, context_length=context)) > free:
        context //= 2
    if memory_bytes(config.override(batch_size=1, context_length=context)) <= free:
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
    command = [sys.executable, "-m", "core.training.estimate"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    answer: list[tuple[str, str]] = []
    asking = threading.Thread(
        target=lambda: answer.append(child.communicate(json.dumps(config.to_dict()))), daemon=True
    )
    asking.start()
    while asking.is_alive():
        if cancelled is not None and cancelled.is_set():
            child.kill()
        asking.join(0.05)
    out, err = answer[0] if answer else ("", "")
    line = next((text for text in out.splitlines() if text.startswith(_READY)), None)
    if line is None:
        last = err.strip().splitlines()[-1] if err.strip() else f"exit code {child.returncode}"
        raise LabError(f"the step could not be timed: {last}", "start the run all the same, or change its shape")
    said = json.loads(line.removeprefix(_READY))
    if "error" in said:
        raise LabError(said["error"]["title"], said["error"]["hint"])
    seconds = float(said["seconds"])
    tokens = config.batch_size * config.model.context_length * config.grad_accumulation
    return Measured(seconds, tokens / seconds, seconds * config.max_steps)


def _time_steps(config: TrainConfig) -> float:
    """The median time of a step, once the first ones are over."""
    import numpy as np

    from core.training.backend import make_backend

    model = config.model.with_vocab(config.model.vocab_size or USUAL_VOCABULARY.get(config.tokenizer, 65))
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


def main() -> None:
    """The child: reads a configuration from standard input, says the time of a step."""
    from core.training.launch import prepare_environment

    config = TrainConfig.from_dict(json.loads(sys.stdin.read()))
    prepare_environment(config.threads)
    try:
        said: dict[str, Any] = {"seconds": _time_steps(config)}
    except LabError as error:
        said = {"error": error.to_dict()}
    os.write(1, f"\n{_READY}{json.dumps(said)}\n".encode())


if __name__ == "__main__":
    main()
