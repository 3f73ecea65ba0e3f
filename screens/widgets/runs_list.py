"""The list of runs: state, name, overlay letter, progress, loss and a sparkline, two lines each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from screens.widgets.cells import fit
from screens.widgets.guarded import Guarded
from screens.widgets.plot_data import position_label, short_number
from screens.widgets.ramps import series
from screens.widgets.spark import spark_text

if TYPE_CHECKING:
    from core.training.runs import RunSummary

GLYPHS = {
    "running": ("●", "*"),
    "paused": ("‖", "="),
    "starting": ("◌", "."),
    "stopping": ("◌", "."),
    "finished": ("◆", "o"),
    "stopped": ("◇", "o"),
    "diverged": ("✗", "x"),
    "failed": ("✗", "x"),
    "dead": ("✗", "x"),
    "silent": ("?", "?"),
    "quiet": ("◇", "o"),
    "unreadable": ("!", "!"),
}
WORDS = {"finished": "done", "running": ""}
LINES = 2


def state_glyph(state: str, ascii_only: bool = False) -> str:
    """The sign of a run's state; one that is not known is a question mark.

    >>> state_glyph("running"), state_glyph("finished", ascii_only=True), state_glyph("from the future")
    ('●', 'o', '?')
    """
    return GLYPHS.get(state, ("?", "?"))[ascii_only]


def progress_text(state: str, step: int, max_steps: int) -> str:
    """How far a run is, in few cells.

    >>> progress_text("running", 1840, 5000), progress_text("finished", 2000, 2000), progress_text("paused", 700, 2000)
    ('1.84k/5k', 'done 2k', 'paused 700')
    """
    if state == "running":
        of = f"/{position_label(max_steps, 'step')}" if max_steps else ""
        return position_label(step, "step") + of
    return f"{WORDS.get(state, state)} {position_label(step, 'step')}" if state != "unreadable" else "unreadable"


class RunsList(Guarded, ScrollView, can_focus=True):
    """Runs, newest first; the cursor's run is the one that the screen shows."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "RunsList { width: 1fr; height: 1fr; scrollbar-size-vertical: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="runs.up", tooltip="the run above"),
        Binding("down,j", "move(1)", "Down", show=False, id="runs.down", tooltip="the run below"),
        Binding("pageup", "move(-8)", show=False, id="runs.pageup", tooltip="eight runs up"),
        Binding("pagedown", "move(8)", show=False, id="runs.pagedown", tooltip="eight runs down"),
        Binding("home", "move(-100000)", show=False, id="runs.home", tooltip="the first run"),
        Binding("end", "move(100000)", show=False, id="runs.end", tooltip="the last run"),
        Binding("enter", "open", show=False, id="runs.open", tooltip="open this run"),
    ]

    class Selected(Message):
        """The cursor is on another run."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    class Opened(Message):
        """``enter`` or a double click on a run."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    def __init__(self, *, id: str | None = None, classes: str | None = None, ascii_only: bool = False) -> None:
        super().__init__(id=id, classes=classes)
        self._runs: tuple[RunSummary, ...] = ()
        self._looked = False
        """Whether anybody has looked for runs; until then there is nothing to say of them."""
        self._letters: dict[Path, str] = {}
        self._cursor: Path | None = None
        self._ascii_only = ascii_only
        self._coming: Path | None = None

    @property
    def runs(self) -> tuple[RunSummary, ...]:
        """What is listed."""
        return self._runs

    @property
    def cursor(self) -> Path | None:
        """The run under the cursor."""
        return self._cursor

    def show(self, runs: Sequence[RunSummary], letters: Mapping[Path, str]) -> bool:
        """Lists runs; repaints, and says so, only if something differs. The cursor stays on its run."""
        new, marks = tuple(runs), dict(letters)
        if not self._looked:
            self._looked = True
            self.refresh()
        if repr(new) == repr(self._runs) and marks == self._letters:  # by text: a loss may be NaN, unequal to itself
            return False
        old, same_letters = self._runs, marks == self._letters
        self._runs, self._letters = new, marks
        if same_letters and [r.path for r in old] == [r.path for r in new]:
            self._repaint([i for i, (a, b) in enumerate(zip(old, new, strict=True)) if repr(a) != repr(b)])
            return True
        self.virtual_size = Size(0, LINES * len(new))
        if self._coming is not None and self.select(self._coming):
            self._coming = None
        if new and self._place() is None:
            self._go(0)
        self.refresh()
        return True

    def select(self, path: Path) -> bool:
        """Puts the cursor on a run; says whether it is listed."""
        for place, run in enumerate(self._runs):
            if run.path == path:
                self._go(place)
                return True
        return False

    def want(self, path: Path) -> None:
        """Puts the cursor on a run, now or as soon as it is listed."""
        self._coming = None if self.select(path) else path

    def _repaint(self, places: list[int]) -> None:
        top, width = int(self.scroll_offset.y), self.size.width
        self.refresh(*(Region(0, place * LINES - top, width, LINES) for place in places))

    def _place(self) -> int | None:
        return next((i for i, run in enumerate(self._runs) if run.path == self._cursor), None)

    def _go(self, place: int) -> None:
        path = self._runs[place].path
        if path != self._cursor:
            self._cursor = path
            self.post_message(self.Selected(path))
            self.refresh()
        self.scroll_to_region(Region(0, place * LINES, 1, LINES), animate=False)

    def action_move(self, by: int) -> None:
        """Moves the cursor by ``by`` runs."""
        if self._runs:
            self._go(max(0, min(len(self._runs) - 1, (self._place() or 0) + by)))

    def action_open(self) -> None:
        """Opens the run under the cursor."""
        if self._cursor is not None:
            self.post_message(self.Opened(self._cursor))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a double click opens."""
        place = (event.y + int(self.scroll_offset.y)) // LINES
        if 0 <= place < len(self._runs):
            self._go(place)
            if event.chain == 2:
                self.action_open()

    def wear(self, *, ascii_only: bool) -> None:
        """Draws with ASCII alone, or not."""
        self._ascii_only = ascii_only
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One of a run's two lines."""
        width, base = self.size.width, self.rich_style
        place, second = divmod(y + int(self.scroll_offset.y), LINES)
        if place >= len(self._runs):
            empty = self._looked and not self._runs and y == 1
            return Strip([Segment((" no runs yet: n" if empty else "").ljust(width), base + Style(dim=True))], width)
        run = self._runs[place]
        here = run.path == self._cursor
        style = base + Style(reverse=True) if here and self.has_focus else base + Style(bold=here)
        parts = self._second(run, width, base) if second else self._first(run, width, style)
        return Strip(parts).adjust_cell_length(width, style if not second else base)

    def _first(self, run: RunSummary, width: int, style: Style) -> list[Segment]:
        letter = self._letters.get(run.path, "")
        room = max(1, width - 3 - (3 if letter else 0))
        name = fit(run.name, room, "~" if self._ascii_only else "…")
        parts = [Segment(f" {state_glyph(run.state, self._ascii_only)} {name}", style)]
        if letter:
            color = None if self.app.ansi_color else series(self.app.current_theme.dark)["ABCD".index(letter) % 4]
            bar = "|" if self._ascii_only else "▌"
            parts.append(Segment(f"{bar}{letter} ", style + Style(color=color, bold=True)))
        return parts

    def _second(self, run: RunSummary, width: int, base: Style) -> list[Segment]:
        loss = run.best_val_loss if math.isfinite(run.best_val_loss) else run.train_loss
        number = "" if math.isnan(loss) and not run.step else short_number(loss)
        text = f"   {progress_text(run.state, run.step, run.max_steps):<12} {number}"
        room = width - len(text) - 2
        trend = spark_text(run.spark, min(room, 10), ascii_only=self._ascii_only) if room >= 4 else ""
        return [Segment(text[:width], base), Segment(f" {trend}", base + Style(dim=True))]
