"""Real run directories, written by the trainer's own writer, with made-up numbers: no torch needed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from run_writing import writing

from core.config import GPTConfig, TrainConfig
from core.training.events import (
    CheckpointEvent,
    EndEvent,
    EvalEvent,
    Event,
    SampleEvent,
    SnapshotEvent,
    StartEvent,
    StepEvent,
    WarningEvent,
)
from core.training.rundir import RunWriter

CONFIG = TrainConfig(model=GPTConfig(65, 64, 128, 4, 4), max_steps=2000, corpus="tiny-shakespeare", tokenizer="char")
WORDS = ("xq ;zt eeh", "the thou hat ise", "What say'st thou, gentle king?")


def loss_at(step: int) -> float:
    """Falls from ln 65 to about 1.5, with a deterministic wobble."""
    return 1.45 + (math.log(65) - 1.45) * math.exp(-step / 300) + 0.06 * math.sin(step * 1.7)


def meta(config: TrainConfig = CONFIG, **changes: Any) -> dict[str, Any]:
    """What a trainer writes into run.json."""
    return {
        "config": config.to_dict(),
        "parameters": 809_856,
        "device": "cpu",
        "dtype": "float32",
        "threads": 2,
        "corpus": {
            "name": config.corpus,
            "sha256": "0" * 64,
            "characters": 1_115_394,
            "train_tokens": 1_003_855,
            "val_tokens": 111_539,
            "bytes_per_token": 1.0,
        },
        "tokenizer": config.tokenizer,
        "versions": {},
        "host": "here",
        "steps_per_epoch": 1307.0,
        **changes,
    }


def events(first: int, last: int, config: TrainConfig = CONFIG) -> list[Event]:
    """Everything that happens from a step to another, both included; 10 ms a step, 768 tokens each."""
    found: list[Event] = []
    if first == 0:
        found.append(StartEvent(0, 0.0, 0, config.max_steps, 809_856, 1_003_855, 111_539, 1307.0))
    for step in range(max(1, first), last + 1):
        at, tokens = step * 0.01, step * 768
        lr = config.learning_rate * min(1.0, step / 100)
        found.append(StepEvent(step, at, tokens, loss_at(step), lr, 0.8 + 0.1 * math.sin(step), 76_000.0, 0.41))
        if step % config.eval_interval == 0:
            val = loss_at(step) + 0.1
            found.append(EvalEvent(step, at, tokens, loss_at(step), val, math.exp(val), True))
            found.append(SampleEvent(step, at, tokens, "ROMEO:", " " + WORDS[min(2, step // 700)]))
            found.append(CheckpointEvent(step, at, tokens, f"checkpoints/step-{step:06}", 0.05))
            found.append(SnapshotEvent(step, at, tokens, f"snapshots/step-{step:06}.safetensors"))
    return found


def write(path: Path, steps: int = 2000, config: TrainConfig = CONFIG, *, end: str | None = None, **about: Any) -> Path:
    """A whole run that has ended: finished at its last step, stopped before it, or as ``end`` says."""
    reason = end or ("finished" if steps >= config.max_steps else "stopped")
    with writing(RunWriter.create(path, meta(config, **about))) as writer:
        writer.set_status(state="running", step=steps, max_steps=config.max_steps)
        for event in events(0, steps, config):
            writer.emit(event)
        if reason == "diverged":
            writer.emit(StepEvent(steps + 1, (steps + 1) * 0.01, (steps + 1) * 768, math.nan, 1e-2, math.inf, 7e4))
            title = f"the loss is not a number at step {steps + 1}"
            writer.emit(WarningEvent(steps + 1, (steps + 1) * 0.01, (steps + 1) * 768, title, "lower the rate"))
            writer.emit(EndEvent(steps + 1, (steps + 1) * 0.01, (steps + 1) * 768, reason, title, "lower the rate"))
        else:
            writer.emit(EndEvent(steps, steps * 0.01, steps * 768, reason))
        keep_weights(path, [s for s in range(1, steps + 1) if s % config.eval_interval == 0])
        writer.close(reason)
    return path


def keep_weights(path: Path, steps: list[int]) -> None:
    """Snapshots as far as a reader of the list looks at them, and two full checkpoints."""
    for step in steps:
        folder = path / "snapshots"
        folder.mkdir(exist_ok=True)
        (folder / f"step-{step:06}.safetensors").write_bytes(b"not looked into")
    if steps:
        from core.files import write_json_atomic

        for step in steps[-2:]:
            folder = path / "checkpoints" / f"step-{step:06}"
            folder.mkdir(parents=True, exist_ok=True)
            write_json_atomic(folder / "state.json", {"step": step, "val_loss": loss_at(step) + 0.1})
        (path / "checkpoints" / "latest").write_text(f"step-{steps[-1]:06}\n")
        (path / "checkpoints" / "best").write_text(f"step-{steps[-1]:06}\n")
