"""The rows of the new-run form: a field's name, its value, what it means, and why the value can't be taken."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from screens.training.fields import FormField


class Field(Input):
    """An input whose editing keys act in the order of typing.

    The toolkit lets such a key climb to the app first, while letters are taken at once: of ``ctrl+k`` and a word typed
    quickly, the word went too.
    """

    async def _on_key(self, event: events.Key) -> None:
        bound = self._bindings.key_to_bindings.get(event.key)
        if bound and not event.is_printable:
            event.stop()
            event.prevent_default()
            await self.run_action(bound[0].action)
        else:
            await super()._on_key(event)


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
            yield Field(self._value, id=f"field-{self.field.name}", compact=True, suggester=suggest)
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

    def __init__(self, placeholder: str) -> None:
        super().__init__(classes="field")
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        """Name, value, meaning."""
        with Horizontal():
            yield Static("name", classes="name")
            yield Field("", id="field-name", compact=True, placeholder=self._placeholder)
            yield Static("The name of the run's folder.", classes="meaning")
