"""What went wrong, in the pane that could not draw: two lines, why, and keys that lead on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from core.errors import LabError
from screens.widgets.guarded import Guarded


@dataclass(frozen=True, slots=True)
class Door:
    """A way out: the key to press, what it says, and the screen's action that it runs (``new_run``, ``app.picker``)."""

    key: str
    label: str
    action: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What an ``ErrorCard`` shows."""

    what: str
    """One line: what is wrong, with what was expected and what came."""
    why: str = ""
    """What to do next."""
    doors: tuple[Door, ...] = ()
    log: str = ""
    """Where more is written."""
    heading: str = "this could not be shown"

    @classmethod
    def of(cls, error: LabError, doors: Sequence[Door] = (), *, heading: str = "", log: str = "") -> Problem:
        """The problem that an error of ours tells of."""
        return cls(error.title, error.hint, tuple(doors), log, heading or "this could not be done")


class ErrorCard(Guarded, Widget, can_focus=True):
    """A card in the warning colour; its keys work while it has focus, its doors can be clicked."""

    DEFAULT_CSS = """
    ErrorCard {
        width: 1fr; height: auto; padding: 0 1; border: round $warning; border-title-color: $text-warning;
    }
    ErrorCard:focus { border: heavy $warning; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "first", "Do the first", show=False, id="card.first", tooltip="the first way out"),
    ]

    class Opened(Message):
        """A door was chosen; whoever knows the action runs it."""

        def __init__(self, card: ErrorCard, door: Door) -> None:
            super().__init__()
            self.card = card
            self.door = door

    def __init__(self, problem: Problem, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.problem = problem
        self.border_title = problem.heading
        self._spans: list[tuple[int, int, Door]] = []

    def replace(self, problem: Problem) -> None:
        """Shows another problem in the same place."""
        self.problem = problem
        self.border_title = problem.heading
        self.refresh(layout=True)

    def render(self) -> Text:
        """What, why, doors, log."""
        problem = self.problem
        text = Text()
        text.append(problem.what, "bold")
        if problem.why:
            text.append("\n" + problem.why)
        if problem.doors:
            text.append("\n")
            for i, door in enumerate(problem.doors):
                text.append("   " if i else "")
                key = {"escape": "esc"}.get(door.key, door.key)
                label = Text(f"[{key}] {door.label}", no_wrap=True)
                label.stylize("reverse", 0, len(key) + 2)
                label.apply_meta({"@click": ("door", (i,))})
                text.append_text(label)
        if problem.log:
            text.append(f"\ndetails: {problem.log}", "dim")
        return text

    def on_key(self, event: events.Key) -> None:
        """A door's key, while the card has focus."""
        for door in self.problem.doors:
            if event.key == door.key or event.character == door.key:
                event.stop()
                event.prevent_default()
                self.post_message(self.Opened(self, door))
                return

    def action_door(self, index: int) -> None:
        """Opens a door that was clicked."""
        self.post_message(self.Opened(self, self.problem.doors[index]))

    def action_first(self) -> None:
        """Opens the first door."""
        if self.problem.doors:
            self.action_door(0)
