"""Windows of repeated random tokens: which they are is a function of (seed, batch) alone, and the rest stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.config import GPTConfig, TrainConfig
from core.data.repeats import LONGEST, SHORTEST, with_repeats
from core.errors import ConfigError
from core.training.material import prepare

IDS = np.random.default_rng(0).permutation(5000)


def batch_of(rows: int, length: int):
    x = np.arange(rows * length, dtype=np.int64).reshape(rows, length) + 10_000
    return x, x + 1


def period_of(row: np.ndarray) -> int | None:
    return next((p for p in range(1, len(row) // 2 + 1) if (row[p:] == row[:-p]).all()), None)


def test_the_share_of_windows_that_repeat_and_their_periods():
    x, y = with_repeats(batch_of(2000, 256), IDS, 0.25, 1337, 0)
    repeated = (x < 10_000).all(1)
    assert 0.22 < repeated.mean() < 0.28
    periods = [period_of(row) for row in x[repeated]]
    assert min(periods) == SHORTEST and 90 < max(periods) <= LONGEST
    assert 20 < np.median(periods) < 36  # the middle of 8 and 96 on a logarithmic scale is 27.7
    assert (x[:, 1:] == y[:, :-1]).all()
    assert np.isin(x[repeated], IDS).all()


def test_the_other_windows_and_the_given_arrays_are_left_alone():
    given = batch_of(64, 32)
    kept = [part.copy() for part in given]
    x, y = with_repeats(given, IDS, 0.5, 7, 3)
    same = (x == kept[0]).all(1)
    assert 16 < same.sum() < 48 and (y[same] == kept[1][same]).all()
    assert (given[0] == kept[0]).all() and (given[1] == kept[1]).all()


def test_a_batch_is_the_same_whenever_it_is_asked_for_and_another_is_not():
    first, again = (with_repeats(batch_of(8, 64), IDS, 1.0, 1337, 5)[0] for _ in range(2))
    assert (first == again).all()
    for seed, step in ((1338, 5), (1337, 6)):
        assert (with_repeats(batch_of(8, 64), IDS, 1.0, seed, step)[0] != first).any()


@pytest.mark.parametrize("length", [2, 3, 8, 15, 16])
def test_short_windows_say_what_they_can_twice(length: int):
    x, _ = with_repeats(batch_of(20, length), IDS, 1.0, 0, 0)
    if length == 2:
        assert (x == batch_of(20, 2)[0]).all()  # two tokens and the next: nothing that would be a repetition
    else:
        assert all(period_of(np.append(row, nxt)) for row, nxt in zip(x, _[:, -1], strict=True))


def test_training_windows_repeat_and_evaluation_does_not(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("".join(chr(97 + i % 26) for i in np.random.default_rng(1).integers(0, 26, 4000)))
    config = TrainConfig(GPTConfig(None, 32, 16, 2, 1), corpus=str(text), batch_size=16, repeat_fraction=0.5)
    with_them, without = prepare(config), prepare(replace(config, repeat_fraction=0.0))
    other = [(a[0] != b[0]).any(1).mean() for a, b in zip(with_them.batches(3), without.batches(3), strict=True)]
    assert 0.2 < other[0] < 0.8
    for part in ("train", "val"):
        for a, b in zip(with_them.eval_batches(part), without.eval_batches(part), strict=True):
            assert (a[0] == b[0]).all() and (a[1] == b[1]).all()


def test_a_share_that_is_none_is_refused():
    with pytest.raises(ConfigError, match=r"repeat_fraction must be from 0 to 1, got 1\.5"):
        TrainConfig(repeat_fraction=1.5)
