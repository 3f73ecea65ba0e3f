"""What the weights screen says of a place in a picture, and what it offers: take away, lesson, palette.

Abstract: ``WeightsScreen`` completes it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on

from core.shelf import GPT2_SIZES
from screens.guard import guarded
from screens.weights.takeaway import lesson_values, take_away_of
from screens.weights.twin_job import WeightTwin
from screens.weights.twin_takeaway import twin_lesson_values
from screens.weights.view import count_text
from screens.widgets.heat_map import HeatMap
from screens.widgets.histogram import Histogram
from screens.widgets.lesson import LessonView
from screens.widgets.plot_data import short_number
from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from core.weights.inspect import TensorStats
    from screens.weights.reader import Looked


class WeightOffers(WeightTwin):
    """The part of the screen that tells and gives."""

    # --- to be completed

    @property
    @abstractmethod
    def looked(self) -> Looked | None:
        """What was read of the tensor under the cursor."""

    @property
    @abstractmethod
    def stats(self) -> dict[str, TensorStats]:
        """The figures of this model's tensors that are known so far."""

    # --- crosshairs

    @on(HeatMap.Highlighted, "#w-map")
    @guarded
    def _cell(self, event: HeatMap.Highlighted) -> None:
        event.stop()
        picture, found = self.body.picture, self.looked
        chosen = event.heat_map.has_focus or event.heat_map.mouse_hover
        if picture is None or found is None or not chosen:
            return  # another tensor, or another room: the cursor moved by itself
        place = ", ".join(map(str, picture.place(event.row, event.column)))
        pooled = " · the largest |x| of its cell" if event.heat_map.grid.pooled else ""
        self.say(f"{found.name}[{place}] = {event.value:.6g}{pooled}")

    @on(Histogram.Highlighted)
    @guarded
    def _bin(self, event: Histogram.Highlighted) -> None:
        event.stop()
        found = self.looked
        if event.low is None or event.high is None or found is None or found.histogram is None:
            return
        total = int(found.histogram.counts.sum()) or 1
        share = short_number(100 * event.count / total)
        self.say(f"{event.low:.4g} to {event.high:.4g}: {count_text(event.count)} values, {share} %")

    # --- what every screen offers

    def take_away(self) -> TakeAwayRequest | None:
        """This view as Python, command, numbers, picture."""
        return take_away_of(self)

    def lesson(self) -> LessonView:
        """L7 with the numbers of this model; L8 with those of its twin, on whose page it is the one for ``?``."""
        if (self.lesson_wanted or ("L8" if self.body.page == "twin" else "L7")) == "L8":
            tries = (("compare the twins on the shared prompt", "twin"), ("another threshold", "twin_threshold"))
            return LessonView("L8", twin_lesson_values(self), tries)
        tries = (
            ("see what your own model would weigh", "show_sizes"),
            ("look at query, key and value of the first block", "show_parts"),
        )
        return LessonView("L7", lesson_values(self), tries)

    def action_show_sizes(self) -> None:
        """The page of sizes."""
        self.show_page("sizes")

    def action_show_parts(self) -> None:
        """The query part of the first block."""
        self.show_page("tensors")
        self.body.tensor_tree.go_to("h.0.attn.c_attn.weight[q]")

    def action_twin_threshold(self) -> None:
        """What counts as different between the twins."""
        self.show_page("twin")
        self.action_settings()

    def commands(self) -> Iterable[tuple[str, str, Callable[[], Any]]]:
        """Every key has an entry, and every tensor one."""
        yield "Filter tensors", "/", self.action_filter
        yield "Page: sizes, what would my model weigh", "c", partial(self.show_page, "sizes")
        yield "Page: what moved between two checkpoints", "c", partial(self.show_page, "compare")
        yield "Page: tensors", "c", partial(self.show_page, "tensors")
        yield "Keras twin: compare with PyTorch", "t", self.action_twin
        yield "Keras twin: what was compared last", "t", partial(self.show_page, "twin")
        yield "Keras twin: threshold", "s", self.action_twin_threshold
        for view in ("histogram", "heat map", "rows", "values"):
            yield f"View: {view}", "v", partial(self.show_view, view)
        yield "Measure: next column of the tree", "m", self.action_measure
        yield "Names: OpenAI's or Hugging Face's", "n", self.action_names
        yield "Next tensor that is turned or cut", "f", self.action_special
        yield "Histogram: bins, clipping", "s", self.action_settings
        yield "Histogram: logarithm", "L", self.action_log
        yield "Norms of rows or of columns", "a", self.action_axis
        yield "Download or pause a published model", "d", self.action_download
        yield "Remove a fetched model…", "x", self.action_remove
        yield "Open files…", "o", self.action_open
        yield "Read again, with scales of its own", "r", self.action_again
        for ref in GPT2_SIZES:
            yield f"Tensors of {ref.spec}", "names and shapes need no files", partial(self.open_spec, ref.spec)
        for info in self.opened.tensors if self.opened is not None else ():
            words = info.name.replace(".", " ")
            yield f"Tensor {info.name}", words, partial(self.body.tensor_tree.go_to, info.name)
