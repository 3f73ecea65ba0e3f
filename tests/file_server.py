"""A web server on the loopback that serves one file, or several, well or badly, as a test asks."""

from __future__ import annotations

import gzip
import hashlib
import socket
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """How one request is answered; the default is a good server's way."""

    status: int = 0
    """Not 0: this status with a short body."""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Bytes of the body before the connection is dropped."""
    ranges: bool = True
    if_range: bool = True
    length: bool = True
    gzip: bool = False
    gate: threading.Event | None = None
    """Waited for after the first half of the body."""
    says: int | None = None
    """A Content-Length that is not the true one."""
    hangs: bool = False
    """Sends ``cut`` bytes, or not even an answer, and then nothing for ever."""
    body: bytes | None = None
    """Something else in place of the file."""


class FileServer:
    """Serves ``content``; ``answers`` are used up first, then good ones are given."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.etag: str | None = '"one"'
        self.last_modified: str | None = None
        self.answers: deque[Answer] = deque()
        self.requests: list[dict[str, str]] = []
        self.asked = threading.Event()
        self.url = ""
        self.files: dict[str, bytes] = {}
        """More files by path (``/a/b.txt``); where there are any, every other path is not found."""
        self.at: dict[str, deque[Answer]] = {}
        """How requests for a path are answered, used up before ``answers``."""
        self.headers: dict[str, dict[str, str]] = {}
        """What the headers of a path say beside the usual."""
        self.redirects: dict[str, str] = {}
        """Where a path leads to; its ``headers`` are said on the way."""
        self.head = True
        """Whether HEAD is understood."""
        self.mute: set[str] = set()
        """Paths for which HEAD is never answered."""
        self.log: list[tuple[str, str]] = []
        """Method and path of every request."""
        self.halfway = threading.Event()
        """Set when an answer waits at its gate."""
        self.closing = threading.Event()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def host(self) -> str:
        return self.url.split("/")[2]

    @property
    def base(self) -> str:
        return self.url.rpartition("/")[0]

    def asked_for(self, path: str, method: str = "GET") -> int:
        """How often a path was asked for."""
        return self.log.count((method, path))

    def describe(self, handler: BaseHTTPRequestHandler) -> None:
        """Answers HEAD."""
        self.log.append(("HEAD", handler.path))
        if handler.path in self.mute:
            self.closing.wait(20)
            handler.close_connection = True
            return
        if self.redirect(handler):
            return
        content = self.files.get(handler.path, None if self.files else self.content)
        handler.send_response(405 if not self.head else 404 if content is None else 200)
        if self.head and content is not None:
            for name, value in self.headers.get(handler.path, {}).items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(content)))
        else:
            handler.send_header("Content-Length", "0")
        handler.end_headers()

    def redirect(self, handler: BaseHTTPRequestHandler) -> bool:
        if handler.path not in self.redirects:
            return False
        handler.send_response(302)
        for name, value in {**self.headers.get(handler.path, {}), "Location": self.redirects[handler.path]}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append({k.lower(): v for k, v in handler.headers.items()})
        self.log.append(("GET", handler.path))
        queue = self.at.get(handler.path) or self.answers
        how = queue.popleft() if queue else Answer()
        self.asked.set()
        if how.hangs and how.cut is None:
            self.closing.wait(20)
            handler.close_connection = True
            return
        if self.redirect(handler):
            return
        if not how.status and self.files and handler.path not in self.files:
            how = Answer(status=404)
        if how.status:
            handler.send_response(how.status)
            for name, value in how.headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", "4")
            handler.end_headers()
            handler.wfile.write(b"nope")
            return
        self._send(handler, how, self.files.get(handler.path, self.content) if how.body is None else how.body)

    def _send(self, handler: BaseHTTPRequestHandler, how: Answer, content: bytes) -> None:
        request = {k.lower(): v for k, v in handler.headers.items()}
        start = 0
        validator = request.get("if-range")
        fresh = validator is None or not how.if_range or validator in (self.etag, self.last_modified)
        if how.ranges and fresh and "range" in request:
            start = int(request["range"].removeprefix("bytes=").removesuffix("-"))
        if start >= len(content) > 0 and start:
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(content)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        body = content[start:]
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.etag:
            handler.send_header("ETag", self.etag)
        if self.last_modified:
            handler.send_header("Last-Modified", self.last_modified)
        if how.gzip:
            body = gzip.compress(body)
            handler.send_header("Content-Encoding", "gzip")
        if how.length:
            handler.send_header("Content-Length", str(len(body) if how.says is None else how.says))
            handler.close_connection = how.says is not None
        else:
            handler.send_header("Connection", "close")
            handler.close_connection = True
        for name, value in {**self.headers.get(handler.path, {}), **how.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if how.gate is not None:
            half = len(body) // 2
            handler.wfile.write(body[:half])
            handler.wfile.flush()
            self.halfway.set()
            assert how.gate.wait(20)
            body = body[half:]
        handler.wfile.write(body if how.cut is None else body[: how.cut])
        if how.cut is not None:
            handler.wfile.flush()
            if how.hangs:
                self.closing.wait(20)
            handler.close_connection = True


@contextmanager
def serving(content: bytes) -> Iterator[FileServer]:
    """A server for a ``with`` block."""
    server = FileServer(content)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or a small body waits 40 ms for the client to acknowledge the headers

        def do_GET(self) -> None:
            try:
                server.answer(self)
            except ConnectionError:  # the client left: what a cancelled download does
                self.close_connection = True

        def do_HEAD(self) -> None:
            try:
                server.describe(self)
            except ConnectionError:
                self.close_connection = True

        def log_message(self, *args: object) -> None:
            return None

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)  # type: ignore[arg-type]

    with Server(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_address[1]}/file.bin"
        try:
            yield server
        finally:
            server.closing.set()
            http.shutdown()
            thread.join()


def closed_port() -> int:
    """A port on the loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
