"""What the tests' own comparison takes for the same, and what not."""

import numpy as np
import pytest
from alike import alike

NAN = float("nan")


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("a 0.0555 b", "a 0.0554 b"),
        ("1.2e-08", "1.3e-08"),
        ("-0.0001", "0.0000"),
        ([(1, 0.5)], [(1, 0.500001)]),
        ({"a": NAN, "b": [1e-9]}, {"a": NAN, "b": [0.0]}),
        (np.ones(2, np.float32), [1.0, 1.00001]),
    ],
)
def test_another_order_of_the_same_sums(mine, theirs):
    assert alike(mine, theirs) and alike(theirs, mine)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("a 0.0555 b", "a 0.0557 b"),
        ("L1 0.5", "L2 0.5"),
        ("x 0.5", "y 0.5"),
        (1, 2),
        ([1], [1, 2]),
        ([(1, 0.5)], [(2, 0.5)]),
        ([0.5], [0.5001]),
        ({"a": 1}, {"b": 1}),
        (NAN, 0.0),
    ],
)
def test_another_answer(mine, theirs):
    assert not alike(mine, theirs) and not alike(theirs, mine)
