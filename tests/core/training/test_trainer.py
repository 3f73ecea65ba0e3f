"""The training loop: what it says and writes, how it ends, and that a resumed run is the run that never stopped."""

from __future__ import annotations

import json
import math
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.config import GPTConfig, TrainConfig
from core.errors import ConfigError, CorpusError, LabError, MemoryShortError, ModelSpecError, TokenizerError
from core.training import estimate
from core.training.events import EndEvent, Event, StepEvent
from core.training.requests import send_request
from core.training.runs import open_run
from core.training.stored import list_checkpoints, list_snapshots
from core.training.trainer import Trainer
from core.weights.checkpoint import load_model


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A small text with something to learn in it."""
    rng = random.Random(0)
    words = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "two", "dogs."]
    path = tmp_path / "small.txt"
    path.write_text("\n".join(" ".join(rng.choice(words) for _ in range(9)) for _ in range(200)))
    return path


@pytest.fixture
def config(text: Path, runs: Path) -> TrainConfig:
    """A run of 30 steps that takes about a second."""
    return TrainConfig(
        model=GPTConfig(None, 16, 32, 4, 2),
        corpus=str(text),
        batch_size=6,
        max_steps=30,
        warmup_steps=3,
        eval_interval=10,
        eval_batches=2,
        sample_interval=15,
        checkpoint_interval=10,
        snapshot_count=4,
        learning_rate=1e-2,
        dtype="float32",
        device="cpu",
        threads=2,
        run_dir=str(runs / "first"),
    )


def kinds(events: list[Event]) -> list[str]:
    return [e.kind for e in events if e.kind != "step"]


def losses(events: list[Event]) -> list[float]:
    return [e.loss for e in events if isinstance(e, StepEvent)]


def until(trainer: Trainer, step: int) -> list[Event]:
    """Iterates until a step is done, then drops the run as it stands."""
    out = []
    iterator = trainer.run()
    for event in iterator:
        out.append(event)
        if isinstance(event, StepEvent) and event.step == step:
            break
    iterator.close()  # type: ignore[attr-defined]
    return out


def test_a_run_from_start_to_end(config: TrainConfig, runs: Path) -> None:
    events = list(Trainer(config).run())
    one_round = ["eval", "checkpoint"]
    assert [k for k in kinds(events) if k not in ("sample", "snapshot")] == ["start", *one_round * 3, "end"]
    assert kinds(events).count("sample") == 3  # before the first step, at 15, at the end
    assert kinds(events).count("snapshot") == 4
    assert isinstance(events[-1], EndEvent) and events[-1].reason == "finished"
    assert losses(events)[0] == pytest.approx(math.log(15), abs=0.3)  # 15 characters, all as likely
    assert losses(events)[-1] < losses(events)[0] - 0.5
    run = open_run(runs / "first")
    assert list(run.events()) == events
    assert run.state == "finished"
    assert [i.step for i in list_checkpoints(run.path)] == [20, 30]
    assert [s.step for s in list_snapshots(run.path)] == [0, 10, 20, 30]
    assert run.config.model.vocab_size == 15
    assert (run.path / "tokenizer.json").is_file()


def test_the_same_seed_is_the_same_run(config: TrainConfig, runs: Path) -> None:
    first = losses(list(Trainer(config).run()))
    assert losses(list(Trainer(config.override(run_dir=str(runs / "again"))).run())) == first
    other = losses(list(Trainer(config.override(run_dir=str(runs / "other"), seed=7)).run()))
    assert other[0] != first[0]


@pytest.mark.parametrize("drop_rate", [0.0, 0.2])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("windows", ["random", "sliding"])
def test_resumed_it_goes_on_bit_for_bit(
    config: TrainConfig, runs: Path, drop_rate: float, optimizer: str, windows: str
) -> None:
    config = config.override(drop_rate=drop_rate, optimizer=optimizer, windows=windows, grad_accumulation=2)
    whole = losses(list(Trainer(config.override(run_dir=str(runs / "whole"))).run()))
    before = losses(until(Trainer(config), 17))
    resumed = list(Trainer.resumed(runs / "first").run())
    assert resumed[0].kind == "resume"
    assert resumed[0].exact  # type: ignore[attr-defined]
    assert before == whole[:17]
    assert losses(resumed) == whole[10:]  # the last checkpoint stood at 10
    seen = losses(list(open_run(runs / "first").events()))
    assert seen == whole  # readers drop what was done twice


def test_another_thread_count_says_that_exactness_is_lost(config: TrainConfig, runs: Path) -> None:
    until(Trainer(config), 12)
    events = list(Trainer.resumed(runs / "first", threads=1).run())
    assert not events[0].exact  # type: ignore[attr-defined]
    assert "threads was 2, now 1" in events[1].title  # type: ignore[attr-defined]
    assert events[-1].reason == "finished"  # type: ignore[attr-defined]


def test_a_finished_run_is_extended(config: TrainConfig, runs: Path) -> None:
    list(Trainer(config).run())
    with pytest.raises(ConfigError, match="has 30 steps already, max_steps is 30"):
        list(Trainer.resumed(runs / "first").run())
    events = list(Trainer.resumed(runs / "first", max_steps=40).run())
    assert events[0].changed == {"max_steps": [30, 40]}  # type: ignore[attr-defined]
    assert [e.step for e in events if isinstance(e, StepEvent)] == list(range(31, 41))


def test_what_would_make_it_another_run_is_refused_all_at_once(config: TrainConfig, runs: Path) -> None:
    until(Trainer(config), 12)
    with pytest.raises(ConfigError, match=r"tokenizer was 'char', now 'gpt2'; n_layers was 2, now 3"):
        list(Trainer.resumed(runs / "first", n_layers=3, tokenizer="gpt2").run())


def test_a_vocabulary_that_does_not_fit_is_refused(config: TrainConfig, runs: Path) -> None:
    until(Trainer(config), 12)
    with pytest.raises(ConfigError, match="vocab_size was 15, now 22"):
        list(Trainer.resumed(runs / "first", vocab_size=22).run())


def test_divergence_keeps_the_last_good_checkpoint(config: TrainConfig, runs: Path) -> None:
    config = config.override(learning_rate=1e-2, max_steps=60, checkpoint_interval=5)
    until(Trainer(config), 7)
    changed = {"learning_rate": 1e30, "grad_clip": 0.0, "warmup_steps": 0, "schedule": "constant"}
    events = list(Trainer.resumed(runs / "first", **changed).run())
    end = events[-1]
    assert isinstance(end, EndEvent) and end.reason == "diverged"
    assert "not finite at step" in end.title and "--learning-rate" in end.hint
    assert open_run(runs / "first").state == "diverged"
    assert load_model(str(runs / "first") + "@5").model is not None


def test_patience_ends_a_run_that_no_longer_learns(config: TrainConfig) -> None:
    stuck = config.override(
        learning_rate=1e-12, min_learning_rate=1e-12, patience=2, eval_interval=2, max_steps=400, dtype="bfloat16"
    )
    events = list(Trainer(stuck).run())
    assert events[-1].kind == "end" and events[-1].step < 400


def test_a_stop_ends_with_a_checkpoint(config: TrainConfig, runs: Path) -> None:
    trainer = Trainer(config)
    events = []
    for event in trainer.run():
        events.append(event)
        if isinstance(event, StepEvent) and event.step == 7:
            trainer.request_stop()
    assert events[-1].reason == "stopped" and events[-1].step == 7  # type: ignore[attr-defined]
    assert [i.step for i in list_checkpoints(runs / "first")] == [7]


def test_requests_are_carried_out_and_answered(config: TrainConfig, runs: Path) -> None:
    asked = []
    events = []
    for event in Trainer(config).run():
        events.append(event)
        if isinstance(event, StepEvent) and event.step == 3:
            # The run reads all three at once: it pauses, writes a checkpoint while paused, and goes on.
            asked = [send_request(runs / "first", kind) for kind in ("pause", "checkpoint", "resume")]
        if isinstance(event, StepEvent) and event.step == 6:
            asked.append(send_request(runs / "first", "stop"))
    run = open_run(runs / "first")
    assert [e.state for e in events if e.kind == "state"] == ["paused", "resumed"]  # type: ignore[attr-defined]
    assert events[-1].reason == "stopped" and events[-1].step == 6  # type: ignore[attr-defined]
    assert all(run.answered(request.id) for request in asked)
    assert 3 in [e.step for e in events if e.kind == "checkpoint"]


def test_muon_and_bfloat16_learn_as_float32_adamw_does(config: TrainConfig, runs: Path) -> None:
    finals = {}
    for name, changes in {
        "float32": {"dtype": "float32"},
        "bfloat16": {"dtype": "bfloat16"},
        "muon": {"dtype": "bfloat16", "optimizer": "muon"},
    }.items():
        asked = config.override(max_steps=120, run_dir=str(runs / name), eval_batches=0, **changes)
        finals[name] = [e for e in Trainer(asked).run() if e.kind == "eval"][-1].val_loss  # type: ignore[attr-defined]
    assert finals["bfloat16"] == pytest.approx(finals["float32"], abs=0.03)
    assert finals["muon"] < finals["float32"] + 0.1


def test_a_run_starts_from_the_weights_of_another(config: TrainConfig, runs: Path) -> None:
    first = list(Trainer(config).run())
    second = list(Trainer(config.override(run_dir=str(runs / "second"), init_from="first@latest")).run())
    assert losses(second)[0] < losses(first)[0] - 0.5


def test_what_was_trained_is_opened(config: TrainConfig, runs: Path) -> None:
    list(Trainer(config).run())
    best, latest, middle = (load_model(f"first@{w}") for w in ("best", "latest", "10"))
    assert best.config.vocab_size == best.tokenizer.vocab_size == 15
    assert latest.step == 30 and middle.step == 10  # 10 is a snapshot, its checkpoint was pruned
    assert best.tokenizer.decode(best.tokenizer.encode("the cat")) == "the cat"
    with pytest.raises(ModelSpecError, match="has nothing at 11"):
        load_model("first@11")


def test_a_text_too_short_for_one_window(config: TrainConfig, tmp_path: Path, runs: Path) -> None:
    (tmp_path / "short.txt").write_text("too short to learn from")
    with pytest.raises(CorpusError) as caught:
        list(Trainer(config.override(corpus=str(tmp_path / "short.txt"), run_dir=None)).run())
    assert "16" in caught.value.title or "17" in caught.value.title
    assert not list(runs.iterdir())


def test_too_little_memory_says_what_would_fit(config: TrainConfig) -> None:
    huge = config.override(batch_size=2**22, context_length=16, emb_dim=256)
    with pytest.raises(MemoryShortError, match="GiB are free") as caught:
        list(Trainer(huge).run())
    assert caught.value.hint.startswith("this would fit: --batch-size ")
    flags = caught.value.hint.split()
    batch, steps = int(flags[flags.index("--batch-size") + 1]), int(flags[flags.index("--grad-accumulation") + 1])
    assert batch * steps >= 2**22 and batch < 2**22


def test_estimates_are_instant_and_steps_are_timed_in_a_child(config: TrainConfig) -> None:
    said = estimate.estimate(config.override(max_steps=100_000), corpus_tokens=10_000)
    assert any("passes over the text" in warning for warning in said.warnings)
    assert said.tokens == 100_000 * 6 * 16
    measured = estimate.measure_step(config.override(vocab_size=15))
    assert 0 < measured.seconds_per_step < 5
    assert measured.seconds_total == pytest.approx(measured.seconds_per_step * 30)
    with pytest.raises(LabError, match="float16"):
        estimate.measure_step(config.override(dtype="float16"))


def test_epochs_decide_the_steps(config: TrainConfig) -> None:
    events = list(Trainer(config.override(epochs=0.05, windows="sliding", stride=4)).run())
    steps = events[-1].step
    assert steps == events[0].max_steps == round(0.05 * events[0].steps_per_epoch)  # type: ignore[attr-defined]


def test_by_autograd_it_is_the_same_run(config: TrainConfig) -> None:
    """The other engine, which GPUs and ``compile`` use, over five steps of the optimizer."""
    from core.training.engines import AutogradEngine
    from core.training.material import prepare
    from core.training.torch_backend import TorchBackend

    material = prepare(config)
    backend = TorchBackend(material.config)
    by_hand = [backend.train_step(material.batches(k), k, 1.0).loss for k in range(5)]
    backend.close()
    backend = TorchBackend(material.config)
    backend._engine = AutogradEngine(backend.model, backend._flat, backend._flat.data.dtype, compiled=False)
    by_autograd = [backend.train_step(material.batches(k), k, 1.0).loss for k in range(5)]
    backend.close()
    assert by_hand == pytest.approx(by_autograd, rel=1e-5)


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU")
def test_compiled_it_is_the_same_run(config: TrainConfig, runs: Path) -> None:
    short = config.override(max_steps=4, eval_interval=0, sample_interval=0)
    plain = losses(list(Trainer(short).run()))
    compiled = TrainConfig.to_dict(short.override(compile=True, run_dir=str(runs / "compiled")))
    code = "import json, sys; from core.config import TrainConfig; from core.training.trainer import Trainer; "
    code += "list(Trainer(TrainConfig.from_dict(json.loads(sys.argv[1]))).run())"
    subprocess.run([sys.executable, "-c", code, json.dumps(compiled)], check=True)  # its warnings are its own
    assert losses(list(open_run(runs / "compiled").events())) == pytest.approx(plain, rel=1e-4)


def test_weights_of_another_shape_are_refused_with_the_flags_that_fit(config: TrainConfig, runs: Path) -> None:
    list(Trainer(config).run())
    with pytest.raises(ConfigError, match="n_heads is 4 there, 8 here") as caught:
        list(Trainer(config.override(run_dir=None, init_from="first", n_heads=8)).run())
    assert caught.value.hint == "take theirs: --n-heads 4"


def test_weights_come_with_their_tokenizer(config: TrainConfig, runs: Path, tmp_path: Path) -> None:
    list(Trainer(config).run())
    shouted = tmp_path / "shouted.txt"
    shouted.write_text(Path(config.corpus).read_text().upper())
    with pytest.raises(TokenizerError):  # the same number of other characters
        list(Trainer(config.override(run_dir=None, init_from="first", corpus=str(shouted))).run())


def test_what_was_asked_while_the_disk_was_full_is_done_when_it_is_not(
    config: TrainConfig, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.files import disk_full
    from core.training import journal
    from core.training.rundir import RunWriter

    monkeypatch.setattr(journal, "RETRY", 0.2)
    emit, left = RunWriter.emit, [3]
    asked = []

    def emit_on_a_full_disk(self: RunWriter, event: Event) -> None:
        if event.step == 4 and left[0]:
            if left[0] == 3:
                asked.extend(send_request(runs / "first", kind) for kind in ("pause", "checkpoint", "resume"))
            left[0] -= 1
            raise disk_full(self.path / "metrics.jsonl")
        emit(self, event)

    monkeypatch.setattr(RunWriter, "emit", emit_on_a_full_disk)
    events = list(Trainer(config).run())
    assert kinds(events).count("warning") == 1
    assert [e.state for e in events if e.kind == "state"] == ["paused", "resumed"]  # type: ignore[attr-defined]
    assert 4 in [e.step for e in events if e.kind == "checkpoint"]
    assert all(open_run(runs / "first").answered(request.id) for request in asked)
    times = [e.time for e in events]
    assert times == sorted(times)
    assert events[-1].reason == "finished"  # type: ignore[attr-defined]


def test_stopped_on_a_full_disk_it_ends_as_stopped(
    config: TrainConfig, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.files import disk_full
    from core.training.rundir import RunWriter

    emit = RunWriter.emit

    def emit_on_a_full_disk(self: RunWriter, event: Event) -> None:
        if event.step == 14:
            send_request(runs / "first", "stop")
            raise disk_full(self.path / "metrics.jsonl")
        emit(self, event)

    monkeypatch.setattr(RunWriter, "emit", emit_on_a_full_disk)
    with pytest.raises(LabError, match="no space left"):
        list(Trainer(config).run())
    run = open_run(runs / "first")
    assert run.state == "stopped"
    assert [i.step for i in list_checkpoints(run.path)] == [10]


def test_a_bug_ends_the_run_as_failed_and_says_so(
    config: TrainConfig, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.training import checkpoints

    def broken(*_: object, **__: object) -> Path:
        raise ValueError("a bug of ours")

    monkeypatch.setattr(checkpoints, "save_checkpoint", broken)
    with pytest.raises(ValueError, match="a bug of ours"):
        list(Trainer(config).run())
    run = open_run(runs / "first")
    assert run.state == "failed"
    last = list(run.events())[-1]
    assert isinstance(last, EndEvent) and last.reason == "failed" and "ValueError: a bug of ours" in last.title


def test_out_of_memory_says_what_would_fit(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.training.torch_backend import TorchBackend

    def too_large(*_: object) -> None:
        raise RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9e15 bytes"
        )

    monkeypatch.setattr(TorchBackend, "train_step", too_large)
    with pytest.raises(MemoryShortError, match="out of memory at batch_size 6") as caught:
        list(Trainer(config).run())
    assert caught.value.hint == "this would fit: --batch-size 3 --grad-accumulation 2 (as many tokens a step)"


def test_a_models_field_that_was_changed_is_remembered(config: TrainConfig, runs: Path) -> None:
    until(Trainer(config), 12)
    until(Trainer.resumed(runs / "first", drop_rate=0.3), 22)
    assert open_run(runs / "first").config.model.drop_rate == 0.3
    events = list(Trainer.resumed(runs / "first").run())
    assert events[0].changed == {}  # type: ignore[attr-defined]


def test_a_run_counted_in_epochs_is_extended_by_steps(config: TrainConfig, runs: Path) -> None:
    events = list(Trainer(config.override(epochs=0.2, windows="sliding")).run())
    more = events[-1].step + 5
    again = list(Trainer.resumed(runs / "first", max_steps=more).run())
    assert again[-1].step == more


def test_after_patience_a_resumed_run_has_patience_again(config: TrainConfig, runs: Path) -> None:
    stuck = config.override(
        learning_rate=1e-12, min_learning_rate=1e-12, patience=2, eval_interval=2, max_steps=400, dtype="bfloat16"
    )
    ended = list(Trainer(stuck).run())[-1].step
    assert list(Trainer.resumed(runs / "first").run())[-1].step >= ended + 4


def test_what_was_left_to_the_machine_stays_as_the_run_had_it(config: TrainConfig, runs: Path) -> None:
    from dataclasses import replace

    until(Trainer(config.override(dtype="bfloat16", threads=3)), 12)
    asked = replace(open_run(runs / "first").config, dtype="auto", threads=0)
    events = list(Trainer(asked, resume=runs / "first").run())
    assert events[0].exact  # type: ignore[attr-defined]


def test_requests_in_the_last_step_are_answered(config: TrainConfig, runs: Path) -> None:
    asked = []
    for event in Trainer(config).run():
        if isinstance(event, StepEvent) and event.step == 30:
            asked = [send_request(runs / "first", kind) for kind in ("checkpoint", "pause")]
    run = open_run(runs / "first")
    assert run.state == "finished"
    assert all(run.answered(request.id) for request in asked)


def test_a_checkpoint_says_its_own_validation_loss_or_none(config: TrainConfig, runs: Path) -> None:
    config = config.override(max_steps=20, eval_interval=5, checkpoint_interval=6, keep_checkpoints=9)
    list(Trainer(config).run())
    said = {info.step: info.val_loss is not None for info in list_checkpoints(runs / "first")}
    assert said[6] is said[12] is said[18] is False
    assert said[20] is True


def test_a_moved_text_is_the_same_text(config: TrainConfig, runs: Path, tmp_path: Path) -> None:
    until(Trainer(config), 12)
    moved = tmp_path / "moved.txt"
    Path(config.corpus).rename(moved)
    events = list(Trainer.resumed(runs / "first", corpus=str(moved)).run())
    assert events[0].exact  # type: ignore[attr-defined]


def test_another_text_is_another_run(config: TrainConfig, runs: Path, tmp_path: Path) -> None:
    until(Trainer(config), 12)
    other = tmp_path / "other.txt"
    other.write_text(Path(config.corpus).read_text()[::-1])
    with pytest.raises(ConfigError, match="a run goes on with its text"):
        list(Trainer.resumed(runs / "first", corpus=str(other)).run())


def test_a_diverged_run_says_truly_which_checkpoint_is_good(config: TrainConfig, runs: Path) -> None:
    wild = config.override(learning_rate=1e30, grad_clip=0.0, warmup_steps=0, schedule="constant")
    end = list(Trainer(wild.override(checkpoint_interval=0, eval_interval=0)).run())[-1]
    assert end.hint.startswith("no checkpoint was written before")  # type: ignore[attr-defined]
    asked = wild.override(checkpoint_interval=1, eval_interval=0, run_dir=str(runs / "each"))
    end = list(Trainer(asked).run())[-1]
    assert end.step not in [info.step for info in list_checkpoints(runs / "each")]
