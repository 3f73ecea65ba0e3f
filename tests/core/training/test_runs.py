from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import InputError, RunError, RunLockedError
from core.training import run as run_module
from core.training import runs as runs_module
from core.training.checkpoints import save_checkpoint, save_snapshot
from core.training.events import EndEvent, EvalEvent, Event, ResumeEvent, SampleEvent, StepEvent
from core.training.requests import CONTROL
from core.training.rundir import LOCK, METRICS, STATUS, RunWriter
from core.training.runs import delete_run, list_runs, new_run_dir, open_run
from core.training.status import SILENT_AFTER, StatusReader
from core.training.stored import mark_best

Make = Callable[..., RunWriter]


def step_event(n: int, loss: float = 2.0) -> StepEvent:
    return StepEvent(n, n / 4, n * 768, loss, 1e-3, 0.5, 60_000.0, 0.41)


def change_status(path: Path, **values: object) -> None:
    status = json.loads((path / STATUS).read_bytes())
    (path / STATUS).write_text(json.dumps({**status, **values}))


# Opening


def test_a_run_opens_by_name_by_path_and_by_text(make_run: Make, runs: Path) -> None:
    make_run("shakes", n_layers=3, seed=9).close("finished")
    for spec in ("shakes", runs / "shakes", str(runs / "shakes"), f"{runs}/shakes/"):
        run = open_run(spec)
        assert (run.name, run.state, run.config.model.n_layers, run.config.seed) == ("shakes", "finished", 3, 9)
        assert run.meta["parameters"] == 804_096


def test_a_relative_path_from_inside(make_run: Make, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run("shakes").close("finished")
    monkeypatch.chdir(runs / "shakes")
    assert open_run(".").name == "shakes"
    monkeypatch.delenv("LLM_LAB_RUNS")
    monkeypatch.chdir(runs.parent)
    assert open_run("shakes").name == "shakes"


def test_what_is_not_a_run_is_said_with_what_was_expected(make_run: Make, runs: Path, tmp_path: Path) -> None:
    make_run("shakespeare")
    with pytest.raises(RunError, match=r"no run is called 'shakespear'.*did you mean shakespeare\?"):
        open_run("shakespear")
    with pytest.raises(RunError, match=r"is not a run: a folder with run\.json was expected"):
        open_run(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="is a file, the folder of a run was expected"):
        open_run(tmp_path / "file")
    for nothing in ("", "no/where", "~/nowhere-at-all", "a@b"):
        with pytest.raises(RunError):
            open_run(nothing)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\x00\x00"])
def test_a_broken_run_json_is_two_lines_and_one_row(make_run: Make, runs: Path, text: str) -> None:
    make_run("good", steps=3).close("finished")
    make_run("broken").close("finished")
    (runs / "broken" / "run.json").write_text(text)
    with pytest.raises(RunError, match="cannot be read as a run"):
        open_run("broken")
    rows = {row.name: row for row in list_runs()}
    assert rows["broken"].state == "unreadable"
    assert "cannot be read as a run" in rows["broken"].message
    assert rows["good"].state == "finished"


def test_a_newer_format_is_refused_and_newer_keys_are_not(make_run: Make, runs: Path) -> None:
    make_run("shakes").close("finished")
    path = runs / "shakes" / "run.json"
    meta = json.loads(path.read_bytes())
    meta["config"]["warp"] = 9
    meta["config"]["model"]["depth"] = 3
    meta["aura"] = "blue"
    path.write_text(json.dumps(meta))
    assert open_run("shakes").config.batch_size == 12
    meta["config"]["optimizer"] = "telepathy"
    path.write_text(json.dumps(meta))
    with pytest.raises(RunError, match=r"cannot be used: optimizer must be one of"):
        _ = open_run("shakes").config
    assert list_runs()[0].state == "finished"
    path.write_text(json.dumps({**meta, "format": 2}))
    with pytest.raises(RunError, match="format 2, 1 is known here"):
        open_run("shakes")


def test_the_demo(make_run: Make, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run("ships").close("finished")
    monkeypatch.setattr(runs_module, "asset", lambda name: runs / "ships" if name == "demo" else None)
    demo = open_run("demo")
    assert (demo.name, demo.bundled, demo.read_only, demo.state) == ("demo", True, True, "finished")
    with pytest.raises(RunError, match="finished run that ships"):
        demo.send("stop")
    with pytest.raises(RunError, match="cannot be deleted"):
        delete_run(demo)
    assert [(row.name, row.bundled) for row in list_runs(bundled=True)] == [("ships", False), ("demo", True)]


def test_without_a_demo_the_list_is_shorter(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_asset(name: str) -> Path:
        raise InputError("not here")

    monkeypatch.setattr(runs_module, "asset", no_asset)
    assert list_runs(bundled=True) == []
    with pytest.raises(InputError):
        open_run("demo")


# States


def test_a_live_run_and_its_end(make_run: Make) -> None:
    writer = make_run()
    run = open_run("shakes")
    assert (run.state, run.is_live) == ("running", True)
    status = run.status()
    assert (status.step, status.max_steps, status.pid, status.host) == (10, 2000, os.getpid(), platform.node())
    writer.set_status(state="paused")
    assert run.state == "paused"
    writer.close("diverged", "not finite\nlower the rate")
    assert (run.state, run.is_live, run.status().message) == ("diverged", False, "not finite\nlower the rate")


def test_dead_when_the_lock_is_free_on_this_machine(make_run: Make, runs: Path) -> None:
    make_run().close("finished")
    change_status(runs / "shakes", state="running")
    assert open_run("shakes").state == "dead"
    (runs / "shakes" / LOCK).unlink()
    assert open_run("shakes").state == "dead"
    assert list_runs()[0].state == "dead"


def test_silent_counts_from_when_this_reader_last_heard(
    make_run: Make, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run().close("finished")
    path = runs / "shakes"
    now = [1000.0]
    monkeypatch.setattr("core.training.status.time.monotonic", lambda: now[0])
    # Another machine whose clock is five minutes behind.
    change_status(path, state="running", host="gpu7", updated=time.time() - 300)
    reader = StatusReader(path)
    assert reader.state() == "running"
    now[0] += SILENT_AFTER - 1
    assert reader.state() == "running"
    now[0] += 2
    assert reader.state() == "silent"
    change_status(path, updated=time.time() - 290)
    assert reader.state() == "running"
    assert reader.age() == 0.0
    # Heard for the last time yesterday: no clock is that wrong.
    change_status(path, updated=time.time() - 86_400)
    assert StatusReader(path).state() == "silent"


def test_a_run_that_was_launched_and_has_no_process_yet(make_run: Make, runs: Path) -> None:
    folder = runs / "new"
    folder.mkdir()
    (folder / "launch.json").write_text(json.dumps({"config": {"n": 1, "seed": 4}, "asked": 5.0}))
    status = {"state": "starting", "pid": 0, "host": platform.node(), "updated": time.time()}
    (folder / STATUS).write_text(json.dumps(status))
    run = open_run("new")
    assert (run.state, run.config.seed) == ("starting", 4)
    (folder / STATUS).write_text(json.dumps({**status, "updated": time.time() - 60}))
    assert open_run("new").state == "dead"


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"state": 3, "step": "x"}', "\x00" * 50])
def test_without_a_readable_status_the_events_tell(make_run: Make, runs: Path, text: str | None) -> None:
    writer = make_run("ended")
    writer.emit(EndEvent(10, 2.5, 7680, "stopped"))
    writer.close("stopped")
    make_run("killed").close("stopped")
    for name in ("ended", "killed"):
        path = runs / name / STATUS
        path.unlink()
        if text is not None:
            path.write_text(text)
    assert open_run("ended").state == "stopped"
    assert open_run("killed").state == "dead"
    assert {row.name: (row.state, row.step) for row in list_runs()} == {
        "ended": ("stopped", 10),
        "killed": ("dead", 10),
    }


# Events


def test_events_without_what_resumes_dropped(make_run: Make) -> None:
    writer = make_run(steps=8)
    for event in (
        EvalEvent(8, 2.0, 1, val_loss=1.0),
        ResumeEvent(
            5, 1.0, 1, from_step=5, changed={"max_steps": [2000, 3000], "model.n_layers": [4, 5], "seed": [1, 2]}
        ),
        step_event(6, 6.0),
        step_event(7, 7.0),
        ResumeEvent(6, 1.0, 1, from_step=6, changed={"seed": [2, 3]}),
        step_event(7, 7.5),
    ):
        writer.emit(event)
    run = open_run("shakes")
    steps = [(e.step, e.loss) for e in run.events("step") if isinstance(e, StepEvent)]
    assert [s for s, _ in steps] == [1, 2, 3, 4, 5, 6, 7]
    assert [loss for _, loss in steps[-2:]] == [6.0, 7.5]
    assert list(run.events("eval")) == []
    assert [e.kind for e in run.events()] == ["step"] * 5 + ["resume", "step", "resume", "step"]
    assert (run.config.max_steps, run.config.seed) == (3000, 3)
    history = run.history()
    history.update()
    assert history.steps.tolist() == [s for s, _ in steps]


def test_unreadable_lines_are_skipped_and_counted(make_run: Make, runs: Path) -> None:
    writer = make_run(steps=2)
    with (runs / "shakes" / METRICS).open("ab") as file:
        file.write(b'garbage\n{"kind":"new kind","step":1}\n{"kind":"resume","from_step":"?"\n\xff\n')
    writer.emit(step_event(3))
    with (runs / "shakes" / METRICS).open("ab") as file:
        file.write(b'{"kind":"step","st')
    run = open_run("shakes")
    assert [e.step for e in run.events()] == [1, 2, 3]
    assert run.unreadable == 3


def test_samples_checkpoints_snapshots_and_log(make_run: Make, runs: Path) -> None:
    import torch

    writer = make_run(steps=2)
    writer.emit(SampleEvent(1, 0.1, 1, "\n", 'babble "kind":"step"'))
    writer.emit(SampleEvent(2, 0.2, 1, "\n", "words"))
    path = runs / "shakes"
    save_checkpoint(path, 2, {"w": torch.ones(2)}, {}, {"val_loss": 1.5})
    mark_best(path, 2)
    save_snapshot(path, 1, {"w": torch.ones(2)})
    (path / "trainer.log").write_bytes(b"one\ntwo \xff\n")
    run = open_run("shakes")
    assert [s.text for s in run.events("sample") if isinstance(s, SampleEvent)] == ['babble "kind":"step"', "words"]
    assert [(c.step, c.best, c.latest, c.val_loss) for c in run.checkpoints] == [(2, True, True, 1.5)]
    assert [s.step for s in run.snapshots] == [1]
    assert run.log() == ["one", "two \ufffd"]
    assert run.log(1) == ["two \ufffd"]


# Following


class Follower:
    """Follows a run in a thread of its own, noting when each event came."""

    def __init__(self, spec: str, **how: bool) -> None:
        self.events: list[Event] = []
        self.at: list[float] = []
        self.cancelled = threading.Event()
        self.news = threading.Condition()
        self._how = how
        self._run = open_run(spec)
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self) -> None:
        for event in self._run.follow(self.cancelled, **self._how):
            with self.news:
                self.events.append(event)
                self.at.append(time.monotonic())
                self.news.notify_all()

    def wait(self, count: int) -> None:
        with self.news:
            assert self.news.wait_for(lambda: len(self.events) >= count, timeout=20), f"{len(self.events)} of {count}"

    def join(self) -> None:
        self.thread.join(20)
        assert not self.thread.is_alive()


def test_follow_gives_what_is_there_what_comes_and_then_ends(make_run: Make) -> None:
    writer = make_run(steps=3)
    follower = Follower("shakes")
    follower.wait(3)
    for n in range(4, 8):
        writer.emit(step_event(n))
        follower.wait(n)
    writer.emit(EndEvent(7, 1.0, 1, "finished"))
    writer.close("finished")
    follower.join()
    assert [e.step for e in follower.events] == [1, 2, 3, 4, 5, 6, 7, 7]
    assert [e.kind for e in open_run("shakes").follow(new_only=True)] == []
    assert len(list(open_run("shakes").follow())) == 8


def test_follow_only_what_is_new_until_cancelled(make_run: Make) -> None:
    writer = make_run(steps=3)
    cancelled = threading.Event()
    stream = open_run("shakes").follow(cancelled, new_only=True)
    seen: list[Event] = []
    started = threading.Event()

    def read() -> None:
        started.set()
        seen.extend(stream)

    cancelled.set()
    reader = threading.Thread(target=read)
    reader.start()
    reader.join(20)
    assert started.is_set()
    assert not reader.is_alive()
    assert seen == []
    assert writer.requests() == []


def test_follow_a_torn_line_and_a_replaced_file(make_run: Make, runs: Path) -> None:
    writer = make_run(steps=1)
    metrics = runs / "shakes" / METRICS
    follower = Follower("shakes")
    follower.wait(1)
    line = json.dumps(step_event(2).to_dict()).encode() + b"\n"
    with metrics.open("ab") as file:
        file.write(line[:20])
        file.flush()
        file.write(line[20:])
    follower.wait(2)
    other = metrics.with_name("other")
    other.write_bytes(b"".join(json.dumps(step_event(n).to_dict()).encode() + b"\n" for n in (7, 8)))
    other.replace(metrics)
    follower.wait(4)
    follower.cancelled.set()
    follower.join()
    assert [e.step for e in follower.events] == [1, 2, 7, 8]
    writer.close("stopped")


def test_follow_a_run_that_died(make_run: Make, runs: Path) -> None:
    make_run(steps=4).close("stopped")
    change_status(runs / "shakes", state="running")
    assert [e.step for e in open_run("shakes").follow()] == [1, 2, 3, 4]


# Steering


def test_asked_and_answered(make_run: Make) -> None:
    writer = make_run()
    run = open_run("shakes")
    pause, stop = run.send("pause"), run.send("stop")
    assert run.answered(pause.id) is None
    assert writer.requests() == [pause, stop]
    writer.answered(pause, 11)
    writer.answered(stop, 12)
    answer = run.answered(pause.id)
    assert answer is not None
    assert (answer.request, answer.step) == ("pause", 11)
    assert run.status().answered == run.answered(stop.id)


def test_nobody_is_there_to_ask(make_run: Make, runs: Path) -> None:
    make_run().close("finished")
    with pytest.raises(RunError, match="the run shakes is finished: nobody is there to pause it") as caught:
        open_run("shakes").send("pause")
    assert "--resume shakes" in caught.value.hint
    assert not (runs / "shakes" / CONTROL).exists()


# Listing


def test_the_list_is_newest_first_and_knows_its_numbers(make_run: Make, runs: Path) -> None:
    first = make_run("first", steps=500)
    first.emit(EvalEvent(250, 60.0, 1, val_loss=2.5, best=True))
    first.emit(EvalEvent(500, 120.0, 1, val_loss=2.7))
    make_run("second", steps=0)
    (runs / "notes").mkdir()
    (runs / ".trash").mkdir()
    (runs / "file").write_text("")
    rows = list_runs()
    assert [row.name for row in rows] == ["second", "first"]
    row = rows[1]
    assert (row.state, row.step, row.max_steps, row.best_val_loss) == ("running", 500, 2000, 2.5)
    assert (row.tokenizer, row.corpus, row.parameters) == ("char", "tiny-shakespeare", 804_096)
    assert row.train_loss == pytest.approx(4.2 / 500)
    assert len(row.spark) == 32
    assert row.spark == sorted(row.spark, reverse=True)
    assert rows[0].spark == []
    assert math.isnan(rows[0].best_val_loss)
    assert json.dumps([r.to_dict() for r in rows])
    first.emit(EvalEvent(501, 121.0, 1, val_loss=2.1, best=True))
    first.emit(step_event(501, 0.125))
    row = list_runs()[1]
    assert (row.best_val_loss, row.train_loss, row.step) == (2.1, 0.125, 501)
    first.emit(ResumeEvent(300, 60.0, 1, from_step=300))
    assert list_runs()[1].best_val_loss == 2.5
    first.close("finished")
    assert list_runs()[1].state == "finished"


def test_a_spark_of_short_and_replaced_files(make_run: Make, runs: Path) -> None:
    make_run("short", steps=3).close("finished")
    assert list_runs()[0].spark == pytest.approx([4.2, 2.1, 1.4])
    (runs / "short" / METRICS).write_text(json.dumps(step_event(1, 7.0).to_dict()) + "\n")
    assert list_runs()[0].spark == [7.0]


def test_no_runs_folder(runs: Path) -> None:
    runs.rmdir()
    assert list_runs() == []
    assert list_runs(runs / "deeper") == []


def test_new_folders_never_collide(runs: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_run_dir("shakes"), range(24)))
    assert {p.name for p in made} == {"shakes", *(f"shakes-{n}" for n in range(2, 25))}
    assert new_run_dir("../../etc/pass wd@3:x").name == "etc-pass-wd-3-x"
    assert new_run_dir("...").name == "run"
    assert new_run_dir("Käse").parent == runs


def test_new_folder_where_none_can_be_made(tmp_path: Path) -> None:
    from core.errors import LabError

    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="expected a folder for runs"):
        new_run_dir("a", tmp_path / "file")


def test_deleted_is_in_the_trash(make_run: Make, runs: Path) -> None:
    writer = make_run()
    with pytest.raises(RunLockedError, match="the run shakes is running") as caught:
        delete_run(open_run("shakes"))
    assert "llm-lab stop shakes" in caught.value.hint
    writer.close("stopped")
    where = delete_run(open_run("shakes"))
    assert where.parent == runs / ".trash"
    assert where.name.startswith("shakes-2")
    assert not (runs / "shakes").exists()
    assert list_runs() == []
    where.rename(runs / "shakes")
    assert open_run("shakes").state == "stopped"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights")
def test_of_a_link_the_link_goes(make_run: Make, runs: Path, tmp_path: Path) -> None:
    make_run().close("stopped")
    (runs / "shakes").rename(tmp_path / "elsewhere")
    (runs / "shakes").symlink_to(tmp_path / "elsewhere")
    where = delete_run(open_run("shakes"))
    assert where.is_symlink()
    assert list_runs() == []
    assert open_run(tmp_path / "elsewhere").state == "stopped"


def test_a_silent_run_is_deleted_only_when_meant(make_run: Make, runs: Path) -> None:
    make_run().close("stopped")
    change_status(runs / "shakes", state="running", host="gpu7", updated=1.0)
    run = open_run("shakes")
    assert run.state == "silent"
    with pytest.raises(RunLockedError):
        delete_run(run)
    assert delete_run(run, silent_too=True).exists()


def test_reading_runs_loads_nothing_heavy(make_run: Make, runs: Path) -> None:
    make_run().close("finished")
    code = (
        "import sys; from core.training.runs import list_runs, open_run; list_runs(); r = open_run('shakes');"
        "list(r.events()); r.state; r.config; r.checkpoints;"
        "sys.exit(sum(m in sys.modules for m in ('torch', 'numpy', 'safetensors', 'httpx', 'psutil')))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
    assert run_module.DEMO == "demo"
