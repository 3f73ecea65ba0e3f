from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from core.config import GPTConfig, TrainConfig
from core.data import ids as ids_module
from core.data import window_sets
from core.data.corpora import Corpus, corpus
from core.data.ids import encode_corpus, encode_file
from core.data.torch_windows import BatchDataset, WindowDataset, data_loader
from core.data.window_sets import windows_of
from core.data.window_setting import WindowSetting
from core.data.windows import Windows, batch_indices
from core.errors import ConfigError, CorpusError, InputError
from core.folders import cache_dir
from core.presets import WINDOW_PRESETS
from core.tokenizers import get_tokenizer
from core.tokenizers.bpe import BPETokenizer
from core.training.material import prepare


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("the quick brown fox jumps over the lazy dog, naïve café\n" * 50, encoding="utf-8")
    return path


@pytest.mark.usefixtures("lab_cache")
def test_the_classic_setting_is_one_preset() -> None:
    made = windows_of(WINDOW_PRESETS["shakespeare-tf"])
    assert made.characters == 1_003_854
    assert made.tokens == 301_966  # as nanoGPT's data/shakespeare/prepare.py counts the same part
    assert made.windows.ids.base is not None  # mapped from the disk
    assert (made.setting.context_length, made.windows.stride, made.setting.batch_size) == (100, 4, 8)
    assert (len(made.windows), made.full_batches, made.left_over) == (75_467, 9_433, 3)
    by_character = windows_of(replace(made.setting, tokenizer="char"))
    assert (by_character.tokens, len(by_character.windows)) == (1_003_854, 250_939)
    assert (by_character.full_batches, by_character.left_over) == (31_367, 3)
    x, y = made.batch(7, seed=3)
    assert x.shape == y.shape == (8, 100)
    assert np.array_equal(x[:, 1:], y[:, :-1])


def test_parts_are_cut_by_characters(text_file: Path) -> None:
    setting = WindowSetting(str(text_file), "char", 8, None, 4, 0.25)
    whole = text_file.read_text(encoding="utf-8")
    cut = int(len(whole) * 0.75)
    for part, text in (("training", whole[:cut]), ("validation", whole[cut:]), ("all", whole)):
        made = windows_of(setting, part)  # type: ignore[arg-type]
        assert made.tokenizer.decode(made.windows.ids) == text
        assert made.to_dict()["characters"] == len(text)
        assert made.to_dict()["windows"] == (len(text) - 9) // 8 + 1


@pytest.mark.parametrize("val_fraction", [0.0, 0.001, 0.1, 0.25, 0.4])
def test_no_word_is_cut_in_two(text_file: Path, val_fraction: float) -> None:
    whole, parts = text_file.read_text(encoding="utf-8"), []
    for part in ("training", "validation")[: 2 if val_fraction > 0.01 else 1]:
        made = windows_of(WindowSetting(str(text_file), "words-v1", 1, val_fraction=val_fraction), part)  # type: ignore[arg-type]
        parts += made.windows.ids.tolist()
        assert abs(made.characters - len(whole) * {"training": 1 - val_fraction}.get(part, val_fraction)) < 8
    assert parts == get_tokenizer("words-v1", whole).encode(whole)


def test_a_text_too_short_names_both_lengths(text_file: Path) -> None:
    with pytest.raises(CorpusError, match=r"validation part of the text has \d+ tokens.* 900 needs 901"):
        windows_of(WindowSetting(str(text_file), "byte", 900), "validation")


@pytest.mark.parametrize(
    "wrong", [{"context_length": 0}, {"stride": 0}, {"batch_size": 0}, {"batch_size": 10**11}, {"val_fraction": 1.0}]
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        WindowSetting("the-verdict", **wrong)  # type: ignore[arg-type]


# PyTorch


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 5), st.integers(0, 99))
def test_the_loaders_batches_belong_to_their_steps(context: int, stride: int, batch: int, seed: int) -> None:
    windows = Windows(np.arange(40), context, stride)
    for kind in ("sliding", "random"):
        loaded = list(data_loader(windows, batch, kind=kind, seed=seed, steps=9))  # type: ignore[arg-type]
        assert len(loaded) == 9
        for step, (x, y) in enumerate(loaded):
            wanted = windows.gather(batch_indices(kind, len(windows), batch, seed, step))  # type: ignore[arg-type]
            assert np.array_equal(x.numpy(), wanted[0]) and np.array_equal(y.numpy(), wanted[1])
            assert x.dtype == y.dtype == torch.int64
        later = list(data_loader(windows, batch, kind=kind, seed=seed, first_step=4, steps=9))  # type: ignore[arg-type]
        assert all(
            torch.equal(a, b) for one, two in zip(loaded[4:], later, strict=True) for a, b in zip(one, two, strict=True)
        )


def test_a_pass_sees_every_whole_batch_once() -> None:
    windows = Windows(np.arange(100), 4)
    firsts = [int(x[0]) for batch, _ in data_loader(windows, 5) for x in batch]
    assert len(firsts) == len(set(firsts)) == len(windows) // 5 * 5
    with pytest.raises(IndexError):
        BatchDataset(windows, 5)[4]


def test_torchs_own_shuffling_works_too() -> None:
    windows = Windows(np.arange(50, dtype=np.uint16), 4, 2)
    loader = DataLoader(WindowDataset(windows), batch_size=6, shuffle=True)
    seen = sorted(int(x[0]) for batch, _ in loader for x in batch)
    assert seen == list(range(0, 46, 2))


def test_the_trainer_takes_the_same_batches(text_file: Path) -> None:
    config = TrainConfig(
        model=GPTConfig(None, 8, 16, 1, 2),
        corpus=str(text_file),
        tokenizer="char",
        windows="sliding",
        stride=2,
        batch_size=3,
    )
    material = prepare(config)
    loader = data_loader(material.windows, 3, seed=config.seed, steps=5)
    for step, (x, y) in enumerate(loader):
        ((wanted_x, wanted_y),) = material.batches(step)
        assert np.array_equal(x.numpy(), wanted_x) and np.array_equal(y.numpy(), wanted_y)


# Files larger than memory


@pytest.mark.parametrize("stretch", [1, 7, 100, 10**6])
@pytest.mark.parametrize("name", ["byte", "char", "words-v2", "bpe", "bpe with a pattern of its own"])
def test_a_file_in_stretches_has_the_ids_of_the_whole(
    text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, stretch: int
) -> None:
    whole = corpus(text_file)
    if name.startswith("bpe"):
        pattern = {} if name == "bpe" else {"pattern": r"\w+ \w+|\s|."}
        tokenizer = BPETokenizer.train(whole.text, 300, **pattern)
    else:
        tokenizer = get_tokenizer(name, whole.text)  # type: ignore[assignment]
    monkeypatch.setattr(ids_module, "_STRETCH", stretch)
    ids = encode_file(text_file, tokenizer, tmp_path / "a")
    assert ids.tolist() == tokenizer.encode_array(whole.text).tolist()
    assert not ids.flags.writeable
    encode_corpus(whole, tokenizer, tmp_path / "b")
    (one,), (other,) = ((tmp_path / folder / "ids").iterdir() for folder in "ab")
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(("content", "words"), [(b"", "is empty"), (b"ab\xff\xfe", "0xff"), (None, "cannot be read")])
def test_a_large_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "large.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CorpusError, match=words):
        encode_file(path, get_tokenizer("byte"))
    assert not (cache_dir() / "ids").exists()


def test_a_large_file_is_windowed_without_its_text(text_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_sets, "LARGE", 100)
    monkeypatch.setattr(Corpus, "__init__", lambda *_: pytest.fail("the text was held in memory"))
    made = windows_of(WindowSetting(str(text_file), "byte", 8))
    assert made.tokens == int(len(text_file.read_bytes()) * 0.9)
    with pytest.raises(InputError, match="too large to hold"):
        windows_of(WindowSetting(str(text_file), "char", 8))
