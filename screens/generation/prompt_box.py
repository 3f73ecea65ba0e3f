"""The field of the prompt; apart, since importing the toolkit's text area takes longer than painting the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from screens.widgets.text_box import TextBox


class PromptBox(TextBox):
    """Several lines; ``up`` on the first and ``down`` on the last go through earlier prompts."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j,shift+enter,alt+enter", "new_line", show=False, id="prompt.new-line", tooltip="a new line"),
        Binding("ctrl+up", "earlier(-1)", show=False, id="prompt.earlier", tooltip="the prompt before"),
        Binding("ctrl+down", "earlier(1)", show=False, id="prompt.later", tooltip="the prompt after"),
    ]

    def __init__(self, text: str, history: Sequence[str]) -> None:
        super().__init__(text)
        self._history = [p for p in history if p != text]
        self._draft = text
        self._in_history = len(self._history)

    async def _on_key(self, event: events.Key) -> None:
        row = self.selection.end[0]
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            pane = self.parent
            assert pane is not None and hasattr(pane, "send")
            await pane.send(self.whole)
        elif (event.key == "up" and row == 0) or (event.key == "down" and row == self.document.line_count - 1):
            event.stop()
            event.prevent_default()
            self.action_earlier(-1 if event.key == "up" else 1)

    def action_new_line(self) -> None:
        """A line break where the cursor is."""
        start, end = self.selection
        result = self.replace("\n", start, end)
        self.move_cursor(result.end_location)

    def action_earlier(self, by: int) -> None:
        """Another prompt of the history; beyond its end what was being typed."""
        if self._in_history == len(self._history):
            self._draft = self.whole
        place = max(0, min(len(self._history), self._in_history + by))
        if place == self._in_history:
            return
        self._in_history = place
        text = self._draft if place == len(self._history) else self._history[place]
        self.put(text, len(text))
