"""The twins compute the same function: weights, logits, loss, gradients, steps, and a hundred steps of AdamW."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from core.config import GPTConfig, TrainConfig
from core.data.windows import Windows, batch_indices
from core.errors import LabError
from core.generation.decode import continue_text
from core.model.gpt import fused_attention
from core.model.waves import position_waves
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


def gradients_of(config: GPTConfig) -> tuple[float, dict[str, np.ndarray], float, dict[str, np.ndarray]]:
    """Loss and gradients of one batch by both, PyTorch's first, by name in our layout."""
    model = torch_model(config)
    twin = keras_model(config, arrays_of(model))
    ids, targets = some_ids(config, 6), some_ids(config, 6, seed=8)
    loss = model.loss(torch.from_numpy(ids), torch.from_numpy(targets))
    loss.backward()
    import tensorflow as tf

    from core.keras_twin.steps import loss_and_gradients, xla_works
    from core.keras_twin.weights import is_turned, to_ours, variables

    compiled = tf.function(lambda x, y: loss_and_gradients(twin, x, y, training=True), jit_compile=xla_works())
    theirs, found = compiled(tf.constant(ids), tf.constant(targets))
    named = zip(variables(twin).items(), found, strict=True)
    by_name = {n: to_ours(n, g, turned=is_turned(n, v)) for (n, v), g in named}
    return float(loss.detach()), {n: p.grad.numpy() for n, p in model.named_parameters()}, float(theirs), by_name


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_the_same_loss_and_the_same_gradients(config: GPTConfig) -> None:
    loss, expected, theirs, found = gradients_of(config)
    assert abs(loss - theirs) < 1e-5
    assert list(found) == list(expected)
    for name, gradient in expected.items():
        largest = np.abs(gradient).max()
        assert largest > 0, name
        assert np.abs(found[name] - gradient).max() < 1e-5 * largest, name


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_the_same_weights_after_a_step_of_gradient_descent(config: GPTConfig) -> None:
    model = torch_model(config)
    twin = keras_model(config, arrays_of(model))
    before = {n: a.copy() for n, a in arrays_of(model).items()}
    ids, targets = some_ids(config, 6), some_ids(config, 6, seed=8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    model.loss(torch.from_numpy(ids), torch.from_numpy(targets)).backward()
    optimizer.step()
    from core.keras_twin.optimizers import descend
    from core.keras_twin.steps import loss_and_gradients
    from core.keras_twin.weights import arrays, variables

    _, gradients = loss_and_gradients(twin, ids, targets, training=True)
    descend(list(variables(twin).values()), gradients, 0.5)
    after = arrays(twin)
    for name, value in arrays_of(model).items():
        assert np.abs(after[name] - value).max() < 1e-6, name
        assert not np.array_equal(value, before[name]), name


def test_numbers_that_are_not_finite_are_no_agreement() -> None:
    from core.keras_twin.compare_child import _stages

    config = SHAPES["tied, no bias"]
    model = torch_model(config)
    with torch.no_grad():
        model.h[0].mlp.c_proj.bias[3] = float("nan")
    stages = _stages(model, keras_model(config, arrays_of(model)), [1, 2, 3])
    assert [next(stages)[0].name for _ in range(2)] == ["embeddings", "h.0.attn"]
    with pytest.raises(LabError, match=r"h\.0\.mlp: 3 of 96 numbers are not finite in PyTorch") as caught:
        next(stages)
    assert "llm-lab weights" in caught.value.hint


def backends(config: TrainConfig) -> tuple[Any, Any]:
    """Both of one configuration."""
    from core.training.backend import make_backend

    return tuple(make_backend(replace(config, backend=name)) for name in ("torch", "tensorflow"))  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("accumulation", [1, 3])
def test_a_hundred_steps_of_adamw(accumulation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the same seed, on the same windows, with a schedule, decay and clipping: the losses stay together."""
    monkeypatch.setenv("LLM_LAB_XLA", "1" if accumulation == 1 else "0")
    rng = np.random.default_rng(3)
    ids = (np.cumsum(rng.integers(0, 3, 5000)) % 40).astype(np.uint16)  # there is something to learn
    windows = Windows(ids, 16, 1)
    model = GPTConfig(40, 16, 48, 4, 2)
    config = TrainConfig(model=model, batch_size=4, dtype="float32", learning_rate=5e-3, grad_clip=0.5, threads=1)
    ours, theirs = backends(config)
    try:
        losses = []
        for step in range(100 if accumulation == 1 else 20):
            numbers = range(step * accumulation, (step + 1) * accumulation)
            batches = [windows.gather(batch_indices("random", len(windows), 4, 1, n)) for n in numbers]
            rate = min(1.0, (step + 1) / 20)
            one, other = (backend.train_step(batches, step, rate) for backend in (ours, theirs))
            assert abs(one.loss - other.loss) < 1e-3, step
            assert abs(one.grad_norm - other.grad_norm) < 1e-2 * one.grad_norm, step
            losses.append(one.loss)
        assert losses[-1] < losses[0] - 0.3
        whole = [windows.gather(np.arange(n, n + 4)) for n in range(0, 40, 4)] + [windows.gather(np.arange(3))]
        assert abs(ours.evaluate(whole) - theirs.evaluate(whole)) < 1e-3
        assert ours.optimizer_tensors().keys() == theirs.optimizer_tensors().keys()
        for name, tensor in ours.optimizer_tensors().items():
            assert theirs.optimizer_tensors()[name].shape == tensor.shape, name
    finally:
        ours.close()
        theirs.close()


def test_both_start_from_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_LAB_XLA", "0")
    model = GPTConfig(40, 16, 48, 4, 2, qkv_bias=False, tie_weights=False, position_waves=0.25)
    config = TrainConfig(model=model, seed=77, threads=1)
    ours, theirs = backends(config)
    try:
        expected, found = ours.model_tensors(), theirs.model_tensors()
        assert sorted(found) == sorted(expected)
        for name, tensor in expected.items():
            assert torch.equal(found[name], tensor), name
        assert ours.parameters == theirs.parameters == config.model.parameters()
        waves = position_waves(16, 48, 0.25)
        assert np.array_equal(found["wpe.weight"].numpy(), waves)
        assert np.array_equal(keras_model(model).wpe.embeddings.numpy(), waves)  # and where it draws its own
    finally:
        ours.close()
        theirs.close()


def test_one_head_written_out_is_our_attention() -> None:
    """The courses' class, line by line, against the attention of the model with one head."""
    config = GPTConfig(20, 12, 24, 1, 1)
    model = torch_model(config)
    keras_model(config)
    from core.keras_twin.layers import CausalSelfAttention

    attention = model.h[0].attn
    single = CausalSelfAttention(24, 12, qkv_bias=True)
    x = np.random.default_rng(0).standard_normal((2, 12, 24)).astype(np.float32)
    single(x)
    parts = zip(
        (single.w_query, single.w_key, single.w_value),
        attention.c_attn.weight.detach().chunk(3),
        attention.c_attn.bias.detach().chunk(3),
        strict=True,
    )
    for layer, weight, bias in parts:
        layer.kernel.assign(weight.numpy().T)
        layer.bias.assign(bias.numpy())
    with torch.no_grad():
        expected = attention(torch.from_numpy(x), None, fused_attention).numpy()
        joined = single(x).numpy() @ attention.c_proj.weight.numpy().T + attention.c_proj.bias.numpy()
    assert np.abs(joined - expected).max() < 1e-5
    assert np.abs(single(x[:, :5]).numpy() - single(x).numpy()[:, :5]).max() < 1e-6  # what comes after is not seen


@pytest.mark.parametrize("tokens", [10, 40])
def test_decoding_writes_what_pytorch_writes(tokens: int) -> None:
    """The likeliest tokens, also beyond the context, where half of it is read again."""
    config = GPTConfig(31, 16, 32, 4, 2, tie_weights=False, init_std=0.3)
    model = torch_model(config)
    twin = keras_model(config, arrays_of(model))
    from core.keras_twin.decode import Decoder

    expected = continue_text(model, [3, 1, 4], tokens, temperature=0)
    decoder = Decoder(twin)
    assert decoder.continue_text([3, 1, 4], tokens, temperature=0) == expected
    assert len(set(expected)) > 2
    drawn = [decoder.continue_text([3], 12, temperature=0.8, top_k=5, seed=seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
