"""Keys act one after the other: the next when all that may answer to the last one has heard it.

Textual forwards a key to what has the focus the moment it comes. A terminal on a slow line sends keys in bursts, and a
field that the first of them opens has no focus yet when the second comes: it would act as a key, not be written.
Keys that come before the first screen stands wait for that too, and the mouse waits for the keys before it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from textual import events
from textual.app import App
from textual.dom import DOMNode

PATIENCE = 0.5
"""Seconds that a key has at most before the next one acts; a widget that is taken away hears nothing any more."""


class KeysInTurn(App[int]):
    """The part of the app that holds keys back while another acts, and while it starts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held = False
        self._waiting: list[events.InputEvent | events.Paste] = []
        self._acting: asyncio.TimerHandle | None = None
        self._turn = 0

    def hold_keys(self) -> None:
        """From now on keys wait."""
        self._held = True

    def let_keys_act(self) -> None:
        """They act, the first to come first."""
        self.call_later(self._let_go)  # where all keys act, or two would at once

    async def _let_go(self) -> None:
        self._held = False
        await self._next(self._turn)

    async def on_event(self, event: events.Event) -> None:
        """Lets what a person does wait for its turn; Pilot waits after each key by itself."""
        if not isinstance(event, events.InputEvent | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._held or self._acting or self._waiting:
            self._waiting.append(event)
        elif self.is_headless or isinstance(event, events.MouseEvent):
            await super().on_event(event)
        else:
            await self._act(event)

    async def _next(self, turn: int) -> None:
        """Ends a turn, once, and begins the next."""
        if turn != self._turn:
            return
        if self._acting:
            self._acting.cancel()
        self._acting = None
        self._turn += 1
        while self._waiting and not self._acting:
            event = self._waiting.pop(0)
            await (super().on_event(event) if isinstance(event, events.MouseEvent) else self._act(event))

    async def _act(self, event: events.Event) -> None:
        turn = self._turn
        self._acting = asyncio.get_running_loop().call_later(PATIENCE, self.call_later, self._next, turn)
        first: DOMNode = self.focused or self.screen
        await super().on_event(event)
        self._heard(first, turn)

    def _heard(self, node: DOMNode | None, turn: int) -> None:
        """A key goes from the focus upwards to the app, through the queue of each; this goes after it."""
        if node is None:  # the app asked for the focus to move by its own queue: after that
            self.call_later(self.call_later, self._next, turn)
        elif not node.call_later(self._heard, node.parent, turn):
            self._heard(None, turn)
