"""Leaving while something computes: the prompt comes back, the settings are kept, the exit code is the app's."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from terminals import on_terminal

BUSY = """
import sys, threading
from lab.app import LabApp
from lab.app_start import run_app
from lab.opening import Opening

class BusyApp(LabApp):
    def on_mount(self):
        self.run_worker(threading.Event().wait, thread=True)  # hears of no cancelling at all
        self.call_later(self.call_after_refresh, self.write_busy)

    def write_busy(self):
        self.notify("busy now")

import lab.app_start
lab.app_start.LabApp = BusyApp
sys.exit(run_app(Opening("tokenizer", fresh=True)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
def test_a_thread_that_never_ends_does_not_hold_the_prompt_back(isolated: Path) -> None:
    with on_terminal([sys.executable, "-c", BUSY]) as app:
        app.wait_for(b"busy now")
        app.type(b"\x11")  # ctrl+q
        drawn = app.read_to_end(patience=60)
    assert app.process.returncode == 0 and b"Traceback" not in drawn
    assert b"\x1b[?1049l" in drawn, "the terminal is as it was"
    assert json.loads((isolated / "state" / "settings.json").read_text())["screen"], "and what was set is kept"
