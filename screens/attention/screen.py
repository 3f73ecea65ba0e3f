"""Screen 3: look inside one forward pass, and change it.

The screen owns what is shown (text, place, measure, heads that are off). Answers come from workers (``engine``), panes
are painted in ``painting``, heads are switched off in ``ablating``, keys are in ``keys``, what leaves is in ``offers``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from textual import on
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widget import Widget

from core.errors import LabError, TokenizerError
from screens.attention.centre import CentreView
from screens.attention.engine import empty_text
from screens.attention.offers import AttentionOffers
from screens.attention.panes import AttentionBody
from screens.attention.reader import TEXT
from screens.attention.saying import MEASURING
from screens.attention.seen import Seen
from screens.attention.style import STYLE
from screens.attention.through_time import TimeView
from screens.base import NOTHING_YET
from screens.generation.prompt import PromptPane
from screens.guard import guarded
from screens.widgets.head_grid import HeadGrid
from screens.widgets.heat_map import HeatMap
from screens.widgets.ramps import Look
from screens.widgets.token_strip import TokenStrip
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from core.workbench import Bench, Workbench

TYPING = 0.08
"""Seconds between two looks at the field; what stayed the same from one to the next is traced."""


@final
class AttentionScreen(AttentionOffers):
    """The screen."""

    DEFAULT_CSS = STYLE
    LAB_NAME = "Attention"

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self._text = workbench.prompt
        self._shown_bench = workbench.bench
        self._typing_timer: Timer | None = None
        self._last_typed = ""
        self._at_end = True

    # --- frame

    def compose_body(self) -> ComposeResult:
        """Prompt, strip, grid, centre, bars."""
        yield AttentionBody(id="attention")

    @property
    def body(self) -> AttentionBody:
        """The panes."""
        return self.query_one(AttentionBody)

    @property
    def text(self) -> str:
        """The text that is to be traced."""
        return self._text

    def on_mount(self) -> None:
        """The prompt of the workbench through its model."""
        self.body.wear(self.look)
        self.recall()
        self.body.prompt.show(self._text)
        self.body.alert.display = False
        self._shown_bench = self.workbench.bench
        self.body.target("centre").focus()
        self.paint_all()
        self.body.pattern.map.clear("opening the model")
        self.say(f"opening {self.workbench.a} …")
        self.watch_files()
        self.ask()

    def look_changed(self, look: Look) -> None:
        """Draws as the terminal can show it now."""
        self.body.wear(look)
        self.paint_all()

    def resume_updates(self) -> None:
        """Draws as the terminal can show it now, and looks at the files."""
        super().resume_updates()
        self.body.wear(self.look)

    @on(AttentionOffers.SizeChanged)
    @guarded
    def _size_changed(self) -> None:
        if self.body.pane not in self.panes_here():
            self.body.note_pane("centre")
        self.paint_all()

    # --- the workbench

    def bench_changed(self, bench: Bench) -> None:
        """Another model, checkpoint, prompt or tokenizer."""
        old, self._shown_bench = self._shown_bench, bench
        other_text = bench.prompt not in (self._text, old.prompt) and not self.body.prompt.editing
        if other_text:
            self._text, self._at_end = bench.prompt, True
            self.body.prompt.show(bench.prompt)
        same_names = bench == old  # they stand for other things now
        if other_text or same_names or (old.a, old.device, old.tokenizer) != (bench.a, bench.device, bench.tokenizer):
            self.ask()
        if self.comparing:
            self.ask("b")
        elif self.other is not None:
            self.other = None
            self.paint_all()

    # --- the text

    def show_text(self, text: str) -> None:
        """Another text, which the other screens share."""
        self.body.prompt.show(text)
        if text != self._text:
            self._text, self._at_end = text, True
            self.ask()
            if self.comparing:
                self.ask("b")
        self.workbench.set(prompt=text)
        self.go_to_pane("centre")

    async def action_edit(self) -> None:
        """Opens the text for typing; what is typed is traced a moment after the last key."""
        await self.body.prompt.action_edit()
        self._last_typed = self.body.prompt.typed
        if self._typing_timer is None:
            self._typing_timer = self.set_interval(TYPING, self._typed)

    def _typed(self) -> None:
        if not self.body.prompt.editing:
            if self._typing_timer is not None:
                self._typing_timer.stop()
                self._typing_timer = None
            return
        before, self._last_typed = self._last_typed, self.body.prompt.typed
        if before == self._last_typed != self._text:  # no key since the last look
            self._text = self._last_typed
            self._at_end = True
            self.ask()
            if self.comparing:
                self.ask("b")

    @on(PromptPane.Left)
    @guarded
    def _prompt_left(self, message: PromptPane.Left) -> None:
        self.show_text(message.text)
        if self.seen is not None:
            self.paint_all()

    # --- answers

    def text_came(self, slot: str, found: Seen) -> None:
        """A text was traced."""
        if slot == "b":
            self.paint_all()
            self.compared()
            return
        if self.body.alert.display:
            self.say("")  # what could not be done, which the card said too
        self.solved(self.body.alert)
        self.body.alert.display = False
        end = self._at_end or self.place.row >= found.tokens
        row = found.tokens - 1 if end else self.place.row
        self._at_end = False
        self.place = self.place.at(row=row, column=min(self.place.column, row)).inside(
            found.layers, found.heads, found.tokens
        )
        self.off = found.off if not self.off <= found.off else self.off
        if self._said.startswith("opening ") or self._said == NOTHING_YET:
            self._said = ""
        self.paint_all()
        self._find_column = end

    def something_came(self, what: str) -> None:
        """More is known of the text."""
        if what == "next":
            self.paint_next()
            return
        if what == "layer":
            here = self.pattern("a", self.place.layer, self.place.head, self.body.pattern.how)
            if self._find_column and here is not None:
                self._find_column = False
                self.go_to_row(self.place.row, by_person=False)
            else:
                self.paint_place()
                self.say_what_came()
            return
        if what == "measures" and self._said == MEASURING:
            self._said = ""
        if self._fresh and TEXT in self.measured:
            self._go_first(self._fresh)
        self.paint_grid()
        self.paint_head()
        self.say_what_came()

    def text_failed(self, slot: str, error: LabError) -> None:
        """A card in place of what could not be done."""
        if slot == "b":
            self._comparing = False
            self.other = None
            self.paint_all()
            self.say(f"{error.title} · {error.hint}")
            return
        self.seen = self.next = None
        self.paint_all()
        self.body.pattern.map.clear("nothing to look at")
        spec = self.workbench.a
        # A tokenizer of a few characters may not know those of the text: another text is the way on.
        other_text = empty_text(error) or (isinstance(error, TokenizerError) and self.workbench.tokenizer is None)
        doors = [("e", "type a text", "edit"), ("E", "choose a text", "texts")] if other_text else []
        if isinstance(error, TokenizerError) and self.workbench.tokenizer is not None:
            doors.append(("d", "use the model's own", "own_tokenizer"))
        if not empty_text(error):
            doors += [("w", "other model", "app.picker"), ("r", "try again", "again")]
            if spec != "demo":
                doors.append(("u", "use the demo", "app.use_demo"))
        self.body.alert.display = True
        card = self.problem(self.body.alert, error, doors)
        self.say(error.title)
        self.count("")
        if not self.typing:
            card.focus()

    def action_own_tokenizer(self) -> None:
        """Takes the pin off the tokenizer."""
        self.workbench.set(tokenizer=None)

    def action_solved(self) -> None:
        """Puts the cards away."""
        super().action_solved()
        self.body.alert.display = False
        self.body.target("centre").focus()

    def action_again(self) -> None:
        """Reads the model again and traces with scales of its own."""
        self.reader.forget(self.workbench.a)
        self.body.pattern.forget_scales()
        self._grid_ends.clear()
        self.ask()
        self.say("tracing again, with scales of their own")

    # --- the cursor

    def on_descendant_focus(self) -> None:
        """Where the focus is by mouse or key, the tab goes on from there."""
        pane = self.body.pane_of(self.focused)
        if pane is not None and pane != self.body.pane:
            self.body.note_pane(pane)
            self.say_here()

    @on(CentreView.Moved)
    @guarded
    def _view_moved(self, message: CentreView.Moved) -> None:
        message.stop()
        self.moved(message.place)

    @on(CentreView.Said)
    def _view_said(self, message: CentreView.Said) -> None:
        message.stop()
        if self.body.pane == "centre" and message.text and not self.typing:
            self.say(message.text)

    @on(TimeView.Load)
    @guarded
    def _step_wanted(self, message: TimeView.Load) -> None:
        message.stop()
        self.workbench.set(a=message.spec)

    def _touched(self, widget: Widget) -> bool:
        """Whether it was a person who moved a cursor; what is pinned stays under a mouse that passes."""
        return widget.has_focus or (widget.mouse_hover and not self.body.pattern.pinned)

    @on(HeadGrid.HeadHighlighted)
    @guarded
    def _head_chosen(self, event: HeadGrid.HeadHighlighted) -> None:
        event.stop()
        here, grid = (event.layer, event.head), event.grid
        if here == grid.head and here != (self.place.layer, self.place.head) and self._touched(grid):
            self.moved(self.place.at(layer=event.layer, head=event.head))

    @on(HeadGrid.HeadOpened)
    @guarded
    def _head_opened(self, event: HeadGrid.HeadOpened) -> None:
        event.stop()
        self.body.pattern.how = ""
        self.moved(self.place.at(layer=event.layer, head=event.head))
        self.paint_head()
        self.show_view("pattern")
        self.go_to_pane("centre")

    @on(VirtualList.Highlighted, "#a-ranks")
    @guarded
    def _ranked_head(self, event: VirtualList.Highlighted) -> None:
        event.stop()
        order = self.body.ranks.order
        if _chosen(event) and event.index < len(order):
            layer, head = order[event.index]
            if (layer, head) != (self.place.layer, self.place.head):
                self.moved(self.place.at(layer=layer, head=head))

    @on(VirtualList.Activated, "#a-ranks")
    @guarded
    def _ranked_opened(self, event: VirtualList.Activated) -> None:
        event.stop()
        if event.index < len(self.body.ranks.order):
            layer, head = self.body.ranks.order[event.index]
            self.moved(self.place.at(layer=layer, head=head))
            self.show_view("pattern")
            self.go_to_pane("centre")

    @on(TokenStrip.Highlighted)
    @guarded
    def _token_chosen(self, event: TokenStrip.Highlighted) -> None:
        event.stop()
        if event.index == event.strip.cursor and event.index != self.place.row and self._touched(event.strip):
            self.go_to_row(event.index)

    @on(HeatMap.Pinned)
    @on(TokenStrip.Pinned)
    def _pinned(self, event: HeatMap.Pinned | TokenStrip.Pinned) -> None:
        event.stop()
        self.say_here()

    @on(TokenStrip.Activated)
    def _token_opened(self, event: TokenStrip.Activated) -> None:
        event.stop()
        self.go_to_pane("centre")

    @on(VirtualList.Highlighted, "#a-looks")
    @guarded
    def _look_chosen(self, event: VirtualList.Highlighted) -> None:
        event.stop()
        if _chosen(event) and event.index < len(self.looked):
            column = self.looked[event.index]
            if column != self.place.column:
                self.moved(self.place.at(column=column))

    @on(VirtualList.Activated, "#a-looks")
    @guarded
    def _look_opened(self, event: VirtualList.Activated) -> None:
        event.stop()
        if event.index < len(self.looked):
            self.moved(self.place.at(column=self.looked[event.index]))
            self.go_to_pane("centre")

    @on(VirtualList.Highlighted, "#a-next")
    def _next_chosen(self, event: VirtualList.Highlighted) -> None:
        event.stop()
        if event.source.has_focus:
            self.say_here()


def _chosen(event: VirtualList.Highlighted) -> bool:
    """Whether a person moved the cursor of a list there, and it is still there."""
    return event.source.has_focus and event.index == event.source.cursor
