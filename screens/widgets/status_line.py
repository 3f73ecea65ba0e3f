"""The line above the key line: on the left a sentence about what is under the cursor, on the right counters."""

from __future__ import annotations

import textwrap

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from screens.widgets.guarded import Guarded


class StatusLine(Guarded, Widget):
    """One line of fixed height; changing it repaints the line alone."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    StatusLine { height: 1fr; width: 1fr; padding: 0 1; color: $text-muted; }
    """

    class OpenJobs(Message):
        """The counters were clicked: what is going on in the background?"""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sentence = ""
        self._counters = ""
        self._jobs = ""
        self.rows = 1
        """How many lines the sentence takes; whoever lays the line out gives it that height."""

    @property
    def sentence(self) -> str:
        """What is said on the left."""
        return self._sentence

    @property
    def counters(self) -> str:
        """What is counted on the right."""
        return " · ".join(part for part in (self._counters, self._jobs) if part)

    def say(self, sentence: str, *, rows: int = 1) -> None:
        """Replaces the sentence; one that is too long is cut, or takes up to so many rows."""
        self.rows = max(1, min(rows, len(self._wrapped(sentence)))) if rows > 1 else 1
        if sentence != self._sentence:
            self._sentence = sentence
            self.refresh()

    def count(self, counters: str) -> None:
        """Replaces the screen's own counters."""
        if counters != self._counters:
            self._counters = counters
            self.refresh()

    def count_jobs(self, text: str) -> None:
        """Replaces what is said of jobs."""
        if text != self._jobs:
            self._jobs = text
            self.refresh()

    def _wrapped(self, sentence: str) -> list[str]:
        return textwrap.wrap(sentence, max(20, self.content_size.width))

    def render(self) -> Text:
        """The sentence, cut if need be, and the counters at the right edge; a sentence of several rows has it alone."""
        width = self.content_size.width
        if self.rows > 1:
            return Text(
                "\n".join(self._wrapped(self._sentence)[: self.rows]), no_wrap=True, overflow="ellipsis", end=""
            )
        right = self.counters
        room = max(0, width - len(right) - 2) if right else width
        left = Text(self._sentence.replace("\n", " "), no_wrap=True, end="")
        left.truncate(room, overflow="ellipsis")
        if right:
            left.append(" " * max(1, width - left.cell_len - Text(right).cell_len) + right)
        left.truncate(width)
        return left

    def on_click(self, event: events.Click) -> None:
        """The right part opens the jobs."""
        if self.counters and event.x >= self.size.width - len(self.counters) - 2:
            self.post_message(self.OpenJobs())
