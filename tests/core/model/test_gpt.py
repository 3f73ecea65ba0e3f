"""The model: sizes, initial weights, the chunked loss, the context's end."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from core.config import GPTConfig
from core.errors import ConfigError, InputError
from core.generation.decode import continue_text
from core.model import loss as loss_module
from core.model.gpt import GPT
from core.model.loss import chunked_cross_entropy


@pytest.mark.parametrize(("preset", "parameters"), [("gpt2", 124_439_808), ("course-124m", 163_009_536)])
def test_parameter_counts(preset: str, parameters: int) -> None:
    with torch.device("meta"):
        model = GPT(GPTConfig.preset(preset))
    assert sum(p.numel() for p in model.parameters()) == parameters == model.config.parameters()


def test_names_are_those_of_openais_checkpoint() -> None:
    names = {n for n, _ in GPT(GPTConfig(11, 8, 16, 2, 1)).named_parameters()}
    block = {f"{part}.{kind}" for part in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj", "ln_1", "ln_2")
             for kind in ("weight", "bias")}  # fmt: skip
    assert names == {f"h.0.{n}" for n in block} | {"wte.weight", "wpe.weight", "ln_f.weight", "ln_f.bias"}


def test_initial_weights_are_gpt2s() -> None:
    model = GPT(GPTConfig(512, 128, 256, 4, 8), torch.Generator().manual_seed(0))
    for name, p in model.named_parameters():
        if name.endswith("bias"):
            assert not p.any()
        elif p.dim() == 1:
            assert (p == 1).all()
        else:
            expected = 0.02 / math.sqrt(2 * 8) if name.endswith("c_proj.weight") else 0.02
            assert p.std().item() == pytest.approx(expected, rel=0.05), name
    first = model(torch.zeros(1, 4, dtype=torch.long))
    again = GPT(model.config, torch.Generator().manual_seed(0))(torch.zeros(1, 4, dtype=torch.long))
    assert torch.equal(first, again)


def test_no_token_sees_the_future() -> None:
    model = GPT(GPTConfig(50, 16, 32, 4, 2), torch.Generator().manual_seed(0)).eval()
    ids = torch.randint(0, 50, (1, 16), generator=torch.Generator().manual_seed(1))
    changed = ids.clone()
    changed[0, 9] = (changed[0, 9] + 1) % 50
    before, after = model(ids), model(changed)
    assert torch.equal(before[0, :9], after[0, :9])
    assert not torch.allclose(before[0, 9:], after[0, 9:])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_loss_in_chunks_is_the_loss(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss_module, "CHUNK_BYTES", 7 * 4 * 101)  # seven rows at a time
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(40, 24, generator=generator).to(dtype).requires_grad_()
    head = torch.randn(101, 24, generator=generator).to(dtype).requires_grad_()
    targets = torch.randint(0, 101, (40,), generator=generator)
    loss = chunked_cross_entropy(hidden, head, targets)
    loss.backward()
    ours = loss.item(), hidden.grad.float(), head.grad.float()
    wide = hidden.detach().float().requires_grad_(), head.detach().float().requires_grad_()
    expected = F.cross_entropy(wide[0] @ wide[1].t(), targets)
    expected.backward()
    tolerance = 1e-6 if dtype == torch.float32 else 2e-2
    assert ours[0] == pytest.approx(expected.item(), rel=tolerance)
    for mine, theirs in zip(ours[1:], (wide[0].grad, wide[1].grad), strict=True):
        assert (mine - theirs).abs().max() <= tolerance * theirs.abs().max()


def test_the_loss_never_holds_all_logits() -> None:
    """40,000 x 8,192 float32 logits would be 1.3 GB; the largest tensor made must stay far below."""
    from torch.utils._python_dispatch import TorchDispatchMode

    largest = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            nonlocal largest
            out = func(*args, **(kwargs or {}))
            for value in out if isinstance(out, (tuple, list)) else [out]:
                if isinstance(value, torch.Tensor):
                    largest = max(largest, value.numel() * value.element_size())
            return out

    hidden = torch.randn(40_000, 4, requires_grad=True)
    head = torch.randn(8192, 4, requires_grad=True)
    with Watch():
        chunked_cross_entropy(hidden, head, torch.zeros(40_000, dtype=torch.long)).backward()
    assert 0 < largest <= loss_module.CHUNK_BYTES


def test_too_many_tokens_is_said_in_two_lines() -> None:
    model = GPT(GPTConfig(11, 8, 16, 2, 1))
    with pytest.raises(InputError, match="9 tokens do not fit: the model's context_length is 8"):
        model(torch.zeros(1, 9, dtype=torch.long))


def test_an_open_vocabulary_is_said_in_two_lines() -> None:
    with pytest.raises(ConfigError, match="vocab_size is not known yet"):
        GPT(GPTConfig())


def test_dropout_is_on_in_training_alone() -> None:
    model = GPT(GPTConfig(11, 8, 32, 2, 2, drop_rate=0.5), torch.Generator().manual_seed(0))
    ids = torch.arange(8).view(1, 8)
    assert not torch.equal(model.train()(ids), model(ids))
    assert torch.equal(model.eval()(ids), model(ids))


def test_decoding_is_greedy_at_temperature_0_and_goes_past_the_context() -> None:
    model = GPT(GPTConfig(23, 8, 32, 2, 2, init_std=0.3), torch.Generator().manual_seed(0))
    greedy = continue_text(model, [3], 20, temperature=0)
    ids = [3]
    for _ in range(7):  # within the context the cache changes nothing
        ids.append(int(model.eval()(torch.tensor([ids]))[0, -1].argmax()))
    assert greedy[:7] == ids[1:]
    assert len(greedy) == 20
    assert continue_text(model, [3], 20, seed=5) == continue_text(model, [3], 20, seed=5)
    assert continue_text(model, [3], 20, seed=5) != continue_text(model, [3], 20, seed=6)
    assert continue_text(model, [3], 20, top_k=1, seed=5)[:7] == greedy[:7]


def test_positions_may_begin_as_waves_that_tell_neighbours_apart():
    shape = GPTConfig(23, 16, 32, 1, 2, position_waves=0.2)
    waves = GPT(shape, torch.Generator().manual_seed(0)).wpe.weight.detach()
    likeness = waves @ waves.T
    assert waves.square().sum(1).allclose(torch.full((16,), 16 * 0.04))  # sin^2 + cos^2 in 16 pairs of channels
    for back in range(4):  # near by, the farther the less alike; and it depends on the distance alone
        assert likeness[15, 15 - back] > likeness[15, 15 - back - 1]
    assert likeness[3, 2].isclose(likeness[9, 8])
    other = GPT(GPTConfig(23, 16, 32, 1, 2), torch.Generator().manual_seed(0))
    assert torch.equal(other.wte.weight, GPT(shape, torch.Generator().manual_seed(0)).wte.weight)
