"""Screen 6: look inside a model's files: names, shapes, values, what it weighs, and what moved between two of them.

The screen owns what is shown and paints it; files are read in workers (``weights_reader``), words and figures are made
in ``weights_view``, panes are in ``weights_panes``, keys in ``weights_keys``, fetching in ``weights_files``.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, final

from textual import events, on, work
from textual.app import ComposeResult
from textual.timer import Timer

from core.errors import LabError, ModelSpecError
from core.shelf import GPT2_SIZES, split_spec
from screens.guard import as_lab_error, guarded
from screens.weights.files import BEATS, EVERY
from screens.weights.messages import ModelRead, Surveyed, TensorRead
from screens.weights.offers import WeightOffers
from screens.weights.panes import WeightsBody
from screens.weights.reader import SURVEY_ALL, Looked, Opened, Settings, Stamp, look, open_model, survey
from screens.weights.style import STYLE
from screens.weights.view import FROM_VALUES, bytes_text, row_of, sentence, title_of
from screens.widgets.ramps import Look
from screens.widgets.tensor_tree import TensorTree

if TYPE_CHECKING:
    from core.weights.inspect import TensorStats
    from core.workbench import Bench, Workbench

SETTLED = 0.06
"""Seconds that the cursor rests on a tensor before its values are read, and the terminal before they are recounted."""


@final
class WeightsScreen(WeightOffers):
    """The screen."""

    DEFAULT_CSS = STYLE
    LAB_NAME = "Weights"

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self._spec = workbench.a
        self._opened: Opened | None = None
        self._known: dict[tuple[str, Stamp], dict[str, TensorStats]] = {}
        self._looked: Looked | None = None
        self._scales: dict[tuple[str, str], tuple[str, tuple[float, float], tuple[float, float]]] = {}
        self._open_number = self._look_number = 0
        self._stop_look, self._stop_survey = threading.Event(), threading.Event()
        self._look_timer: Timer | None = None
        self._room_timer: Timer | None = None
        self._asked: frozenset[str] = frozenset()
        self._last_key = ""
        self._beats = 0

    # --- frame

    def compose_body(self) -> ComposeResult:
        """Tree, values, published models; sizes; changes."""
        yield WeightsBody(id="weights")

    def on_mount(self) -> None:
        """Opens what the workbench holds."""
        self._ticker = self.set_interval(EVERY, self._beat)
        self.body.wear(self.look)
        self.body.tensor_tree.focus()
        self.open_spec(self.workbench.a)
        self.look_at_disk()

    def pause_updates(self) -> None:
        """A hidden screen reads nothing."""
        if self._ticker is not None:
            self._ticker.pause()
        self._stop_survey.set()

    def resume_updates(self) -> None:
        """Catches up when shown again."""
        if self._ticker is not None:
            self._ticker.resume()
        self.body.wear(self.look)
        self.look_at_disk()
        self._asked = frozenset()
        self.survey_now()

    def _beat(self) -> None:
        self._beats += 1
        if self._beats % BEATS == 0:
            self.look_at_disk()
            self.survey_now()
        elif any(self.pulling(ref.spec) for ref in GPT2_SIZES):
            self.show_published()

    def look_changed(self, look: Look) -> None:
        """Draws as the terminal can show it now."""
        self.body.wear(look)

    def bench_changed(self, bench: Bench) -> None:
        """Another model, another checkpoint of the same run, another prompt."""
        self.body.twins.stand_beside(bench.a, bench.prompt)
        if bench.a != self._spec:
            self.open_spec(bench.a)
        elif self.body.page == "compare":
            self.compare_now()

    @property
    def body(self) -> WeightsBody:
        """The panes."""
        return self.query_one(WeightsBody)

    @property
    def opened(self) -> Opened | None:
        """The model that is shown."""
        return self._opened

    @property
    def spec(self) -> str:
        """Its name."""
        return self._spec

    @property
    def looked(self) -> Looked | None:
        """What was read of the tensor under the cursor."""
        return self._looked

    @property
    def stats(self) -> dict[str, TensorStats]:
        """The figures of this model's tensors that are known so far."""
        opened = self._opened
        return self._known.setdefault((opened.spec, opened.stamp), {}) if opened is not None else {}

    # --- opening a model

    def open_spec(self, spec: str) -> None:
        """Shows another model, or the same one anew."""
        self._spec = spec
        self._open_number += 1
        self._stop_survey.set()
        self._open(self._open_number, spec)

    @work(thread=True, group="open", exclusive=True, exit_on_error=False, description="open a model's files")
    def _open(self, number: int, spec: str) -> None:
        found: Opened | LabError
        try:
            found = open_model(spec)
        except Exception as error:  # also what a damaged file makes of a reader that trusts it
            found = as_lab_error(error)
        self.post_message(ModelRead(number, spec, found))

    @on(ModelRead)
    @guarded
    def _model_read(self, message: ModelRead) -> None:
        if message.generation != self._open_number:
            return
        found = message.found
        if isinstance(found, LabError):
            doors = [
                ("w", "other model", "app.picker"),
                ("u", "use the demo", "app.use_demo"),
                ("r", "try again", "again"),
            ]
            self.problem(self.body.alert, found, doors)
            if self._opened is None:
                self.body.show_nothing("nothing is open")
            return
        self.solved(self.body.alert)
        self.solved("#w-values")
        first = self._opened is None or self._opened.tensors.config != found.tensors.config
        self._opened, self._looked = found, None
        self._asked = frozenset()
        self.show_tree(first=first)
        self.show_columns()
        self.body.sizes.start_from(found.tensors.config)
        self.show_published()
        if not found.tensors.here:
            self._say_missing()
        self._row_moved()
        self.survey_now()
        if self.body.page == "compare":
            self.compare_now()

    def _say_missing(self) -> None:
        spec = self._spec
        size = next((ref.size for ref in GPT2_SIZES if ref.spec == spec), 0)
        free = f", {bytes_text(self._free)} free" if self._free else ""
        error = ModelSpecError(
            f"{spec} is not on this machine ({bytes_text(size)}{free})",
            "its names, shapes and sizes are known without it; only values are missing",
        )
        doors = [
            ("d", "download", "download"),
            ("o", "open files you have", "open"),
            ("u", "use the demo", "app.use_demo"),
        ]
        self.body.show_nothing("its files are not here", missing=True)
        self.body.show_below("view")
        self.problem("#w-values", error, doors)

    # --- the tree

    def show_tree(self, *, first: bool = False) -> None:
        """The tree anew."""
        if self._opened is None:
            return
        tensors = self._opened.tensors
        names = {info.name for info in tensors}
        found = self.body.show_tree(tensors, title_of(tensors, 0, ""), self.query_words, first=first)
        if self.query_words:
            self.body.query_one("#w-left").border_title = title_of(tensors, found, self.query_words)
        if first:
            self.body.tensor_tree.go_to("h.0.attn.c_attn.weight")
        elif not self.query_words:
            self.body.tensor_tree.go_to(self._last_key)
        elif self.body.tensor_tree.key not in names:  # the filter took the row away: the first that it found
            self.body.tensor_tree.go_to(next((key for key in self.body.tensor_tree.keys if key in names), ""))
        if not found and self.query_words:
            self.say(f"no tensor has ‘{self.query_words}’ in its names, shape or kind · esc takes the words away")

    def show_columns(self) -> None:
        """The columns that there is room for."""
        if self._opened is not None:
            self.body.show_columns(self._opened.tensors, self.stats, self.names, self.measure)

    @on(events.Resize)
    def _room_changed(self) -> None:
        if self._room_timer is not None:
            self._room_timer.stop()
        self._room_timer = self.set_timer(SETTLED, self._measured)

    @on(WeightOffers.SizeChanged)
    def _size_changed(self) -> None:
        self.call_after_refresh(self._measured)

    def _measured(self) -> None:
        self.show_columns()
        self.recount()

    def recount(self) -> None:
        """Counts again if the pane has another width now, which the bins follow."""
        found = self._looked
        counted = found.histogram if found is not None else None
        if not self.settings.bins and counted is not None and len(counted.counts) != self.body.bins:
            self.look_now()

    @on(TensorTree.Measured)
    @guarded
    def _tree_measured(self, event: TensorTree.Measured) -> None:
        event.stop()
        self.show_columns()
        self.survey_now()

    @on(TensorTree.TensorHighlighted)
    @guarded
    def _highlighted(self, event: TensorTree.TensorHighlighted) -> None:
        event.stop()
        self._row_moved()

    @on(TensorTree.Activated, "#w-tree")
    @guarded
    def _chosen(self, event: TensorTree.Activated) -> None:
        event.stop()
        self.go_to_pane("view")

    def _row_moved(self) -> None:
        opened = self._opened
        if opened is None or not self.body.tensor_tree.key:
            return
        self._last_key = self.body.tensor_tree.key
        row = row_of(opened.tensors, self._last_key)
        known = self.stats.get(row.name) if row.info is not None else None
        self.body.show_detail(row, opened.tensors, known)
        if self.body.page == "tensors":
            self.say(sentence(row, opened.tensors))
        self._stop_look.set()
        if row.info is None:
            missing = not opened.tensors.here
            self.body.show_nothing("a block: unfold it, its tensors have values", missing=missing)
            self._looked = None
        elif opened.weights is not None:
            if self._look_timer is not None:
                self._look_timer.stop()
            self._look_timer = self.set_timer(SETTLED, self.look_now)

    # --- the tensor under the cursor

    def look_now(self) -> None:
        """Reads the tensor under the cursor."""
        opened = self._opened
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
        opened = self._opened
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
        return split_spec(self._spec)[0], name

    def forget_scales(self) -> None:
        """The next look has a scale of its own."""
        self._scales.clear()

    # --- figures for the column

    def survey_now(self) -> None:
        """Reads what the tree's column says of the rows in sight, then of the others."""
        opened = self._opened
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
        if self._opened is not None and self.body.tensor_tree.key in message.found:
            row = row_of(self._opened.tensors, self.body.tensor_tree.key)
            self.body.show_detail(row, self._opened.tensors, self.stats.get(row.name))
