"""A run of many hours written in a minute by the trainer's own writer: no model behind it, all else as it would be.

Steps with every number, an evaluation each 250, a sample each 500, checkpoints (the last two kept) and snapshots, the
lock and the heartbeat. ``python -m tests.bench.long_run FOLDER FIRST LAST SECONDS`` writes those steps evenly over so
many seconds, then says ``written`` and keeps the run alive until its input ends.
"""

from __future__ import annotations

import contextlib
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

EVALUATION, SAMPLE, CHECKPOINT, SNAPSHOTS = 250, 500, 3000, 50
PER_SECOND = 50
"""Steps in a second of the run's own clock, as ``shakespeare-1min`` makes them on two cores."""
BATCH, PARAMETERS = 768, 809_856
SAMPLES = tuple("".join(chr(97 + (7 * i * i + 3 * i + n) % 26) if i % 6 else " " for i in range(200)) for n in range(9))


def loss_at(step: int) -> float:
    """Falls from ln 65 to about 1.5, with a wobble."""
    return 1.45 + (math.log(65) - 1.45) * math.exp(-step / 3000) + 0.06 * math.sin(step * 1.7)


def write(folder: Path, first: int, last: int, seconds: float) -> None:
    """Writes the steps, then waits for the end of the input."""
    from core.config import GPTConfig, TrainConfig
    from core.training.events import StartEvent
    from core.training.rundir import RunWriter

    model = GPTConfig(65, 64, 128, 4, 4)
    config = TrainConfig(model=model, max_steps=max(last, 10_000_000), corpus="tiny-shakespeare", tokenizer="char")
    if first <= 1:
        corpus = {"name": "tiny-shakespeare", "train_tokens": 1_003_855, "val_tokens": 111_539, "bytes_per_token": 1.0}
        about = {
            "config": config.to_dict(),
            "parameters": PARAMETERS,
            "device": "cpu",
            "dtype": "float32",
            "threads": 2,
        }
        writer = RunWriter.create(folder, {**about, "corpus": corpus, "tokenizer": "char", "versions": {}})
        writer.emit(StartEvent(0, 0.0, 0, config.max_steps, PARAMETERS, 1_003_855, 111_539, 1307.0))
    else:
        writer = RunWriter.reopen(folder)
    writer.set_status(state="running", step=first, max_steps=config.max_steps)
    start, snapshot = time.perf_counter(), max(1, last // SNAPSHOTS)
    for step in range(first, last + 1):
        _one(writer, folder, step, snapshot)
        if step % 100 == 0:
            writer.set_status(step=step)
            due = start + seconds * (step - first) / max(1, last - first)
            if (rest := due - time.perf_counter()) > 0:
                time.sleep(rest)
    print("written", flush=True)
    sys.stdin.read()
    writer.close("stopped")


def _one(writer: object, folder: Path, step: int, snapshot: int) -> None:
    from core.training.events import CheckpointEvent, EvalEvent, SampleEvent, SnapshotEvent, StepEvent
    from core.training.rundir import RunWriter

    assert isinstance(writer, RunWriter)
    at, tokens, loss = round(step / PER_SECOND, 4), step * BATCH, loss_at(step)
    speed = PER_SECOND * BATCH * (1 + 0.05 * math.sin(step))
    writer.emit(StepEvent(step, at, tokens, loss, 1e-3 * math.exp(-step / 1e6), 0.8 + 0.1 * math.sin(step), speed, 0.4))
    if step % EVALUATION == 0:
        writer.emit(EvalEvent(step, at, tokens, loss, loss + 0.1, math.exp(loss + 0.1), True))
    if step % SAMPLE == 0:
        writer.emit(SampleEvent(step, at, tokens, "ROMEO:", SAMPLES[step // SAMPLE % len(SAMPLES)]))
    if step % CHECKPOINT == 0:
        _checkpoint(folder, step)
        writer.emit(CheckpointEvent(step, at, tokens, f"checkpoints/step-{step:06}", 0.05))
    if step % snapshot == 0:
        path = folder / "snapshots" / f"step-{step:06}.safetensors"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"a reader of the list does not look inside")
        writer.emit(SnapshotEvent(step, at, tokens, f"snapshots/{path.name}"))


def _checkpoint(folder: Path, step: int) -> None:
    from core.files import write_json_atomic

    place = folder / "checkpoints" / f"step-{step:06}"
    place.mkdir(parents=True, exist_ok=True)
    write_json_atomic(place / "state.json", {"step": step, "val_loss": loss_at(step) + 0.1}, sync=False)
    (place.parent / "latest").write_text(f"{place.name}\n")
    shutil.rmtree(place.parent / f"step-{step - 2 * CHECKPOINT:06}", ignore_errors=True)


@contextlib.contextmanager
def written(
    folder: Path, first: int, last: int, seconds: float = 0.0, after: subprocess.Popen[str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A process that writes those steps; it says ``written`` when they stand, and ends with the block.

    Args:
        folder: the run directory.
        first: the first step; 1 makes the run, a later one goes on with it.
        last: the last step.
        seconds: over which they are spread; 0: as fast as they can be written.
        after: the process that wrote the steps before, which is ended.
    """
    if after is not None:
        assert after.stdin is not None
        after.stdin.close()
        after.wait(10)
    command = [sys.executable, "-m", "tests.bench.long_run", str(folder), str(first), str(last), str(seconds)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def wait_written(process: subprocess.Popen[str]) -> None:
    """Waits until all steps stand.

    Raises:
        RuntimeError: the writer ended before.
    """
    assert process.stdout is not None
    if process.stdout.readline().strip() != "written":
        raise RuntimeError("the writer of the long run ended before its last step")


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
