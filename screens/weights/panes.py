"""The panes of the weights screen: the tree, the tensor under its cursor, the published models; and how they are shown.

Knows no files and starts no work: the screen hands it what was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Static

from screens.weights.compare import ComparePane
from screens.weights.detail import DetailPane
from screens.weights.shape import Picture, picture_of
from screens.weights.sizes import SizesPane
from screens.weights.twin import TwinPane
from screens.weights.view import (
    VIEWS,
    Row,
    cell_text,
    columns_for,
    count_text,
    detail_lines,
    heading,
    row_of,
    tree_of,
)
from screens.widgets.curve import Curve
from screens.widgets.figure import Figure, Line
from screens.widgets.guarded import Guarded
from screens.widgets.heat_map import HeatMap
from screens.widgets.histogram import LEFT, Histogram
from screens.widgets.plot_data import decimate, short_number
from screens.widgets.ramps import Look
from screens.widgets.tensor_tree import TensorTree
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from core.weights.inspect import TensorList, TensorStats
    from screens.weights.reader import Looked, Settings

PANES = ("tree", "view", "published")
PAGES = ("tensors", "sizes", "compare")
"""Those that follow each other; the page of the twins is come to by its own key."""
LARGE = 4_000_000
"""Values from which a heat map waits for its scale."""
MOST_BINS = 160
"""Bins of a histogram that follows its room; in a wider one each bar takes more columns."""
VIEW_CLASS = {"histogram": "-view-histogram", "heat map": "-view-map", "values": "-view-map", "rows": "-view-rows"}


class WeightsBody(Guarded, Vertical):
    """Pages: the tensors, the sizes, the comparison, the twins; below the tensors the published models."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.page = "tensors"
        self.view = "histogram"
        self.axis = 0
        """What the view of norms shows: 0 rows, 1 columns."""
        self._look = Look()
        self._columns_key: object = None
        self._pictured: object = None
        self.picture: Picture | None = None
        """How the tensor under the cursor is laid out in the heat map."""

    def compose(self) -> ComposeResult:
        """All of it; the style sheet decides what is seen."""
        yield Vertical(id="w-alert")
        with Horizontal(id="w-tensors"):
            with Vertical(id="w-left", classes="pane"):
                yield Input(
                    id="w-filter", placeholder="name (any of the three), shape (768x), kind; esc ends", compact=True
                )
                yield Static(id="w-head", markup=False)
                yield TensorTree(id="w-tree")
            with Vertical(id="w-right"):
                yield DetailPane(id="w-detail", classes="pane")
                with Vertical(id="w-values"):
                    yield Histogram(id="w-histogram", classes="pane")
                    yield HeatMap(id="w-map", classes="pane")
                    yield Curve(id="w-rows", classes="pane")
        yield VirtualList(id="w-published")
        yield SizesPane(id="w-sizes")
        yield ComparePane(id="w-compare")
        yield TwinPane(id="w-twin")

    def on_mount(self) -> None:
        """The first page and the first view."""
        self.published.add_class("pane")
        self.show_page("tensors")
        self.show_view("histogram")
        self.show_below("detail")

    # --- the parts

    @property
    def tensor_tree(self) -> TensorTree:
        """The tensors."""
        return self.query_one("#w-tree", TensorTree)

    @property
    def filter(self) -> Input:
        """The words that a tensor's row must have."""
        return self.query_one("#w-filter", Input)

    @property
    def histogram(self) -> Histogram:
        """The counts."""
        return self.query_one("#w-histogram", Histogram)

    @property
    def map(self) -> HeatMap:
        """The values."""
        return self.query_one("#w-map", HeatMap)

    @property
    def rows(self) -> Curve:
        """The norms."""
        return self.query_one("#w-rows", Curve)

    @property
    def published(self) -> VirtualList:
        """The published models."""
        return self.query_one("#w-published", VirtualList)

    @property
    def sizes(self) -> SizesPane:
        """What models weigh."""
        return self.query_one(SizesPane)

    @property
    def changes(self) -> ComparePane:
        """What moved between two models."""
        return self.query_one(ComparePane)

    @property
    def twins(self) -> TwinPane:
        """PyTorch's model and Keras's."""
        return self.query_one(TwinPane)

    @property
    def alert(self) -> Vertical:
        """Where cards go."""
        return self.query_one("#w-alert", Vertical)

    @property
    def view_widget(self) -> Widget:
        """What the current view is drawn by."""
        return {"histogram": self.histogram, "rows": self.rows}.get(self.view, self.map)

    @property
    def bins(self) -> int:
        """How many bins the histogram has room for, also while another view stands in its place."""
        room = self.query_one("#w-values").size.width - 4 - LEFT
        return max(16, room if room <= MOST_BINS else room // -(-room // MOST_BINS))

    # --- what is seen

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self._look = look
        plain = look.colours in ("16", "none")
        self.histogram.wear(plain=plain, ascii_only=look.ascii)
        self.map.wear(look)
        self.rows.wear(plain=plain, ascii_only=look.ascii)
        self.tensor_tree.wear(look.symbols)
        self.sizes.wear(look)
        self.changes.wear(look)
        self.twins.wear(look)

    def show_page(self, page: str) -> None:
        """One of the pages."""
        self.page = page
        for name in (*PAGES, "twin"):
            self.set_class(name == page, f"-page-{name}")

    def show_below(self, what: str) -> None:
        """What stands below the tree on a low or narrow terminal: detail, view or published."""
        for name in ("detail", "view", "published"):
            self.set_class(name == what, f"-below-{name}")

    def show_view(self, view: str) -> None:
        """One of the four views of the tensor."""
        self.view = view
        for name in set(VIEW_CLASS.values()):
            self.set_class(name == VIEW_CLASS[view], name)
        if view in ("heat map", "values"):
            self.map.set_cells("number" if view == "values" else "auto")
            self.map.go_to(*self.map.place[:2])
        self.view_widget.border_title = self._tabs()

    def _tabs(self) -> Text:
        parts = [f"[{name.capitalize()}]" if name == self.view else name.capitalize() for name in VIEWS]
        return Text("  ".join(parts))

    # --- the tree

    def show_tree(self, tensors: TensorList, title: str, query: str, *, first: bool) -> int:
        """The rows that a filter leaves; says how many tensors those are."""
        nodes, found = tree_of(tensors, query)
        self.tensor_tree.grow(
            nodes, opened=["block 0"] if first and tensors.config.n_layers <= 12 else (), all_open=bool(query)
        )
        self.query_one("#w-left").border_title = Text(title)
        return found

    def show_columns(self, tensors: TensorList, stats: Mapping[str, TensorStats], names: str, measure: str) -> None:
        """The columns that there is room for."""
        tree = self.tensor_tree
        width = tree.size.width - 1
        columns = columns_for(width, names, measure)
        waiting = self._look.symbols.ellipsis

        rows = {}

        def cell(key: str, column: str) -> str:
            if key not in rows:
                rows[key] = row_of(tensors, key)
            return cell_text(rows[key], column, tensors, stats.get(key), waiting)

        tree.set_columns(columns, cell)
        head = heading(columns, tree.label_width(tree.scrollable_content_region.width))
        if head != self._columns_key:
            self._columns_key = head
            self.query_one("#w-head", Static).update(head, layout=False)

    # --- the tensor under the cursor

    def show_detail(self, row: Row, tensors: TensorList, stats: TensorStats | None) -> None:
        """Names, shapes, figures."""
        title = row.name if row.info else f"h.{row.layer}"
        self.query_one(DetailPane).show(title, detail_lines(row, tensors, stats))

    def show_values(
        self, looked: Looked, settings: Settings, scale: tuple[float, float] | None, *, locked_by: str = ""
    ) -> None:
        """What was read of the tensor so far.

        Args:
            looked: the values, and what they are like.
            settings: how the histogram is drawn.
            scale: the ends of the heat map's; None: not known yet.
            locked_by: the model that the scales come from.
        """
        self.query_one("#w-values").remove_class("-missing")
        if self.view_widget is self.map:
            self._show_map(looked, scale)
        locked = f"scale of {locked_by}" if locked_by and locked_by != looked.spec else ""
        counts = looked.histogram
        if counts is not None:
            self.histogram.fill(counts.edges.tolist(), counts.counts.tolist(), log=settings.log)
            seen = f"{count_text(looked.values.size)} values, " + (
                "a sample counted" if counts.sampled else "all counted"
            )
            clipped = counts.below + counts.above
            notes = [
                seen,
                f"{self.histogram.bins} bins",
                self.histogram.note(),
                "log count" if settings.log else "",
                locked,
            ]
            notes += [f"{count_text(clipped)} beyond the ends" if clipped else ""]
            self.histogram.border_subtitle = Text(" · ".join(n for n in notes if n))
        self._show_norms(looked)
        self.view_widget.border_title = self._tabs()

    def _show_map(self, looked: Looked, scale: tuple[float, float] | None) -> None:
        if scale is None and looked.values.size > LARGE:
            self.map.clear("being read…")  # its scale is on its way
            return
        if self.picture is None or self._pictured is not looked.values:
            self.picture, self._pictured = picture_of(looked.values), looked.values
        elif scale is None or self.map.scale == (-max(map(abs, scale)), max(map(abs, scale))):
            return  # it stands there already
        labels, mask = self.picture.row_labels, self.picture.mask
        self.map.fill(self.picture.values, scale=scale, diverging=True, mask=mask, row_labels=labels)

    def _show_norms(self, looked: Looked) -> None:
        norms = (looked.row_norms, looked.column_norms)[self.axis]
        if norms is None:
            self.rows.show(Figure())
            return
        place = np.arange(len(norms), dtype=np.float64)
        x, y = decimate(place, norms, max(20, self.rows.canvas_width))
        many = len(norms) > 1
        line = Line(tuple(x), tuple(y), kind="line" if many else "dots", label="norm")
        self.rows.show(Figure((line,), (0.0, float(max(1, len(norms) - 1))), unit="step"))
        what = ("row (out)", "column (in)")[self.axis]
        low, high = short_number(float(norms.min())), short_number(float(norms.max()))
        self.rows.border_subtitle = Text(f"norm of each {what} · {len(norms)} · {low} to {high} · a the other way")

    def show_nothing(self, text: str, *, missing: bool = False) -> None:
        """There are no values; where the files are missing, a card stands in their place."""
        self.query_one("#w-values").set_class(missing, "-missing")
        self.picture = self._pictured = None
        self.histogram.clear(text)
        self.map.clear(text)
        self.rows.empty_text = text
        self.rows.show(Figure())
        self.histogram.border_subtitle = self.rows.border_subtitle = ""
        self.view_widget.border_title = self._tabs()
