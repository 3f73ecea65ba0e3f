from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from core.tokenizers import get_tokenizer, load_tokenizer
from lab.cli import train_tokenizer as command

POSIX = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
TEXT = "the quick brown fox jumps over the lazy dog and the cat sat on the mat\n" * 20


@pytest.fixture
def text(llm_lab) -> Path:
    Path("my text.txt").write_text(TEXT)
    return Path("my text.txt")


def test_what_was_trained_is_used_by_its_name(llm_lab, text):
    said = llm_lab("train-tokenizer", text, "--vocab-size", 300)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("bpe:my-text-300: 300 entries in ")
    folder = llm_lab.root / "cache" / "tokenizers" / "my-text-300"
    assert [p.name for p in folder.parent.iterdir()] == ["my-text-300"]
    assert [p.name for p in folder.iterdir()] == ["tokenizer.json"]
    found = llm_lab("tokenize", "bpe:my-text-300", "the cat", "--json").json
    assert (
        found["ids"] == get_tokenizer("bpe:my-text-300").encode("the cat") == load_tokenizer(folder).encode("the cat")
    )
    done = llm_lab(
        *("train", "--corpus", text, "--tokenizer", "bpe:my-text-300", "--max-steps", 1, "--eval-interval", 0),
        *("--context-length", 8, "--emb-dim", 8, "--n-heads", 1, "--n-layers", 1, "--name", "run", "--eval-batches", 1),
    )
    assert done.code == 0
    assert load_tokenizer(llm_lab.runs / "run").fingerprint == load_tokenizer(folder).fingerprint


def test_each_merge_is_a_line_of_json(llm_lab, text, tmp_path):
    said = llm_lab("train-tokenizer", text, "--vocab-size", 270, "-o", tmp_path / "out" / "mine", "--json")
    *merges, last = map(json.loads, said.out.splitlines())
    assert [m["index"] for m in merges] == list(range(1, 14))
    assert all(m["left"] + m["right"] == m["token"] and m["total"] == 13 for m in merges)
    assert (last["kind"], last["vocab_size"], last["merges"]) == ("tokenizer", 270, 13)
    tokenizer = load_tokenizer(tmp_path / "out" / "mine")
    assert [tokenizer.token_bytes(m["id"]).hex() for m in merges] == [m["token"] for m in merges]
    assert last["fingerprint"] == tokenizer.fingerprint
    assert get_tokenizer(last["name"]).fingerprint == tokenizer.fingerprint


def test_a_tokenizer_that_is_there_is_not_lost(llm_lab, text, tmp_path):
    out = tmp_path / "mine"
    assert llm_lab("train-tokenizer", text, "--vocab-size", 270, "-o", out).code == 0
    before = (out / "tokenizer.json").read_bytes()
    said = llm_lab("train-tokenizer", text, "--vocab-size", 280, "-o", out)
    assert "holds a tokenizer already" in said.error["title"]
    assert (out / "tokenizer.json").read_bytes() == before
    assert llm_lab("train-tokenizer", text, "--vocab-size", 280, "-o", out, "--force").code == 0
    assert load_tokenizer(out).vocab_size == 280
    assert [p.name for p in tmp_path.iterdir() if "mine" in p.name] == ["mine"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--vocab-size", 256], "at least 257"),
        (["--vocab-size", 260, "--special", "<a>,<b>,<c>,<d>,<e>"], "at least 261"),
        (["--vocab-size", "many"], "vocab-size"),
        (["--pattern", "("], "pattern"),
        (["--pattern", "cl100"], "leaves out"),
        (["-o", "my text.txt"], "is a file"),
    ],
)
def test_what_cannot_be_trained_is_said_and_nothing_is_written(llm_lab, text, options, words):
    said = llm_lab("train-tokenizer", text, *options)
    assert said.code == 2
    assert words in said.error["title"].lower()
    assert not (llm_lab.root / "cache" / "tokenizers").exists()


def test_a_text_too_small_for_the_vocabulary_says_so(llm_lab):
    Path("small.txt").write_text("ab ab")
    assert "no more pairs" in llm_lab("train-tokenizer", "small.txt", "--vocab-size", 500).out
    assert get_tokenizer("bpe:small-500").vocab_size < 260


def test_a_write_that_fails_leaves_nothing(llm_lab, text, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = llm_lab("train-tokenizer", text, "--vocab-size", 260, "-o", tmp_path / "file" / "mine")
    assert said.code == 1
    assert "cannot be written" in said.error["title"]


@pytest.mark.parametrize("name", ["SIGINT", pytest.param("SIGTERM", marks=POSIX), pytest.param("SIGHUP", marks=POSIX)])
def test_a_signal_while_writing_leaves_nothing(llm_lab, text, tmp_path, monkeypatch, name):
    number = signal.Signals[name]

    def interrupted(*_: object) -> None:
        assert len(list((tmp_path / "out").iterdir())) == 1  # a folder beside the one to come
        signal.raise_signal(number)

    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)
    monkeypatch.setattr("core.tokenizers.base.write_bytes_atomic", interrupted)
    try:
        said = llm_lab("train-tokenizer", text, "--vocab-size", 260, "-o", tmp_path / "out" / "mine")
        assert signal.getsignal(number) is usual
    finally:
        signal.signal(number, before)
    assert said.code == 128 + number
    assert "nothing was written" in said.err
    assert list((tmp_path / "out").iterdir()) == []


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_a_training_without_a_trace(llm_lab, name):
    number = signal.Signals[name]
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"{name} is ignored here, and so by what is started from here")
    process = llm_lab.start("train-tokenizer", "python-docs", "--vocab-size", 30_000, "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["index"] == 1
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + number, "")
    assert json.loads(out.splitlines()[-1])["kind"] == "interrupted"
    assert not (llm_lab.root / "cache" / "tokenizers").exists()


def test_a_bar_is_drawn_on_a_terminal(llm_lab, text, monkeypatch):
    monkeypatch.setattr(command, "drawable", lambda: True)
    said = llm_lab("train-tokenizer", text, "--vocab-size", 300)
    assert said.code == 0
    assert "300 entries" in said.out
