"""Servers and disks that misbehave during a pull: each ends in a LabError, or well, and never in half a file."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections import deque, namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import Answer, FileServer
from pull_site import REPO, TINY, WEIGHTS, WEIGHTS_AT, mirrors, publishing

from core.data import corpora
from core.data import download as download_module
from core.data.download import RETRIES
from core.data.pull import PullProgress, pull, pull_item, remove
from core.errors import DiskFullError, DownloadError, InputError, LabError

TEXT = b"I had always thought Jack Gisburn rather a cheap genius.\n" * 1000
RAW = "/raw/rasbt/LLMs-from-scratch/main/ch02/01_main-chapter-code/the-verdict.txt"
CDN = "/cdn/gh/rasbt/LLMs-from-scratch@main/ch02/01_main-chapter-code/the-verdict.txt"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A model whose size and digest nobody publishes, and a text whose size and SHA-256 are known beforehand."""
    monkeypatch.setattr(download_module, "FIRST_PAUSE", 0.001)
    info = corpora.CORPORA["the-verdict"]
    sha256 = hashlib.sha256(TEXT).hexdigest()
    known = corpora.CorpusInfo(info.name, info.title, info.source, info.url, sha256, len(TEXT), info.licence)
    monkeypatch.setitem(corpora.CORPORA, "the-verdict", known)
    with publishing() as server:
        server.files |= {RAW: TEXT, CDN: TEXT}
        monkeypatch.setenv("LLM_LAB_MIRROR", mirrors(server.base))
        yield server


@pytest.fixture
def cache(isolated: Path) -> Path:
    return isolated / "cache"


@pytest.fixture
def weights(cache: Path) -> Path:
    return cache / "models" / "hf" / "someone" / "tiny" / "model.safetensors"


def fetch(name: str) -> list[PullProgress]:
    return list(pull(name))


def always(**how: object) -> deque[Answer]:
    return deque([Answer(**how)] * 60)  # type: ignore[arg-type]


# The connection is cut


@pytest.mark.parametrize("percent", [10, 50, 99])
@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_a_cut_connection_is_continued_in_the_same_pull(
    percent: int, ranges: bool, site: FileServer, weights: Path
) -> None:
    at = len(WEIGHTS) * percent // 100
    site.at[WEIGHTS_AT] = deque([Answer(cut=at, ranges=ranges), Answer(ranges=ranges)])
    assert fetch(TINY)[-1].phase == "done"
    assert weights.read_bytes() == WEIGHTS
    assert site.requests[-1]["range"] == f"bytes={at}-"


@pytest.mark.parametrize("percent", [10, 50, 99])
def test_a_connection_cut_again_and_again_is_given_up_and_a_later_pull_goes_on(
    percent: int, site: FileServer, weights: Path
) -> None:
    at = len(WEIGHTS) * percent // 100
    site.at[WEIGHTS_AT] = deque([Answer(cut=at), *always(cut=0)])
    with pytest.raises(DownloadError, match="broke off") as caught:
        fetch(TINY)
    assert "what has arrived is kept" in caught.value.hint
    assert not weights.exists()
    assert pull_item(TINY).partial_bytes == at
    assert not pull_item(TINY).here
    del site.at[WEIGHTS_AT]
    assert fetch(TINY)[-1].received == pull_item(TINY).bytes_here - (weights.parent / "digests.json").stat().st_size
    assert weights.read_bytes() == WEIGHTS
    assert site.requests[-1]["range"] == f"bytes={at}-"


# The length is wrong


def test_more_promised_than_sent_is_broken_off(site: FileServer, weights: Path) -> None:
    site.at[WEIGHTS_AT] = always(says=len(WEIGHTS) + 1000, ranges=False)
    with pytest.raises(DownloadError, match="expected 200,000 bytes"):  # HEAD said so
        fetch(TINY)
    assert not weights.exists()
    site.head = False
    site.at[WEIGHTS_AT] = always(says=len(WEIGHTS) + 1000, ranges=False)
    with pytest.raises(DownloadError, match="broke off"):
        fetch(TINY)
    assert not weights.exists()


@pytest.mark.parametrize("body", [TEXT[:-1], TEXT + b"x", b""], ids=["short", "long", "empty"])
@pytest.mark.parametrize("length", [True, False], ids=["said", "not said"])
def test_a_file_of_another_length_is_refused(body: bytes, length: bool, site: FileServer, cache: Path) -> None:
    site.answers = always(body=body, length=length)
    with pytest.raises(DownloadError, match=f"{len(TEXT):,}"):
        fetch("the-verdict")
    assert not (cache / "corpora" / "the-verdict.txt").exists()
    assert not pull_item("the-verdict").here


# The bytes are wrong


def test_wrong_bytes_are_put_aside_and_the_next_mirror_is_asked(site: FileServer, cache: Path) -> None:
    wrong = TEXT.replace(b"genius", b"genie.")
    site.at[RAW] = always(body=wrong)
    events = fetch("the-verdict")
    assert (cache / "corpora" / "the-verdict.txt").read_bytes() == TEXT
    assert any("the-verdict.txt came from" in event.note for event in events)
    remove("the-verdict")
    assert not (cache / "corpora").exists()
    site.at[RAW], site.at[CDN] = always(body=wrong), always(body=wrong)
    with pytest.raises(DownloadError) as caught:
        fetch("the-verdict")
    assert hashlib.sha256(wrong).hexdigest() in caught.value.title
    assert hashlib.sha256(TEXT).hexdigest() in caught.value.title
    assert not (cache / "corpora" / "the-verdict.txt").exists()
    assert (cache / "corpora" / "the-verdict.txt.bad").read_bytes() == wrong


def test_a_text_that_training_asks_for_comes_from_the_second_address_too(site: FileServer, cache: Path) -> None:
    site.at[RAW] = always(status=404)
    assert corpora.load_corpus("the-verdict").encode() == TEXT
    (cache / "corpora" / "the-verdict.txt").unlink()
    site.at[RAW], site.at[CDN] = always(status=404), always(status=403)
    with pytest.raises(DownloadError, match=r"answered 404.*; then .*answered 403") as caught:
        corpora.load_corpus("the-verdict")
    assert "python-docs needs no network" in caught.value.hint


def test_a_file_that_changes_between_two_pieces_is_fetched_anew(site: FileServer, weights: Path) -> None:
    site.etag = None  # nothing tells the versions apart but the digest that the host states
    site.headers[WEIGHTS_AT] = {"X-Linked-Size": "200000", "X-Linked-Etag": f'"{hashlib.sha256(WEIGHTS).hexdigest()}"'}
    site.at[WEIGHTS_AT] = deque([Answer(cut=100_000, body=WEIGHTS[::-1]), Answer(), Answer()])
    assert fetch(TINY)[-1].phase == "done"
    assert weights.read_bytes() == WEIGHTS
    assert [r.get("range") for r in site.requests[-3:]] == [None, "bytes=100000-", None]


# The server says no, or something else


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 501])
def test_a_refusal_ends_at_once_with_the_hosts_answer(status: int, site: FileServer, weights: Path) -> None:
    path = f"{REPO}/config.json"
    site.at[path] = always(status=status)
    with pytest.raises(DownloadError, match=f"answered {status}") as caught:
        fetch(TINY)
    assert caught.value.title.startswith(f"{TINY}: ")
    assert site.asked_for(path) == 1
    assert not weights.parent.exists() or not list(weights.parent.glob("[!.]*"))


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_error_of_the_moment_is_tried_again(status: int, site: FileServer, weights: Path) -> None:
    site.at[WEIGHTS_AT] = deque([Answer(status=status)] * RETRIES)
    assert fetch(TINY)[-1].phase == "done"
    assert weights.read_bytes() == WEIGHTS
    remove(TINY)
    site.at[WEIGHTS_AT] = always(status=status)
    with pytest.raises(DownloadError, match=f"answered {status}"):
        fetch(TINY)
    assert not weights.exists()


def test_a_server_that_does_not_know_head_is_no_obstacle(site: FileServer, weights: Path) -> None:
    site.head = False
    events = fetch(TINY)
    assert weights.read_bytes() == WEIGHTS
    assert events[-1].total == events[-1].received
    assert "model.safetensors (nor its size)" in events[-1].note


@pytest.mark.parametrize("to", [WEIGHTS_AT, f"{WEIGHTS_AT}?again", "//["], ids=["itself", "around", "nowhere"])
def test_a_redirect_loop_is_an_error(to: str, site: FileServer, weights: Path) -> None:
    site.redirects[WEIGHTS_AT] = to
    site.redirects[f"{WEIGHTS_AT}?again"] = WEIGHTS_AT
    with pytest.raises(DownloadError, match=r"cannot be fetched|cannot be reached|broke off"):
        fetch(TINY)
    assert not weights.exists()
    assert len(site.log) < 60


# The server is silent


@pytest.mark.parametrize("cut", [None, 0, 50_000], ids=["no answer", "no body", "half"])
def test_a_silent_server_is_given_up_after_the_time_that_was_set(
    cut: int | None, site: FileServer, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_LAB_TIMEOUT", "0.05")
    if cut is None:
        site.mute.add(WEIGHTS_AT)
    site.at[WEIGHTS_AT] = deque([Answer(cut=cut, hangs=True), *always(cut=cut and 0, hangs=True)])
    with pytest.raises(DownloadError, match=r"timed out|broke off|cannot be reached"):
        fetch(TINY)
    assert not weights.exists()
    assert site.asked_for(WEIGHTS_AT) >= 2  # tried again before that
    site.at.clear()
    site.mute.clear()
    monkeypatch.delenv("LLM_LAB_TIMEOUT")
    assert fetch(TINY)[-1].phase == "done"
    assert weights.read_bytes() == WEIGHTS


@pytest.mark.parametrize("value", ["soon", "-1", "0", "nan", "inf"])
def test_a_time_that_is_none_is_refused(value: str, site: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_LAB_TIMEOUT", value)
    with pytest.raises(InputError, match="LLM_LAB_TIMEOUT"):
        fetch(TINY)


# The disk


def test_a_disk_with_too_little_room_is_said_before_anything_is_fetched(
    site: FileServer, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    usage = namedtuple("usage", "total used free")
    needed = sum(len(content) for path, content in site.files.items() if path.startswith(REPO))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, needed - 1))
    with pytest.raises(DiskFullError) as caught:
        fetch(TINY)
    assert f"needs {needed:,} bytes more" in caught.value.title
    assert f"{needed - 1:,} are free" in caught.value.title
    assert str(cache) in caught.value.title
    assert "--remove" in caught.value.hint
    assert not [path for method, path in site.log if method == "GET"]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 0, needed))
    assert fetch(TINY)[-1].phase == "done"


def test_what_is_half_here_already_needs_less_room(site: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    site.at[WEIGHTS_AT] = deque([Answer(cut=150_000), *always(cut=0)])
    with pytest.raises(DownloadError, match="broke off"):
        fetch(TINY)
    del site.at[WEIGHTS_AT]
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 50_000))
    assert fetch(TINY)[-1].phase == "done"


def test_room_is_looked_for_again_when_the_parts_of_the_weights_are_known(
    site: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = "model-00001-of-00001.safetensors"
    site.files[f"{REPO}/{part}"] = site.files.pop(WEIGHTS_AT)
    site.files[f"{WEIGHTS_AT}.index.json"] = json.dumps({"weight_map": {"wte": part}}).encode()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, len(WEIGHTS) - 1))
    with pytest.raises(DiskFullError, match=f"{len(WEIGHTS):,} bytes more"):
        fetch(TINY)
    assert site.asked_for(f"{REPO}/{part}") == 0
    assert not pull_item(TINY).here


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_disk_that_fills_up_on_the_way_keeps_what_came(site: FileServer, weights: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, hard))
    try:
        with pytest.raises(DiskFullError, match="no space left"):
            fetch(TINY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not weights.exists()
    kept = pull_item(TINY).partial_bytes
    assert 0 < kept <= 120_000
    assert fetch(TINY)[-1].phase == "done"
    assert site.requests[-1]["range"] == f"bytes={kept}-"
    assert weights.read_bytes() == WEIGHTS


@pytest.mark.parametrize("where", [".", ".pulls", "models", "models/hf/someone/tiny"])
def test_a_cache_that_cannot_be_written_is_said_at_once(where: str, site: FileServer, cache: Path) -> None:
    # A file where a folder must be stops root too, whom no permission stops.
    place = cache / where
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("in the way")
    with pytest.raises(LabError) as caught:
        fetch(TINY)
    assert "cannot be written" in caught.value.title
    assert "LLM_LAB_CACHE" in caught.value.hint
    assert place.read_text() == "in the way"
    assert site.asked_for(WEIGHTS_AT) == 0


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that refuses root too")
def test_a_read_only_cache_is_said_at_once(site: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_LAB_CACHE", "/proc/llm-lab/cache")
    with pytest.raises(LabError, match=r"/proc/llm-lab.* cannot be written"):
        fetch(TINY)
    assert site.log == []


def test_a_cache_that_cannot_be_written_but_has_it_all_is_enough(site: FileServer, cache: Path, weights: Path) -> None:
    fetch(TINY)
    fetch("the-verdict")
    (weights.parent / "digests.json").unlink()  # as files that somebody put there for everyone
    shutil.rmtree(cache / ".pulls")
    (cache / ".pulls").write_text("in the way")
    asked = len(site.log)
    assert fetch(TINY)[-1].phase == "done"
    assert fetch("the-verdict")[-1].phase == "done"
    assert not (weights.parent / "digests.json").exists()
    (cache / "corpora" / "the-verdict.txt").write_bytes(TEXT[::-1])
    with pytest.raises(LabError, match="cannot be written, and the-verdict is not there whole"):
        fetch("the-verdict")
    assert len(site.log) == asked


def test_a_read_only_file_system_is_one_error_not_one_a_mirror(
    site: FileServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(LabError, match="Read-only file system"):
        fetch("the-verdict")
    assert site.asked_for(RAW) <= 1
    assert site.asked_for(CDN) == 0
