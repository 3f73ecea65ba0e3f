"""The rows of the new-run form: a field's name, its value, what it means, and why the value can't be taken."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from screens.training_fields import FormField


class FieldRow(Vertical):
    """One field: name, value, meaning, and under them the reason why the value can't be taken."""

    def __init__(self, field: FormField, value: str) -> None:
        super().__init__(id=f"row-{field.name}", classes="field")
        self.field = field
        self._value = value

    def compose(self) -> ComposeResult:
        """One line, and a second one that shows only a reason."""
        with Horizontal():
            yield Static(self.field.name, classes="name", markup=False)
            suggest = SuggestFromList(self.field.choices) if self.field.choices else None
            yield Input(self._value, id=f"field-{self.field.name}", compact=True, suggester=suggest)
            yield Static(self.field.meaning, classes="meaning", markup=False)
        yield Static("", classes="reason", markup=False)

    def say(self, reason: str | None) -> None:
        """Shows or takes away the reason."""
        line = self.query_one(".reason", Static)
        if line.display != bool(reason) or reason:
            line.update(reason or "")
            line.display = bool(reason)


class NameRow(Vertical):
    """The run's name, the one field that is no part of the configuration."""

    def __init__(self) -> None:
        super().__init__(classes="field")

    def compose(self) -> ComposeResult:
        """Name, value, meaning."""
        with Horizontal():
            yield Static("name", classes="name")
            yield Input("", id="field-name", compact=True, placeholder="the preset's name")
            yield Static("The name of the run's folder.", classes="meaning")
