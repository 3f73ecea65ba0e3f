"""What a terminal shows after what a program wrote to it: characters in cells, colours left out.

Knows what Textual and prompt programs write: moves, erasing, line ends, wide characters. Leaves out scrolling regions
and everything that only changes how a cell looks.
"""

from __future__ import annotations

import codecs
import re

from rich.cells import cell_len

_MOVE = re.compile(
    r"\x1b\[([?>=<]?)([0-9;:]*)[ -/]*([@-~])"  # CSI
    r"|\x1b[\]P_^X].*?(?:\x07|\x1b\\)"  # OSC and the like, to their end
    r"|\x1b[()*+].|\x1b[=>78cDEHMNOZ]",
    re.DOTALL,
)
_TORN = re.compile(r"\x1b(?:\[[?>=<]?[0-9;:]*[ -/]*|[\]P_^X][^\x07\x1b]*(?:\x1b)?|[()*+])?\Z")


class Picture:
    """A grid of characters that ``feed`` writes into."""

    def __init__(self, rows: int, columns: int) -> None:
        self._rows, self._columns = rows, columns
        self._cells = [[" "] * columns for _ in range(rows)]
        self._y = self._x = 0
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def lines(self) -> list[str]:
        """The rows as text; a wide character stands in its first cell, the second is empty."""
        return ["".join(row) for row in self._cells]

    @property
    def text(self) -> str:
        """All rows, one a line."""
        return "\n".join(self.lines)

    @property
    def cells(self) -> tuple[str, ...]:
        """All cells, row after row."""
        return tuple(cell for row in self._cells for cell in row)

    def feed(self, data: bytes) -> None:
        """Takes what came next; a sequence that is cut waits for its rest."""
        text = self._rest + self._decoder.decode(data)
        self._rest = ""
        if torn := _TORN.search(text):
            text, self._rest = text[: torn.start()], torn.group()
        at = 0
        for move in _MOVE.finditer(text):
            self._print(text[at : move.start()])
            if not move.group(1) and move.group(3):
                self._control(move.group(3), move.group(2))
            at = move.end()
        self._print(text[at:])

    def _control(self, final: str, given: str) -> None:
        numbers = [int(n) if n else 0 for n in re.split("[;:]", given)]
        first = max(1, numbers[0])
        if final in "Hf":
            self._y, self._x = first - 1, max(1, [*numbers, 1][1]) - 1
        elif final in "ABCD":
            self._y += {"A": -first, "B": first}.get(final, 0)
            self._x += {"D": -first, "C": first}.get(final, 0)
        elif final == "G":
            self._x = first - 1
        elif final == "d":
            self._y = first - 1
        elif final == "K":
            self._erase(self._y, numbers[0])
        elif final == "J":
            self._erase(self._y, numbers[0])
            below = numbers[0] == 0
            for y in range(self._rows):
                if numbers[0] > 1 or (y > self._y if below else y < self._y):
                    self._erase(y, 2)
        self._y = min(max(self._y, 0), self._rows - 1)
        self._x = min(max(self._x, 0), self._columns)

    def _erase(self, y: int, how: int) -> None:
        start = self._x if how == 0 else 0
        end = self._x + 1 if how == 1 else self._columns
        self._cells[y][start:end] = [" "] * len(self._cells[y][start:end])

    def _print(self, text: str) -> None:
        for character in text:
            if character == "\n":
                self._y = min(self._y + 1, self._rows - 1)
            elif character == "\r":
                self._x = 0
            elif character == "\b":
                self._x = max(0, self._x - 1)
            elif character >= " " and character != "\x7f":
                width = 1 if character.isascii() else cell_len(character)
                for nth in range(width):
                    if self._x < self._columns:
                        self._cells[self._y][self._x] = character if nth == 0 else ""
                        self._x += 1
