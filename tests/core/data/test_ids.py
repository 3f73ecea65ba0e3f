from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.data import ids as ids_module
from core.data.corpora import Corpus, corpus
from core.data.ids import encode_corpus
from core.errors import TokenizerError
from core.folders import cache_dir
from core.tokenizers import get_tokenizer
from core.tokenizers.chars import CharTokenizer

TEXT = "the quick brown fox jumps over the lazy dog\n" * 50


@pytest.fixture
def own(tmp_path: Path) -> Corpus:
    path = tmp_path / "own.txt"
    path.write_text(TEXT)
    return corpus(path)


class Counting(CharTokenizer):
    """Counts how often it has to work."""

    worked = 0

    def encode_array(self, text: str) -> np.ndarray:
        self.worked += 1
        return super().encode_array(text)


def test_a_corpus_is_encoded_once_and_then_mapped(own: Corpus) -> None:
    tokenizer = Counting.from_text(TEXT)
    first = encode_corpus(own, tokenizer)
    again = encode_corpus(own, tokenizer)
    assert tokenizer.worked == 1
    for ids in (first, again):
        assert isinstance(ids, np.memmap)
        assert ids.dtype == np.uint16
        assert not ids.flags.writeable
        assert tokenizer.decode(ids) == TEXT
    (file,) = (cache_dir() / "ids").iterdir()
    assert file.name == f"{own.sha256}-{tokenizer.fingerprint}.npy"
    assert np.array_equal(np.load(file), first)  # an ordinary numpy file


def test_another_text_or_tokenizer_has_a_file_of_its_own(own: Corpus) -> None:
    encode_corpus(own, CharTokenizer.from_text(TEXT))
    encode_corpus(own, CharTokenizer.from_text(TEXT + "é"))
    encode_corpus(Corpus("b", "fox", "0" * 64), CharTokenizer.from_text(TEXT))
    assert len(list((cache_dir() / "ids").iterdir())) == 3


def test_more_than_65536_entries_take_four_bytes_each(tmp_path: Path) -> None:
    text = "".join(map(chr, range(0x10000, 0x10000 + 65_537)))
    ids = encode_corpus(Corpus("many", text, "1" * 64), CharTokenizer.from_text(text), tmp_path)
    assert ids.dtype == np.uint32
    assert ids.max() == 65_536


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda raw: raw[:-1000], id="cut short"),
        pytest.param(lambda raw: raw[:-4], id="without checksum"),
        pytest.param(lambda raw: raw[:-200] + bytes([raw[-200] ^ 1]) + raw[-199:], id="a flipped bit"),
        pytest.param(lambda raw: b"", id="empty"),
        pytest.param(lambda raw: b"not numpy at all", id="something else"),
        pytest.param(lambda raw: raw.replace(b"<u2", b"<i2"), id="another type"),
        pytest.param(lambda raw: raw.replace(b"(2200,), ", b"(44,50), "), id="another shape"),
    ],
)
def test_a_damaged_file_is_made_again(own: Corpus, damage: Callable[[bytes], bytes]) -> None:
    tokenizer = Counting.from_text(TEXT)
    del_me = encode_corpus(own, tokenizer)
    del del_me  # Windows keeps a mapped file as it is
    (file,) = (cache_dir() / "ids").iterdir()
    raw = file.read_bytes()
    assert damage(raw) != raw
    file.write_bytes(damage(raw))
    ids = encode_corpus(own, tokenizer)
    assert tokenizer.worked == 2
    assert tokenizer.decode(ids) == TEXT
    assert file.read_bytes() == raw


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(own: Corpus, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    tokenizer = Counting.from_text(TEXT)
    for _ in range(2):
        ids = encode_corpus(own, tokenizer, tmp_path / "file")
        assert tokenizer.decode(ids) == TEXT
        assert not ids.flags.writeable
    assert tokenizer.worked == 2


def test_a_disk_without_room_leaves_no_half_file(own: Corpus) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        ids = encode_corpus(own, CharTokenizer.from_text(TEXT))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(ids) == len(TEXT)
    assert list((cache_dir() / "ids").iterdir()) == []


def test_many_at_once_agree(own: Corpus) -> None:
    results: list[np.ndarray] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait(20)
        results.append(encode_corpus(own, CharTokenizer.from_text(TEXT)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(results) == 4
    assert all(np.array_equal(ids, results[0]) for ids in results)
    assert len(list((cache_dir() / "ids").iterdir())) == 1


def test_what_a_tokenizer_cannot_encode_leaves_no_file(own: Corpus) -> None:
    with pytest.raises(TokenizerError, match="'q'"):
        encode_corpus(own, CharTokenizer.from_text("the "))
    assert not (cache_dir() / "ids").exists()


def test_an_empty_text_has_no_ids(tmp_path: Path) -> None:
    assert len(encode_corpus(Corpus("none", "", "2" * 64), CharTokenizer("ab"), tmp_path)) == 0


@pytest.mark.usefixtures("lab_cache")
def test_tiny_shakespeare_by_character_is_nanogpts() -> None:
    found = corpus("tiny-shakespeare")
    tokenizer = get_tokenizer("char", found.text)
    ids = encode_corpus(found, tokenizer)
    assert (tokenizer.vocab_size, len(ids)) == (65, 1_115_394)
    assert ids[:9].tolist() == [18, 47, 56, 57, 58, 1, 15, 47, 58]  # "First Cit", as nanoGPT's prepare.py numbers it


@pytest.mark.usefixtures("lab_cache")
def test_the_verdict_in_gpt2_tokens_has_the_length_the_course_names() -> None:
    ids = encode_corpus(corpus("the-verdict"), get_tokenizer("gpt2"))
    assert len(ids) == 5145
    assert ids_module.id_dtype(50_257) is ids.dtype.type
