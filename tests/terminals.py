"""Programs on a real terminal of their own, which can be read, typed into, closed, or lose its line."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
QUIT = b"\x11"  # ctrl+q
_TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # its end is heard as SIGHUP
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Before the program itself: between a fork and it, Python of a process with threads may wait for ever."""
_STYLES = re.compile(rb"\x1b\[[0-9;]*m")


def open_terminal(columns: int = 120, rows: int = 36) -> tuple[int, int]:
    """A pseudo-terminal of a size: our end, and the program's."""
    import fcntl
    import pty
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return leader, follower


class Terminal:
    """A pseudo-terminal with a program on it; a thread reads what is drawn.

    Args:
        start: starts the program, with the streams and what is to be added to the environment as keywords.
        columns: its width.
        rows: its height.
    """

    def __init__(self, start: Callable[..., subprocess.Popen[bytes]], columns: int = 120, rows: int = 36) -> None:
        self._leader, follower = open_terminal(columns, rows)
        own = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": str(columns), "LINES": str(rows)}
        self.process = start(stdin=follower, stdout=follower, stderr=follower, env=own)
        os.close(follower)
        self.seen = bytearray()
        self._stop, self._nudge = os.pipe()
        self._changed = threading.Condition()
        self._over = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while True:
            ready = select.select([self._leader, self._stop], [], [])[0]
            data = b""
            if self._stop not in ready:
                with suppress(OSError):  # Linux says so when the last writer has gone
                    data = os.read(self._leader, 65536)
            with self._changed:
                self.seen += data
                self._over = not data
                self._changed.notify_all()
            if not data:
                return

    def wait_for(self, word: bytes, patience: float = 90.0, *, after: int = 0) -> None:
        """Waits until a text was drawn, in whatever colours, beyond so many bytes."""
        until = time.monotonic() + patience
        with self._changed:
            while word not in _STYLES.sub(b"", self.seen[after:]):
                assert not self._over, f"it ended without {word!r}: {bytes(self.seen[-1500:])!r}"
                assert time.monotonic() < until, f"{word!r} never came: {bytes(self.seen[-1500:])!r}"
                self._changed.wait(0.5)

    def type(self, keys: bytes) -> None:
        """Presses keys."""
        os.write(self._leader, keys)

    def read_to_end(self, patience: float = 90.0) -> bytes:
        """Everything that was drawn, once the program has ended."""
        self.process.wait(patience)
        self._reader.join(patience)
        return bytes(self.seen)

    def hang_up(self) -> None:
        """Closes the terminal, as its window or its line does: the kernel tells its session."""
        if self._leader >= 0:
            os.write(self._nudge, b"x")
            self._reader.join()
            for fd in (self._leader, self._stop, self._nudge):
                os.close(fd)
            self._leader = -1


def on_terminal(words: list[str], columns: int = 120, rows: int = 36, **env: str) -> AbstractContextManager[Terminal]:
    """A program as the leader of a terminal's session, for the length of a block; its process ends with it."""

    def start(*, env: dict[str, str], **streams: int) -> subprocess.Popen[bytes]:
        leading = [sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *words]
        surroundings = {**os.environ, "PYTHONPATH": str(ROOT), **env, **more}
        return subprocess.Popen(leading, env=surroundings, start_new_session=True, **streams)

    more = env
    return started(start, columns, rows)


@contextmanager
def started(start: Callable[..., subprocess.Popen[bytes]], columns: int = 120, rows: int = 36) -> Iterator[Terminal]:
    """The same of a program that somebody else starts, as ``Terminal`` says."""
    terminal = Terminal(start, columns, rows)
    try:
        yield terminal
    finally:
        if terminal.process.poll() is None:
            terminal.process.kill()
        terminal.hang_up()
        terminal.process.wait()


def on_screen(start: Callable[..., subprocess.Popen[bytes]], until: bytes) -> tuple[int, bytes]:
    """Waits until a program shows something, and quits it: its exit code, and all that it has drawn."""
    with started(start) as terminal:
        terminal.wait_for(until, 120)
        terminal.type(QUIT)
        seen = terminal.read_to_end()
        return terminal.process.returncode, seen


def lab(*words: object) -> list[str]:
    """The command line of the lab, as it is typed."""
    return [sys.executable, "-m", "lab", *map(str, words)]
