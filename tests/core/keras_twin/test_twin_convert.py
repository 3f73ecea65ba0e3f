"""``llm-lab convert`` to a ``.keras`` file and back, by a process of its own; and what is refused before or in it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core.child import Say
from core.errors import CheckpointError, InputError, LabError, MemoryShortError
from core.keras_twin import compare_child, convert_child, memory
from core.tokenizers import get_tokenizer
from core.weights import own
from core.weights.convert import convert
from core.weights.huggingface import CONFIG, WEIGHTS
from lab.__main__ import main
from tests.tiny_models import LETTERS
from tests.twin_models import SHAPES, arrays_of, torch_model

SMALL = SHAPES["tied, no bias"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of ours in a folder."""
    from core.files import write_json_atomic

    folder = tmp_path_factory.mktemp("model")
    save_file({name: np.ascontiguousarray(a) for name, a in arrays_of(torch_model(SMALL)).items()}, folder / WEIGHTS)
    write_json_atomic(folder / CONFIG, own.config_dict(SMALL))
    get_tokenizer("char", LETTERS).save(folder)
    return folder


def nothing(_: Any) -> None:
    """Hears no progress."""


def test_there_by_the_command_line_and_back_with_every_bit(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new" / "small.keras"
    assert main(["convert", str(model), str(file), "--to", "keras"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{model} is in {file}: ") and said.out.endswith(" for keras\n") and not said.err
    assert [path.name for path in file.parent.iterdir()] == ["small.keras"]
    heard: list[Any] = []
    listen: Say = heard.append
    convert_child.convert({"src": str(file), "target": str(tmp_path / "back")}, listen)
    assert heard[-1]["phase"] == "done" and heard[-1]["bytes_total"] == 4 * SMALL.parameters()
    first, back = load_file(model / WEIGHTS), load_file(tmp_path / "back" / WEIGHTS)
    assert first.keys() == back.keys() and all(np.array_equal(back[name], first[name]) for name in first)
    assert main(["convert", str(model), str(file), "--to", "keras", "--json"]) == 2
    assert "is there already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("src", "dst", "to", "words"),
    [
        ("MODEL", "small", "keras", ("ends in .keras", "small.keras")),
        ("MODEL", "~nobody-here/small.keras", "keras", ("cannot be made", "another name")),
        ("nobody", "small.keras", "keras", ("no model is called nobody", "llm-lab runs")),
        ("small.keras", "folder", "huggingface", ("folder of ours", "--to llm-lab")),
        ("MODEL", "folder", "kears", ("did you mean keras", "huggingface")),
        ("PICKLE", "small.keras", "keras", ("is a pickle", "--to llm-lab")),
    ],
)
def test_what_is_refused_before_tensorflow_is_loaded(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, src: str, dst: str, to: Any, words: tuple[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.bin").write_bytes(b"PK\3\4")
    monkeypatch.setattr("core.keras_twin.convert.at_work", None)
    given = src.replace("MODEL", str(model)).replace("PICKLE", str(tmp_path / "old.bin"))
    with pytest.raises(LabError) as caught:
        list(convert(given, dst, to))
    assert words[0] in caught.value.title and words[1] in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["old.bin"]


def test_what_is_given_up_or_goes_wrong_leaves_nothing(model: Path, tmp_path: Path) -> None:
    cancelled = threading.Event()
    for step in convert(str(model), tmp_path / "small.keras", "keras", cancelled):
        assert step.phase == "starting"
        cancelled.set()
    assert not list(tmp_path.iterdir())
    torn = tmp_path / "torn.keras"
    torn.write_bytes(b"PK\3\4 torn")
    with pytest.raises(CheckpointError, match=r"cannot be read as a \.keras file"):
        convert_child.convert({"src": str(torn), "target": str(tmp_path / "back")}, nothing)
    with pytest.raises(InputError, match="ends in"):
        list(convert(str(model), tmp_path / "small.h5", "keras"))
    assert [path.name for path in tmp_path.iterdir()] == ["torn.keras"]


def test_memory_is_asked_for_first(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: memory.twin_bytes(SMALL, 5))
    memory.check_memory(SMALL, "the comparison", 5)
    with pytest.raises(MemoryShortError, match="the comparison would need about") as caught:
        memory.check_memory(SMALL, "the comparison", 9)
    assert caught.value.hint == "a shorter text would fit: 5 tokens"
    monkeypatch.setattr(memory, "free_memory", lambda: 1 << 20)
    monkeypatch.setattr(compare_child, "load_tensorflow", None)  # it is not come to
    for refused in (
        lambda: list(compare_child.compare("demo", "the same words", 1e-4)),
        lambda: convert_child.convert({"src": str(model), "target": str(tmp_path / "small.keras")}, nothing),
    ):
        with pytest.raises(MemoryShortError, match=r"0\.0 GiB are free") as caught:
            refused()
        assert "smaller model" in caught.value.hint
