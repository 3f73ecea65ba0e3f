"""A real trainer killed by SIGKILL at random moments, resumed each time: bit for bit the run that was never killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.config import GPTConfig, TrainConfig
from core.training.events import StepEvent
from core.training.launch import start_run
from core.training.runs import open_run
from core.training.stored import list_checkpoints

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
KILLS = 20
TRAINER = """
import sys, json
from core.config import TrainConfig
from core.training.launch import prepare_environment
config = TrainConfig.from_dict(json.loads(sys.argv[1]))
prepare_environment(config.threads)
from pathlib import Path
from core.training.trainer import Trainer
run_dir = Path(config.run_dir)
resume = run_dir if (run_dir / "checkpoints").is_dir() and (run_dir / "checkpoints" / "latest").exists() else None
if resume is None and run_dir.exists():
    import shutil; shutil.rmtree(run_dir)
for event in Trainer(config, resume=resume).run():
    if event.kind == "step":
        print(event.step, flush=True)
"""


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    """Three hundred quick steps, a checkpoint at every third: many kills fall into one."""
    rng = random.Random(0)
    path = tmp_path / "text.txt"
    path.write_text("".join(rng.choice("abcdefgh \n") for _ in range(5000)))
    return TrainConfig(
        model=GPTConfig(None, 16, 32, 4, 2, drop_rate=0.1),
        corpus=str(path),
        batch_size=4,
        max_steps=300,
        warmup_steps=5,
        eval_interval=50,
        eval_batches=2,
        sample_interval=0,
        checkpoint_interval=3,
        snapshot_count=3,
        device="cpu",
        dtype="float32",
        threads=2,
        run_dir=str(tmp_path / "killed"),
    )


def losses(run_dir: Path) -> dict[int, float]:
    return {e.step: e.loss for e in open_run(run_dir).events() if isinstance(e, StepEvent)}


def test_killed_twenty_times_it_is_the_run_that_was_never_killed(config: TrainConfig, tmp_path: Path) -> None:
    import json

    def start(asked: TrainConfig) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", TRAINER, json.dumps(asked.to_dict())]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    whole = start(config.override(run_dir=str(tmp_path / "whole")))
    whole.communicate()
    assert whole.returncode == 0

    rng, run_dir, killed = random.Random(1), tmp_path / "killed", 0
    for _ in range(10 * KILLS):
        child = start(config)
        assert child.stdout is not None
        steps = rng.randint(1, 12)
        for _line, _ in zip(child.stdout, range(steps), strict=False):
            pass
        if child.poll() is None and killed < KILLS:
            time.sleep(rng.random() * 0.03)  # anywhere in a step or a checkpoint
            os.kill(child.pid, signal.SIGKILL)
            child.communicate()
            killed += 1
            seen = losses(run_dir)
            assert list(seen) == list(range(1, len(seen) + 1))  # no gap, nothing twice
            for info in list_checkpoints(run_dir):
                assert (info.path / "state.json").is_file()
        else:
            child.communicate()
            assert child.returncode == 0
            break
    assert killed == KILLS
    assert losses(run_dir) == losses(tmp_path / "whole")
    assert len(losses(run_dir)) == 300
    left = [p.name for p in (run_dir / "checkpoints").iterdir() if p.name.startswith(".")]
    assert not left


def test_the_processes_of_a_launched_run_answer_to_a_kill_too(config: TrainConfig, tmp_path: Path) -> None:
    """The same through the launcher, as the app starts it, with a copy of the folder resumed elsewhere."""
    import shutil

    launched = start_run(config.override(run_dir=None, max_steps=100_000), name="far")
    try:
        deadline = time.monotonic() + 60
        while len(list_checkpoints(launched.path)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        os.kill(launched.pid, signal.SIGKILL)
    launched.process.wait()
    run = open_run(launched.path)
    assert run.state == "dead"
    step = next(i.step for i in list_checkpoints(launched.path) if i.latest)  # the newest may not be marked yet
    copy = tmp_path / "elsewhere" / "far"
    shutil.copytree(launched.path, copy)
    from core.training.trainer import Trainer

    events = list(Trainer.resumed(copy, max_steps=step + 5).run())
    assert [e.step for e in events if isinstance(e, StepEvent)] == list(range(step + 1, step + 6))
    assert open_run(copy).state == "finished"


BETWEEN = """
import os, signal
from core.training import checkpoints
replace = checkpoints.replace
def killed_after_the_first(source, target):
    replace(source, target)
    if target.name.startswith(".old-"):
        os.kill(os.getpid(), signal.SIGKILL)
checkpoints.replace = killed_after_the_first
from core.training.requests import send_request
"""


def test_killed_between_the_two_renames_of_a_checkpoint_saved_again(config: TrainConfig, tmp_path: Path) -> None:
    import json

    from core.training.trainer import Trainer

    quick = config.override(max_steps=9, threads=1, snapshot_count=0)
    ask = "        print(event.step, flush=True)"
    program = BETWEEN + TRAINER.replace(
        ask,
        f"{ask}\n    if event.kind == 'checkpoint' and event.step == 3:\n        send_request(run_dir, 'checkpoint')",
    )
    child = subprocess.run([sys.executable, "-c", program, json.dumps(quick.to_dict())], check=False)
    assert child.returncode == -signal.SIGKILL
    run_dir = tmp_path / "killed"
    names = [p.name for p in (run_dir / "checkpoints").iterdir() if "step-000003" in p.name and p.name[:5] != ".tmp-"]
    assert names == [".old-step-000003"]
    (seen,) = list_checkpoints(run_dir)
    assert (seen.step, seen.latest) == (3, True)
    list(Trainer.resumed(run_dir).run())
    list(Trainer(quick.override(run_dir=str(tmp_path / "whole"))).run())
    assert losses(run_dir) == losses(tmp_path / "whole")
    (resume,) = open_run(run_dir).events("resume")
    assert resume.step == 3
    assert not [p.name for p in (run_dir / "checkpoints").iterdir() if p.name.startswith(".")]
