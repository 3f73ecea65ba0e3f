"""What the big plot and the small trends show: figures and legends made from the columns of one to four histories.

Pure: no widget, no file. Every figure comes from ``History`` columns, thinned to the plot's width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from screens.widgets.figure import Figure, Level, Line
from screens.widgets.plot_data import decimate, linear_ticks, reach_for, short_number, smooth

if TYPE_CHECKING:
    from core.training.history import History
    from core.training.references import Reference
    from screens.widgets.plot_data import Column

Measure = Literal["loss", "grad_norm", "lr", "tokens_per_second"]
MEASURES: dict[Measure, str] = {
    "loss": "loss",
    "grad_norm": "gradient norm",
    "lr": "learning rate",
    "tokens_per_second": "tokens/s",
}
UNITS = ("step", "tokens", "time")
SMOOTHING = ("none", "light", "usual", "heavy")
LETTERS = "ABCD"
EVERY_POINT = 1 << 40


@dataclass(frozen=True, slots=True)
class Axes:
    """How the big plot is drawn; the keys s, L, S, m, R and f change it."""

    unit: str = "step"
    log: bool = False
    smoothing: int = 2
    measure: Measure = "loss"
    references: bool = False
    whole: bool = False
    """Whether the x axis reaches to the planned end, rather than just past the newest point."""

    def next_unit(self) -> Axes:
        """Step, tokens, time, and round again."""
        return replace(self, unit=UNITS[(UNITS.index(self.unit) + 1) % len(UNITS)])

    def next_measure(self) -> Axes:
        """Loss, gradient norm, learning rate, tokens/s, and round again."""
        names = list(MEASURES)
        return replace(self, measure=names[(names.index(self.measure) + 1) % len(names)])

    def next_smoothing(self) -> Axes:
        """None, light, usual, heavy, and round again."""
        return replace(self, smoothing=(self.smoothing + 1) % len(SMOOTHING))


@dataclass(frozen=True, slots=True)
class Source:
    """One run in the plot."""

    name: str
    history: History
    max_steps: int
    bytes_per_token: float | None
    tokenizer: str
    corpus: str
    reading: bool = False
    """Whether another process is at its first steps still."""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One part of a plot's title."""

    text: str
    series: int

    @property
    def short(self) -> str:
        """Without its words, for a narrow pane: the sign, the letter and the number remain.

        >>> LegendEntry("─A train 1.52", 0).short
        '─A 1.52'
        """
        return self.text.replace(" train ", " ").replace(" val ", " ")

    @property
    def shortest(self) -> str:
        """Without its sign too, where there is a letter.

        >>> LegendEntry("•A val 1.52", 0).shortest, LegendEntry("• val 1.52", 0).shortest
        ('A 1.52', '• 1.52')
        """
        return self.short[1:] if self.short[1:2] in LETTERS else self.short


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure with the words that belong in its title."""

    figure: Figure
    title: str
    legend: tuple[LegendEntry, ...]
    axes: Axes = field(default_factory=Axes)
    no_references: str = ""
    """Why no published result can be drawn here; empty where one can."""
    sources: tuple[Source, ...] = field(default=(), compare=False, repr=False)
    """What it was made from: print and numbers take every point of it, not the few that a screen has room for."""
    references: tuple[Reference, ...] = ()
    """The published losses that could be drawn, with their number in ``R1`` and so on."""

    def titles(self) -> list[list[tuple[str, int | None]]]:
        """The pane's title in five lengths, the longest first: parts of text, each with its series for the colour."""
        name = f"{self.title}{', log' if self.axes.log else ''} "
        brief = f"{self.title.partition(' (')[0]}{', log' if self.axes.log else ''} "
        levels: list[tuple[str, int | None]] = [(f"  {v.label} {v.y:g}", None) for v in self.figure.levels]
        newest = {e.series: e for e in self.legend}  # the validation loss, where there is one
        lengths: list[list[tuple[str, int | None]]] = [
            [(name, None), *((f" {e.text}", e.series) for e in self.legend), *levels],
            [(name, None), *((f" {e.short}", e.series) for e in self.legend), *levels],
            [(brief, None), *((f" {e.short}", e.series) for e in self.legend), *levels],
            [(brief, None), *((f" {e.shortest}", e.series) for e in newest.values()), *levels],
        ]
        names = "".join(f" {v.label}" for v in self.figure.levels)
        return [*lengths, [*lengths[-1][: 1 + len(newest)], (names, None)]]


def per_byte(sources: list[Source]) -> bool:
    """Whether losses must be shown as bits per byte: the runs cut text differently, loss per token can't be compared.

    Only possible when each run says how many bytes a token of its corpus holds.
    """
    return len({(s.tokenizer, s.bytes_per_token) for s in sources}) > 1 and all(s.bytes_per_token for s in sources)


def bits_per_byte(loss: float, bytes_per_token: float) -> float:
    """Nats per token as bits per byte.

    >>> round(bits_per_byte(1.4697, 1.0), 4)
    2.1203
    """
    return loss / math.log(2) / bytes_per_token


def _xs(history: History, unit: str) -> Column:
    return history.step_table.column(unit)


def axis_end(source: Source, unit: str, whole: bool) -> float:
    """Where a run's x axis ends: at the planned end, or at a round place just past its newest point."""
    xs, history = _xs(source.history, unit), source.history
    newest = float(xs[-1]) if len(xs) else 0.0
    done = float(history.steps[-1]) if len(xs) else 0.0
    planned = newest * source.max_steps / done if done > 0 else float(source.max_steps)
    if not source.max_steps:  # another program may not say how long its run is to be
        planned = round_up(newest)
    elif unit == "step":
        planned = float(source.max_steps)
    return planned if whole or newest <= 0 else max(newest, min(planned, round_up(newest)))


def round_up(value: float) -> float:
    """The next of a few round places at or above a value, so that a growing axis moves seldom.

    >>> round_up(1), round_up(130), round_up(1840)
    (10.0, 150.0, 2000.0)
    """
    if value <= 10:
        return 10.0
    base = 10.0 ** math.floor(math.log10(value))
    return next(base * m for m in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if base * m >= value * (1 - 1e-9))


def plot_for(sources: list[Source], axes: Axes, columns: int, references: tuple[Reference, ...] = ()) -> Plot:
    """The big plot of up to four runs, about two points a column."""
    shared = axes.measure == "loss" and per_byte(sources)
    lines: list[Line] = []
    legend: list[LegendEntry] = []
    end = max((axis_end(s, axes.unit, axes.whole) for s in sources), default=1.0) or 1.0
    single = len(sources) == 1
    for number, source in enumerate(sources):
        scale = bits_per_byte(1.0, source.bytes_per_token or 1.0) if shared else 1.0
        lines += _run_lines(source, number, axes, columns, (0.0, end), scale, raw=single)
        legend += _legend(source, number, axes, scale, single)
    title = "bits per byte (tokenizers differ)" if shared else MEASURES[axes.measure]
    why_not = no_references(sources, axes, references)
    levels: tuple[Level, ...] = ()
    if axes.references and not why_not:
        levels = tuple(Level(r.loss, f"R{n}") for n, r in enumerate(references, 1) if comparable(r, sources[0]))
    figure = Figure(tuple(lines), (0.0, end), axes.log, axes.unit, levels)
    return Plot(figure, title, tuple(legend), axes, why_not, tuple(sources), references)


def comparable(reference: Reference, source: Source) -> bool:
    """Whether a published loss is of the same text, cut the same way."""
    return bool(reference.corpus == source.corpus and reference.tokenizer == source.tokenizer)


def no_references(sources: list[Source], axes: Axes, references: tuple[Reference, ...]) -> str:
    """Why no published loss can be drawn into a plot; empty where one can."""
    if not sources:
        return "no run is shown"
    if axes.measure != "loss":
        return "published results are losses, m changes the measure"
    if per_byte(sources):
        return "published results are not comparable in bits per byte"
    if not any(r.corpus == sources[0].corpus for r in references):
        return "no published result for this corpus"
    if not any(comparable(r, sources[0]) for r in references):
        return "no published result for this tokenizer"
    return ""


def reference_sentence(plot: Plot) -> str:
    """Each published loss that is drawn, with its source and its configuration, in words."""
    numbered = [(f"R{n}", r) for n, r in enumerate(plot.references, 1) if comparable(r, plot.sources[0])]
    return " · ".join(f"{n} {r.name} {r.loss:g}: {r.configuration} ({r.source})" for n, r in numbered)


def in_full(plot: Plot) -> Plot:
    """The same plot of every point, also of those that a long history had thinned out for the screen."""
    sources = [replace(s, history=every_step(s.history)) for s in plot.sources]
    return plot_for(sources, plot.axes, EVERY_POINT, plot.references)


def every_step(history: History) -> History:
    """A history that leaves nothing out: this one, or its file read once more."""
    if not history.step_table.dropped and not history.evals.dropped:
        return history
    return history.in_full()


def _run_lines(
    source: Source, number: int, axes: Axes, columns: int, x_range: tuple[float, float], scale: float, raw: bool
) -> list[Line]:
    history = source.history
    x, y = history.columns(axes.unit, axes.measure)
    if scale != 1.0:
        y = y * scale
    found: list[Line] = []
    steady = axes.measure == "lr"
    reach = 0 if steady else reach_for(len(y), axes.smoothing)
    if raw and reach:
        found.append(_line(x, y, columns, x_range, number, "raw", source.name))
    if reach:  # one point a column is enough for what is smooth
        y, columns = smooth(y, reach), max(1, columns // 2)
    found.append(_line(x, y, columns, x_range, number, "line", source.name))
    if axes.measure == "loss" and len(history.evals):
        px, py = decimate(history.evals.column(axes.unit), history.evals.val_loss * scale, columns, x_range)
        found.append(Line(tuple(px), tuple(py), number, "dots", "val"))
    return found


def _line(
    x: Column,
    y: Column,
    columns: int,
    x_range: tuple[float, float],
    number: int,
    kind: Literal["raw", "line"],
    name: str,
) -> Line:
    px, py = decimate(x, y, columns, x_range)
    return Line(tuple(px), tuple(py), number, kind, "raw" if kind == "raw" else name)


def _legend(source: Source, number: int, axes: Axes, scale: float, single: bool) -> list[LegendEntry]:
    letter = "" if single else LETTERS[number]
    y = source.history.step_table.column(axes.measure)
    if not len(y):
        return [LegendEntry(f"─{letter} {'reading' if source.reading else 'no step yet'}", number)]
    if axes.measure == "lr":
        return [LegendEntry(f"─{letter} {short_number(float(y[-1]))}", number)]
    newest = last_smooth(y, reach_for(len(y), axes.smoothing)) * scale
    if axes.measure != "loss":
        return [LegendEntry(f"─{letter} {short_number(newest)}", number)]
    entries = [LegendEntry(f"─{letter} train {short_number(newest)}", number)]
    if len(source.history.evals):
        newest = source.history.last("eval.val_loss") * scale
        entries.append(LegendEntry(f"•{letter} val {short_number(newest)}", number))
    return entries


def last_smooth(y: Column, reach: int) -> float:
    """The newest smoothed value: the mean of the last ``reach + 1`` finite ones; NaN if the newest is not finite."""
    tail = [v for v in y[-(reach + 1) :].tolist() if math.isfinite(v)]
    return sum(tail) / len(tail) if tail and math.isfinite(float(y[-1])) else math.nan


def trend(y: Column, cells: int) -> tuple[float, ...]:
    """A small trend: the whole column as at most ``cells`` values, the highest of each part so that spikes show."""
    import numpy as np

    n = len(y)
    if n <= cells:
        return tuple(y.tolist())
    clean = np.where(np.isfinite(y), y, -np.inf)
    starts = np.arange(cells) * n // cells
    best = np.maximum.reduceat(clean, starts)
    return tuple(np.where(np.isfinite(best), best, np.nan).tolist())


def ends(figure: Figure) -> tuple[float, float]:
    """The first and last round tick of a figure's x axis (for a pane that says its range in words)."""
    ticks = linear_ticks(*figure.x_range, 4)
    return (ticks[0], ticks[-1]) if ticks else figure.x_range
