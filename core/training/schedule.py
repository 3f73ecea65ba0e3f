"""How the learning rate moves over a run, and when evaluations, checkpoints and snapshots are due."""

from __future__ import annotations

import math

from core.config import TrainConfig


def rate(config: TrainConfig, step: int) -> float:
    """The share of the peak learning rate at optimizer step ``step`` (the first is 0): warm-up, then the schedule.

    It ends at ``min_learning_rate`` in the last step.

    >>> c = TrainConfig(warmup_steps=2, max_steps=4, learning_rate=1.0, min_learning_rate=0.0, schedule="linear")
    >>> [round(rate(c, s), 2) for s in range(4)]
    [0.5, 1.0, 0.5, 0.0]
    """
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    floor = config.min_learning_rate / config.learning_rate
    if config.schedule == "constant":
        return 1.0
    peak = max(config.warmup_steps - 1, 0)
    done = min(1.0, (step - peak) / max(1, config.max_steps - 1 - peak))
    fall = (1 + math.cos(math.pi * done)) / 2 if config.schedule == "cosine" else 1 - done
    return floor + (1 - floor) * fall


def due(interval: int, step: int, last: int) -> bool:
    """Whether something done every ``interval`` steps is due after ``step`` steps; always after the last one.

    >>> [s for s in range(1, 11) if due(4, s, 10)]
    [4, 8, 10]
    """
    return step == last or (interval > 0 and step % interval == 0)


def snapshot_steps(count: int, last: int) -> list[int]:
    """Where snapshots stand: evenly from the untrained model to the last step.

    >>> snapshot_steps(5, 2000), snapshot_steps(0, 2000), snapshot_steps(9, 3)
    ([0, 500, 1000, 1500, 2000], [], [0, 1, 2, 3])
    """
    if count <= 1:
        return [last][:count]
    return sorted({round(i * last / (count - 1)) for i in range(count)})
