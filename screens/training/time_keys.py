"""The time machine and the crosshair of the training screen: where in a run the numbers, the sample and the plot are.

Abstract: ``TrainingScreen`` completes it.
"""

from __future__ import annotations

from textual import on

from screens.guard import guarded
from screens.training.plot_keys import PlotKeys
from screens.widgets.curve import Curve
from screens.widgets.error_card import ErrorCard
from screens.widgets.timeline import Timeline


class TimeKeys(PlotKeys):
    """The step that is looked at."""

    def action_scrub(self, by: int) -> None:
        """One checkpoint back or forward."""
        self.body.time.action_move(by)

    @on(Timeline.Moved)
    @guarded
    def _moved(self, message: Timeline.Moved) -> None:
        self.body.show_target(message.step, self.reading, self.axes)
        if message.step is None:
            self.release_sentence()
        elif self.reading is not None and self.reading.detail is not None:
            enter = not isinstance(self.focused, ErrorCard)  # there it is the card's first door
            self.hold(self.body.target_sentence(message.step, self.reading.detail, enter=enter))

    @on(Timeline.Activated)
    @guarded
    def _activated(self, message: Timeline.Activated) -> None:
        self.load_step(message.step)

    def action_load(self) -> None:
        """Loads the target into the workbench."""
        self.body.time.action_activate()

    @on(Curve.Crosshair)
    def _crosshair(self, message: Curve.Crosshair) -> None:
        self.body.show_crosshair(message.x, self.axes)

    @on(Curve.Picked)
    def _picked(self, message: Curve.Picked) -> None:
        self.body.go_near(message.x, self.reading, self.axes)
