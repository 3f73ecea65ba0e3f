from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DiskFullError, TokenizerError
from core.tokenizers import Tokenizer, get_tokenizer, load_tokenizer
from core.tokenizers.chars import CharTokenizer

any_text = st.text(min_size=1)


@given(any_text, st.data())
def test_text_comes_back_in_both_ways(text: str, data: st.DataObject) -> None:
    tokenizer = CharTokenizer.from_text(text)
    other = "".join(data.draw(st.lists(st.sampled_from(text))))
    ids = tokenizer.encode(other)
    assert tokenizer.encode_array(other).tolist() == ids
    assert tokenizer.decode(ids) == tokenizer.decode(tokenizer.encode_array(other)) == other
    assert all(0 <= i < tokenizer.vocab_size for i in ids)


@given(st.text())
def test_the_tokens_lie_one_behind_the_other(text: str) -> None:
    tokenizer = CharTokenizer.from_text(text + "x")
    tokens = tokenizer.tokens(text)
    assert [t.id for t in tokens] == tokenizer.encode(text)
    raw = text.encode()
    for n, token in enumerate(tokens):
        assert (token.char_start, token.char_end) == (n, n + 1)
        assert text[token.char_start : token.char_end] == token.text
        assert raw[token.byte_start : token.byte_end] == token.bytes


@given(any_text)
def test_a_saved_tokenizer_is_the_same_when_used(text: str) -> None:
    tokenizer = CharTokenizer.from_text(text)
    with tempfile.TemporaryDirectory() as folder:
        path = tokenizer.save(folder)
        assert path == Path(folder) / "tokenizer.json"
        assert [p.name for p in Path(folder).iterdir()] == ["tokenizer.json"]
        for loaded in (load_tokenizer(folder), load_tokenizer(path), CharTokenizer.load(folder)):
            assert loaded.encode(text) == tokenizer.encode(text)
            assert loaded.fingerprint == tokenizer.fingerprint
            assert (loaded.name, loaded.vocab_size, loaded.special_tokens) == ("char", len(set(text)), {})


def test_ids_follow_the_code_points() -> None:
    assert CharTokenizer.from_text("b\na🎉é").characters == "\nabé🎉"


def test_it_is_what_the_protocol_asks_for() -> None:
    tokenizer: Tokenizer = CharTokenizer("ab")
    assert get_tokenizer("char", "ba").fingerprint == tokenizer.fingerprint
    assert get_tokenizer("char", "bac").fingerprint != tokenizer.fingerprint
    assert CharTokenizer("ba").fingerprint != tokenizer.fingerprint


@pytest.mark.parametrize(("text", "name"), [("abXab", "'X' (U+0058) at position 2"), ("ab🎉", "U+1F389"), ("é", "'é'")])
def test_an_unknown_character_is_named_with_its_place(text: str, name: str) -> None:
    tokenizer = CharTokenizer("abz")
    for encode in (tokenizer.encode, tokenizer.encode_array, tokenizer.tokens):
        with pytest.raises(TokenizerError) as caught:
            encode(text)
        assert name in caught.value.title
        assert "gpt2" in caught.value.hint


@pytest.mark.parametrize("ids", [[3], [0, -1], np.array([0, 700], dtype=np.uint16)])
def test_an_id_that_is_not_there_is_named(ids: list[int]) -> None:
    with pytest.raises(TokenizerError, match=r"expected ids from 0 to 2, got (3|-1|700)"):
        CharTokenizer("abc").decode(ids)


def test_nothing_is_encoded_as_nothing() -> None:
    tokenizer = CharTokenizer("a")
    assert tokenizer.encode("") == []
    assert tokenizer.encode_array("").dtype == np.uint16
    assert tokenizer.decode([]) == ""
    assert tokenizer.tokens("") == []


def test_the_type_of_the_ids_holds_the_largest() -> None:
    characters = "".join(map(chr, range(0x10000, 0x10000 + 65_537)))
    for n, dtype in [(65_535, np.uint16), (65_536, np.uint16), (65_537, np.uint32)]:
        tokenizer = CharTokenizer(characters[:n])
        ids = tokenizer.encode_array(characters[:n])
        assert ids.dtype == dtype
        assert np.array_equal(ids, np.arange(n))
        with pytest.raises(TokenizerError):
            tokenizer.encode_array("a" + characters[0])


@pytest.mark.parametrize("characters", ["", "aba"])
def test_characters_must_be_some_and_different(characters: str) -> None:
    with pytest.raises(TokenizerError):
        CharTokenizer(characters)


def test_a_text_of_nothing_makes_no_tokenizer() -> None:
    with pytest.raises(TokenizerError, match="empty text"):
        get_tokenizer("char", "")
    with pytest.raises(TokenizerError, match="is made from a text, got none") as caught:
        get_tokenizer("char")
    assert "load_tokenizer" in caught.value.hint


def test_a_name_that_is_not_known_offers_the_nearest() -> None:
    with pytest.raises(TokenizerError, match="did you mean gpt2") as caught:
        get_tokenizer("gpt-2")
    assert "char, byte, gpt2" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "found none"),
        (b"", "damaged"),
        (b"\xff\xfe", "damaged"),
        (b'{"format": 1, "kind": "char", "characters": "ab', "damaged"),
        (b"[" * 100_000, "damaged"),
        (b"[]", "not a tokenizer"),
        (b'{"format": true, "kind": "byte"}', "not a tokenizer"),
        (b'{"version": "1.0", "model": {"type": "BPE"}}', "tokenizer of Hugging Face's"),
        (b'{"kind": "char"}', "not a tokenizer"),
        (b'{"format": 99, "kind": "char"}', "format 99"),
        (b'{"format": 1, "kind": "words"}', "'words'"),
        (b'{"format": 1, "kind": "char", "characters": 3}', "characters"),
        (b'{"format": 1, "kind": "char", "characters": "aa"}', "twice"),
        (b'{"format": 1, "kind": "tiktoken"}', "tiktoken"),
        (b'{"format": 1, "kind": "tiktoken", "name": "x", "pattern": "", "special_tokens": [], "tokens": 3}', "tiktok"),
    ],
)
def test_a_file_that_is_no_tokenizer_is_refused_in_two_lines(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(TokenizerError) as caught:
        load_tokenizer(tmp_path)
    assert words in caught.value.title
    assert caught.value.hint
    assert "\n" not in caught.value.title + caught.value.hint


def test_a_file_may_be_named_as_one_likes(tmp_path: Path) -> None:
    path = CharTokenizer("ab").save(tmp_path).rename(tmp_path / "mine.json")
    assert load_tokenizer(path).encode("ba") == [1, 0]
    (tmp_path / "notes").write_text("no tokenizer")
    with pytest.raises(TokenizerError, match=r"notes is damaged"):
        load_tokenizer(tmp_path / "notes")


def test_saving_replaces_what_was_there(tmp_path: Path) -> None:
    CharTokenizer("ab").save(tmp_path / "run")
    path = CharTokenizer("abc").save(tmp_path / "run")
    assert json.loads(path.read_text())["characters"] == "abc"
    assert len(list(path.parent.iterdir())) == 1


def test_saving_where_there_is_no_room_leaves_what_was_there(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    CharTokenizer("ab").save(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(DiskFullError):
            CharTokenizer("".join(map(chr, range(256, 1000)))).save(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert load_tokenizer(tmp_path).encode("ba") == [1, 0]
    assert len(list(tmp_path.iterdir())) == 1
