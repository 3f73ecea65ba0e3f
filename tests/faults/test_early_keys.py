"""Keys typed into a lab that has just painted its frame: all of them act, in their order."""

from __future__ import annotations

import sys

import pytest
from terminals import lab, on_terminal


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
def test_what_is_typed_before_the_screen_stands_is_kept() -> None:
    with on_terminal(lab("open", "tokenizer")) as app:
        app.wait_for(b"Tokens")
        app.type(b"ezebra crossings")
        app.wait_for(b"zebra crossings")
        app.type(b"\x1b")
        app.type(b"\x11")
        app.read_to_end()
    assert app.process.returncode == 0
