"""Small questions that need a typed answer: which directory, how many steps, the name of what is to be deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input, Static

from core.errors import LabError
from screens.widgets.dialog import Dialog

Check = Callable[[str], str | None]
"""Looks at what is typed: the reason why it can't be taken, or None."""


class AskText(Dialog[str]):
    """One line of text with a reason under it while it can't be taken; ``esc`` gives None."""

    DEFAULT_CSS = """
    AskText #reason { color: $text-warning; height: auto; }
    """

    def __init__(self, title: str, sentence: str, check: Check, *, value: str = "", verb: str = "take it") -> None:
        super().__init__()
        self.HEADING = title
        self.KEYS = f"enter {verb} · esc cancel"
        self._sentence = sentence
        self._check = check
        self._value = value

    def compose_box(self) -> ComposeResult:
        """Sentence, field, reason."""
        yield Static(self._sentence, id="sentence", markup=False)
        yield Input(self._value, id="answer")
        yield Static("", id="reason", markup=False)

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
    """Takes a directory that is a run or may hold some, and a file of another program that is one."""
    from core.training.foreign.recognise import find_source

    path = Path(text.strip()).expanduser()
    if not text.strip():
        return "a directory"
    try:
        if path.is_dir() or find_source(path) is not None:
            return None
    except (LabError, OSError, ValueError) as error:
        return str(error).partition("\n")[0]
    return f"{text.strip()} is not a directory, nor a file of numbers that is known here"
