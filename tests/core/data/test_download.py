from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest
from file_server import Answer, FileServer, closed_port

from core.data import download as download_module
from core.data.download import RETRIES, DownloadProgress, download
from core.errors import DiskFullError, DownloadError


def fetch(server: FileServer, dest: Path, **options: object) -> list[DownloadProgress]:
    return list(download(server.url, dest, **options))  # type: ignore[arg-type]


def leftovers(dest: Path) -> set[str]:
    return {path.name for path in dest.parent.iterdir()} - {dest.name}


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "new" / "folder" / "file.bin"


def test_a_redirect_from_https_to_http_is_refused(dest: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.scheme == "https":
            return httpx.Response(302, headers={"Location": "http://elsewhere.example/file.bin"})
        return httpx.Response(200, content=b"anything")

    with (
        httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=True) as client,
        pytest.raises(DownloadError, match="from https to http://elsewhere"),
    ):
        list(download("https://here.example/file.bin", dest, client=client))
    assert not dest.exists()


def test_a_whole_file_arrives_and_nothing_else_stays(server: FileServer, dest: Path) -> None:
    progress = fetch(server, dest, sha256=server.sha256.upper(), size=len(server.content))
    assert dest.read_bytes() == server.content
    assert leftovers(dest) == set()
    assert progress[-1].received == progress[-1].total == len(server.content)
    assert progress[-1].resumed_from == 0
    assert progress[-1].rate > 0
    assert [p.received for p in progress] == sorted(p.received for p in progress)


def test_an_empty_file_arrives(server: FileServer, dest: Path) -> None:
    server.content = b""
    fetch(server, dest, sha256=server.sha256, size=0)
    assert dest.read_bytes() == b""


def test_what_is_there_and_right_is_not_fetched_again(server: FileServer, dest: Path) -> None:
    fetch(server, dest)
    progress = fetch(server, dest, sha256=server.sha256)
    assert len(server.requests) == 1
    assert progress[-1].received == progress[-1].total == len(server.content)


def test_what_is_there_and_wrong_is_replaced(server: FileServer, dest: Path) -> None:
    dest.parent.mkdir(parents=True)
    dest.write_bytes(b"something else")
    fetch(server, dest, sha256=server.sha256)
    assert dest.read_bytes() == server.content


@pytest.mark.parametrize("known", [True, False], ids=["hash known", "hash unknown"])
def test_a_broken_connection_is_continued_by_range(server: FileServer, dest: Path, known: bool) -> None:
    server.answers += [Answer(cut=100_000), Answer(cut=50_000)]
    fetch(server, dest, sha256=server.sha256 if known else None)
    assert dest.read_bytes() == server.content
    assert [r.get("range") for r in server.requests] == [None, "bytes=100000-", "bytes=150000-"]
    assert server.requests[1]["if-range"] == '"one"'


def test_many_breaks_do_no_harm_while_something_new_arrives(server: FileServer, dest: Path) -> None:
    server.answers += [Answer(cut=10_000)] * (3 * RETRIES)
    fetch(server, dest, sha256=server.sha256)
    assert dest.read_bytes() == server.content


def test_a_connection_that_always_breaks_at_the_same_place_is_given_up(server: FileServer, dest: Path) -> None:
    server.answers += [Answer(cut=1000, ranges=False)] * 50
    with pytest.raises(DownloadError, match="broke off") as caught:
        fetch(server, dest)
    assert server.host in caught.value.title
    assert len(server.requests) == RETRIES + 1
    assert "goes on where it stopped" in caught.value.hint
    assert not dest.exists()


def test_a_later_call_goes_on_where_an_earlier_one_stopped(server: FileServer, dest: Path) -> None:
    server.answers += [Answer(cut=120_000)]
    generator = download(server.url, dest, client=None)
    for progress in generator:
        if progress.received >= 120_000:
            break
    generator.close()
    assert not dest.exists()
    progresses = fetch(server, dest)
    assert dest.read_bytes() == server.content
    assert progresses[-1].resumed_from == 120_000
    assert server.requests[-1]["range"] == "bytes=120000-"


def test_a_last_modified_date_serves_where_there_is_no_entity_tag(server: FileServer, dest: Path) -> None:
    server.etag, server.last_modified = None, "Tue, 01 Jul 2025 10:00:00 GMT"
    server.answers += [Answer(cut=100_000)]
    fetch(server, dest)
    assert server.requests[1]["if-range"] == server.last_modified
    assert dest.read_bytes() == server.content


def test_without_hash_or_validator_nothing_is_continued(server: FileServer, dest: Path) -> None:
    server.etag = None
    server.answers += [Answer(cut=100_000)]
    fetch(server, dest)
    assert "range" not in server.requests[1]
    assert dest.read_bytes() == server.content


def test_a_weak_entity_tag_is_not_used_as_if_range(server: FileServer, dest: Path) -> None:
    server.etag = 'W/"one"'
    server.answers += [Answer(cut=100_000)]
    fetch(server, dest, sha256=server.sha256)
    assert "if-range" not in server.requests[1]
    assert server.requests[1]["range"] == "bytes=100000-"
    assert dest.read_bytes() == server.content


def test_a_server_that_ignores_ranges_restarts(server: FileServer, dest: Path) -> None:
    server.answers += [Answer(cut=100_000), Answer(ranges=False)]
    progress = fetch(server, dest)
    assert dest.read_bytes() == server.content
    assert progress[-1].resumed_from == 0


@pytest.mark.parametrize("if_range", [True, False], ids=["answers 200", "ignores If-Range"])
def test_a_file_that_changed_meanwhile_is_fetched_anew(server: FileServer, dest: Path, if_range: bool) -> None:
    cancelled = threading.Event()
    server.answers += [Answer(cut=100_000)]
    for progress in download(server.url, dest, cancelled=cancelled):
        if progress.received == 100_000:
            cancelled.set()
    server.content, server.etag = server.content[::-1], '"two"'
    server.answers += [Answer(if_range=if_range)]
    fetch(server, dest)
    assert dest.read_bytes() == server.content


def test_pieces_of_two_versions_are_noticed_by_their_hash(server: FileServer, dest: Path) -> None:
    dest.parent.mkdir(parents=True)
    dest.with_name("file.bin.part").write_bytes(b"x" * 1000)  # of an unknown version
    server.etag = None
    fetch(server, dest, sha256=server.sha256)
    assert dest.read_bytes() == server.content
    assert [r.get("range") for r in server.requests] == ["bytes=1000-", None]


def test_a_part_that_is_whole_already_needs_no_body(server: FileServer, dest: Path) -> None:
    dest.parent.mkdir(parents=True)
    dest.with_name("file.bin.part").write_bytes(server.content)
    fetch(server, dest, sha256=server.sha256)
    assert dest.read_bytes() == server.content
    assert len(server.requests) == 1


def test_a_part_longer_than_the_file_is_thrown_away(server: FileServer, dest: Path) -> None:
    dest.parent.mkdir(parents=True)
    dest.with_name("file.bin.part").write_bytes(server.content + b"more")
    fetch(server, dest, sha256=server.sha256)
    assert dest.read_bytes() == server.content


@pytest.mark.parametrize("notes", ["", "[]", "{", '{"url": 3, "etag": null}'])
def test_damaged_notes_mean_a_fresh_start(server: FileServer, dest: Path, notes: str) -> None:
    dest.parent.mkdir(parents=True)
    dest.with_name("file.bin.part").write_bytes(b"old")
    dest.with_name("file.bin.part.json").write_text(notes)
    fetch(server, dest)
    assert dest.read_bytes() == server.content


def test_a_wrong_hash_is_put_aside_and_both_hashes_are_named(server: FileServer, dest: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch(server, dest, sha256="0" * 64)
    assert "0" * 64 in caught.value.title
    assert server.sha256 in caught.value.title
    assert not dest.exists()
    bad = dest.with_name("file.bin.bad")
    assert str(bad) in caught.value.hint
    assert bad.read_bytes() == server.content
    assert not dest.with_name("file.bin.part").exists()


@pytest.mark.parametrize("length", [True, False], ids=["said", "not said"])
@pytest.mark.parametrize("expected", [1000, 400_000], ids=["too long", "too short"])
def test_a_wrong_size_is_an_error(server: FileServer, dest: Path, expected: int, length: bool) -> None:
    server.answers += [Answer(length=length, ranges=False)] * 50
    with pytest.raises(DownloadError) as caught:
        fetch(server, dest, size=expected)
    assert f"{expected:,}" in caught.value.title
    assert not dest.exists()


def test_a_body_without_a_length_arrives(server: FileServer, dest: Path) -> None:
    server.answers += [Answer(length=False)]
    progress = fetch(server, dest)
    assert dest.read_bytes() == server.content
    assert progress[-1].total == len(server.content)


def test_a_truncated_body_without_a_length_is_completed_when_the_size_is_known(server: FileServer, dest: Path) -> None:
    server.answers += [Answer(length=False, cut=70_000)]
    fetch(server, dest, size=len(server.content))
    assert dest.read_bytes() == server.content
    assert server.requests[1]["range"] == "bytes=70000-"


def test_a_compressed_body_is_unpacked_and_never_continued(server: FileServer, dest: Path) -> None:
    server.content = b"the same words again and again " * 30_000
    server.answers += [Answer(gzip=True, cut=700), Answer(gzip=True)]
    fetch(server, dest, sha256=server.sha256, size=len(server.content))
    assert dest.read_bytes() == server.content
    assert [r.get("range") for r in server.requests] == [None, None]
    assert server.requests[0]["accept-encoding"] == "identity"


@pytest.mark.parametrize(("status", "word"), [(404, "not there any more"), (403, "permission"), (501, "run it again")])
def test_a_refusal_is_final_and_names_host_and_status(server: FileServer, dest: Path, status: int, word: str) -> None:
    server.answers += [Answer(status=status)]
    with pytest.raises(DownloadError) as caught:
        fetch(server, dest)
    assert server.host in caught.value.title
    assert str(status) in caught.value.title
    assert word in caught.value.hint
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(server: FileServer, dest: Path, status: int) -> None:
    server.answers += [Answer(status=status), Answer(status=status, headers={"Retry-After": "0"})]
    fetch(server, dest, sha256=server.sha256)
    assert dest.read_bytes() == server.content
    assert len(server.requests) == 3


def test_a_server_that_stays_busy_is_given_up_with_its_status(server: FileServer, dest: Path) -> None:
    server.answers += [Answer(status=503)] * 50
    with pytest.raises(DownloadError, match="503"):
        fetch(server, dest)
    assert len(server.requests) == RETRIES + 1


def test_busy_in_the_middle_loses_nothing(server: FileServer, dest: Path) -> None:
    server.answers += [Answer(cut=100_000), Answer(status=503), Answer()]
    fetch(server, dest)
    assert server.requests[2]["range"] == "bytes=100000-"
    assert dest.read_bytes() == server.content


def test_a_redirect_is_followed_and_a_circle_is_an_error(server: FileServer, dest: Path) -> None:
    server.answers += [Answer(status=302, headers={"Location": server.url})]
    fetch(server, dest, sha256=server.sha256)
    assert dest.read_bytes() == server.content
    server.answers += [Answer(status=302, headers={"Location": server.url})] * 30
    with pytest.raises(DownloadError, match="cannot be fetched"):
        fetch(server, dest.with_name("other.bin"))


def test_a_host_that_refuses_connections_is_named(server: FileServer, dest: Path) -> None:
    port = closed_port()
    with pytest.raises(DownloadError, match=f"127.0.0.1:{port} cannot be reached") as caught:
        list(download(f"http://127.0.0.1:{port}/x", dest))
    assert "network" in caught.value.hint
    assert caught.value.title.endswith(": connection refused")  # in words, without the number of the system
    assert "where it stopped" not in caught.value.hint  # nothing has arrived


def test_a_host_that_does_not_exist_is_named(server: FileServer, dest: Path) -> None:
    with pytest.raises(DownloadError, match=r"nowhere\.invalid cannot be reached: .*offline") as caught:
        list(download("https://nowhere.invalid/x", dest))
    assert "Errno" not in caught.value.title


@pytest.mark.parametrize("url", ["ftp://example.invalid/x", "no address at all", "http://[half/x"])
def test_an_address_that_is_none_is_an_error(dest: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "FIRST_PAUSE", 0.001)
    with pytest.raises(DownloadError):
        list(download(url, dest))


def test_a_proxy_that_cannot_be_used_is_an_error(dest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1:9")
    with pytest.raises(DownloadError, match=r"example\.invalid") as caught:
        list(download("http://example.invalid/x", dest))
    assert "ALL_PROXY" in caught.value.hint


def test_a_stalled_connection_counts_as_broken(server: FileServer, dest: Path) -> None:
    gate = threading.Event()
    server.answers += [Answer(gate=gate)]
    with httpx.Client(timeout=0.2) as client:
        fetch(server, dest, client=client)
    gate.set()
    assert dest.read_bytes() == server.content
    assert server.requests[1]["range"] == "bytes=150000-"


def test_cancelling_leaves_a_part_that_the_next_call_continues(server: FileServer, dest: Path) -> None:
    gate, cancelled = threading.Event(), threading.Event()
    server.answers += [Answer(gate=gate)]
    for _ in download(server.url, dest, sha256=server.sha256, cancelled=cancelled):
        cancelled.set()
        gate.set()
    part = dest.with_name("file.bin.part")
    assert not dest.exists()
    here = part.stat().st_size
    assert 0 < here < len(server.content)
    fetch(server, dest, sha256=server.sha256)
    assert server.requests[1]["range"] == f"bytes={here}-"
    assert dest.read_bytes() == server.content
    assert leftovers(dest) == set()


def test_cancelling_ends_a_pause_between_attempts(
    server: FileServer, dest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_module, "FIRST_PAUSE", 3600.0)
    cancelled = threading.Event()
    server.answers += [Answer(status=503)]
    for _ in download(server.url, dest, cancelled=cancelled):
        cancelled.set()
    assert len(server.requests) == 1


def test_a_call_cancelled_before_it_begins_asks_nobody(server: FileServer, dest: Path) -> None:
    cancelled = threading.Event()
    cancelled.set()
    assert fetch(server, dest, cancelled=cancelled) == []
    assert server.requests == []


def test_of_two_calls_at_once_one_fetches_and_the_other_waits(server: FileServer, dest: Path) -> None:
    gate = threading.Event()
    server.answers += [Answer(gate=gate)]
    first = threading.Thread(target=fetch, args=(server, dest), kwargs={"sha256": server.sha256})
    first.start()
    assert server.asked.wait(20)
    second = download(server.url, dest, sha256=server.sha256)
    next(second)  # it says how far the other is
    next(second)
    assert len(server.requests) == 1
    gate.set()
    rest = list(second)
    first.join(20)
    assert rest[-1].received == len(server.content)
    assert dest.read_bytes() == server.content
    assert len(server.requests) == 1
    assert leftovers(dest) == set()


def test_whoever_waits_takes_over_when_the_first_gives_up(server: FileServer, dest: Path) -> None:
    gate, cancelled = threading.Event(), threading.Event()
    server.answers += [Answer(gate=gate)]
    first = threading.Thread(target=fetch, args=(server, dest), kwargs={"cancelled": cancelled})
    first.start()
    assert server.asked.wait(20)
    second = download(server.url, dest)
    next(second)
    cancelled.set()
    gate.set()
    list(second)
    first.join(20)
    assert dest.read_bytes() == server.content
    assert "range" in server.requests[1]


def test_a_waiting_call_can_be_cancelled(server: FileServer, dest: Path) -> None:
    first = download(server.url, dest)
    gate, cancelled = threading.Event(), threading.Event()
    server.answers += [Answer(gate=gate)]
    next(first)  # holds the lock, in the middle
    for _ in download(server.url, dest, cancelled=cancelled):
        cancelled.set()
    gate.set()
    list(first)
    assert dest.read_bytes() == server.content


def test_a_folder_that_cannot_be_written_is_named(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match="cannot be written") as caught:
        fetch(server, tmp_path / "file" / "below" / "x.bin")
    assert "LLM_LAB_CACHE" in caught.value.hint


def test_no_space_left_keeps_what_has_arrived(server: FileServer, dest: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (131_072, hard))
    try:
        with pytest.raises(DiskFullError, match="no space left"):
            fetch(server, dest)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    here = dest.with_name("file.bin.part").stat().st_size
    assert 0 < here <= 131_072
    fetch(server, dest)
    assert server.requests[-1]["range"] == f"bytes={here}-"
    assert dest.read_bytes() == server.content
