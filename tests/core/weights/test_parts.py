"""Query, key and value as names of their own, norms of rows and columns, histograms between given ends."""

import threading

import numpy as np
import pytest

from core.errors import ModelSpecError
from core.weights import inspect
from core.weights.parts import norms, parts_of

WEIGHT, BIAS = "h.1.attn.c_attn.weight", "h.1.attn.c_attn.bias"


@pytest.mark.parametrize("name", [WEIGHT, BIAS])
def test_the_three_parts_are_the_whole_in_order(name):
    whole = inspect.values("demo", name)
    parts = [inspect.values("demo", part) for part in parts_of(name)]
    assert np.array_equal(np.concatenate(parts, axis=0 if name == WEIGHT else 1), whole)
    figures = [inspect.stats("demo", part) for part in parts_of(name)]
    assert sum(f.count for f in figures) == whole.size
    assert min(f.min for f in figures) == whole.min()
    assert sum(inspect.histogram("demo", part).counts.sum() for part in parts_of(name)) == whole.size


@pytest.mark.parametrize("name", ["h.1.attn.c_attn.weight[x]", "wte.weight[q]", "wte.weight[", "[q]", "nothing[q]"])
def test_a_part_that_is_none_is_no_name(name):
    with pytest.raises(ModelSpecError, match="has no tensor"):
        inspect.values("demo", name)


@pytest.mark.parametrize("name", [WEIGHT, f"{WEIGHT}[v]", BIAS, "h.0.mlp.c_proj.weight", "wte.weight"])
def test_norms_are_those_of_rows_and_columns(name, monkeypatch):
    values = inspect.values("demo", name).astype(np.float64)
    for chunk in (inspect.CHUNK, 100):
        monkeypatch.setattr(inspect, "CHUNK", chunk)
        for axis in (0, 1):
            assert np.allclose(norms("demo", name, axis), np.linalg.norm(values, axis=1 - axis), rtol=1e-9)


def test_norms_are_given_up_on_request():
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(inspect.GivenUpError):
        norms("demo", WEIGHT, 0, cancelled)


def test_a_histogram_between_given_ends_counts_the_rest_at_the_ends():
    values = inspect.values("demo", WEIGHT)
    found = inspect.histogram("demo", WEIGHT, bins=10, limits=(-0.1, 0.2))
    assert found.edges[0] == -0.1 and found.edges[-1] == 0.2 and found.counts.sum() == values.size
    assert found.below == (values < -0.1).sum() and found.above == (values > 0.2).sum() > 0
