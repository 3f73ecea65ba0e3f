"""A trainer in a process of its own: started, steered, stopped by signals, killed, refused, failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.config import TrainConfig
from core.errors import CheckpointError, LabError, RunError, RunLockedError
from core.lock import is_held
from core.training.events import EndEvent, StepEvent
from core.training.launch import Launched, start_run, usable_cores
from core.training.requests import send_request
from core.training.rundir import LOCK, STATUS, RunWriter
from core.training.runs import Run, list_runs, new_run_dir, open_run

Start = Callable[..., Launched]


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    """A run that goes on for longer than any test, in steps of a millisecond."""
    text = tmp_path / "text.txt"
    text.write_text("The quick brown fox jumps over the lazy dog.\n" * 200)
    return TrainConfig().override(
        corpus=str(text),
        n_layers=1,
        n_heads=1,
        emb_dim=8,
        context_length=8,
        batch_size=2,
        max_steps=1_000_000,
        eval_interval=0,
        sample_interval=0,
        checkpoint_interval=0,
        snapshot_count=0,
        device="cpu",
        dtype="float32",
        threads=1,
    )


@pytest.fixture
def start(runs: Path) -> Iterator[Start]:
    """``start_run``, and an end to whatever it started."""
    started: list[Launched] = []

    def begin(config: TrainConfig, **how: object) -> Launched:
        started.append(start_run(config, **how))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for launched in started:
        launched.process.kill()
        launched.process.wait()


def running(launched: Launched) -> Run:
    run = open_run(launched.path)
    # On a loaded machine it may be silent for a while as it starts.
    wait_for(lambda: run.status().step > 0 or not (run.is_live or run.state == "silent"))
    assert run.state == "running", run.status().message
    return run


def test_a_run_to_its_end(config: TrainConfig, start: Start, runs: Path) -> None:
    launched = start(config.override(max_steps=5), name="short")
    assert launched.path == runs / "short"
    run = open_run("short")
    assert run.state == "starting"
    steps = [event.step for event in run.follow() if isinstance(event, StepEvent)]
    assert steps == [1, 2, 3, 4, 5]
    assert launched.process.wait(60) == 0
    status = run.status()
    assert (status.state, status.step, status.max_steps, status.pid) == ("finished", 5, 5, launched.pid)
    assert [c.step for c in run.checkpoints] == [5]
    assert run.log() == []
    assert run.config.override(run_dir=None, vocab_size=None) == config.override(max_steps=5)


def test_it_is_reaped_without_being_asked(config: TrainConfig, start: Start) -> None:
    launched = start(config)
    launched.process.kill()
    wait_for(lambda: launched.process.returncode is not None)  # returncode asks nobody
    assert launched.process.returncode == -9 if sys.platform != "win32" else 1


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_a_checkpoint(config: TrainConfig, start: Start, number: int) -> None:
    launched = start(config)
    run = running(launched)
    os.kill(launched.pid, number)
    assert launched.process.wait(60) == 0
    assert run.state == "stopped"
    *_, end = run.events()
    assert isinstance(end, EndEvent)
    assert end.reason == "stopped"
    assert [c.step for c in run.checkpoints] == [end.step]


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_a_signal_before_there_is_a_trainer(config: TrainConfig, start: Start) -> None:
    launched = start(config)
    run = open_run(launched.path)
    wait_for(lambda: run.status().pid == launched.pid)  # it holds the lock; torch is not imported yet
    os.kill(launched.pid, signal.SIGHUP)
    os.kill(launched.pid, signal.SIGTERM)
    assert launched.process.wait(60) == 0
    assert run.state == "stopped"
    assert run.status().step < 1000


def test_pause_resume_checkpoint_stop(config: TrainConfig, start: Start) -> None:
    run = running(start(config))
    asked = run.send("pause")
    wait_for(lambda: run.answered(asked.id) is not None)
    assert run.state == "paused"
    answer = run.answered(asked.id)
    assert answer is not None
    assert answer.step == run.status().step
    for kind, state in (("checkpoint", "paused"), ("resume", "running"), ("stop", "stopped")):
        asked = run.send(kind)
        wait_for(lambda r=asked.id: run.answered(r) is not None)  # type: ignore[misc]
        wait_for(lambda s=state: run.state == s)  # type: ignore[misc]
    assert answer.step in [c.step for c in run.checkpoints]


def test_asked_to_stop_while_it_was_starting(config: TrainConfig, start: Start) -> None:
    launched = start(config)
    send_request(launched.path, "stop")
    assert launched.process.wait(60) == 0
    assert open_run(launched.path).state == "stopped"


def test_a_second_trainer_is_refused(config: TrainConfig, start: Start) -> None:
    launched = start(config)
    run = running(launched)
    with pytest.raises(RunLockedError, match=f"held by process {launched.pid}"):
        start(config, resume=run.path)
    command = [sys.executable, "-m", "core.training", str(run.path)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert "one trainer at a time was expected" in second.stderr
    assert "Traceback" not in second.stderr
    assert run.state == "running"


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_killed_it_is_dead_and_goes_on_when_resumed(config: TrainConfig, start: Start) -> None:
    launched = start(config)
    run = running(launched)
    asked = run.send("checkpoint")
    wait_for(lambda: run.answered(asked.id) is not None)
    launched.process.kill()
    launched.process.wait(60)
    assert run.state == "dead"
    assert list_runs()[0].state == "dead"
    (saved,) = run.checkpoints
    again = start(run.config.override(max_steps=saved.step + 3), resume=run.path)
    assert again.path == launched.path
    assert again.process.wait(60) == 0
    assert run.state == "finished"
    assert run.status().max_steps == saved.step + 3
    steps = [event.step for event in run.events("step")]
    assert steps == list(range(1, saved.step + 4))
    assert run.config.max_steps == saved.step + 3


def test_what_fails_stands_in_two_lines(config: TrainConfig, start: Start, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("too short")
    launched = start(config.override(context_length=64))
    assert launched.process.wait(60) == 2
    run = open_run(launched.path)
    assert run.state == "failed"
    title, hint = run.status().message.split("\n")
    assert title
    assert hint
    assert not any("Traceback" in line for line in run.log())
    assert list_runs()[0].message == run.status().message
    assert run.config.model.context_length == 64


def finished(config: TrainConfig, start: Start) -> Run:
    launched = start(config.override(max_steps=4))
    assert launched.process.wait(60) == 0
    return open_run(launched.path)


def unchanged(run: Run, before: bytes) -> None:
    """The run is finished as it was; its status says in two lines why it did not go on."""
    wait_for(lambda: not run.is_live)
    status, was = json.loads((run.path / STATUS).read_bytes()), json.loads(before)
    assert run.state == was["state"] == "finished"
    assert {**status, "message": was["message"]} == was
    assert [e.kind for e in run.events()].count("end") == 1
    assert not is_held(run.path / LOCK)


def test_what_can_be_refused_at_once_is(config: TrainConfig, start: Start, runs: Path) -> None:
    RunWriter.create(runs / "bare", {"config": config.to_dict()}).close("stopped")
    with pytest.raises(RunError, match="has no checkpoint yet"):
        start(config, resume=runs / "bare")
    assert open_run("bare").state == "stopped"
    with pytest.raises(RunError, match=r"^.* is not a run"):
        start(config, resume=runs)
    run = finished(config, start)
    before = (run.path / STATUS).read_bytes()
    for changes, where, said in (
        ({}, None, "has 4 steps already"),
        ({"max_steps": 9, "emb_dim": 16}, None, "emb_dim was 8, now 16"),
        ({"max_steps": 9}, 77, "has no checkpoint '77'"),
    ):
        with pytest.raises(LabError, match=said):
            start(run.config.override(**changes), resume=run.path, checkpoint=where)
        assert (run.path / STATUS).read_bytes() == before


def test_a_resume_that_is_refused_in_the_process_leaves_the_run_as_it_was(config: TrainConfig, start: Start) -> None:
    run = finished(config, start)
    before = (run.path / STATUS).read_bytes()
    state = run.checkpoints[-1].path / "state.json"
    whole = state.read_bytes()
    state.write_bytes(whole.replace(b'"step":4', b'"step":5', 1))
    launched = start(run.config.override(max_steps=9), resume=run.path)
    assert launched.process.wait(60) == CheckpointError.exit_code
    unchanged(run, before)
    title, hint = run.status().message.split("\n")
    assert "is damaged" in title
    assert hint
    state.write_bytes(whole)
    Path(config.corpus).unlink()
    launched = start(run.config.override(max_steps=9), resume=run.path)
    assert launched.process.wait(60) != 0
    unchanged(run, before)
    assert "text.txt" in run.status().message


def test_no_process_for_a_run_leaves_it_as_it_was(
    config: TrainConfig, start: Start, runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = finished(config, start)
    before = (run.path / STATUS).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(tmp_path / "no python here"))
        with pytest.raises(LabError, match="no process for the run"):
            start(run.config.override(max_steps=9), resume=run.path)
        unchanged(run, before)
        theirs = runs / "theirs"
        theirs.mkdir()
        (theirs / ".DS_Store").write_bytes(b"theirs")
        with pytest.raises(LabError, match="no process for the run"):
            start(config.override(run_dir=str(theirs)))
        assert [p.name for p in theirs.iterdir()] == [".DS_Store"]
        with pytest.raises(LabError, match="no process for the run"):
            start(config, name="never")
        assert not (runs / "never").exists()
    (tmp_path / "sitecustomize.py").write_text("import os; os.write(2, b'no such luck\\n'); os._exit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    launched = start(run.config.override(max_steps=9), resume=run.path)
    assert launched.process.wait(60) == 3
    wait_for(lambda: "no such luck" in run.status().message)
    unchanged(run, before)


def test_what_a_desktop_leaves_in_a_folder_keeps_it_empty(config: TrainConfig, start: Start, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for name in (".DS_Store", "Thumbs.db"):
        (theirs / name).write_bytes(b"theirs")
    launched = start(config.override(run_dir=str(theirs), max_steps=2))
    assert launched.process.wait(60) == 0
    assert open_run(theirs).state == "finished"
    assert (theirs / ".DS_Store").read_bytes() == b"theirs"


def test_a_folder_that_is_taken(config: TrainConfig, start: Start, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("")
    with pytest.raises(RunError, match="is not empty, a new folder was expected"):
        start(config.override(run_dir=str(tmp_path / "letters")))
    assert [p.name for p in (tmp_path / "letters").iterdir()] == ["dear.txt"]
    with pytest.raises(RunError, match="is not empty"):
        start(config.override(run_dir=str(tmp_path)))


def test_the_folder_where_one_stands_does_not_matter(
    config: TrainConfig, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("core", "random", "torch"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLM_LAB_RUNS", "my runs")  # relative, with a space
    launched = start(config.override(max_steps=1, corpus="text.txt", threads=0), name="ünï")
    assert launched.process.wait(60) == 0
    assert launched.path == tmp_path / "my runs" / "ünï"
    assert open_run("ünï").state == "finished"


def test_a_process_that_dies_at_once_is_noticed(
    config: TrainConfig, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os; os.write(2, b'no such luck\\n'); os._exit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    launched = start(config)
    run = open_run(launched.path)
    wait_for(lambda: run.state == "failed")
    assert run.status().message.startswith("no such luck\n")
    assert "trainer.log" in run.status().message


def test_a_bug_leaves_its_traceback_in_the_log_alone(runs: Path) -> None:
    path = new_run_dir("buggy")
    (path / "launch.json").write_text(json.dumps({"config": TrainConfig().to_dict(), "asked": time.time()}))
    code = (
        "import sys, types; broken = types.ModuleType('core.training.trainer');"
        "broken.Trainer = lambda *a, **k: 1 / 0;"
        "sys.modules['core.training.trainer'] = broken; from core.training.__main__ import main;"
        f"sys.exit(main([{str(path)!r}]))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 1
    assert "Traceback" in found.stderr
    run = open_run(path)
    assert run.state == "failed"
    assert run.status().message == (
        "the trainer met a bug: ZeroDivisionError: division by zero\nthe traceback is in trainer.log"
    )


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["nowhere"], ["."]])
def test_started_by_hand_the_wrong_way(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "core.training", *arguments]
    env = {**os.environ, "PYTHONPATH": os.getcwd()}  # noqa: PTH109
    found = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 2
    assert "Traceback" not in found.stderr
    assert list(tmp_path.iterdir()) == []


def environment_of(code: str, **env: str) -> dict[str, str]:
    script = (
        f"import os, sys, json; {code};"
        "names = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OMP_WAIT_POLICY');"
        "out = {n: os.environ.get(n) for n in names};"
        "out['nice'] = os.getpriority(os.PRIO_PROCESS, 0) if sys.platform != 'win32' else 5;"
        "out['torch'] = 'torch' in sys.modules; print(json.dumps(out))"
    )
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_", "KMP_"))}
    done = subprocess.run(
        [sys.executable, "-c", script], env={**clean, **env}, capture_output=True, timeout=60, check=True
    )
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_the_environment_is_set_before_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = "from core.training.launch import prepare_environment; prepare_environment"
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # a test before may have imported the trainer
    cores = str(usable_cores())
    found = environment_of(f"{prepare}(); prepare_environment()")
    assert found == {
        "OMP_NUM_THREADS": cores,
        "MKL_NUM_THREADS": cores,
        "OMP_WAIT_POLICY": "passive",
        "nice": max(5, os.getpriority(os.PRIO_PROCESS, 0)) if sys.platform != "win32" else 5,
        "torch": False,
    }
    assert environment_of(f"{prepare}(3)")["OMP_NUM_THREADS"] == "3"
    theirs = environment_of(f"{prepare}()", OMP_NUM_THREADS="7", OMP_WAIT_POLICY="active")
    assert (theirs["OMP_NUM_THREADS"], theirs["OMP_WAIT_POLICY"]) == ("7", "active")
    theirs = environment_of(f"{prepare}()", MKL_NUM_THREADS="5")
    assert (theirs["OMP_NUM_THREADS"], theirs["MKL_NUM_THREADS"]) == (cores, "5")


@pytest.mark.parametrize(("said", "count"), [("7", 7), (" 3,2", 3), ("0", None), ("many", None), ("", None)])
def test_threads_that_a_person_has_set_are_honoured(
    monkeypatch: pytest.MonkeyPatch, said: str, count: int | None
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    alone = usable_cores()
    assert 1 <= alone <= (os.cpu_count() or 1)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert usable_cores() == (count or alone)


def test_launching_loads_nothing_heavy() -> None:
    assert environment_of("import core.training.launch, core.training.__main__")["torch"] is False
