"""``llm-lab watch RUN``: follow a run, wherever it was started, until it ends. Leaving never touches the run."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from core.errors import InputError
from core.training.events import EvalEvent, Event, StartEvent, StateEvent, StepEvent, WarningEvent
from lab.cli.control import RunName
from lab.cli.progress import Tally, drawable, duration, last_line, raise_end, rate
from lab.cli.report import print_json, two_lines
from lab.cli.start import no_terminal, start

if TYPE_CHECKING:
    from rich.text import Text

    from core.training.runs import Run

ROWS = 9
"""Height of the small plot, its axis included."""


def watch(
    run: RunName,
    /,
    *,
    inline: Annotated[
        bool, Parameter(negative="", help="Redraw a small plot and one line here, instead of the dashboard.")
    ] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="Print events as JSON lines.")] = False,
) -> int:
    """Follows a run: the dashboard on a terminal, otherwise a line for each evaluation."""
    from core.training.runs import open_run

    if inline and as_json:
        raise InputError("--inline draws and --json prints data: expected one of them, got both", "leave one out")
    found = open_run(run)
    if as_json:
        return _follow_json(found)
    if inline:
        if not drawable():
            raise InputError(
                "--inline redraws lines, and the output is not a terminal that can",
                "leave it out for plain lines, or take --json",
            )
        return _follow_inline(found)
    if not no_terminal():
        return start("training", run=str(found.path))
    return _follow_lines(found)


def _follow_json(run: Run) -> int:
    for event in run.follow():
        print_json(event.to_dict())
    return 0


def _follow_lines(run: Run) -> int:
    tally = Tally(run.config.max_steps)
    for event in run.follow():
        tally.add(event)
        if isinstance(event, EvalEvent):
            print(
                f"step {event.step:,}: loss {tally.loss:.4f}, validation loss {event.val_loss:.4f}, "
                f"perplexity {event.perplexity:.2f}",
                flush=True,
            )
        elif isinstance(event, StateEvent):
            print(f"step {event.step:,}: {event.state}", flush=True)
        elif isinstance(event, WarningEvent):
            two_lines(event.title, event.hint)
    return _ended(run, tally)


def _ended(run: Run, tally: Tally) -> int:
    if tally.end is None:
        tally.state = run.state
    print(last_line(run.name, run.path, tally))
    raise_end(tally.end)
    return 0


class _Picture:
    """A loss curve of at most two points a column, and one line of numbers under it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.tally = Tally(run.config.max_steps)
        self._steps: list[float] = []
        self._losses: list[float] = []
        self._val_steps: list[float] = []
        self._val_losses: list[float] = []
        self._every = 1
        self._seen = 0

    def add(self, event: Event) -> None:
        """Takes one event in; memory stays bounded however long the run is."""
        self.tally.add(event)
        if isinstance(event, StartEvent):
            self._steps.clear()
            self._losses.clear()
            self._val_steps.clear()
            self._val_losses.clear()
        elif isinstance(event, StepEvent) and math.isfinite(event.loss):
            self._seen += 1
            if self._seen % self._every == 0:
                self._steps.append(float(event.step))
                self._losses.append(event.loss)
            if len(self._steps) >= 4000:
                self._steps, self._losses = self._steps[::2], self._losses[::2]
                self._every *= 2
        elif isinstance(event, EvalEvent) and math.isfinite(event.val_loss):
            self._val_steps.append(float(event.step))
            self._val_losses.append(event.val_loss)

    def draw(self) -> Text:
        """The plot and the line, as wide as the terminal."""
        from rich.text import Text

        width = min(shutil.get_terminal_size((80, 24)).columns, 120) - 1
        return Text.from_ansi(f"{self._plot(width)}\n{self._line()[:width]}")

    def _plot(self, width: int) -> str:
        if not self._steps:
            return "\n".join([""] * (ROWS - 1) + [f"{self.run.name}: no step yet"])
        import plotext

        keep = max(len(self._steps) // (2 * width), 1)
        plotext.clear_figure()
        plotext.theme("clear")
        plotext.plotsize(width, ROWS)
        plotext.plot(self._steps[::keep], self._losses[::keep], marker="braille", color="blue")
        if self._val_steps:
            plotext.scatter(self._val_steps, self._val_losses, marker="dot", color="orange")
        return str(plotext.build()).rstrip("\n")

    def _line(self) -> str:
        tally = self.tally
        said = [self.run.name, tally.state, f"{tally.step:,}/{tally.max_steps:,}"]
        if math.isfinite(tally.loss):
            said.append(f"loss {tally.loss:.4f}")
        if math.isfinite(tally.best):
            said.append(f"best val {tally.best:.4f}")
        if tally.tokens_per_second:
            said.append(f"{rate(tally.tokens_per_second)} tokens/s")
        if tally.end is None and (left := tally.seconds_left) is not None:
            said.append(f"{duration(left)} left")
        return "  ".join(said)


def _follow_inline(run: Run) -> int:
    from rich.live import Live

    picture = _Picture(run)
    drawn = 0.0
    try:
        with Live(picture.draw(), auto_refresh=False, transient=False) as live:
            for event in _with_ticks(run):
                if event is not None:
                    picture.add(event)
                now = time.monotonic()
                if now - drawn >= 0.5:
                    drawn = now
                    live.update(picture.draw(), refresh=True)
            live.update(picture.draw(), refresh=True)
    except KeyboardInterrupt:
        sys.stdout.write(f"{run.name} goes on\n" if run.is_live else "")
        raise
    return _ended(run, picture.tally)


def _with_ticks(run: Run) -> Iterator[Event | None]:
    yield from run.follow()
