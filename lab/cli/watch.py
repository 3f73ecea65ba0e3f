"""``llm-lab watch RUN``: follow a run, wherever it was started, until it ends. Leaving never touches the run."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from core.errors import InputError
from core.training.events import EvalEvent, StateEvent, WarningEvent
from lab.cli.control import ENDED, RunName
from lab.cli.progress import Tally, drawable, duration, last_line, raise_end, rate
from lab.cli.report import print_json, two_lines
from lab.cli.start import no_terminal, start

if TYPE_CHECKING:
    from rich.text import Text

    from core.training.history import History
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


def _follow_inline(run: Run) -> int:
    from rich.live import Live

    history = run.history()
    try:
        with Live(auto_refresh=False, transient=False) as live:
            while True:
                state = run.state  # asked before reading, so that nothing of an ended run is missed
                while history.update(max_bytes=1 << 22):
                    live.update(_picture(run, history, "reading"), refresh=True)
                live.update(_picture(run, history, state), refresh=True)
                if state in ENDED:
                    break
                time.sleep(0.5)
    except KeyboardInterrupt:
        if run.is_live:
            print(f"{run.name} goes on")
        raise
    raise_end(history.end)
    return 0


def _picture(run: Run, history: History, state: str) -> Text:
    from rich.text import Text

    width = min(shutil.get_terminal_size((80, 24)).columns, 120) - 1
    return Text.from_ansi(f"{_plot(run, history, width)}\n{_line(run, history, state)[:width]}", no_wrap=True)


def _plot(run: Run, history: History, width: int) -> str:
    steps, losses = (column.tolist() for column in history.columns("step", "loss"))
    if not steps:
        return "\n".join([""] * (ROWS - 1) + [f"{run.name}: no step yet"])
    import plotext

    # plotext redraws every point that it is given: two for each column, the extremes of their stretch
    points = list(_extremes(steps, losses, width))
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(width, ROWS)
    plotext.plot([p[0] for p in points], [p[1] for p in points], marker="braille", color="blue")
    eval_steps, eval_losses = history.columns("eval.step", "eval.val_loss")
    if len(eval_steps):
        seen = list(_extremes(eval_steps.tolist(), eval_losses.tolist(), width))
        plotext.scatter([p[0] for p in seen], [p[1] for p in seen], marker="dot", color="orange")
    return str(plotext.build()).rstrip("\n")


def _extremes(x: list[float], y: list[float], columns: int) -> Iterator[tuple[float, float]]:
    finite = [(a, b) for a, b in zip(x, y, strict=True) if math.isfinite(b)]
    size = max(math.ceil(len(finite) / columns), 1)
    for first in range(0, len(finite), size):
        stretch = finite[first : first + size]
        yield from sorted({min(stretch, key=_height), max(stretch, key=_height)})


def _height(point: tuple[float, float]) -> float:
    return point[1]


def _line(run: Run, history: History, state: str) -> str:
    most = run.config.max_steps
    said = [run.name, state, f"{history.last_step:,}/{most:,}"]
    if math.isfinite(loss := history.last("loss")):
        said.append(f"loss {loss:.4f}")
    if best := history.best:
        said.append(f"best val {best[1]:.4f} at {best[0]:,}")
    if math.isfinite(speed := history.last("tokens_per_second")):
        said.append(f"{rate(speed)} tokens/s")
    steps, times = history.columns("step", "time")
    if state == "running" and len(steps) > 1:
        back = min(len(steps), 100)
        per_step = (times[-1] - times[-back]) / max(steps[-1] - steps[-back], 1)
        said.append(f"{duration(float(per_step) * (most - history.last_step))} left")
    return "  ".join(said)
