"""A question with two answers; yes is never the key that was just pressed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Static

from screens.widgets.dialog import Dialog


class Confirm(Dialog[bool]):
    """True if the person said yes, None or False otherwise; the focus begins on the harmless answer."""

    KEYS = "enter the marked answer · tab the other · esc no"
    DEFAULT_CSS = """
    Confirm #answers { height: 3; align: right middle; }
    Confirm Button { margin-left: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,right,h,l", "app.focus_next", show=False, id="confirm.other", tooltip="the other answer"),
    ]

    def __init__(self, question: str, detail: str = "", *, yes: str = "Yes", no: str = "No") -> None:
        super().__init__()
        self._question, self._detail, self._yes, self._no = question, detail, yes, no
        self.HEADING = question

    def compose_box(self) -> ComposeResult:
        """Detail and two buttons."""
        if self._detail:
            yield Static(self._detail, markup=False)
        with Horizontal(id="answers"):
            yield Button(self._no, id="no")
            yield Button(self._yes, id="yes", variant="warning")

    def on_mount(self) -> None:
        """The harmless answer first."""
        self.query_one("#no", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The answer."""
        event.stop()
        self.dismiss(event.button.id == "yes")
