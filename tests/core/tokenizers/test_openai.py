from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiktoken
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import DownloadError, TokenizerError
from core.folders import cache_dir
from core.tokenizers import fetch_tokenizer, get_tokenizer, load_tokenizer, openai, tokenizer_is_here, vocabularies
from core.tokenizers.openai import TiktokenTokenizer

# Where pieces meet is what matters: spaces of all kinds, apostrophes, digits, letters and characters of many bytes.
_PIECES = [
    " ",
    "  ",
    "\n",
    "\t",
    "\r\n",
    "\u00a0",
    "\u3000",
    "\x1c",
    "'",
    "'s",
    "'ll",
    "a",
    "Zebra",
    "the",
    "42",
    "é",
    ".",
]
_PIECES += ["日本", "🎉", "👩‍🚀", "<|endoftext|>", "<|", "\0", "_", "--"]
texts = st.one_of(st.text(), st.lists(st.sampled_from(_PIECES), max_size=60).map("".join))
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture
def gpt2(gpt2_vocabulary: Path) -> TiktokenTokenizer:
    tokenizer = get_tokenizer("gpt2")
    assert isinstance(tokenizer, TiktokenTokenizer)
    return tokenizer


@pytest.fixture
def reference(lab_cache: Path, monkeypatch: pytest.MonkeyPatch) -> tiktoken.Encoding:
    """Tiktoken's own gpt2, read from vocab.bpe and encoder.json."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(lab_cache / "tiktoken"))
    return tiktoken.get_encoding("gpt2")


@shared
@given(text=texts)
def test_the_ids_are_tiktokens(gpt2: TiktokenTokenizer, reference: tiktoken.Encoding, text: str) -> None:
    ids = gpt2.encode(text, disallowed_special=())
    assert ids == reference.encode(text, disallowed_special=())
    assert gpt2.encode(text, allowed_special="all") == reference.encode(text, allowed_special="all")
    assert gpt2.decode(ids) == text
    outcomes: list[object] = []
    for tokenizer in (gpt2, reference):
        try:
            outcomes.append(tokenizer.encode(text))
        except (TokenizerError, ValueError):
            outcomes.append("refused")
    assert outcomes[0] == outcomes[1]


@shared
@given(text=texts, stretch=st.integers(1, 20))
def test_a_corpus_cut_in_stretches_has_the_same_ids(gpt2: TiktokenTokenizer, text: str, stretch: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openai, "_STRETCH", stretch)
        ids = gpt2.encode_array(text)
    assert ids.dtype == np.uint16
    assert ids.tolist() == gpt2.encode(text, disallowed_special=())


def test_a_real_text_cut_in_stretches_has_the_same_ids(
    gpt2: TiktokenTokenizer, tiny_shakespeare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tiny_shakespeare.read_text()
    monkeypatch.setattr(openai, "_STRETCH", 10_000)
    assert len(list(openai._stretches(text))) > 100
    assert gpt2.encode_array(text).tolist() == gpt2.encode(text)


@shared
@given(text=texts)
def test_each_token_knows_its_place(gpt2: TiktokenTokenizer, text: str) -> None:
    tokens, raw, at = gpt2.tokens(text), text.encode(), 0
    assert [t.id for t in tokens] == gpt2.encode(text, disallowed_special=())
    for token in tokens:
        assert token.byte_start == at
        at = token.byte_end
        assert raw[token.byte_start : token.byte_end] == token.bytes
        around = text[token.char_start : token.char_end].encode()
        assert token.bytes in around
        assert len(text[: token.char_start].encode()) <= token.byte_start
        assert len(text[: token.char_end].encode()) >= token.byte_end
        if "\ufffd" not in token.text:
            assert text[token.char_start : token.char_end] == token.text
    assert at == len(raw)


def test_the_parts_of_one_character_share_its_place(gpt2: TiktokenTokenizer) -> None:
    tokens = gpt2.tokens("a🎉b")
    assert b"".join(t.bytes for t in tokens) == "a🎉b".encode()
    assert len(tokens) > 3
    assert {(t.char_start, t.char_end) for t in tokens[1:-1]} == {(1, 2)}
    assert (tokens[-1].char_start, tokens[-1].char_end) == (2, 3)


@pytest.mark.parametrize("space", [" ", "\n"])
def test_a_million_spaces_before_a_letter_are_no_panic(gpt2: TiktokenTokenizer, space: str) -> None:
    """tiktoken's own encode panics there (its regular expressions' stack is full)."""
    text = space * 1_000_000 + "a"
    ids = gpt2.encode(text)
    assert gpt2.decode(ids) == text
    assert gpt2.encode_array(text).tolist() == ids


def test_the_end_of_text_is_special_only_where_it_is_allowed(gpt2: TiktokenTokenizer) -> None:
    text = "one<|endoftext|>two"
    assert gpt2.special_tokens == {"<|endoftext|>": 50_256}
    assert gpt2.vocab_size == 50_257
    assert 50_256 not in gpt2.encode(text, disallowed_special=())
    with pytest.raises(TokenizerError, match=r"<\|endoftext\|> stands at character 3") as caught:
        gpt2.encode(text)
    assert "--allowed-special" in caught.value.hint
    assert 50_256 in gpt2.encode(text, allowed_special={"<|endoftext|>"})
    assert 50_256 in gpt2.encode(text, allowed_special="all")
    for ids in (gpt2.encode(text, disallowed_special=()), gpt2.encode(text, allowed_special="all")):
        assert gpt2.decode(ids) == text


@pytest.mark.parametrize("stretch", [1, 1000])
def test_half_a_surrogate_pair_is_named_with_its_place(
    gpt2: TiktokenTokenizer, monkeypatch: pytest.MonkeyPatch, stretch: int
) -> None:
    monkeypatch.setattr(openai, "_STRETCH", stretch)
    for use in (gpt2.encode, gpt2.encode_array, gpt2.tokens):
        with pytest.raises(TokenizerError, match=r"half a surrogate pair \(U\+D83C\) at character 7"):
            use("before \ud83c after that")


def test_bytes_that_are_no_text_are_shown_as_such(gpt2: TiktokenTokenizer) -> None:
    first, *_ = gpt2.encode("🎉")
    assert "\ufffd" in gpt2.decode([first])


@pytest.mark.parametrize("wrong", [50_257, -1, 2**40])
def test_an_id_that_is_not_there_is_named(gpt2: TiktokenTokenizer, wrong: int) -> None:
    with pytest.raises(TokenizerError, match=f"expected ids from 0 to 50,256, got {wrong:,}"):
        gpt2.decode([0, wrong])


def test_arrays_are_decoded_too(gpt2: TiktokenTokenizer) -> None:
    assert gpt2.decode(gpt2.encode_array("some words")) == "some words"
    assert gpt2.decode(np.array([], dtype=np.int64)) == ""
    assert gpt2.encode_array("").tolist() == []


def test_a_saved_one_needs_no_vocabulary(gpt2: TiktokenTokenizer, tmp_path: Path) -> None:
    path = gpt2.save(tmp_path / "run")
    shutil.rmtree(cache_dir())
    text = "It's 42 naïve 🎉 words\n\n  in <|endoftext|> Ωmega"
    for loaded in (load_tokenizer(tmp_path / "run"), TiktokenTokenizer.load(path)):
        assert loaded.encode(text, disallowed_special=()) == gpt2.encode(text, disallowed_special=())
        assert loaded.encode(text, allowed_special="all") == gpt2.encode(text, allowed_special="all")
        assert loaded.decode(range(50_257)) == gpt2.decode(range(50_257))
        assert loaded.name == "gpt2"
        assert loaded.vocab_size == 50_257
        assert loaded.fingerprint == gpt2.fingerprint


@pytest.mark.parametrize("spoil", ["drop", "swap", "garble", "double"])
def test_a_saved_one_that_was_changed_is_another_or_refused(
    gpt2: TiktokenTokenizer, tmp_path: Path, spoil: str
) -> None:
    path = gpt2.save(tmp_path)
    content = json.loads(path.read_text())
    tokens = content["tokens"]
    if spoil == "drop":
        del tokens[1000]
    elif spoil == "swap":
        tokens[300], tokens[301] = tokens[301], tokens[300]
    elif spoil == "garble":
        tokens[500] = "?" + tokens[500]
    else:
        tokens[500] = tokens[501]
    path.write_text(json.dumps(content))
    if spoil in ("drop", "swap"):
        assert load_tokenizer(tmp_path).fingerprint != gpt2.fingerprint
    else:
        with pytest.raises(TokenizerError, match="expected a tiktoken tokenizer"):
            load_tokenizer(tmp_path)


@pytest.mark.usefixtures("lab_cache")
def test_either_file_of_the_vocabulary_serves() -> None:
    random.seed(3)
    text = " ".join(random.choice(_PIECES) for _ in range(500))
    from_r50k = get_tokenizer("gpt2")
    vocabularies.VOCABULARIES["gpt2"].place.unlink()
    from_merges = get_tokenizer("gpt2")
    assert from_merges is not from_r50k
    assert from_merges.fingerprint == from_r50k.fingerprint
    assert from_merges.encode_array(text).tolist() == from_r50k.encode_array(text).tolist()


def test_tiktokens_own_cache_serves_too(lab_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lab_cache / "tiktoken").rename(tmp_path / "elsewhere")
    assert not tokenizer_is_here("gpt2")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "elsewhere"))
    assert tokenizer_is_here("gpt2")
    assert get_tokenizer("gpt2").encode("hello world") == [31373, 995]


def test_a_damaged_vocabulary_is_fetched_again(gpt2_vocabulary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from file_server import Answer, serving

    content = gpt2_vocabulary.read_bytes()
    gpt2_vocabulary.unlink()
    gpt2_vocabulary.write_bytes(content[:1000])
    assert not tokenizer_is_here("gpt2")
    with serving(content) as server:
        server.answers += [Answer(cut=400_000)]
        monkeypatch.setattr(vocabularies.Vocabulary, "url", server.url)
        progress = list(fetch_tokenizer("gpt2"))
        assert progress[-1].received == len(content)
        assert get_tokenizer("gpt2").encode("hello world") == [31373, 995]
        assert list(fetch_tokenizer("gpt2")) == []
        assert len(server.requests) == 2


@pytest.mark.parametrize("how", ["a cache folder served", "another host"])
def test_a_mirror_is_asked_for_a_vocabulary(gpt2_vocabulary: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    from file_server import serving

    known, content = vocabularies.VOCABULARIES["gpt2"], gpt2_vocabulary.read_bytes()
    gpt2_vocabulary.unlink()
    with serving(b"") as server:
        if how == "another host":
            server.files = {f"/own/{known.file}": content}
            monkeypatch.setenv("LLM_LAB_MIRROR", f"{known.url.rpartition('/')[0]}={server.base}/own")
        else:
            server.files = {f"/tiktoken/{known.place.name}": content}
            monkeypatch.setenv("LLM_LAB_MIRROR", server.base)
        assert get_tokenizer("gpt2").encode("hello world") == [31373, 995]
        assert len(server.requests) == 1


# The names that tiktoken itself gives these files in its cache.
@pytest.mark.parametrize(
    ("name", "file", "cached"),
    [
        ("gpt2", "r50k_base", "0ea1e91bbb3a60f729a8dc8f777fd2fc07cd8df4"),
        ("p50k_base", "p50k_base", "ec7223a39ce59f226a68acc30dc1af2788490e15"),
        ("cl100k_base", "cl100k_base", "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"),
        ("o200k_base", "o200k_base", "fb374d419588a4632f3f557e76b4b70aebbca790"),
    ],
)
def test_without_network_and_cache_the_error_says_what_needs_neither(
    monkeypatch: pytest.MonkeyPatch, name: str, file: str, cached: str
) -> None:
    monkeypatch.setattr("core.data.download.FIRST_PAUSE", 0.001)
    assert not tokenizer_is_here(name)
    with pytest.raises(DownloadError) as caught:
        get_tokenizer(name)
    title, hint = str(caught.value).splitlines()
    assert name in title
    assert f"{file}.tiktoken" in title
    assert "openaipublic.blob.core.windows.net cannot be reached" in title
    assert str(cache_dir() / "tiktoken" / cached) in hint
    for offline in ("char", "byte", "words-v1", "words-v2", "bpe:PATH"):
        assert offline in hint


def test_char_needs_nothing_fetched() -> None:
    assert tokenizer_is_here("char")
    assert list(fetch_tokenizer("char")) == []
    with pytest.raises(TokenizerError, match="no tokenizer is called 'chars'"):
        tokenizer_is_here("chars")
