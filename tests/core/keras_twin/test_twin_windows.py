"""tf.data windows: the same windows, in the same batches, in the same order as PyTorch's and the trainer's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config import TrainConfig
from core.data.torch_windows import data_loader
from core.data.window_sets import windows_of
from core.data.windows import Windows, eval_indices
from core.presets import WINDOW_PRESETS
from core.training.material import prepare


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


def test_windows_of_an_evaluation() -> None:
    from core.keras_twin.loading import load_tensorflow

    load_tensorflow()
    from core.keras_twin.tf_windows import eval_dataset

    windows = Windows(np.arange(100), 8)
    chosen = eval_indices(len(windows), 7)
    found = [x.numpy() for x, _ in eval_dataset(windows, chosen, 3)]
    assert [len(x) for x in found] == [3, 3, 1]
    assert np.array_equal(np.concatenate(found), windows.gather(chosen)[0])
