from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError, TokenizerError
from core.tokenizers import Tokenizer, get_tokenizer
from core.tokenizers.bpe import BPETokenizer
from core.tokenizers.inspect import compare, inspect, search, vocabulary

LEARNT = "the cat sat on the mat, the cat that sat 42 times\n" * 5


def some() -> list[Tokenizer]:
    text = "a cat sat"
    made = [get_tokenizer(name, text) for name in ("words-v1", "words-v2", "char", "byte")]
    return [*made, BPETokenizer.train(LEARNT, 290)]


@given(st.text(alphabet="acst é🎉\n,"), st.integers(0, 6))
def test_a_limit_leaves_out_tokens_and_no_counts(text: str, limit: int) -> None:
    for tokenizer in some():
        whole, part = inspect(text, tokenizer), inspect(text, tokenizer, limit)
        assert part.tokens == whole.tokens[:limit]
        assert part.summary() == whole.summary()
        assert whole.total == len(whole.tokens)
        assert whole.characters == len(text)
        assert whole.bytes == len(text.encode())
        assert whole.words == len(text.split())
        unknown = sum(token.id in (-1, tokenizer.special_tokens.get("<|unk|>")) for token in whole.tokens)
        assert whole.unknown == unknown
        assert [token.id for token in whole.tokens] == whole.ids
        json.dumps(whole.to_dict())


@given(st.text(alphabet="acst é🎉\n,", max_size=40), st.integers(1, 9))
def test_counting_in_stretches_changes_no_count(text: str, stretch: int) -> None:
    import core.tokenizers.chars as chars
    import core.tokenizers.inspect as module

    char = get_tokenizer("char", "a cat sat")
    whole = inspect(text, char)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_STRETCH", stretch)
        patch.setattr(chars, "_STRETCH", stretch)
        assert inspect(text, char) == whole
    assert whole.words == len(text.split())


def test_what_has_no_id_is_marked_and_named() -> None:
    report = inspect("a dog sat, dog", get_tokenizer("words-v1", "a cat sat"))
    assert report.ids == [0, -1, 2, -1, -1]
    assert (report.unknown, report.unknown_pieces) == (3, ("dog", ","))
    assert inspect("tag", get_tokenizer("char", "at")).unknown_pieces == ("g",)
    v2 = inspect("a dog", get_tokenizer("words-v2", "a cat sat"))
    assert (v2.ids, v2.unknown_pieces) == ([0, 4], ("dog",))


def test_nothing_has_no_averages() -> None:
    report = inspect("", get_tokenizer("byte"))
    assert report.bytes_per_token is None
    assert report.tokens_per_word is None
    assert inspect("  ", get_tokenizer("byte")).tokens_per_word is None


@pytest.mark.parametrize("limit", [None, 2, 3, 99])
def test_special_tokens_stand_where_they_are_allowed(limit: int | None) -> None:
    text = "é the<|endoftext|>cat<|endoftext|>"
    for tokenizer in (BPETokenizer.train(LEARNT, 290), get_tokenizer("words-v2", "the cat")):
        report = inspect(text, tokenizer, limit, allowed_special="all")
        assert report.ids == tokenizer.encode(text, allowed_special="all")[:limit]
        assert report.total == len(tokenizer.encode(text, allowed_special="all"))
        for token in report.tokens:
            assert text.encode()[token.byte_start : token.byte_end] == token.bytes
        with pytest.raises(TokenizerError, match="stands at character 5"):
            inspect(text, tokenizer, disallowed_special="all")
    assert report.unknown == 1  # é, and not the special tokens


def test_several_are_compared_in_the_order_given() -> None:
    reports = compare("the cat", [get_tokenizer("byte"), BPETokenizer.train(LEARNT, 290)])
    assert [r.tokenizer for r in reports] == ["byte", f"bpe{reports[1].vocab_size}"]
    assert reports[0].total == 7 > reports[1].total


def test_a_vocabulary_has_every_id_once() -> None:
    for tokenizer in some():
        entries = vocabulary(tokenizer)
        assert [entry.id for entry in entries] == list(range(tokenizer.vocab_size))
        assert {e.text for e in entries if e.special} == set(tokenizer.special_tokens)


BPE = BPETokenizer.train(LEARNT, 290)


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("at", lambda e: b"at" in e.bytes),
        ("/^[a-c]$/", lambda e: e.text in "abc" and len(e.text) == 1),
        ("len:3", lambda e: len(e.bytes) == 3),
        ("len:3-5", lambda e: 3 <= len(e.bytes) <= 5),
        ("len:3-", lambda e: len(e.bytes) >= 3),
        ("len:-1", lambda e: len(e.bytes) <= 1),
        ("0x6174", lambda e: b"at" in e.bytes),
        ("61 74", lambda e: b"at" in e.bytes),
        ('"4"', lambda e: b"4" in e.bytes),
        ("42", lambda e: e.id == 42 or b"42" in e.bytes),
        ("", lambda e: True),
        ("nowhere", lambda e: False),
        ("é", lambda e: False),
        ("\udc80", lambda e: e.bytes == b"?"),  # as a shell hands over what is no UTF-8
    ],
)
def test_entries_are_found(query: str, holds: object) -> None:
    found = search(query, BPE, limit=10_000)
    assert {e.id for e in found.entries} == {e.id for e in vocabulary(BPE) if holds(e)}  # type: ignore[operator]
    assert found.total == len(found.entries)
    assert search(query, BPE, limit=1).entries == found.entries[:1]
    assert search(query, BPE, limit=1).total == found.total
    json.dumps(found.to_dict())


def test_the_best_come_first() -> None:
    texts = [e.text for e in search("at", BPE).entries]
    assert texts[0] == "at"
    starts = [text.startswith("at") for text in texts]
    assert starts == sorted(starts, reverse=True)
    assert search("116", BPE).entries[0].id == 116


@pytest.mark.parametrize(("query", "words"), [("/(/", "regular expression"), ("len:x", "length"), ("len:", "length")])
def test_a_query_that_cannot_be_read_says_how(query: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        search(query, BPE)
