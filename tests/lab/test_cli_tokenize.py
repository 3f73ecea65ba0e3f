from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from core.tokenizers.bpe import BPETokenizer
from lab.cli.tokenize import read_source

TEXT = "The tokenizer splits “unbelievable” words: naïve café, 12345 + 67;"
IDS = [464, 11241, 7509, 30778, 564, 250, 403, 6667, 11203, 540, 447, 251, 2456, 25, 41492, 40304, 11, 17031, 2231]


@pytest.fixture
def gpt2_vocabulary(llm_lab, shared_cache):
    """GPT-2's vocabulary in the command line's cache."""
    return shared_cache.fill(llm_lab.root / "cache", "tiktoken/0ea1e91bbb3a60f729a8dc8f777fd2fc07cd8df4")


@pytest.fixture
def the_verdict(llm_lab, shared_cache):
    """The Verdict in the command line's cache."""
    return shared_cache.fill(llm_lab.root / "cache", "corpora/the-verdict.txt")


def piped(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))


def test_the_tokens_of_a_text(llm_lab, gpt2_vocabulary):
    said = llm_lab("tokenize", "gpt2", TEXT)
    assert (said.code, said.err) == (0, "")
    first, blank, header, *rows = said.out.splitlines()
    assert first == (
        "gpt2 (50,257 entries) · 22 tokens · 66 characters · 72 bytes · 3.27 bytes per token · 2.20 tokens per word"
    )
    assert (blank, header.split()) == ("", ["#", "id", "token", "bytes", "characters", "byte", "span"])
    assert [int(row.split()[1]) for row in rows][: len(IDS)] == IDS
    assert rows[5].split() == ["5", "250", "⟨9C⟩", "9c", "21-22", "23-24"]
    found = llm_lab("tokenize", "gpt2", TEXT, "--json").json
    assert found["ids"][: len(IDS)] == IDS
    assert b"".join(bytes.fromhex(token["bytes"]) for token in found["list"]) == TEXT.encode()
    assert (found["tokens"], found["bytes"], found["words"]) == (22, 72, 10)


def test_a_file_a_corpus_and_a_pipe(llm_lab, tmp_path, monkeypatch, the_verdict):
    (tmp_path / "a text").write_bytes(b"\xef\xbb\xbfabc\r\n")
    assert llm_lab("tokenize", "byte", tmp_path / "a text", "--json").json["ids"] == [97, 98, 99, 13, 10]
    assert llm_lab("tokenize", "byte", "no file", "--json").json["tokens"] == 7
    assert llm_lab("tokenize", "words-v1", "the-verdict", "--json", "--limit", 1).json["vocab_size"] == 1130
    piped(monkeypatch, "é\0".encode())
    assert llm_lab("tokenize", "byte", "-", "--json").json["ids"] == [195, 169, 0]
    piped(monkeypatch, b"ab")
    assert llm_lab("tokenize", "byte", "--json").json["tokens"] == 2
    piped(monkeypatch, b"ab\xff")
    assert "0xff at byte 2" in llm_lab("tokenize", "byte", "-").error["title"]
    piped(monkeypatch, b"")
    said = llm_lab("tokenize", "byte", "-")
    assert said.out == "byte (256 entries) · 0 tokens · 0 characters · 0 bytes\n"
    assert llm_lab("tokenize", "byte", "", "--json").json["bytes_per_token"] is None


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\x89PNG\r\n\x1a\n\0\0", "binary"), (b"\xff\xfea\0", "UTF-16"), (b"caf\xe9", "0xe9"), (b"", "is empty")],
)
def test_a_file_that_is_no_text(llm_lab, tmp_path, content, words):
    (tmp_path / "file").write_bytes(content)
    said = llm_lab("tokenize", "byte", tmp_path / "file")
    assert said.code == 2
    assert words in said.error["title"]


def test_a_long_line_without_spaces(llm_lab, tmp_path):
    line = tmp_path / "line"
    line.write_bytes(b"abcde" * 10_000_000)
    for name, tokens, options in (("byte", 50_000_000, []), ("words-v2", 1, ["--from", "python-docs"])):
        found = llm_lab("tokenize", name, line, "--limit", 3, "--json", *options).json
        assert (found["tokens"], found["bytes"]) == (tokens, 50_000_000)
        assert len(found["list"]) == min(3, tokens)


def test_tokenizers_side_by_side(llm_lab, gpt2_vocabulary):
    said = llm_lab("tokenize", "gpt2", "naïve café", "--compare", "byte, char")
    rows = [line.split()[:2] for line in said.out.splitlines()[3:]]
    assert rows == [["gpt2", "3"], ["byte", "12"], ["char", "10"]]
    found = llm_lab("tokenize", "gpt2", "naïve café", "--compare", "byte,char", "--json").json
    assert [(r["tokenizer"], r["tokens"]) for r in found["compare"]][1:] == [("byte", 12), ("char", 10)]
    assert found["compare"][0]["tokens"] == found["tokens"] == len(found["ids"])


def test_what_is_not_in_the_vocabulary(llm_lab):
    (Path("learnt.txt")).write_text("abc")
    said = llm_lab("tokenize", "char", "abxé", "--from", "learnt.txt")
    assert "2 not in its vocabulary: x é" in said.out
    assert said.out.splitlines()[-1].split()[1] == "none"


def test_special_text(llm_lab, gpt2_vocabulary):
    text = "a<|endoftext|>b"
    said = llm_lab("tokenize", "gpt2", text)
    assert said.code == 2
    assert "--allowed-special" in said.error["hint"]
    assert llm_lab("tokenize", "gpt2", text, "--allowed-special", "--json").json["ids"] == [64, 50256, 65]
    assert 50256 not in llm_lab("tokenize", "gpt2", text, "--plain-special", "--json").json["ids"]
    assert "got both" in llm_lab("tokenize", "gpt2", text, "--plain-special", "--allowed-special").error["title"]


def test_ids_become_text(llm_lab, gpt2_vocabulary):
    assert llm_lab("tokenize", "gpt2", "--decode", "464, 11241 7509").out == "The tokenizer\n"
    found = llm_lab("tokenize", "gpt2", "--decode", "[447, 251]", "--json").json
    assert (found["text"], [t["bytes"] for t in found["list"]]) == ("”", ["e280", "9d"])
    assert llm_lab("tokenize", "gpt2", "--decode", "447", "--json").json["text"] == "\ufffd"
    assert llm_lab("tokenize", "gpt2", "--decode", "", "--json").json["list"] == []
    assert "got 50,257" in llm_lab("tokenize", "gpt2", "--decode", "50257").error["title"]
    assert "got -1" in llm_lab("tokenize", "gpt2", "--decode=-1").error["title"]
    assert "got 'x'" in llm_lab("tokenize", "gpt2", "--decode", "1,x").error["title"]


def test_entries_and_steps(llm_lab, gpt2_vocabulary):
    found = llm_lab("tokenize", "gpt2", "--find", "11203", "--json").json
    assert (found["entries"][0]["text"], found["total"]) == ("iev", 1)
    assert "11203  iev" in llm_lab("tokenize", "gpt2", "--find", "iev").out
    assert "regular expression" in llm_lab("tokenize", "gpt2", "--find", "/(/").error["title"]
    said = llm_lab("tokenize", "gpt2", "--steps", "unbelievable")
    assert said.out.splitlines()[-1].split() == ["8", "un│bel│iev│able", "iev", "11203"]
    (word,) = llm_lab("tokenize", "gpt2", "--steps", "unbelievable", "--json").json["words"]
    assert [step["id"] for step in word["steps"]] == [None, 293, 397, 403, 417, 494, 540, 6667, 11203]
    assert "has none" in llm_lab("tokenize", "byte", "--steps", "a").error["title"]
    assert "got 0" in llm_lab("tokenize", "gpt2", "--steps", "").error["title"]
    assert "got 100,000" in llm_lab("tokenize", "gpt2", "--steps", "a" * 100_000).error["title"]
    assert len(llm_lab("tokenize", "gpt2", "--steps", "word " * 300, "--json").json["words"]) == 301


def test_the_list_and_what_was_trained(llm_lab):
    BPETokenizer.train("the cat the cat", 260).save(llm_lab.root / "cache" / "tokenizers" / "cats")
    names = {t["name"]: t for t in llm_lab("tokenize", "--list", "--json").json["tokenizers"]}
    assert names["bpe:cats"]["vocab_size"] == 260
    assert not names["gpt2"]["here"]
    assert "missing" in llm_lab("tokenize", "--list").out
    assert llm_lab("tokenize", "bpe:cats", "the cat", "--json").json["tokens"] < 7
    assert llm_lab("tokenize", llm_lab.root / "cache" / "tokenizers" / "cats", "the", "--json").code == 0
    assert llm_lab("tokenize", "demo", "for x", "--json").json["tokenizer"]


def test_without_a_network_two_lines_say_which_file_goes_where(llm_lab, monkeypatch):
    monkeypatch.setattr("core.data.download.FIRST_PAUSE", 0.001)
    said = llm_lab("tokenize", "cl100k_base", "a text")
    assert said.code == 1
    assert "cl100k_base.tiktoken" in said.error["title"]
    assert "9b5ad71b2ce5302211f9c61530b329a4922fc6a4" in said.error["hint"]
    assert "byte" in said.error["hint"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "no NAME"),
        (["byte", "a", "--decode", "1"], "--decode and a text"),
        (["byte", "--decode", "1", "--find", "a"], "--decode and --find"),
        (["byte", "a", "--limit", "-1"], "--limit must be at least 0"),
        (["bytes", "a"], "did you mean byte"),
        (["byte", "--limmit", "3"], "no option --limmit"),
        (["byte", "a", "--limmit"], "--limmit"),
        (["bpe:nothing", "a"], "after bpe:"),
        (["char", "--find", "a"], "made from a text"),
        (["char", "a", "--from", "python-doc"], "did you mean python-docs"),
        (["byte", "\udcff"], "half a surrogate pair"),
    ],
)
def test_what_cannot_be_done_is_said_in_two_lines(llm_lab, argv, words):
    said = llm_lab("tokenize", *argv)
    assert said.code == 2
    assert words in said.error["title"]
    assert json.loads(llm_lab("tokenize", *argv, "--json").out)["error"]["hint"]


def test_a_text_that_looks_like_a_path_that_cannot_be(llm_lab):
    for text in ("a\0b", "x" * 10_000, "~nobody/x", "two\nlines"):
        assert read_source(text) == text
