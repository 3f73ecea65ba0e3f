"""A program on a terminal of its own, until it shows what it should; then ctrl+q."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable

QUIT = b"\x11"  # ctrl+q
SIZE = {"COLUMNS": "120", "LINES": "36"}  # pytest-xdist has its own


def on_screen(start: Callable[..., subprocess.Popen[bytes]], until: bytes) -> tuple[int, bytes]:
    """Runs a program on a terminal of 120 by 36, waits until it shows something, and quits.

    Args:
        start: starts it, with the streams and what is to be added to the environment as keywords.
        until: what it shows.
    """
    import fcntl
    import pty
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    env = {"TERM": "xterm-256color", "COLORTERM": "truecolor", **SIZE}
    process = start(stdin=follower, stdout=follower, stderr=follower, env=env)
    os.close(follower)
    seen, asked, deadline = b"", False, time.monotonic() + 120
    while time.monotonic() < deadline:
        if not select.select([leader], [], [], 1.0)[0]:
            continue
        try:
            data = os.read(leader, 65536)
        except OSError:  # Linux says so when the last writer has gone
            break
        if not data:
            break
        seen += data
        if not asked and until in seen:
            os.write(leader, QUIT)
            asked = True
    os.close(leader)
    if not asked:
        process.kill()
    assert asked, seen[-2000:]
    return process.wait(60), seen
