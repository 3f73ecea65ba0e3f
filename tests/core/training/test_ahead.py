"""A long file read by another process is the same as one read here, and is read on from there."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from core.training import ahead
from core.training.events import (
    CheckpointEvent,
    EndEvent,
    EvalEvent,
    Event,
    ResumeEvent,
    SampleEvent,
    StartEvent,
    StepEvent,
)
from core.training.history import EVAL_COLUMNS, STEP_COLUMNS, History
from core.training.table import Table

PATIENCE = 120.0


@pytest.fixture
def metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ahead, "LONG", 1)
    path = tmp_path / "metrics.jsonl"
    write(
        path,
        StartEvent(0, 0.0, 0, max_steps=99),
        *(step(n) for n in range(1, 31)),
        EvalEvent(30, 3.1, 300, 2.0, 2.5, 12.2, True),
        SampleEvent(30, 3.1, 300, "\n", "\x1b[31mé"),
        CheckpointEvent(30, 3.1, 300, "checkpoints/step-000030"),
        ResumeEvent(20, 2.0, 200, from_step=20, changed={"learning_rate": [1e-3, 2e-3]}),
        StepEvent(21, 2.1, 210, math.nan, 1e-3, math.inf, 1.0, None),
        *(step(n) for n in range(22, 41)),
    )
    with path.open("ab") as file:
        file.write(b"no JSON\n")
    return path


def step(n: int) -> StepEvent:
    return StepEvent(n, n / 10, n * 10, 4 / n, 1e-3, 0.5 + n % 3, 100.0 + n, 0.4)


def write(path: Path, *events: Event) -> None:
    with path.open("a", encoding="utf-8") as file:
        for event in events:
            file.write(json.dumps(event.to_dict()) + "\n")


def alike(one: History, other: History) -> None:
    for name in (*STEP_COLUMNS, *(f"eval.{name}" for name in EVAL_COLUMNS)):
        np.testing.assert_array_equal(one.columns(name)[0], other.columns(name)[0], name)
    for name in ("start", "end", "samples", "checkpoints", "resumes", "unreadable", "bytes_read"):
        assert getattr(one, name) == getattr(other, name), name


def test_what_another_process_read_is_what_is_read_here_and_goes_on(metrics: Path) -> None:
    ahead.begin(metrics)
    read = ahead.reading(metrics)
    assert read is not None and read.wait(PATIENCE)
    here, there = History(metrics), History(metrics)
    here.update()
    assert read.hand_over(there)
    alike(here, there)
    assert there.version > 0 and there.unreadable == 1 and there.last_step == 40
    write(metrics, step(41), ResumeEvent(41, 4.1, 410, from_step=35), step(36), EndEvent(36, 3.6, 360))
    assert here.update() is there.update() is False
    alike(here, there)
    assert there.steps.tolist()[-2:] == [35.0, 36.0]
    fresh = metrics.with_name("other")
    write(fresh, step(1), step(2))
    fresh.replace(metrics)
    there.update()
    assert there.steps.tolist() == [1.0, 2.0]


def test_without_the_process_the_file_is_read_here(metrics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "MODULE", "core.training.there_is_none")
    read = ahead.reading(metrics)
    assert read is not None and read.wait(PATIENCE)
    history = History(metrics)
    assert not read.hand_over(history)
    history.update()
    assert history.last_step == 40


def test_nobody_waits_for_what_was_cancelled(metrics: Path) -> None:
    read = ahead.reading(metrics)
    assert read is not None
    read.cancel()
    assert read.wait(PATIENCE)


def test_a_short_file_and_one_that_is_not_there_need_no_process(metrics: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ahead.reading(metrics.with_name("none")) is None
    monkeypatch.setattr(ahead, "LONG", metrics.stat().st_size + 1)
    assert ahead.reading(metrics) is None


def test_a_table_goes_on_as_another_would_have() -> None:
    one, other = (Table(("step", "loss"), (("loss", 1), ("loss", -1)), 64) for _ in range(2))
    rows = [{"step": n, "loss": math.sin(n) if n % 7 else None} for n in range(1, 1001)]
    one.append(rows[:100])
    one.append(rows[100:600])
    other.restore(json.loads(json.dumps(one.state())))
    for at in range(600, 1000, 25):
        one.append(rows[at : at + 25])
        other.append(rows[at : at + 25])
    np.testing.assert_array_equal(one.step, other.step)
    np.testing.assert_array_equal(one.loss, other.loss)
    assert one.dropped == other.dropped > 0
