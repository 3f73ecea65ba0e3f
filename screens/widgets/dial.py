"""A number on a slide: arrows move it, a click sets it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from screens.widgets.guarded import Guarded


class Dial(Guarded, Widget, can_focus=True):
    """One of some values, in their order."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Dial { height: 1; width: 1fr; }
    Dial:focus { text-style: reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h,minus", "move(-1)", show=False, id="dial.less", tooltip="less"),
        Binding("right,l,plus", "move(1)", show=False, id="dial.more", tooltip="more"),
        Binding("home", "move(-1000)", show=False, id="dial.least", tooltip="the least"),
        Binding("end", "move(1000)", show=False, id="dial.most", tooltip="the most"),
    ]

    class Turned(Message):
        """Another value."""

        def __init__(self, dial: Dial, value: int) -> None:
            super().__init__()
            self.dial = dial
            self.value = value

        @property
        def control(self) -> Dial:
            """The dial."""
            return self.dial

    def __init__(self, label: str, values: Sequence[int], value: int, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._label = label
        self._values = list(values)
        self._value = value

    @property
    def value(self) -> int:
        """What it stands at."""
        return self._value

    def put(self, value: int) -> None:
        """Sets it, also to a value between its own."""
        if value != self._value:
            self._value = value
            self.refresh()
            self.post_message(self.Turned(self, value))

    def _place(self) -> int:
        return min(range(len(self._values)), key=lambda i: abs(self._values[i] - self._value))

    def action_move(self, by: int) -> None:
        """Some values on, or back if negative."""
        near = self._values[self._place()]
        at = self._place() + by
        if near != self._value:  # between two: the next one in that direction
            at = self._place() + (by if (near < self._value) == (by > 0) else by - (1 if by > 0 else -1))
        self.put(self._values[max(0, min(at, len(self._values) - 1))])

    @property
    def _track(self) -> tuple[int, int]:
        """Where the slide begins, and its cells."""
        start = len(self._label) + 8
        return start, max(4, self.size.width - start - 2)

    def on_click(self, event: events.Click) -> None:
        """Sets the value that stands there."""
        start, room = self._track
        if event.x >= start:
            share = min(1.0, (event.x - start) / max(1, room - 1))
            self.put(self._values[round(share * (len(self._values) - 1))])

    def render(self) -> Text:
        """Label, value, slide."""
        _, room = self._track
        at = round(self._place() / max(1, len(self._values) - 1) * (room - 1))
        text = Text(f"{self._label} ", no_wrap=True, end="")
        text.append(f"{self._value:>6,} ", "bold")
        text.append("─" * at, "dim")
        text.append("●")
        text.append("─" * (room - 1 - at), "dim")
        return text
