"""What the keys of the weights screen do: pages, panes, views, columns, filter, settings.

Abstract: ``WeightsScreen`` completes it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input

from screens.guard import guarded
from screens.weights.files import WeightFiles
from screens.weights.panes import PAGES, PANES, WeightsBody
from screens.weights.reader import Settings
from screens.weights.view import MEASURES, NAMES, VIEWS, special
from screens.widgets.choose import Choice, Choose

if TYPE_CHECKING:
    from core.workbench import Workbench

CLIPS: tuple[float | None, ...] = (None, 6.0, 4.0, 3.0)
TWIN_KEYS = ("weights.twin", "weights.measure", "weights.settings", "weights.page")
"""The keys of the page of the twins, those that are used most first."""
BINS = (0, 32, 64, 128, 256)


class WeightKeys(WeightFiles):
    """The verbs of the screen that start no work of their own."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="weights.filter", tooltip="only tensors with these words"),
        Binding("v", "view(1)", "View", id="weights.view", tooltip="histogram, heat map, norms of rows, values"),
        Binding("V", "view(-1)", show=False, id="weights.view-back", tooltip="the view before"),
        Binding("c", "page(1)", "Sizes/compare", id="weights.page", tooltip="tensors, sizes, what moved"),
        Binding("C", "page(-1)", show=False, id="weights.page-back", tooltip="the page before"),
        Binding("m", "measure", "Measure", id="weights.measure", tooltip="what the last column says"),
        Binding("n", "names", show=False, id="weights.names", tooltip="OpenAI's names or Hugging Face's"),
        Binding("f", "special", show=False, id="weights.special", tooltip="next tensor that is turned or cut"),
        Binding("a", "axis", show=False, id="weights.axis", tooltip="norms of rows or of columns"),
        Binding("s", "settings", "Settings", id="weights.settings", tooltip="bins, clipping, logarithm"),
        Binding("L", "log", show=False, id="weights.log", tooltip="logarithm of the counts"),
        Binding("r", "again", show=False, id="weights.again", tooltip="read again, with a scale of its own"),
        Binding("comma", "step(-1)", show=False, id="weights.back", tooltip="one checkpoint back"),
        Binding("full_stop", "step(1)", show=False, id="weights.forward", tooltip="one checkpoint on"),
        Binding("tab", "tab(1)", show=False, id="weights.next-pane", tooltip="next pane"),
        Binding("shift+tab", "tab(-1)", show=False, id="weights.previous-pane", tooltip="previous pane"),
    ]

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.settings = Settings()
        self.measure = "std"
        """What the tree's last column says."""
        self.names = "openai"
        """Whose names stand beside ours."""
        self.query_words = ""
        """The filter."""
        self._pane = "tree"

    # --- to be completed

    @abstractmethod
    def show_tree(self, *, first: bool = False) -> None:
        """The tree anew: other words, another model."""

    @abstractmethod
    def show_columns(self) -> None:
        """The tree's columns anew."""

    @abstractmethod
    def look_now(self) -> None:
        """Reads the tensor under the cursor."""

    @abstractmethod
    def recount(self) -> None:
        """Counts again if the pane has another width now."""

    @abstractmethod
    def forget_scales(self) -> None:
        """The next look has a scale of its own."""

    @abstractmethod
    def survey_now(self) -> None:
        """Reads what the tree's column says."""

    @abstractmethod
    def compare_now(self, by: int = 0) -> None:
        """Compares two models; ``by`` takes an earlier or later step to compare with."""

    @abstractmethod
    def repaint(self) -> None:
        """Draws what was read in other views."""

    # --- pages, panes, views

    def footer_keys(self) -> Sequence[str]:
        """On the page of the twins: what does something there."""
        return TWIN_KEYS if self.query(WeightsBody) and self.body.page == "twin" else ()

    def action_page(self, by: int) -> None:
        """Tensors, sizes, what moved."""
        now = PAGES.index(self.body.page) if self.body.page in PAGES else 0 if by > 0 else 1
        self.show_page(PAGES[(now + by) % len(PAGES)])

    def show_page(self, page: str) -> None:
        """One of the pages."""
        body = self.body
        self.minimize()
        body.show_page(page)
        self.refresh_bindings()  # the line of keys is another one on the page of the twins
        if page == "tensors":
            self._pane = "tree"
            body.tensor_tree.focus()
        elif page == "sizes":
            body.sizes.table.focus()
            body.sizes.explain()
        elif page == "twin":
            body.twins.list.focus()
            self.say(body.twins.says())
        else:
            body.changes.list.focus()
            self.compare_now()

    def show_published_pane(self) -> None:
        """Gives the table of published models the focus."""
        if self.body.page != "tensors":
            self.show_page("tensors")
        self.go_to_pane("published")

    def action_next_pane(self, by: int) -> None:
        """The next pane gets the focus; on a small terminal it takes the place below the tree."""
        body = self.body
        if body.page == "sizes":
            body.sizes.table.focus()
        elif body.page == "compare":
            panes = [body.changes.list, body.changes.map]
            panes[panes[0].has_focus].focus()
        elif body.page == "twin":
            body.twins.list.focus()
        else:
            self.go_to_pane(PANES[(PANES.index(self._pane) + by) % len(PANES)])

    def go_to_pane(self, pane: str) -> None:
        """Gives a pane the focus."""
        self._pane, body = pane, self.body
        body.show_below({"tree": "detail"}.get(pane, pane))
        {"tree": body.tensor_tree, "view": body.view_widget, "published": body.published}[pane].focus()
        self.call_after_refresh(self.recount)

    def on_descendant_focus(self) -> None:
        """Where the focus is by mouse or key, the tab goes on from there."""
        body = self.body
        for pane, widget in (("tree", body.tensor_tree), ("view", body.view_widget), ("published", body.published)):
            if widget.has_focus:
                self._pane = pane

    def action_view(self, by: int) -> None:
        """The next view of the tensor."""
        self.show_view(VIEWS[(VIEWS.index(self.body.view) + by) % len(VIEWS)])

    def show_view(self, view: str) -> None:
        """One of the views."""
        body = self.body
        if body.page != "tensors":
            self.show_page("tensors")
        had = body.view_widget.has_focus
        body.show_view(view)
        body.show_below("view")
        if had:
            body.view_widget.focus()
        self.repaint()
        self.call_after_refresh(self.recount)
        self.say(f"view: {view}")

    # --- the tree

    def action_measure(self) -> None:
        """What the last column says; on the page of changes: what is measured."""
        if self.body.page == "compare":
            self.say(f"measure: {self.body.changes.next_measure().replace('_', ' ')}")
            return
        self.measure = MEASURES[(MEASURES.index(self.measure) + 1) % len(MEASURES)]
        self.show_columns()
        self.survey_now()
        self.say(f"the last column: {self.measure}")

    def action_names(self) -> None:
        """Whose names stand beside ours."""
        self.names = NAMES[(NAMES.index(self.names) + 1) % len(NAMES)]
        self.show_columns()

    def action_special(self) -> None:
        """To the next tensor that a loader turns or cuts into parts."""
        opened = self.opened
        if opened is None:
            return
        found = special(opened.tensors)
        order = [info.name for info in opened.tensors]
        key = self.body.tensor_tree.key.partition("[")[0]
        now = order.index(key) if key in order else -1
        if key.startswith("block "):
            now = next((i for i, info in enumerate(opened.tensors) if info.layer == int(key.split()[1])), 0) - 1
        after = [name for name in found if order.index(name) > now]
        for name in (*after, *found):
            if self.body.tensor_tree.go_to(name):
                return

    def action_filter(self) -> None:
        """To the words."""
        if self.body.page != "tensors":
            self.show_page("tensors")
        self.body.filter.add_class("-shown")
        self.body.filter.focus()

    @on(Input.Changed, "#w-filter")
    @guarded
    def _filter_typed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_words = event.value.strip()
        self.show_tree()

    @on(Input.Submitted, "#w-filter")
    @guarded
    def _filter_entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._leave_filter()

    def _leave_filter(self) -> None:
        if not self.query_words:
            self.body.filter.remove_class("-shown")
        self.body.tensor_tree.focus()

    def release(self) -> bool:
        """One thing a press: a pin, a crosshair, the filter, another page."""
        body = self.body
        if body.map.release() or body.changes.map.release() or body.histogram.release() or body.rows.release():
            return True
        if self.query_words and body.page == "tensors":
            body.filter.value = ""
            body.filter.remove_class("-shown")
            return True
        if body.page != "tensors" and self.maximized is None and self.lesson_panel is None:
            self.show_page("tensors")
            return True
        return False

    async def action_back_out(self) -> None:
        """Leaves the filter with its words standing; else as everywhere."""
        if self.body.filter.has_focus:
            self._leave_filter()
            return
        await super().action_back_out()

    # --- how it is counted

    def action_log(self) -> None:
        """The logarithm of the counts, or the counts."""
        if self.body.page == "sizes":
            self.body.sizes.table.action_slide(8)
            return
        self.settings = replace(self.settings, log=not self.settings.log)
        self.repaint()
        self.say("heights are the logarithm of the counts" if self.settings.log else "heights are the counts")

    def action_axis(self) -> None:
        """Norms of rows, or of columns."""
        self.body.axis = 1 - self.body.axis
        self.show_view("rows")
        self.say("norm of each " + ("column: what goes in" if self.body.axis else "row: what comes out"))

    def action_settings(self) -> None:
        """Bins, clipping, logarithm."""
        now = self.settings
        choices = [
            Choice(
                f"bins {n}",
                (f"{n} bins" if n else "a bin for each column of the pane") + (" · now" if n == now.bins else ""),
            )
            for n in BINS
        ]
        for clip in CLIPS:
            said = "from the lowest to the highest value" if clip is None else f"cut at {clip:g} standard deviations"
            choices.append(Choice(f"clip {clip}", said + (" · now" if clip == now.clip else "")))
        choices += [Choice("log", "heights as logarithms" + (" · now" if now.log else ""), "l")]

        def chosen(value: str | None) -> None:
            if value == "log":
                self.action_log()
            elif value is not None:
                what, _, text = value.partition(" ")
                number = None if text == "None" else float(text)
                changes = {"bins": int(number or 0)} if what == "bins" else {"clip": number}
                self.settings = replace(self.settings, **changes)
                self.forget_scales()
                self.look_now()

        self.app.push_screen(Choose("histogram", choices, current=f"bins {now.bins}"), chosen)

    def action_again(self) -> None:
        """Reads again, with scales of its own; on the page of sizes the sliders go back to the model."""
        if self.body.page == "sizes":
            self.body.sizes.reset()
        elif self.body.page == "compare":
            self.compare_now()
        else:
            self.forget_scales()
            self.open_spec(self.spec)

    async def action_step(self, by: int) -> None:
        """The checkpoint before or after; on the page of changes another one to compare with."""
        if self.body.page == "compare":
            self.compare_now(by)
        else:
            await self.run_action(f"app.step_model({by})")
