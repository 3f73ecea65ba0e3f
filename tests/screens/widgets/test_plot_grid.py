"""Every value on its row: labels in the middle of theirs, data on the canvas, whatever the range and the size."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screens.widgets.plot_grid import DOTS_UP, column_of, linear_rows, log_rows

sizes = st.integers(2, 60)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e9), sizes)
def test_linear_labels_are_on_the_centres_of_their_rows(low, span, count):
    high = low + span
    rows = linear_rows(low, high, count, max(3, count // 4))
    assert len(rows.ticks) >= 2 or count < 4
    assert all(abs(rows.height(value) - row - 0.5) < 1e-3 for row, value in rows.ticks)
    apart = {b[0] - a[0] for a, b in pairwise(rows.ticks)}
    assert len(apart) <= 1
    assert 0 <= rows.dot(low) <= rows.dot(high) < DOTS_UP * count
    assert rows.height(low) >= 0.12 and rows.height(high) <= count - 0.12
    assert span / rows.unit > count / 8 or count < 8, "most of the canvas is used"


@given(st.floats(-9, 9), st.floats(1e-3, 20), sizes)
def test_logarithmic_labels_are_within_half_a_dot_and_evenly_apart(low, span, count):
    rows = log_rows(low, low + span, count, max(3, count // 4))
    assert all(abs(rows.height(math.log10(value)) - row - 0.5) <= 0.126 for row, value in rows.ticks)
    assert len({b[0] - a[0] for a, b in pairwise(rows.ticks)}) <= 1
    assert rows.height(low) >= 0.12 and rows.height(low + span) <= count - 0.12


@pytest.mark.parametrize("count", [3, 6, 13, 17, 40])
def test_a_dot_and_its_value_agree(count):
    rows = linear_rows(1.3, 4.2, count, max(3, count // 4))
    for dot in range(DOTS_UP * count):
        assert rows.dot(rows.of_dot(dot)) == dot
        assert rows.row(rows.of_dot(dot)) == dot // DOTS_UP


def test_what_is_never_negative_gets_no_rows_below_zero():
    rows = linear_rows(0.0, 3.1, 20, 5)
    assert rows.first == 0 and rows.ticks[0] == (0, 0.0)


def test_values_that_floating_point_cannot_tell_apart_need_no_labels():
    rows = linear_rows(1e15, math.nextafter(1e15, math.inf), 10, 3)
    assert 0 <= rows.dot(1e15) < 40


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 200), st.floats(0, 1))
def test_columns_are_inside(low, span, columns, share):
    assert 0 <= column_of(low + span * share, (low, low + span), columns) < columns
