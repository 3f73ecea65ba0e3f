"""Files as other people write them: with the prefix or without, in shards, in 16 bits, with mask buffers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.torch import load_file, save_file

from core.config import GPTConfig
from core.errors import CheckpointError, TokenizerError
from core.folders import cache_dir
from core.model.gpt import GPT
from core.shelf import describe, list_models
from core.tokenizers.bpe import BPETokenizer
from core.weights.checkpoint import load_model
from core.weights.convert import convert
from core.weights.huggingface import config_dict
from core.weights.inspect import values
from core.weights.keymap import TABLE, tensor_names
from core.weights.tensor_file import TensorFile
from core.weights.tensor_writer import Planned, TensorWriter

SHAPE = GPTConfig(300, 8, 16, 2, 2)


def tokenizer() -> BPETokenizer:
    return BPETokenizer.train(" ".join(f"w{i} {i * 7919}" for i in range(2000)), 300)


@pytest.fixture(scope="module")
def model() -> GPT:
    return GPT(SHAPE, torch.Generator().manual_seed(5)).eval()


def theirs(model: GPT, prefix: str = "transformer.", dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    own = dict(model.named_parameters())
    return {
        name.huggingface.replace("transformer.", prefix): (
            own[name.ours].t() if name.transposed_in_openai else own[name.ours]
        )
        .detach()
        .to(dtype)
        .contiguous()
        for name in tensor_names(model.config)
    }


def folder_of(path: Path, tensors: dict[str, torch.Tensor], config: GPTConfig = SHAPE) -> Path:
    path.mkdir(parents=True)
    save_file(tensors, path / "model.safetensors")
    (path / "config.json").write_text(json.dumps(config_dict(config)))
    tokenizer().save(path / "llm-lab")
    return path


def same(path: Path | str, model: GPT, dtype: str = "auto") -> None:
    loaded = load_model(str(path), device="cpu", dtype=dtype)  # type: ignore[arg-type]
    for name, parameter in model.named_parameters():
        assert torch.equal(loaded.model.get_parameter(name).float(), parameter), name


def test_the_table_has_every_parameter_of_the_model() -> None:
    for tied, bias in ((True, True), (False, True), (True, False)):
        config = GPTConfig(30, 8, 16, 2, 3, tie_weights=tied, qkv_bias=bias)
        own = {name: tuple(p.shape) for name, p in GPT(config).named_parameters()}
        assert {name.ours: name.shape for name in tensor_names(config)} == own
    for names in (
        [row.ours for row in TABLE],
        [row.huggingface for row in TABLE],
        [row.openai for row in TABLE if row.openai],
    ):
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("prefix", ["transformer.", ""])
def test_with_and_without_the_prefix_and_with_mask_buffers(model: GPT, tmp_path: Path, prefix: str) -> None:
    tensors = theirs(model, prefix)
    for n in range(2):
        tensors[f"{prefix}h.{n}.attn.bias"] = torch.ones(1, 1, 8, 8).tril()
        tensors[f"{prefix}h.{n}.attn.masked_bias"] = torch.tensor(-1e4)
    same(folder_of(tmp_path / "m", tensors), model)


def test_nothing_but_mask_buffers_is_ignored(model: GPT, tmp_path: Path) -> None:
    path = folder_of(tmp_path / "m", theirs(model, "") | {"h.0.attn.rotary": torch.zeros(2)})
    with pytest.raises(CheckpointError, match=r"h\.0\.attn\.rotary"):
        load_model(str(path), device="cpu")


def test_a_head_that_is_the_embedding_once_more(model: GPT, tmp_path: Path) -> None:
    path = folder_of(tmp_path / "m", theirs(model) | {"lm_head.weight": model.wte.weight.detach().clone()})
    same(path, model)


def test_shards(model: GPT, tmp_path: Path) -> None:
    tensors = theirs(model)
    path = folder_of(tmp_path / "m", tensors)
    (path / "model.safetensors").unlink()
    names = list(tensors)
    table = {name: f"model-0000{1 + (i % 3)}-of-00003.safetensors" for i, name in enumerate(names)}
    for shard in set(table.values()):
        save_file({n: t for n, t in tensors.items() if table[n] == shard}, path / shard)
    (path / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": table}))
    same(path, model)
    same(path, model.float(), "float32")
    first, second = sorted(set(table.values()))[:2]
    save_file(load_file(path / second) | {names[0]: tensors[names[0]]}, path / second)
    with pytest.raises(CheckpointError, match=f"{second}: the tensor {names[0]} is in another shard too"):
        load_model(str(path), device="cpu")
    assert names[0] in load_file(path / first)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_files_in_16_bits(model: GPT, tmp_path: Path, dtype: torch.dtype) -> None:
    path = folder_of(tmp_path / "m", theirs(model, dtype=dtype))
    loaded = load_model(str(path), device="cpu").model
    as_held = load_model(str(path), device="cpu", dtype=str(dtype).removeprefix("torch."))  # type: ignore[arg-type]
    for name, parameter in model.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter.to(dtype).float()), name
        assert torch.equal(as_held.model.get_parameter(name), parameter.to(dtype)), name
        assert as_held.model.get_parameter(name).is_contiguous()
        seen = values(str(path), name)
        assert np.array_equal(seen.reshape(parameter.shape), parameter.to(dtype).float().detach().numpy())
    list(convert(str(path), tmp_path / "wide"))
    assert torch.equal(load_model(str(tmp_path / "wide"), device="cpu").model.wte.weight, loaded.wte.weight)


def test_a_loaded_model_is_ready_to_use_and_its_file_stays(model: GPT, tmp_path: Path) -> None:
    path = folder_of(tmp_path / "m", theirs(model))
    before = (path / "model.safetensors").read_bytes()
    loaded = load_model(str(path), device="cpu")
    assert not loaded.model.training and loaded.maps
    assert not any(p.requires_grad for p in loaded.model.parameters())
    loaded.model.wte.weight.zero_()
    assert (path / "model.safetensors").read_bytes() == before


def test_by_the_path_of_its_weights(model: GPT, tmp_path: Path) -> None:
    path = folder_of(tmp_path / "m", theirs(model))
    same(path / "model.safetensors", model)
    (path / "config.json").rename(path / "configuration.json")
    with pytest.raises(CheckpointError, match=r"has no config\.json beside it"):
        load_model(str(path / "model.safetensors"), device="cpu")


def test_names_in_the_cache(model: GPT) -> None:
    folder_of(cache_dir() / "models" / "hf" / "some-one" / "a.model", theirs(model))
    same("hf:some-one/a.model", model)
    ref = describe("hf:some-one/a.model")
    assert (ref.kind, ref.parameters, ref.shape, ref.here) == ("finished", SHAPE.parameters(), "2L 2H 16", True)
    assert "hf:some-one/a.model" in [ref.spec for ref in list_models()]


@pytest.mark.parametrize("kind", ["openai", "huggingface", "tokenizer.json", "ours"])
def test_each_kind_of_tokenizer_beside_the_weights(model: GPT, tmp_path: Path, kind: str) -> None:
    path = folder_of(tmp_path / "m", theirs(model))
    own = tokenizer()
    (path / "llm-lab" / "tokenizer.json").unlink()
    if kind == "ours":
        own.save(path)
    else:
        own.write_openai_files(path)
    if kind == "huggingface":
        (path / "encoder.json").rename(path / "vocab.json")
        (path / "vocab.bpe").rename(path / "merges.txt")
    if kind == "tokenizer.json":
        from tokenizers import Tokenizer
        from tokenizers.models import BPE
        from tokenizers.pre_tokenizers import ByteLevel

        made = Tokenizer(BPE.from_file(str(path / "encoder.json"), str(path / "vocab.bpe")))
        made.pre_tokenizer = ByteLevel(add_prefix_space=False)
        made.add_special_tokens(["<|endoftext|>"])
        made.save(str(path / "tokenizer.json"))
        (path / "encoder.json").unlink()
        (path / "vocab.bpe").unlink()
    found = load_model(str(path), device="cpu").tokenizer
    text = "w17 and 7919, naïve\n  🦊"
    assert found.encode(text) == own.encode(text)
    assert found.vocab_size == 300 and found.special_tokens == own.special_tokens


def test_a_tokenizer_of_another_kind(model: GPT, tmp_path: Path) -> None:
    path = folder_of(tmp_path / "m", theirs(model))
    (path / "llm-lab" / "tokenizer.json").unlink()
    (path / "tokenizer.json").write_text(json.dumps({"model": {"type": "Unigram"}}))
    with pytest.raises(TokenizerError, match="byte-level BPE with GPT-2's pattern was expected, got Unigram"):
        load_model(str(path), device="cpu")


def test_gpt2s_vocabulary_from_the_cache(gpt2_vocabulary: Path, tmp_path: Path) -> None:
    shape = GPTConfig(50257, 4, 4, 1, 1)
    path = folder_of(tmp_path / "m", theirs(GPT(shape)), shape)
    (path / "llm-lab" / "tokenizer.json").unlink()
    assert load_model(str(path), device="cpu").tokenizer.encode("hello world") == [31373, 995]


def test_openais_pair_of_gpt2_is_the_gpt2_tokenizer(lab_cache: Path, tmp_path: Path) -> None:
    from core.data.pull_catalogue import entry
    from core.tokenizers import get_tokenizer
    from core.weights.tokenizer_files import tokenizer_of

    merges, words = entry("gpt2-vocabulary").files["openai"]
    shutil.copy(words.dest, tmp_path / "encoder.json")
    shutil.copy(merges.dest, tmp_path / "vocab.bpe")
    known = get_tokenizer("gpt2").fingerprint
    shape = GPTConfig(50257, 4, 4, 1, 1)
    assert tokenizer_of(tmp_path, shape).fingerprint == known
    for path in (lab_cache / "tiktoken").iterdir():  # and without the vocabulary in the cache
        path.unlink()
    assert tokenizer_of(tmp_path, shape).fingerprint == known
    assert tokenizer_of(tmp_path, shape).encode("hello world") == [31373, 995]


names = st.lists(st.text("abc.", min_size=1, max_size=6), min_size=1, max_size=5, unique=True)


@given(data=st.data(), names=names)
def test_what_the_writer_writes_both_readers_read(data: st.DataObject, names: list[str]) -> None:
    import tempfile

    shapes = st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple)
    tensors = {name: data.draw(arrays(np.float32, shapes)) for name in names}
    turned = {n: np.asfortranarray(t) if data.draw(st.booleans()) else t for n, t in tensors.items()}
    with tempfile.TemporaryDirectory() as root:
        path = Path(root, "x.safetensors")
        with TensorWriter(path, [Planned(n, t.shape) for n, t in tensors.items()], {"format": "pt"}) as writer:
            for name in data.draw(st.permutations(names)):
                writer.write(name, turned[name])
            writer.finish()
        file, peer = TensorFile(path), {n: t.clone() for n, t in load_file(path).items()}
        for name, tensor in tensors.items():
            np.testing.assert_array_equal(file.array(name), tensor)
            np.testing.assert_array_equal(peer[name].numpy(), tensor)
