"""What one other busy process on the machine does to the trainer."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
from collections.abc import Iterator

from tests.bench.idle import check_idle
from tests.bench.result import Result
from tests.bench.training import OURS, SHAPES, TIMING, child

SHARE = 0.4


def spin() -> None:
    """Keeps one core busy."""
    while True:
        sum(range(10_000))


@contextlib.contextmanager
def busy_neighbour() -> Iterator[None]:
    """One other process that wants a core all the time."""
    process = multiprocessing.get_context("spawn").Process(target=spin, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def measure(quick: bool = False) -> list[Result]:
    """Tokens a second of shapes A and B, alone and beside a busy process, in turns."""
    check_idle()
    results, seconds = [], 3 if quick else 6
    mean = TIMING.replace("best = min(best, (time.perf_counter() - start) / 5)", "count_all = count - 3").replace(
        "print(json.dumps(batch * context / best))",
        "print(json.dumps(batch * context * count_all / (time.perf_counter() - begin)))",
    )
    for name, shape in SHAPES.items():
        alone, beside = [], []
        for _ in range(1 if quick else 2):
            alone.append(float(child(OURS + mean, json.dumps([*shape, seconds]))))
            with busy_neighbour():
                beside.append(float(child(OURS + mean, json.dumps([*shape, seconds]))))
        share = max(beside) / max(alone)
        results.append(
            Result(
                f"neighbour: training {name} beside one busy process",
                max(beside),
                max(alone),
                "tokens/s",
                share,
                f">= {SHARE:.0%}",
                share >= SHARE,
                "mean over the whole time, not the best steps",
            )
        )
    return results
