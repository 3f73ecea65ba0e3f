"""Keys that come before the first screen stands: they wait for it, and then act in their order.

The frame is painted at once and the screen is imported behind it; a person who knows what to type need not wait.
"""

from __future__ import annotations

from textual import events
from textual.app import App

BETWEEN = 0.05
"""Seconds between two of them."""


class EarlyKeys(App[int]):
    """The part of the app that holds keys back while it starts."""

    _early: list[events.Event] | None = None
    """What came, the oldest first; None: keys act at once."""

    def hold_keys(self) -> None:
        """From now on keys wait."""
        self._early = []

    async def let_keys_act(self) -> None:
        """They act, one after the other, no faster than a quick hand types."""
        if not self._early:
            self._early = None
            return
        await super().on_event(self._early.pop(0))
        self.set_timer(BETWEEN, self.let_keys_act, name="early keys")

    async def on_event(self, event: events.Event) -> None:
        """Holds keys and what is pasted back, if it is too early for them."""
        if self._early is not None and isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            self._early.append(event)
        else:
            await super().on_event(event)
