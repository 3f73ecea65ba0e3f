"""Model and tokenizer files of a stranger that claim to be huge or deep: two lines, soon, and little memory."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fuzz_targets import our_tokenizers, tensor_bytes

from core.errors import LabError
from core.shelf import describe
from core.tokenizers import load_tokenizer
from core.tokenizers.bpe_files import open_bpe
from core.weights.checkpoint import load_model
from core.weights.convert import convert
from core.weights.inspect import tensors

SHAPE = {"vocab_size": 257, "n_positions": 4, "n_embd": 4, "n_head": 1, "n_layer": 1}
OURS = {
    "vocab_size": "vocab_size", "n_positions": "context_length", "n_embd": "emb_dim", "n_head": "n_heads",
    "n_layer": "n_layers",
}  # fmt: skip
CLAIMS = [
    ("n_layer", 10**6), ("n_layer", 10**9), ("n_layer", 2**63), ("n_embd", 2**62), ("n_head", 10**9),
    ("vocab_size", 10**15), ("n_positions", 10**15), ("n_layer", 1e9), ("n_layer", [1]), ("n_embd", {"a": 1}),
    ("vocab_size", None), ("n_head", True), ("n_layer", "9" * 5000),
]  # fmt: skip


def every_way(folder: Path) -> None:
    """Each must end, in a ``LabError`` or well."""
    for way in (
        lambda: describe(str(folder)),
        lambda: tensors(str(folder)),
        lambda: load_model(str(folder), device="cpu"),
        lambda: list(convert(str(folder), folder.parent / "made")),
    ):
        try:
            way()
        except LabError as error:
            assert error.title and error.hint and len(error.title) < 2000
    assert not (folder.parent / "made").exists()


@pytest.mark.parametrize(("field", "value"), CLAIMS, ids=lambda v: str(v)[:12])
@pytest.mark.parametrize("own", [True, False], ids=["ours", "theirs"])
def test_a_shape_beyond_all_sense(tmp_path: Path, field: str, value: object, own: bool) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(tensor_bytes({"wte.weight": np.ones((257, 4))}))
    raw: dict[str, object] = {**SHAPE, field: value}
    ours = {"format": "llm-lab", "version": 1, "model": {OURS[name]: said for name, said in raw.items()}}
    (folder / "config.json").write_text(json.dumps(ours if own else {"model_type": "gpt2", **raw}))
    every_way(folder)


DEEP = "[" * 200_000
JUNK = {
    "deep": DEEP,
    "deep objects": '{"a":' * 100_000,
    "digits": '{"n_layer":' + "9" * 10_000 + "}",
    "nothing": "",
    "not finite": '{"n_layer": NaN, "vocab_size": Infinity}',
    "half a pair": '{"model_type": "\\ud800", "format": "\\ud800"}',
}


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "model.safetensors.index.json", "generation_config.json"]
)
def test_json_beyond_all_sense(tmp_path: Path, name: str, junk: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2", **SHAPE}))
    (folder / "model.safetensors").write_bytes(tensor_bytes({"wte.weight": np.ones((257, 4))}))
    if name.endswith("index.json"):
        (folder / "model.safetensors").unlink()
    (folder / name).write_text(JUNK[junk])
    every_way(folder)


@pytest.mark.parametrize("junk", JUNK)
def test_tensors_whose_header_is_beyond_all_sense(tmp_path: Path, junk: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2", **SHAPE}))
    text = JUNK[junk].encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    every_way(folder)


def gapped(value: int) -> Callable[[Path], object]:
    """A tokenizer of ours one of whose ids is far beyond the others."""

    def make(folder: Path) -> object:
        content = json.loads(our_tokenizers()[-1])

        def change(found: object) -> object:
            if isinstance(found, dict):
                return {key: change(inner) for key, inner in found.items()}
            if isinstance(found, list):
                return [change(inner) for inner in found]
            return value if type(found) is int and found == 260 else found

        (folder / "tokenizer.json").write_text(json.dumps(change(content)))
        return load_tokenizer(folder).encode("the end")

    return make


def ranks(value: int) -> Callable[[Path], object]:
    """tiktoken's ranks, the last of them far beyond the others."""

    def make(folder: Path) -> object:
        lines = [base64.b64encode(bytes([b])) + b" %d" % b for b in range(256)]
        lines.append(base64.b64encode(b"th") + b" %d" % value)
        (folder / "x.tiktoken").write_bytes(b"\n".join(lines))
        return open_bpe(folder).encode("the end")

    return make


def pair(value: int) -> Callable[[Path], object]:
    """OpenAI's pair, with an id far beyond the others."""

    def make(folder: Path) -> object:
        from core.tokenizers.bpe import BPETokenizer

        BPETokenizer.train("the end " * 9, 258).write_openai_files(folder)
        ids = json.loads((folder / "encoder.json").read_text())
        ids[max(ids, key=ids.__getitem__)] = value
        (folder / "encoder.json").write_text(json.dumps(ids))
        return open_bpe(folder).encode("the end")

    return make


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("value", [10**9, 2**31, 2**62])
@pytest.mark.parametrize("make", [gapped, ranks, pair])
def test_ids_far_beyond_the_number_of_tokens(
    tmp_path: Path, make: Callable[[int], Callable[[Path], object]], value: int
) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    used = (
        int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if sys.platform == "linux" else 0
    )
    if used:
        resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), before[1]))  # a gigabyte more is too much
    try:
        make(value)(tmp_path)
    except LabError as error:
        assert error.title and error.hint
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
