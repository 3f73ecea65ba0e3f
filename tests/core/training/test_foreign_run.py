"""A run of another program with the face of ours: states said honestly, following, what it refuses, bad paths."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

import core
from core.errors import RunError
from core.training.foreign.recognise import find_runs, is_foreign, open_foreign
from core.training.foreign.run import QUIET_AFTER, ForeignRun
from core.training.foreign.summaries import encode_scalars
from core.training.foreign.tfrecord import frame
from core.training.history import History
from core.training.runs import delete_run, open_run
from core.training.tail import LineTail
from core.training.watched import open_watched

NAME = "events.out.tfevents.1700000000.host.1.0"


def put(folder: Path, steps: range, tag: str = "loss") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / NAME).open("ab") as file:
        for step in steps:
            file.write(frame(encode_scalars(1000.0 + step, step, {tag: 1.0 + step})))
    return folder


def age(folder: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(folder / NAME, (then, then))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path / "theirs", range(10))


def test_it_is_running_while_it_grows_and_then_quiet_which_is_not_finished(folder):
    assert open_foreign(folder).state == "running"
    age(folder, QUIET_AFTER + 60)
    run = open_foreign(folder)
    assert (run.state, run.is_live, run.status().state) == ("quiet", False, "quiet")
    assert run.status().message == "nothing new for 6 min; event files do not say whether a run has ended"
    put(folder, range(10, 12))
    assert run.state == "running"


def test_a_clock_that_is_ahead_does_not_keep_a_run_alive_for_ever(folder):
    age(folder, -86400.0)  # another machine's clock
    run = ForeignRun(open_foreign(folder)._source, quiet_after=0.0)
    assert run.state == "quiet"


def test_following_ends_when_nothing_more_is_to_come(folder):
    age(folder, 7200)
    events = list(open_foreign(folder).follow())
    assert [e.step for e in events] == list(range(10))
    assert list(open_foreign(folder).follow(new_only=True)) == []


def test_new_events_are_followed_as_they_come(folder):
    run, stop = open_foreign(folder), threading.Event()
    events = run.follow(stop, poll=0.01)
    assert [next(events).step for _ in range(10)] == list(range(10))
    put(folder, range(10, 13))
    assert [next(events).step for _ in range(3)] == [10, 11, 12]
    stop.set()
    assert list(events) == []


def test_it_can_be_watched_and_nothing_else(folder, runs):
    run = open_foreign(folder)
    assert (run.foreign, run.read_only, run.bundled) == (True, True, False)
    assert (run.checkpoints, run.snapshots, run.answered("x")) == ([], [], None)
    for kind in ("pause", "stop", "checkpoint"):
        with pytest.raises(RunError, match="TensorBoard's: it can be watched here"):
            run.send(kind)
    with pytest.raises(RunError, match=r"run\.json was expected"):
        delete_run(open_run(folder))
    assert folder.is_dir()


def test_only_the_kinds_that_were_asked_for_come(folder):
    put(folder, range(3), "val_loss")
    run = open_foreign(folder)
    assert {e.kind for e in run.events()} == {"step", "eval"}
    assert {e.kind for e in run.events("eval")} == {"eval"}


def test_the_history_can_be_read_again_with_nothing_left_out(folder):
    history = open_foreign(folder).history()
    history.update()
    assert history.in_full().loss.tolist() == history.loss.tolist() == [1.0 + n for n in range(10)]


def test_a_line_of_a_list_is_made_of_what_was_read(folder):
    run = open_foreign(folder)
    history = run.history()
    history.update()
    line = run.summary(history)
    assert (line.name, line.state, line.step, line.train_loss) == ("theirs", "running", 9, 10.0)
    assert line.spark == [1.0 + n for n in range(10)]
    assert run.summary().step == 0


def test_whatever_can_be_watched_is_opened_by_one_call(folder, runs, make_run):
    ours = make_run("ours")
    put(ours.path / "tensorboard", range(5))
    assert open_watched("ours").foreign is False
    assert open_watched(ours.path).foreign is False
    assert open_watched(ours.path / "tensorboard").foreign is True
    assert open_watched(str(folder)).foreign is True
    put(runs / "beside", range(5))
    assert open_watched("beside").foreign is True
    with pytest.raises(RunError, match="no run is called 'nothing'"):
        open_watched("nothing")
    assert core.open_foreign(folder).name == "theirs"


def test_the_only_run_of_a_folder_is_opened(tmp_path):
    put(tmp_path / "logs" / "version_0", range(3))
    assert open_foreign(tmp_path / "logs").name == "version_0"


def test_a_folder_of_several_runs_says_which(tmp_path):
    for name in ("b", "a", "c"):
        put(tmp_path / name, range(2))
    with pytest.raises(RunError, match="holds 3 runs, and one was expected: a, b, c") as error:
        open_foreign(tmp_path)
    assert "llm-lab watch " in error.value.hint
    assert [p.name for p in find_runs(tmp_path)] == ["a", "b", "c"]
    assert not is_foreign(tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.log", b"", "it is empty"),
        ("noise.bin", bytes(range(255, 0, -1)) * 20, "it is none of these"),
        ("text.txt", b"once upon a time\n" * 99, "it is none of these"),
        (NAME, b"no record at all", "does not begin with a record"),
        ("trainer_state.json", b"", "JSON with a list log_history was expected"),
    ],
)
def test_files_that_are_no_run_are_refused(tmp_path, name, data, said):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(RunError, match=said):
        open_foreign(path)


@pytest.mark.parametrize("path", ["nowhere", "nul\0byte", "x" * 5000, "evil\x1b[2J"], ids=range(4))
def test_paths_that_are_none_are_refused_in_printable_words(tmp_path, path):
    with pytest.raises(RunError) as error:
        open_foreign(tmp_path / path)
    assert error.value.title.isprintable()


def test_an_empty_folder_says_what_was_expected(tmp_path):
    with pytest.raises(RunError, match=r"TensorBoard's event files, the Trainer's trainer_state\.json, or a log"):
        open_foreign(tmp_path)


def test_an_event_file_that_is_empty_still_may_grow(tmp_path):
    (tmp_path / NAME).touch()
    run = open_foreign(tmp_path)
    history = run.history()
    history.update()
    assert history.last_step == 0
    put(tmp_path, range(3))
    history.update()
    assert history.last_step == 2


def test_rows_find_their_place_where_histories_merge(tmp_path):
    class Given(LineTail):
        def __init__(self, parts):
            super().__init__(tmp_path / "none")
            self.parts = parts

        def objects(self, max_bytes=0):
            self.more = len(self.parts) > 1
            return (self.parts.pop(0), 0) if self.parts else ([], 0)

    def row(step, **said):
        base = dict.fromkeys(("loss", "lr", "grad_norm", "tokens_per_second", "mfu"))
        return {"kind": "step", "step": step, "time": 0.0, "tokens": 0, **base, **said}

    parts = [[row(1, loss=1.0), row(5, loss=5.0)], [row(3, loss=3.0), row(5, lr=0.5)], [row(5, loss=6.0)]]
    history = History(Given(parts), merges=True)
    history.update()
    assert [int(s) for s in history.steps] == [1, 3, 5]
    assert history.loss.tolist() == [1.0, 3.0, 6.0]
    assert history.last("lr") == 0.5
