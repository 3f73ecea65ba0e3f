"""Killed, full, read-only, locked, flipped: a run directory can always be read, and says in two lines what is wrong."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from run_writing import writing
from small_disks import fill, mounted

from core.config import TrainConfig
from core.errors import CheckpointError, DiskFullError, LabError, RunError, RunLockedError
from core.training.checkpoints import load_checkpoint, save_checkpoint, save_snapshot
from core.training.events import EvalEvent, StepEvent
from core.training.history import History
from core.training.launch import start_run
from core.training.rundir import METRICS, STATUS, RunWriter
from core.training.runs import delete_run, list_runs, open_run
from core.training.stored import find_checkpoint, list_checkpoints, mark_best

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and mounts of POSIX")
KILLS = 20


def step_event(n: int) -> StepEvent:
    return StepEvent(n, n / 4, n * 768, 4.2 / n, 1e-3, 0.5, 60_000.0, 0.41)


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.001)


def two_lines(error: LabError) -> None:
    assert error.title
    assert error.hint
    assert "\n" not in error.title + error.hint
    assert "Errno" not in str(error)


# Kills

NURSERY = """
import os, sys, torch
from pathlib import Path
from core.training.checkpoints import *
from core.training.events import *
from core.training.rundir import RunWriter
from core.training.stored import *

def write(path):
    new = not (path / "run.json").exists()
    writer = RunWriter.create(path, {}) if new else RunWriter.reopen(path)
    step = 0
    if not new and list_checkpoints(path):
        step = load_checkpoint(find_checkpoint(path)).step
    if not new:
        writer.emit(ResumeEvent(step, step / 4, step, from_step=step))
    while True:
        step += 1
        writer.set_status(state="running", step=step, phase=f"step {step}")
        writer.emit(StepEvent(step, step / 4, step, 4.2 / step, 1e-3, 0.5, 6e4, 0.4))
        if step % 3 == 0:
            weights = {"w": torch.full((50_000,), float(step))}
            save_checkpoint(path, step, weights, weights, {"step": step})
            mark_best(path, step)
            save_snapshot(path, step, weights)
            prune(path, 2)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        write(Path(line.strip()))
    print(child, flush=True)
    os.waitpid(child, 0)
"""


@pytest.fixture
def nursery() -> Iterator[Callable[[Path], int]]:
    """Starts a real writer process on a run directory; torch is imported once for all."""
    process = subprocess.Popen(
        [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdin
    assert process.stdout

    def start(path: Path) -> int:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{path}\n")
        return int(process.stdout.readline())

    yield start
    process.stdin.close()
    process.wait(30)
    process.stdout.close()


@posix
def test_killed_at_random_moments_a_run_can_be_read_and_gone_on_with(
    tmp_path: Path, nursery: Callable[[Path], int]
) -> None:
    path = tmp_path / "run"
    moments = random.Random(20)
    inside = 0
    for n in range(KILLS):
        before = (path / METRICS).stat().st_size if n else 0
        pid = nursery(path)
        wait_for(lambda size=before: (path / METRICS).exists() and (path / METRICS).stat().st_size > size + 2000)  # type: ignore[misc]
        if n % 2:  # inside a checkpoint
            wait_for(lambda: any((path / "checkpoints").glob(".tmp-step-*")))
        else:
            time.sleep(moments.uniform(0, 0.05))
        os.kill(pid, signal.SIGKILL)
        run = open_run(path)
        wait_for(lambda r=run: r.state == "dead")  # type: ignore[misc]
        inside += any((path / "checkpoints").glob(".tmp-*"))
        steps = [event.step for event in run.events("step")]
        assert steps == list(range(1, len(steps) + 1))
        assert run.unreadable == 0
        history = History(path / METRICS)
        history.update()
        assert history.steps.tolist() == steps
        checkpoint = load_checkpoint(find_checkpoint(path))
        assert checkpoint.state == {"step": checkpoint.step}
        assert float(checkpoint.model["w"][0]) == float(checkpoint.optimizer["w"][-1]) == checkpoint.step
        assert checkpoint.step <= steps[-1] <= checkpoint.step + 3
        for info in run.checkpoints:
            load_checkpoint(info.path)
        assert load_checkpoint(find_checkpoint(path, "best")).step >= checkpoint.step - 3
        from safetensors.torch import load_file

        for snapshot in run.snapshots:
            assert float(load_file(snapshot.path)["w"][0]) == snapshot.step
    assert inside > 0, "no kill came inside a checkpoint"
    with writing(RunWriter.reopen(path)):
        save_checkpoint(path, 10_000, {}, {}, {})
        save_snapshot(path, 10_000, {})
    hidden = [p.name for folder in (path, path / "checkpoints", path / "snapshots") for p in folder.glob(".*")]
    assert hidden == [], "what the killed left is gone"


@posix
def test_the_lock_of_another_process_holds_until_it_is_killed(tmp_path: Path, nursery: Callable[[Path], int]) -> None:
    path = tmp_path / "run"
    pid = nursery(path)
    run = open_run_when_there(path)
    wait_for(lambda: run.state == "running")
    with pytest.raises(RunLockedError, match=f"held by process {pid} on ") as caught:
        RunWriter.reopen(path)
    two_lines(caught.value)
    with pytest.raises(RunLockedError) as caught:
        delete_run(run)
    two_lines(caught.value)
    with pytest.raises(RunLockedError):
        start_run(TrainConfig(), resume=path)
    assert run.state == "running"
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: run.state == "dead")
    RunWriter.reopen(path).close("stopped")
    assert run.state == "stopped"


def open_run_when_there(path: Path):  # type: ignore[no-untyped-def]
    wait_for((path / "run.json").exists)
    return open_run(path)


# No space left


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    with mounted(tmp_path / "disk") as place:
        yield place


def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    path = small_disk / "run"
    weights = {"w": torch.ones(20_000)}
    with writing(RunWriter.create(path, {})) as writer:
        writer.set_status(state="running")
        save_checkpoint(path, 1, weights, {}, {"n": 1})
        save_snapshot(path, 1, weights)
        ballast = fill(small_disk, leave=16_384)
        said = 0
        with pytest.raises(DiskFullError, match=r"no space left for metrics\.jsonl") as caught:
            while True:
                writer.emit(step_event(said + 1))
                said += 1
        two_lines(caught.value)
        assert said > 0
        for write in (
            lambda: save_checkpoint(path, 2, weights, {}, {}),
            lambda: save_checkpoint(path, 1, weights, {}, {}),
            lambda: save_snapshot(path, 2, weights),
            lambda: mark_best(path, 1),
            lambda: writer.emit(step_event(said + 1)),
        ):
            with pytest.raises(DiskFullError) as caught:
                write()
            two_lines(caught.value)
        assert (path / METRICS).read_bytes().endswith(b"}\n")
        run = open_run(path)
        assert [event.step for event in run.events()] == list(range(1, said + 1))
        assert [c.step for c in run.checkpoints] == [1]
        assert load_checkpoint(find_checkpoint(path)).state == {"n": 1}
        assert [s.step for s in run.snapshots] == [1]
        assert sorted(p.name for p in path.glob("*/.*")) == []
        # It can still say what is wrong, although no new file has room.
        writer.set_status(state="paused", message=str(caught.value))
        assert run.state == "paused"
        assert run.status().message == str(caught.value)
        ballast.unlink()
        writer.emit(step_event(said + 1))
        save_checkpoint(path, 2, weights, {}, {})
        assert [c.step for c in run.checkpoints] == [1, 2]
        assert [event.step for event in run.events()] == list(range(1, said + 2))


def test_a_run_cannot_begin_on_a_full_disk(small_disk: Path) -> None:
    fill(small_disk)
    with pytest.raises(DiskFullError) as caught:
        RunWriter.create(small_disk / "run", {})
    two_lines(caught.value)
    with pytest.raises(LabError) as other:
        start_run(TrainConfig().override(run_dir=str(small_disk / "run-2")))
    two_lines(other.value)


def test_a_training_process_waits_for_space_and_goes_on(small_disk: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("The quick brown fox jumps over the lazy dog.\n" * 200)
    config = TrainConfig().override(
        corpus=str(text),
        n_layers=1,
        n_heads=1,
        emb_dim=8,
        context_length=8,
        batch_size=2,
        threads=1,
        max_steps=1500,
        eval_interval=0,
        sample_interval=0,
        checkpoint_interval=500,
        snapshot_count=2,
        device="cpu",
        dtype="float32",
        run_dir=str(small_disk / "run"),
    )
    ballast = fill(small_disk, leave=120_000)
    launched = start_run(config)
    try:
        run = open_run(launched.path)
        wait_for(lambda: run.state == "paused" or not run.is_live)
        assert run.state == "paused", run.status().message
        assert "no space left" in run.status().message
        assert 0 < run.status().step < 1500
        for info in run.checkpoints:
            load_checkpoint(info.path)
        ballast.unlink()
        assert launched.process.wait(60) == 0
    finally:
        launched.process.kill()
        launched.process.wait()
    assert run.state == "finished"
    assert [event.step for event in run.events("step")] == list(range(1, 1501))
    assert load_checkpoint(find_checkpoint(launched.path)).step == 1500
    assert run.unreadable == 0


@posix
def test_a_file_size_limit_is_a_full_disk_too(tmp_path: Path) -> None:
    code = f"""
import resource, sys
from pathlib import Path
from core.errors import DiskFullError
from core.training.events import StepEvent
from core.training.rundir import RunWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
writer = RunWriter.create(Path({str(tmp_path / "run")!r}), {{}})
try:
    for n in range(1, 1000):
        writer.emit(StepEvent(n, n / 4, n))
except DiskFullError as error:
    writer.close("failed", str(error))
    sys.exit(n)
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    run = open_run(tmp_path / "run")
    steps = [event.step for event in run.events()]
    assert steps == list(range(1, done.returncode))
    assert len(steps) > 10
    assert run.unreadable == 0
    assert run.state == "failed"
    assert (tmp_path / "run" / METRICS).read_bytes().endswith(b"}\n")


# Damage


def test_a_flipped_byte_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.mkdir()
    for step in (1, 2):
        save_checkpoint(path, step, {"w": torch.ones(500)}, {"m": torch.ones(500)}, {"seed": 7, "rng": bytes(200)})
    dice = random.Random(3)
    for file in sorted(find_checkpoint(path, 2).iterdir()):
        whole = file.read_bytes()
        for _ in range(25):
            at, bit = dice.randrange(len(whole) - 1), 1 << dice.randrange(8)  # not the newline at the end of the JSON
            file.write_bytes(whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :])
            with pytest.raises(CheckpointError, match=f"step-000002 of run is damaged: {file.name}") as caught:
                load_checkpoint(find_checkpoint(path))
            two_lines(caught.value)
            assert "--resume run --checkpoint 1" in caught.value.hint
        file.write_bytes(whole)
    assert load_checkpoint(find_checkpoint(path)).step == 2
    assert load_checkpoint(find_checkpoint(path, 1)).step == 1


def test_a_torn_last_line_waits_then_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with writing(RunWriter.create(path, {})) as writer:
        for n in (1, 2, 3):
            writer.emit(step_event(n))
    metrics = path / METRICS
    metrics.write_bytes(metrics.read_bytes()[:-7])
    run = open_run(path)
    assert [event.step for event in run.events()] == [1, 2]
    assert run.unreadable == 0
    with writing(RunWriter.reopen(path)) as writer:
        writer.emit(EvalEvent(2, 1.0, 1, val_loss=2.0))
    assert [event.kind for event in run.events()] == ["step", "step", "eval"]
    assert run.unreadable == 0


@pytest.mark.parametrize("content", [None, b"", b"\x00" * 4096, b'{"state"', "ein Läufer".encode("latin-1")])
def test_a_directory_that_is_not_a_run(tmp_path: Path, content: bytes | None) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    if content is not None:
        (folder / "photos.zip").write_bytes(content)
        (folder / METRICS).write_bytes(content)
    for attempt in (open_run, RunWriter.reopen, lambda p: start_run(TrainConfig(), resume=p)):
        with pytest.raises(RunError, match="is not a run") as caught:
            attempt(folder)
        two_lines(caught.value)
    assert list_runs(tmp_path) == []
    assert (folder / METRICS).exists() == (content is not None)
    assert not (folder / "lock").exists()


@pytest.mark.parametrize("name", ["run.json", STATUS, METRICS, "control.jsonl", "launch.json", "lock", "trainer.log"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 300, b"[1, 2]", b'{"state": {}, "config": 3}\n', b"\xff\xfe{"])
def test_any_file_replaced_by_junk_harms_no_list(tmp_path: Path, name: str, content: bytes) -> None:
    for run in ("good", "odd"):
        with writing(RunWriter.create(tmp_path / run, {"config": TrainConfig().to_dict()})) as writer:
            writer.emit(step_event(1))
            writer.close("finished")
    (tmp_path / "odd" / name).write_bytes(content)
    rows = {row.name: row for row in list_runs(tmp_path)}
    assert rows["good"].state == "finished"
    assert rows["odd"].state in ("finished", "dead", "unreadable")
    try:
        run = open_run(tmp_path / "odd")
        _ = run.config, run.state, run.status(), run.log(), run.checkpoints, list(run.events())
    except LabError as error:
        two_lines(error)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """Makes a folder read-only: by a real read-only mount for root, whom permissions do not stop."""
    done: list[Path] = []
    locked: list[Path] = []

    def lock(path: Path) -> Path:
        if sys.platform != "win32" and os.geteuid():
            for folder in (path, *(p for p in path.rglob("*") if p.is_dir())):
                folder.chmod(0o555)
                locked.append(folder)
            for file in (p for p in path.rglob("*") if p.is_file()):
                file.chmod(0o444)
            return path
        place = tmp_path / "mounted"
        place.mkdir()
        if (
            sys.platform != "linux"
            or subprocess.run(
                ["mount", "--bind", "-o", "ro", str(path), str(place)], capture_output=True, check=False
            ).returncode
        ):
            pytest.skip("nothing can be made read-only for this user here")
        done.append(place)
        return place

    yield lock
    for place in done:
        subprocess.run(["umount", "-l", str(place)], check=True)
    for folder in locked:
        folder.chmod(0o755)


def test_a_read_only_run_is_read_and_refuses_to_be_steered(tmp_path: Path, read_only: Callable[[Path], Path]) -> None:
    path = tmp_path / "runs" / "run"
    with writing(RunWriter.create(path, {"config": TrainConfig().to_dict()})) as writer:
        writer.set_status(state="running", step=1)
        writer.emit(step_event(1))
        save_checkpoint(path, 1, {"w": torch.ones(2)}, {}, {})
        run = open_run(read_only(tmp_path / "runs") / "run")
        assert run.read_only
        assert run.state == "running"
        assert [event.step for event in run.events()] == [1]
        assert load_checkpoint(find_checkpoint(run.path)).step == 1
        with pytest.raises(RunError, match="cannot be asked to pause") as caught:
            run.send("pause")
        two_lines(caught.value)
        writer.close("stopped")
    assert run.state == "stopped"
    for attempt in (
        lambda: delete_run(run),
        lambda: RunWriter.reopen(run.path),
        lambda: start_run(TrainConfig(), resume=run.path),
        lambda: save_checkpoint(run.path, 2, {"w": torch.ones(2)}, {}, {}),
        lambda: save_snapshot(run.path, 2, {"w": torch.ones(2)}),
    ):
        with pytest.raises(LabError) as refused:
            attempt()
        two_lines(refused.value)
    assert [c.step for c in list_checkpoints(run.path)] == [1]
    assert list_runs(run.path.parent)[0].state == "stopped"
