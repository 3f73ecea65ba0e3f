"""Other people's GPT-2s in our model: TensorFlow's own checkpoints, and transformers' folders, both ways."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from gpt2_files import SHAPE, logits_by_numpy, openai_folder, values_of

from core.config import GPTConfig
from core.generation.decode import continue_text
from core.model.gpt import GPT
from core.tokenizers.bpe import BPETokenizer
from core.weights.checkpoint import load_model
from core.weights.convert import convert
from core.weights.inspect import tensors
from core.weights.locate import locate, open_weights
from core.weights.openai import converted_folder


def a_peer(config: GPTConfig, seed: int = 0, **changes: object) -> torch.nn.Module:
    """A GPT2LMHeadModel of transformers' with random weights, biases and norms among them."""
    from transformers import GPT2Config, GPT2LMHeadModel

    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=config.vocab_size,
            n_positions=config.context_length,
            n_embd=config.emb_dim,
            n_layer=config.n_layers,
            n_head=config.n_heads,
            tie_word_embeddings=config.tie_weights,
            bos_token_id=0,
            eos_token_id=0,
            **changes,
        )
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
    return theirs.eval()


def with_tokenizer(folder: Path, size: int) -> Path:
    """Hugging Face's names of a byte-pair vocabulary of some size."""
    ranks = {bytes([b]): b for b in range(256)}
    ranks |= {bytes([b % 256, b // 256 % 256, b // 65536]): 256 + b for b in range(size - 257)}
    BPETokenizer(ranks, special_tokens={"<|endoftext|>": size - 1}).save(folder / "llm-lab")
    return folder


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder of OpenAI's, and a cache that these tests share, so that it is converted once."""
    root = tmp_path_factory.mktemp("openai")
    return openai_folder(root / "mine"), root / "cache"


@pytest.fixture
def folder(places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of OpenAI's."""
    monkeypatch.setenv("LLM_LAB_CACHE", str(places[1]))
    return places[0]


def some_ids(config: GPTConfig, time: int) -> torch.Tensor:
    return torch.randint(0, config.vocab_size or 1, (1, time), generator=torch.Generator().manual_seed(7))


def test_a_checkpoint_that_tensorflow_wrote_gives_the_logits_of_an_independent_computation(folder: Path) -> None:
    before = "tensorflow" in sys.modules  # the tests of the twin load it
    loaded = load_model(str(folder), device="cpu")
    assert ("tensorflow" in sys.modules) is before
    ids = [256, 3, 299, 0, 44, 44, 17, 5]
    with torch.no_grad():
        ours = loaded.model(torch.tensor([ids]))[0].numpy()
    expected = logits_by_numpy(values_of(), SHAPE, ids)
    assert np.abs(ours - expected).max() < 1e-4
    assert expected.std() > 0.5  # there is something to agree on
    assert loaded.tokenizer.vocab_size == 300
    assert loaded.tokenizer.decode(loaded.tokenizer.encode("the fox")) == "the fox"
    again = load_model(str(folder), device="cpu")  # the second time nothing is converted
    assert again.source == converted_folder(folder) / "model.safetensors"
    assert again.maps and torch.equal(again.model.wte.weight, loaded.model.wte.weight)


def test_openai_to_ours_to_hugging_face_to_ours_bit_for_bit(folder: Path, tmp_path: Path) -> None:
    for _ in convert(str(folder), tmp_path / "ours", "llm-lab"):
        pass
    for _ in convert(str(tmp_path / "ours"), tmp_path / "theirs", "huggingface"):
        pass
    for _ in convert(str(tmp_path / "theirs"), tmp_path / "back", "llm-lab"):
        pass
    first, last = (tmp_path / name / "model.safetensors" for name in ("ours", "back"))
    assert first.read_bytes() == last.read_bytes()
    raw, back = values_of(), open_weights(str(tmp_path / "back"))
    for name in back.names.values():
        expected = raw[str(name.openai)]
        if name.transposed_in_openai:
            expected = expected[0].T
        assert np.array_equal(back.array(name.ours), expected), name.ours
    fingerprints = {load_model(str(tmp_path / name), device="cpu").tokenizer.fingerprint for name in ("ours", "back")}
    assert len(fingerprints) == 1


@pytest.mark.parametrize("tied", [True, False])
def test_what_transformers_wrote_is_the_same_model_here(tmp_path: Path, tied: bool) -> None:
    shape = GPTConfig(300, 24, 48, 4, 3, tie_weights=tied)
    theirs = a_peer(shape)
    theirs.save_pretrained(tmp_path / "theirs")
    loaded = load_model(str(with_tokenizer(tmp_path / "theirs", 300)), device="cpu")
    assert loaded.config == shape
    _same(loaded.model, theirs, some_ids(shape, 24))
    _continued_alike(loaded.model, theirs, some_ids(shape, 5), 15)


def test_the_real_shape_of_124m(tmp_path: Path) -> None:
    shape = GPTConfig.preset("gpt2")
    theirs = a_peer(shape)
    theirs.save_pretrained(tmp_path)
    loaded = load_model(str(with_tokenizer(tmp_path, 50257)), device="cpu")
    assert sum(p.numel() for p in loaded.model.parameters()) == 124_439_808
    _same(loaded.model, theirs, some_ids(shape, 32))
    _continued_alike(loaded.model, theirs, some_ids(shape, 5), 5)


def _continued_alike(ours: GPT, theirs: torch.nn.Module, prompt: torch.Tensor, count: int) -> None:
    """The likeliest continuation is the same, token by token."""
    asked = {"max_new_tokens": count, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
    continued = theirs.generate(prompt, attention_mask=torch.ones_like(prompt), **asked)[0, prompt.shape[1] :]
    assert continue_text(ours, prompt[0].tolist(), count, temperature=0) == continued.tolist()


def _same(ours: GPT, theirs: torch.nn.Module, ids: torch.Tensor) -> None:
    """Logits, and in each layer attention probabilities and the residual, agree."""
    attentions, residuals = {}, []

    def explicit(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, layer: int, dropout: float) -> torch.Tensor:
        scores = q @ k.transpose(-1, -2) / k.shape[-1] ** 0.5
        scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), -torch.inf)
        attentions[layer] = scores.softmax(-1)
        return attentions[layer] @ v

    hooks = [block.register_forward_pre_hook(lambda module, args: residuals.append(args[0])) for block in ours.h]
    theirs.set_attn_implementation("eager")
    with torch.no_grad():
        logits, plain = ours(ids, attend=explicit), ours(ids)
        answer = theirs(ids, output_attentions=True, output_hidden_states=True)
    for hook in hooks:
        hook.remove()
    assert (logits - answer.logits).abs().max() < 1e-4
    assert (plain - answer.logits).abs().max() < 1e-4
    assert answer.logits.std() > 0.1
    for layer, (attention, hidden) in enumerate(zip(answer.attentions, answer.hidden_states, strict=False)):
        assert (attentions[layer] - attention).abs().max() < 1e-5, layer
        assert (residuals[layer] - hidden).abs().max() < 1e-4, layer


@pytest.mark.parametrize(
    ("tied", "bias"), [(True, True), (False, True), (True, False), (False, False)], ids=lambda on: "yes" if on else "no"
)
def test_transformers_loads_what_we_write(tmp_path: Path, tied: bool, bias: bool) -> None:
    from safetensors.torch import save_file
    from transformers import GPT2LMHeadModel

    shape = GPTConfig(300, 16, 32, 4, 2, tie_weights=tied, qkv_bias=bias)
    model = GPT(shape, torch.Generator().manual_seed(3)).eval()
    own = tmp_path / "own"
    own.mkdir()
    save_file({n: p.detach() for n, p in model.named_parameters()}, own / "model.safetensors")
    (own / "config.json").write_text(json.dumps({"format": "llm-lab", "version": 1, "model": shape.to_dict()}))
    BPETokenizer.train(" ".join(f"w{i} {i * 7919}" for i in range(2000)), 300).save(own)
    for _ in convert(str(own), tmp_path / "theirs"):
        pass
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path / "theirs").eval()
    ids = some_ids(shape, 16)
    with torch.no_grad():
        expected = model(ids)
        assert (theirs(ids).logits - expected).abs().max() < 1e-4
    back = load_model(str(tmp_path / "theirs"), device="cpu")
    assert back.config == shape  # a bias that ours does not have is zero in theirs, and goes again
    with torch.no_grad():
        assert torch.equal(back.model(ids), expected) or (back.model(ids) - expected).abs().max() < 1e-6


def test_transformers_reads_the_tokenizer_that_we_write(folder: Path, tmp_path: Path) -> None:
    from transformers import GPT2TokenizerFast

    for _ in convert(str(folder), tmp_path / "theirs"):
        pass
    theirs = GPT2TokenizerFast.from_pretrained(tmp_path / "theirs")
    ours = load_model(str(tmp_path / "theirs"), device="cpu").tokenizer
    text = "w12 the 7919 fox, naïve\n  café 🦊"
    assert theirs(text)["input_ids"] == ours.encode(text)


@pytest.mark.parametrize(
    ("name", "parameters", "count"),
    [
        ("gpt2", 124_439_808, 148),
        ("gpt2-medium", 354_823_168, 292),
        ("gpt2-large", 774_030_080, 436),
        ("gpt2-xl", 1_557_611_200, 580),
    ],
)
def test_published_sizes_are_known_without_their_files(name: str, parameters: int, count: int) -> None:
    found = tensors(name)
    assert (found.parameters, len(found), found.here) == (parameters, count, False)
    assert not locate(name).here
    assert GPTConfig.preset("course-124m").parameters() == 163_009_536
