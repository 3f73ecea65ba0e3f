"""What all six screens are made of: the bar, a body of their own, the status line, the keys; and what they answer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from core.errors import LabError
from core.workbench import Workbench
from screens.guard import as_lab_error, guarded, log_exception
from screens.widgets.error_card import Door, ErrorCard, Problem
from screens.widgets.jobs import JobStore
from screens.widgets.lab_bar import LabBar
from screens.widgets.lab_footer import LabFooter
from screens.widgets.lesson import LessonView
from screens.widgets.status_line import StatusLine
from screens.widgets.take_away import TakeAwayRequest

__all__ = ["Command", "Door", "LabScreen", "LessonView", "Problem", "TakeAwayRequest", "guarded", "size_classes"]

WIDE, NORMAL, NARROW, TINY = 150, 100, 80, 60
"""Columns from which a size class begins."""
TALL, SHORT, TINY_ROWS = 30, 24, 16
"""Rows from which one begins."""

Command = tuple[str, str, Callable[[], object]]
"""What a screen adds to the palette: title, help, what it does."""


def size_classes(width: int, height: int) -> tuple[str, ...]:
    """The size classes of a body of so many cells, widest first.

    >>> size_classes(120, 36), size_classes(80, 24), size_classes(70, 20), size_classes(50, 12)
    (('-normal',), ('-narrow', '-short'), ('-tiny',), ('-too-small',))
    """
    if width < TINY or height < TINY_ROWS:
        return ("-too-small",)
    if width < NARROW or height < SHORT:
        return ("-tiny",)
    across = "-wide" if width >= WIDE else "-normal" if width >= NORMAL else "-narrow"
    return (across,) if height >= TALL else (across, "-short")


ALL_SIZES = ("-wide", "-normal", "-narrow", "-short", "-tiny", "-too-small")


class LabScreen(Screen[None]):
    """One of the six. A subclass gives ``LAB_NAME``, ``LAB_INDEX``, ``compose_body`` and what else it has."""

    LAB_NAME: ClassVar[str] = ""
    LAB_INDEX: ClassVar[int] = 0
    ALLOW_IN_MAXIMIZED_VIEW = "LabBar, #bottom"
    ESCAPE_TO_MINIMIZE = False
    AUTO_FOCUS = ""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "lesson", "Lesson", id="lab.lesson", tooltip="what this screen shows, in words"),
        Binding(
            "y", "take_away", "Take away", id="lab.take-away", tooltip="this view as Python, command, data, picture"
        ),
        Binding(
            "Y", "copy_python", "Copy Python", show=False, id="lab.copy-python", tooltip="copy this view as Python"
        ),
        Binding("z", "zoom", "Zoom", show=False, id="lab.zoom", tooltip="the focused pane alone"),
        Binding("escape", "back_out", "Back", show=False, id="lab.escape", tooltip="one thing back"),
    ]

    class SizeChanged(Message):
        """The screen's size class is another one now."""

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(name=name or self.LAB_NAME or None)
        self.workbench = workbench
        self.lab_index = self.LAB_INDEX
        self.lab_size: tuple[str, ...] = ("-normal",)
        """The size classes that hold now, as CSS classes without meaning for tests: see ``size_classes``."""

    def compose(self) -> ComposeResult:
        """Bar, body, bottom."""
        yield LabBar(self.lab_index, getattr(self.app, "chip", ""))
        with Horizontal(id="middle"), Vertical(id="body"):
            yield from self.compose_body()
        with Vertical(id="bottom"):
            yield StatusLine(id="status")
            yield LabFooter()

    # What a screen may override

    def compose_body(self) -> ComposeResult:
        """The panes."""
        yield from ()

    def take_away(self) -> TakeAwayRequest | None:
        """What the focused view can leave as; None: nothing yet."""
        return None

    def lesson(self) -> LessonView | None:
        """The lesson for what is shown, with its live values."""
        return None

    def commands(self) -> Iterable[Command]:
        """What the palette offers here besides what it offers everywhere."""
        return ()

    def pause_updates(self) -> None:
        """The screen is hidden: stop timers and tails."""

    def resume_updates(self) -> None:
        """The screen is shown again: catch up."""

    def release(self) -> bool:
        """One thing to let go of on ``esc`` (stop streaming, unpin); whether there was one."""
        return False

    # What a screen may call

    @property
    def jobs(self) -> JobStore:
        """Where work in the background is registered."""
        found = getattr(self.app, "jobs", None)
        assert isinstance(found, JobStore), "a LabScreen lives in a LabApp"
        return found

    def say(self, text: str) -> None:
        """The sentence of the status line."""
        for line in self.query(StatusLine):
            line.say(text)

    def count(self, text: str) -> None:
        """The counters of the status line."""
        for line in self.query(StatusLine):
            line.count(text)

    def problem(
        self, where: Widget | str, error: LabError, doors: Sequence[Door | tuple[str, str, str]] = ()
    ) -> ErrorCard:
        """Shows an error in the pane that could not draw; one that is there already is replaced.

        Args:
            where: the container, or a selector of it.
            error: the two lines.
            doors: (key, label, action of this screen).
        """
        pane = self.query_one(where) if isinstance(where, str) else where
        ways = [door if isinstance(door, Door) else Door(*door) for door in doors]
        problem = Problem.of(error, ways)
        for card in pane.query_children(ErrorCard):
            card.replace(problem)
            return card
        card = ErrorCard(problem)
        pane.mount(card, before=0 if pane.children else None)
        return card

    def solved(self, where: Widget | str | None = None) -> None:
        """Takes the error cards away, all or those of one pane."""
        pane = self.query_one(where) if isinstance(where, str) else (where or self)
        pane.query(ErrorCard).remove()

    # What happens to a screen

    def on_screen_suspend(self) -> None:
        """Hidden."""
        self.pause_updates()

    def on_screen_resume(self) -> None:
        """Shown."""
        self.resume_updates()

    def on_resize(self, event: events.Resize) -> None:
        """Finds the size class."""
        self._measure(event.size.width, event.size.height)

    def _measure(self, width: int, height: int) -> None:
        found = size_classes(width, height)
        if found == self.lab_size and self.has_class(found[0]):
            return
        self.lab_size = found
        for name in ALL_SIZES:
            self.set_class(name in found, name)
        self.post_message(self.SizeChanged())

    @on(ErrorCard.Opened)
    async def _door(self, event: ErrorCard.Opened) -> None:
        event.stop()
        await self.run_action(event.door.action)

    @on(Worker.StateChanged)
    def _worker_ended(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR and isinstance(event.worker.error, Exception):
            self.show_exception(event.worker.error)

    def show_exception(self, error: Exception) -> None:
        """Logs what nobody caught and shows it as a card at the top of the body."""
        log_exception(error)
        self.problem("#body", as_lab_error(error), [("i", "put this away", "solved")])

    async def _dispatch_message(self, message: Message) -> None:
        # The guard of SCREENS.md 2.7: a handler that fails shows a card, the app lives on.
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if not self.is_attached or isinstance(message, events.Compose):
                raise
            self.show_exception(error)

    # Actions

    def action_solved(self) -> None:
        """Puts the cards away."""
        self.solved()

    def action_lesson(self) -> None:
        """Opens or closes the lesson."""

    def action_take_away(self) -> None:
        """Opens the dialog that takes this view away."""

    def action_copy_python(self) -> None:
        """Copies the view as Python."""

    def action_zoom(self) -> None:
        """Shows the focused pane alone, or all again."""

    def action_back_out(self) -> None:
        """One step back."""
        self.release()
