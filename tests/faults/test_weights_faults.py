"""Checkpoint files that are cut, flipped, contradictory or hostile: two lines each, and nothing half-written stays."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from gpt2_files import WarmChild, openai_folder
from safetensors.torch import load_file, save_file

from core import child as child_module
from core.config import GPTConfig
from core.errors import CheckpointError, ConfigError, InputError, LabError, MissingExtraError, ModelSpecError
from core.folders import cache_dir
from core.model.gpt import GPT
from core.shelf import describe
from core.tokenizers.bpe import BPETokenizer
from core.weights.checkpoint import load_model
from core.weights.convert import convert
from core.weights.huggingface import config_dict
from core.weights.inspect import tensors
from core.weights.keymap import tensor_names
from core.weights.locate import locate
from core.weights.openai import convert_folder, converted_folder

SHAPE = GPTConfig(257, 8, 8, 2, 1)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder of Hugging Face's kind."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    model = dict(GPT(SHAPE, torch.Generator().manual_seed(0)).named_parameters())
    save_file(
        {
            name.huggingface: (model[name.ours].t() if name.transposed_in_openai else model[name.ours])
            .detach()
            .contiguous()
            for name in tensor_names(SHAPE)
        },
        folder / "model.safetensors",
    )
    (folder / "config.json").write_text(json.dumps(config_dict(SHAPE)))
    BPETokenizer({bytes([b]): b for b in range(256)}, special_tokens={"<|endoftext|>": 256}).save(folder / "llm-lab")
    assert load_model(str(folder), device="cpu").config == SHAPE
    return folder


def half_written(root: Path) -> list[str]:
    """Files that a broken conversion left where a whole one would be looked for."""
    names = ("model.safetensors", "config.json")
    return [str(p) for p in root.rglob("*") if p.is_file() and (p.name in names or ".tmp" in p.name)]


def refused(spec: str, kind: type[LabError], *words: str) -> LabError:
    with pytest.raises(kind) as caught:
        load_model(spec, device="cpu")
    for word in words:
        assert word in caught.value.title, caught.value.title
    assert caught.value.hint
    return caught.value


# --- OpenAI's folders


@pytest.fixture
def openai(tmp_path: Path) -> Path:
    return openai_folder(tmp_path / "openai")


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares this test the seconds in which TensorFlow is loaded."""
    here = SimpleNamespace(Popen=WarmChild, PIPE=subprocess.PIPE)
    monkeypatch.setattr(child_module, "subprocess", here)


@pytest.mark.parametrize(
    "name",
    [
        "checkpoint",
        "encoder.json",
        "hparams.json",
        "model.ckpt.data-00000-of-00001",
        "model.ckpt.index",
        "model.ckpt.meta",
        "vocab.bpe",
    ],
)
def test_one_file_missing(openai: Path, name: str) -> None:
    (openai / name).unlink()
    refused(str(openai), CheckpointError, name)
    assert not half_written(cache_dir())


def test_a_flipped_bit_is_found_by_tensorflows_own_checksum(openai: Path) -> None:
    data = openai / "model.ckpt.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    refused(str(openai), CheckpointError, "is damaged", "the tensor model/")
    assert not half_written(cache_dir())


@pytest.mark.usefixtures("warm")
def test_a_file_cut_short(openai: Path) -> None:
    data = openai / "model.ckpt.data-00000-of-00001"
    os.truncate(data, data.stat().st_size // 2)
    refused(str(openai), CheckpointError, "is damaged")
    os.truncate(openai / "model.ckpt.index", 40)
    refused(str(openai), CheckpointError, "is damaged")
    assert not half_written(cache_dir())


@pytest.mark.usefixtures("warm")
def test_hparams_that_contradict_the_tensors(openai: Path) -> None:
    hparams = json.loads((openai / "hparams.json").read_text())
    (openai / "hparams.json").write_text(json.dumps(hparams | {"n_ctx": 32}))
    refused(str(openai), CheckpointError, "model/wpe", "16×32", "32×32")
    (openai / "hparams.json").write_text(json.dumps(hparams | {"n_layer": 3}))
    refused(str(openai), CheckpointError, "lacks the tensor model/h2/")
    assert not half_written(cache_dir())


@pytest.mark.parametrize("text", ["", "[]", "{", '{"n_vocab": 300}', "\xff"])
def test_hparams_that_are_none(openai: Path, text: str) -> None:
    (openai / "hparams.json").write_text(text, encoding="latin-1")
    refused(str(openai), LabError, "hparams.json")


@pytest.mark.parametrize("name", ["../model.ckpt", "sub/model.ckpt", "..\\\\model.ckpt"])
def test_a_checkpoint_that_points_out_of_its_folder(openai: Path, name: str) -> None:
    (openai / "checkpoint").write_text(f'model_checkpoint_path: "{name}"\n')
    refused(str(openai), CheckpointError, "a name in the same folder was expected")


def test_without_tensorflow_one_error_names_the_command(
    openai: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "blocked" / "tensorflow"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('not installed')")
    monkeypatch.setenv("PYTHONPATH", str(blocked.parent))
    before = "tensorflow" in sys.modules  # the tests of the twin load it
    error = refused(str(openai), MissingExtraError, "TensorFlow, which is not installed")
    assert "pip install 'llm-lab[tensorflow]'" in error.hint
    assert ("tensorflow" in sys.modules) is before
    assert not half_written(cache_dir())


def test_a_child_that_dies_is_said(openai: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken" / "tensorflow"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("import os, sys; sys.stderr.write('no such instruction\\n'); os._exit(132)")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))
    refused(str(openai), LabError, "ended with code 132", "no such instruction")
    assert not half_written(cache_dir())


def test_a_cancelled_conversion_leaves_nothing(openai: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = tmp_path / "hanging" / "tensorflow"
    hanging.mkdir(parents=True)
    (hanging / "__init__.py").write_text("import sys; sys.stdin.read(); import threading; threading.Event().wait()")
    monkeypatch.setenv("PYTHONPATH", str(hanging.parent))
    cancelled = threading.Event()
    steps = convert_folder(openai, tmp_path / "dest", cancelled)
    assert next(steps).phase == "starting"
    cancelled.set()
    assert list(steps) == []
    assert not half_written(tmp_path / "dest")


def test_of_two_conversions_at_once_one_works_and_the_other_waits(
    openai: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[WarmChild] = []

    def child(*_: object, **__: object) -> WarmChild:
        begun.append(WarmChild())
        return begun[-1]

    monkeypatch.setattr(child_module, "subprocess", SimpleNamespace(Popen=child, PIPE=subprocess.PIPE))
    dest = tmp_path / "dest"
    first, second = convert_folder(openai, dest), convert_folder(openai, dest)
    assert (next(first).phase, next(first).phase) == ("starting", "tensor")
    assert next(second).phase == "starting"
    assert list(first)[-1].phase == list(second)[-1].phase == "done"
    assert len(begun) == 1
    assert sorted(p.name for p in dest.glob("[!.]*")) == [
        "config.json",
        "encoder.json",
        "model.safetensors",
        "vocab.bpe",
    ]


def test_a_cache_that_cannot_be_written(openai: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("LLM_LAB_CACHE", str(tmp_path / "file"))
    refused(str(openai), LabError, "cannot be written")


def test_a_disk_that_fills_up_while_converting(tmp_path: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from core.weights.tensor_writer import TensorWriter

    def full(self: TensorWriter, name: str, values: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TensorWriter, "write", full)
    with pytest.raises(LabError, match="no space left"):
        list(convert(str(theirs), tmp_path / "full"))
    assert not (tmp_path / "full").exists()
    assert [p for p in tmp_path.iterdir() if ".tmp" in p.name] == []


def test_a_checkpoint_is_listed_before_it_is_converted(openai: Path) -> None:
    found = tensors(str(openai))
    assert (len(found), found.here, found.files) == (28, True, ())
    assert found.parameters == sum(info.parameters for info in found)


def test_originals_in_the_cache_are_the_published_model(openai: Path) -> None:
    (cache_dir() / "models").mkdir(parents=True)
    shutil.move(openai, cache_dir() / "models" / "openai-124M")
    originals = cache_dir() / "models" / "openai-124M"
    for spec in ("gpt2", "openai:124M", str(originals)):
        where = locate(spec)
        assert (where.original, where.folder) == (originals, originals)  # where llm-lab pull puts the conversion
    ref = describe("gpt2")
    assert ref.here and "converted when first used" in ref.note
    assert not describe("gpt2-xl").here


def test_openais_originals_are_never_hugging_faces_copy(openai: Path, theirs: Path) -> None:
    (cache_dir() / "models").mkdir(parents=True)
    shutil.move(openai, cache_dir() / "models" / "openai-124M")
    shutil.move(theirs, cache_dir() / "models" / "gpt2")
    assert locate("gpt2").files == (cache_dir() / "models" / "gpt2" / "model.safetensors",)
    assert locate("openai:124M").folder == cache_dir() / "models" / "openai-124M"


def test_what_changed_is_converted_again(openai: Path) -> None:
    before = converted_folder(openai)
    hparams = openai / "hparams.json"
    os.utime(hparams, ns=(1, 1))
    assert converted_folder(openai) != before


# --- safetensors


def flip(data: bytes, change: Callable[[dict], None]) -> bytes:
    """The file with another header, the data as it was."""
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


NAME = "transformer.h.0.mlp.c_fc.bias"
LIES: dict[str, Callable[[dict], None]] = {
    "shape": lambda h: h[NAME].update(shape=[31]),
    "negative": lambda h: h[NAME].update(shape=[-32]),
    "offsets": lambda h: h[NAME].update(data_offsets=[0, 128]),
    "backwards": lambda h: h[NAME].update(data_offsets=list(reversed(h[NAME]["data_offsets"]))),
    "beyond": lambda h: h[NAME].update(data_offsets=[10**9, 10**9 + 128]),
    "dtype": lambda h: h[NAME].update(dtype="F33"),
    "no shape": lambda h: h[NAME].pop("shape"),
    "hole": lambda h: h.pop(NAME),
    "endless": lambda h: h[NAME].update(shape=[float("inf")]),
    "nowhere": lambda h: h[NAME].update(data_offsets=[0, float("inf")]),
    "huge": lambda h: h[NAME].update(shape=[2**62, 4]),
    "a word": lambda h: h.update({NAME: "nothing"}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_header_that_lies(theirs: Path, lie: str) -> None:
    path = theirs / "model.safetensors"
    path.write_bytes(flip(path.read_bytes(), LIES[lie]))
    refused(str(theirs), CheckpointError, "model.safetensors")
    with pytest.raises(CheckpointError):
        tensors(str(theirs))


@pytest.mark.parametrize("keep", [0, 5, 8, 100, -1])
def test_a_safetensors_file_cut_short(theirs: Path, keep: int) -> None:
    path = theirs / "model.safetensors"
    os.truncate(path, keep if keep >= 0 else path.stat().st_size + keep)
    refused(str(theirs), CheckpointError, "model.safetensors")


@pytest.mark.parametrize("length", [0, 1, 2**40, 2**64 - 1])
def test_a_length_of_the_header_that_lies(theirs: Path, length: int) -> None:
    path = theirs / "model.safetensors"
    path.write_bytes(struct.pack("<Q", length) + path.read_bytes()[8:])
    refused(str(theirs), CheckpointError, "is no safetensors file")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("transformer.ln_f.bias"), "lacks the tensor transformer.ln_f.bias (shape 8)"),
        (lambda t: t.update({"transformer.extra": torch.zeros(3)}), "has the tensor transformer.extra (shape 3)"),
        (
            lambda t: t.update({"transformer.wpe.weight": torch.zeros(9, 8)}),
            "transformer.wpe.weight has shape 9×8, 8×8 was expected",
        ),
        (
            lambda t: t.update({"lm_head.weight": torch.ones(257, 8)}),
            "lm_head.weight is not the embedding",
        ),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(theirs: Path, change: Callable[[dict], None], said: str) -> None:
    path = theirs / "model.safetensors"
    found = load_file(path)
    change(found)
    save_file(found, path)
    refused(str(theirs), CheckpointError, said)


def test_numbers_that_stand_for_others_are_refused(theirs: Path) -> None:
    path = theirs / "model.safetensors"
    found = load_file(path)
    found["transformer.h.0.mlp.c_fc.weight"] = found["transformer.h.0.mlp.c_fc.weight"].to(torch.int8)
    save_file(found, path)
    refused(str(theirs), CheckpointError, "transformer.h.0.mlp.c_fc.weight holds int8, one of float64")
    with pytest.raises(CheckpointError, match="holds int8"):
        tensors(str(theirs))


@pytest.mark.parametrize(
    "shard", ["../theirs/part.safetensors", "/etc/part.safetensors", "a\\part.safetensors", "x.bin"]
)
def test_an_index_that_leaves_its_folder(theirs: Path, shard: str) -> None:
    shutil.move(theirs / "model.safetensors", theirs / "part.safetensors")
    (theirs / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"wte.weight": shard}}))
    refused(str(theirs), CheckpointError, "a safetensors file beside it was expected")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"weight_map": {}}', '{"weight_map": {"a": "gone.safetensors"}}'])
def test_an_index_that_is_damaged(theirs: Path, text: str) -> None:
    (theirs / "model.safetensors").unlink()
    (theirs / "model.safetensors.index.json").write_text(text)
    refused(str(theirs), CheckpointError)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("activation_function", "relu"),
        ("activation_function", "gelu"),
        ("layer_norm_epsilon", 1e-6),
        ("n_inner", 33),
        ("scale_attn_weights", False),
        ("scale_attn_by_inverse_layer_idx", True),
        ("add_cross_attention", True),
        ("model_type", "llama"),
        ("n_head", 3),
        ("n_embd", "wide"),
    ],
)
def test_a_configuration_of_another_model_is_refused_by_name(theirs: Path, field: str, value: object) -> None:
    config = json.loads((theirs / "config.json").read_text())
    (theirs / "config.json").write_text(json.dumps(config | {field: value}))
    error = refused(str(theirs), ConfigError)
    assert field in error.title or {"n_head": "n_heads", "n_embd": "emb_dim"}[field] in error.title


def test_a_tokenizer_that_does_not_fit(theirs: Path) -> None:
    ranks = {bytes([b]): b for b in range(256)} | {b"ab": 256, b"cd": 257}
    BPETokenizer(ranks, special_tokens={"<|endoftext|>": 258}).save(theirs / "llm-lab")
    refused(str(theirs), CheckpointError, "has 259 entries, the model there has 257")
    shutil.rmtree(theirs / "llm-lab")
    refused(str(theirs), LabError, "has no tokenizer")


class Evil:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(Path(os.environ["LLM_LAB_STATE"]) / "evil"),)


def test_a_pickle_is_refused_and_convert_reads_its_tensors_alone(theirs: Path, tmp_path: Path) -> None:
    before = load_model(str(theirs), device="cpu").model.wte.weight.clone()
    torch.save(load_file(theirs / "model.safetensors"), theirs / "pytorch_model.bin")
    (theirs / "model.safetensors").unlink()
    error = refused(str(theirs), CheckpointError, "a pickle, which can run code")
    assert "llm-lab convert" in error.hint
    error = refused(str(theirs / "pytorch_model.bin"), CheckpointError, "a pickle, which can run code")
    assert f"llm-lab convert {theirs / 'pytorch_model.bin'} {theirs / 'pytorch_model'}" in error.hint
    list(convert(str(theirs / "pytorch_model.bin"), theirs / "pytorch_model"))
    list(convert(str(theirs), tmp_path / "safe"))
    assert torch.equal(load_model(str(tmp_path / "safe"), device="cpu").model.wte.weight, before)
    (theirs / "pytorch_model.bin").write_bytes(pickle.dumps({"wte.weight": Evil()}))
    with pytest.raises(CheckpointError) as caught:
        list(convert(str(theirs), tmp_path / "evil"))
    assert "pytorch_model.bin" in caught.value.title
    assert not (tmp_path / "evil").exists()
    assert not (Path(os.environ["LLM_LAB_STATE"]) / "evil").exists()


def test_a_folder_that_is_taken_stays(theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        list(convert(str(theirs), tmp_path / "taken"))
    assert [p.name for p in (tmp_path / "taken").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("dst", ["", ".", "/", "x" * 300, "~no-such-user/x", "file/x"])
def test_a_place_where_no_folder_can_be_made(
    theirs: Path, tmp_path: Path, dst: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(LabError):
        list(convert(str(theirs), dst if dst != "file/x" else tmp_path / dst))
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("spec", ["x" * 300, "y/" * 4000, "~no-such-user", "~no-such-user/x", "a\0b"])
def test_a_name_that_no_path_can_have(spec: str, tmp_path: Path) -> None:
    refused(spec, ModelSpecError)
    assert describe(spec).kind == "unknown"
    with pytest.raises(ModelSpecError):
        list(convert(spec, tmp_path / "new"))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "spec", ["hf:../x", "hf:a/../b", "hf:a", "hf:/etc/passwd", "hf:a/b/c", "openai:../124M", "openai:1B"]
)
def test_names_that_would_leave_the_cache(spec: str) -> None:
    refused(spec, ModelSpecError)


@pytest.mark.parametrize("spec", ["gpt2", "gpt2-xl", "hf:distilbert/distilgpt2", "openai:124M"])
def test_what_is_not_here_names_the_command(spec: str) -> None:
    assert "llm-lab pull" in refused(spec, ModelSpecError, "is not on this machine").hint
