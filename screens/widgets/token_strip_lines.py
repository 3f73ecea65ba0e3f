"""Which token stands on which line of a strip, laid out a slice at a time so that a million tokens block nobody."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from screens.widgets.token_strip_labels import Label, Labels, cut


class Placed(NamedTuple):
    """A token, or a part of one that is longer than a line, in its place."""

    token: int
    x: int
    label: Label


class Lines:
    """The lines of a row of tokens at one width.

    A token goes to the next line if it doesn't fit; one that is longer than a line has lines of its own.
    """

    def __init__(
        self,
        labels: Labels,
        pieces: Sequence[bytes],
        ids: Sequence[int] | None,
        width: int,
        *,
        gap: int = 0,
        break_lines: bool = True,
    ) -> None:
        self._labels = labels
        self._pieces = pieces
        self._ids = ids
        self.width = max(1, width)
        self.gap = gap
        """Cells between two tokens."""
        self._break_lines = break_lines
        self._starts: list[int] = []
        self._parts: dict[int, int] = {}  # line -> which part of an overlong token it holds
        self._next = 0
        self._x = 0
        self._open = False  # whether the last line takes more tokens

    @property
    def count(self) -> int:
        """Lines so far."""
        return len(self._starts)

    @property
    def laid_out(self) -> int:
        """Tokens that have their place."""
        return self._next

    @property
    def finished(self) -> bool:
        """Whether every token has its place."""
        return self._next >= len(self._pieces)

    def label(self, index: int) -> Label:
        """How a token is written."""
        return self._labels.of(self._pieces[index], self._ids[index] if self._ids is not None else None)

    def run(self, *, until: int = 0, seconds: float = 0.008) -> bool:
        """Lays out more: at least up to a token, then for a while; says whether all is done."""
        end = time.monotonic() + seconds
        total = len(self._pieces)
        while self._next < total:
            stop = min(total, self._next + 500)
            while self._next < stop:
                self._place(self._next, self.label(self._next))
                self._next += 1
            if self._next > until and time.monotonic() >= end:
                break
        return self.finished

    def _place(self, index: int, label: Label) -> None:
        if label.width > self.width:
            for part in range(len(cut(label, self.width))):
                self._parts[len(self._starts)] = part
                self._starts.append(index)
            self._open = False
            return
        if not self._open or self._x + label.width > self.width:
            self._starts.append(index)
            self._x, self._open = 0, True
        self._x += label.width + self.gap
        if label.ends_line and self._break_lines:
            self._open = False

    def on(self, line: int) -> Iterator[Placed]:
        """What stands on a line."""
        if not 0 <= line < len(self._starts):
            return
        first = self._starts[line]
        if line in self._parts:
            yield Placed(first, 0, cut(self.label(first), self.width)[self._parts[line]])
            return
        last = self._starts[line + 1] if line + 1 < len(self._starts) else self._next
        x = 0
        for index in range(first, last):
            label = self.label(index)
            yield Placed(index, x, label)
            x += label.width + self.gap

    def line_of(self, index: int) -> int:
        """The (first) line of a token that has its place."""
        at = bisect_left(self._starts, index)
        if at < len(self._starts) and self._starts[at] == index:
            return at
        return max(0, bisect_right(self._starts, index) - 1)

    def lines_of(self, index: int) -> range:
        """All lines of a token."""
        first = self.line_of(index)
        last = first
        while last + 1 < len(self._starts) and self._starts[last + 1] == index and last + 1 in self._parts:
            last += 1
        return range(first, last + 1)

    def x_of(self, index: int) -> int:
        """The first cell of a token on its (first) line."""
        return next((placed.x for placed in self.on(self.line_of(index)) if placed.token == index), 0)

    def at(self, line: int, x: int, *, nearest: bool = False) -> int | None:
        """The token in a cell; ``nearest``: or the last one before it on that line."""
        found = None
        for placed in self.on(line):
            if placed.x > x:
                break
            if nearest or x < placed.x + placed.label.width + self.gap:
                found = placed.token
        return found
