"""Our runs as TensorBoard's files: TensorBoard itself reads the same steps and numbers, also of resumed runs."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.config import GPTConfig, TrainConfig
from core.training.events import EvalEvent, StepEvent, WarningEvent
from core.training.foreign.recognise import open_foreign
from core.training.runs import Run, open_run
from core.training.tensorboard_out import EVAL_TAGS, FOLDER, STEP_TAGS, EventWriter
from core.training.trainer import Trainer

sys.path.insert(0, str(Path(__file__).parent))  # tests/ has no packages
from tensorboard_writers import accumulated


@pytest.fixture
def config(tmp_path: Path, runs: Path) -> TrainConfig:
    """A run of 30 steps that takes about a second."""
    rng = random.Random(0)
    text = tmp_path / "small.txt"
    text.write_text("\n".join(" ".join(rng.choice(["the", "cat", "sat", "on"]) for _ in range(9)) for _ in range(200)))
    return TrainConfig(
        model=GPTConfig(None, 16, 32, 4, 2),
        corpus=str(text),
        batch_size=4,
        max_steps=30,
        warmup_steps=3,
        eval_interval=10,
        eval_batches=2,
        sample_interval=0,
        checkpoint_interval=10,
        keep_checkpoints=9,
        snapshot_count=0,
        device="cpu",
        dtype="float32",
        threads=1,
        tensorboard=True,
        run_dir=str(runs / "tb"),
    )


def ours(run: Run) -> dict[str, list[tuple[int, float]]]:
    """What metrics.jsonl says, under TensorBoard's tags and in its 32 bits."""
    said: dict[str, list[tuple[int, float]]] = {}
    for event in run.events("step", "eval"):
        tags = STEP_TAGS if isinstance(event, StepEvent) else EVAL_TAGS
        for name, tag in tags.items():
            value = getattr(event, name)
            if value is not None and math.isfinite(value):
                said.setdefault(tag, []).append((event.step, float(np.float32(value))))
    return said


def train(trainer: Trainer, steps: int | None = None) -> Run:
    for event in trainer.run():
        if event.step == steps:
            trainer.request_stop()
    assert trainer.run_dir is not None
    return open_run(trainer.run_dir)


def test_tensorboard_reads_the_numbers_of_a_run(config):
    run = train(Trainer(config))
    theirs = accumulated(run.path / FOLDER)
    assert theirs == ours(run)
    assert [step for step, _ in theirs["train/loss"]] == list(range(1, 31))
    assert [step for step, _ in theirs["eval/val_loss"]] == [10, 20, 30]


def test_a_run_that_was_resumed_from_an_earlier_checkpoint_has_no_step_twice(config):
    train(Trainer(config))
    run = train(Trainer.resumed(Path(config.run_dir or ""), 10, max_steps=25))
    theirs = accumulated(run.path / FOLDER)
    assert len(list((run.path / FOLDER).iterdir())) == 2
    assert theirs == ours(run)
    assert [step for step, _ in theirs["train/loss"]] == list(range(1, 26))


def test_asked_for_late_the_files_hold_the_run_from_its_start(config):
    run = train(Trainer(config.override(tensorboard=False)), steps=20)
    assert not (run.path / FOLDER).exists()
    run = train(Trainer.resumed(run.path, tensorboard=True))
    assert accumulated(run.path / FOLDER) == ours(run)
    train(Trainer.resumed(run.path, 20, tensorboard=False))
    run = train(Trainer.resumed(run.path, 20, tensorboard=True, max_steps=35))
    assert accumulated(run.path / FOLDER) == ours(run)


def test_the_lab_itself_reads_them_with_every_column(config):
    run = train(Trainer(config))
    again = open_foreign(run.path / FOLDER)
    mine, theirs = run.history(), again.history()
    mine.update()
    theirs.update()
    for name in ("step", "loss", "lr", "grad_norm", "tokens_per_second", "tokens", "eval.val_loss", "eval.tokens"):
        assert theirs.columns(name)[0] == pytest.approx(mine.columns(name)[0], rel=1e-6)
    assert not again.facts.others


def test_files_that_cannot_be_written_cost_the_run_a_warning(config):
    run = train(Trainer(config.override(tensorboard=False)), steps=10)
    (run.path / FOLDER).write_text("in the way")
    said = list(Trainer.resumed(run.path, tensorboard=True).run())
    warnings = [e for e in said if isinstance(e, WarningEvent)]
    assert [w.title.partition(":")[0] for w in warnings] == ["no more TensorBoard events are written"]
    assert [e.title for e in run.events("warning")] == [w.title for w in warnings]
    assert said[-1].to_dict()["reason"] == "finished"
    assert (run.path / FOLDER).read_text() == "in the way"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("room", [0, 7])
def test_a_full_disk_costs_the_run_a_warning(config, monkeypatch, room):
    put, done = EventWriter._put, []

    def put_while_there_is_room(writer, data):
        done.append(data)
        if len(done) > room:
            Path("/dev/full").write_bytes(data)
        put(writer, data)

    monkeypatch.setattr(EventWriter, "_put", put_while_there_is_room)
    said = list(Trainer(config).run())
    assert [e.title for e in said if isinstance(e, WarningEvent)] == [
        "no more TensorBoard events are written: No space left on device"
    ]
    assert said[-1].to_dict()["reason"] == "finished"
    assert len(done) == room + 1


def test_numbers_that_are_not_finite_or_not_measured_are_left_out(tmp_path):
    writer = EventWriter(tmp_path)
    writer.log(StepEvent(1, 0.0, 10, math.nan, 0.5, math.inf, 3.0, None))
    writer.log(EvalEvent(1, 0.0, 10, 1.0, 2.0, math.inf))
    writer.close()
    writer.close()
    assert set(accumulated(tmp_path / FOLDER)) == {
        "train/learning_rate", "train/tokens_per_second", "train/tokens", "eval/train_loss", "eval/val_loss",
    }  # fmt: skip


def test_files_follow_each_other_by_name_whatever_the_clock_says(tmp_path):
    later = tmp_path / FOLDER / "events.out.tfevents.9999999990.host.1.0"
    later.parent.mkdir()
    later.touch()
    names = []
    for _ in range(3):
        writer = EventWriter(tmp_path)
        writer.close()
        names.append(writer.path.name)
    assert [later.name, *names] == sorted(p.name for p in later.parent.iterdir())


def test_a_trainer_that_was_killed_leaves_files_that_can_be_gone_on_with(tmp_path):
    first = EventWriter(tmp_path)
    for step in range(1, 21):
        first.log(StepEvent(step, 0.0, step, 1.0, 0.5, 1.0, 3.0, None))
    first.close()
    first.path.write_bytes(first.path.read_bytes()[:-5])
    again = EventWriter(tmp_path, 15)
    for step in range(16, 25):
        again.log(StepEvent(step, 0.0, step, 2.0, 0.5, 1.0, 3.0, None))
    again.close()
    assert accumulated(tmp_path / FOLDER)["train/loss"] == [(s, 1.0 if s <= 15 else 2.0) for s in range(1, 25)]


def test_writing_and_watching_load_neither_tensorboard_nor_tensorflow():
    look = (
        "import sys, core.training.tensorboard_out, core.training.foreign.recognise\n"
        "print([m for m in ('tensorboard', 'tensorflow', 'torch', 'transformers') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
