"""The one downloader: goes on where it stopped, verifies, and puts the whole file in place or none.

A broken connection is continued by a range request, in the same call or in a later one; ``partfile.py`` keeps what has
arrived. Leaves out: several connections at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.data.client import content_range, host_of, new_client, reason, retry_after
from core.data.digests import Digest, digest_of
from core.data.partfile import PartFile, is_plain, size_of, writing
from core.errors import DownloadError
from core.lock import FileLock

if TYPE_CHECKING:
    import httpx

RETRIES = 4
"""How often in a row a transient failure is tried again without anything new having arrived."""

CONNECT_RETRIES = 2
"""The same for a host that cannot be reached at all: without a network nobody wants to wait long to hear it."""

FIRST_PAUSE = 0.5
"""Seconds before the first of those; each pause is twice the one before."""

_TICK = 0.05  # seconds between two progress reports
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_NOT_IT = "open the address in a browser: the file there may have changed, or a proxy answers in its place"


class NotThereError(DownloadError):
    """The host says that it has no such file."""


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is."""

    received: int
    """Bytes that are here, those of an earlier call included."""
    total: int | None
    """Bytes of the whole file, where known."""
    seconds: float
    """Since the call."""
    rate: float
    """Bytes a second since the call."""
    resumed_from: int
    """Bytes that were here already when the call began."""


def download(
    url: str,
    dest: Path,
    *,
    sha256: str | None = None,
    digest: Digest | None = None,
    size: int | None = None,
    cancelled: threading.Event | None = None,
    client: httpx.Client | None = None,
) -> Iterator[DownloadProgress]:
    """Fetches a file, saying about twenty times a second how far it is.

    A ``dest`` that is there already and right is left alone. Of two calls for the same ``dest`` at once, in one process
    or in two, one fetches and the other waits for it.

    Args:
        url: where the file is.
        dest: where it goes; its folder is made.
        sha256: what its SHA-256 must be, in hexadecimal.
        digest: what another digest of it must be, where no SHA-256 is known.
        size: how many bytes it must have.
        cancelled: set it to stop: the generator ends, ``dest`` is not there, and the next call goes on from here.
        client: an ``httpx.Client`` to use, not closed afterwards; left out, one that follows redirects.

    Raises:
        DownloadError: the host cannot be reached, refuses, or gives something else; what came with a wrong SHA-256 is
            put aside as ``dest.bad``.
        DiskFullError: no space is left; what has arrived stays.
    """
    expected = Digest("sha256", sha256.lower()) if sha256 else digest
    job = _Download(url, dest, expected, size, cancelled or threading.Event())
    lock = FileLock(dest.with_name(f".{dest.name}.lock"))
    with writing(dest.parent):
        dest.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with writing(dest.parent):
            if lock.acquire(patience=0):
                break
        yield job.progress()  # another call is fetching it
        if job.cancelled.wait(4 * _TICK):
            return
    try:
        if client is not None:
            yield from job.run(client)
        else:
            with new_client(job.host) as own:
                yield from job.run(own)
        if job.done:  # whoever waits for this lock finds dest and leaves, so the lock's file may go
            with suppress(OSError):
                lock.path.unlink()
    finally:
        lock.release()


class _TransientError(Exception):
    """Worth another try; ``error`` is raised when there is none left."""

    def __init__(self, error: DownloadError, pause: float | None = None, retries: int = RETRIES) -> None:
        super().__init__(error.title)
        self.error = error
        self.pause = pause
        self.retries = retries


class _Download:
    """One call of ``download``."""

    def __init__(
        self, url: str, dest: Path, digest: Digest | None, size: int | None, cancelled: threading.Event
    ) -> None:
        self.url = url
        self.host = host_of(url)
        self.dest = dest
        self.part = PartFile(dest, url, verifiable=digest is not None)
        self.digest = digest
        self.size = size
        self.cancelled = cancelled
        self.total = size
        self.began = time.monotonic()
        self.resumed_from = 0
        self.joined = False  # whether what is here came in more than one answer
        self.done = False

    def progress(self, received: int | None = None) -> DownloadProgress:
        """Where it stands."""
        received = size_of(self.part.path) if received is None else received
        seconds = time.monotonic() - self.began
        fresh = max(0, received - self.resumed_from)
        return DownloadProgress(received, self.total, seconds, fresh / seconds if seconds else 0.0, self.resumed_from)

    def run(self, client: httpx.Client) -> Iterator[DownloadProgress]:
        """Everything, while the lock is held."""
        if self.dest.is_file() and self._is_right(self.dest):
            self.resumed_from = size_of(self.dest)
        else:
            self.resumed_from = self.part.resumable()
            yield from self._fetch(client)
            if self.joined and not self.cancelled.is_set() and not self._is_right(self.part.path):
                self.part.discard()  # its pieces may be of different versions: once more, in one piece
                self.resumed_from = 0
                yield from self._fetch(client)
            if not self.cancelled.is_set():
                if self.digest:  # of a large file it takes seconds: whoever watches should know that all has come
                    yield self.progress()
                self._finish()
        if self.cancelled.is_set():
            return
        self.done = True
        self.total = size_of(self.dest)
        yield self.progress(self.total)

    def _fetch(self, client: httpx.Client) -> Iterator[DownloadProgress]:
        """Attempts until the whole body is here, or it is cancelled, or nothing helps."""
        failures, furthest = 0, size_of(self.part.path)
        while not self.cancelled.is_set():
            try:
                yield from self._attempt(client)
                return
            except _TransientError as broken:
                here = size_of(self.part.path)
                failures = 1 if here > furthest else failures + 1
                furthest = max(furthest, here)
                if failures > broken.retries:
                    raise broken.error from broken
                pause = FIRST_PAUSE * 2 ** (failures - 1) if broken.pause is None else broken.pause
            yield self.progress()
            self.cancelled.wait(pause)

    def _attempt(self, client: httpx.Client) -> Iterator[DownloadProgress]:
        """One request, continuing what is here if that can be."""
        import httpx

        offset = self.part.resumable()
        headers = {"Accept-Encoding": "identity", "User-Agent": "llm-lab"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if validator := self.part.validator():
                headers["If-Range"] = validator
        try:
            with client.stream("GET", self.url, headers=headers) as response:
                if not self._is_whole(response, offset):
                    yield from self._receive(response, self._accept(response, offset))
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.TooManyRedirects) as error:
            raise DownloadError(f"{self.url} cannot be fetched: {error}", "look at the address") from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            unreachable = DownloadError(f"{self.host} cannot be reached: {reason(error)}", self._again())
            raise _TransientError(unreachable, retries=CONNECT_RETRIES) from error
        except httpx.HTTPError as error:
            broke_off = DownloadError(f"the download from {self.host} broke off: {reason(error)}", self._again())
            raise _TransientError(broke_off) from error

    def _accept(self, response: httpx.Response, offset: int) -> int:
        """Where the body of an answer begins in the file; an answer without the file raises."""
        if response.url.scheme == "http" and self.url.startswith("https:"):
            raise DownloadError(
                f"{self.host} leads from https to {response.url}, which anyone on the way may change", _NOT_IT
            )
        code = response.status_code
        if offset and code == 206 and self.part.same_version(response):
            start, total = content_range(response)
            if start == offset and (total is None or self.size in (None, total)):
                self.total = total or self.total
                self.joined = True
                return offset
        if offset and code in (206, 412, 416):  # the file there is no longer the one begun here
            self.part.discard()
            raise _TransientError(self._refused(response), pause=0.0)
        if code in _TRANSIENT:
            raise _TransientError(self._refused(response), retry_after(response))
        if code != 200:
            raise self._refused(response)
        offered = response.headers.get("content-length", "")
        length = int(offered) if offered.isdecimal() and is_plain(response) else None
        if self.size is not None and length is not None and length != self.size:
            raise DownloadError(f"expected {self.size:,} bytes from {self.url}, {self.host} offers {length:,}", _NOT_IT)
        self.total = self.size if length is None else length
        self.resumed_from, self.joined = 0, False
        self.part.begin(response)
        return 0

    def _receive(self, response: httpx.Response, offset: int) -> Iterator[DownloadProgress]:
        """Writes a body from ``offset`` on."""
        received, said = offset, 0.0
        chunks = response.iter_raw() if is_plain(response) else response.iter_bytes()
        with writing(self.dest.parent), self.part.path.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            for chunk in chunks:
                file.write(chunk)
                received += len(chunk)
                if self.size is not None and received > self.size:
                    raise DownloadError(
                        f"expected {self.size:,} bytes from {self.url}, {self.host} sends more", _NOT_IT
                    )
                now = time.monotonic()
                if now - said >= _TICK:
                    said = now
                    yield self.progress(received)
                if self.cancelled.is_set():
                    return
        if self.total is not None and received < self.total:
            short = f"the download from {self.host} broke off: {received:,} of {self.total:,} bytes came"
            raise _TransientError(DownloadError(short, self._again()))

    def _is_whole(self, response: httpx.Response, offset: int) -> bool:
        """Whether a server says that there is nothing after what is here."""
        whole = response.status_code == 416 and content_range(response)[1] == offset
        return offset > 0 and whole and self.part.same_version(response)

    def _is_right(self, path: Path) -> bool:
        if self.size is not None and size_of(path) != self.size:
            return False
        return self.digest is None or digest_of(path, self.digest.algorithm, self.cancelled.is_set) == self.digest

    def _finish(self) -> None:
        """Puts the file in place if it is the expected one, and aside if not."""
        came = self.part.path
        size = size_of(came)
        digest = digest_of(came, self.digest.algorithm, self.cancelled.is_set) if self.digest else None
        if self.cancelled.is_set():
            return
        wrong_size = self.size is not None and size != self.size
        if not wrong_size and digest == self.digest:
            self.part.put(self.dest)
            return
        bad = self.dest.with_name(f"{self.dest.name}.bad")
        self.part.put(bad)
        expected, found = (f"{self.size:,} bytes", f"{size:,}") if wrong_size else (str(self.digest), _value(digest))
        raise DownloadError(
            f"{self.url} is not the expected file: expected {expected}, got {found}", f"it is kept as {bad}; {_NOT_IT}"
        )

    def _refused(self, response: httpx.Response) -> DownloadError:
        code = response.status_code
        title = f"{self.host} answered {code} {response.reason_phrase} for {self.url}"
        if code in (404, 410):
            hint = "the file is not there any more; look at the address, or for a newer llm-lab"
            return NotThereError(title, hint)
        if code in (401, 403):
            return DownloadError(title, "the host wants a permission for this file; look at the address")
        return DownloadError(title, self._again())

    def _again(self) -> str:
        kept = ": it goes on where it stopped" if self.part.resumable() else ""
        return f"look at the network (and at HTTPS_PROXY, if you need one) and run it again{kept}"


def _value(digest: Digest | None) -> str:
    return digest.value if digest else "none"
