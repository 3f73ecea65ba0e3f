from __future__ import annotations

import json
import math
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.training.events import (
    CheckpointEvent,
    EndEvent,
    EvalEvent,
    Event,
    ResumeEvent,
    SampleEvent,
    StartEvent,
    StateEvent,
    StepEvent,
    WarningEvent,
)
from core.training.history import History
from core.training.table import Table
from core.training.tail import LineTail


def step_event(n: int, loss: float = 2.0) -> StepEvent:
    return StepEvent(n, n / 4, n * 768, loss, 1e-3, 0.5, 60_000.0, 0.41)


def write(path: Path, *events: Event, mode: str = "a") -> None:
    with path.open(mode, encoding="utf-8") as file:
        for event in events:
            file.write(json.dumps(event.to_dict()) + "\n")


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def test_columns_and_events(metrics: Path) -> None:
    write(
        metrics,
        StartEvent(0, 0.0, 0, max_steps=9),
        step_event(1, 4.0),
        StepEvent(2, 0.5, 1536, math.nan, 1e-3, math.inf, 1.0, None),
        EvalEvent(2, 0.6, 1536, 3.0, 3.5, 33.1, True),
        SampleEvent(2, 0.7, 1536, "\n", "abc"),
        CheckpointEvent(2, 0.7, 1536, "checkpoints/step-000002"),
        StateEvent(2, 0.8, 1536, "paused"),
        WarningEvent(2, 0.8, 1536, "so", "then"),
        step_event(3, 3.0),
        EvalEvent(3, 0.9, 2304, 2.9, 3.6),
        EndEvent(3, 1.0, 2304, "finished"),
    )
    history = History(metrics)
    assert history.update() is False
    steps, tokens, loss, mfu = history.columns("step", "tokens", "loss", "mfu")
    assert steps.tolist() == [1, 2, 3]
    assert tokens.tolist() == [768, 1536, 2304]
    np.testing.assert_array_equal(loss, [4.0, math.nan, 3.0])
    np.testing.assert_array_equal(mfu, [0.41, math.nan, 0.41])
    np.testing.assert_array_equal(history.grad_norm, [0.5, math.nan, 0.5])
    np.testing.assert_array_equal(history.evals.val_loss, [3.5, 3.6])
    np.testing.assert_array_equal(history.evals.perplexity, [33.1, math.nan])
    assert history.best == (2, 3.5)
    assert (history.last_step, history.last("loss"), history.last("eval.train_loss")) == (3, 3.0, 2.9)
    assert history.start == StartEvent(0, 0.0, 0, max_steps=9)
    assert history.end == EndEvent(3, 1.0, 2304, "finished")
    assert [s.text for s in history.samples] == ["abc"]
    assert [c.path for c in history.checkpoints] == ["checkpoints/step-000002"]
    assert [s.state for s in history.states] == ["paused"]
    assert [w.title for w in history.warnings] == ["so"]
    assert history.unreadable == 0


def test_nothing_yet(metrics: Path) -> None:
    history = History(metrics)
    assert history.update() is False
    assert (history.version, history.last_step, history.best, history.unreadable) == (0, 0, None, 0)
    assert math.isnan(history.last("loss"))
    assert len(history.steps) == len(history.evals.step) == 0
    with pytest.raises(AttributeError, match="no column is called 'val_los'"):
        _ = history.evals.val_los
    with pytest.raises(AttributeError):
        _ = history.nonsense


def test_a_torn_last_line_waits_for_its_end(metrics: Path) -> None:
    write(metrics, step_event(1), step_event(2))
    whole = metrics.read_bytes()
    metrics.write_bytes(whole[:-10])
    history = History(metrics)
    history.update()
    version = history.version
    assert history.steps.tolist() == [1]
    history.update()
    assert history.version == version
    metrics.write_bytes(whole)
    history.update()
    assert history.steps.tolist() == [1, 2]
    assert history.unreadable == 0


def test_a_resume_drops_what_came_after_it(metrics: Path) -> None:
    history = History(metrics)
    write(metrics, *[step_event(n, 5.0) for n in range(1, 9)], EvalEvent(4, 1, 1, val_loss=2.0))
    write(metrics, EvalEvent(8, 2, 1, val_loss=1.0), SampleEvent(8, 2, 1, text="late"), EndEvent(8, 2, 1, "stopped"))
    history.update()
    seen = history.steps
    write(metrics, ResumeEvent(5, 1.0, 1, from_step=5, exact=True), step_event(6, 6.0))
    history.update()
    assert history.steps.tolist() == [1, 2, 3, 4, 5, 6]
    assert history.loss.tolist() == [5.0] * 5 + [6.0]
    assert history.best == (4, 2.0)
    assert not history.samples
    assert history.end is None
    assert [r.from_step for r in history.resumes] == [5]
    assert seen.tolist() == list(range(1, 9)), "what a screen still draws must not change under it"


def test_steps_that_go_back_without_a_resume(metrics: Path) -> None:
    write(metrics, *[step_event(n, 1.0) for n in (1, 2, 3, 4)], *[step_event(n, 2.0) for n in (3, 4, 5, 5)])
    history = History(metrics)
    history.update()
    assert history.steps.tolist() == [1, 2, 3, 4, 5]
    assert history.loss.tolist() == [1, 1, 2, 2, 2]


def test_unreadable_lines_are_counted_and_newer_kinds_are_not(metrics: Path) -> None:
    write(metrics, step_event(1))
    with metrics.open("ab") as file:
        file.write(
            b'{"kind":"st\n\xff\xfe\n\n[1]\n{"kind":"step","step":"x","time":0,"tokens":0}\n{"kind":"aura","step":1}\n'
        )
        file.write(b'{"kind":"step","step":2,"time":1,"tokens":2,"loss":3}\n{"kind":"step"}\n{"no":"kind"}\n')
    write(metrics, step_event(3))
    history = History(metrics)
    history.update()
    assert history.steps.tolist() == [1, 2, 3]
    assert math.isnan(history.grad_norm[1])
    assert history.unreadable == 5


def test_a_replaced_or_cut_file_is_read_from_its_start(metrics: Path) -> None:
    history = History(metrics)
    write(metrics, *[step_event(n) for n in range(1, 20)])
    history.update()
    write(metrics, step_event(1, 9.0), mode="w")
    history.update()
    assert history.loss.tolist() == [9.0]
    other = metrics.with_name("other")
    write(other, *[step_event(n, 8.0) for n in range(1, 30)])
    other.replace(metrics)
    history.update()
    assert history.loss.tolist() == [8.0] * 29
    text = metrics.read_text()
    metrics.write_text("xx" + text + text)  # rewritten in place, and longer
    history.update()
    assert history.last_step == 29
    assert history.unreadable == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_reading_in_pieces_gives_what_reading_at_once_gives(metrics: Path, data: st.DataObject) -> None:
    events: list[Event] = []
    step = 0
    for _ in range(data.draw(st.integers(1, 25))):
        if step and data.draw(st.integers(0, 4)) == 0:
            step = data.draw(st.integers(0, step))
            events.append(ResumeEvent(step, 0.0, 0, from_step=step))
        elif data.draw(st.booleans()):
            events.append(EvalEvent(step, 0.0, 0, val_loss=float(len(events))))
        else:
            step += 1
            events.append(step_event(step, float(len(events))))
    write(metrics, *events, mode="w")
    at_once = History(metrics)
    at_once.update()
    whole = metrics.read_bytes()
    growing = metrics.with_name("growing.jsonl")
    growing.write_bytes(b"")
    in_pieces = History(growing)
    done = 0
    while done < len(whole):
        done += data.draw(st.integers(1, 400))
        growing.write_bytes(whole[:done])
        while in_pieces.update(max_bytes=100):
            continue
    for name in ("step", "loss", "eval.step", "eval.val_loss"):
        assert in_pieces.columns(name)[0].tolist() == at_once.columns(name)[0].tolist()
    # What readers must see, computed the plain way.
    kept: list[Event] = []
    for event in events:
        if isinstance(event, ResumeEvent):
            kept = [e for e in kept if e.step <= event.from_step]
        kept.append(event)
    assert at_once.loss.tolist() == [e.loss for e in kept if isinstance(e, StepEvent)]


def test_thinning_keeps_every_spike_and_stays_bounded() -> None:
    limit = 2000
    table = Table(("step", "loss", "norm"), (("loss", 1), ("loss", -1), ("norm", 1)), limit)
    rng = np.random.default_rng(5)
    loss = rng.normal(2.0, 0.1, 100_000)
    norm = rng.normal(1.0, 0.1, 100_000)
    loss[77_777], loss[33_333], norm[55_555], loss[88_888] = 9.0, -9.0, 99.0, math.nan
    for begin in range(0, 100_000, 500):
        rows = range(begin, begin + 500)
        table.append([{"step": n + 1, "loss": loss[n], "norm": norm[n]} for n in rows])
        assert len(table) <= limit
    steps = table.step.astype(int) - 1
    assert {77_777, 33_333, 55_555, 88_888, 0, 99_999} <= set(steps)
    assert (np.diff(steps) > 0).all()
    np.testing.assert_array_equal(table.loss, loss[steps])
    assert table.dropped == 100_000 - len(table)
    gaps = np.diff(steps)
    assert gaps.max() < 1000, "the run is covered evenly"
    table.drop_after(50_000)
    table.append([{"step": 50_001, "loss": 1.0, "norm": 1.0}])
    assert table.last("step") == 50_001
    assert table.step[-2] <= 50_000


def test_a_row_of_another_shape_does_no_harm() -> None:
    table = Table(("step", "loss"), (("loss", 1),), 100)
    assert table.append([{"step": 1, "loss": "high"}, {"loss": 1.0}, {"step": None, "loss": 2.0}]) == 3
    assert table.append([{"step": 2, "loss": 1.0}]) == 0
    assert table.step.tolist() == [2.0]


def test_columns_that_belong_together_while_another_thread_reads_on(metrics: Path) -> None:
    write(metrics, *[step_event(n, float(n)) for n in range(1, 20_001)])
    history = History(metrics, limit=3000)
    worker = threading.Thread(target=history.update)
    worker.start()
    try:
        while worker.is_alive():
            steps, loss = history.columns("step", "loss")
            assert len(steps) == len(loss)
            np.testing.assert_array_equal(steps, loss)
    finally:
        worker.join()
    assert history.last_step == 20_000


def test_what_was_read_ahead_is_handed_out_in_pieces_of_whole_lines(metrics: Path) -> None:
    write(metrics, *(step_event(n) for n in range(1, 41)))
    tail, seen, pieces = LineTail(metrics), [], 0
    while True:
        lines = tail.read(300)
        assert sum(len(line) + 1 for line in lines) <= 300
        seen += lines
        pieces += 1
        assert tail.offset == sum(len(line) + 1 for line in seen)
        if not tail.more:
            break
    assert [json.loads(line)["step"] for line in seen] == list(range(1, 41))
    assert pieces >= 10
    write(metrics, step_event(41))
    assert [json.loads(line)["step"] for line in tail.read(10)] == [41]  # one line at least, however long


def test_a_line_without_an_end_is_junk_not_a_hang(metrics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.training.tail._LONGEST", 1 << 16)
    monkeypatch.setattr("core.training.tail._AHEAD", 1 << 10)
    write(metrics, step_event(1))
    with metrics.open("ab") as file:
        file.write(b"\x00" * (1 << 18) + b"\n")
    write(metrics, step_event(2))
    tail = LineTail(metrics)
    lines = []
    while True:
        lines += tail.read(1 << 10)
        if not tail.more:
            break
    assert [json.loads(line)["step"] for line in lines] == [1, 2]
    assert tail.junk == 1
    history = History(metrics)
    history.update()
    assert history.steps.tolist() == [1, 2]
    assert history.unreadable == 1
