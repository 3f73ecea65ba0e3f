"""Small questions that need a typed answer: which directory, how many steps, the name of what is to be deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

Check = Callable[[str], str | None]
"""Looks at what is typed: the reason why it can't be taken, or None."""


class AskText(ModalScreen[str | None]):
    """One line of text with a reason under it while it can't be taken; ``esc`` gives None."""

    DEFAULT_CSS = """
    AskText { align: center middle; }
    AskText > Vertical {
        width: 70; max-width: 100%; height: auto; border: round $primary; background: $surface; padding: 0 1;
    }
    AskText Input { background: $boost; }
    AskText #reason { color: $warning; }
    AskText #keys { color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", id="ask.cancel", tooltip="close without doing anything")
    ]

    def __init__(self, title: str, sentence: str, check: Check, *, value: str = "", verb: str = "take it") -> None:
        super().__init__()
        self._heading = title
        self._sentence = sentence
        self._check = check
        self._value = value
        self._verb = verb

    def compose(self) -> ComposeResult:
        """Sentence, field, reason, keys."""
        with Vertical() as box:
            box.border_title = self._heading
            yield Static(self._sentence, id="sentence", markup=False)
            yield Input(self._value, id="answer", compact=True)
            yield Static("", id="reason", markup=False)
            yield Static(f"enter {self._verb} · esc cancel", id="keys", markup=False)

    def on_mount(self) -> None:
        """The field is ready to type."""
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        reason = self._check(event.value) if event.value.strip() else None
        self.query_one("#reason", Static).update(reason or "")

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        reason = self._check(event.value)
        if reason is None:
            self.dismiss(event.value.strip())
        else:
            self.query_one("#reason", Static).update(reason)


def exactly(name: str) -> Check:
    """Takes nothing but this very name."""
    return lambda text: None if text.strip() == name else f"type {name} to go on"


def more_than(step: int) -> Check:
    """Takes a whole number above ``step``."""

    def check(text: str) -> str | None:
        digits = text.strip().replace("_", "").replace(" ", "")
        if not digits.isdigit():
            return "a whole number of steps"
        return None if int(digits) > step else f"it has {step:,} steps already: more than that"

    return check


def folder_or_run(text: str) -> str | None:
    """Takes a directory that is a run or may hold some."""
    path = Path(text.strip()).expanduser()
    if not text.strip():
        return "a directory"
    return None if path.is_dir() else f"{path} is not a directory"
