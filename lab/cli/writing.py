"""Text on standard output as it comes, for a terminal or for the next program in a pipe."""

from __future__ import annotations

import errno
import sys

from core.generation.streaming import visible

CLOSED = frozenset({errno.EPIPE, errno.EIO, errno.EINVAL})
"""What writing says when the reader, or the terminal, is gone."""


def write(text: str) -> None:
    """Writes at once.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        if error.errno in CLOSED:
            raise BrokenPipeError from error
        raise


def write_clean(text: str) -> None:
    """Writes at once; a terminal gets no control characters, which a model may well have made up."""
    write(visible(text) if sys.stdout.isatty() else text)


def note(text: str) -> None:
    """Says something beside the text: a line on standard error."""
    sys.stdout.flush()
    sys.stderr.write(f"note: {text}\n")
    sys.stderr.flush()


def slid_often(times: int) -> str:
    """What is said behind a text whose context was full so many times."""
    return f"the context was full {times} time{'s' * (times > 1)}; from then on the model saw the last part of the text"
