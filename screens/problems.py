"""What could not be done, as a card in the pane that could not draw: what all screens answer to a failure with.

The guard of SCREENS.md 2.7 stands here too: a handler or a worker that fails shows a card, and the app lives on.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from core.errors import LabError
from screens.guard import as_lab_error, log_exception
from screens.pulling import download_door
from screens.taught import TaughtScreen
from screens.widgets.error_card import Door, ErrorCard, Problem


class ProblemScreen(TaughtScreen):
    """The part of every screen that is about its error cards; abstract."""

    _cards_shown = 0
    _cards_before = 0
    """How many were shown when the message came that is being answered."""
    _before_card: Widget | None = None
    """What had the focus before a card."""

    def problem(
        self, where: Widget | str, error: LabError, doors: Sequence[Door | tuple[str, str, str]] = (), log: str = ""
    ) -> ErrorCard:
        """Shows an error in the pane that could not draw; one that is there already is replaced.

        Args:
            where: the container, or a selector of it.
            error: the two lines.
            doors: (key, label, action of this screen); for a model that can be fetched, ``d`` is added.
            log: where more is written.
        """
        pane = self.query_one(where) if isinstance(where, str) else where
        ways = [door if isinstance(door, Door) else Door(*door) for door in doors]
        if (fetch := download_door(error)) is not None and not any(way.key == fetch.key for way in ways):
            ways.insert(0, fetch)
        problem = Problem.of(error, ways, log=log)
        self._cards_shown += 1
        for card in pane.query_children(ErrorCard):
            card.replace(problem)
            return card
        if not isinstance(self.focused, ErrorCard):
            self._before_card = self.focused
        card = ErrorCard(problem)
        pane.mount(card, before=0 if pane.children else None)
        return card

    def solved(self, where: Widget | str | None = None) -> None:
        """Takes the error cards away, all or those of one pane; the focus returns to where it was before them."""
        pane = self.query_one(where) if isinstance(where, str) else (where or self)
        cards = list(pane.query(ErrorCard))
        before = self._before_card
        if self.focused in cards and before is not None and before.is_attached and before.display:
            self.set_focus(before)
        for card in cards:
            card.remove()

    def show_exception(self, error: Exception) -> None:
        """Logs what nobody caught and shows it as a card at the top of the body."""
        log_exception(error)
        self.problem("#body", as_lab_error(error), [("escape", "put this away", "solved")]).focus()

    @on(ErrorCard.Opened)
    async def _door(self, event: ErrorCard.Opened) -> None:
        event.stop()
        await self.run_action(event.door.action)

    @on(Worker.StateChanged)
    def _worker_ended(self, event: Worker.StateChanged) -> None:
        told = self._cards_shown != self._cards_before  # the subclass's own handler comes first
        if event.state is WorkerState.ERROR and isinstance(event.worker.error, Exception) and not told:
            self.show_exception(event.worker.error)

    async def _dispatch_message(self, message: Message) -> None:
        # The guard of SCREENS.md 2.7: a handler that fails shows a card, the app lives on.
        self._cards_before = self._cards_shown
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if isinstance(message, (events.Compose, events.Unmount)) or not self.query("#body"):
                raise
            self.show_exception(error)

    def action_solved(self) -> None:
        """Puts the cards away."""
        self.solved()
