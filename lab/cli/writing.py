"""Text on standard output as it comes, for a terminal or for the next program in a pipe."""

from __future__ import annotations

import errno
import os
import sys
from typing import TextIO

from core.visible import visible
from lab.cli.drawing import past_filter

CLOSED = frozenset({errno.EPIPE, errno.EIO, errno.EINVAL})
"""What writing says when the reader, or the terminal, is gone."""


def draws() -> bool:
    """Whether bars and small curves stand beside the numbers: on a terminal; a pipe has the numbers alone.

    A screen reader would read a bar out, block by block: ``TERM=dumb`` leaves them out, too.
    """
    return sys.stdout.isatty() and os.environ.get("TERM", "") != "dumb"


def write(text: str) -> None:
    """Writes at once.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    _at_once(sys.stdout, text)


def _at_once(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        if error.errno in CLOSED:
            raise BrokenPipeError from error
        raise


def write_clean(text: str) -> None:
    """Writes a text at once: as it is for the next program in a pipe, without control characters for a terminal.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    _at_once(past_filter(sys.stdout), visible(text) if sys.stdout.isatty() else text)


def note(text: str) -> None:
    """Says something beside the text: a line on standard error."""
    sys.stdout.flush()
    sys.stderr.write(f"note: {text}\n")
    sys.stderr.flush()


def slid_often(times: int) -> str:
    """What is said behind a text whose context was full so many times."""
    return f"the context was full {times} time{'s' * (times > 1)}; from then on the model saw the last part of the text"
