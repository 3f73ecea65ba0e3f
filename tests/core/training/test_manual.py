"""The backward pass by hand against autograd, in every variant of the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.config import GPTConfig
from core.model.gpt import GPT
from core.training import manual
from core.training.engines import AutogradEngine, Crew, ManualEngine
from core.training.flat import FlatParameters

SHAPES = {
    "gpt2": GPTConfig(61, 16, 32, 4, 2),
    "course": GPTConfig(61, 16, 32, 4, 2, qkv_bias=False, tie_weights=False),
    "one head": GPTConfig(61, 16, 32, 1, 1),
}


def made(config: GPTConfig, dtype: torch.dtype, crew: Crew) -> tuple[GPT, FlatParameters, ManualEngine]:
    model = GPT(config, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel())), alpha=0.1)
    flat = FlatParameters(model)
    return model, flat, ManualEngine(model, flat, dtype, crew)


def batch(config: GPTConfig, seed: int = 0, rows: int = 6, length: int | None = None):  # type: ignore[no-untyped-def]
    shape = (rows, length or config.context_length)
    rng = np.random.default_rng(seed)
    return rng.integers(0, config.vocab_size, shape), rng.integers(0, config.vocab_size, shape)


@pytest.fixture(params=[1, 2, 3])
def crew(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    crew = Crew(request.param)
    yield crew
    crew.close()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("length", [16, 9])
def test_gradients_are_autograds(shape: str, length: int, crew: Crew) -> None:
    model, flat, engine = made(SHAPES[shape], torch.float32, crew)
    batches = [batch(model.config, 1, length=length), batch(model.config, 2, length=length)]
    reference = AutogradEngine(model, flat, torch.float32, compiled=False)
    expected_loss = reference.gradient(batches, 0, 0)
    expected = {n: g.clone() for n, g in flat.views(flat.grad).items()}
    flat.grad.fill_(123.0)  # what was there before must not matter
    loss = engine.gradient(batches, 0, 0)
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    for name, gradient in flat.views(flat.grad).items():
        assert (gradient - expected[name]).abs().max() <= 1e-5 * expected[name].abs().max().clamp(min=1e-3), name
    assert engine.loss(batches) == pytest.approx(reference.loss(batches), rel=1e-6)


def test_a_large_vocabulary_goes_block_by_block(monkeypatch: pytest.MonkeyPatch, crew: Crew) -> None:
    monkeypatch.setattr(manual, "BLOCK_BYTES", 4 * 61 * 10)
    monkeypatch.setattr("core.model.loss.CHUNK_BYTES", 4 * 61 * 3)
    test_gradients_are_autograds("gpt2", 16, crew)
    test_gradients_are_autograds("course", 16, crew)


def test_bfloat16_points_the_same_way(crew: Crew) -> None:
    model, flat, engine = made(SHAPES["gpt2"], torch.bfloat16, crew)
    expected_loss = AutogradEngine(model, flat, torch.float32, compiled=False).gradient([batch(model.config)], 0, 0)
    expected = flat.grad.clone()
    loss = engine.gradient([batch(model.config)], 0, 0)
    assert loss == pytest.approx(expected_loss, rel=1e-2)
    assert torch.cosine_similarity(flat.grad, expected, dim=0) > 0.999


def test_with_dropout_the_gradient_is_that_of_the_dropped_model(crew: Crew) -> None:
    """The same seed and step drop the same, so that a finite difference sees the function that was differentiated."""
    config = GPTConfig(61, 16, 32, 4, 2, drop_rate=0.3)
    _, flat, engine = made(config, torch.float32, crew)
    one = [batch(config)]
    loss = engine.gradient(one, 7, 3)
    gradient = flat.grad.clone()
    assert engine.gradient(one, 7, 3) == loss
    assert torch.equal(flat.grad, gradient)
    assert engine.gradient(one, 7, 4) != loss
    direction = gradient / gradient.norm()
    h = 2e-3
    start = flat.data.clone()
    flat.data.copy_(start + h * direction)
    up = engine.gradient(one, 7, 3)
    flat.data.copy_(start - h * direction)
    down = engine.gradient(one, 7, 3)
    assert (up - down) / (2 * h) == pytest.approx(gradient.norm().item(), rel=2e-2)


def test_dropout_keeps_the_expected_size(crew: Crew) -> None:
    config = GPTConfig(61, 16, 32, 4, 2, drop_rate=0.25)
    x = torch.ones(400, 500)
    engine = made(config, torch.float32, crew)[2]
    mask = engine._workers[0]._drop(x, 0.25)
    assert mask is not None
    assert x.mean().item() == pytest.approx(1.0, abs=0.01)
    assert (x == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
