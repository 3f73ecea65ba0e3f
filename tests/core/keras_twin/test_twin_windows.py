"""tf.data windows: the same windows, in the same batches, in the same order as PyTorch's and the trainer's."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import core
from core.config import GPTConfig, TrainConfig
from core.data.torch_windows import data_loader
from core.data.window_sets import windows_of
from core.data.windows import Windows
from core.keras_twin.backend import KerasBackend
from core.presets import WINDOW_PRESETS
from core.training.material import prepare
from core.training.torch_backend import TorchBackend


def batches(windows: Windows, size: int, **options: Any) -> list[tuple[Any, Any]]:
    from core.keras_twin.loading import load_tensorflow

    load_tensorflow()
    from core.keras_twin.tf_windows import dataset

    return [(x.numpy(), y.numpy()) for x, y in dataset(windows, size, **options)]


@pytest.mark.parametrize("kind", ["sliding", "random"])
@pytest.mark.parametrize(("stride", "size", "first"), [(1, 4, 0), (3, 5, 7), (None, 2, 0)])
def test_the_same_windows_in_the_same_order(kind: Any, stride: int | None, size: int, first: int) -> None:
    windows = Windows(np.arange(200, dtype=np.uint16), 8, stride)
    options = {"kind": kind, "seed": 5, "first_step": first, "steps": 60}
    ours = batches(windows, size, **options)
    theirs = list(data_loader(windows, size, **options))
    assert len(ours) == len(theirs) == 60 - first
    for (x, y), (a, b) in zip(ours, theirs, strict=True):
        assert x.dtype == y.dtype == np.int64 and x.shape == (size, 8)
        assert np.array_equal(x, a.numpy()) and np.array_equal(y, b.numpy())
    assert len({x.tobytes() for x, _ in ours}) > 10  # they are not all one


def test_another_seed_is_another_order() -> None:
    windows = Windows(np.arange(200), 8)
    one, other = (batches(windows, 4, seed=seed) for seed in (1, 2))
    assert len(one) == len(other) == len(windows) // 4
    assert sorted(x[0, 0] for x, _ in one) != sorted(x[0, 0] for x, _ in other)


def test_the_trainers_own_batches(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the quick brown fox jumps over the lazy dog. " * 40)
    config = TrainConfig(corpus=str(text), windows="sliding", stride=5, batch_size=3, seed=11)
    material = prepare(config.override(context_length=16))
    ours = batches(material.windows, 3, seed=11, steps=20)
    for step, (x, y) in enumerate(ours):
        ((a, b),) = material.batches(step)
        assert np.array_equal(x, a) and np.array_equal(y, b)


def test_the_classic_one(lab_cache: Path) -> None:
    """GPT-2's tokens of the training part, windows of 100 every 4 tokens, 8 in a batch."""
    found = windows_of(WINDOW_PRESETS["shakespeare-tf"])
    assert (found.characters, found.windows.context_length, found.windows.stride) == (1_003_854, 100, 4)
    first = batches(found.windows, 8, steps=3)
    for step, (x, y) in enumerate(first):
        a, b = found.batch(step)
        assert x.shape == (8, 100)
        assert np.array_equal(x, a) and np.array_equal(y, b) and np.array_equal(x[:, 1:], y[:, :-1])


def test_a_memory_map_is_not_copied(tmp_path: Path) -> None:
    ids = np.memmap(tmp_path / "ids", dtype=np.uint16, mode="w+", shape=1000)
    ids[:] = np.arange(1000)
    assert len(batches(Windows(ids, 10), 4)) == Windows(ids, 10).__len__() // 4


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_run_trains_on_pytorchs_windows_through_tf_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accumulation: int
) -> None:
    """What reaches each backend's step in real runs, a share of it repeated tokens; the second half after a stop."""
    text = tmp_path / "text.txt"
    text.write_text("the quick brown fox jumps over the lazy dog. " * 40)
    quiet = {"eval_interval": 0, "sample_interval": 0, "snapshot_count": 0, "checkpoint_interval": 3}
    config = TrainConfig(
        GPTConfig(None, 16, 16, 2, 1), corpus=str(text), windows="sliding", stride=5, batch_size=3, seed=11,
        repeat_fraction=0.5, grad_accumulation=accumulation, max_steps=3, threads=1, dtype="float32", **quiet,  # type: ignore[arg-type]
    )  # fmt: skip
    seen: dict[str, list[Any]] = {"torch": [], "tensorflow": []}
    for backend, cls in (("torch", TorchBackend), ("tensorflow", KerasBackend)):

        def train_step(self: Any, batches: Any, step: int, rate: float, step_of: Any = cls.train_step) -> Any:
            assert len(batches) == accumulation
            seen[self._config.backend] += batches
            return step_of(self, batches, step, rate)

        monkeypatch.setattr(cls, "train_step", train_step)
        run_dir = tmp_path / backend
        list(core.Trainer(config.override(backend=backend, run_dir=str(run_dir))).run())
        list(core.Trainer.resumed(run_dir, max_steps=6).run())
    assert len(seen["torch"]) == len(seen["tensorflow"]) == 6 * accumulation
    material = prepare(config)
    for number, (ours, theirs) in enumerate(zip(seen["torch"], seen["tensorflow"], strict=True)):
        assert all(type(part).__module__.startswith("tensorflow") for part in theirs)
        for one, other, plain in zip(ours, theirs, material.batch(number), strict=True):
            assert np.array_equal(one, other.numpy()) and np.array_equal(one, plain)
    without = prepare(config.override(repeat_fraction=0.0))
    changed = [not np.array_equal(x, without.batch(number)[0]) for number, (x, _) in enumerate(seen["torch"])]
    assert any(changed)


def test_the_next_batch_is_gathered_ahead() -> None:
    from core.keras_twin.tf_windows import feed

    ahead = threading.Event()

    def batch(number: int) -> Any:
        if number == 8:
            ahead.set()
        return np.full((2, 3), number), np.full((2, 3), number + 1)

    batches = feed(batch, (2, 3), range(7, 20))
    assert next(batches)[0].numpy().tolist() == [[7] * 3] * 2
    assert ahead.wait(30)  # nobody has asked for it yet
    assert [int(x[0, 0]) for x, _ in batches] == list(range(8, 20))


def test_what_goes_wrong_while_gathering_is_said_as_it_was() -> None:
    from core.keras_twin.tf_windows import feed

    def batch(number: int) -> Any:
        if number == 2:
            raise MemoryError("out of memory")
        return np.zeros((2, 3), np.int64), np.zeros((2, 3), np.int64)

    batches = feed(batch, (2, 3), range(5))
    next(batches)
    next(batches)
    with pytest.raises(MemoryError, match=r"^out of memory$"):
        next(batches)
