"""A program on a real terminal (a pseudo-terminal of 120 by 36) that somebody reads: when does which picture arrive?"""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

from tests.bench.picture import Picture

ROWS, COLUMNS = 36, 120
LAST_ROW = f"\x1b[{ROWS};1H".encode()
HOME = b"\x1b[1;1H"
"""Textual leaves the cursor here at the end of each full picture."""
QUIT = b"\x11"  # ctrl+q
TOGETHER = 0.004
"""Seconds: what arrives in pieces that lie less apart is one drawing."""


class Terminal:
    """Starts a program on a terminal; a thread reads what it draws. Used in a ``with``, the program ends with it."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        import fcntl
        import pty
        import struct
        import termios

        self._leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._seen = bytearray()
        self._arrived: list[tuple[float, int]] = []
        self._changed = threading.Condition()
        self._picture = Picture(ROWS, COLUMNS)
        self._painted = 0
        self._closed = False
        own = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._start = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env={**os.environ, **own, **env},
            start_new_session=True,
        )
        os.close(follower)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while select.select([self._leader], [], []):
            try:
                data = os.read(self._leader, 65536)
            except OSError:  # Linux says so when the last writer has gone
                data = b""
            with self._changed:
                if data:
                    self._seen += data
                    self._arrived.append((time.perf_counter() - self._start, len(self._seen)))
                self._closed = not data
                self._changed.notify_all()
            if not data:
                return

    def wait_for(self, *words: bytes, patience: float = 60.0) -> float:
        """Seconds from the start of the process until all the words, one after the other, have arrived.

        Raises:
            RuntimeError: they never came.
        """
        deadline = time.monotonic() + patience
        with self._changed:
            while (end := self._end_of(words)) < 0:
                if self._closed or time.monotonic() > deadline:
                    raise RuntimeError(f"{words!r} never came; the end was {bytes(self._seen[-1500:])!r}")
                self._changed.wait(1.0)
            return next(when for when, length in self._arrived if length >= end)

    def _end_of(self, words: Sequence[bytes]) -> int:
        at = 0
        for word in words:
            found = self._seen.find(word, at)
            if found < 0:
                return -1
            at = found + len(word)
        return at

    def first_frame(self, word: bytes = b"") -> float:
        """Seconds until the first picture stands that has the word in it, from the first row to the last."""
        return self.wait_for(HOME, word, LAST_ROW, HOME)

    def press(self, keys: bytes) -> float:
        """Types; returns when, in seconds since the start of the process."""
        now = time.perf_counter() - self._start
        os.write(self._leader, keys)
        return now

    @property
    def received(self) -> int:
        """Bytes that arrived so far."""
        with self._changed:
            return len(self._seen)

    def drawings(self, since: int = 0) -> list[tuple[float, bytes]]:
        """What arrived after the first ``since`` bytes: seconds since the start, and what had come until then.

        Pieces of one drawing count as one, that stood when the last of them had come.
        """
        with self._changed:
            arrived, seen = [a for a in self._arrived if a[1] > since], bytes(self._seen)
        found: list[tuple[float, bytes]] = []
        before = since
        for i, (when, length) in enumerate(arrived):
            if i + 1 == len(arrived) or arrived[i + 1][0] - when > TOGETHER:
                found.append((when, seen[before:length]))
                before = length
        return found

    def picture(self) -> Picture:
        """What stands on the terminal now."""
        with self._changed:
            new, self._painted = bytes(self._seen[self._painted :]), len(self._seen)
        self._picture.feed(new)
        return self._picture

    def wait_for_text(self, words: str, patience: float = 60.0) -> float:
        """Seconds from the start of the process until the words stand on the terminal, in one row.

        Raises:
            RuntimeError: they never do.
        """
        deadline = time.monotonic() + patience
        while words not in self.picture().text:
            if self._closed or time.monotonic() > deadline:
                raise RuntimeError(f"{words!r} never stood there, but\n{self._picture.text}")
            with self._changed:
                if len(self._seen) == self._painted:
                    self._changed.wait(1.0)
        return self._arrived[-1][0]

    def quit(self) -> None:
        """Presses ctrl+q and waits for the end."""
        os.write(self._leader, QUIT)
        self.process.wait(20)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._thread.join(5)
        os.close(self._leader)
