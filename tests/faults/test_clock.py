"""The clock is set back, again and again, while a run trains: nothing counts on it but what people are shown."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from core.config import TrainConfig
from core.training.events import StepEvent
from core.training.requests import send_request
from core.training.runs import list_runs, open_run
from core.training.status import StatusReader
from core.training.stored import find_checkpoint, list_checkpoints
from core.training.trainer import Trainer


@pytest.fixture
def config(tmp_path: Path, isolated: Path) -> TrainConfig:
    text = tmp_path / "text.txt"
    text.write_text("The quick brown fox jumps over the lazy dog.\n" * 100)
    return TrainConfig().override(
        corpus=str(text), tokenizer="char", n_layers=1, n_heads=1, emb_dim=8, context_length=8, batch_size=2,
        max_steps=12, eval_interval=4, sample_interval=0, checkpoint_interval=2, keep_checkpoints=2, snapshot_count=2,
        tensorboard=True, device="cpu", dtype="float32", threads=1, run_dir=str(isolated / "runs" / "run"),
    )  # fmt: skip


def test_a_run_under_a_clock_that_goes_backwards(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [2e9]

    def an_hour_earlier() -> float:
        now[0] -= 3600.0
        return now[0]

    monkeypatch.setattr(time, "time", an_hour_earlier)
    events = []
    asked = None
    for event in Trainer(config).run():
        events.append(event)
        if isinstance(event, StepEvent) and event.step == 5:
            asked = send_request(Path(config.run_dir or ""), "checkpoint")
    run = open_run("run")
    assert run.state == "finished"
    assert asked is not None and run.answered(asked.id) is not None, "asked later by an earlier clock"
    assert [e.time for e in events] == sorted(e.time for e in events), "seconds of training go forwards"
    kept = [info.step for info in list_checkpoints(run.path)]
    assert kept == [10, 12], "the last ones are kept, whatever time they say"
    assert find_checkpoint(run.path).name == "step-000012"
    assert [e.step for e in run.events("step")] == list(range(1, 13))
    assert [e.step for e in Trainer.resumed(run.path, max_steps=15).run() if isinstance(e, StepEvent)] == [13, 14, 15]
    history = open_run("run").history()
    history.update()
    assert history.last_step == 15
    assert [row.state for row in list_runs(run.path.parent)] == ["finished"]


def test_readers_notice_what_was_written_by_an_earlier_clock(config: TrainConfig) -> None:
    """Files that are younger say that they are older: as after the clock was set back, or a copy from elsewhere."""
    for _ in Trainer(config).run():
        pass
    run = open_run("run")
    reader, history = StatusReader(run.path), run.history()
    history.update()
    assert reader.state() == "finished" and reader.age() < 60
    before = [row.step for row in list_runs(run.path.parent)]
    for _ in Trainer.resumed(run.path, max_steps=14).run():
        pass
    for path in run.path.rglob("*"):
        os.utime(path, (1, 1))
    history.update()
    assert history.last_step == 14
    assert before == [12] and [row.step for row in list_runs(run.path.parent)] == [14]
    status = reader.read()
    assert status is not None and status.step == 14
    for path in run.path.rglob("*"):
        os.utime(path, (5e9, 5e9))  # and from the future
    assert reader.state() == "finished"
    assert [row.step for row in list_runs(run.path.parent)] == [14]
