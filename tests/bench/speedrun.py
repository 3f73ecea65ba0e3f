"""Time to learn: the speedrun against nanoGPT's CPU recipe, both by our trainer, process start to last number."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time

from tests.bench.idle import check_idle
from tests.bench.result import Result

SEEDS = (101, 102, 103)
"""None of them was used for tuning (those were 1 to 3)."""
LOSS, SHARE, PARAMETERS = 1.88, 0.25, 850_000


def run(preset: str, folder: str, *flags: str) -> tuple[float, float]:
    """Seconds of ``llm-lab train``, and the last validation loss that it printed."""
    command = [sys.executable, "-m", "lab", "train", "--preset", preset, "--json", "--run-dir", folder, *flags]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    evals = [e for e in map(json.loads, done.stdout.splitlines()) if e.get("kind") == "eval"]
    return seconds, float(evals[-1]["val_loss"])


def measure(quick: bool = False) -> list[Result]:
    """Three seeds of the speedrun around one run of the recipe."""
    from core.config import TrainConfig
    from core.data.corpora import is_available

    if not is_available("tiny-shakespeare"):
        return [Result("speedrun", 0, None, "s", None, "", False, "tiny-shakespeare is not in LLM_LAB_CACHE")]
    outside = TrainConfig.preset("shakespeare-speedrun").model.with_vocab(65).parameters_outside_embeddings()
    assert outside <= PARAMETERS
    check_idle()
    seeds = SEEDS[:1] if quick else SEEDS
    ours = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds[:2]:
            ours.append(run("shakespeare-speedrun", f"{folder}/{seed}", "--seed", str(seed)))
        # The recipe's own evaluations every 250 steps are left out, and its last one is over the whole part, as ours.
        flags = ("--eval-interval", "0", "--eval-batches", "0", "--sample-interval", "0", "--checkpoint-interval", "0")
        recipe = run("shakespeare-nanogpt", f"{folder}/recipe", *flags, "--snapshot-count", "0")
        for seed in seeds[2:]:
            ours.append(run("shakespeare-speedrun", f"{folder}/{seed}", "--seed", str(seed)))
    said = ", ".join(f"{loss:.3f}" for _, loss in ours)
    worst_loss = max(loss for _, loss in ours)
    worst_time = max(seconds for seconds, _ in ours)
    return [
        Result(
            "speedrun: loss over the whole validation part, worst seed",
            worst_loss,
            recipe[1],
            "nats",
            None,
            f"<= {LOSS}",
            worst_loss <= LOSS,
            f"seeds {', '.join(map(str, seeds))}: {said}; {outside:,} parameters outside the embeddings",
        ),
        Result(
            "speedrun: wall time against nanoGPT's CPU recipe, slowest seed",
            worst_time,
            recipe[0],
            "s",
            worst_time / recipe[0],
            f"<= {SHARE} x",
            worst_time <= SHARE * recipe[0],
            f"{', '.join(f'{seconds:.1f}' for seconds, _ in ours)} s; the recipe ends at {recipe[1]:.3f}",
        ),
    ]
