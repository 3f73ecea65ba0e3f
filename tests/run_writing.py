"""Run directories written by the real writer, closed whatever a test does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.training.rundir import RunWriter


@contextmanager
def writing(writer: RunWriter) -> Iterator[RunWriter]:
    """Closes the run as stopped at the end of a block that has not closed it."""
    try:
        yield writer
    finally:
        writer.close("stopped")
