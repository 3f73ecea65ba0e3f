from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from run_writing import writing

from core.errors import LabError, RunError, RunLockedError
from core.files import write_json_atomic
from core.lock import is_held
from core.training.events import EndEvent, EvalEvent, SampleEvent, StepEvent, parse_event
from core.training.requests import CONTROL, RequestReader, send_request
from core.training.rundir import LOCK, META, METRICS, STATUS, RunWriter


def step_event(n: int) -> StepEvent:
    return StepEvent(n, n / 4, n * 768, 4.2 / n, 1e-3, 0.5, 60_000.0, 0.41)


def events_in(path: Path) -> list[object]:
    return [parse_event(json.loads(line)) for line in (path / METRICS).read_bytes().splitlines()]


def status_of(path: Path) -> dict[str, object]:
    found = json.loads((path / STATUS).read_bytes())
    assert isinstance(found, dict)
    return found


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def test_create_writes_what_readers_need(tmp_path: Path) -> None:
    with writing(RunWriter.create(tmp_path / "a", {"parameters": 7})) as writer:
        writer.emit(step_event(1))
        writer.emit(SampleEvent(1, 0.1, 768, prompt="\n", text='line\nbreak "quoted" ‖ \x00'))
        writer.set_status(state="running", phase="train", step=1, max_steps=9)
    meta = json.loads((tmp_path / "a" / META).read_bytes())
    assert (meta["format"], meta["name"], meta["parameters"]) == (1, "a", 7)
    assert abs(meta["created"] - time.time()) < 60
    assert events_in(tmp_path / "a") == [
        step_event(1),
        SampleEvent(1, 0.1, 768, prompt="\n", text='line\nbreak "quoted" ‖ \x00'),
    ]
    expected = {"state": "stopped", "phase": "train", "step": 1, "max_steps": 9}
    assert status_of(tmp_path / "a").items() >= expected.items()


def test_numbers_that_json_does_not_have_become_null(tmp_path: Path) -> None:
    with writing(RunWriter.create(tmp_path / "a", {})) as writer:
        writer.emit(StepEvent(1, 0.1, 768, loss=math.nan, grad_norm=math.inf))
    raw = json.loads((tmp_path / "a" / METRICS).read_bytes())
    assert raw["loss"] is None
    assert raw["grad_norm"] is None


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    RunWriter.create(tmp_path / "a", {}).close("finished")
    with pytest.raises(RunError, match="holds a run already") as caught:
        RunWriter.create(tmp_path / "a", {})
    assert "--resume a" in caught.value.hint
    assert is_held(tmp_path / "a" / LOCK) is False


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(RunError, match=r"holds other files \(letters.txt\), an empty folder was expected"):
        RunWriter.create(tmp_path, {})
    assert [p.name for p in tmp_path.iterdir()] == ["letters.txt"]


@pytest.mark.parametrize("name", [".DS_Store", ".directory", "desktop.ini", "Thumbs.db"])
def test_what_desktops_leave_behind_is_no_other_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"theirs")
    RunWriter.create(tmp_path, {}).close("finished")
    assert (tmp_path / name).read_bytes() == b"theirs"


@pytest.mark.parametrize("wrong", [{"x": 10**30}, {"x": object()}, {3: 4}, {"x": "\udcff"}])
def test_what_cannot_be_written_keeps_neither_lock_nor_thread(tmp_path: Path, wrong: dict[object, object]) -> None:
    before = threading.active_count()
    with pytest.raises(TypeError):
        RunWriter.create(tmp_path / "a", wrong)  # type: ignore[arg-type]
    assert threading.active_count() == before
    assert is_held(tmp_path / "a" / LOCK) is False
    assert status_of(tmp_path / "a")["state"] == "failed"
    RunWriter.create(tmp_path / "a", {}).close("finished")


def test_reopening_that_breaks_off_keeps_neither_lock_nor_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.training import rundir

    RunWriter.create(tmp_path / "a", {}).close("finished")
    before, status = threading.active_count(), status_of(tmp_path / "a")

    def broken(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rundir, "_sweep", broken)
    with pytest.raises(KeyboardInterrupt):
        RunWriter.reopen(tmp_path / "a")
    assert threading.active_count() == before
    assert is_held(tmp_path / "a" / LOCK) is False
    assert {**status_of(tmp_path / "a"), "message": ""} == status


def test_what_no_terminal_can_write_is_said_all_the_same(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "a", {})
    writer.set_status(phase="caf\udce9")
    writer.fail("no file caf\udce9", "look at \udcff")
    assert status_of(tmp_path / "a")["message"] == "no file caf\\udce9\nlook at \\udcff"
    (end,) = events_in(tmp_path / "a")
    assert isinstance(end, EndEvent)
    assert end.title == "no file caf\\udce9"


def test_a_run_that_fails_before_it_goes_on_is_as_it_was(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "a", {})
    writer.emit(step_event(1))
    writer.set_status(step=1, max_steps=1)
    writer.close("finished")
    status, metrics = status_of(tmp_path / "a"), (tmp_path / "a" / METRICS).read_bytes()
    again = RunWriter.reopen(tmp_path / "a")
    again.set_status(state="starting", phase="data")
    again.fail("no text", "look for it")
    assert status_of(tmp_path / "a") == {**status, "message": "no text\nlook for it"}
    assert (tmp_path / "a" / METRICS).read_bytes() == metrics
    again = RunWriter.reopen(tmp_path / "a")
    again.emit(step_event(2))
    again.fail("no more", "")
    assert status_of(tmp_path / "a")["state"] == "failed"
    assert events_in(tmp_path / "a")[-1] == EndEvent(2, 0.5, 2 * 768, reason="failed", title="no more", hint="")


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(RunError, match="is a file, a folder for the run was expected"):
        RunWriter.create(tmp_path / "a", {})


def test_a_second_writer_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with writing(RunWriter.create(tmp_path / "a", {})) as writer:
        writer.set_status(state="running")
        with pytest.raises(RunLockedError, match=f"held by process {os.getpid()} on "):
            RunWriter.reopen(tmp_path / "a")
        assert is_held(tmp_path / "a" / LOCK) is True
        assert status_of(tmp_path / "a")["state"] == "running"
    assert is_held(tmp_path / "a" / LOCK) is False
    RunWriter.reopen(tmp_path / "a").close("finished")


def test_readers_that_ask_for_the_lock_do_not_keep_a_writer_out(tmp_path: Path) -> None:
    RunWriter.create(tmp_path / "a", {}).close("stopped")
    done = threading.Event()
    asked = []

    def ask() -> None:
        while not done.is_set():
            asked.append(is_held(tmp_path / "a" / LOCK))

    reader = threading.Thread(target=ask)
    reader.start()
    try:
        for _ in range(10):
            writer = RunWriter.reopen(tmp_path / "a")
            so_far = len(asked)
            wait_for(lambda n=so_far: True in asked[n:])  # type: ignore[misc]
            writer.close("stopped")
            so_far = len(asked)
            wait_for(lambda n=so_far: False in asked[n:])  # type: ignore[misc]
    finally:
        done.set()
        reader.join()
    assert None not in asked


def test_reopen_of_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run: there is no run\.json"):
        RunWriter.reopen(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_claim_first_create_later(tmp_path: Path) -> None:
    claimed = RunWriter.claim(tmp_path / "a")
    assert status_of(tmp_path / "a")["state"] == "starting"
    assert RunWriter.claim(tmp_path / "a") is claimed
    with writing(RunWriter.create(tmp_path / "a", {})) as writer:
        assert writer is claimed
        writer.emit(step_event(1))
    assert (tmp_path / "a" / META).exists()
    again = RunWriter.claim(tmp_path / "a")
    with writing(RunWriter.reopen(tmp_path / "a")) as writer:
        assert writer is again


def test_a_run_that_fails_says_so_twice(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "a", {})
    writer.emit(step_event(3))
    writer.fail("too little memory", "take a smaller batch")
    writer.fail("never said", "")
    writer.close("finished")
    assert events_in(tmp_path / "a")[-1] == EndEvent(
        3, 0.75, 3 * 768, reason="failed", title="too little memory", hint="take a smaller batch"
    )
    assert (
        status_of(tmp_path / "a").items()
        >= {
            "state": "failed",
            "message": "too little memory\ntake a smaller batch",
        }.items()
    )


def test_a_change_of_state_is_seen_at_once_and_the_heart_beats(tmp_path: Path) -> None:
    with writing(RunWriter.create(tmp_path / "a", {})) as writer:
        writer.set_status(state="paused", message="no space left\nfree some")
        first = status_of(tmp_path / "a")
        assert first["state"] == "paused"
        assert first["message"] == "no space left\nfree some"
        began = time.monotonic()
        wait_for(lambda: status_of(tmp_path / "a")["updated"] != first["updated"])
        assert time.monotonic() - began < 2.0
        writer.set_status(step=5)
        wait_for(lambda: status_of(tmp_path / "a")["step"] == 5)
        assert abs(float(str(status_of(tmp_path / "a")["step_time"])) - time.time()) < 60


def test_no_thread_and_no_temporary_file_stays(tmp_path: Path) -> None:
    before = threading.active_count()
    with writing(RunWriter.create(tmp_path / "a", {})) as writer:
        for n in range(50):
            writer.set_status(phase=str(n))
    assert threading.active_count() == before
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [LOCK, METRICS, META, STATUS]


def test_requests_come_once_in_order_and_are_answered(tmp_path: Path) -> None:
    with writing(RunWriter.create(tmp_path / "a", {})) as writer:
        assert writer.requests() == []
        asked = [send_request(tmp_path / "a", kind) for kind in ("pause", "checkpoint", "resume")]
        assert writer.requests() == asked
        assert writer.requests() == []
        for n, request in enumerate(asked):
            writer.answered(request, n)
        status = status_of(tmp_path / "a")
        assert status["answered"] == {**last(status), "id": asked[2].id, "request": "resume", "step": 2}
        assert [a["id"] for a in answers(status)] == [r.id for r in asked]
        for n in range(40):
            writer.answered(asked[0], n)
        assert [a["step"] for a in answers(status_of(tmp_path / "a"))] == list(range(24, 40))


def answers(status: dict[str, object]) -> list[dict[str, object]]:
    found = status["answers"]
    assert isinstance(found, list)
    return found


def last(status: dict[str, object]) -> dict[str, object]:
    found = status["answered"]
    assert isinstance(found, dict)
    return found


def test_requests_from_before_the_process_are_ignored(tmp_path: Path) -> None:
    RunWriter.create(tmp_path / "a", {}).close("stopped")
    send_request(tmp_path / "a", "stop")
    with writing(RunWriter.reopen(tmp_path / "a")) as writer:
        assert writer.requests() == []
        late = send_request(tmp_path / "a", "pause")
        assert writer.requests() == [late]


def test_requests_asked_while_the_process_was_starting_count(tmp_path: Path) -> None:
    launched = time.time()
    (tmp_path / "a").mkdir()
    asked = send_request(tmp_path / "a", "stop")
    writer = RunWriter.claim(tmp_path / "a", since=launched)
    assert writer.requests() == [asked]
    writer.close("stopped")


def test_a_clock_that_is_behind_loses_no_request(tmp_path: Path) -> None:
    with writing(RunWriter.create(tmp_path / "a", {})) as writer:
        line = json.dumps({"id": "x", "request": "stop", "time": 1.0})
        (tmp_path / "a" / CONTROL).write_text(line + "\n")
        assert [r.id for r in writer.requests()] == ["x"]


def test_torn_and_foreign_control_lines_are_passed_over(tmp_path: Path) -> None:
    reader = RequestReader(tmp_path, since=0.0)
    control = tmp_path / CONTROL
    control.write_bytes(b'{"id":"a","request":"dance","time":1}\n[3]\n\xff\xfe\n{"id":"b","request":"pau')
    assert reader.read() == []
    asked = send_request(tmp_path, "pause")
    assert reader.read() == [asked]
    control.unlink()
    again = send_request(tmp_path, "stop")
    assert reader.read() == [again]


def test_a_request_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"did you mean checkpoint\?"):
        send_request(tmp_path, "checkpont")
    assert not (tmp_path / CONTROL).exists()


def test_a_request_is_written_whole_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:5]))
    asked = send_request(tmp_path, "pause")
    assert RequestReader(tmp_path, since=0.0).read() == [asked]

    def full(fd: int, data: bytes) -> int:
        if not data.startswith(b"{"):
            raise OSError(28, "No space left on device")
        return write(fd, data[:5])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(RunError, match="cannot be asked to stop: No space left"):
        send_request(tmp_path, "stop")
    monkeypatch.undo()
    again = send_request(tmp_path, "resume")
    assert RequestReader(tmp_path, since=0.0).read() == [asked, again]


def test_a_request_into_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be asked to stop"):
        send_request(tmp_path / "gone", "stop")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 10_000), junk=st.sampled_from([b"", b"\x00" * 70_000, b'{"kind":', b"\xff"]))
def test_a_file_torn_anywhere_is_mended(tmp_path: Path, cut: int, junk: bytes) -> None:
    path = tmp_path / f"{cut}-{len(junk)}-{time.monotonic_ns()}"
    said = [step_event(1), EvalEvent(1, 0.5, 768, val_loss=4.0), step_event(2)]
    with writing(RunWriter.create(path, {})) as writer:
        for event in said:
            writer.emit(event)
    metrics = path / METRICS
    whole = metrics.read_bytes()
    cut %= len(whole) + 1
    metrics.write_bytes(whole[:cut] + junk)
    with writing(RunWriter.reopen(path)) as writer:
        writer.emit(step_event(9))
    kept = events_in(path)
    assert kept[-1] == step_event(9)
    # A line that is whole but for its newline counts as whole, unless something else follows it.
    whole_lines = whole[:cut].count(b"\n") + (not junk and whole[cut : cut + 1] == b"\n")
    assert kept[:-1] == said[:whole_lines]


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError(28, "No space left on device"), OSError(5, "I/O error")]
)
def test_a_line_that_was_broken_off_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    write = os.write

    def half(fd: int, data: bytes) -> int:
        if not data.startswith(b"{"):
            raise error
        return write(fd, data[:20])

    with writing(RunWriter.create(tmp_path / "a", {})) as writer:
        writer.emit(step_event(1))
        monkeypatch.setattr(os, "write", half)
        with pytest.raises((KeyboardInterrupt, LabError)):
            writer.emit(step_event(2))
        monkeypatch.undo()
        writer.emit(step_event(3))
    assert events_in(tmp_path / "a") == [step_event(1), step_event(3)]


def test_write_json_atomic_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    write_json_atomic(tmp_path / "x.json", {"a": 1})
    write_json_atomic(tmp_path / "x.json", {"a": [1, "ü"]})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"a": [1, "ü"]}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
