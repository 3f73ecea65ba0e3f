"""Vectors by name: the demo's, published ones, models' tables, files; and the copy that is kept of large ones."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from vector_files import binary, names, numbers, text, write

import core
from core.config import GPTConfig
from core.errors import InputError, LabError, ModelSpecError
from core.folders import cache_dir
from core.model.gpt import GPT
from core.tokenizers.bpe import BPETokenizer
from core.vectors import importing
from core.vectors.gpt_tables import token_word
from core.vectors.progress import CancelledError
from core.vectors.sources import list_vectors, load_steps, load_vectors
from core.weights.huggingface import config_dict
from core.weights.keymap import tensor_names


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies lie; every file is a large one."""
    monkeypatch.setattr(importing, "LARGE", 1)
    return cache_dir() / "vectors" / "mapped"


def kept(copies: Path) -> list[str]:
    return sorted(path.name for path in copies.iterdir() if path.suffix != ".lock") if copies.exists() else []


# --- names


def test_the_demo_is_there_and_says_that_it_is_synthetic() -> None:
    found = core.load_vectors("demo")
    assert found.synthetic and "synthetic" in found.label and found.spec == "demo"
    assert found.evaluate("king - man + woman").neighbours[0].word == "queen"


@pytest.mark.parametrize(
    ("spec", "kind", "title", "hint"),
    [
        ("glove-wiki-gigaword-50", InputError, "not on this machine", "llm-lab pull glove-wiki-gigaword-50"),
        ("glove-wiki-gigaword-5", InputError, "did you mean glove-wiki-gigaword-50", "llm-lab vectors list"),
        ("nothing.bin", InputError, "no such file", "llm-lab vectors list"),
        ("", InputError, "no such file", "list"),
        ("a\0b", InputError, "no such file", "list"),
        ("x" * 5000, InputError, "no such file", "list"),
        ("gpt2", InputError, "is a model", "gpt2:wte"),
        ("gpt2:wte", ModelSpecError, "not on this machine", "llm-lab pull gpt2"),
        ("nobody:wte", ModelSpecError, "nobody", ""),
        ("demo:head", ModelSpecError, "no output embeddings of its own", "demo:wte"),
        ("~", InputError, "is a folder", "file"),
    ],
)
def test_names_that_cannot_be_used(spec: str, kind: type[LabError], title: str, hint: str) -> None:
    with pytest.raises(kind) as caught:
        load_vectors(spec)
    assert title in caught.value.title and hint in caught.value.hint and caught.value.hint


def test_a_published_name_is_found_where_pull_puts_it() -> None:
    name = "glove-twitter-25"
    folder = cache_dir() / "vectors" / name
    folder.mkdir(parents=True)
    write(folder / f"{name}.gz", text(names(4), numbers(4, 25)), gzipped=True)
    assert load_vectors(name).width == 25 and load_vectors(name).label == name
    listed = {source.name: source for source in list_vectors()}
    assert listed[name].here and not listed[name].get
    assert not listed["glove-twitter-50"].here and listed["glove-twitter-50"].get == "llm-lab pull glove-twitter-50"
    assert listed["demo"].synthetic and listed["demo"].words == len(load_vectors("demo"))
    assert listed["demo:wte"].here and listed["demo:wte"].width == load_vectors("demo:wte").width
    assert "demo:wte" not in {source.name for source in list_vectors(models=False)}
    assert listed["gpt2:wte"].to_dict()["get"] == "llm-lab pull gpt2"


# --- a GPT's tables


def test_the_tables_of_the_demo_model_are_its_weights() -> None:
    loaded = core.load_model("demo", device="cpu")
    tokens, positions = load_vectors("demo:wte"), load_vectors("demo:wpe")
    assert np.array_equal(tokens.matrix_all, loaded.model.wte.weight.numpy())
    assert np.array_equal(positions.matrix_all, loaded.model.wpe.weight.numpy())
    assert list(positions.words[:3]) == ["0", "1", "2"] and len(positions) == loaded.config.context_length
    for token in (0, 65, 300, len(tokens) - 1):
        piece = loaded.tokenizer.token_bytes(token)
        assert tokens.words[token] in (token_word(piece), piece.decode("utf-8", "replace"))
    step = next(step for step in core.open_run("demo").snapshots).step
    earlier = load_vectors(f"demo@{step}:wte")
    assert earlier.words[:] == tokens.words[:] and not np.array_equal(earlier.matrix_all, tokens.matrix_all)


def test_a_word_that_is_several_tokens_says_so() -> None:
    tokens = load_vectors("demo:wte")
    assert tokens.pieces is not None
    parts = tokens.pieces("unbelievable")
    assert len(parts) > 1 and "".join(parts) == "unbelievable"
    with pytest.raises(InputError) as caught:
        tokens.vector("unbelievable")
    assert f"it is {len(parts)} tokens" in caught.value.hint and parts[1] in caught.value.hint
    assert tokens.evaluate(" + ".join(f'"{part}"' for part in parts)).neighbours


def test_every_token_has_a_word_of_its_own() -> None:
    pieces = [bytes([b]) for b in range(256)] + [b" ", "·".encode(), "⟨E2⟩".encode(), b" \n", "↵".encode()]
    words = [token_word(piece) for piece in dict.fromkeys(pieces)]
    assert len(set(words)) == len(words) and all(word.isprintable() and " " not in word for word in words)


def untied_folder(folder: Path) -> tuple[Path, GPT]:
    """A folder of Hugging Face's kind whose head is a table of its own, and its model."""
    shape = GPTConfig(257, 8, 8, 2, 1, tie_weights=False)
    model = GPT(shape, torch.Generator().manual_seed(0))
    values = dict(model.named_parameters())
    save_file(
        {
            name.huggingface: (values[name.ours].t() if name.transposed_in_openai else values[name.ours])
            .detach()
            .contiguous()
            for name in tensor_names(shape)
        },
        folder / "model.safetensors",
    )
    (folder / "config.json").write_text(json.dumps(config_dict(shape)))
    BPETokenizer({bytes([b]): b for b in range(256)}, special_tokens={"<|endoftext|>": 256}).save(folder / "llm-lab")
    return folder, model


def test_an_untied_head_is_a_table(tmp_path: Path) -> None:
    folder, model = untied_folder(tmp_path)
    found = load_vectors(f"{folder}:head")
    assert np.array_equal(found.matrix_all, model.lm_head.weight.detach().numpy())
    assert found.words[:] == load_vectors(f"{folder}:wte").words[:]


def test_an_original_of_openais_is_converted_first_or_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.weights import locate
    from core.weights.progress import ConvertProgress

    def prepare(spec: str, cancelled: threading.Event | None) -> list[ConvertProgress]:
        assert spec == "demo" and cancelled is not None
        cancelled.set()
        return [ConvertProgress("tensor", "wte", 1, 2, 50, 100, Path("x"))]

    monkeypatch.setattr(locate, "prepare", prepare)
    steps = load_steps("demo:wte", threading.Event())
    first = next(steps)
    assert (first.phase, first.bytes_done, first.bytes_total) == ("converting", 50, 100)
    with pytest.raises(CancelledError):
        next(steps)


# --- the copy of a large file


def test_the_second_load_comes_from_a_mapped_copy(tmp_path: Path, copies: Path) -> None:
    matrix = numbers(300, 11)
    path = write(tmp_path / "v.txt", text(names(300), matrix))
    phases = [step.phase for step in load_steps(path)]
    assert phases[0] == "reading" and phases[-3:] == ["sorting", "writing", "done"]
    assert len(kept(copies)) == 1
    again = list(load_steps(path))
    assert [step.phase for step in again] == ["done"]
    found = again[0].vectors
    assert found is not None and np.array_equal(found.matrix_all, matrix) and not found.matrix_all.flags.writeable
    base = found.matrix_all
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap), "it is mapped, not read"
    assert found.words[7] == "w7" and found.keyed.most_similar("w7", topn=2)[0][0] == found.neighbours("w7", 2)[0].word


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_copies_of_any_shape_open(tmp_path: Path, copies: Path, count: int, width: int) -> None:
    path = write(tmp_path / "v", binary(names(count), numbers(count, width)))
    first, second = load_vectors(path), load_vectors(path)
    assert len(kept(copies)) == 1
    assert list(first.words) == list(second.words) and np.array_equal(first.matrix_all, second.matrix_all)


def test_a_file_that_changed_is_read_anew_and_its_old_copy_goes(tmp_path: Path, copies: Path) -> None:
    path = write(tmp_path / "v", binary(names(5), numbers(5, 3)))
    load_vectors(path)
    before = kept(copies)
    write(tmp_path / "v", binary(names(5), numbers(5, 3, seed=1)))
    os.utime(path, ns=(1, 1))
    found = load_vectors(path)
    assert np.array_equal(found.matrix_all, numbers(5, 3, seed=1))
    assert len(kept(copies)) == 1 and kept(copies) != before
    other = write(tmp_path / "other", binary(names(5), numbers(5, 3)))
    load_vectors(other)
    assert len(kept(copies)) == 2


def test_notes_are_kept_with_the_copy(tmp_path: Path, copies: Path) -> None:
    path = write(tmp_path / "v", binary([b"a", b"b", b"a"], numbers(3, 3)))
    first, second = load_vectors(path).notes, load_vectors(path).notes
    assert first == second and "second time" in first[0]


def test_reading_can_be_given_up_and_leaves_nothing(
    tmp_path: Path, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.vectors import reading

    monkeypatch.setattr(reading, "_PIECE", 500)
    path = write(tmp_path / "v", binary(names(100), numbers(100, 30)))
    for after in (0, 1, 5):
        cancel = threading.Event()
        with pytest.raises(CancelledError):
            for n, _ in enumerate(load_steps(path, cancel)):
                if n == after:
                    cancel.set()
        assert kept(copies) == []
    steps = load_steps(path)
    next(steps)
    next(steps)
    steps.close()
    assert kept(copies) == []
    assert len(load_vectors(path)) == 100


def test_progress_counts_the_bytes_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.vectors import reading

    monkeypatch.setattr(reading, "_PIECE", 700)
    path = write(tmp_path / "v", text(names(200), numbers(200, 5)), gzipped=True)
    steps = list(load_steps(path))
    done = [step.bytes_done for step in steps]
    assert done == sorted(done) and done[-1] == steps[-1].bytes_total == Path(path).stat().st_size
    assert steps[-1].words == 200 and "vectors" not in steps[-1].to_dict()
