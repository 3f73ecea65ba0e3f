"""The values on the weights screen: reading the tensor under the cursor, and the figures of the tree's column.

Abstract: ``WeightsScreen`` completes it. The threads are here, what they do is in ``reader``.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on, work
from textual.timer import Timer

from core.errors import LabError
from core.shelf import split_spec
from screens.guard import as_lab_error, guarded
from screens.weights.messages import Surveyed, TensorRead
from screens.weights.offers import WeightOffers
from screens.weights.reader import SURVEY_ALL, Looked, Opened, Settings, Stamp, look, survey
from screens.weights.view import FROM_VALUES, row_of

if TYPE_CHECKING:
    from core.weights.inspect import TensorStats
    from core.workbench import Workbench

SETTLED = 0.06
"""Seconds that the cursor rests on a tensor before its values are read."""


class WeightLooking(WeightOffers):
    """The part of the screen that reads values."""

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self._known: dict[tuple[str, Stamp], dict[str, TensorStats]] = {}
        self._looked: Looked | None = None
        self._scales: dict[tuple[str, str], tuple[str, tuple[float, float], tuple[float, float]]] = {}
        self._look_number = 0
        self._stop_look, self._stop_survey = threading.Event(), threading.Event()
        self._look_timer: Timer | None = None
        self._asked: frozenset[str] = frozenset()

    @property
    def looked(self) -> Looked | None:
        """What was read of the tensor under the cursor."""
        return self._looked

    @property
    def stats(self) -> dict[str, TensorStats]:
        """The figures of this model's tensors that are known so far."""
        opened = self.opened
        return self._known.setdefault((opened.spec, opened.stamp), {}) if opened is not None else {}

    # --- the tensor under the cursor

    def forget_looked(self) -> None:
        """No tensor is under the cursor."""
        self._stop_look.set()
        self._looked = None

    def look_soon(self) -> None:
        """Reads the tensor under the cursor once it rests there; what is read of another one is stopped at once."""
        self._stop_look.set()
        if self._look_timer is not None:
            self._look_timer.stop()
        self._look_timer = self.set_timer(SETTLED, self.look_now)

    def look_now(self) -> None:
        """Reads the tensor under the cursor."""
        opened = self.opened
        if opened is None or opened.weights is None or not self.body.tensor_tree.key:
            return
        row = row_of(opened.tensors, self.body.tensor_tree.key)
        if row.info is None:
            return
        self._look_number += 1
        self._stop_look.set()
        self._stop_look = threading.Event()
        locked = self._scales.get(self._scale_key(row.name))
        limits = locked[1] if locked is not None else None
        how = self.settings if self.settings.bins else replace(self.settings, bins=self.body.bins)
        self._look(opened, row.name, self._look_number, how, limits, self._stop_look, self.stats.get(row.name))

    @work(thread=True, group="look", exit_on_error=False, description="read a tensor")
    def _look(
        self,
        opened: Opened,
        name: str,
        number: int,
        settings: Settings,
        limits: tuple[float, float] | None,
        cancelled: threading.Event,
        known: TensorStats | None,
    ) -> None:
        try:
            for found in look(opened, name, settings, limits, cancelled, known):
                if cancelled.is_set():
                    return
                self.post_message(TensorRead(number, found))
        except Exception as error:  # also what a file that vanished makes of numpy
            if not cancelled.is_set():
                self.post_message(TensorRead(number, as_lab_error(error)))

    @on(TensorRead)
    @guarded
    def _tensor_read(self, message: TensorRead) -> None:
        opened = self.opened
        if message.generation != self._look_number or opened is None:
            return
        if isinstance(message.found, LabError):
            doors = [("r", "read again", "again"), ("u", "use the demo", "app.use_demo")]
            self.problem(self.body.alert, message.found, doors)
            return
        found = self._looked = message.found
        if found.stats is not None:
            self.stats[found.name] = found.stats
            self.body.show_detail(row_of(opened.tensors, found.name), opened.tensors, found.stats)
            self.body.tensor_tree.refresh()
        if found.stats is not None and found.histogram is not None and not found.histogram.sampled:
            ends = (float(found.histogram.edges[0]), float(found.histogram.edges[-1]))
            self._scales.setdefault(
                self._scale_key(found.name), (opened.spec, ends, (found.stats.min, found.stats.max))
            )
        self.repaint()

    def repaint(self) -> None:
        """Draws what was read."""
        found = self._looked
        if found is None:
            return
        locked = self._scales.get(self._scale_key(found.name))
        scale = locked[2] if locked is not None else None
        if scale is None and found.stats is not None:
            scale = (found.stats.min, found.stats.max)
        self.body.show_values(found, self.settings, scale, locked_by=locked[0] if locked is not None else "")

    def _scale_key(self, name: str) -> tuple[str, str]:
        """Steps of one run share their scales, so that stepping through them shows what changes."""
        return split_spec(self.spec)[0], name

    def forget_scales(self) -> None:
        """The next look has a scale of its own."""
        self._scales.clear()

    # --- figures for the column

    def stop_survey(self) -> None:
        """Looks through no more tensors."""
        self._stop_survey.set()

    def survey_anew(self) -> None:
        """Looks through what is in sight, also if that was asked for before."""
        self._asked = frozenset()
        self.survey_now()

    def survey_now(self) -> None:
        """Reads what the tree's column says of the rows in sight, then of the others."""
        opened = self.opened
        wide = self.body.tensor_tree.size.width >= 122
        if opened is None or opened.weights is None or not (self.measure in FROM_VALUES or wide):
            return
        seen = [key for key in self.body.tensor_tree.keys_seen if not key.startswith("block ")]
        rest = [i.name for i in opened.tensors] if opened.tensors.parameters <= SURVEY_ALL else []
        wanted = [name for name in dict.fromkeys([*seen, *rest]) if name not in self.stats]
        if not wanted or frozenset(seen) <= self._asked:
            return
        self._asked = frozenset(seen)
        self._stop_survey.set()
        self._stop_survey = threading.Event()
        self._survey(opened, wanted, self._stop_survey)

    @work(thread=True, group="survey", exit_on_error=False, description="look through a model's tensors")
    def _survey(self, opened: Opened, names: list[str], cancelled: threading.Event) -> None:
        def tell(found: dict[str, TensorStats]) -> None:
            self.post_message(Surveyed(opened.spec, opened.stamp, found))

        try:
            survey(opened, names, cancelled, tell)
        except Exception as error:  # the tensor under the cursor says it; here it is only a column
            if not isinstance(error, (LabError, OSError)):
                raise

    @on(Surveyed)
    @guarded
    def _surveyed(self, message: Surveyed) -> None:
        self._known.setdefault((message.spec, message.stamp), {}).update(message.found)
        self.body.tensor_tree.refresh()
        opened = self.opened
        if opened is not None and self.body.tensor_tree.key in message.found:
            row = row_of(opened.tensors, self.body.tensor_tree.key)
            self.body.show_detail(row, opened.tensors, self.stats.get(row.name))
