"""No key waits for what can wait: garbage is looked for between keys, and a thread that computes often gives way."""

from __future__ import annotations

import sys

from textual import events
from textual.app import App

from lab import garbage

TURN = 0.0005
"""Seconds that a thread may keep the interpreter to itself, a tenth of Python's own: so long a key and its picture,
which a thread of the toolkit writes, may each wait for one that traces a model."""


class Resting(App[int]):
    """The part of the app that knows when nobody waits for it."""

    def rest_now_and_then(self) -> None:
        """What there is now stays; what comes is looked through from now on."""
        sys.setswitchinterval(TURN)
        garbage.settle()
        self.set_interval(garbage.LOOK, garbage.rest, name="garbage")

    async def on_event(self, event: events.Event) -> None:
        """Notes keys and the mouse."""
        if isinstance(event, events.InputEvent):
            garbage.touched()
        await super().on_event(event)
