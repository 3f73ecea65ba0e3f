"""A trend in one line of text, and the widget that shows it with its last value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from screens.widgets.guarded import Guarded

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII_BLOCKS = "_.,-=+*#"


def spark_text(values: Sequence[float], width: int, *, ascii_only: bool = False) -> str:
    """Values as a row of bars, at most ``width`` cells; each cell is the highest of the values that fall in it.

    A cell with no finite value is a blank. Equal values give the lowest bar.

    >>> spark_text([1, 2, 3, 4], 4), spark_text([1.0, float("nan"), 3.0], 3), spark_text([], 5)
    ('▁▃▆█', '▁ █', '')
    """
    if not values or width < 1:
        return ""
    n = len(values)
    cells = min(width, n)
    best: list[float | None] = []
    for i in range(cells):
        part = [v for v in values[i * n // cells : (i + 1) * n // cells] if math.isfinite(v)]
        best.append(max(part) if part else None)
    known = [v for v in best if v is not None]
    if not known:
        return " " * cells
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    return "".join(" " if v is None else blocks[min(7, int((v - low) / span * 7.999))] for v in best)


class Spark(Guarded, Widget):
    """A one-line trend; its value stands in the border title, which the screen sets."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Spark { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None, ascii_only: bool = False) -> None:
        super().__init__(id=id, classes=classes)
        self._values: tuple[float, ...] = ()
        self._ascii_only = ascii_only

    @property
    def values(self) -> tuple[float, ...]:
        """What is shown."""
        return self._values

    def show(self, values: Sequence[float]) -> bool:
        """Shows values; repaints, and says so, only if they differ. NaN equals NaN here."""
        new = tuple(values)
        if [repr(v) for v in new] == [repr(v) for v in self._values]:
            return False
        self._values = new
        self.refresh()
        return True

    def wear(self, *, ascii_only: bool) -> None:
        """Draws with ASCII alone, or not."""
        self._ascii_only = ascii_only
        self.refresh()

    def render(self) -> Text:
        """The bars, or a dim dash when there is nothing."""
        text = spark_text(self._values, self.size.width, ascii_only=self._ascii_only)
        return Text(text, no_wrap=True) if text.strip() else Text("–", Style(dim=True))
