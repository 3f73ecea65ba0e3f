"""A real trainer killed by SIGKILL, resumed each time: bit for bit the run that was never killed.

``LLM_LAB_KILLS=50`` before the tests kills at fifty random moments instead of eight.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from trainer_nursery import Nursery, trainer_nursery

from core.config import GPTConfig, TrainConfig
from core.training.checkpoints import load_checkpoint
from core.training.events import StepEvent
from core.training.history import History
from core.training.launch import start_run
from core.training.rundir import METRICS
from core.training.runs import list_runs, open_run
from core.training.stored import find_checkpoint, list_checkpoints, step_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGKILL and no fork")
KILLS = int(os.environ.get("LLM_LAB_KILLS", "8"))
EVERY = 3
"""Steps from one checkpoint to the next: what a kill may cost."""


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    """Quick steps, a checkpoint at every third: many kills fall into one."""
    rng = random.Random(0)
    path = tmp_path / "text.txt"
    path.write_text("".join(rng.choice("abcdefgh \n") for _ in range(5000)))
    return TrainConfig(
        model=GPTConfig(None, 16, 32, 4, 2, drop_rate=0.1),
        corpus=str(path),
        batch_size=4,
        max_steps=100_000,
        warmup_steps=5,
        schedule="constant",
        eval_interval=7,
        eval_batches=1,
        sample_interval=0,
        checkpoint_interval=EVERY,
        keep_checkpoints=1,
        snapshot_count=0,
        device="cpu",
        dtype="float32",
        threads=1,
        run_dir=str(tmp_path / "killed"),
    )


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    with trainer_nursery(tmp_path) as found:
        yield found


def losses(run_dir: Path) -> dict[int, float]:
    return {e.step: e.loss for e in open_run(run_dir).events() if isinstance(e, StepEvent)}


def wait_for_steps(metrics: Path, lines: int, nursery: Nursery) -> None:
    until = time.monotonic() + 120
    before = metrics.stat().st_size if metrics.exists() else 0
    while (metrics.stat().st_size if metrics.exists() else 0) < before + 150 * lines:
        assert time.monotonic() < until, "the trainer makes no steps"
        time.sleep(0.001)


def readable(run_dir: Path) -> tuple[int, int]:
    """Reads all of a run that was killed, in every way; its last step, and the step that it will go on from."""
    run = open_run(run_dir)
    assert run.state == "dead"
    steps = list(losses(run_dir))
    assert steps == list(range(1, len(steps) + 1)), "a gap, or a step twice"
    assert run.unreadable == 0
    history = History(run_dir / METRICS)
    history.update()
    assert history.steps.tolist() == steps
    assert [row.state for row in list_runs(run_dir.parent)] == ["dead"]
    for info in list_checkpoints(run_dir):
        assert load_checkpoint(info.path).step == info.step
    kept = load_checkpoint(find_checkpoint(run_dir)).step if list_checkpoints(run_dir) else 0
    last = len(steps)
    assert last - EVERY <= kept <= last, "more is lost than the work since the last checkpoint"
    return last, kept


def same_as_never_killed(nursery: Nursery, config: TrainConfig, run_dir: Path, folder: Path) -> None:
    """Lets the run come to an end, and holds it against one of the same length that nobody touched."""
    length = len(losses(run_dir)) + 2 * EVERY
    nursery.begin(config.override(max_steps=length))
    assert nursery.end() == 0
    nursery.begin(config.override(max_steps=length, checkpoint_interval=0, run_dir=str(folder / "whole")))
    assert nursery.end() == 0
    assert losses(run_dir) == losses(folder / "whole")
    ends = [load_checkpoint(find_checkpoint(path)) for path in (run_dir, folder / "whole")]
    for one, other in zip(*(sorted({**e.model, **e.optimizer}.items()) for e in ends), strict=True):
        assert one[0] == other[0] and one[1].equal(other[1])
    assert not [p.name for p in (run_dir / "checkpoints").iterdir() if p.name.startswith(".")], "leftovers"


def test_killed_at_random_moments_it_is_the_run_that_was_never_killed(
    config: TrainConfig, tmp_path: Path, nursery: Nursery
) -> None:
    rng, run_dir = random.Random(1), tmp_path / "killed"
    phases: Counter[str] = Counter()
    lost: list[int] = []
    for life in range(KILLS):
        nursery.begin(config)
        if life % 4 == 3 and list_checkpoints(run_dir):  # maybe before it has gone on
            time.sleep(rng.random() * 0.4)
        else:
            wait_for_steps(run_dir / METRICS, rng.randint(1, 12), nursery)
            time.sleep(rng.random() * 0.03)  # anywhere in a step or a checkpoint
        nursery.kill()
        assert nursery.end() == -signal.SIGKILL
        phases[open_run(run_dir).status().phase or "start"] += 1
        last, kept = readable(run_dir)
        lost.append(last - kept)
    print(f"{KILLS} kills; last word before them: {dict(phases)}; steps lost: {dict(Counter(lost))}")
    same_as_never_killed(nursery, config, run_dir, tmp_path)


def test_killed_at_every_call_to_the_file_system_within_a_checkpoint(
    config: TrainConfig, tmp_path: Path, nursery: Nursery
) -> None:
    """Each that changes something, once: before a folder is made, a file opened, synced, renamed, pruned."""
    run_dir, touched = tmp_path / "killed", tmp_path / "touched"
    config = config.override(eval_interval=EVERY)
    nursery.begin(config.override(max_steps=2 * EVERY))  # there is one to be kept and one to be pruned
    assert nursery.end() == 0
    calls = 0
    while True:
        nursery.begin(config.override(max_steps=len(losses(run_dir)) + EVERY), kill_at=calls + 1)
        if nursery.end() == 0:
            break
        calls += 1
        readable(run_dir)
    said = touched.read_text().splitlines()
    print(f"killed at {calls} calls:", *said, sep="\n  ")
    assert calls == len(said) > 15
    for name in ("model", "optimizer", "state.json", "latest", "best"):
        assert any(name in line for line in said), f"no kill came near {name}"
    same_as_never_killed(nursery, config, run_dir, tmp_path)


def test_the_processes_of_a_launched_run_answer_to_a_kill_too(config: TrainConfig, tmp_path: Path) -> None:
    """The same through the launcher, as the app starts it, with a copy of the folder resumed elsewhere."""
    import shutil

    launched = start_run(config.override(run_dir=None, max_steps=100_000), name="far")
    try:
        deadline = time.monotonic() + 60
        while len(list_checkpoints(launched.path)) < 1 and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        os.kill(launched.pid, signal.SIGKILL)
    launched.process.wait()
    run = open_run(launched.path)
    assert run.state == "dead"
    step = step_of(find_checkpoint(launched.path).name) or 0
    copy = tmp_path / "elsewhere" / "far"
    shutil.copytree(launched.path, copy)
    from core.training.trainer import Trainer

    events = list(Trainer.resumed(copy, max_steps=step + 5).run())
    assert [e.step for e in events if isinstance(e, StepEvent)] == list(range(step + 1, step + 6))
    assert open_run(copy).state == "finished"
