"""The guard of the whole app: what fails is shown and survived; what cannot be survived ends in two lines."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.dom import DOMNode
from textual.message import Message
from textual.worker import Worker, WorkerState

from core.errors import LabError
from screens.guard import as_lab_error, log_exception, log_path

if TYPE_CHECKING:
    from screens.base import LabScreen

AT_WORK = ("running", "paused", "starting", "stopping")


class Survivor(App[int]):
    """The part of the app that is about exceptions nobody expected."""

    runs_dir: Path
    survived: list[Exception]
    """Exceptions that were turned into cards; tests look here."""
    _last_words = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.survived = []

    @property
    @abstractmethod
    def lab_screen(self) -> LabScreen | None:
        """The lab's screen that is shown."""

    def show_exception(self, error: Exception) -> None:
        """What the guard does with an exception: a card, or a message if a dialog is in the way."""
        self.survived.append(error)
        screen = self.lab_screen
        if screen is not None and screen is self.screen and screen.query("#body"):
            screen.show_exception(error)
            return
        log_exception(error)
        told = as_lab_error(error)
        self.notify(f"{told.title}\n{told.hint}", severity="error", timeout=15, markup=False)

    def pop_screen(self) -> AwaitComplete:
        """Takes the dialog away; a dialog that is dismissed twice (two clicks beside it) has gone already."""
        if len(self.screen_stack) <= 1:
            done: AwaitComplete = AwaitComplete.nothing()  # type: ignore[no-untyped-call]
            return done
        return super().pop_screen()

    async def _dispatch_action(self, namespace: DOMNode, action_name: str, params: Any) -> bool:
        # Part of the guard of SCREENS.md 2.7: an action that fails shows a card, the app lives on.
        try:
            return await super()._dispatch_action(namespace, action_name, params)
        except Exception as error:
            self.show_exception(error)
            return True

    async def _dispatch_message(self, message: Message) -> None:
        # The same for the app's own handlers; what starts and ends it is not survived.
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if isinstance(message, (events.Compose, events.Load, events.Mount, events.Unmount)):
                raise
            self.show_exception(error)

    @on(Worker.StateChanged)
    def _worker_ended(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and isinstance(event.worker.error, Exception):
            self.show_exception(event.worker.error)

    def _fatal_error(self) -> None:
        # Textual prints a long traceback here; a person gets two lines, the log gets the traceback.
        if not self._last_words:
            error = self._exception
            if error is not None:
                log_exception(error)
            known = error if isinstance(error, LabError) else None
            what = known.title if known else f"the lab had to stop ({type(error).__name__})"
            hint = known.hint if known and known.hint else f"the story is in {log_path()}"
            self._last_words = f"{what}\n{hint} · {what_goes_on(self.runs_dir)}"
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        # One story, unwrapped, however many handlers failed on the way down.
        self._exit_renderables.clear()
        if self._last_words:
            self.error_console.print(self._last_words, markup=False, highlight=False, soft_wrap=True)


def what_goes_on(folder: Path) -> str:
    """How many training runs of a folder keep going without the app, in words."""
    from core.training.runs import list_runs

    try:
        live = sum(run.state in AT_WORK for run in list_runs(folder))
    except (LabError, OSError):
        return "training runs keep going"
    return {0: "no training run was going", 1: "1 training run keeps going"}.get(
        live, f"{live} training runs keep going"
    )
