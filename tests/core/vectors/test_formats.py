"""Files of vectors: each format is told by its content, and what was written is what is read."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from vector_files import binary, names, numbers, text, write

from core.errors import InputError
from core.vectors import importing, reading
from core.vectors.formats import recognise
from core.vectors.sources import load_vectors
from core.vectors.store import Vectors
from core.vectors.word2vec_files import save

WORDS = ["king", "Paris", "日本", "don't", "c++"]


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(
    "kind", ["binary", "binary without newlines", "word2vec text", "glove", "fasttext", "crlf", "tabs"]
)
def test_each_format_is_recognised_by_its_content(
    tmp_path: Path, kind: str, gzipped: bool, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(importing, "LARGE", 1)
    encoded, matrix = [word.encode() for word in WORDS], numbers(5, 7)
    content = {
        "binary": binary(encoded, matrix),
        "binary without newlines": binary(encoded, matrix, newline=False),
        "word2vec text": text(encoded, matrix),
        "glove": text(encoded, matrix, header=None),
        "fasttext": text(encoded, matrix, end=" \n"),
        "crlf": text(encoded, matrix, end="\r\n"),
        "tabs": text(encoded, matrix, header=None).replace(b" ", b"\t"),
    }[kind]
    path = write(tmp_path / "vectors.png", content, gzipped=gzipped)  # the name says nothing
    layout = recognise(Path(path))
    assert (layout.kind, layout.width, layout.gzipped) == ("binary" if "binary" in kind else "text", 7, gzipped)
    for _ in range(2):  # the second comes from the copy where there is one
        found = load_vectors(path)
        assert list(found.words) == WORDS and np.array_equal(found.matrix_all, matrix) and not found.notes
        assert found.norms == pytest.approx(np.linalg.norm(matrix, axis=1), rel=1e-6)
        assert found.spec == path and found.label == "vectors.png" and not found.synthetic


finite = st.floats(-(2.0**55), 2.0**55, width=32)
plain_words = st.text(
    st.characters(codec="utf-8", min_codepoint=33, exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=8
)


@given(
    st.data(),
    arrays(np.float32, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12), elements=finite),
    st.booleans(),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, matrix: np.ndarray, as_binary: bool
) -> None:
    words = data.draw(st.lists(plain_words, min_size=len(matrix), max_size=len(matrix), unique=True))
    path = tmp_path_factory.mktemp("written") / "vectors"
    save(Vectors(words, matrix), path, binary=as_binary)
    found = load_vectors(str(path))
    assert list(found.words) == words
    assert np.array_equal(found.matrix_all, matrix)


def test_numbers_that_look_like_fields_of_text_are_read_as_binary(tmp_path: Path) -> None:
    number = np.frombuffer(b"\x97\xe4\x0b6", "<f4").reshape(1, 1)  # a vertical tab, which is white space, then a digit
    path = write(tmp_path / "v", binary([b"0"], number))
    assert recognise(Path(path)).kind == "binary"
    assert np.array_equal(load_vectors(path).matrix_all, number)


@given(
    st.lists(st.lists(plain_words, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=9, unique=True),
    st.booleans(),
    st.integers(2, 6),
)
def test_words_with_spaces_are_read_from_text(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], header: bool, width: int
) -> None:
    # What goes on with a number cannot be told from a longer vector.
    words = [word for word in words if " " not in word or not is_number(word.split()[-1])]
    if not words:
        return
    matrix = numbers(len(words), width)
    path = tmp_path_factory.mktemp("spaces") / "vectors.txt"
    content = text([word.encode() for word in words], matrix, header="" if header else None)
    found = load_vectors(write(path, content))
    assert list(found.words) == words and np.array_equal(found.matrix_all, matrix)


def is_number(part: str) -> bool:
    try:
        float(part.encode())
    except ValueError:
        return False
    return True


def test_a_mark_of_byte_order_is_no_letter(tmp_path: Path) -> None:
    for header in ("", None):
        found = load_vectors(write(tmp_path / "v", b"\xef\xbb\xbf" + text([b"a", b"b"], numbers(2, 3), header=header)))
        assert list(found.words) == ["a", "b"] and np.array_equal(found.matrix_all, numbers(2, 3))


def test_rows_come_whole_over_the_seams_of_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, words = numbers(100, 9), names(100)
    for piece in (1, 7, 50, 1000):
        monkeypatch.setattr(reading, "_PIECE", piece)
        for content in (binary(words, matrix), text(words, matrix), text(words, matrix, header=None)[:-1]):
            found = load_vectors(write(tmp_path / "v", content))
            assert len(found) == 100 and np.array_equal(found.matrix_all, matrix)


def test_words_that_come_twice_and_words_that_are_none(tmp_path: Path) -> None:
    words = [b"a", b"b", b"a", b"", b"c", b"b"]
    matrix = numbers(6, 3)
    matrix[4] = 0
    found = load_vectors(write(tmp_path / "v", text(words, matrix)))
    assert list(found.words) == ["a", "b", "c"] and np.array_equal(found.matrix_all, matrix[[0, 1, 4]])
    assert len(found.norms) == 3
    twice, nameless, zeros = found.notes
    assert (
        "2 rows came a second time (a, b)" in twice
        and "1 row had no word" in nameless
        and "1 word is of zeros" in zeros
    )


def test_words_that_are_no_utf8_can_be_read_and_typed(tmp_path: Path) -> None:
    words = [b"caf\xe9", b"\xff\xfe", "日本".encode(), b"ok"]
    for n, content in enumerate((binary(words, numbers(4, 3)), text(words, numbers(4, 3)))):
        found = load_vectors(write(tmp_path / f"v{n}", content))
        assert list(found.words) == [r"caf\xe9", r"\xff\xfe", "日本", "ok"]
        assert "2 words are no UTF-8" in found.notes[0] and found.neighbours(r"caf\xe9", 1)


@pytest.mark.parametrize("large", [False, True])
def test_words_give_no_orders_to_a_terminal(tmp_path: Path, large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if large:
        monkeypatch.setattr(importing, "LARGE", 1)
    words = [b"ok", b"\x1b[31mred", "\x9b2J".encode(), b"a\x7f", b"a\\x7f", "\u200d日本".encode()]
    path = write(tmp_path / "v", text(words, numbers(6, 3), header=None))
    for _ in range(2):
        found = load_vectors(path)
        assert list(found.words) == ["ok", r"\x1b[31mred", r"\x9b2J", r"a\x7f", "\u200d日本"]
        assert "3 words with control characters" in found.notes[1] and "1 row came a second time" in found.notes[0]
        assert found.similarity("ok", r"\x1b[31mred")
    raw = binary(words[2:4], numbers(2, 3))  # those below a space are no words in binary
    assert list(load_vectors(write(tmp_path / "b", raw)).words) == [r"\x9b2J", r"a\x7f"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty (0 bytes)"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "a picture (PNG)"),
        (b"PK\x03\x04" + bytes(99), "zip"),
        (struct.pack("<ii", 793712314, 12) + bytes(99), "fastText model"),
        (b"\x80\x04\x95" + bytes(99), "pickle"),
        (b"\x93NUMPY\x01\x00" + bytes(99), "numpy"),
        (struct.pack("<Q", 40) + b'{"a":{}}' + bytes(99), "safetensors"),
        (b"Once upon a time\nthere was a king\n", "holds no vectors"),
        (b"\n\n\n", "holds no vectors"),
        (bytes(5000), "holds no vectors"),
        (b"king\n", "holds no vectors"),
        (b'{"words": [1, 2, 3]}\n', "holds no vectors"),
        (b"0 50\n", "at least one word"),
        (b"5 0\n", "1 to 100,000 numbers"),
        (b"5 99999999999\n", "1 to 100,000 numbers"),
    ],
)
def test_what_holds_no_vectors_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = write(tmp_path / "file", content)
    with pytest.raises(InputError) as caught:
        load_vectors(path)
    assert words in caught.value.title and path in caught.value.title and caught.value.hint


def test_random_bytes_are_refused_or_read_and_never_crash(tmp_path: Path) -> None:
    seen = 0
    for n in range(200):
        content = np.random.default_rng(n).bytes(300)
        with pytest.raises(InputError):
            load_vectors(write(tmp_path / f"f{n}", content))
        seen += 1
    assert seen == 200


@example(b"\x0b", b"a 1 2\n")  # a blank line, though not of spaces
@given(
    st.binary(max_size=200), st.sampled_from([b"", b"3 2\n", b"1 1\n", b"a 1 2\n", b"2 2\na 1 2\n", b"2 1\na \0\0\0\0"])
)
def test_any_bytes_are_read_or_refused_in_two_lines(
    tmp_path_factory: pytest.TempPathFactory, rest: bytes, first: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "file"
    try:
        found = load_vectors(write(path, first + rest))
    except InputError as error:
        assert error.title and error.hint
    else:
        assert len(found) and np.isfinite(found.matrix_all).all()


def test_the_commands_of_the_hints_convert(tmp_path: Path) -> None:
    """gensim's own files, and fastText's, are refused; what the hint says to type makes one that is read."""
    import shlex

    from gensim.models import FastText, KeyedVectors, Word2Vec
    from gensim.models.fasttext import save_facebook_model

    keyed = KeyedVectors(4)
    keyed.add_vectors(["king", "queen"], numbers(2, 4))
    keyed.save(str(tmp_path / "own.kv"))
    model = Word2Vec([["a", "b", "c"]] * 20, vector_size=4, min_count=1, workers=1)
    model.save(str(tmp_path / "own.model"))
    pieces = FastText([["a", "b", "c"]] * 20, vector_size=4, min_count=1, workers=1, bucket=50)
    save_facebook_model(pieces, str(tmp_path / "it's facebook's.bin"))
    for name, expected in (
        ("own.kv", {"king", "queen"}),
        ("own.model", {"a", "b", "c"}),
        ("it's facebook's.bin", {"a", "b", "c"}),
    ):
        path = str(tmp_path / name)
        with pytest.raises(InputError, match=r"pickle|fastText model") as caught:
            load_vectors(path)
        python, option, code = shlex.split(caught.value.hint.partition(": ")[2])
        assert (python, option) == ("python", "-c")
        exec(code, {})  # gensim is here already: another process would take seconds to import it
        assert set(load_vectors(path + ".w2v").words) == expected
