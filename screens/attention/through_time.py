"""The view *Time*: the same head and text over the kept steps of a training run, also while it trains.

Above the map of the head at one step, below its measures as curves over all steps, and the steps on a line: ``,`` and
``.`` (or left and right) move along it. Everything is read in threads, from the run's files alone.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, final

import numpy as np
from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Static

from core.errors import LabError
from screens.attention.history import CURVES, Curves, History, figure_of, legend_of, value_at
from screens.attention.pattern import PatternMap
from screens.attention.seen import Place, Seen
from screens.attention.through_time_engine import TimeEngine
from screens.attention.view import figure, head_text, measure_of, written
from screens.widgets.curve import Curve
from screens.widgets.heat_map import HeatMap
from screens.widgets.ramps import Look, series
from screens.widgets.take_away import TakeAwayRequest
from screens.widgets.timeline import Timeline

WIDE = 72
"""Columns for a legend with whole words."""
COMING = "the measures come step by step"
LOW, HIGH = 7, 16
"""Rows of the plot; in between, two fifths of what there is."""


@final
class TimeView(TimeEngine):
    """The head as the model learned."""

    NAME = "time"
    DEFAULT_CSS = """
    TimeView > Static { height: 1; width: 1fr; }
    TimeView > HeatMap { height: 1fr; min-height: 4; }
    TimeView > Curve { height: 9; }
    """

    class Load(Message):
        """The weights of a step are wanted on the workbench."""

        def __init__(self, spec: str) -> None:
            super().__init__()
            self.spec = spec

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.curves = CURVES[0]
        self._spec = ""

    def compose(self) -> ComposeResult:
        """Heading, map, legend, curves, line."""
        yield Static(id="a-time-head", markup=False)
        yield PatternMap(id="a-time-map")
        yield Static(id="a-time-legend", markup=False)
        yield Curve(id="a-time-curve")
        yield Timeline(id="a-time-line")

    @property
    def map(self) -> PatternMap:
        """The head at the chosen step."""
        return self.query_one(PatternMap)

    @property
    def curve(self) -> Curve:
        """Its measures over the steps."""
        return self.query_one(Curve)

    @property
    def line(self) -> Timeline:
        """The steps."""
        return self.query_one(Timeline)

    @property
    def target(self) -> Timeline:
        """The line."""
        return self.line

    @property
    def at(self) -> int | None:
        """The step that is looked at: the chosen one, or the newest."""
        return self.line.target if self.line.target is not None else self.history.newest if self.history else None

    def on_mount(self) -> None:
        """What an empty plot says."""
        self.curve.empty_text = COMING

    def on_resize(self) -> None:
        """Where there are few rows the plot leaves some to the map."""
        self.curve.styles.height = max(LOW, min(HIGH, self.size.height * 2 // 5))
        self._draw_words()

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        super().wear(look)
        self.map.wear(look)
        self.curve.wear(plain=not look.ramps, ascii_only=look.ascii)
        self.line.wear(ascii_only=look.ascii)
        self._draw_words()

    def about(self) -> str:
        """Which head, at which step."""
        step = f" · step {self.at:,}" if self.at is not None else ""
        return super().about() + step

    # --- what is asked

    def show(self, seen: Seen | None, place: Place) -> None:
        """Another text, model or place; a run that is measured already goes on being so."""
        before = self.seen
        super().show(seen, place)
        if not self.shown:
            return
        if seen is None:
            self.give_up()
            self.map.clear("")
            return
        if before is not None and before.stamp != seen.stamp:
            self.patterns.forget()
        if self.follow(seen):
            self.line.go_to(None)
            self.line.show((), 0, 0)
            self.map.clear("")
        elif self.history is not None and self._spec != seen.spec:
            self.history.wanted = History.of_seen(seen).wanted  # the workbench has gone to another step, this goes too
            self._go_to_wanted()
        self._spec = seen.spec
        self.subtitle(", . another step · o other curves · enter loads it")
        self._draw_words()
        self._draw_curves()
        self.ask_pattern()
        self._put_cursor()

    def history_came(self) -> None:
        """More is known of the run."""
        history = self.history
        assert history is not None
        refused = history.error is not None and not history.steps
        if refused and history.error is not None:
            self.map.clear(f"{history.error.title}\n{history.error.hint}")
        self.curve.empty_text = "" if refused else COMING
        self._show_line(self.line.target)
        self._go_to_wanted()
        self._draw_words()
        self._draw_curves()
        self.ask_pattern()
        self.post_message(self.Said(self.sentence()))

    def pattern_came(self, error: LabError | None) -> None:
        """The map of the step that is looked at came, or why it could not."""
        if error is not None and self.history is not None and self.at not in self.history.there:
            self.map.clear(f"the weights of step {self.at:,} are not kept any more\n, and . go to steps that are")
        elif error is not None:
            self.map.clear(f"step {self.at}: {error.title}\n{error.hint}")
        elif self.pattern is not None and self.drawn is not None:
            labels, mask = self.drawn[0].labels, np.triu(np.ones(self.pattern.shape, bool), 1)
            self.map.fill(self.pattern, row_labels=labels, column_labels=labels, scale=(0.0, 1.0), mask=mask)
            self._put_cursor()
        self._draw_words()
        self.post_message(self.Moved(self.place))  # the title says which step
        self.post_message(self.Said(self.sentence()))

    def _go_to_wanted(self) -> None:
        history = self.history
        if history is not None and history.wanted is not None and history.wanted in history.steps:
            self._show_line(history.wanted)
            self.line.go_to(history.wanted)
            history.wanted = None

    def _show_line(self, looked_at: int | None) -> None:
        history = self.history
        if history is not None:
            self.line.show(history.stops(looked_at), history.now, max(history.maximum, history.now))

    # --- what is drawn

    def _draw_words(self) -> None:
        history, step = self.history, self.at
        if history is None or not self.is_mounted:
            return
        where = (
            "" if step is None else f"{history.run} at step {step:,}{' (newest)' if self.line.target is None else ''}"
        )
        stops = "" if history.ended else "esc stops"
        if self.seen is not None and self.seen.off:
            stops = f"{stops} · all heads on".removeprefix(" · ")
        curves = f"curves {self.curves.title}" if history.steps else ""
        state = "" if history.error is not None and not history.steps else history.state()  # the map says it
        said = " · ".join(part for part in (where, stops, state, curves) if part)
        self.query_one("#a-time-head", Static).update(said, layout=False)
        head = (self.place.layer, self.place.head)
        legend = Text(no_wrap=True, end="", overflow="ellipsis")
        colours = series(self.app.current_theme.dark)
        shown = history.steps or history.error is None
        for words, which in legend_of(history, step, head, self.curves, brief=self.size.width < WIDE) if shown else ():
            legend.append(f"{words} ", Style(color=colours[which]) if self.look.ramps else Style())
        self.query_one("#a-time-legend", Static).update(legend, layout=False)

    def _draw_curves(self) -> None:
        if self.history is not None:
            self.curve.show(figure_of(self.history, (self.place.layer, self.place.head), self.curves))
            self.curve.set_target(None if self.at is None else float(self.at))

    def _put_cursor(self) -> None:
        row, column, _ = self.map.place
        if self.pattern is not None and (row, column) != (self.place.row, self.place.column):
            self.map.go_to(self.place.row, self.place.column)

    # --- hands

    def step(self, by: int) -> bool:
        """The step before or after."""
        self.line.action_move(by)
        return True

    def release(self) -> bool:
        """Stops measuring; after that, goes back to the newest step."""
        if self.history is not None and not self.history.ended and not self.history.cancel.is_set():
            self.history.cancel.set()
            return True
        had = self.line.target is not None
        self.line.go_to(None)
        return had

    def other(self, by: int) -> bool:
        """Other measures."""
        self.choose(CURVES[(CURVES.index(self.curves) + by) % len(CURVES)])
        return True

    def choose(self, curves: Curves) -> None:
        """These measures."""
        self.curves = curves
        self._draw_words()
        self._draw_curves()
        self.post_message(self.Said(self.sentence()))

    @on(Timeline.Moved)
    def _moved(self, event: Timeline.Moved) -> None:
        event.stop()
        self._show_line(self.line.target)
        self._draw_words()
        self._draw_curves()
        self.ask_pattern()
        self.post_message(self.Moved(self.place))
        self.post_message(self.Said(self.sentence()))

    @on(Timeline.Activated)
    def _activated(self, event: Timeline.Activated) -> None:
        event.stop()
        if self.history is not None:
            self.post_message(self.Load(f"{self.history.run}@{event.step}"))

    @on(Curve.Picked)
    def _picked(self, event: Curve.Picked) -> None:
        event.stop()
        if self.line.steps:
            self.line.go_to(min(self.line.steps, key=lambda step: abs(step - event.x)))

    @on(HeatMap.Highlighted)
    def _cell(self, event: HeatMap.Highlighted) -> None:
        event.stop()
        at = self.place.at(row=event.row, column=event.column)
        if (event.heat_map.has_focus or event.heat_map.mouse_hover) and at != self.place and at.column <= at.row:
            self.place = at
            self.post_message(self.Moved(at))

    # --- what is said and taken away

    def sentence(self) -> str:
        """The step, the head and the cell in words."""
        history, step = self.history, self.at
        if history is None or step is None:
            return history.state() if history is not None else ""
        head = (self.place.layer, self.place.head)
        value = value_at(history, step, head, self.curves.names[0], self.curves.on_text)
        measure = measure_of(self.curves.names[0]).title
        on_what = "on this text" if self.curves.on_text else "on random tokens"
        said = f"{history.run}@{step} · {head_text(head)} · {measure} {figure(value)} {on_what}"
        if self.pattern is not None and self.drawn is not None and self.drawn[2] == step and self.seen is not None:
            row, column = self.place.row, self.place.column
            asks, looked = written(self.seen.pieces[row]), written(self.seen.pieces[column])
            said += f" · from ‘{asks}’ to ‘{looked}’ · weight {figure(float(self.pattern[row, column]))}"
        return said

    def take_away(self) -> TakeAwayRequest | None:
        """The measures of the head over the steps as Python, command and numbers."""
        history, seen = self.history, self.seen
        if history is None or seen is None or not history.steps:
            return None
        names, head = [*CURVES[0].names, "entropy", "distance"], (self.place.layer, self.place.head)
        rows: list[tuple[Any, ...]] = [
            (step, on, *(value_at(history, step, head, name, on == "text") for name in names))
            for step in history.known
            for on in ("random", "text")
        ]
        shown = "told.text" if self.curves.on_text else "told.random or told.text"  # as ``profiles_at`` has it
        python = (
            "from core.model.through_time import StepSkipped, head_history\n\n"
            f"names = {list(self.curves.names)!r}  # the curves that are shown: {self.curves.title}\n"
            f"for told in head_history({history.run!r}, {list(seen.ids)!r}):\n"
            "    if not isinstance(told, StepSkipped):\n"
            f"        found = {shown}\n"
            f"        print(told.step, *(float(found[name][{head[0]}, {head[1]}]) for name in names))\n"
        )
        drawn, curves = figure_of(history, head, self.curves), self.curves

        def draw(path: Path) -> None:
            from core.model.pictures.figures import history_figure, save_figure

            values = {line.label: line.y for line in drawn.lines}
            named = "share of attention" if len(values) > 1 else curves.names[0]
            title = f"{history.run} · {head_text(head)} · {curves.title}"
            save_figure(history_figure([int(step) for step in drawn.lines[0].x], values, named, title=title), path)

        return TakeAwayRequest(
            what=f"time-{history.run.rpartition('/')[2]}-l{head[0]}-h{head[1]}",
            python=python,
            command=shlex.join(["llm-lab", "heads", history.run, seen.text, "--over-steps", "--json"]),
            data={
                "run": history.run,
                "ids": list(seen.ids),
                "steps": [history.steps[s].to_dict() for s in history.known],
            },
            table=(("step", "measured_on", *names), rows),
            figure=draw,
            vector=True,
            pane=self.parent,  # type: ignore[arg-type]
        )
