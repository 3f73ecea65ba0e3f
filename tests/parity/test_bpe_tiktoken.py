"""Our byte-pair encoder against tiktoken's engine: with GPT-2's ranks, with ranks trained here, with random ones."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import tiktoken
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import TokenizerError
from core.tokenizers import bpe, bpe_encode, bpe_split, get_tokenizer
from core.tokenizers.bpe import BPETokenizer
from core.tokenizers.openai import TiktokenTokenizer
from core.tokenizers.vocabularies import CL100K_PATTERN, GPT2_PATTERN, O200K_PATTERN

# OpenAI's files in tiktoken's cache, as tests/conftest.py fills it.
R50K = "tiktoken/0ea1e91bbb3a60f729a8dc8f777fd2fc07cd8df4"
VOCAB_BPE = "tiktoken/6d1cbeee0f20b3d9449abfede4726ed8212e3aee"
ENCODER_JSON = "tiktoken/6c7ea1a7e38e3a7f062df639a5b80947f075ffe6"

# Where pieces meet is what matters: white space of all kinds, apostrophes, marks that combine, characters of many
# bytes, letters that only newer editions of Unicode know, and those that change their length with their case.
_PIECES = [
    " ",
    "  ",
    " " * 30,
    "\n",
    "\n\n",
    "\r\n",
    "\t",
    "\v",
    "\f",
    "\x1c",
    "\x1f",
    "\x85",
    "\u00a0",
    "\u2028",
    "\u3000",
]
_PIECES += [
    "'",
    "'s",
    "'S",
    "'ll",
    "'LL",
    "'ſ",
    "’t",
    "don't",
    "a",
    "Zebra",
    "the",
    " the",
    "42",
    "1234567",
    "½",
    "Ⅷ",
    "٣",
]
_PIECES += [
    "é",
    "e\u0301",
    "\u0301",
    "\u0308\u0301",
    "a\u200d",
    "ß",
    "İ",
    "ſ",
    "K",
    ".",
    "...",
    "--",
    "_",
    "/",
    "\0",
    "\0\0",
]
_PIECES += [
    "日本",
    "한국",
    "ไทย",
    "हिन्दी",
    "العربية",
    "עברית",
    "Ωμέγα",
    "Привет",
    "ǅ",
    "ʰ",
    "🎉",
    "👩‍🚀",
    "👨‍👩‍👧‍👦",
    "🏳️‍🌈",
    "🇨🇭",
    "👍🏽",
    "🎉\u0301",
]
_PIECES += [
    "<|endoftext|>",
    "<|",
    "|>",
    "\ufeff",
    "\ufffd",
    "\U0010ffff",
    "\u0378",
    "\u0558",
    "\u088f",
    "\u0295",
    "\U00011de0",
    "\u1c89",
    "\U000105c0",
]
any_character = st.characters(exclude_categories=("Cs",))
texts = st.one_of(
    st.text(any_character),
    st.lists(st.sampled_from(_PIECES), max_size=40).map("".join),
    st.lists(st.one_of(st.sampled_from(_PIECES), any_character), max_size=40).map("".join),
)
many = settings(max_examples=2500, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
some = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
fewer = settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture
def gpt2(gpt2_vocabulary: Path) -> TiktokenTokenizer:
    tokenizer = get_tokenizer("gpt2")
    assert isinstance(tokenizer, TiktokenTokenizer)
    return tokenizer


@pytest.fixture
def ours(gpt2: TiktokenTokenizer) -> BPETokenizer:
    tokenizer = BPETokenizer.of(gpt2)
    assert tokenizer is not None
    return tokenizer


@pytest.fixture
def reference(lab_cache: Path, monkeypatch: pytest.MonkeyPatch) -> tiktoken.Encoding:
    """Tiktoken's own gpt2, read from vocab.bpe and encoder.json."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(lab_cache / "tiktoken"))
    return tiktoken.get_encoding("gpt2")


def trained(pattern: str = GPT2_PATTERN) -> BPETokenizer:
    text = "It's the end of the world as we know it, 日本 日本 don't 12345 12345\n\n  x"
    whole = BPETokenizer.train(text, 330, pattern=rf"{pattern}|[\s\S]")  # what leaves things out, nothing learns from
    ranks = {whole.token_bytes(i): i for i in range(256 + whole.n_merges)}
    return BPETokenizer(ranks, pattern=pattern, special_tokens=whole.special_tokens)


@many
@given(text=texts)
def test_every_text_has_the_ids_of_tiktokens_gpt2(ours: BPETokenizer, reference: tiktoken.Encoding, text: str) -> None:
    ids = ours.encode(text, disallowed_special=())
    assert ids == reference.encode(text, disallowed_special=())
    assert ours.decode(ids) == text
    assert ours.encode(text, allowed_special="all") == reference.encode(text, allowed_special="all")


@pytest.mark.parametrize("corpus", ["tiny-shakespeare", "the-verdict"])
def test_both_corpora_have_the_ids_of_tiktokens_gpt2(
    ours: BPETokenizer, reference: tiktoken.Encoding, lab_cache: Path, corpus: str
) -> None:
    text = (lab_cache / "corpora" / f"{corpus}.txt").read_text()
    expected = reference.encode(text)
    assert ours.encode(text) == expected
    assert ours.encode_array(text).tolist() == expected
    assert ours.decode(expected) == text
    if corpus == "the-verdict":
        assert len(expected) == 5145


PATTERNS = {
    "gpt2": GPT2_PATTERN,
    "cl100k": CL100K_PATTERN,
    "o200k": O200K_PATTERN,
    "with a group": r"(a|b)+|[^ab]",
    "leaves things out": r"[a-z]+|\s",
}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS.keys())
def test_our_engine_and_tiktokens_agree_on_what_was_trained_here(pattern: str) -> None:
    tokenizer = trained(pattern)
    engine = tokenizer.to_tiktoken()
    assert engine is tokenizer.to_tiktoken()
    assert engine.n_vocab == tokenizer.vocab_size

    @some
    @given(text=texts)
    def agree(text: str) -> None:
        expected = engine.encode(text, disallowed_special=())
        assert tokenizer.encode(text, disallowed_special=()) == expected
        assert tokenizer.encode_array(text).tolist() == expected

    agree()


def test_every_character_is_of_the_class_that_tiktoken_sees() -> None:
    import regex

    every = "".join(chr(i) for i in range(0x110000) if not 0xD800 <= i < 0xE000)
    seen = every.translate(bpe_split.stand_ins(every))
    single = {bytes([i]): i for i in range(256)}
    for category in ("L", "N", "M", "Lu", "Ll", "Lt", "Lm", "Lo", "White_Space"):
        pattern = rf"\p{{{category}}}"
        engine = tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=single, special_tokens={})
        expected = bytes(engine.encode_ordinary(every)).decode()
        assert "".join(every[m.start()] for m in regex.finditer(pattern, seen)) == expected, category
        assert len(expected) > 20


@fewer
@given(data=st.data())
def test_any_ranks_merge_as_in_tiktoken(data: st.DataObject) -> None:
    """Not only ranks that were learnt: tokens that nothing leads to, parts that come after the whole, loops."""
    made = [b"a", b"b", b"c"]
    for left, right in data.draw(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=14)):
        token = made[left % len(made)] + made[right % len(made)]
        if token not in made and len(token) < 20:
            made.append(token)
    order = data.draw(st.permutations(made[3:]))
    ranks = {bytes([byte]): byte for byte in range(256)} | {token: 256 + i for i, token in enumerate(order)}
    tokenizer = BPETokenizer.from_tiktoken_ranks(ranks, pattern=r"[a-c]+|.")
    engine = tokenizer.to_tiktoken()
    text = data.draw(st.text(alphabet="abc", min_size=1, max_size=60))
    expected = engine.encode_ordinary(text)
    assert tokenizer.encode(text) == expected
    chunk = data.draw(st.integers(1, 20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bpe_encode, "LONG", 1)
        patch.setattr(bpe_encode, "CHUNK", chunk)
        assert tokenizer.encode(text + "ab") == engine.encode_ordinary(text + "ab")
    *_, last = tokenizer.encode_steps(text)
    assert list(last.pieces) == [tokenizer.token_bytes(i) for i in expected]


def long_lines(n: int) -> dict[str, str]:
    rng = random.Random(5)
    return {
        "letters": "".join(rng.choices("etaoinshrdlu", k=n)),
        "any letters": "".join(map(chr, rng.choices([*range(97, 123), *range(0x3B1, 0x3C9)], k=n))),
        "one letter": "a" * n,
        "odd start": "b" + "a" * n,
        "dashes": "-=" * (n // 2),
        "digits": "".join(rng.choices("0123456789", k=n)),
        "chinese": "".join(rng.choices("的一是不了人我在有他这为之大来以个中上们", k=n)),
        "words run together": "".join(rng.choices(["the", "man", "and", "tion", "self", "Unbeliev", "able"], k=n // 4)),
        "spaces": " " * n + "a",
    }


@pytest.mark.parametrize("kind", long_lines(0))
def test_a_long_line_without_spaces_has_tiktokens_ids(
    ours: BPETokenizer, reference: tiktoken.Encoding, kind: str
) -> None:
    line = long_lines(30_000)[kind]
    expected = reference.encode(line)
    assert ours.encode(line) == expected
    assert ours.encode_array(line).tolist() == expected


def test_a_long_line_is_merged_in_time_with_its_length(ours: BPETokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time in proportion to the length: so many bytes go through the merging that takes the square of a length."""
    merged = 0
    merge = bpe_encode.Merges.merge

    def counted(self: bpe_encode.Merges, piece: bytes, below: int = bpe_encode.NONE) -> list[int]:
        nonlocal merged
        merged += len(piece)
        assert len(piece) <= 4 * bpe_encode.CHUNK
        return merge(self, piece, below)

    monkeypatch.setattr(bpe_encode.Merges, "merge", counted)
    for kind, line in long_lines(60_000).items():
        merged = 0
        ids = ours.encode(line)
        assert merged < 3 * len(line.encode()), kind
        assert ours.decode(ids) == line


def test_spaces_that_are_too_many_for_tiktoken_are_not_for_us(ours: BPETokenizer) -> None:
    text = " " * 1_100_000 + "a"
    with pytest.raises(ValueError, match="stack"):
        ours.to_tiktoken().encode(text)
    ids = ours.encode(text)
    assert ours.decode(ids) == text
    assert ours.encode_array(text).tolist() == ids


@pytest.mark.parametrize("stretch", [1, 9])
@some
@given(text=texts)
def test_a_corpus_cut_in_stretches_has_the_same_ids(
    ours: BPETokenizer, reference: tiktoken.Encoding, text: str, stretch: int
) -> None:
    text = f"one two,three {text} four five，六。七"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bpe_split, "STRETCH", stretch)
        patch.setattr(bpe, "FAST_STRETCH", stretch)
        array = ours.encode_array(text)
        ids = ours.encode(text, disallowed_special=())
    assert array.dtype == np.uint16
    assert array.tolist() == ids == reference.encode(text, disallowed_special=())


@pytest.mark.parametrize("pattern", [CL100K_PATTERN, O200K_PATTERN], ids=["cl100k", "o200k"])
@some
@given(text=texts)
def test_other_patterns_are_cut_in_stretches_alike(pattern: str, text: str) -> None:
    tokenizer, text = BPETokenizer.train("", 257, pattern=pattern), f"ab cd,Éf {text} g hij，六。七"
    pieces = tokenizer.words(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bpe_split, "STRETCH", 1)
        assert tokenizer.words(text) == pieces
        patch.setattr(bpe_split, "LONG_STRETCH", 1)
        assert tokenizer.words(text) == pieces


@some
@given(text=texts, allowed=st.sampled_from(["all", frozenset(), {"<|endoftext|>"}, {"<|unheard-of|>"}]))
@pytest.mark.parametrize("disallowed", ["all", (), ("<|endoftext|>",), ("the",)])
def test_special_tokens_as_tiktoken_has_them(
    ours: BPETokenizer, reference: tiktoken.Encoding, text: str, allowed: str, disallowed: str
) -> None:
    try:
        expected = reference.encode(text, allowed_special=allowed, disallowed_special=disallowed)
    except ValueError:
        with pytest.raises(TokenizerError, match="special token"):
            ours.encode(text, allowed_special=allowed, disallowed_special=disallowed)
    else:
        assert ours.encode(text, allowed_special=allowed, disallowed_special=disallowed) == expected


def test_openais_files_give_tiktokens_gpt2(lab_cache: Path, reference: tiktoken.Encoding, the_verdict: Path) -> None:
    tokenizer = BPETokenizer.from_openai_files(lab_cache / ENCODER_JSON, lab_cache / VOCAB_BPE, name="gpt2")
    assert tokenizer.fingerprint == get_tokenizer("gpt2").fingerprint
    assert tokenizer.special_tokens == {"<|endoftext|>": 50256}
    assert tokenizer.encode(the_verdict.read_text()) == reference.encode(the_verdict.read_text())


def test_what_is_written_of_gpt2_is_what_openai_wrote(lab_cache: Path, tmp_path: Path, ours: BPETokenizer) -> None:
    ours.write_openai_files(tmp_path)
    assert (tmp_path / "vocab.bpe").read_bytes() == (lab_cache / VOCAB_BPE).read_bytes()
    assert (tmp_path / "encoder.json").read_bytes() == (lab_cache / ENCODER_JSON).read_bytes()
    ours.write_tiktoken(tmp_path / "r50k_base.tiktoken")
    assert (tmp_path / "r50k_base.tiktoken").read_bytes() == (lab_cache / R50K).read_bytes()


def test_tiktoken_reads_what_we_write(tmp_path: Path) -> None:
    from tiktoken.load import data_gym_to_mergeable_bpe_ranks, load_tiktoken_bpe

    tokenizer = trained()
    tokenizer.write_openai_files(tmp_path)
    tokenizer.write_tiktoken(tmp_path / "ours.tiktoken")
    ranks = load_tiktoken_bpe(str(tmp_path / "ours.tiktoken"))
    assert data_gym_to_mergeable_bpe_ranks(str(tmp_path / "vocab.bpe"), str(tmp_path / "encoder.json")) == ranks
    assert BPETokenizer.from_tiktoken_ranks(ranks).fingerprint == tokenizer.fingerprint
