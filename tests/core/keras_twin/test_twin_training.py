"""Training with the twin through the one trainer: events, checkpoints, exact resumption, both ways of ``--from``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import core
from core.config import GPTConfig, TrainConfig
from core.errors import CheckpointError, ConfigError
from core.training.checkpoints import load_checkpoint
from core.training.stored import find_checkpoint

TEXT = "the quick brown fox jumps over the lazy dog.\n" * 60


def ten_steps(folder: Path) -> TrainConfig:
    """Ten steps of a tiny model with dropout, on a text of its own."""
    (folder / "text.txt").write_text(TEXT)
    return TrainConfig(
        model=GPTConfig(None, 16, 32, 2, 1, drop_rate=0.1),
        corpus=str(folder / "text.txt"),
        batch_size=4,
        max_steps=10,
        eval_interval=5,
        eval_batches=3,
        sample_interval=5,
        checkpoint_interval=5,
        snapshot_count=2,
        warmup_steps=2,
        threads=1,
        backend="tensorflow",
        dtype="float32",
        run_dir=str(folder / "runs" / "twin"),
    )


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    """The same for a test that makes runs of its own."""
    return ten_steps(tmp_path)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each backend that is over, for all tests that only read them: to trace the steps takes seconds."""
    folder = tmp_path_factory.mktemp("done")
    runs = {name: folder / "runs" / name for name in ("tensorflow", "torch")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLM_LAB_XLA", "0")
        patch.setenv("LLM_LAB_CACHE", str(folder / "cache"))
        for name, run_dir in runs.items():
            list(core.Trainer(ten_steps(folder).override(backend=name, run_dir=str(run_dir))).run())
    return runs


def said(run_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def steps(run_dir: Path) -> list[tuple[int, float, float]]:
    return [(e["step"], e["loss"], e["grad_norm"]) for e in said(run_dir) if e["kind"] == "step"]


def weights_of(run_dir: Path) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    found = load_checkpoint(find_checkpoint(run_dir, "latest"))
    return found.model, found.optimizer


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_same_events_as_pytorch(done: dict[str, Path]) -> None:
    ours, theirs = said(done["tensorflow"]), said(done["torch"])
    assert {"start", "step", "eval", "sample", "snapshot", "checkpoint", "end"} == {e["kind"] for e in ours}
    assert [(e["kind"], e["step"], e["tokens"], sorted(e)) for e in ours if e["kind"] != "eval"] == [
        (e["kind"], e["step"], e["tokens"], sorted(e)) for e in theirs if e["kind"] != "eval"
    ]
    for one, two in zip(ours, theirs, strict=True):
        if one["kind"] == "eval":
            assert abs(one["val_loss"] - two["val_loss"]) < 0.1  # dropout differs, nothing else
    meta = json.loads((done["tensorflow"] / "run.json").read_text())
    assert meta["config"]["backend"] == "tensorflow"
    assert meta["device"] == "cpu" and meta["dtype"] == "float32" and meta["threads"] >= 1
    assert {"tensorflow", "keras"} <= meta["versions"].keys()


def test_a_run_of_the_twin_is_pytorchs_model(done: dict[str, Path]) -> None:
    run_dir = done["tensorflow"]
    loaded = core.load_model(str(run_dir))
    tensors, optimizer = weights_of(run_dir)
    assert same(dict(loaded.model.named_parameters()), tensors)
    assert {name.partition("/")[0] for name in optimizer} == {"exp_avg", "exp_avg_sq", "step"}
    assert int(optimizer["step"]) == 10
    from core.keras_twin.files import open_twin

    ids = np.array([loaded.tokenizer.encode("the quick")])
    with torch.no_grad():
        expected = loaded.model(torch.from_numpy(ids)).numpy()
    assert np.abs(open_twin(str(run_dir))(ids).numpy() - expected).max() < 1e-5


def test_a_stopped_run_goes_on_bit_for_bit(done: dict[str, Path], config: TrainConfig, tmp_path: Path) -> None:
    trainer = core.Trainer(config)
    first = []
    for event in trainer.run():
        first.append(event)
        if event.kind == "step" and event.step == 6:
            trainer.request_stop()
    assert first[-1].kind == "end" and first[-1].step == 6
    halved = tmp_path / "runs" / "twin"
    goes_on_exactly(halved)
    assert len(steps(halved)) == 10 and steps(halved) == steps(done["tensorflow"])
    for one, other in zip(weights_of(halved), weights_of(done["tensorflow"]), strict=True):
        assert same(one, other)


@pytest.mark.parametrize(("accumulation", "xla"), [(2, False), (1, True)])
def test_from_a_checkpoint_it_goes_on_bit_for_bit(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accumulation: int, xla: bool
) -> None:
    if xla:
        monkeypatch.delenv("LLM_LAB_XLA")
    # Samples and evaluations are compilations of their own, and have no part in this.
    config = config.override(grad_accumulation=accumulation, sample_interval=0, eval_interval=0, snapshot_count=0)
    list(core.Trainer(config).run())
    whole, halved = tmp_path / "runs" / "twin", tmp_path / "runs" / "halved"
    shutil.copytree(whole, halved)
    goes_on_exactly(halved, 5)
    assert len(steps(whole)) == 10 and steps(halved)[-5:] == steps(whole)[-5:]
    for one, other in zip(weights_of(whole), weights_of(halved), strict=True):
        assert same(one, other)


def goes_on_exactly(run_dir: Path, checkpoint: int | str = "latest") -> None:
    """Resumes a run to its end, without a warning."""
    events = list(core.Trainer.resumed(run_dir, checkpoint).run())
    resumed = next(e for e in events if e.kind == "resume")
    assert resumed.exact and not [e for e in events if e.kind == "warning"]
    assert resumed.step == checkpoint or checkpoint == "latest"


def test_dropout_is_a_function_of_seed_and_step(config: TrainConfig) -> None:
    from core.training.backend import make_backend

    config = config.override(vocab_size=30, drop_rate=0.5)
    batch = (np.arange(64).reshape(4, 16) % 30, np.arange(1, 65).reshape(4, 16) % 30)
    losses = []
    backend = make_backend(config.override(seed=1))
    start = {name: tensor.clone() for name, tensor in backend.model_tensors().items()}
    for seed, step in ((1, 0), (1, 0), (1, 1), (2, 0)):
        backend.load(start, None)
        backend._config = config.override(seed=seed)  # type: ignore[attr-defined]
        losses.append(backend.train_step([batch], step, 1.0).loss)
    backend.close()
    assert losses[0] == losses[1]
    assert len(set(losses)) == 3


@pytest.mark.parametrize("first", ["torch", "tensorflow"])
def test_from_works_both_ways(done: dict[str, Path], config: TrainConfig, tmp_path: Path, first: Any) -> None:
    second = "tensorflow" if first == "torch" else "torch"
    source = done[first]
    config = config.override(sample_interval=0)
    on = config.override(backend=second, init_from=str(source), run_dir=str(tmp_path / "runs" / "on"), max_steps=1)
    on = on.override(learning_rate=1e-12, min_learning_rate=0.0, weight_decay=0.0)
    list(core.Trainer(on).run())
    before, _ = weights_of(source)
    after, _ = weights_of(tmp_path / "runs" / "on")
    assert all(float((after[name] - tensor).abs().max()) < 1e-9 for name, tensor in before.items())


def test_a_loss_that_is_not_finite_leaves_the_weights(config: TrainConfig) -> None:
    from core.training.backend import make_backend

    backend = make_backend(config.override(vocab_size=30))
    batch = (np.zeros((4, 16), np.int64), np.zeros((4, 16), np.int64))
    bad = {name: tensor.clone() for name, tensor in backend.model_tensors().items()}
    bad["ln_f.weight"][3] = float("nan")
    backend.load(bad, None)
    assert not backend.train_step([batch], 0, 1.0).finite
    after = backend.model_tensors()
    assert all(torch.equal(after[n].view(torch.int32), bad[n].view(torch.int32)) for n in bad)
    assert not any(tensor.any() for tensor in backend.optimizer_tensors().values())
    backend.close()


def test_bfloat16_learns_too(config: TrainConfig) -> None:
    from core.training.backend import make_backend

    config = config.override(vocab_size=30, dtype="bfloat16", learning_rate=1e-2, drop_rate=0.0)
    backend = make_backend(config)
    batch = (np.arange(64).reshape(4, 16) % 30, np.arange(1, 65).reshape(4, 16) % 30)
    losses = [backend.train_step([batch], step, 1.0).loss for step in range(15)]
    assert backend.dtype == "bfloat16"
    assert losses[-1] < losses[0] - 1
    assert all(tensor.dtype == torch.float32 for tensor in backend.model_tensors().values())
    assert len(backend.sample([1, 2], 5, 0)) == 5
    backend.close()


# What is refused


@pytest.fixture
def ready(config: TrainConfig) -> Iterator[Any]:
    """A backend."""
    from core.training.backend import make_backend

    backend = make_backend(config.override(vocab_size=30))
    yield backend
    backend.close()


def test_a_checkpoint_of_another_shape(ready: Any) -> None:
    other = {name: tensor.clone() for name, tensor in ready.model_tensors().items()}
    other["wpe.weight"] = torch.zeros(8, 32)
    with pytest.raises(CheckpointError, match="the tensor wpe.weight has shape 8×32, 16×32 was expected"):  # noqa: RUF043
        ready.load(other, None)
    moments = dict(ready.optimizer_tensors())
    moments["exp_avg/wte.weight"] = torch.zeros(3, 3)
    with pytest.raises(CheckpointError, match="exp_avg/wte"):
        ready.load(ready.model_tensors(), moments)
    moments.pop("exp_avg/wte.weight")
    with pytest.raises(CheckpointError, match="the checkpoint has nothing"):
        ready.load(ready.model_tensors(), moments)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optimizer": "muon"}, ("trains with adamw", "--optimizer adamw")),
        ({"dtype": "float16"}, ("float32 or bfloat16", "dtype float32")),
        ({"device": "cuda"}, ("device cuda was asked for, TensorFlow sees cpu", "tensorflow-cpu never sees a GPU")),
        ({"device": "mps"}, ("device mps was asked for, TensorFlow sees cpu", "")),
    ],
)
def test_what_it_has_not(config: TrainConfig, change: dict[str, Any], words: tuple[str, str]) -> None:
    from core.training.backend import make_backend

    with pytest.raises(ConfigError) as caught:
        make_backend(config.override(vocab_size=30, **change))
    assert words[0] in caught.value.title and words[1] in caught.value.hint


def test_all_logits_at_once_are_reckoned_with() -> None:
    from core.training.estimate import memory_bytes

    config = TrainConfig.preset("shakespeare-tf").override(threads=1)
    logits = 8 * 100 * 50257 * 4
    assert memory_bytes(config) - memory_bytes(config.override(backend="torch")) > 2 * logits
