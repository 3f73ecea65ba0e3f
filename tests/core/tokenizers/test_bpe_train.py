from __future__ import annotations

import itertools
import threading
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import TokenizerError
from core.tokenizers import bpe_split, bpe_train
from core.tokenizers.bpe import GPT2_PATTERN, BPETokenizer
from core.tokenizers.bpe_split import Splitter
from core.tokenizers.bpe_train import MergeStep
from core.tokenizers.vocabularies import PRINTABLE_FIRST

# Few letters, so that pairs overlap, repeat and tie.
small_texts = st.text(alphabet="ab é", max_size=80)


def by_the_book(text: str, merges: int) -> list[tuple[bytes, bytes, int, int]]:
    """Every merge with its count and the tokens left, counting everything anew each time."""
    words = [[bytes([b]) for b in w.encode()] for some in Splitter(GPT2_PATTERN).pieces(text) for w in some]
    ids = {bytes([byte]): i for i, byte in enumerate(PRINTABLE_FIRST)}
    learnt = []
    for _ in range(merges):
        counts = Counter(pair for word in words for pair in itertools.pairwise(word))
        if not counts:
            break
        left, right = min(counts, key=lambda pair: (-counts[pair], ids[pair[0]], ids[pair[1]]))
        for word in words:
            i = 0
            while i < len(word) - 1:
                if word[i] == left and word[i + 1] == right:
                    word[i : i + 2] = [left + right]
                i += 1
        ids[left + right] = len(ids)
        learnt.append((left, right, counts[left, right], sum(map(len, words))))
    return learnt


@given(small_texts, st.integers(0, 30))
def test_it_learns_what_counting_anew_each_time_would(text: str, merges: int) -> None:
    steps = list(BPETokenizer.train_steps(text, 257 + merges))
    assert [(s.left, s.right, s.count, s.tokens_left) for s in steps] == by_the_book(text, merges)


@given(small_texts, st.integers(0, 30))
def test_the_corpus_has_as_many_tokens_as_the_training_said(text: str, merges: int) -> None:
    training = BPETokenizer.train_steps(text, 257 + merges)
    for step in training:
        assert step.token == step.left + step.right
        assert step.bytes_total == len(text.encode())
        assert step.compression == step.bytes_total / step.tokens_left
    assert len(training.tokenizer().encode(text)) == training.tokens_left


def test_real_text_too(the_verdict: Path) -> None:
    text = the_verdict.read_text()
    steps = list(BPETokenizer.train_steps(text, 257 + 150))
    assert [(s.left, s.right, s.count, s.tokens_left) for s in steps] == by_the_book(text, 150)
    assert [s.index for s in steps] == list(range(1, 151))
    assert {s.total for s in steps} == {150}
    assert [s.token_id for s in steps] == list(range(256, 406))


def test_of_equals_the_lower_ids_go_first() -> None:
    # ab, cd and ce stand twice each: the lower left id first, then the lower right one
    steps = list(BPETokenizer.train_steps("ce cd ab ab cd ce", 260, pattern=r"\w+|\s"))
    assert [s.token for s in steps] == [b"ab", b"cd", b"ce"]
    first = next(iter(BPETokenizer.train_steps("\x00b !b", 258, pattern=r"\S+|\s")))
    assert first.token == b"!b"  # "!" has id 0, as in GPT-2; a NUL byte 188


def test_ids_are_bytes_then_merges_then_special_tokens() -> None:
    tokenizer = BPETokenizer.train("aaaa bbbb", 262, special_tokens=("<|endoftext|>", "<|pad|>"))
    assert tokenizer.vocab_size == 262
    assert tokenizer.special_tokens == {"<|endoftext|>": 260, "<|pad|>": 261}
    assert tokenizer.token_bytes(0) == b"!"
    assert tokenizer.token_bytes(256) == b"aa"
    assert tokenizer.name == "bpe262"


def test_a_text_too_small_for_the_vocabulary_gives_a_smaller_one() -> None:
    training = BPETokenizer.train_steps("abc", 5000)
    assert [s.token for s in training] == [b"ab", b"abc"]
    assert training.tokenizer().vocab_size == 259
    assert BPETokenizer.train("", 5000).vocab_size == 257
    assert BPETokenizer.train([], 300).encode("é") == BPETokenizer.train("", 257).encode("é")


@pytest.mark.parametrize("vocab_size", [256, 0, -1, 0x110001])
def test_a_vocabulary_that_cannot_be_is_refused_with_the_smallest(vocab_size: int) -> None:
    with pytest.raises(TokenizerError, match="expected a vocab_size of at least 257 \\(256 bytes and 1 special") as got:
        BPETokenizer.train("a text", vocab_size)
    assert f"got {vocab_size:,}" in got.value.title
    assert "50,257" in got.value.hint
    with pytest.raises(TokenizerError, match="at least 258 \\(256 bytes and 2 special tokens\\)"):
        BPETokenizer.train("a text", 257, special_tokens=("<a>", "<b>"))
    assert BPETokenizer.train("a text", 256, special_tokens=()).vocab_size == 256


@pytest.mark.parametrize("special", [("",), ("<a>", "<a>"), (3,)])
def test_special_tokens_are_texts_each_once(special: tuple[str, ...]) -> None:
    with pytest.raises(TokenizerError, match="each once and none empty"):
        BPETokenizer.train("a text", 300, special_tokens=special)


def test_nothing_is_learnt_of_or_across_a_special_token() -> None:
    text = "ab<|endoftext|>ab<|endoftext|>"
    steps = list(BPETokenizer.train_steps(text, 300))
    assert [s.token for s in steps] == [b"ab"]
    assert steps[0].bytes_total == 4
    assert any(b"<|" in s.token for s in BPETokenizer.train_steps(text, 300, special_tokens=()))


def test_texts_stay_apart() -> None:
    assert [s.token for s in BPETokenizer.train_steps(["a", "b"], 300)] == []
    joined = BPETokenizer.train("one two\n\nthree one", 290)
    assert BPETokenizer.train(["one two\n\nthree", " one"], 290).fingerprint == joined.fingerprint


@pytest.mark.parametrize("texts", [[b"bytes"], [3], ["fine", None]])
def test_what_is_no_text_is_refused(texts: list[str]) -> None:
    with pytest.raises(TokenizerError, match="expected texts to learn from, got"):
        BPETokenizer.train(texts, 300)


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(TokenizerError, match=r"U\+D83C\) at character 4"):
        BPETokenizer.train("fine\ud83c", 300)


@pytest.mark.parametrize("pattern", [r"(", r"[a", r"\p{Nonsense}", None])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(TokenizerError, match="expected a pattern") as got:
        BPETokenizer.train("a text", 300, pattern=pattern)
    assert "GPT2_PATTERN" in got.value.hint


@pytest.mark.parametrize("pattern", ["cl100", r"\w+", r"[a-z ]+"])
def test_a_pattern_that_would_lose_text_is_refused(pattern: str) -> None:
    text = "Some words, to learn from"
    with pytest.raises(TokenizerError, match=r"leaves out \d+ of 25 characters") as got:
        BPETokenizer.train([text], 300, pattern=pattern)
    assert got.value.hint
    whole = BPETokenizer.train(text, 300, pattern=pattern + r"|[\s\S]")
    assert whole.decode(whole.encode(text)) == text


def test_of_special_tokens_the_longer_one_is_cut_out() -> None:
    steps = list(BPETokenizer.train_steps("<a>bcbc <a>bcd", 300, special_tokens=("<a>", "<a>bc")))
    assert [(s.token, s.bytes_total) for s in steps] == [(b"bc", 4)]


@pytest.mark.parametrize("pattern", ["", r"\w*", r"(\w+|)", r"(?=a)|$"])
def test_a_pattern_that_matches_nothing_too_is_refused(pattern: str) -> None:
    with pytest.raises(TokenizerError, match="at least one character"):
        BPETokenizer.train("a text", 300, pattern=pattern)


def test_set_before_it_begins_it_learns_nothing() -> None:
    cancelled = threading.Event()
    cancelled.set()
    assert list(BPETokenizer.train_steps("text text", 300, cancelled=cancelled)) == []
    assert BPETokenizer.train("text text", 300, cancelled=cancelled).vocab_size == 257


def test_cancelled_it_ends_with_what_it_has() -> None:
    cancelled = threading.Event()
    training = BPETokenizer.train_steps("the cat sat on the mat, the cat", 300, cancelled=cancelled)
    seen = []
    for step in training:
        seen.append(step.token)
        if step.index == 3:
            cancelled.set()
    assert len(seen) == training.learnt == 3
    tokenizer = training.tokenizer()
    assert tokenizer.vocab_size == 260
    assert [tokenizer.token_bytes(256 + i) for i in range(3)] == seen


def test_cancelled_while_it_reads_it_reads_no_further() -> None:
    cancelled = threading.Event()
    read = []

    def texts() -> Iterator[str]:
        for i in range(100):
            if i == 3:
                cancelled.set()
            read.append(i)
            yield "some words to read "

    assert list(BPETokenizer.train_steps(texts(), 300, cancelled=cancelled)) == []
    assert read == [0, 1, 2, 3]


def test_broken_off_it_can_be_used_and_taken_up_again() -> None:
    text = "low lower lowest newest widest"
    training = BPETokenizer.train_steps(text, 280)
    first = list(itertools.islice(training, 5))
    half = training.tokenizer()
    assert half.vocab_size == 262
    assert half.decode(half.encode(text)) == text
    rest = list(training)
    assert [s.index for s in first + rest] == list(range(1, len(first + rest) + 1))
    assert training.tokenizer().fingerprint == BPETokenizer.train(text, 280).fingerprint


def test_a_tokenizer_may_be_taken_at_any_step() -> None:
    training = BPETokenizer.train_steps("low lower lowest newest widest", 270)
    for step in training:
        assert training.tokenizer().token_bytes(step.token_id) == step.token
        assert len(training.tokenizer().encode("low lower lowest newest widest")) == step.tokens_left


def test_memory_grows_with_the_words_and_not_with_the_text() -> None:
    words = [f" word{i}" for i in range(500)]
    text = "".join(words * 10)  # 85 kB

    def peak(times: int) -> int:
        read = 0

        def texts() -> Iterator[str]:
            nonlocal read
            for _ in range(times):
                read += len(text)
                yield text

        tracemalloc.start()
        tokenizer = BPETokenizer.train(texts(), 300)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert read == times * len(text)
        assert tokenizer.vocab_size == 300
        return most

    peak(1)
    assert peak(20) < 1.1 * peak(2)


# English is cut at spaces; Chinese without a comma, and a pattern of which nothing is known, are read match by match.
@pytest.mark.parametrize("pattern", [GPT2_PATTERN, r"\S+|\s+"], ids=["gpt2", "words"])
@pytest.mark.parametrize("space", [" ", "?"])
def test_one_large_text_is_never_a_list_of_its_words(monkeypatch: pytest.MonkeyPatch, pattern: str, space: str) -> None:
    monkeypatch.setattr(bpe_split, "STRETCH", 3_000)
    monkeypatch.setattr(bpe_split, "LONG_STRETCH", 12_000)
    monkeypatch.setattr(bpe_split, "BATCH", 1_000)
    words = [space + "".join(letters) for letters in itertools.product("abcdef", repeat=3)]
    text = "".join(words[i % len(words)] for i in range(40_000))

    def peak(part: str) -> int:
        tracemalloc.start()
        BPETokenizer.train(part, 260, pattern=pattern)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    if pattern != GPT2_PATTERN and space == "?":
        text = text.replace("?", "\t")
    fifth = text[: len(text) // 5]
    peak(text[:100])  # imports, and the pattern is compiled
    assert peak(text) < peak(fifth) + 2.5 * len(text)  # a list of its words alone is 10 times as long


@pytest.mark.parametrize("stretch", [1, 7, 100])
def test_cut_anywhere_it_learns_the_same(monkeypatch: pytest.MonkeyPatch, the_verdict: Path, stretch: int) -> None:
    text = the_verdict.read_text()[:5000]
    whole = list(BPETokenizer.train_steps(text, 400))
    monkeypatch.setattr(bpe_split, "STRETCH", stretch)
    assert list(BPETokenizer.train_steps(text, 400)) == whole


def test_a_long_line_without_spaces_is_learnt_from_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    training = BPETokenizer.train_steps("abcdefghij" * 5_000, 300)
    steps = list(training)
    assert training.bytes_total == 50_000
    assert training.distinct_words < 120
    assert steps[8].token == b"abcdefghij"
    below = "abcab" * 100
    in_one = list(BPETokenizer.train_steps(below, 300))
    monkeypatch.setattr(bpe_train, "_LONGEST_WORD", 10**9)
    assert list(BPETokenizer.train_steps(below, 300)) == in_one


def test_steps_are_plain_and_frozen() -> None:
    step = next(iter(BPETokenizer.train_steps("ab ab", 300)))
    assert step == MergeStep(1, 43, b"a", b"b", b"ab", 256, 2, 3, 5)
    with pytest.raises(AttributeError):
        step.count = 3  # type: ignore[misc]
