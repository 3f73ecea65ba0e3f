"""The frame of all dialogs: a box in the middle, a title, a line of keys, ``esc`` closes it."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """A subclass gives ``HEADING``, ``KEYS`` and ``compose_box``; its result comes to whoever pushed it."""

    HEADING = ""
    KEYS = "esc close"
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > #box {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: round $primary; border-title-color: $text; background: $surface; padding: 0 1;
    }
    Dialog #keys { color: $text-muted; height: auto; }
    Dialog Input, Dialog Input:focus { border: none; height: 1; padding: 0; background: $boost; }
    Dialog Input:ansi { text-style: underline; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="dialog.close", tooltip="close without doing anything")
    ]

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(id="box") as box:
            box.border_title = self.HEADING
            yield from self.compose_box()
            if self.KEYS:
                yield Static(self.KEYS, id="keys", markup=False)

    def compose_box(self) -> ComposeResult:
        """What is in it."""
        yield from ()

    def action_close(self) -> None:
        """Closes it without a result."""
        self.dismiss(None)
