from __future__ import annotations

from pathlib import Path

import pytest

from core.data.windows import batch_indices


def test_the_classic_preset(llm_lab, shared_cache):
    shared_cache.fill(
        llm_lab.root / "cache", "corpora/tiny-shakespeare.txt", "tiktoken/0ea1e91bbb3a60f729a8dc8f777fd2fc07cd8df4"
    )
    said = llm_lab("windows", "--preset", "shakespeare-tf")
    assert (said.code, said.err) == (0, "")
    first, second, third, *_ = said.out.splitlines()
    assert first == "the training part of tiny-shakespeare: 1,003,854 characters, 301,966 tokens of gpt2"
    assert second == "75,467 windows of 100 tokens, every 4 tokens (each overlaps the next by 96)"
    assert third == "9,433 batches of 8 and one of 3"


def test_one_batch_as_json(llm_lab):
    Path("text.txt").write_text("0123456789" * 20)
    options = ["--tokenizer", "byte", "--context-length", 4, "--stride", 3, "--batch-size", 2, "--part", "all"]
    found = llm_lab("windows", "text.txt", *options, "--seed", 5, "--step", 7, "--json").json
    assert (found["tokens"], found["windows"], found["full_batches"], found["left_over"]) == (200, 66, 33, 0)
    for row, index in enumerate(batch_indices("sliding", 66, 2, 5, 7)):
        ids = [ord(c) for c in ("0123456789" * 20)[index * 3 : index * 3 + 5]]
        assert (found["batch"]["x"][row], found["batch"]["y"][row]) == (ids[:-1], ids[1:])
    text = llm_lab("windows", "text.txt", *options, "--seed", 5, "--step", 7).out
    shown = "│".join(map(chr, found["batch"]["x"][0]))
    assert f"input   {shown}\n" in text


def test_how_the_windows_lie_is_said(llm_lab):
    Path("text.txt").write_text("0123456789 " * 20)
    said = llm_lab("windows", "text.txt", "--tokenizer", "byte", "--context-length", 100, "--stride", 150)
    assert "1 window of 100 tokens, every 150 tokens (50 left out between two)" in said.out
    assert "0 batches of 8 and one of 1\n" in said.out
    said = llm_lab("windows", "text.txt", "--tokenizer", "byte", "--context-length", 90, "--batch-size", 1)
    assert "2 windows of 90 tokens, every 90 tokens (side by side)\n2 batches of 1\n" in said.out
    assert (
        "1 batch of 2\n"
        in llm_lab("windows", "text.txt", "--tokenizer", "byte", "--context-length", 90, "--batch-size", 2).out
    )


def test_a_file_too_large_to_be_held_has_no_count_of_characters(llm_lab, monkeypatch):
    monkeypatch.setattr("core.data.window_sets.LARGE", 100)
    Path("text.txt").write_text("0123456789 " * 20)
    first, *_ = llm_lab("windows", "text.txt", "--tokenizer", "byte", "--context-length", 4).out.splitlines()
    assert first == "the training part of text.txt: 198 tokens of byte"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "needs a CORPUS or a --preset"),
        (["--preset", "shakespeare"], "did you mean shakespeare-tf"),
        (["text.txt", "--context-length", "0"], "context_length must be at least 1"),
        (["text.txt", "--context-length", "500"], "has 18 tokens, one window of context_length 500 needs 501"),
        (["text.txt", "--val-fraction", "1"], "val_fraction"),
        (["text.txt", "--stride", "x"], "stride"),
        (["text.txt", "--batch-size", "99999999999"], "batch_size must be at most 65,536"),
        (["text.txt", "--step", "-1"], "at least 0"),
        (["text.txt", "--tokenizer", "bite"], "did you mean byte"),
        (["nothing.txt"], "neither a corpus"),
    ],
)
def test_what_makes_no_windows_is_said_in_two_lines(llm_lab, argv, words):
    Path("text.txt").write_text("twenty characters..\n")
    said = llm_lab("windows", *argv, *(["--tokenizer", "byte"] if "--tokenizer" not in argv else []))
    assert said.code == 2
    assert words in said.error["title"]
