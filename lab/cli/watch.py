"""``llm-lab watch RUN``: follow a run, wherever it was started, until it ends. Leaving never touches the run."""

from __future__ import annotations

import math
import shutil
import sys
import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from core.errors import InputError
from core.training.events import EvalEvent, StateEvent, WarningEvent
from lab.cli.control import ENDED, json_flag
from lab.cli.drawing import drawing_console
from lab.cli.progress import Tally, drawable, duration, last_line, raise_end, rate
from lab.cli.report import print_json, two_lines
from lab.cli.start import no_terminal, watch_here

if TYPE_CHECKING:
    from rich.text import Text

    from core.training.foreign.run import ForeignRun
    from core.training.history import History
    from core.training.runs import Run
    from screens.widgets.ramps import Look

WatchedName = Annotated[
    str,
    Parameter(
        name="RUN",
        help="A run by name or path; also TensorBoard's event files, trainer_state.json, or nanoGPT's log, by path.",
    ),
]
ROWS = 9
"""Height of the small plot, its axis included."""
FAINT, AXIS = "#3f6b87", "#808080"
"""Colours that can be read on dark and on light."""


def watch(
    run: WatchedName,
    /,
    *,
    inline: Annotated[
        bool, Parameter(negative="", help="Redraw a small plot and one line here, instead of the dashboard.")
    ] = False,
    as_json: Annotated[bool, json_flag("Print JSON, a line for each event as it comes.")] = False,
) -> int:
    """Follows a run: the dashboard on a terminal, otherwise a line for each evaluation."""
    from core.training.watched import open_watched

    if inline and as_json:
        raise InputError("--inline draws and --json prints data: expected one of them, got both", "leave one out")
    if not (as_json or inline or no_terminal()):
        return watch_here(run)
    found = open_watched(run)
    if as_json:
        return _follow_json(found)
    if inline:
        if not drawable():
            raise InputError(
                "--inline redraws lines, and the output is not a terminal that can",
                "leave it out for plain lines, or take --json",
            )
        return _follow_inline(found)
    return _follow_lines(found)


def _follow_json(run: Run | ForeignRun) -> int:
    for event in run.follow():
        print_json(event.to_dict())
    return 0


def _follow_lines(run: Run | ForeignRun) -> int:
    tally = Tally(run.max_steps)
    for event in run.follow():
        tally.add(event)
        if isinstance(event, EvalEvent):
            said = [("loss", f"{tally.loss:.4f}"), ("validation loss", f"{event.val_loss:.4f}")]
            said.append(("perplexity", f"{event.perplexity:.2f}"))
            known = [f"{name} {value}" for name, value in said if not (run.foreign and value == "nan")]
            print(f"step {event.step:,}: {', '.join(known)}", flush=True)
        elif isinstance(event, StateEvent):
            print(f"step {event.step:,}: {event.state}", flush=True)
        elif isinstance(event, WarningEvent):
            two_lines(event.title, event.hint)
    return _ended(run, tally)


def _ended(run: Run | ForeignRun, tally: Tally) -> int:
    if tally.end is None:
        tally.state = run.state
        tally.max_steps = run.max_steps
    if not run.foreign:
        print(last_line(run.name, run.path, tally))
    else:
        from core.training.foreign.facts import plain

        print(last_line(run.name, plain(str(run.path), 1000), tally))
        print(*run.log(), run.status().message, sep="\n")
    raise_end(tally.end)
    return 0


def _follow_inline(run: Run | ForeignRun) -> int:
    from rich.live import Live

    history, look = run.history(), _look()
    try:
        with Live(auto_refresh=False, transient=False, console=drawing_console()) as live:
            while True:
                state = run.state  # asked before reading, so that nothing of an ended run is missed
                while history.update(max_bytes=1 << 22):
                    live.update(_picture(run, history, "reading", look), refresh=True)
                live.update(_picture(run, history, state, look), refresh=True)
                if state in ENDED or state == "quiet":
                    break
                time.sleep(0.5)
    except KeyboardInterrupt:
        if run.is_live:
            print(f"{run.name} goes on")
        raise
    raise_end(history.end)
    return 0


def _picture(run: Run | ForeignRun, history: History, state: str, look: Look) -> Text:
    from rich.text import Text

    width = min(shutil.get_terminal_size((80, 24)).columns, 120) - 1
    return Text("\n").join([*_plot(run, history, width, look), Text(_line(run, history, state)[:width])])


def _plot(run: Run | ForeignRun, history: History, width: int, look: Look) -> list[Text]:
    """The dashboard's plot without a dashboard: the same scale, labels and smoothing."""
    from rich.text import Text

    from screens.training.plots import Axes, Source, plot_for
    from screens.widgets.figure import LEFT, RIGHT, PlotColors, draw
    from screens.widgets.ramps import SERIES

    source = Source(run.name, history, run.max_steps, None, "", "")
    figure = plot_for([source], Axes(), max(1, width - LEFT - RIGHT)).figure
    colors = PlotColors((_rgb(SERIES[0]),), (_rgb(FAINT),), _rgb(AXIS)) if look.ramps else None
    lines = draw(figure, width, ROWS, colors, look.ascii)
    return lines or [*(Text() for _ in range(ROWS - 1)), Text(f"{run.name}: no step yet")]


def _look() -> Look:
    """What the owner chose for the app; ASCII alone where the output's encoding has no braille."""
    from lab.look import choose_look
    from lab.settings import load_settings

    settings, _ = load_settings()
    try:
        "⣿┤".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return choose_look(settings, ascii_only=True)
    return choose_look(settings)


def _rgb(color: str) -> tuple[int, int, int]:
    from rich.color import Color

    red, green, blue = Color.parse(color).get_truecolor()
    return red, green, blue


def _line(run: Run | ForeignRun, history: History, state: str) -> str:
    most = run.max_steps
    said = [run.name, state, f"{history.last_step:,}/{most:,}" if most else f"step {history.last_step:,}"]
    if math.isfinite(loss := history.last("loss")):
        said.append(f"loss {loss:.4f}")
    if best := history.best:
        said.append(f"best val {best[1]:.4f} at {best[0]:,}")
    if math.isfinite(speed := history.last("tokens_per_second")):
        said.append(f"{rate(speed)} tokens/s")
    steps, times = history.columns("step", "time")
    if state == "running" and most and len(steps) > 1:
        back = min(len(steps), 100)
        per_step = (times[-1] - times[-back]) / max(steps[-1] - steps[-back], 1)
        said.append(f"{duration(float(per_step) * (most - history.last_step))} left")
    return "  ".join(said)
