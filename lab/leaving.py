"""The end of the app's process: what still computes in a thread does not hold the prompt back.

Python waits for every thread before it goes. A pass through a large model hears of its cancelling only between two
layers, which on a busy machine may be half a minute after the terminal is the person's own again.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import suppress

from textual.app import App

PATIENCE = 1.5
"""Seconds that cancelled work has to put its things away. All that is kept is written beside its name first."""


def run_and_leave(app: App[int]) -> int:
    """Runs an app on this terminal and returns its exit code, or ends the process with it if threads linger."""
    ended = threading.Event()
    code = asyncio.run(_run(app, ended))
    ended.set()
    return code


async def _run(app: App[int], ended: threading.Event) -> int:
    found = await app.run_async()
    code = int(app.return_code or found or 0)
    threading.Thread(target=_leave, args=(ended, code), daemon=True).start()
    return code


def _leave(ended: threading.Event, code: int) -> None:
    if not ended.wait(PATIENCE):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # the terminal may be gone
                stream.flush()
        os._exit(code)
