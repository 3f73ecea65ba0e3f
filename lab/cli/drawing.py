"""What the command line sends to a terminal: text of anybody's without control characters, and what we draw with them.

``CleanStream`` stands in the place of standard output and error while a command runs, so that whatever is printed, by
whomever, is clean. What is drawn on purpose (a bar, a line that is replaced) goes past it, by ``drawing_console`` and
``replace_line``. Leaves out: bytes for the next program in a pipe, which writing.py lets through.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

from core.visible import visible, without_steering

if TYPE_CHECKING:
    from rich.console import Console

_CLEAR_LINE = "\r\x1b[K"


class CleanStream:
    """A text stream whose ``write`` shows control characters instead of sending them; all else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self.past = stream
        """The stream itself."""

    def write(self, text: str) -> int:
        """Writes a text of anybody's."""
        self.past.write(visible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes several."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.past, name)


def clean(stream: TextIO) -> TextIO:
    """The stream behind a filter; one that is behind it already stays as it is."""
    return stream if isinstance(stream, CleanStream) else cast(TextIO, CleanStream(stream))


def past_filter(stream: TextIO) -> TextIO:
    """The stream itself, for what we made or what is meant for a program."""
    found: TextIO = getattr(stream, "past", stream)
    return found


def replace_line(text: str = "") -> None:
    """Puts a text in the place of the line on standard error on which the cursor stands."""
    past_filter(sys.stderr).write(_CLEAR_LINE + without_steering(text))
    with suppress(OSError):
        sys.stderr.flush()


def drawing_console(*, stderr: bool = False) -> Console:
    """A console of rich that may steer the terminal; the texts that it is given may not."""
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class Cleaning(Console):
        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                if segment.control or segment.text == "\n":
                    yield segment
                else:  # rich ends a line with a segment of its own, or within a text
                    text = "\n".join(map(without_steering, segment.text.split("\n")))
                    yield segment if text == segment.text else segment._replace(text=text)

    return Cleaning(file=past_filter(sys.stderr if stderr else sys.stdout))
