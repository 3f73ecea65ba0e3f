import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from screens.widgets.plot_data import (
    LABEL_WIDTH,
    axis_label,
    axis_labels,
    decimate,
    linear_ticks,
    reach_for,
    smooth,
    value_range,
)

values = hnp.arrays(np.float64, st.integers(1, 400), elements=st.floats(-1e9, 1e9) | st.just(math.nan))


def test_a_spike_of_one_step_in_a_hundred_thousand_survives():
    y = np.ones(100_000)
    y[54_321] = 9.0
    x = np.arange(100_000.0)
    px, py = decimate(x, y, 60)
    assert len(px) <= 120
    assert 9.0 in py
    assert px[py.index(9.0)] == 54_321


@given(values, st.integers(1, 50))
def test_thinning_keeps_extremes_order_and_size(y, columns):
    x = np.arange(len(y), dtype=float)
    px, py = decimate(x, y, columns)
    assert len(px) == len(py) <= max(2 * columns, 1)
    assert px == sorted(px)
    assert len(set(px)) == len(px)
    assert all(b == y[int(a)] or (math.isnan(b) and math.isnan(y[int(a)])) for a, b in zip(px, py, strict=True))
    finite = y[np.isfinite(y)]
    shown = [v for v in py if math.isfinite(v)]
    if len(finite):
        assert min(shown) == finite.min()
        assert max(shown) == finite.max()
    else:
        assert not shown


def test_a_stretch_of_nan_stays_a_gap():
    y = np.ones(1000)
    y[400:600] = np.nan
    px, py = decimate(np.arange(1000.0), y, 20)
    assert any(math.isnan(v) and 400 <= a < 600 for a, v in zip(px, py, strict=True))


def test_infinite_values_count_as_missing():
    _, py = decimate(np.arange(5.0), np.array([1.0, np.inf, 2.0, -np.inf, 3.0]), 20)
    assert [v for v in py if math.isfinite(v)] == [1.0, 2.0, 3.0]
    assert sum(math.isnan(v) for v in py) == 2


def test_thinning_nothing_gives_nothing():
    assert decimate(np.array([]), np.array([]), 10) == ([], [])
    assert decimate(np.arange(3.0), np.arange(3.0), 0) == ([], [])


@given(values, st.integers(1, 30))
def test_smoothing_stays_between_its_neighbours_and_keeps_gaps(y, reach):
    out = smooth(y, reach)
    assert (np.isnan(out) == np.isnan(y)).all()
    for i in np.flatnonzero(np.isfinite(y)):
        part = y[max(0, i - reach) : i + reach + 1]
        part = part[np.isfinite(part)]
        slack = 1e-5 * (1 + np.abs(y[np.isfinite(y)]).max())
        assert part.min() - slack <= out[i] <= part.max() + slack


def test_smoothing_does_not_flatten_the_first_fall():
    y = np.concatenate([[4.2, 3.0], np.full(200, 2.0)])
    assert smooth(y, 50)[0] == 4.2
    assert smooth(y, 0) is y


@given(st.floats(-1e12, 1e12, allow_nan=False), st.floats(1e-9, 1e12), st.integers(2, 10))
def test_ticks_lie_inside_and_rise(low, span, count):
    high = low + span
    if high <= low:
        return
    ticks = linear_ticks(low, high, count)
    assert ticks == sorted(ticks)
    assert len(ticks) <= 3 * count + 1
    slack = abs(span) * 1e-6 + 1e-9 * max(abs(low), abs(high))
    assert all(low - slack <= t <= high + slack for t in ticks)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_axis_labels_have_one_width(value):
    assert len(axis_label(value)) == LABEL_WIDTH


@given(st.integers(-90, 500), st.integers(2, 9), st.sampled_from([0.001, 0.02, 0.25, 0.5, 1, 20, 250, 5e6]))
def test_the_labels_of_an_axis_tell_its_values_apart(first, count, step):
    values = [(first + i) * step for i in range(count)]
    labels = axis_labels(values)
    assert {len(label) for label in labels} == {LABEL_WIDTH}
    assert len(set(labels)) == count
    assert axis_labels([]) == []


def test_ranges():
    assert value_range([[1.0, math.nan], [3.0]]) == (1.0, 3.0)
    assert value_range([[math.nan], []]) is None
    assert value_range([[-1.0, 0.0]], log=True) is None
    low, high = value_range([[2.0, 2.0]])
    assert low < 2.0 < high


@pytest.mark.parametrize("n", [1, 10, 1000, 1_000_000])
def test_reach_grows_with_level_and_is_bounded(n):
    reaches = [reach_for(n, level) for level in range(4)]
    assert reaches == sorted(reaches)
    assert reaches[0] == 0
    assert reaches[-1] <= 2000
