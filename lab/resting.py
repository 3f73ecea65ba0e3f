"""Between the keys the app looks for garbage, which would otherwise fall between a key and its picture."""

from __future__ import annotations

from textual import events
from textual.app import App

from lab import garbage


class Resting(App[int]):
    """The part of the app that knows when nobody waits for it."""

    def rest_now_and_then(self) -> None:
        """What there is now stays; what comes is looked through from now on."""
        garbage.settle()
        self.set_interval(garbage.MOMENT, garbage.rest, name="garbage")

    async def on_event(self, event: events.Event) -> None:
        """Notes keys and the mouse."""
        if isinstance(event, events.InputEvent):
            garbage.touched()
        await super().on_event(event)
