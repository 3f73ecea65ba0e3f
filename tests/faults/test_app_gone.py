"""The app is killed, its terminal closed, the line to it dropped: the run that it started goes on."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from terminals import lab, on_terminal

from core.config import TrainConfig
from core.training.launch import start_run
from core.training.runs import Run, open_run
from core.training.stored import list_checkpoints
from core.training.trainer import Trainer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")


def wait_until(condition: Callable[[], object], seconds: float = 90.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def run(isolated: Path, tmp_path: Path) -> Iterator[Run]:
    """A small run that was stopped early; whatever trains it is ended."""
    text = tmp_path / "text.txt"
    text.write_text("The quick brown fox jumps over the lazy dog.\n" * 200)
    config = TrainConfig().override(
        corpus=str(text), tokenizer="char", n_layers=1, n_heads=1, emb_dim=8, context_length=8, batch_size=2,
        max_steps=1_000_000, eval_interval=0, sample_interval=0, checkpoint_interval=0, snapshot_count=0,
        device="cpu", dtype="float32", threads=1, run_dir=str(isolated / "runs" / "far"),
    )  # fmt: skip
    trainer = Trainer(config)
    for event in trainer.run():
        if event.step == 3:
            trainer.request_stop()
    run = open_run("far")
    yield run
    if run.is_live and run.status().pid:
        os.kill(run.status().pid, signal.SIGKILL)


def test_a_run_outlives_the_apps_that_look_at_it(run: Run) -> None:
    with on_terminal(lab("watch", "far")) as app:
        app.wait_for(b"stopped")
        app.type(b"p")
        wait_until(lambda: run.state == "running")
        trainer = run.status().pid
        assert os.getsid(trainer) == trainer, "it has a session of its own"
        app.process.kill()
        app.process.wait()
        goes_on(run)
    with on_terminal(lab("watch", "far")) as app:  # a window: the app leads the session
        app.wait_for(b"running")
        app.hang_up()
        app.process.wait(60)  # it ends, and does not spin at a terminal that is gone
        goes_on(run)
    with on_terminal(["/bin/sh", "-c", f"{shlex.join(lab('watch', 'far'))}; exit"]) as line:  # a shell, as over SSH
        line.wait_for(b"running")
        looking = [p.pid for p in psutil.Process(line.process.pid).children(recursive=True)]
        line.hang_up()
        line.process.wait(60)
        wait_until(lambda: not any(map(psutil.pid_exists, looking)))
        goes_on(run)
    assert looking and run.status().pid == trainer, "the same process all the time"
    run.send("stop")
    wait_until(lambda: run.state == "stopped")
    last = run.status().step
    assert [c.step for c in list_checkpoints(run.path)][-1] == last
    assert [e.step for e in run.events("step")] == list(range(1, last + 1))


def test_two_apps_on_one_run_steer_it_and_see_what_the_other_did(run: Run) -> None:
    start_run(run.config, resume=run.path)
    wait_until(lambda: run.state == "running")
    with on_terminal(lab("watch", "far")) as one, on_terminal(lab("watch", "far")) as other:
        for app in (one, other):
            app.wait_for(b"running")
        seen = len(other.seen)
        one.type(b"p")
        wait_until(lambda: run.state == "paused")
        other.wait_for(b"paused", after=seen)
        stood = run.status().step
        other.type(b"p")
        wait_until(lambda: run.state == "running" and run.status().step > stood)
        one.type(b"b")
        other.type(b"b")  # both at once ask for a checkpoint
        wait_until(lambda: [a.request for a in run.status().answers].count("checkpoint") == 2)
        other.type(b"xx")
        wait_until(lambda: run.state == "stopped")
        for app in (one, other):
            app.wait_for(b"stopped", after=seen)
            app.type(b"\x11")
            app.read_to_end()
            assert app.process.returncode == 0
    last = run.status().step
    assert [e.step for e in run.events("step")] == list(range(1, last + 1))
    assert [e.state for e in run.events("state")] == ["paused", "resumed"]
    assert run.unreadable == 0


def goes_on(run: Run) -> None:
    seen = run.status().step
    wait_until(lambda: run.status().step > seen + 1)
    assert run.state == "running"
