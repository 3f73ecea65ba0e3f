"""What is shared by those who start a process to do what must not be done in theirs: a cancel, and its last words."""

from __future__ import annotations

import subprocess
import threading
from typing import IO


def kill_when(cancelled: threading.Event, child: subprocess.Popen[str]) -> None:
    """Kills a process when an event is set; returns when it has ended. For a thread of its own."""
    while child.poll() is None:
        if cancelled.wait(0.1):
            child.kill()
            return


def last_words(chatter: IO[bytes]) -> str:
    """The last line that a process wrote into a file, for the error that tells of its end."""
    chatter.seek(0)
    lines = chatter.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"
