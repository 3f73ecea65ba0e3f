"""The frame of all dialogs: a box in the middle, a title, a line of keys, ``esc`` closes it."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from screens.sizes import is_too_small, too_small
from screens.widgets.hints import press_hint, widget_under

Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """A subclass gives ``HEADING``, ``KEYS`` and ``compose_box``; its result comes to whoever pushed it."""

    HEADING = ""
    KEYS = "esc close"
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > #box {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: round $primary; border-title-color: $text; background: $surface; padding: 0 1;
    }
    Dialog > #too-small { display: none; width: 1fr; height: 1fr; background: $background; }
    Dialog.-too-small > #box { display: none; }
    Dialog.-too-small > #too-small { display: block; }
    Dialog #keys { color: $text-muted; height: auto; }
    Dialog Input, Dialog Input:focus { border: none; height: 1; padding: 0; background: $boost; }
    Dialog Input:ansi { text-style: underline; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="dialog.close", tooltip="close without doing anything")
    ]

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(id="box") as box:
            box.border_title = self.HEADING
            yield from self.compose_box()
            if self.KEYS:
                yield Static(self.KEYS, id="keys", markup=False)
        yield Static(id="too-small", markup=False)

    def compose_box(self) -> ComposeResult:
        """What is in it."""
        yield from ()

    @on(events.Resize)
    def _measured(self, event: events.Resize) -> None:
        width, height = event.size
        self.set_class(is_too_small(width, height), "-too-small")
        self.query_one("#too-small", Static).update(f"{too_small(width, height)}\nesc closes this dialog")

    @on(events.Click)
    async def _clicked(self, event: events.Click) -> None:
        if widget_under(self, event) is self:  # beside the box
            self.action_close()
        else:
            await press_hint(self, event)

    async def _dispatch_message(self, message: Message) -> None:
        # The guard of the six screens holds for dialogs too: the app says what went wrong and lives on.
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if isinstance(message, (events.Compose, events.Mount, events.Unmount)):
                raise
            self._tell_app(error)

    @on(Worker.StateChanged)
    def _worker_ended(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and isinstance(event.worker.error, Exception):
            self._tell_app(event.worker.error)

    def _tell_app(self, error: Exception) -> None:
        show = getattr(self.app, "show_exception", None)
        if show is None:
            raise error
        show(error)

    def action_close(self) -> None:
        """Closes it without a result."""
        self.dismiss(None)
