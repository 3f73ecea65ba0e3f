"""The keys of the big plot: which runs lie over each other, what is measured, how the axes count.

Abstract: ``TrainingScreen`` reads what these ask for and paints it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from screens.guard import guarded
from screens.training.actions import RunActions
from screens.training.panes import TrainingBody
from screens.training.plots import MEASURES, Axes, reference_sentence

if TYPE_CHECKING:
    from core.workbench import Workbench


class PlotKeys(RunActions):
    """What the plot shows."""

    def __init__(self, workbench: Workbench, runs_dir: Path, *, name: str | None = None) -> None:
        super().__init__(workbench, runs_dir, name=name)
        self.axes = Axes()
        self._overlays: tuple[Path, ...] = ()

    @property
    def body(self) -> TrainingBody:
        """The panes."""
        return self.query_one(TrainingBody)

    @guarded
    def action_overlay(self) -> None:
        """Lays the run under the cursor over the others, or takes it off."""
        path = self.body.list.cursor
        if path is None:
            return
        if path in self._overlays:
            self._overlays = tuple(p for p in self._overlays if p != path)
            self.hold(f"overlay off: {path.name}")
        elif len(self._overlays) >= 4:
            self.hold("four runs are the most that can be told apart: c on one of them takes it off")
            return
        else:
            self._overlays = (*self._overlays, path)
            letter = dict(enumerate("BCD", 1)).get(len(self._overlays), "")  # A is the run under the cursor
            self.hold(f"overlay {letter}: {path.name} · it stays in the plot when you move to another run")
        self.look_now()

    def _axes(self, **changes: Any) -> None:
        self.axes = replace(self.axes, **changes)
        self.look_now()

    def action_measure(self) -> None:
        """The next measure in the big plot."""
        self.axes = self.axes.next_measure()
        self.hold(f"the plot shows {MEASURES[self.axes.measure]}")
        self.look_now()

    def action_axis(self) -> None:
        """Steps, tokens or time."""
        self.axes = self.axes.next_unit()
        self.hold(f"x counts {'seconds of training' if self.axes.unit == 'time' else self.axes.unit}")
        self.look_now()

    def action_smoothing(self) -> None:
        """None, light, usual, heavy."""
        self.axes = self.axes.next_smoothing()
        self.hold(f"smoothing: {('none', 'light', 'usual', 'heavy')[self.axes.smoothing]}")
        self.look_now()

    def action_log(self) -> None:
        """Logarithmic y on or off."""
        self.hold("y is logarithmic" if not self.axes.log else "y is linear")
        self._axes(log=not self.axes.log)

    def action_whole(self) -> None:
        """The x axis to the planned end, or just past the newest point."""
        self.hold("x reaches to the planned end" if not self.axes.whole else "x reaches just past the newest point")
        self._axes(whole=not self.axes.whole)

    def action_references(self) -> None:
        """Published losses as lines, each with its source and configuration."""
        self._axes(references=not self.axes.references)
        plot = self.reading.plot if self.reading is not None else None
        if not self.axes.references:
            self.hold("no reference lines")
        elif plot is None or plot.no_references:
            self.hold(f"no reference lines: {plot.no_references if plot is not None else 'no run is shown'}")
        else:
            self.hold(reference_sentence(plot), 20, rows=6)

    def action_view(self) -> None:
        """Samples or log."""
        self.body.next_text()
