"""The twins compute the same function: weights, logits, loss, gradients, steps, and a hundred steps of AdamW."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.config import GPTConfig
from tests.twin_models import SHAPES, arrays_of, keras_model, some_ids, torch_model


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_weights_go_across_and_back_bit_for_bit(config: GPTConfig) -> None:
    from core.keras_twin.weights import arrays

    theirs = arrays_of(torch_model(config))
    ours = arrays(keras_model(config, theirs))
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        assert ours[name].dtype == np.float32
        assert np.array_equal(ours[name].view(np.uint32), value.view(np.uint32)), name


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("time", [None, 1, 5])
def test_logits(config: GPTConfig, time: int | None) -> None:
    model = torch_model(config)
    twin = keras_model(config, arrays_of(model))
    ids = some_ids(config, time=time)
    with torch.no_grad():
        expected = model(torch.from_numpy(ids)).numpy()
    logits = twin(ids).numpy()
    assert logits.shape == expected.shape
    assert np.abs(logits - expected).max() < 1e-5  # 1e-4 is promised
    assert expected.std() > 0.05  # there is something to agree on


@pytest.mark.slow
def test_logits_of_the_124m_shape() -> None:
    config = GPTConfig.preset("gpt2")
    model = torch_model(config)
    twin = keras_model(config, arrays_of(model))
    ids = some_ids(config, batch=1, time=128)
    with torch.no_grad():
        expected = model(torch.from_numpy(ids)).numpy()
    assert np.abs(twin(ids).numpy() - expected).max() < 1e-4
    assert expected.std() > 0.05
