from __future__ import annotations

import dataclasses
import hashlib
import os
import sys
from pathlib import Path

import pytest
from file_server import FileServer, closed_port

import core
from core.data import corpora
from core.data.corpora import CORPORA, corpus, corpus_path, fetch_corpus, is_available, load_corpus
from core.errors import CorpusError, DownloadError
from core.folders import cache_dir


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def served(monkeypatch: pytest.MonkeyPatch, server: FileServer, name: str = "tiny-shakespeare") -> None:
    """Makes a named corpus come from a test's server."""
    info = dataclasses.replace(
        CORPORA[name], url=server.url, sha256=hashlib.sha256(server.content).hexdigest(), size=len(server.content)
    )
    monkeypatch.setitem(corpora.CORPORA, name, info)


def test_python_docs_needs_no_network_and_is_the_same_each_time() -> None:
    text = load_corpus("python-docs")
    assert len(text) > 300_000
    assert text == load_corpus("python-docs")
    assert is_available("python-docs")
    assert corpus_path("python-docs") is None
    assert list(fetch_corpus("python-docs")) == []


@pytest.mark.usefixtures("lab_cache")
@pytest.mark.parametrize("name", ["tiny-shakespeare", "the-verdict"])
def test_the_named_texts_have_the_hashes_and_sizes_of_their_sources(name: str) -> None:
    found = corpus(name)
    assert (found.name, found.sha256) == (name, CORPORA[name].sha256)
    assert len(found.text.encode()) == CORPORA[name].size
    assert is_available(name)
    assert corpus_path(name) == cache_dir() / "corpora" / f"{name}.txt"
    assert core.load_corpus(name) == found.text


def test_a_file_in_the_cache_is_used_as_it_is() -> None:
    write(cache_dir() / "corpora" / "the-verdict.txt", "my own edition")
    assert load_corpus("the-verdict") == "my own edition"


def test_a_missing_text_is_fetched_once(monkeypatch: pytest.MonkeyPatch, server: FileServer) -> None:
    server.content = b"to be or not to be"
    served(monkeypatch, server)
    assert not is_available("tiny-shakespeare")
    assert load_corpus("tiny-shakespeare") == "to be or not to be"
    assert is_available("tiny-shakespeare")
    assert load_corpus("tiny-shakespeare") == "to be or not to be"
    assert list(fetch_corpus("tiny-shakespeare")) == []
    assert len(server.requests) == 1


def test_fetching_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch, server: FileServer) -> None:
    served(monkeypatch, server)
    progress = list(fetch_corpus("tiny-shakespeare"))
    assert progress[-1].received == progress[-1].total == len(server.content)


def test_without_a_network_the_error_names_the_host_and_a_text_that_needs_none(
    monkeypatch: pytest.MonkeyPatch, server: FileServer
) -> None:
    served(monkeypatch, server)
    port = closed_port()
    away = dataclasses.replace(CORPORA["tiny-shakespeare"], url=f"http://127.0.0.1:{port}/input.txt")
    monkeypatch.setitem(corpora.CORPORA, "tiny-shakespeare", away)
    with pytest.raises(DownloadError, match=f"127.0.0.1:{port}") as caught:
        load_corpus("tiny-shakespeare")
    assert "the corpus python-docs" in caught.value.hint


@pytest.mark.parametrize("ask", [load_corpus, is_available, corpus_path, lambda name: list(fetch_corpus(name))])
def test_an_unknown_name_offers_the_nearest(ask: object) -> None:
    with pytest.raises(CorpusError, match="did you mean tiny-shakespeare") as caught:
        ask("tiny-shakespear")  # type: ignore[operator]
    assert "python-docs" in caught.value.hint


def test_a_text_file_is_read_exactly_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "own.txt", "one\r\ntwo\nthree\rfour é 🎉")
    assert load_corpus(path) == load_corpus(str(path)) == "one\r\ntwo\nthree\rfour é 🎉"
    found = corpus(path)
    assert found.name == "own.txt"
    assert found.sha256 == hashlib.sha256(found.text.encode()).hexdigest()


def test_a_byte_order_mark_at_the_start_goes(tmp_path: Path) -> None:
    assert load_corpus(write(tmp_path / "a", b"\xef\xbb\xbfone \xef\xbb\xbf")) == "one \ufeff"


def test_a_corpus_is_called_after_its_file_or_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "stories" / "a.txt", "text")
    monkeypatch.chdir(tmp_path / "stories")
    assert [corpus(name).name for name in (".", "a.txt", "../stories/")] == ["stories", "a.txt", "stories"]


def test_a_path_under_home_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    write(tmp_path / "own.txt", "at home")
    assert load_corpus("~/own.txt") == "at home"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["is empty"]),
        (b"\xef\xbb\xbf", ["byte-order mark"]),
        (b"some text\0more", ["binary", "NUL at byte 9"]),
        (b"caf\xe9 au lait", ["expected UTF-8", "0xe9", "at byte 3"]),
        (b"\xef\xbb\xbfcaf\xe9", ["expected UTF-8", "at byte 6"]),
        (b"cut short \xf0\x9f", ["expected UTF-8", "at byte 10"]),
        ("two bytes each".encode("utf-16"), ["UTF-16"]),
    ],
)
def test_what_is_no_text_is_refused_with_the_place(tmp_path: Path, content: bytes, words: list[str]) -> None:
    path = write(tmp_path / "bad.txt", content)
    with pytest.raises(CorpusError) as caught:
        load_corpus(path)
    for word in [*words, str(path)]:
        assert word in caught.value.title
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_what_is_neither_here_nor_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="neither a corpus nor a file") as caught:
        load_corpus(tmp_path / "nothing.txt")
    assert "python-docs" in caught.value.hint


@pytest.mark.parametrize("name", ["", "x" * 5000, "a\0b"])
def test_an_impossible_path_is_refused(name: str) -> None:
    with pytest.raises(CorpusError):
        load_corpus(name)


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in folders on Windows")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CorpusError, match="expected a text file or a folder"):
        load_corpus(tmp_path / "pipe")
    write(tmp_path / "a.txt", "text beside it")
    assert load_corpus(tmp_path) == "text beside it"


def test_a_folder_is_its_text_files_in_the_order_of_their_paths(tmp_path: Path) -> None:
    write(tmp_path / "b.txt", "second\n")
    write(tmp_path / "a" / "deep" / "x.md", "first")
    write(tmp_path / "c.py", "third = 3")
    write(tmp_path / "b" / "z.txt", "before b.txt")
    assert load_corpus(tmp_path) == "first\n\nbefore b.txt\n\nsecond\n\n\nthird = 3"
    assert corpus(tmp_path).name == tmp_path.name


def test_a_folder_passes_over_what_is_hidden_empty_or_binary(tmp_path: Path) -> None:
    write(tmp_path / "text.txt", "text")
    write(tmp_path / ".hidden.txt", "hidden")
    write(tmp_path / ".git" / "config", "hidden")
    write(tmp_path / "__pycache__" / "x.txt", "cache")
    write(tmp_path / "empty.txt", " \n")
    write(tmp_path / "picture.png", b"\x89PNG\r\n\x1a\n\0\0")
    write(tmp_path / "late.bin", b"a" * 10_000 + b"\0")
    write(tmp_path / "latin.bin", b"caf\xe9")
    assert load_corpus(tmp_path) == "text"


@pytest.mark.parametrize("content", [b"caf\xe9", b"\0", b"a" * 10_000 + b"\xff"])
def test_a_damaged_text_file_in_a_folder_is_not_dropped_in_silence(tmp_path: Path, content: bytes) -> None:
    write(tmp_path / "good.txt", "text")
    write(tmp_path / "sub" / "bad.txt", content)
    with pytest.raises(CorpusError, match=r"bad\.txt"):
        load_corpus(tmp_path)


def test_a_folder_without_text_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "picture.png", b"\x89PNG\0")
    with pytest.raises(CorpusError, match="expected text files in the folder"):
        load_corpus(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right on Windows")
def test_a_folder_that_links_to_itself_ends(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "text")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    assert load_corpus(tmp_path) == "text"
    (tmp_path / "me").symlink_to(tmp_path / "me")
    with pytest.raises(CorpusError):
        load_corpus(tmp_path / "me")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "secret.txt", "text")
    path.chmod(0)
    with pytest.raises(CorpusError, match="cannot be read"):
        load_corpus(path)
