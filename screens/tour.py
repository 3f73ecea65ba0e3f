"""The tour's card, under the body so that it covers nothing; and the line that offers the tour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from screens.widgets.guarded import Guarded

MARK = "-toured"
"""The class of what the tour points at; the style sheet gives it a border that nothing else has."""
MOST_ROWS = 6


@dataclass(frozen=True, slots=True)
class TourText:
    """What the card says."""

    where: str
    """Place and title: ``tour 3 of 11 · Sums of words``."""
    text: str
    ask: str
    """What to press, or what it did."""
    done: bool = False
    first: str = ""
    """What takes the tour's keys, and how it is left: while it is there, they are not offered."""


class Wanted(Message):
    """A part of the card was clicked."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action


class Way(Guarded, Static):
    """One of the card's ways on: a key, and with the mouse a button."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Way { width: auto; height: 1; }
    Way:hover { text-style: reverse; }
    """

    def __init__(self, label: str, action: str) -> None:
        super().__init__(label, markup=False)
        self.action = action

    def on_click(self, event: events.Click) -> None:
        """Does it."""
        event.stop()
        self.post_message(Wanted(self.action))


class TourCard(Guarded, Vertical):
    """One step of the tour."""

    DEFAULT_CSS = """
    TourCard { height: auto; max-height: 7; width: 1fr; background: $surface; }
    TourCard > #tour-head { layout: horizontal; height: 1; width: 1fr; background: $accent; color: $background; }
    TourCard #tour-where { width: 1fr; height: 1; padding: 0 1; text-style: bold; }
    TourCard #tour-where, TourOffer { text-wrap: nowrap; text-overflow: ellipsis; }
    TourCard Way { padding: 0 1 0 0; }
    TourCard #tour-first { width: auto; height: 1; padding: 0 1; }
    TourCard > #tour-text { height: auto; padding: 0 1; }
    TourCard > #tour-ask { height: auto; padding: 0 1; text-style: bold; color: $text-accent; }
    """

    def __init__(self, text: TourText) -> None:
        super().__init__()
        self._text = text

    @property
    def shown(self) -> TourText:
        """What it says."""
        return self._text

    def compose(self) -> ComposeResult:
        """A line with the place and the ways on, the text, what to press."""
        with Vertical(id="tour-head"):
            yield Static(id="tour-where", markup=False)
            yield Way("space next ·", "app.tour_next")
            yield Way("backspace back ·", "app.tour_back")
            yield Way("esc leaves", "app.tour_leave")
            yield Static(id="tour-first", markup=False)
        yield Static(id="tour-text", markup=False)
        yield Static(id="tour-ask", markup=False)

    def on_mount(self) -> None:
        """Fills it."""
        self._fill()

    def show(self, text: TourText) -> None:
        """Other words; the same words repaint nothing."""
        if text != self._text:
            self._text = text
            self._fill()

    def _fill(self) -> None:
        told = self._text
        self.query_one("#tour-where", Static).update(Content(told.where))
        self.query_one("#tour-text", Static).update(Content(told.text))
        for way in self.query(Way):
            way.display = not told.first
        first = self.query_one("#tour-first", Static)
        first.display = bool(told.first)
        first.update(Content(told.first))
        sign = "✓ " if told.done else "▸ "
        self.query_one("#tour-ask", Static).update(Content(sign + told.ask))


class TourOffer(Guarded, Static):
    """One line, once: the tour can be had, and any key of work takes the line away."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    TourOffer { height: 1; width: 1fr; padding: 0 1; background: $accent; color: $background; text-wrap: nowrap;
                text-overflow: ellipsis; }
    """

    def __init__(self, words: str, took: Callable[[], object]) -> None:
        super().__init__(words, markup=False)
        self._took = took

    def on_click(self) -> None:
        """Begins it."""
        self._took()
