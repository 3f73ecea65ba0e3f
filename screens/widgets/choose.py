"""A short list to choose from, filtered as one types: the go-to list, the checkpoints of a run, the tokenizers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from screens.widgets.dialog import Dialog


@dataclass(frozen=True, slots=True)
class Choice:
    """One line; ``key`` chooses it at once."""

    value: str
    label: str
    key: str = ""


class Choose(Dialog[str]):
    """The value of what was chosen, or None."""

    KEYS = "enter choose · esc close"
    DEFAULT_CSS = """
    Choose > #box { width: 56; }
    Choose OptionList, Choose OptionList:focus {
        border: none; height: auto; max-height: 20; padding: 0; background: $surface;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor(1)", show=False, id="choose.down", tooltip="one down"),
        Binding("k", "cursor(-1)", show=False, id="choose.up", tooltip="one up"),
    ]

    def __init__(self, heading: str, choices: Sequence[Choice], *, current: str = "") -> None:
        super().__init__()
        self.HEADING = heading
        self._choices = list(choices)
        self._current = current

    def compose_box(self) -> ComposeResult:
        """The list."""
        yield OptionList(*(Option(c.label, id=str(i)) for i, c in enumerate(self._choices)), markup=False)

    def on_mount(self) -> None:
        """The cursor on what holds now."""
        options = self.query_one(OptionList)
        options.focus()
        options.highlighted = next((i for i, c in enumerate(self._choices) if c.value == self._current), 0)

    def on_key(self, event: object) -> None:
        """A line's own key."""
        character = getattr(event, "character", None)
        for choice in self._choices:
            if choice.key and choice.key == character:
                self.dismiss(choice.value)
                return

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._choices[event.option_index].value)

    def action_cursor(self, by: int) -> None:
        """Down, or up if negative."""
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()
