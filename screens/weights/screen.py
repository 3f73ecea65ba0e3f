"""Screen 6: look inside a model's files: names, shapes, values, what it weighs, and what moved between two of them.

The screen opens a model and shows its tree; values are read in ``looking`` by workers (``reader``), words and figures
are made in ``view``, panes are in ``panes``, keys in ``keys``, fetching in ``files``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from textual import events, on, work
from textual.app import ComposeResult
from textual.timer import Timer

from core.errors import LabError, ModelSpecError
from core.shelf import GPT2_SIZES
from screens.guard import as_lab_error, guarded
from screens.weights.files import BEATS, EVERY
from screens.weights.looking import WeightLooking
from screens.weights.messages import ModelRead
from screens.weights.panes import WeightsBody
from screens.weights.reader import Opened, open_model
from screens.weights.style import STYLE
from screens.weights.view import bytes_text, row_of, sentence, title_of
from screens.widgets.ramps import Look
from screens.widgets.tensor_tree import TensorTree

if TYPE_CHECKING:
    from core.workbench import Bench, Workbench

ROOM_SETTLED = 0.06
"""Seconds that the terminal keeps its size before the values are counted anew."""


@final
class WeightsScreen(WeightLooking):
    """The screen."""

    DEFAULT_CSS = STYLE
    LAB_NAME = "Weights"

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self._spec = workbench.a
        self._opened: Opened | None = None
        self._open_number = 0
        self._room_timer: Timer | None = None
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
        self.stop_survey()

    def resume_updates(self) -> None:
        """Catches up when shown again."""
        if self._ticker is not None:
            self._ticker.resume()
        self.body.wear(self.look)
        self.look_at_disk()
        self.survey_anew()

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

    # --- opening a model

    def open_spec(self, spec: str) -> None:
        """Shows another model, or the same one anew."""
        self._spec = spec
        self._open_number += 1
        self.stop_survey()
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
        self._opened = found
        self.forget_looked()
        self.show_tree(first=first)
        self.show_columns()
        self.body.sizes.start_from(found.tensors.config)
        self.show_published()
        if not found.tensors.here:
            self._say_missing()
        self._row_moved()
        self.survey_anew()
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
        self._room_timer = self.set_timer(ROOM_SETTLED, self._settle_in)

    @on(WeightLooking.SizeChanged)
    def _size_changed(self) -> None:
        self.call_after_refresh(self._settle_in)

    def _settle_in(self) -> None:
        self.show_columns()
        self.recount()

    def recount(self) -> None:
        """Counts again if the pane has another width now, which the bins follow."""
        found = self.looked
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
        if row.info is None:
            missing = not opened.tensors.here
            self.body.show_nothing("a block: unfold it, its tensors have values", missing=missing)
            self.forget_looked()
        elif opened.weights is not None:
            self.look_soon()
