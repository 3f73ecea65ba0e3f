"""Statistics, histograms, comparison and sizes against plain numpy, and against counting."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.config import GPTConfig
from core.errors import InputError, ModelSpecError
from core.model.gpt import GPT
from core.tokenizers.bpe import BPETokenizer
from core.weights import inspect
from core.weights.checkpoint import load_model
from core.weights.compare import compare
from core.weights.inspect import histogram, stats, tensors, values
from core.weights.sizes import size_of

SHAPE = GPTConfig(300, 8, 16, 2, 2)


def own_folder(path: Path, tensors: dict[str, torch.Tensor], config: GPTConfig = SHAPE) -> str:
    path.mkdir()
    save_file({n: t.detach().contiguous() for n, t in tensors.items()}, path / "model.safetensors")
    (path / "config.json").write_text(json.dumps({"format": "llm-lab", "version": 1, "model": config.to_dict()}))
    BPETokenizer.train(" ".join(f"w{i} {i * 7919}" for i in range(2000)), 300).save(path)
    return str(path)


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    found = {n: p.detach().clone() for n, p in GPT(SHAPE, torch.Generator().manual_seed(1)).named_parameters()}
    found["wte.weight"][0, :3] = torch.tensor([float("nan"), float("inf"), 7.0])
    found["wpe.weight"][:] = 0
    return found


@pytest.fixture
def spec(weights: dict[str, torch.Tensor], tmp_path: Path) -> str:
    return own_folder(tmp_path / "own", weights)


def test_statistics_are_numpys(spec: str, weights: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect, "CHUNK", 1000)  # several stretches
    for name in ("wte.weight", "wpe.weight", "h.1.mlp.c_proj.weight", "h.0.ln_1.bias"):
        whole = weights[name].double().numpy().reshape(-1)
        good, found = whole[np.isfinite(whole)], stats(spec, name)
        assert found.count == whole.size and found.nans == whole.size - good.size
        assert found.mean == pytest.approx(good.mean(), abs=1e-9)
        assert found.std == pytest.approx(good.std(), abs=1e-7)
        assert (found.min, found.max) == (good.min(), good.max())
        assert found.norm == pytest.approx(np.linalg.norm(good))
        assert found.zeros == np.count_nonzero(good == 0)
        assert found.outliers == np.count_nonzero(np.abs(good - good.mean()) > 4 * good.std())
        assert stats(load_model(spec, device="cpu"), name) == found


@pytest.mark.parametrize(("bins", "clip"), [(1, None), (10, None), (64, 2.0), (7, 0.5)])
def test_a_histogram_counts_every_value(spec: str, weights: dict[str, torch.Tensor], bins: int, clip: float) -> None:
    name = "h.1.mlp.c_fc.weight"
    whole = weights[name].double().numpy().reshape(-1)
    found = histogram(spec, name, bins, clip)
    assert found.counts.sum() == whole.size and not found.sampled
    expected, _ = np.histogram(whole.clip(found.edges[0], found.edges[-1]), found.edges)
    assert np.abs(found.counts - expected).sum() <= 2  # a value that lies on an edge
    assert found.below == np.count_nonzero(whole < found.edges[0])


def test_a_sample_stands_for_all(spec: str) -> None:
    found = histogram(spec, "wte.weight", 8, sample=100)
    assert found.sampled and 80 <= found.counts.sum() <= 120
    assert not histogram(spec, "ln_f.bias", 8, sample=100).sampled


def test_values_are_two_dimensions_in_our_layout(spec: str, weights: dict[str, torch.Tensor]) -> None:
    assert np.array_equal(values(spec, "h.0.attn.c_attn.weight"), weights["h.0.attn.c_attn.weight"].numpy())
    assert values(spec, "h.0.attn.c_attn.bias").shape == (1, 48)
    assert isinstance(values(spec, "h.0.attn.c_attn.weight").base, np.ndarray)  # of a map, not a copy
    with pytest.raises(ModelSpecError, match=r"has no tensor h\.0\.attn\.c_atn\.bias \(did you mean"):
        values(spec, "h.0.attn.c_atn.bias")
    with pytest.raises(ModelSpecError, match="is not on this machine"):
        values("gpt2", "wte.weight")
    with pytest.raises(InputError, match="at least one bin"):
        histogram(spec, "wte.weight", 0)


def test_looking_can_be_given_up(spec: str) -> None:
    cancelled = threading.Event()
    cancelled.set()
    for look in (stats, histogram):
        with pytest.raises(inspect.GivenUpError):
            look(spec, "wte.weight", cancelled=cancelled)
    assert list(compare(spec, spec, cancelled)) == []


def test_a_list_has_all_three_names(spec: str) -> None:
    found = tensors(spec)
    assert found.here and found.parameters == SHAPE.parameters() and found.bytes == 4 * SHAPE.parameters()
    info = found.find("model/h1/attn/c_attn/w")
    assert info is found.find("h.1.attn.c_attn.weight") is found.find("transformer.h.1.attn.c_attn.weight")
    assert (info.shape, info.dtype, info.layer, info.kind) == ((48, 16), "float32", 1, "attention")
    with pytest.raises(InputError, match="has no tensor"):
        found.find("wtf")


def test_the_demo_is_there_offline() -> None:
    found = tensors("demo")
    assert found.here and found.parameters == found.config.parameters()
    assert np.isfinite(stats("demo", found[0].name).std)


def test_comparison_is_numpys(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    first = {n: t.nan_to_num(0, 0, 0) for n, t in weights.items()}
    second = {n: t + 0.01 * torch.randn(t.shape, generator=torch.Generator().manual_seed(2)) for n, t in first.items()}
    second["ln_f.bias"] = first["ln_f.bias"].clone()
    a, b = own_folder(tmp_path / "a", first), own_folder(tmp_path / "b", second)
    for change in compare(a, load_model(b, device="cpu")):
        x, y = (t[change.name].double().numpy().reshape(-1) for t in (first, second))
        assert change.max_abs == pytest.approx(np.abs(y - x).max(), rel=1e-6)
        assert change.mean_abs == pytest.approx(np.abs(y - x).mean(), rel=1e-6)
        if np.linalg.norm(x):
            assert change.relative == pytest.approx(np.linalg.norm(y - x) / np.linalg.norm(x), rel=1e-6)
            assert change.cosine == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y), rel=1e-6)
        assert change.same == (change.name == "ln_f.bias")


def test_what_is_no_number_counts_as_moved(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    spoilt = {n: t.clone() for n, t in weights.items()}
    spoilt["ln_f.bias"][3] = float("nan")
    spoilt["ln_f.weight"][:] = float("inf")
    a, b = own_folder(tmp_path / "a", weights), own_folder(tmp_path / "b", spoilt)
    assert {c.name for c in compare(a, b) if not c.same} == {"ln_f.bias", "ln_f.weight"}
    assert {c.name for c in compare(b, a) if not c.same} == {"ln_f.bias", "ln_f.weight"}
    assert all(c.same and c.relative == 0 for c in compare(b, b))  # wte.weight has both kinds


def test_a_value_far_beyond_the_ends_of_a_histogram(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    far = {n: t.clone() for n, t in weights.items()}
    far["ln_f.bias"][:2] = torch.tensor([3e38, -3e38])
    found = histogram(own_folder(tmp_path / "far", far), "ln_f.bias", 4, limits=(-1e-30, 1e-30))
    assert (found.counts[0], found.counts[-1], found.counts.sum()) == (1, 1, 16)
    assert (found.below, found.above) == (1, 1)


def test_models_of_two_shapes_are_not_compared(spec: str, tmp_path: Path) -> None:
    wider = replace(SHAPE, context_length=9)
    other = own_folder(tmp_path / "wider", dict(GPT(wider).named_parameters()), wider)
    with pytest.raises(InputError, match="these differ: context_length 8 and 9"):
        list(compare(spec, other))


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_sizes_are_counted(tied: bool, bias: bool) -> None:
    config = GPTConfig(300, 8, 16, 2, 3, tie_weights=tied, qkv_bias=bias)
    model, report = GPT(config), size_of(config)
    counted = {"embeddings": 0, "attention": 0, "mlp": 0, "norms": 0, "head": 0}
    for name, parameter in model.named_parameters():
        kind = next(
            part
            for key, part in (
                ("wte", "embeddings"),
                ("wpe", "embeddings"),
                ("attn", "attention"),
                ("mlp", "mlp"),
                ("ln_", "norms"),
                ("lm_head", "head"),
            )
            if key in name
        )
        counted[kind] += parameter.numel()
    assert {part.name: part.parameters for part in report.parts} == counted
    assert report.parameters == config.parameters() == sum(counted.values())
    assert report.tensors == len(list(model.parameters()))
    assert report.block_parameters == sum(p.numel() for p in model.h[0].parameters())
    assert report.training_flops_per_token() == 3 * report.forward_flops_per_token()
    for part in report.parts:
        if part.numbers:
            formula = part.numbers.replace(",", "").replace("·", "*").replace("²", "**2")
            assert eval(formula) == part.parameters, part.formula


def test_formulas_of_the_published_sizes_add_up() -> None:
    for name in ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "course-124m"):
        report = size_of(GPTConfig.preset(name))
        assert report.parameters == GPTConfig.preset(name).parameters()
        assert report.memory_to_run("bfloat16") < report.memory_to_run() < report.memory_to_train()
