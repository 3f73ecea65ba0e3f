from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.windows import (
    Windows,
    batch_indices,
    check_length,
    count_windows,
    epoch_order,
    eval_indices,
    split,
)
from core.errors import CorpusError

seeds = st.integers(0, 2**70)


def naive_windows(ids: np.ndarray, context_length: int, stride: int) -> list[tuple[list[int], list[int]]]:
    """The classic loop, window by window."""
    return [
        (ids[i : i + context_length].tolist(), ids[i + 1 : i + context_length + 1].tolist())
        for i in range(0, len(ids) - context_length, stride)
    ]


@given(st.data(), st.integers(1, 12), st.integers(1, 15))
def test_the_windows_are_those_of_the_classic_loop(data: st.DataObject, context_length: int, stride: int) -> None:
    n = data.draw(st.integers(context_length + 1, 80))
    ids = np.random.default_rng(n).integers(0, 60_000, n).astype(np.uint16)
    windows, naive = Windows(ids, context_length, stride), naive_windows(ids, context_length, stride)
    assert len(windows) == len(naive) == count_windows(n, context_length, stride)
    assert [(x.tolist(), y.tolist()) for x, y in windows] == naive
    indices = np.array(data.draw(st.lists(st.integers(0, len(naive) - 1), max_size=9)), dtype=np.int64)
    x, y = windows.gather(indices)
    assert x.shape == y.shape == (len(indices), context_length)
    assert x.dtype == y.dtype == np.int64
    assert x.flags.c_contiguous and y.flags.c_contiguous
    assert [(a.tolist(), b.tolist()) for a, b in zip(x, y, strict=True)] == [naive[i] for i in indices]


def test_the_stride_is_the_context_length_unless_given() -> None:
    assert [x.tolist() for x, _ in Windows(np.arange(10), 4)] == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_ids_on_disk_are_gathered_like_those_in_memory(tmp_path: Path) -> None:
    ids = np.random.default_rng(0).integers(0, 70_000, 5000).astype(np.uint32)
    ids.tofile(tmp_path / "ids.bin")
    mapped = np.memmap(tmp_path / "ids.bin", dtype=np.uint32, mode="r")
    chosen = batch_indices("random", len(Windows(mapped, 64, 1)), 16, seed=1, step=2)
    for a, b in zip(Windows(ids, 64, 1).gather(chosen), Windows(mapped, 64, 1).gather(chosen), strict=True):
        assert np.array_equal(a, b)
        assert type(b) is np.ndarray
        b += 1  # a copy: what the trainer does with it never reaches the file


def test_ids_above_two_to_the_sixteen_survive() -> None:
    x, y = Windows(np.array([0, 70_000, 2**32 - 1], dtype=np.uint32), 2).gather(np.array([0]))
    assert x.tolist() == [[0, 70_000]]
    assert y.tolist() == [[70_000, 2**32 - 1]]


@pytest.mark.parametrize("index", [-1, 3])
def test_a_window_that_is_not_there_is_an_index_error(index: int) -> None:
    windows = Windows(np.arange(10), 3)
    with pytest.raises(IndexError):
        windows.gather(np.array([0, index]))
    with pytest.raises(IndexError):
        windows[3]
    assert windows[-1][0].tolist() == [6, 7, 8]


@pytest.mark.parametrize("wrong", [{"context_length": 0}, {"context_length": 2, "stride": 0}])
def test_sizes_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Windows(np.arange(10), **wrong)
    with pytest.raises(ValueError, match="one dimension"):
        Windows(np.zeros((3, 3), dtype=np.int64), 2)


@pytest.mark.parametrize("n", [0, 1, 64])
def test_a_text_too_short_for_one_window_names_both_numbers(n: int) -> None:
    with pytest.raises(CorpusError) as caught:
        Windows(np.arange(n), 64, part="validation")
    assert f"validation part of the text has {n} tokens" in caught.value.title
    assert "needs 65" in caught.value.title
    assert "longer text" in caught.value.hint
    assert "--val-fraction" in caught.value.hint
    assert ("--context-length 63 or less" in caught.value.hint) == (n == 64)
    with pytest.raises(CorpusError, match=f"the text has {n} tokens"):
        check_length(n, 64)
    check_length(65, 64)


@pytest.mark.parametrize(("n", "fraction", "train"), [(1_115_394, 0.1, 1_003_854), (10, 0.0, 10), (3, 0.5, 1)])
def test_the_validation_part_is_the_end(n: int, fraction: float, train: int) -> None:
    ids = np.arange(n)
    first, last = split(ids, fraction)
    assert len(first) == train
    assert np.array_equal(np.concatenate([first, last]), ids)
    assert first.base is ids  # nothing was copied
    with pytest.raises(ValueError, match="val_fraction"):
        split(ids, 1.0)


@given(st.sampled_from(["random", "sliding"]), st.integers(1, 500), st.integers(1, 40), seeds, st.integers(0, 10**6))
def test_a_batch_is_a_function_of_seed_and_step_alone(kind: str, n: int, batch: int, seed: int, step: int) -> None:
    first = batch_indices(kind, n, batch, seed, step)  # type: ignore[arg-type]
    assert first.shape == (batch,)
    assert first.dtype == np.int64
    assert first.min() >= 0 and first.max() < n
    epoch_order.cache_clear()
    batch_indices(kind, n, batch, seed + 1, step + 3)  # type: ignore[arg-type]
    assert np.array_equal(first, batch_indices(kind, n, batch, seed, step))  # type: ignore[arg-type]


@given(st.integers(1, 60), st.integers(1, 17), seeds, st.integers(1, 4))
def test_sliding_sees_each_window_once_an_epoch(n: int, batch: int, seed: int, epochs: int) -> None:
    steps = -(-n * epochs // batch)
    seen = np.concatenate([batch_indices("sliding", n, batch, seed, step) for step in range(steps)])
    for epoch in range(epochs):
        assert sorted(seen[epoch * n : (epoch + 1) * n].tolist()) == list(range(n))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = [epoch_order(100, seed, epoch).tolist() for seed in (0, 1, 2**64 - 1) for epoch in range(3)]
    assert len({tuple(order) for order in orders}) == len(orders)
    assert all(order != sorted(order) for order in orders)


def test_an_order_that_is_remembered_cannot_be_spoilt() -> None:
    with pytest.raises(ValueError, match="read-only"):
        epoch_order(10, 1, 0)[0] = 5
    batch_indices("sliding", 10, 10, 1, 0)[0] = 99
    assert batch_indices("sliding", 10, 10, 1, 0).max() == 9


def test_random_windows_are_drawn_evenly() -> None:
    drawn = np.concatenate([batch_indices("random", 10, 100, seed=5, step=step) for step in range(100)])
    counts = np.bincount(drawn, minlength=10)
    assert counts.min() > 900 and counts.max() < 1100  # 1000 each, standard deviation 30


def test_a_step_far_away_is_as_near_as_the_first() -> None:
    assert batch_indices("random", 10**9, 4, seed=1, step=10**15).max() < 10**9
    assert batch_indices("sliding", 1000, 4, seed=1, step=10**15).max() < 1000


def test_the_batches_are_these_for_ever() -> None:
    """A run begun with one release goes on with the same batches in the next."""
    assert batch_indices("random", 1_003_790, 4, seed=1337, step=0).tolist() == RANDOM_0
    assert batch_indices("random", 1_003_790, 4, seed=1337, step=1).tolist() == RANDOM_1
    assert batch_indices("sliding", 7, 10, seed=1337, step=0).tolist() == SLIDING_0


RANDOM_0 = [923101, 988132, 113418, 829868]
RANDOM_1 = [520320, 789746, 966423, 103394]
SLIDING_0 = [2, 4, 5, 6, 3, 0, 1, 3, 0, 1]


@pytest.mark.parametrize("wrong", [("random", 0, 4, 1, 1), ("random", 4, 0, 1, 1), ("sliding", 4, 4, 1, -1)])
def test_a_batch_of_nothing_is_refused(wrong: tuple[str, int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="no batch"):
        batch_indices(*wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="random or sliding"):
        batch_indices("shuffled", 4, 4, 1, 1)  # type: ignore[arg-type]


@given(st.integers(1, 2000), st.integers(0, 300))
def test_the_windows_of_an_evaluation_are_spread_evenly(n: int, count: int) -> None:
    chosen = eval_indices(n, count).tolist()
    if count == 0 or count >= n:
        assert chosen == list(range(n))
    else:
        gaps = np.diff([*chosen, n])
        assert len(chosen) == count
        assert chosen[0] == 0
        assert gaps.max() - gaps.min() <= 1
