"""What is known of the tensor under the cursor, in as many words as its pane has room for."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual.widgets import Static

from screens.widgets.guarded import Guarded

NAMES = 7
"""Cells of the names at the left."""
FIRST_TO_GO = ("HF", "file", "OpenAI")
"""Lines that a low pane leaves out, so that the figures below them are seen."""
Fact = tuple[str, tuple[str, ...]]
"""The name of a line (none: it goes on with the one above), and what it says: the fullest form first."""


class DetailPane(Guarded, Static):
    """One fact a line, never broken; each in the fullest form that fits."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes, markup=False)
        self._facts: Sequence[Fact] = ()

    def show(self, title: str, facts: Sequence[Fact]) -> None:
        """Shows other facts."""
        self._facts = facts
        self.border_title = Text(title)
        self._fit()

    def on_resize(self) -> None:
        """Other forms have room, and other lines."""
        self._fit()

    def _fit(self) -> None:
        text = Text(no_wrap=True)
        for name, said in fitting(self._facts, self.content_size.width, self.content_size.height):
            text.append(f"{name:<{NAMES}}", Style(dim=True))
            text.append(f"{said}\n")
        self.update(text, layout=False)


def fitting(facts: Sequence[Fact], width: int, height: int) -> list[tuple[str, str]]:
    """The facts that so many lines hold, each in its fullest form that so many cells hold.

    >>> facts = [("HF", ("h.0.ln_1.weight",)), ("values", ("min 0  max 1  mean 0.5", "0 to 1"))]
    >>> fitting(facts, 80, 2) == [("HF", "h.0.ln_1.weight"), ("values", "min 0  max 1  mean 0.5")]
    True
    >>> fitting(facts, 20, 1)
    [('values', '0 to 1')]
    """
    over = len(facts) - height
    left_out = [name for name in FIRST_TO_GO if any(fact[0] == name for fact in facts)][: max(0, over)]
    room = width - NAMES
    kept = [(name, forms) for name, forms in facts if name not in left_out]
    return [(name, next((form for form in forms if len(form) <= room), forms[-1])) for name, forms in kept]
