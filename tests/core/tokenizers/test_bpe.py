from __future__ import annotations

import base64
import json
import tempfile
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import core
from core.errors import DiskFullError, TokenizerError
from core.tokenizers import Tokenizer, get_tokenizer, load_tokenizer
from core.tokenizers.base import place_tokens
from core.tokenizers.bpe import BPETokenizer, MergeNode

TEXT = "low lower lowest newest widest, the lowest of the low; naïve café 🎉🎉 日本 日本"
WITH_SURROGATES = st.text(st.characters(exclude_categories=()))


@pytest.fixture(scope="module")
def tokenizer() -> BPETokenizer:
    return BPETokenizer.train(TEXT, 300, special_tokens=("<|endoftext|>", "<|pad|>"))


@given(text=st.text())
def test_every_text_comes_back(tokenizer: BPETokenizer, text: str) -> None:
    ids = tokenizer.encode(text, disallowed_special=())
    assert tokenizer.decode(ids) == text
    assert tokenizer.encode_array(text).tolist() == ids
    assert b"".join(map(tokenizer.token_bytes, ids)) == text.encode()
    assert "".join(tokenizer.words(text)) == text


def test_a_saved_one_is_the_same_when_used(tmp_path: Path) -> None:
    pattern = r"\w+|\W"
    tokenizer = BPETokenizer.train(TEXT, 290, pattern=pattern, special_tokens=("<|x|>",))
    path = tokenizer.save(tmp_path / "new")
    assert path == tmp_path / "new" / "tokenizer.json"
    for loaded in (BPETokenizer.load(path.parent), BPETokenizer.load(path), load_tokenizer(path.parent)):
        assert isinstance(loaded, BPETokenizer)
        assert loaded.encode("a<|x|>b", allowed_special="all") == tokenizer.encode("a<|x|>b", allowed_special="all")
        assert loaded.fingerprint == tokenizer.fingerprint
        assert (loaded.name, loaded.vocab_size, loaded.pattern) == ("bpe290", 290, pattern)
        assert loaded.special_tokens == {"<|x|>": 289}
        assert_alike(loaded, tokenizer)


@given(data=st.data())
def assert_alike(one: BPETokenizer, other: BPETokenizer, data: st.DataObject) -> None:
    text = data.draw(st.text())
    assert one.encode(text, disallowed_special=()) == other.encode(text, disallowed_special=())
    assert one.encode_array(text).tolist() == other.encode_array(text).tolist()


def test_the_protocol_is_kept(tokenizer: BPETokenizer, tmp_path: Path) -> None:
    as_any: Tokenizer = tokenizer
    assert core.BPETokenizer is BPETokenizer
    assert as_any.encode_array("").tolist() == as_any.encode("") == as_any.tokens("") == []
    assert as_any.decode([]) == ""
    assert as_any.decode(np.array(as_any.encode("low"), dtype=np.uint16)) == "low"
    tokenizer.save(tmp_path)
    assert get_tokenizer(f"bpe:{tmp_path}").fingerprint == tokenizer.fingerprint


def test_the_fingerprint_tells_vocabularies_apart(tokenizer: BPETokenizer) -> None:
    ranks, special = dict(tokenizer._ranks), tokenizer.special_tokens
    same = BPETokenizer(ranks, special_tokens=special, name="another name")
    others = [
        BPETokenizer(ranks, special_tokens=special, pattern=r"\S+|\s+"),
        BPETokenizer(ranks, special_tokens={"<|endoftext|>": special["<|endoftext|>"]}),
        BPETokenizer.train(TEXT, 298),
    ]
    assert same.fingerprint == tokenizer.fingerprint
    assert len({t.fingerprint for t in [tokenizer, *others]}) == 4


def test_tokens_know_their_places(tokenizer: BPETokenizer) -> None:
    text = "lowest 🎉é<|pad|> naïve"
    tokens = tokenizer.tokens(text)
    assert [t.id for t in tokens] == tokenizer.encode(text, disallowed_special=())
    assert tokens == place_tokens([t.id for t in tokens], [t.bytes for t in tokens])
    assert b"".join(t.bytes for t in tokens) == text.encode()
    assert "".join(text[t.char_start : t.char_end] for t in tokens if "\ufffd" not in t.text)


def test_special_text_is_refused_allowed_or_plain(tokenizer: BPETokenizer) -> None:
    text = "low<|pad|><|endoftext|>er"
    with pytest.raises(TokenizerError, match=r"special token <\|pad\|> stands at character 3"):
        tokenizer.encode(text)
    with pytest.raises(TokenizerError, match=r"special token <\|endoftext\|> stands at character 10"):
        tokenizer.encode(text, allowed_special={"<|pad|>"})
    ids = tokenizer.encode(text, allowed_special="all")
    assert ids.count(298) == ids.count(299) == 1
    plain = tokenizer.encode(text, disallowed_special=())
    assert max(plain) < 298
    assert plain == tokenizer.encode_array(text).tolist()
    for each in (ids, plain):
        assert tokenizer.decode(each) == text
    assert tokenizer.token_bytes(299) == b"<|pad|>"


@given(text=WITH_SURROGATES)
def test_half_a_surrogate_pair_is_refused_everywhere_alike(tokenizer: BPETokenizer, text: str) -> None:
    broken = any(0xD800 <= ord(c) < 0xE000 for c in text)
    plain = partial(tokenizer.encode, disallowed_special=())
    for encode in (plain, tokenizer.encode_array, tokenizer.tokens, tokenizer.words):
        if broken:
            with pytest.raises(TokenizerError, match="half a surrogate pair"):
                encode(text)
        else:
            encode(text)


def test_a_half_pair_in_a_word_for_the_steps_too(tokenizer: BPETokenizer) -> None:
    with pytest.raises(TokenizerError, match=r"U\+DC00\) at character 2"):
        list(tokenizer.encode_steps("ab\udc00"))


@pytest.mark.parametrize("wrong", [300, -1, 2**70])
def test_an_id_that_is_not_there_is_named(tokenizer: BPETokenizer, wrong: int) -> None:
    for ask in (lambda i: tokenizer.decode([0, i]), tokenizer.token_bytes, tokenizer.merge_tree):
        with pytest.raises(TokenizerError, match=f"expected ids from 0 to 299, got {wrong:,}") as got:
            ask(wrong)
        assert got.value.hint


def test_bytes_that_are_no_text_are_shown_as_such(tokenizer: BPETokenizer) -> None:
    half = tokenizer.encode("é")[0] if len(tokenizer.encode("é")) > 1 else tokenizer._ranks[b"\xc3"]
    assert tokenizer.decode([half]) == "\ufffd"


def test_steps_go_from_bytes_to_tokens(tokenizer: BPETokenizer) -> None:
    steps = list(tokenizer.encode_steps("lowest"))
    assert steps[0].pieces == tuple(bytes([b]) for b in b"lowest")
    assert (steps[0].merged, steps[0].token_id, steps[0].rank) == (None, None, None)
    for before, step in pairwise(steps):
        assert len(step.pieces) == len(before.pieces) - 1
        assert step.merged in step.pieces
        assert b"".join(step.pieces) == b"lowest"
        assert step.token_id is not None
        assert step.rank == step.token_id - 255
        assert tokenizer.token_bytes(step.token_id) == step.merged
    assert [tokenizer.token_bytes(i) for i in tokenizer.encode("lowest")] == list(steps[-1].pieces)
    ranks = [step.rank for step in steps[1:]]
    assert ranks == sorted(ranks)


@given(word=st.text(alphabet="lowerst é🎉", max_size=20))
def test_the_last_step_is_what_encode_gives(word: str) -> None:
    tokenizer = BPETokenizer.train(TEXT, 300, pattern=r"[\s\S]+")
    *_, last = tokenizer.encode_steps(word)
    assert list(last.pieces) == [tokenizer.token_bytes(i) for i in tokenizer.encode(word)]


def test_the_steps_of_the_screens_picture(gpt2_vocabulary: Path) -> None:
    tokenizer = BPETokenizer.of(get_tokenizer("gpt2"))
    assert tokenizer is not None
    steps = list(tokenizer.encode_steps("unbelievable"))
    made = [s.merged.decode() for s in steps if s.merged]
    assert made == ["le", "ab", "un", "el", "ie", "able", "bel", "iev"]
    assert (steps[-1].token_id, steps[-1].rank) == (11203, 10948)
    assert tokenizer.n_merges == 50_000
    assert steps[-1].pieces == (b"un", b"bel", b"iev", b"able")


def test_rank_counts_the_merges(tokenizer: BPETokenizer) -> None:
    assert tokenizer.n_merges == 42
    assert [tokenizer.rank_of(i) for i in (0, 255, 256, 297, 298, 299, 300, -1)] == [None, None, 1, 42] + [None] * 4


def leaves(node: MergeNode) -> bytes:
    if node.left is None or node.right is None:
        assert node.left is node.right is None
        return node.bytes
    assert node.left.bytes + node.right.bytes == node.bytes
    assert max(node.left.id, node.right.id) < node.id
    return leaves(node.left) + leaves(node.right)


def test_a_tree_goes_down_to_bytes(tokenizer: BPETokenizer) -> None:
    for token_id in range(298):
        tree = tokenizer.merge_tree(token_id)
        assert tree.id == token_id
        assert leaves(tree) == tree.bytes == tokenizer.token_bytes(token_id)
        assert (tree.left is None) == (len(tree.bytes) == 1)
    pad = tokenizer.merge_tree(299)
    assert (pad.bytes, pad.left, pad.right) == (b"<|pad|>", None, None)


def test_a_tree_is_what_was_learnt() -> None:
    training = BPETokenizer.train_steps(TEXT, 300)
    steps = list(training)
    for step in steps:
        tree = training.tokenizer().merge_tree(step.token_id)
        assert tree.left is not None
        assert tree.right is not None
        assert (tree.left.bytes, tree.right.bytes) == (step.left, step.right)


def test_a_deep_tree_is_no_trouble() -> None:
    ranks = {bytes([byte]): byte for byte in range(256)} | {b"a" + b"b" * n: 255 + n for n in range(1, 3000)}
    node: MergeNode | None = BPETokenizer.from_tiktoken_ranks(ranks).merge_tree(3254)
    depth = 0
    while node is not None:
        node, depth = node.left, depth + 1
    assert depth == 3000


def test_a_token_that_no_merges_make_stands_alone() -> None:
    ranks = {bytes([byte]): byte for byte in range(256)} | {b"ab": 256, b"xyz": 257}
    tokenizer = BPETokenizer.from_tiktoken_ranks(ranks)
    assert tokenizer.merge_tree(257).left is None
    assert tokenizer.encode("xyz") == [257]
    *_, last = tokenizer.encode_steps("xyz")
    assert (last.pieces, last.token_id) == ((b"xyz",), 257)
    with pytest.raises(TokenizerError, match="b'xyz'") as got:
        tokenizer.write_openai_files("/nowhere")
    assert "write_tiktoken" in got.value.hint


def test_of_gives_the_twin_of_tiktokens_and_nothing_for_others(gpt2_vocabulary: Path, tokenizer: BPETokenizer) -> None:
    gpt2 = get_tokenizer("gpt2")
    twin = BPETokenizer.of(gpt2)
    assert twin is not None
    assert (twin.name, twin.vocab_size, twin.special_tokens) == ("gpt2", 50257, {"<|endoftext|>": 50256})
    assert twin.fingerprint == gpt2.fingerprint
    assert BPETokenizer.of(gpt2) is twin
    assert BPETokenizer.of(tokenizer) is tokenizer
    assert BPETokenizer.of(get_tokenizer("char", "abc")) is None
    assert BPETokenizer.of(get_tokenizer("byte")) is None


BYTES = {bytes([byte]): byte for byte in range(256)}


@pytest.mark.parametrize(
    ("ranks", "special", "words"),
    [
        ({}, {}, "all 256 bytes"),
        ({b"a": 0}, {}, "255 are missing, first byte 0"),
        (BYTES | {b"ab": 257}, {}, "without a gap up to 257, got none for 256"),
        (BYTES | {b"ab": 256, b"cd": 258}, {"<|x|>": 259}, "got none for 257"),
        (BYTES | {b"ab": 255}, {}, "got 255 for two"),
        (BYTES | {b"\x00": 1}, {}, "got 1 for two"),
        (BYTES | {b"\x00": 256, b"\x01": 0, b"ab": 0}, {}, "got 0 for two"),
        (BYTES | {b"ab": 256}, {"<|x|>": 256}, "got 256 for two"),
        (BYTES | {b"ab": -1}, {}, "ids from 0 to 16,777,215, got -"),
        (BYTES | {b"": 256}, {}, "empty"),
        (BYTES, {"": 256}, "empty"),
    ],
)
def test_what_is_no_vocabulary_is_refused(ranks: dict[bytes, int], special: dict[str, int], words: str) -> None:
    with pytest.raises(TokenizerError, match=words) as got:
        BPETokenizer(ranks, special_tokens=special)
    assert got.value.hint


def test_special_tokens_may_fill_a_gap_and_leave_one_behind() -> None:
    tokenizer = BPETokenizer(BYTES | {b"ab": 257}, special_tokens={"<|x|>": 256, "<|y|>": 300})
    assert tokenizer.encode("ab<|y|>", allowed_special="all") == [257, 300]
    assert tokenizer.vocab_size == 301
    with pytest.raises(TokenizerError, match="no token has the id 299"):
        tokenizer.decode([299])
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(folder)
        assert BPETokenizer.load(folder).encode("ab<|y|>", allowed_special="all") == [257, 300]


def good() -> dict[str, Any]:
    tokenizer = BPETokenizer.train(TEXT, 270)
    with tempfile.TemporaryDirectory() as folder:
        content = json.loads(tokenizer.save(folder).read_text())
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda c: c.update(kind="char"), "kind 'char'"),
        (lambda c: c.pop("tokens"), "'tokens'"),
        (lambda c: c.pop("pattern"), "'pattern'"),
        (lambda c: c.update(tokens=3), "expected a bpe tokenizer"),
        (lambda c: c.update(tokens=c["tokens"][:100]), "156 are missing"),
        (lambda c: c["tokens"].append(c["tokens"][260]), "twice"),
        (lambda c: c["tokens"].append("?" + c["tokens"][260]), "expected a bpe tokenizer"),
        (lambda c: c["tokens"].append(7), "expected a bpe tokenizer"),
        (lambda c: c.update(special_tokens={"<|x|>": "many"}), "expected a bpe tokenizer"),
        (lambda c: c.update(special_tokens={"<|x|>": -3}), "ids from 0 to 16,777,215, got -"),
        (lambda c: c.update(special_tokens=[]), "expected a bpe tokenizer"),
        (lambda c: c.update(pattern="("), "expected a pattern"),
        (lambda c: c.update(pattern=3), "a pattern that is no text"),
        (lambda c: c.update(pattern=""), "at least one character"),
        (lambda c: c.update(special_tokens={"<|x|>": float("inf")}), "the id inf of a special token"),
        (lambda c: c.update(special_tokens={"<|x|>": True}), "the id True of a special token"),
        (lambda c: c.update(special_tokens={"<|x|>": 2**40}), "ids from 0 to 16,777,215, got 1,099,511,627,776"),
        (lambda c: c.update(special_tokens={"\ud800": 300}), "half a surrogate pair"),
        (lambda c: c.update(name=None), "a name that is no text"),
    ],
)
def test_a_damaged_file_is_refused_in_two_lines(tmp_path: Path, spoil: Any, words: str) -> None:
    content = good()
    spoil(content)
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(TokenizerError, match=words) as got:
        BPETokenizer.load(tmp_path)
    assert got.value.hint
    assert "\n" not in got.value.title + got.value.hint


@pytest.mark.parametrize("cut", [0, 1, 100, 1000, -1])
def test_a_file_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    whole = json.dumps(good())
    (tmp_path / "tokenizer.json").write_text(whole[:cut])
    with pytest.raises(TokenizerError, match=r"damaged|not a tokenizer"):
        BPETokenizer.load(tmp_path)


def test_a_pattern_that_only_we_can_read() -> None:
    tokenizer = BPETokenizer.train(TEXT, 270, pattern=r"\m\w+|[\s\S]")
    assert tokenizer.decode(tokenizer.encode_array(TEXT)) == TEXT
    with pytest.raises(TokenizerError, match="tiktoken's engine cannot read the pattern"):
        tokenizer.to_tiktoken()


def test_a_pattern_that_looks_ahead_to_nothing_is_none_of_tiktokens_troubles() -> None:
    tokenizer = BPETokenizer.train(TEXT, 270, pattern=r"(?=l)|[\s\S]")
    assert tokenizer.encode_array(TEXT).tolist() == tokenizer.encode(TEXT)
    assert tokenizer.decode(tokenizer.encode(TEXT)) == TEXT


def test_a_changed_token_is_another_vocabulary() -> None:
    content = good()
    tokenizer = BPETokenizer.from_content(content)
    content["tokens"][-1] = base64.b64encode(b"qqqq").decode()
    assert BPETokenizer.from_content(content).fingerprint != tokenizer.fingerprint


def test_without_room_nothing_half_written_is_left(tmp_path: Path, tokenizer: BPETokenizer) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        for write in (
            tokenizer.save,
            tokenizer.write_openai_files,
            lambda d: tokenizer.write_tiktoken(d / "x.tiktoken"),
        ):
            with pytest.raises(DiskFullError):
                write(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
