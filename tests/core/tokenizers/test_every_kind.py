"""What holds for tokenizers of every kind."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import TokenizerError
from core.folders import cache_dir
from core.tokenizers import (
    TOKENIZERS,
    Tokenizer,
    check_tokenizer,
    get_tokenizer,
    kinds,
    list_tokenizers,
    load_tokenizer,
    tokenizer_is_here,
)
from core.tokenizers.base import SEAM, split_special, utf8
from core.tokenizers.bpe import BPETokenizer
from core.tokenizers.listing import known_vocab_size
from core.tokenizers.openai import TiktokenTokenizer
from core.tokenizers.vocabularies import CL100K_PATTERN, GPT2_PATTERN, O200K_PATTERN, VOCABULARIES

LEARNT = "the cat sat on the mat, the cat that sat\n" * 5
BYTES = {bytes([value]): value for value in range(256)}


def gappy() -> TiktokenTokenizer:
    """As p50k_base: the special token lies between the others."""
    ranks = {**BYTES, b"th": 256, b"the": 258}
    return TiktokenTokenizer("gappy", GPT2_PATTERN, ranks, {"<|endoftext|>": 257, "<|end|>": 262})


KINDS: dict[str, Callable[[str], Tokenizer]] = {
    "words-v1": lambda text: get_tokenizer("words-v1", text + " x"),
    "words-v2": lambda text: get_tokenizer("words-v2", text[::2] + " x"),
    "char": lambda text: get_tokenizer("char", text + "x"),
    **{name: lambda text, kind=kind: kind.make() for name, kind in kinds.KINDS.items() if not kind.needs_text},
    "bpe": lambda text: BPETokenizer.train(LEARNT, 290),
    "tiktoken": lambda text: gappy(),
}
texts = st.one_of(
    st.text(), st.lists(st.sampled_from(["the ", "cat", " ", "é", "🎉", "<|end|>", "<|endoftext|>", "\0"])).map("".join)
)


@pytest.mark.parametrize("kind", KINDS)
@given(text=texts, other=texts)
def test_a_saved_one_is_the_same_when_used(kind: str, text: str, other: str) -> None:
    tokenizer = KINDS[kind](text)
    with tempfile.TemporaryDirectory() as folder:
        path = tokenizer.save(folder)
        assert [p.name for p in Path(folder).iterdir()] == [path.name]
        loaded = [load_tokenizer(folder), load_tokenizer(path), type(tokenizer).load(folder)]
    ids = tokenizer.encode(text, disallowed_special=())
    for again in loaded:
        assert again.fingerprint == tokenizer.fingerprint
        assert (again.name, again.vocab_size) == (tokenizer.name, tokenizer.vocab_size)
        assert again.special_tokens == tokenizer.special_tokens
        assert again.encode(text, disallowed_special=()) == ids == again.encode_array(text).tolist()
        assert again.encode(text, allowed_special="all") == tokenizer.encode(text, allowed_special="all")
        assert again.decode(ids) == tokenizer.decode(ids)
        assert again.tokens(text) == tokenizer.tokens(text)
        if kind not in ("words-v1", "char"):
            assert again.encode_array(other).tolist() == tokenizer.encode_array(other).tolist()
    assert [t.id for t in tokenizer.tokens(text)] == ids
    if not kind.startswith("words"):
        assert tokenizer.decode(ids) == text
        assert b"".join(map(tokenizer.token_bytes, ids)) == text.encode()
        assert b"".join(t.bytes for t in tokenizer.tokens(text)) == text.encode()


OTHERS = {"cl100k": CL100K_PATTERN, "o200k": O200K_PATTERN}
near_seams = st.lists(
    st.sampled_from(
        [" ", ",", "\n", "a", "B", "ω", "д", "日本", "カ", "한", "é", "9", ".", "'s", "\r\n", "  ", "<|end|>"]
    )
)


@pytest.mark.parametrize("kind", [*KINDS, *OTHERS])
@given(parts=near_seams)
def test_a_text_may_be_cut_at_every_seam(kind: str, parts: list[str]) -> None:
    text = f"a b{''.join(parts)}日\n本"
    tokenizer = BPETokenizer.train(LEARNT, 290, pattern=OTHERS[kind]) if kind in OTHERS else KINDS[kind](text)
    assert tokenizer.has_seams
    places = [found.start() for found in SEAM.finditer(text)]
    assert len(places) >= 2
    for at in places:
        both = [tokenizer.encode_array(part).tolist() for part in (text[:at], text[at:])]
        assert both[0] + both[1] == tokenizer.encode_array(text).tolist()


def test_a_pattern_of_which_nothing_is_known_has_no_seams() -> None:
    assert not BPETokenizer.train(LEARNT, 290, pattern=r"\w+ \w+|[\s\S]").has_seams


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_surrogate_pair_is_refused_everywhere(kind: str) -> None:
    tokenizer = KINDS[kind]("a b ")
    for use in (tokenizer.encode, tokenizer.encode_array, tokenizer.tokens):
        with pytest.raises(TokenizerError, match=r"half a surrogate pair \(U\+DFFF\) at character 2"):
            use("a \udfff b")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", [-1, 10**6, 2**70])
def test_ids_out_of_range_are_named(kind: str, wrong: int) -> None:
    tokenizer = KINDS[kind]("a")
    for use in (lambda: tokenizer.decode([0, wrong]), lambda: tokenizer.token_bytes(wrong)):
        with pytest.raises(TokenizerError, match=f"expected ids from 0 to {tokenizer.vocab_size - 1:,}, got {wrong:,}"):
            use()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_encoded_as_nothing(kind: str) -> None:
    tokenizer = KINDS[kind]("a")
    assert tokenizer.encode("") == tokenizer.tokens("") == []
    array = tokenizer.encode_array("")
    assert array.size == 0 and array.dtype == np.uint16
    assert tokenizer.decode([]) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_another_kind_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"format": 1, "kind": "vowels"}))
    with pytest.raises(TokenizerError, match="'vowels'"):
        load_tokenizer(tmp_path)
    with pytest.raises(TokenizerError, match="vowels"):
        type(KINDS[kind]("a")).load(tmp_path)


def test_ids_in_a_gap_are_named_as_such() -> None:
    ranks = {**BYTES, b"th": 300}
    tokenizer = TiktokenTokenizer("holes", GPT2_PATTERN, ranks, {})
    with pytest.raises(TokenizerError, match="no token has the id 299"):
        tokenizer.decode([299])
    assert tokenizer.vocab_size == 301


def test_a_file_without_all_bytes_is_refused(tmp_path: Path) -> None:
    path = gappy().save(tmp_path)
    content = json.loads(path.read_text())
    content["tokens"][65] = None
    path.write_text(json.dumps(content))
    with pytest.raises(TokenizerError, match="1 are missing, first byte 65"):
        load_tokenizer(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pattern": ""}, "at least one character"),
        ({"pattern": "("}, "expected a pattern"),
        ({"pattern": 3}, "expected a pattern"),
        ({"special_tokens": {"<|x|>": 1e400}}, "the id inf of a special token"),
        ({"special_tokens": {"<|x|>": 2**40}}, "got 1,099,511,627,776"),
        ({"special_tokens": {"<|x|>": 256}}, "got 256 for two of them"),
    ],
)
def test_tiktokens_engine_never_sees_what_is_damaged(tmp_path: Path, change: dict[str, object], words: str) -> None:
    path = gappy().save(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(TokenizerError, match=words):
        load_tokenizer(path)


@given(st.text(), st.sets(st.sampled_from(["<a>", "<ab>", "<b>"])))
def test_special_tokens_cut_a_text_into_what_it_was(text: str, allowed: set[str]) -> None:
    text = text.replace("0", "<a>").replace("1", "<ab>").replace("a", "<b>")
    special = {"<a>": 1, "<ab>": 2, "<b>": 3}
    parts = list(split_special(text, special, allowed, ()))
    by_id = {i: name for name, i in special.items()}
    assert "".join(by_id[part] if isinstance(part, int) else part for part in parts) == text
    assert not any(name in part for part in parts if isinstance(part, str) for name in allowed)
    assert {by_id[part] for part in parts if isinstance(part, int)} <= allowed


def test_what_the_caller_disallows_is_refused_by_all() -> None:
    for kind, make in KINDS.items():
        with pytest.raises(TokenizerError, match="stands at character 1"):
            make("a b").encode("a b", disallowed_special={" b"})
        assert kind


def test_a_whole_pair_is_no_half() -> None:
    assert utf8("🎉") == b"\xf0\x9f\x8e\x89"


# Which there are


def test_every_name_can_be_asked_for() -> None:
    for name in TOKENIZERS:
        check_tokenizer(name)
        assert tokenizer_is_here(name) == (name not in VOCABULARIES)
    with pytest.raises(TokenizerError, match="did you mean o200k_base") as caught:
        get_tokenizer("o200k")
    assert "bpe:PATH" in caught.value.hint


@pytest.mark.parametrize("name", ["char", "words-v1", "words-v2"])
def test_those_made_from_a_text_need_one(name: str) -> None:
    with pytest.raises(TokenizerError, match=f"the tokenizer {name} is made from a text, got none"):
        get_tokenizer(name)


def test_trained_ones_go_by_their_bare_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained, other = BPETokenizer.train(LEARNT, 290), BPETokenizer.train("abc abc", 258)
    trained.save(cache_dir() / "tokenizers" / "mine")
    other.save(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert get_tokenizer("bpe:mine").fingerprint == trained.fingerprint
    for path in ("bpe:./mine", f"bpe:{tmp_path / 'mine'}", "bpe:mine/tokenizer.json"):
        assert get_tokenizer(path).fingerprint == other.fingerprint
    (cache_dir() / "tokenizers" / "broken").mkdir()
    (cache_dir() / "tokenizers" / "broken" / "tokenizer.json").write_text("{")
    found = {ref.name: ref for ref in list_tokenizers()}
    assert list(found) == [*kinds.KINDS, "bpe:broken", "bpe:mine", *VOCABULARIES]
    assert (found["bpe:mine"].vocab_size, found["bpe:mine"].here) == (trained.vocab_size, True)
    assert not found["bpe:broken"].here
    assert "damaged" in found["bpe:broken"].note
    assert known_vocab_size("bpe:mine") == trained.vocab_size
    assert known_vocab_size("bpe:nothing") is None
    with pytest.raises(TokenizerError, match=r"did you mean mine") as caught:
        get_tokenizer("bpe:mime")
    assert "train-tokenizer" in caught.value.hint
    with pytest.raises(TokenizerError, match="expected a tokenizer after bpe:"):
        check_tokenizer("bpe:")


def test_the_sizes_that_are_listed_are_tiktokens(lab_cache: Path) -> None:
    assert get_tokenizer("gpt2").vocab_size == VOCABULARIES["gpt2"].vocab_size == 50257
    assert get_tokenizer("gpt2").fingerprint == get_tokenizer("r50k_base").fingerprint == "b8fd7880beb66cb4"


@pytest.mark.parametrize("name", ["p50k_base", "cl100k_base", "o200k_base"])
def test_other_vocabularies_agree_with_tiktoken(
    name: str, isolated: Path, shared_cache: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tiktoken

    cached = f"tiktoken/{VOCABULARIES[name].place.name}"
    shared_cache.fill(isolated / "cache", cached)  # type: ignore[attr-defined]  # skips where it isn't
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(isolated / "cache" / "tiktoken"))
    ours, theirs = get_tokenizer(name), tiktoken.get_encoding(name)
    assert (ours.vocab_size, ours.special_tokens) == (theirs.n_vocab, theirs._special_tokens)
    for text in (LEARNT, "It's  naïve…\r\n\n\t日本語 12345 🎉", " " * 50 + "x = 1\n"):
        assert ours.encode(text) == theirs.encode(text)
        assert ours.encode_array(text).tolist() == theirs.encode(text)


def test_their_patterns_and_special_tokens_are_tiktokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the vocabularies, which are not everywhere: tiktoken's own table with nothing loaded."""
    from tiktoken_ext import openai_public

    asked: dict[str, str] = {}

    def remember(url: str, expected_hash: str) -> dict[bytes, int]:
        asked.update(url=url, sha256=expected_hash)
        return {}

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", remember)
    for name in ("r50k_base", "p50k_base", "cl100k_base", "o200k_base"):
        theirs, ours = openai_public.ENCODING_CONSTRUCTORS[name](), VOCABULARIES[name]
        assert ours.pattern == theirs["pat_str"]
        assert ours.special_tokens == theirs["special_tokens"]
        assert (ours.url, ours.sha256) == (asked["url"], asked["sha256"])
        if "explicit_n_vocab" in theirs:
            assert ours.vocab_size == theirs["explicit_n_vocab"]
        else:
            assert ours.vocab_size == max(theirs["special_tokens"].values()) + 1


def test_what_tiktoken_gives_up_is_encoded_all_the_same(gpt2_vocabulary: Path) -> None:
    gpt2 = get_tokenizer("gpt2")
    text = " " * 700_000 + "a"
    ids = gpt2.encode(text)
    assert gpt2.decode(ids) == text
    assert gpt2.encode_array(text).tolist() == ids
