"""The thread side of the dashboard: looks at the disk and hands back one frozen ``Reading``.

The screen says what it wants (``Wanted``), a worker calls ``look``, the answer comes as a message. All files are opened
here and nowhere else in the screen; histories live in this object and are touched by one worker at a time.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import LabError
from core.folders import runs_dir
from screens.training.log import LogLine, log_lines
from screens.training.machine import Load, Machine
from screens.training.measured import Measured
from screens.training.plots import Axes, Plot, Source, plot_for, trend
from screens.training.view import RunView, settings_of, view_at, view_of

if TYPE_CHECKING:
    from core.training.ahead import ReadAhead
    from core.training.events import SampleEvent
    from core.training.foreign.run import ForeignRun
    from core.training.history import History
    from core.training.references import Reference
    from core.training.runs import Run, RunSummary
    from core.training.status import Answer

CHUNK = 2 << 20
"""Bytes of metrics read in one go: about 20 ms of parsing."""
READ_FOR = 0.4
"""Seconds that one look reads on in what is new: what else it does is done again for each, whatever it has read."""
LIST_EVERY = 1.0
TREND_CELLS = 240
SAMPLES = 40


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the screen shows, and so what must be read."""

    folder: Path
    opened: tuple[Path, ...] = ()
    """Runs from other places that were opened by hand."""
    shown: Path | None = None
    overlays: tuple[Path, ...] = ()
    axes: Axes = field(default_factory=Axes)
    columns: int = 60


@dataclass(frozen=True, slots=True)
class Saved:
    """Weights in the time machine: a checkpoint or a snapshot."""

    step: int
    path: Path
    full: bool


@dataclass(frozen=True, slots=True)
class EvalPoint:
    """One evaluation, for the time machine's values."""

    step: int
    train_loss: float
    val_loss: float


@dataclass(frozen=True, slots=True)
class Detail:
    """All that is shown of the run under the cursor."""

    view: RunView
    trends: dict[str, tuple[float, ...]]
    samples: tuple[SampleEvent, ...]
    """Newest first."""
    log: tuple[LogLine, ...]
    """Newest first."""
    saved: tuple[Saved, ...]
    evals: tuple[EvalPoint, ...]
    answers: tuple[Answer, ...]
    bundled: bool
    in_runs_dir: bool
    """Whether its name alone names it."""
    end_title: str
    end_hint: str
    measured: Measured = field(repr=False)
    """The columns that the view was made from, for what it was at an earlier step."""

    def at(self, step: int | None) -> RunView:
        """The numbers at a step of the time machine; None: now."""
        return self.view if step is None else view_at(self.view, self.measured, step)

    def spec(self, step: int) -> str:
        """How the weights of a step are named everywhere: ``NAME@STEP``, by path for a run from elsewhere."""
        return f"{self.view.name if self.bundled or self.in_runs_dir else self.view.path}@{step}"


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the disk."""

    wanted: Wanted
    runs: tuple[RunSummary, ...]
    detail: Detail | None
    plot: Plot | None
    letters: dict[Path, str]
    load: Load | None
    more: bool
    """Whether there was more to read: look again at once."""
    changed: bool
    """Whether the metrics of a shown run grew since the last look."""
    problem: LabError | None = None
    list_problem: LabError | None = None

    @property
    def news(self) -> tuple[object, ...]:
        """What a person should see at once: which runs there are, their states, answers, problems."""
        detail = self.detail
        shown = (detail.view.path, detail.view.state, detail.view.message, detail.answers) if detail else ()
        return (tuple((r.path, r.state) for r in self.runs), shown, self.problem, self.list_problem)


@dataclass
class _Watched:
    run: Run | ForeignRun
    history: History
    ahead: ReadAhead | None = None
    """Where it is read as long as that has not come to its end."""
    looked: bool = False
    version: int = -1

    def read_on(self, deadline: float) -> bool:
        """Reads what is new until then, or waits for who reads it; whether there is more."""
        if self.ahead is not None:
            first, self.looked = not self.looked, True
            # At the first look all else that is known of the run is shown without delay.
            if not self.ahead.wait(0.0 if first else deadline - time.monotonic()):
                return True
            self.ahead.hand_over(self.history)
            self.ahead = None
        while (left := self.history.update(CHUNK)) and time.monotonic() < deadline:
            pass
        return left

    def close(self) -> None:
        """Nobody looks at it any more."""
        if self.ahead is not None:
            self.ahead.cancel()


class DashboardReader:
    """Keeps the runs that are shown open, and reads on in them."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._watched: dict[Path, _Watched] = {}
        self._foreign: dict[Path, tuple[ForeignRun, _Watched]] = {}
        """Kept while they are listed: nothing else knows their numbers."""
        self._runs: tuple[RunSummary, ...] = ()
        self._listed: tuple[float, Wanted | None] = (-LIST_EVERY, None)
        self._list_problem: LabError | None = None
        self._machine = Machine()
        self._references: tuple[Reference, ...] | None = None
        self._plotted: tuple[object, Plot | None] = (None, None)

    def look(self, wanted: Wanted) -> Reading:
        """Reads what is new and works out all that is shown; takes a few milliseconds once it has caught up."""
        with self._guard:
            return self._look(wanted)

    def _look(self, wanted: Wanted) -> Reading:
        self._list(wanted)
        shown = self._shown(wanted)
        paths = [p for p in (shown, *wanted.overlays) if p is not None]
        paths = list(dict.fromkeys(paths))[:4]
        for gone in self._watched.keys() - set(paths):
            self._watched.pop(gone).close()
        more = changed = False
        problem: LabError | None = None
        watched: list[_Watched] = []
        deadline = time.monotonic() + READ_FOR
        for path in paths:
            try:
                one = self._watched.get(path) or self._open(path)
            except LabError as error:
                problem = error if path == shown else problem
                continue
            more |= one.read_on(deadline)
            changed |= one.version != one.history.version
            one.version = one.history.version
            watched.append(one)
        detail = plot = None
        if watched and problem is None:
            detail = self._detail(watched[0], wanted.axes)
            plot = self._plot(watched, wanted)
        letters = {p: "ABCD"[i] for i, p in enumerate(paths)} if len(paths) > 1 else {}
        load = self._machine.load(detail.view if detail else None)
        return Reading(wanted, self._runs, detail, plot, letters, load, more, changed, problem, self._list_problem)

    def _shown(self, wanted: Wanted) -> Path | None:
        """The run that was asked for, or the newest, also in place of one that was deleted while it was shown."""
        shown = wanted.shown or (self._runs[0].path if self._runs else None)
        known = shown is not None and (shown in self._watched or shown != wanted.shown)
        if shown is None or not known or shown.exists():
            return shown
        if shown in self._watched:
            self._watched.pop(shown).close()
        self._listed = (-LIST_EVERY, None)  # the list is younger than a second, and names it still
        self._list(wanted)
        return self._runs[0].path if self._runs else None

    def _plot(self, watched: list[_Watched], wanted: Wanted) -> Plot | None:
        """The figure, worked out again only when something in it can have changed."""
        sources = [_source(w) for w in watched]
        seen = [(w.run.path, w.history.version, s.max_steps) for w, s in zip(watched, sources, strict=True)]
        key = (wanted.axes, wanted.columns, seen)
        if self._plotted[0] != key:
            self._plotted = (key, plot_for(sources, wanted.axes, wanted.columns, self.references()))
        return self._plotted[1]

    def _open(self, path: Path) -> _Watched:
        from core.training.ahead import reading
        from core.training.rundir import METRICS
        from core.training.runs import Run
        from core.training.watched import open_watched

        if path in self._foreign:
            self._watched[path] = one = self._foreign[path][1]
            return one
        bundled = any(s.bundled for s in self._runs if s.path == path)
        run = Run(path, bundled=True) if bundled else open_watched(path)
        self._watched[path] = one = _Watched(run, run.history(), None if run.foreign else reading(path / METRICS))
        return one

    def _strangers(self, paths: tuple[Path, ...]) -> list[RunSummary]:
        """The runs of other programs among those that were opened, each read a little further."""
        if not paths and not self._foreign:
            return []  # what knows their formats takes longer to import than the first screen has
        from core.training.foreign.recognise import open_foreign
        from core.training.run import is_run

        found = []
        for gone in self._foreign.keys() - set(paths) - self._watched.keys():
            del self._foreign[gone]
        for path in paths:
            if path not in self._foreign:
                try:
                    if is_run(path):
                        continue
                    run = open_foreign(path)
                except LabError:  # said when it is shown
                    continue
                self._foreign[path] = run, self._watched.get(path) or _Watched(run, run.history())
            foreign, one = self._foreign[path]
            one.history.update(CHUNK // 8)
            found.append(foreign.summary(one.history))
        return found

    def _list(self, wanted: Wanted) -> None:
        from core.training.runs import list_runs

        at, before = self._listed
        same = before is not None and (before.folder, before.opened) == (wanted.folder, wanted.opened)
        if same and time.monotonic() - at < LIST_EVERY:
            return
        try:
            others = (*_others(wanted.opened), *self._strangers(wanted.opened))
            self._runs = (*list_runs(wanted.folder, bundled=True), *others)
            self._list_problem = None
        except LabError as error:
            self._list_problem = error
        self._listed = (time.monotonic(), wanted)

    def references(self) -> tuple[Reference, ...]:
        """The published losses."""
        if self._references is None:
            from core.training.references import REFERENCES

            self._references = tuple(REFERENCES)
        return self._references

    def _detail(self, one: _Watched, axes: Axes) -> Detail:
        run, history = one.run, one.history
        status = run.status()
        measured = Measured.of(history, run.meta, axes.smoothing, foreign=run.foreign)
        view = view_of(run, status, run.state, history, measured)
        table = history.step_table
        names = ("lr", "grad_norm", "tokens_per_second", "loss")
        end = history.end
        return Detail(
            view=view,
            trends={n: trend(table.column(n), TREND_CELLS) for n in names},
            samples=tuple(history.samples)[: -SAMPLES - 1 : -1],
            log=(*_read_as(run), *log_lines(history)),
            saved=_saved(run),
            evals=tuple(
                EvalPoint(int(s), float(t), float(v))
                for s, t, v in zip(*history.columns("eval.step", "eval.train_loss", "eval.val_loss"), strict=True)
            )[-2000:],
            answers=status.answers,
            bundled=run.bundled,
            in_runs_dir=run.path.resolve().parent == runs_dir().resolve(),
            end_title=end.title if end else "",
            end_hint=end.hint if end else "",
            measured=measured,
        )


def _source(one: _Watched) -> Source:
    run = one.run
    corpus = run.meta.get("corpus") or {}
    settings = settings_of(run.meta, one.history.resumes)
    return Source(
        run.name,
        one.history,
        run.status().max_steps or int(settings.get("max_steps") or 0),
        corpus.get("bytes_per_token"),
        str(run.meta.get("tokenizer") or settings.get("tokenizer", "")),
        str(corpus.get("name") or settings.get("corpus", "")),
        reading=one.ahead is not None,
    )


def _read_as(run: Run | ForeignRun) -> tuple[LogLine, ...]:
    """Of a run of another program what was read as what."""
    return tuple(LogLine(0, 0.0, line) for line in run.log()) if run.foreign else ()


def _saved(run: Run | ForeignRun) -> tuple[Saved, ...]:
    """Every step with weights; where a checkpoint and a snapshot share a step, the full checkpoint counts."""
    found = {s.step: Saved(s.step, s.path, False) for s in run.snapshots}
    found.update({c.step: Saved(c.step, c.path, True) for c in run.checkpoints})
    return tuple(found[step] for step in sorted(found))


def _others(paths: tuple[Path, ...]) -> list[RunSummary]:
    from core.training.runs import list_runs

    found: list[RunSummary] = []
    for folder in dict.fromkeys(p.parent for p in paths):
        found += [s for s in list_runs(folder) if s.path in paths]
    return found
