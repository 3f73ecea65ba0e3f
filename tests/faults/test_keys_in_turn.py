"""Keys that come in a burst, into a lab that has just painted its frame or that is busy: all act, in their order."""

from __future__ import annotations

import sys

import pytest
from terminals import lab, on_terminal


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
def test_what_is_typed_before_the_screen_stands_is_kept_and_a_burst_after_it_too() -> None:
    with on_terminal(lab("open", "tokenizer")) as app:
        app.wait_for(b"Tokens")
        app.type(b"ezebra crossings")
        app.wait_for(b"zebra crossings")
        so_far = len(app.seen)
        app.type(b"\x1b")
        app.wait_for(b"e to edit", after=so_far)
        app.type(b"e\x01quiet ")  # the field has no focus yet as the next keys come
        app.wait_for(b"quiet zebra crossings")
        app.type(b"\x1b")
        app.type(b"\x11")
        app.read_to_end()
        assert app.process.returncode == 0
