from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.errors import TokenizerError
from core.tokenizers import get_tokenizer
from core.tokenizers.bpe import BPETokenizer
from core.tokenizers.bpe_files import open_bpe, shown
from core.tokenizers.vocabularies import SHOWN, VOCABULARIES, Vocabulary

TEXT = "low lower lowest newest widest, the lowest of the low; naïve café 🎉🎉 日本 日本"


@pytest.fixture(scope="module")
def tokenizer() -> BPETokenizer:
    return BPETokenizer.train(TEXT, 290)


@pytest.fixture
def pair(tmp_path: Path, tokenizer: BPETokenizer) -> Path:
    tokenizer.write_openai_files(tmp_path / "pair")
    return tmp_path / "pair"


@pytest.fixture
def ranks_file(tmp_path: Path, tokenizer: BPETokenizer) -> Path:
    tokenizer.write_tiktoken(tmp_path / "ours.tiktoken")
    return tmp_path / "ours.tiktoken"


def refused(path: Path, words: str) -> None:
    with pytest.raises(TokenizerError, match=words) as got:
        open_bpe(path)
    assert got.value.hint
    assert "\n" not in got.value.title + got.value.hint


def test_every_format_gives_the_same_tokenizer(tokenizer: BPETokenizer, pair: Path, ranks_file: Path) -> None:
    saved = tokenizer.save(pair.parent / "saved")
    places = [pair, pair / "encoder.json", pair / "vocab.bpe", ranks_file, ranks_file.parent, saved, saved.parent]
    for place in places:
        opened = open_bpe(place)
        assert opened.fingerprint == tokenizer.fingerprint
        assert opened.encode(TEXT) == tokenizer.encode(TEXT)
        assert opened.special_tokens == {"<|endoftext|>": 289}
        assert get_tokenizer(f"bpe:{place}").encode(TEXT) == tokenizer.encode(TEXT)


def test_our_own_file_goes_before_others_in_a_folder(tokenizer: BPETokenizer, pair: Path) -> None:
    other = BPETokenizer.train("other words", 260)
    other.save(pair)
    assert open_bpe(pair).fingerprint == other.fingerprint
    assert open_bpe(pair / "vocab.bpe").fingerprint == tokenizer.fingerprint


def test_bytes_are_shown_as_gpt2_shows_them() -> None:
    assert len(SHOWN) == len(set(SHOWN.values())) == 256
    assert shown(b" caf\xc3\xa9\n\x00") == "ĠcafÃ©ĊĀ"
    assert all(c.isprintable() and c != " " for c in SHOWN.values())


def test_hugging_faces_names_are_known(pair: Path, tokenizer: BPETokenizer) -> None:
    (pair / "encoder.json").rename(pair / "vocab.json")
    refused(pair / "vocab.json", "expected a vocabulary at .*merges.txt, found none")
    (pair / "vocab.bpe").rename(pair / "merges.txt")
    for place in (pair, pair / "vocab.json", pair / "merges.txt"):
        assert open_bpe(place).fingerprint == tokenizer.fingerprint


def test_windows_line_ends_and_no_last_one_do_no_harm(pair: Path, ranks_file: Path, tokenizer: BPETokenizer) -> None:
    for path in (pair / "vocab.bpe", ranks_file):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n").rstrip())
    assert open_bpe(pair).fingerprint == open_bpe(ranks_file).fingerprint == tokenizer.fingerprint


def test_special_tokens_may_come_first(tmp_path: Path, tokenizer: BPETokenizer, pair: Path) -> None:
    """As Hugging Face numbers what its trainer learnt."""
    ids = json.loads((pair / "encoder.json").read_text())
    del ids["<|endoftext|>"]
    moved = {"<s>": 0, "[PAD]": 1} | {token: i + 2 for token, i in ids.items()}
    (pair / "encoder.json").write_text(json.dumps(moved))
    opened = open_bpe(pair)
    assert opened.special_tokens == {"<s>": 0, "[PAD]": 1}
    assert opened.encode(TEXT) == [i + 2 for i in tokenizer.encode(TEXT)]
    assert opened.to_tiktoken().encode(TEXT) == opened.encode(TEXT)
    opened.save(tmp_path / "saved")
    assert open_bpe(tmp_path / "saved").encode(TEXT) == opened.encode(TEXT)


def test_openais_own_files_are_known_by_their_content(
    ranks_file: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: BPETokenizer
) -> None:
    import hashlib

    digest = hashlib.sha256(ranks_file.read_bytes()).hexdigest()
    known = Vocabulary("famous.tiktoken", digest, r"\S+|\s+", {"<|a|>": 289, "<|b|>": 300}, 301)
    monkeypatch.setitem(VOCABULARIES, "famous", known)
    opened = open_bpe(ranks_file)
    assert (opened.name, opened.pattern, opened.special_tokens) == ("famous", r"\S+|\s+", {"<|a|>": 289, "<|b|>": 300})
    chosen = BPETokenizer.from_tiktoken_ranks(ranks_file, pattern=r".", special_tokens={})
    assert (chosen.pattern, chosen.special_tokens) == (".", {})


def test_gpt2s_ranks_under_any_name(gpt2_vocabulary: Path, tmp_path: Path) -> None:
    copy = tmp_path / "mine.tiktoken"
    copy.write_bytes(gpt2_vocabulary.read_bytes())
    assert open_bpe(copy).fingerprint == get_tokenizer("gpt2").fingerprint


# Nothing there, or something else


def test_a_place_with_nothing_says_what_was_expected(tmp_path: Path) -> None:
    refused(tmp_path, "expected tokenizer.json, or encoder.json and vocab.bpe")
    refused(tmp_path / "none.tiktoken", "expected a vocabulary at .*none.tiktoken, found none")
    refused(tmp_path / "nothing", "expected a tokenizer at .*nothing")
    (tmp_path / "folder.tiktoken").mkdir()
    refused(tmp_path / "folder.tiktoken" / "x.tiktoken", "found none")


@pytest.mark.parametrize("missing", ["encoder.json", "vocab.bpe"])
def test_half_of_the_pair_is_named(pair: Path, missing: str) -> None:
    (pair / missing).unlink()
    refused(pair, f"expected a vocabulary at .*{missing}, found none")
    refused(pair / missing, f"expected a vocabulary at .*{missing}, found none")


def test_the_pair_the_wrong_way_round(pair: Path) -> None:
    with pytest.raises(TokenizerError, match="expected JSON with the id of each token"):
        BPETokenizer.from_openai_files(pair / "vocab.bpe", pair / "encoder.json")


# encoder.json


@pytest.mark.parametrize("cut", [0, 1, 50, 500, -1])
def test_ids_cut_off_are_refused(pair: Path, cut: int) -> None:
    path = pair / "encoder.json"
    path.write_bytes(path.read_bytes()[:cut])
    refused(pair, "expected JSON with the id of each token in .*encoder.json, got damage")


@pytest.mark.parametrize("content", ["[]", "3", '{"a": "b"}', '{"a": 1.5}', '{"a": -1}', '{"a": true}', '{"a": null}'])
def test_json_of_another_kind_is_refused(pair: Path, content: str) -> None:
    (pair / "encoder.json").write_text(content)
    refused(pair, "expected a JSON object of tokens and their ids")


def test_json_that_is_too_deep_is_refused(pair: Path) -> None:
    (pair / "encoder.json").write_text("[" * 100_000)
    refused(pair, "expected JSON with the id of each token")


def with_ids(pair: Path, change: dict[str, int | None]) -> None:
    path = pair / "encoder.json"
    ids = json.loads(path.read_text()) | change
    path.write_text(json.dumps({token: i for token, i in ids.items() if i is not None}))


def test_a_byte_that_is_missing_is_named(pair: Path) -> None:
    with_ids(pair, {"Ġ": None, "a": None})
    refused(pair, "expected all 256 bytes in .*, 2 are missing, first 'Ġ'")


def test_an_id_given_twice_is_named(pair: Path) -> None:
    with_ids(pair, {"low": 7})
    refused(pair, "gives the id 7 to both '\\(' and 'low'")


# vocab.bpe


def merges(pair: Path) -> list[str]:
    return (pair / "vocab.bpe").read_text().splitlines()


def with_merges(pair: Path, lines: list[str]) -> None:
    (pair / "vocab.bpe").write_text("\n".join(lines) + "\n")


def test_merges_cut_off_within_a_line_are_refused(pair: Path) -> None:
    lines = merges(pair)
    with_merges(pair, [*lines[:10], lines[10].split()[0]])
    refused(pair, "expected two tokens in line 11 of .*vocab.bpe, got")


def test_merges_cut_off_between_lines_do_not_fit_the_ids(pair: Path) -> None:
    with_merges(pair, merges(pair)[:20])
    refused(pair, "encoder.json has 14 tokens that vocab.bpe does not make, first")


def test_ids_of_fewer_tokens_do_not_fit_the_merges(pair: Path, tokenizer: BPETokenizer) -> None:
    with_ids(pair, {shown(tokenizer.token_bytes(280)): None})
    refused(pair, "merge 25 of .*vocab.bpe makes '.*', which has no id in encoder.json")


def test_the_pair_of_two_different_vocabularies(pair: Path, tmp_path: Path) -> None:
    BPETokenizer.train("quite another text about other things", 290).write_openai_files(tmp_path / "other")
    (pair / "vocab.bpe").write_bytes((tmp_path / "other" / "vocab.bpe").read_bytes())
    refused(pair, "has no id in encoder.json|does not make")


def test_merges_in_another_order_than_the_ids(pair: Path) -> None:
    lines = merges(pair)
    lines[1], lines[2] = lines[2], lines[1]
    with_merges(pair, lines)
    refused(
        pair, "merge 2 of .* with id 256, after one with id 257: expected ids in the order of the merges|only later"
    )


def test_a_cycle_of_merges(pair: Path) -> None:
    with_ids(pair, {"zq": 1000, "zqx": 1001})
    with_merges(pair, [*merges(pair), "zqx z", "zq x"])
    refused(pair, r"merge 34 of .* takes 'zqx', which is made only later \(a cycle\)")


def test_a_gap_in_the_merges(pair: Path) -> None:
    lines = merges(pair)
    needed = next(i for i, line in enumerate(lines[1:], 1) if line.replace(" ", "") in " ".join(lines[i + 1 :]).split())
    gone = lines.pop(needed).replace(" ", "")
    with_merges(pair, lines)
    refused(pair, rf"takes '{gone}', which is made nowhere \(a gap\)")


def test_a_merge_that_stands_twice(pair: Path) -> None:
    with_merges(pair, [*merges(pair), merges(pair)[3]])
    refused(pair, "merge 34 of .* makes '.*', which is there already")


@pytest.mark.parametrize("line", ["one", "one two three", "Ġ ", " x", "日 本", "a\tb"])
def test_a_line_that_is_no_merge(pair: Path, line: str) -> None:
    with_merges(pair, [*merges(pair), line])
    refused(pair, "expected two tokens in line 35 of .*vocab.bpe, got")


def test_binary_data_instead_of_merges(pair: Path) -> None:
    (pair / "vocab.bpe").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff\xfe")
    refused(pair, "expected merges in UTF-8 in .*, got binary data")


# .tiktoken


@pytest.mark.parametrize(
    "line", ["only", "YQ== one", "YQ== 1 2", "Y@== 999", "YQ= 999", "日本 999", "<html>", "YWJj 3.5", "YWJj"]
)
def test_a_line_that_is_no_rank(ranks_file: Path, line: str) -> None:
    ranks_file.write_bytes(ranks_file.read_bytes() + line.encode())
    refused(ranks_file, "expected a token in base64 and its rank in line 290 of .*ours.tiktoken")


def test_ranks_cut_off(ranks_file: Path) -> None:
    whole = ranks_file.read_bytes()
    ranks_file.write_bytes(whole[:1000])
    refused(ranks_file, "expected a token in base64|all 256 bytes among the tokens")
    ranks_file.write_bytes(b"")
    refused(ranks_file, "all 256 bytes among the tokens, 256 are missing")


def test_ranks_with_a_gap_or_a_token_twice(ranks_file: Path) -> None:
    lines = ranks_file.read_bytes().splitlines(keepends=True)
    ranks_file.write_bytes(b"".join(lines[:280] + lines[281:]))
    assert open_bpe(ranks_file).special_tokens == {"<|endoftext|>": 280}  # as p50k_base has it
    ranks_file.write_bytes(b"".join(lines[:270] + lines[271:280] + lines[281:]))
    refused(ranks_file, "without a gap up to 288, got none for 280")
    ranks_file.write_bytes(b"".join([*lines, lines[260]]))
    refused(ranks_file, "twice, in line 290 again")
    token, _ = lines[260].split()
    ranks_file.write_bytes(b"".join([*lines[:260], token + b" 3\n", *lines[261:]]))
    refused(ranks_file, "got 3 for two")


def test_a_file_that_may_not_be_read(pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    refused(pair, "cannot be read: Permission denied")
