"""How the training screen leaves the app, and the numbers of its lesson; both from the object that the panes show."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from screens.training.plots import every_step, in_full
from screens.training.view import verdict
from screens.widgets.plot_data import clock, short_number
from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from screens.training.plots import Plot, Source
    from screens.training.reader import Detail, Reading
    from screens.widgets.curve import Curve


STEP_VALUES = ("loss", "lr", "grad_norm", "tokens_per_second", "mfu")
EVAL_VALUES = ("train_loss", "val_loss")
COLUMNS = ("run", "step", "time", "tokens", *STEP_VALUES, *EVAL_VALUES, "val_bits_per_byte")


def take_away_of(reading: Reading, pane: Curve) -> TakeAwayRequest | None:
    """The shown run as Python, as a command, as numbers and as a figure; None while no run is shown."""
    detail = reading.detail
    if detail is None:
        return None
    spec = _spec(detail)
    plot = reading.plot
    shown = plot is not None and not plot.figure.empty
    return TakeAwayRequest(
        what=f"training-{detail.view.name}",
        python=as_python(spec, foreign=bool(detail.view.made_by)),
        command=shlex.join(["llm-lab", "watch", spec, "--json"]),
        data={"run": detail.view.to_dict(), "evals": [[e.step, e.train_loss, e.val_loss] for e in detail.evals]},
        table=(COLUMNS, Rows(plot.sources)) if plot is not None else None,
        figure=_figure(plot) if plot is not None and shown else None,
        pane=pane.parent if pane.parent is not None and hasattr(pane.parent, "render") else pane,  # type: ignore[arg-type]
        link=shlex.join(["llm-lab", "watch", spec]),
    )


class Rows(Sequence[tuple[Any, ...]]):
    """Every step and every evaluation of the runs in the plot, made when they are first asked for.

    A step and the evaluation after it share a row. What was not measured is None.
    """

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self._sources = sources
        self._made: list[tuple[Any, ...]] | None = None

    def _all(self) -> list[tuple[Any, ...]]:
        if self._made is None:
            self._made = [row for source in self._sources for row in _rows_of(source)]
        return self._made

    def __len__(self) -> int:
        return len(self._all())

    def __getitem__(self, index: Any) -> Any:
        return self._all()[index]


def _rows_of(source: Source) -> Iterator[tuple[Any, ...]]:
    history = every_step(source.history)
    place = ("step", "time", "tokens")
    of_steps = history.columns(*place, *STEP_VALUES)
    of_evals = history.columns(*(f"eval.{name}" for name in (*place, *EVAL_VALUES)))
    steps, evals = (zip(*(column.tolist() for column in columns), strict=True) for columns in (of_steps, of_evals))
    found: dict[float, list[Any]] = {row[0]: [*row, *(None for _ in EVAL_VALUES)] for row in steps}
    for step, at, tokens, *losses in evals:
        row = found.setdefault(step, [step, at, tokens, *(None for _ in (*STEP_VALUES, *EVAL_VALUES))])
        row[-len(EVAL_VALUES) :] = losses
    scale = source.bytes_per_token * math.log(2) if source.bytes_per_token else None
    for step in sorted(found):
        _, at, tokens, *values = found[step]
        val = values[-1]
        per_byte = val / scale if scale and val is not None else None
        yield source.name, int(step), at, int(tokens), *values, per_byte


def _spec(detail: Detail) -> str:
    return detail.view.name if detail.bundled or detail.in_runs_dir else detail.view.path


def as_python(spec: str, *, foreign: bool = False) -> str:
    """A snippet that reads the same numbers."""
    return (
        "import core\n\n"
        f"run = core.{'open_foreign' if foreign else 'open_run'}({spec!r})\n"
        "history = run.history()\n"
        "history.update()\n"
        'print(run.state, history.last_step, history.last("loss"), history.best)\n'
        'for step, val_loss in zip(*history.columns("eval.step", "eval.val_loss")):\n'
        "    print(int(step), val_loss)\n"
    )


def _figure(shown: Plot) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        from matplotlib.figure import Figure as Print

        from screens.widgets.ramps import SERIES

        plot = in_full(shown)
        names = {f"R{n}": r.name for n, r in enumerate(plot.references, 1)}
        sheet = Print(figsize=(8, 4.5), dpi=150)
        axes = sheet.add_subplot()
        for line in plot.figure.lines:
            color = SERIES[line.series % len(SERIES)]
            if line.kind == "dots":
                name = plot.sources[line.series].name
                axes.plot(line.x, line.y, "o", color=color, markersize=4, label=f"{name}, validation")
            else:
                axes.plot(line.x, line.y, color=color, alpha=0.3 if line.kind == "raw" else 1.0, label=line.label)
        for level in plot.figure.levels:
            axes.axhline(level.y, linestyle=":", color="gray", label=f"{names[level.label]} {level.y:g}")
        axes.set_xlabel(plot.figure.unit)
        axes.set_ylabel(plot.title)
        if plot.figure.log:
            axes.set_yscale("log")
        axes.legend()
        sheet.savefig(path, bbox_inches="tight")

    return save


def lesson_values(detail: Detail | None, target: int | None = None) -> dict[str, str]:
    """The numbers of lesson L5, now or at the step of the time machine; what is not known prints as a dash."""
    when = "Now" if target is None else f"At step {target:,}"
    if detail is None:
        return {"when": when}
    view = detail.at(target)
    numbers: dict[str, Any] = {
        "when": when,
        "name": view.name,
        "state": view.state,
        "step": f"{view.step:,}",
        "max_steps": f"{view.max_steps:,}" if view.max_steps else None,
        "vocab_size": f"{view.vocab_size:,}" if view.vocab_size else None,
        "uniform_loss": _number(view.uniform_loss),
        "first_loss": _number(view.first_loss),
        "loss": _number(view.smooth_loss),
        "val_loss": _number(view.val_loss),
        "train_loss": _number(view.train_eval_loss),
        "gap": _number(view.gap),
        "best": _number(view.best_loss),
        "best_step": f"{view.best_step:,}" if view.best_step is not None else None,
        "perplexity": _number(view.perplexity),
        "batch_tokens": f"{view.batch_tokens:,}",
        "tokens": short_number(float(view.tokens)),
        "epoch": f"{view.epoch:.2f}" if view.epoch is not None else None,
        "lr": _number(view.lr),
        "peak_lr": _number(view.peak_lr),
        "warmup_steps": f"{view.warmup_steps:,}",
        "grad_norm": _number(view.grad_norm),
        "tokens_per_second": _number(view.tokens_per_second),
        "left": clock(view.seconds_left),
        "verdict": verdict(view),
    }
    return {name: value for name, value in numbers.items() if value is not None}


def _number(value: float | None) -> str | None:
    return None if value is None else short_number(value, 4)
