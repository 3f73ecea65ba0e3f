"""Checkpoints on a line: the time machine of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from screens.widgets.guarded import Guarded
from screens.widgets.plot_data import position_label


def timeline_text(
    steps: Sequence[int], current: int, maximum: int, target: int | None, width: int, *, ascii_only: bool = False
) -> tuple[str, list[int]]:
    """The line and the column of each step's dot.

    Args:
        steps: steps with saved weights, rising.
        current: where the run is; what lies ahead is dashed.
        maximum: the run's last step.
        target: the step that the time machine is at, drawn in brackets.
        width: cells, labels included.
    """
    dot, there, done, ahead = ("*", "O", "-", ".") if ascii_only else ("●", "◉", "─", "╌")
    left, right = "0 ", f" {position_label(maximum, 'step')}"
    room = max(1, width - len(left) - len(right))
    span = max(1, maximum)

    def column(step: int) -> int:
        return min(room - 1, max(0, round(step / span * (room - 1))))

    cells = [done if c <= column(current) else ahead for c in range(room)]
    places = [column(s) for s in steps]
    for place in places:
        cells[place] = dot
    if target is not None:
        at = column(target)
        cells[at] = there
        if at > 0:
            cells[at - 1] = "<" if ascii_only else "⟨"
        if at < room - 1:
            cells[at + 1] = ">" if ascii_only else "⟩"
    return left + "".join(cells) + right, [len(left) + p for p in places]


class Timeline(Guarded, Widget, can_focus=True):
    """Steps with saved weights; a click, ``left`` and ``right`` move the target, ``enter`` activates it."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Timeline { height: 1; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "Back", show=False, id="timeline.back", tooltip="one checkpoint back"),
        Binding("right,l", "move(1)", "Forward", show=False, id="timeline.forward", tooltip="one checkpoint forward"),
        Binding("home", "move(-10000)", show=False, id="timeline.first", tooltip="first checkpoint"),
        Binding("end", "move(10000)", show=False, id="timeline.last", tooltip="last checkpoint"),
        Binding("enter", "activate", show=False, id="timeline.load", tooltip="load into the workbench"),
    ]

    class Moved(Message):
        """The target is at ``step`` now; None: the newest point is followed."""

        def __init__(self, step: int | None) -> None:
            super().__init__()
            self.step = step

    class Activated(Message):
        """The weights of ``step`` are wanted."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, *, id: str | None = None, classes: str | None = None, ascii_only: bool = False) -> None:
        super().__init__(id=id, classes=classes)
        self._steps: tuple[int, ...] = ()
        self._looked = False
        """Whether anybody has looked for steps; until then there is nothing to say of them."""
        self._current = self._maximum = 0
        self._target: int | None = None
        self._ascii_only = ascii_only
        self._dragging = False

    @property
    def target(self) -> int | None:
        """The step that the time machine is at; None follows the newest."""
        return self._target

    @property
    def steps(self) -> tuple[int, ...]:
        """Steps with saved weights."""
        return self._steps

    def show(self, steps: Sequence[int], current: int, maximum: int) -> bool:
        """Shows a run's steps; repaints, and says so, only if something differs. A target that is gone is let go."""
        new = (tuple(steps), current, maximum)
        if not self._looked:
            self._looked = True
            self.refresh()
        if new == (self._steps, self._current, self._maximum):
            return False
        self._steps, self._current, self._maximum = new
        if self._target is not None and self._target not in self._steps:
            self.go_to(None)
        self.refresh()
        return True

    def go_to(self, step: int | None) -> None:
        """Moves the target and tells it, if it is a new place."""
        if step != self._target:
            self._target = step
            self.refresh()
            self.post_message(self.Moved(step))

    def action_move(self, by: int) -> None:
        """Moves by ``by`` dots; beyond the last one the newest point is followed again."""
        if not self._steps:
            return
        last = len(self._steps) - 1
        if self._target is None:
            if by < 0:
                newest = last if self._steps[last] < self._current or last == 0 else last - 1
                self.go_to(self._steps[max(0, newest + by + 1)])
            return
        place = self._steps.index(self._target) + by
        self.go_to(None if place > last and abs(by) == 1 else self._steps[max(0, min(last, place))])

    def action_activate(self) -> None:
        """Asks for the weights of the target, or of the last dot."""
        if self._steps:
            self.post_message(self.Activated(self._target if self._target is not None else self._steps[-1]))

    def wear(self, *, ascii_only: bool) -> None:
        """Draws with ASCII alone, or not."""
        self._ascii_only = ascii_only
        self.refresh()

    def render(self) -> Text:
        """The line, or what would fill it."""
        if not self._steps:
            return Text("no checkpoint yet" if self._looked else "", Style(dim=True))
        line, _ = timeline_text(
            self._steps, self._current, self._maximum, self._target, self.size.width, ascii_only=self._ascii_only
        )
        return Text(line, no_wrap=True)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A press goes to the nearest dot and starts a drag."""
        self._dragging = True
        self.capture_mouse()
        self._to_column(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """While dragged, the target follows."""
        if self._dragging:
            self._to_column(event.x)

    def on_mouse_up(self) -> None:
        """The drag ends."""
        self._dragging = False
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """A double click activates."""
        if event.chain == 2:
            self.action_activate()

    def _to_column(self, column: int) -> None:
        if self._steps:
            _, places = timeline_text(self._steps, self._current, self._maximum, None, self.size.width)
            nearest = min(range(len(places)), key=lambda i: abs(places[i] - column))
            self.go_to(self._steps[nearest])
