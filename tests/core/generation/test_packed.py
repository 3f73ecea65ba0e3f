"""Packed weights: the model's own logits within a bound for each format, whatever its shape and however it is read."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from tiny_models import loaded, tiny_model
from torch import Tensor

import core
from core.config import GPTConfig
from core.errors import ConfigError, InputError, MemoryShortError
from core.folders import cache_dir
from core.generation import opened, pace, products
from core.generation.cost import precision_cost
from core.generation.engine import generate
from core.generation.opened import runner_for
from core.generation.packed import PackedGPT
from core.generation.products import FORMATS, Format, pack
from core.generation.runner import CachedRunner, PlainRunner
from core.generation.session import Session
from core.generation.settings import SamplingConfig
from core.model.gpt import GPT
from core.weights.convert import convert

BOUNDS: dict[Format, float] = {"float32": 1e-5, "float16": 5e-3, "bfloat16": 3e-2, "int8": 8e-2}
"""How far a logit may be off, as a share of the largest."""

SHAPES = {
    "usual": GPTConfig(67, 40, 48, 4, 3),
    "untied, no bias": GPTConfig(67, 40, 64, 4, 2, qkv_bias=False, tie_weights=False),
    "odd sizes": GPTConfig(5, 40, 33, 3, 2),
    "one head": GPTConfig(131, 40, 20, 1, 1),
}
PASSAGE = (
    "The for statement is used to iterate over the elements of a sequence (such as a string, tuple or list) or other "
    "iterable object. The expression list is evaluated once; it should yield an iterable object. An iterator is "
    "created for that iterable. The first item provided by the iterator is then assigned to the target list using the "
    "standard rules for assignments, and the suite is executed. This repeats for each item provided by the iterator."
)


def model_of(config: GPTConfig) -> GPT:
    generator = torch.Generator().manual_seed(1)
    model = GPT(config, generator)
    with torch.no_grad():
        for parameter in model.parameters():
            spread = 0.2 if parameter.dim() > 1 else 0.1
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=spread)
    return model.eval().requires_grad_(False)


def ids_for(config: GPTConfig, *shape: int) -> Tensor:
    assert config.vocab_size is not None
    return torch.randint(0, config.vocab_size, shape, generator=torch.Generator().manual_seed(2))


def off(found: Tensor, expected: Tensor) -> float:
    """The largest difference, as a share of the largest logit."""
    assert found.dtype == torch.float32 and found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("shape", SHAPES)
def test_logits_agree_with_the_models_for_prefills_steps_and_batches(shape: str, fmt: Format) -> None:
    model = model_of(SHAPES[shape])
    ids = ids_for(model.config, 3, 40)
    expected = model(ids)
    runner = CachedRunner(PackedGPT(model, fmt))
    assert off(runner.prefill(ids[:, :17]), expected[:, 16]) < BOUNDS[fmt]  # more rows than any kernel of few takes
    assert off(runner.prefill(ids[:, 17:21]), expected[:, 20]) < BOUNDS[fmt]
    for at in range(21, 40):
        assert off(runner.step(ids[:, at]), expected[:, at]) < BOUNDS[fmt]
    assert runner.length == 40 and runner.dtype == fmt


@pytest.mark.parametrize("fmt", FORMATS)
def test_every_length_of_a_prefill_and_the_steps_behind_it_are_the_plain_runners(fmt: Format) -> None:
    model = model_of(SHAPES["usual"])
    ids = ids_for(model.config, 1, 40)
    reader = PackedGPT(model, fmt)
    for length in (1, 2, 4, 5, 31, 32, 33, 38):
        packed, plain = CachedRunner(reader), PlainRunner(model)
        assert off(packed.prefill(ids[:, :length]), plain.prefill(ids[:, :length])) < BOUNDS[fmt]
        for at in (length, length + 1):
            assert off(packed.step(ids[:, at]), plain.step(ids[:, at])) < BOUNDS[fmt]


def test_taking_back_forking_and_choosing_rows_are_the_plain_runners() -> None:
    model = model_of(SHAPES["usual"])
    ids = ids_for(model.config, 3, 12)
    runners = CachedRunner(PackedGPT(model, "float32")), PlainRunner(model)
    said = []
    for runner in runners:
        runner.prefill(ids[:1])
        runner.truncate(5)
        three = runner.fork(3)
        told = [three.step(ids[:, 7])]
        three.select([2, 0])
        told += [three.step(ids[:2, 8]), runner.step(ids[:1, 9]), runner.fresh().prefill(ids)]
        said.append(told)
    for found, expected in zip(*said, strict=True):
        assert off(found, expected) < 1e-5


def test_the_packed_model_writes_the_tokens_of_the_model() -> None:
    tokenizer = core.get_tokenizer("char", "abcdefghijklmnopqrstuvwxyz ABCDEF.,!?'\n")
    model = loaded(tiny_model(39, context=24), tokenizer)
    config = SamplingConfig(temperature=1, max_new_tokens=60)
    runners = PlainRunner(model.model), pace.make_runner(model.model, "float32")
    plain, packed = ([s.token_id for s in generate(model, "a fox", config, n=2, runner=r)] for r in runners)
    assert packed == plain and len(packed) == 120


def test_more_tokens_than_the_context_holds_are_refused() -> None:
    runner = CachedRunner(PackedGPT(model_of(SHAPES["usual"]), "float32"))
    with pytest.raises(InputError, match="41 tokens do not fit: the model's context_length is 40"):
        runner.prefill(torch.zeros(1, 41, dtype=torch.int64))


def test_weights_in_a_file_of_hugging_faces_lie_turned_and_are_packed_all_the_same(tmp_path: Path) -> None:
    for _ in convert("demo", tmp_path / "hf", to="huggingface"):
        pass
    mapped, demo = core.load_model(str(tmp_path / "hf")), core.load_model("demo")
    first = mapped.model.h[0].attn.c_attn.weight
    assert mapped.maps and not first.is_contiguous()
    ids = ids_for(demo.config, 2, 30)
    expected = demo.model(ids)[:, -1]
    for fmt in FORMATS:
        assert off(runner_for(mapped, fmt).prefill(ids), expected) < BOUNDS[fmt]
    assert torch.equal(mapped.model(ids), demo.model(ids)), "the file is what it was"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_model_loaded_in_16_bits_stays_what_it_is_or_is_packed_as_asked(dtype: torch.dtype) -> None:
    config = SHAPES["usual"]
    model = model_of(config).to(dtype)
    name = str(dtype).removeprefix("torch.")
    assert pace.choose(model) == name
    ids = ids_for(config, 2, 9)
    exact = model_of(config)
    exact.load_state_dict(model.state_dict())  # the 16-bit values in float32
    for fmt in ("auto", *FORMATS):
        runner = pace.make_runner(model, fmt)
        assert runner.dtype == (name if fmt == "auto" else fmt)
        assert off(runner.prefill(ids), exact(ids)[:, -1]) < BOUNDS["float16" if fmt == "float32" else runner.dtype]


class TestProducts:
    @pytest.mark.parametrize("fmt", FORMATS)
    @pytest.mark.parametrize("inputs", [1, 20, 32, 33, 100])
    def test_a_product_is_that_of_the_weight_for_any_number_of_rows(self, inputs: int, fmt: Format) -> None:
        """20 and 100 inputs: PyTorch's 8-bit kernel alone would read past the weight's end."""
        draw = torch.Generator().manual_seed(inputs)
        for outputs in (1, 3, 64):
            weight, bias = torch.randn(outputs, inputs, generator=draw), torch.randn(outputs, generator=draw)
            for given in (None, bias):
                product = pack(weight, given, fmt)
                for rows in (1, 4, 5, 32, 33):
                    x = torch.randn(rows, inputs, generator=draw)
                    expected = x @ weight.T + (0 if given is None else given)
                    # of what a product of these sizes can be, not of what it happens to be
                    size = x.norm(dim=1)[:, None] * weight.norm(dim=1) + (0 if given is None else given.abs())
                    found = product(x.to(product.wants))
                    assert found.dtype == product.wants and found.shape == (rows, outputs)
                    assert float(((found.float() - expected).abs() / size).max()) < BOUNDS[fmt] / 2

    @pytest.mark.parametrize("fmt", FORMATS)
    def test_a_turned_weight_is_the_same_weight(self, fmt: Format) -> None:
        weight = torch.randn(64, 48, generator=torch.Generator().manual_seed(0))
        turned = weight.t().contiguous().t()
        assert not turned.is_contiguous()
        x = torch.ones(2, 48, dtype=pack(weight, None, fmt).wants)
        assert torch.equal(pack(turned, None, fmt)(x), pack(weight, None, fmt)(x))

    def test_eight_bits_are_rounded_to_within_half_a_step_and_take_a_quarter(self) -> None:
        weight = torch.randn(5000, 64, generator=torch.Generator().manual_seed(0))  # more rows than are turned at once
        product = pack(weight, None, "int8")
        back = product(torch.eye(64, dtype=torch.bfloat16)).float().T  # 64 rows: unpacked, not the kernel of few
        steps = weight.abs().amax(1, keepdim=True) / 127
        assert float(((back - weight).abs() / steps).max()) < 0.5 + 0.55  # half a step, and bfloat16's own rounding
        assert product.nbytes == 5000 * 64 + 2 * 5000

    def test_rows_of_zeros_stay_zeros_and_no_numbers_stay_none(self) -> None:
        weight = torch.zeros(3, 32)
        weight[1], weight[2, 5] = 1.0, math.nan
        found = pack(weight, None, "int8")(torch.ones(1, 32, dtype=torch.bfloat16))[0].float()
        assert found[0] == 0 and float(found[1]) == pytest.approx(32, rel=0.02) and found[2].isnan()

    def test_without_onednn_the_weight_stays_as_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(products, "_can_pack", lambda dtype: False)
        weight = torch.randn(7, 9, generator=torch.Generator().manual_seed(0))
        product = pack(weight, None, "float32")
        assert type(product) is products.Plain
        assert torch.allclose(product(torch.ones(1, 9)), weight.sum(1)[None], atol=1e-5)


class TestEightBitsCost:
    def test_the_demos_perplexity_is_float32s_within_a_percent(self) -> None:
        """The whole of the context, three times over."""
        demo = core.load_model("demo")
        passage = core.load_corpus("python-docs")[100_000:102_000]
        ids = demo.tokenizer.encode(passage, disallowed_special=())
        size = demo.config.context_length
        parts = [ids[at : at + size] for at in range(0, len(ids) - size // 2, size)]
        assert sum(map(len, parts)) >= 2 * size
        costs = [precision_cost(demo, part, "int8") for part in parts]
        nats = [math.log(c.perplexity / c.float32) * c.tokens for c in costs if c is not None]
        assert 0 < abs(math.expm1(sum(nats) / sum(map(len, parts)))) < 0.01
        assert all(c is not None and abs(c.share) < 0.01 for c in costs)


class TestPace:
    """Which format is taken, and that it is measured once."""

    @pytest.fixture
    def measured(self, monkeypatch: pytest.MonkeyPatch) -> list[dict[Format, float]]:
        """What the next measurements will find; each is used up by one."""
        found: list[dict[Format, float]] = []
        monkeypatch.setattr(pace, "seconds_a_pass", lambda formats: found.pop(0))
        return found

    @pytest.mark.parametrize(
        ("seconds", "best"),
        [((2.0, 1.0, 1.5), "float16"), ((2.0, 1.5, 1.0), "bfloat16"), ((1.2, 1.0, 1.1), "float32")],
    )
    def test_the_fastest_is_measured_once_and_remembered(
        self, measured: list[dict[Format, float]], seconds: tuple[float, ...], best: str
    ) -> None:
        measured.append(dict(zip(("float32", "float16", "bfloat16"), seconds, strict=True)))
        assert pace.fastest() == best
        assert pace.fastest() == best and not measured
        ((key, kept),) = json.loads((cache_dir() / "measured.json").read_text()).items()
        assert kept == best and torch.__version__ in key

    @pytest.mark.parametrize("content", ["[]", "{half", "{}"])
    def test_what_was_remembered_and_cannot_be_read_is_measured_again(
        self, measured: list[dict[Format, float]], content: str
    ) -> None:
        cache_dir().mkdir(parents=True, exist_ok=True)
        (cache_dir() / "measured.json").write_text(content)
        measured.append({"float32": 2.0, "float16": 1.0, "bfloat16": 1.5})
        assert pace.fastest() == "float16"
        assert pace.fastest() == "float16"

    def test_a_value_that_is_no_format_is_measured_again_and_others_stay(
        self, measured: list[dict[Format, float]]
    ) -> None:
        measured += [{"float32": 2.0, "float16": 1.0, "bfloat16": 1.5}] * 2
        pace.fastest()
        path = cache_dir() / "measured.json"
        (key,) = json.loads(path.read_text())
        path.write_text(json.dumps({key: "int8", "another machine": "bfloat16"}))
        assert pace.fastest() == "float16"
        assert json.loads(path.read_text()) == {key: "float16", "another machine": "bfloat16"}

    def test_a_small_model_takes_float32_unmeasured_and_a_large_one_the_fastest(
        self, measured: list[dict[Format, float]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = model_of(SHAPES["usual"])
        assert pace.choose(model) == "float32"
        monkeypatch.setattr(pace, "SMALL", 1000)
        measured.append({"float32": 2.0, "float16": 1.5, "bfloat16": 1.0})
        assert pace.choose(model) == "bfloat16" and pace.choose(model, "float16") == "float16"

    def test_the_measurement_measures_every_format(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pace, "_WORK", 1 << 16)
        monkeypatch.setattr(pace, "_SIDE", (64, 32))
        found = pace.seconds_a_pass(FORMATS, rounds=2)
        assert list(found) == list(FORMATS) and all(0 < seconds < math.inf for seconds in found.values())

    @pytest.mark.parametrize("wrong", ["int4", "fp16", ""])
    def test_an_unknown_precision_is_refused(self, wrong: str) -> None:
        model = model_of(SHAPES["usual"])
        with pytest.raises(ConfigError, match="among auto, float32, float16, bfloat16, int8, got"):
            pace.make_runner(model, wrong)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="among float32, float16, bfloat16, int8, got"):
            pack(torch.ones(2, 2), None, wrong)  # type: ignore[arg-type]


class TestOnAnotherDevice:
    """PyTorch's device without memory stands for a graphics card: all that is decided there is what runs."""

    @pytest.fixture
    def elsewhere(self) -> GPT:
        return model_of(SHAPES["usual"]).to("meta")

    def test_eight_bits_are_refused(self, elsewhere: GPT) -> None:
        with pytest.raises(ConfigError, match="run on the CPU; the model is on meta"):
            pace.make_runner(elsewhere, "int8")

    def test_the_model_runs_as_it_is_or_in_the_precision_that_was_asked(
        self, elsewhere: GPT, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert pace.make_runner(elsewhere).dtype == "float32"
        assert pace.make_runner(elsewhere, "float16").dtype == "float16"
        assert pace.make_runner(elsewhere, "float32").dtype == "float32"
        monkeypatch.setattr(pace, "SMALL", 1000)
        assert pace.make_runner(elsewhere).dtype == "float16"
        assert pace.make_runner(elsewhere.to(torch.bfloat16)).dtype == "bfloat16"
        assert elsewhere.wte.weight.device.type == "meta"

    @pytest.mark.parametrize("shape", ["usual", "untied, no bias"])
    def test_a_copy_in_another_precision_leaves_the_model_alone(self, shape: str) -> None:
        model = model_of(SHAPES[shape])
        ids = ids_for(model.config, 2, 9)
        before = model(ids)
        runner = pace._on_device(model, "bfloat16")
        assert off(runner.prefill(ids), before[:, -1]) < BOUNDS["bfloat16"] and runner.dtype == "bfloat16"
        assert model.wte.weight.dtype == torch.float32 and torch.equal(model(ids), before)
        assert runner.fresh().prefill(ids).dtype == torch.float32


class TestOpened:
    @pytest.mark.parametrize("error", [RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError()])
    def test_weights_that_do_not_fit_say_what_would(self, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*args: object, **words: object) -> None:
            raise error

        monkeypatch.setattr(opened, "make_runner", full)
        with pytest.raises(MemoryShortError, match="demo does not fit into memory at float32") as caught:
            runner_for(core.load_model("demo"), "float32")
        assert "--precision int8" in caught.value.hint

    def test_another_error_stays_what_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*args: object, **words: object) -> None:
            raise RuntimeError("something else")

        monkeypatch.setattr(opened, "make_runner", broken)
        with pytest.raises(RuntimeError, match="something else"):
            runner_for(core.load_model("demo"))

    def test_memory_is_that_of_weights_and_cache(self) -> None:
        model = model_of(SHAPES["usual"])
        sizes = {fmt: pace.make_runner(model, fmt).bytes for fmt in FORMATS}
        assert sizes["int8"] < sizes["float16"] == sizes["bfloat16"] < sizes["float32"]
        runner = Session(loaded(model, None)).runner
        before = runner.bytes
        runner.prefill(torch.zeros(1, 1, dtype=torch.int64))
        assert runner.bytes - before == 4 * 2 * 3 * 40 * 48  # float32, keys and values, layers, context, channels
