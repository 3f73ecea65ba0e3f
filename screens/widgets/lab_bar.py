"""The first row of every screen: all screens, and the chip that names the model on the workbench."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from screens.widgets.guarded import Guarded

WITH_TITLE, WITH_NAMES = 112, 100
"""Columns from which the app's name, and the names of the other screens, are shown."""


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the bar that can be clicked: a screen's number, or 0 for the chip."""

    start: int
    end: int
    screen: int


def bar_text(
    titles: Sequence[str], current: int, chip: str, width: int, reverse: Style | None = None
) -> tuple[Text, list[Place]]:
    """The bar and what can be clicked in it.

    Args:
        titles: what the screens are called, in the order of their numbers.
        current: the number of the screen that is shown, from 1.
        chip: what is said of the model.
        width: cells of the bar.
        reverse: how the current screen is marked.
    """
    text = Text(no_wrap=True, end="")
    places: list[Place] = []
    text.append(" ")
    if width >= WITH_TITLE:
        text.append("LLM Lab ", Style(bold=True))
    for number, name in enumerate(titles, 1):
        label = f" {number} {name} " if width >= WITH_NAMES or number == current else f" {number} "
        start = text.cell_len
        text.append(label, (reverse or Style(reverse=True)) if number == current else Style())
        places.append(Place(start, text.cell_len, number))
    room = width - text.cell_len - 2
    shown = Text(chip, no_wrap=True, end="")
    shown.truncate(max(0, room), overflow="ellipsis")
    if shown.cell_len:
        text.append(" " * (width - text.cell_len - shown.cell_len - 1))
        start = text.cell_len
        text.append_text(shown)
        places.append(Place(start, text.cell_len, 0))
    text.truncate(width, pad=True)
    return text, places


class LabBar(Guarded, Widget):
    """The screens, each behind its digit, and the model chip."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LabBar { height: 1; width: 1fr; color: $text; background: $panel; }
    """

    class Go(Message):
        """A screen was clicked."""

        def __init__(self, screen: int) -> None:
            super().__init__()
            self.screen = screen

    class OpenPicker(Message):
        """The chip was clicked."""

    def __init__(self, titles: Sequence[str], current: int, chip: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._titles = titles
        self._current = current
        self._chip = chip

    @property
    def chip(self) -> str:
        """What is said of the model."""
        return self._chip

    @chip.setter
    def chip(self, chip: str) -> None:
        if chip != self._chip:
            self._chip = chip
            self.refresh()

    def render(self) -> Text:
        """The row."""
        return bar_text(self._titles, self._current, self._chip, self.size.width, Style(reverse=True, bold=True))[0]

    def on_click(self, event: events.Click) -> None:
        """Goes to what was clicked."""
        for place in bar_text(self._titles, self._current, self._chip, self.size.width)[1]:
            if place.start <= event.x < place.end:
                self.post_message(self.Go(place.screen) if place.screen else self.OpenPicker())
