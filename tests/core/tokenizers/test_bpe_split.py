from __future__ import annotations

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from core.tokenizers import bpe_split
from core.tokenizers.bpe_split import Splitter
from core.tokenizers.vocabularies import CL100K_PATTERN, GPT2_PATTERN, O200K_PATTERN

ENCODER_PY = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
ascii_texts = st.one_of(
    st.text(st.characters(max_codepoint=127)),
    st.lists(
        st.sampled_from([" ", "  ", "\n", "\r\n", "\x1c", "\x1f", "\v", "'", "'s", "'LL", "ll", "a", "9", "_", "."])
    ).map("".join),
)


def cut(splitter: Splitter, text: str) -> list[str]:
    return [piece for some in splitter.pieces(text) for piece in some]


@pytest.mark.parametrize("pattern", [GPT2_PATTERN, ENCODER_PY], ids=["tiktoken", "encoder.py"])
@given(text=ascii_texts)
def test_pythons_own_re_cuts_ascii_as_the_pattern_does(pattern: str, text: str) -> None:
    splitter = Splitter(pattern)
    assert splitter._gpt2
    assert cut(splitter, text) == regex.findall(ENCODER_PY, text) == regex.findall(GPT2_PATTERN, text)


def test_pythons_own_re_knows_every_pair_of_ascii_characters() -> None:
    for first in map(chr, range(128)):
        text = "".join(f"{first}{second}x " for second in map(chr, range(128)))
        assert cut(Splitter(GPT2_PATTERN), text) == regex.findall(ENCODER_PY, text)


@given(text=st.text(st.characters(exclude_categories=("Cs",))))
def test_both_ways_to_write_gpt2s_pattern_cut_alike(text: str) -> None:
    assert cut(Splitter(GPT2_PATTERN), text) == cut(Splitter(ENCODER_PY), text)


@pytest.mark.parametrize("pattern", [GPT2_PATTERN, CL100K_PATTERN, O200K_PATTERN], ids=["gpt2", "cl100k", "o200k"])
@given(text=st.text(st.characters(exclude_categories=("Cs",))))
def test_nothing_is_lost_and_stretches_join_to_the_text(pattern: str, text: str) -> None:
    splitter, text = Splitter(pattern), f"one two, {text} three four{text}five six"
    assert "".join(cut(splitter, text)) == text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bpe_split, "STRETCH", 3)
        stretches = list(splitter.stretches(text))
        assert "".join(stretches) == text
        assert len(stretches) > 1
        assert [piece for stretch in stretches for piece in cut(Splitter(pattern), stretch)] == cut(splitter, text)


def test_an_unknown_pattern_is_never_cut_in_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpe_split, "STRETCH", 3)
    assert list(Splitter(r"[\s\S]+").stretches("one two three four")) == ["one two three four"]
    monkeypatch.setattr(bpe_split, "LONG_STRETCH", 3)
    assert cut(Splitter(r"\w+ \w+|\s"), "one two three four") == ["one two", " ", "three four"]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("Hello world", ["Hello", " world"]),
        ("it's 12345 cats!?", ["it", "'s", " 12345", " cats", "!?"]),
        ("a   b", ["a", "  ", " b"]),
        ("a \r\n b", ["a", " \r\n", " b"]),
        ("tail   ", ["tail", "   "]),
        ("naïve café", ["naïve", " café"]),
        ("日本 2½", ["日本", " 2½"]),
    ],
)
def test_what_gpt2_does_with_words(text: str, pieces: list[str]) -> None:
    assert cut(Splitter(GPT2_PATTERN), text) == pieces


def test_characters_newer_than_tiktokens_unicode_are_no_letters() -> None:
    """U+088F was given a meaning after the edition that tiktoken knows; the day it learns it, this test says so."""
    assert bpe_split.stand_ins("aé") == {}
    text = "a\u088fb"
    newer = bpe_split.stand_ins(text)
    if regex.match(r"\p{L}", "\u088f") and newer:
        assert newer == {0x88F: "\u0378"}
        assert cut(Splitter(GPT2_PATTERN), text) == ["a", "\u088f", "b"]
    else:
        assert len(cut(Splitter(GPT2_PATTERN), text)) == (1 if regex.match(r"\p{L}", "\u088f") else 3)
