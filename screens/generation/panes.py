"""The panes of the console and how they are laid out: prompt, settings, strips, alternatives, branches, words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from core.generation.settings import SamplingConfig
from screens.generation.dials import DIALS, Dial, value_text
from screens.generation.prompt import PromptPane
from screens.generation.steps_list import StepsList
from screens.panes import pane_of, share_a_place
from screens.widgets.bars import Bars
from screens.widgets.branch_tree import BranchTree
from screens.widgets.guarded import Guarded
from screens.widgets.ramps import Look
from screens.widgets.token_strip import TokenStrip
from screens.widgets.virtual_list import VirtualList

PANES = ("strip", "alternatives", "branches", "sampling", "detail")
"""Those that share a place where there is little room; the prompt is always there."""
FRAMES = {
    "prompt": "#prompt", "strip": "#strip-pane", "other": "#other-pane", "alternatives": "#alternatives-pane",
    "branches": "#branches-pane", "sampling": "#sampling-pane", "detail": "#detail-pane",
}  # fmt: skip


class Dials(VirtualList):
    """The settings, one a line; ``left`` and ``right`` turn, ``enter`` types."""

    DEFAULT_CSS = "Dials { scrollbar-size-vertical: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h,minus", "turn(-1)", show=False, id="dials.less", tooltip="less"),
        Binding("right,l,plus", "turn(1)", show=False, id="dials.more", tooltip="more"),
        Binding("backspace,delete", "clear", show=False, id="dials.off", tooltip="off"),
    ]

    class Turned(Message):
        """A dial was turned."""

        def __init__(self, dial: Dial, by: int) -> None:
            super().__init__()
            self.dial = dial
            self.by = by
            """Clicks; 0: off."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(len(DIALS), self._row_of, id=id)
        self._config = SamplingConfig()
        self._effects: Mapping[str, str] = {}
        self._precision = ""

    @property
    def dial(self) -> Dial:
        """The one under the cursor."""
        return DIALS[self.cursor]

    def show(self, config: SamplingConfig, effects: Mapping[str, str], precision: str) -> None:
        """Shows settings and what each does now, and how the weights are kept."""
        self._config, self._effects, self._precision = config, effects, precision
        self.refresh()

    def action_turn(self, by: int) -> None:
        """One click."""
        self.post_message(self.Turned(self.dial, by))

    def action_clear(self) -> None:
        """Off."""
        self.post_message(self.Turned(self.dial, 0))

    def _row_of(self, index: int) -> Text:
        dial = DIALS[index]
        value = self._precision if dial.field == "precision" else value_text(self._config, dial)
        text = Text(no_wrap=True, end="")
        text.append(f"{dial.label:<12}")
        text.append(f"{value[:8]:<8} ", Style(bold=value != "off"))
        text.append(self._effects.get(dial.field, dial.meaning), Style(dim=True))
        return text


class DetailPane(Guarded, Static, can_focus=True):
    """The distribution under the cursor in words."""


class GenerationBody(Guarded, Vertical):
    """All panes; the style decides which are seen at which size."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.pane = "strip"
        """The pane that was gone to last."""
        self._titles: dict[str, str | Text] = {}
        self._subtitles: dict[str, str | Text] = {}

    def compose(self) -> ComposeResult:
        """Cards, prompt and settings, strips and what is beside them, words."""
        yield Vertical(id="alert")
        with Horizontal(id="top"):
            prompt = PromptPane(id="prompt")
            prompt.add_class("frame")
            yield prompt
            with Vertical(id="sampling-pane", classes="frame"):
                yield Dials(id="sampling")
        with Horizontal(id="main"):
            with Horizontal(id="texts"):
                with Vertical(id="strip-pane", classes="frame"):
                    yield TokenStrip(id="strip")
                with Vertical(id="other-pane", classes="frame"):
                    yield TokenStrip(id="other")
                with Vertical(id="steps-pane", classes="frame"):
                    yield StepsList(id="steps")
            with Vertical(id="side"):
                with Vertical(id="alternatives-pane", classes="frame"):
                    yield Bars(id="alternatives")
                with Vertical(id="branches-pane", classes="frame"):
                    yield BranchTree(id="branches")
        yield DetailPane(id="detail-pane", classes="frame", markup=False)

    def on_mount(self) -> None:
        """One strip at first."""
        self.compare(False)
        self.query_one("#alert").display = False
        self.query_one("#steps-pane").border_title = "token by token"
        self.set_class(True, "-pane-strip")

    # --- the parts

    @property
    def prompt(self) -> PromptPane:
        """The prompt."""
        return self.query_one("#prompt", PromptPane)

    @property
    def dials(self) -> Dials:
        """The settings."""
        return self.query_one("#sampling", Dials)

    @property
    def strip(self) -> TokenStrip:
        """What the shown branch holds."""
        return self.query_one("#strip", TokenStrip)

    @property
    def other(self) -> TokenStrip:
        """What stands beside it while two are compared."""
        return self.query_one("#other", TokenStrip)

    @property
    def steps(self) -> StepsList:
        """The tokens of the shown branch with their figures; hidden where there is little room."""
        return self.query_one("#steps", StepsList)

    @property
    def bars(self) -> Bars:
        """The alternatives."""
        return self.query_one("#alternatives", Bars)

    @property
    def branches(self) -> BranchTree:
        """The branches."""
        return self.query_one("#branches", BranchTree)

    @property
    def detail(self) -> DetailPane:
        """The words."""
        return self.query_one("#detail-pane", DetailPane)

    @property
    def alert(self) -> Vertical:
        """Where cards stand."""
        return self.query_one("#alert", Vertical)

    @property
    def shared(self) -> bool:
        """Whether panes share a place."""
        return share_a_place(self)

    # --- how it is drawn

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        for strip in (self.strip, self.other):
            strip.wear(look)
        self.steps.wear(ascii_only=look.ascii)
        self.bars.wear(ascii_only=look.ascii, plain=not look.ramps)
        self.branches.wear(ascii_only=look.ascii)

    def compare(self, on: bool) -> None:
        """Two strips, or one."""
        self.set_class(on, "-compare")

    def title(self, pane: str, title: str | Text, subtitle: str | Text | None = None) -> None:
        """What stands in a pane's borders; setting a border repaints the pane, so only news is set."""
        text = title if isinstance(title, Text) else Text(title)
        if self.shared and pane in PANES:
            text = text + Text(f" {PANES.index(pane) + 1}/{len(PANES)} tab")
        frame = self.query_one(FRAMES[pane])
        if self._titles.get(pane) != text:
            self._titles[pane] = text
            frame.border_title = text
        words = None if subtitle is None else subtitle if isinstance(subtitle, Text) else Text(subtitle)
        if words is not None and self._subtitles.get(pane) != words:
            self._subtitles[pane] = words
            frame.border_subtitle = words

    # --- which pane is seen

    def widget_of(self, pane: str) -> Widget:
        """The widget of a pane that takes the keys."""
        return self.query_one(f"#{pane}-pane" if pane == "detail" else f"#{pane}")

    def go_to_pane(self, pane: str) -> None:
        """Shows a pane where only one has room, and gives it the focus."""
        self.mark_pane(pane)
        self.widget_of(pane).focus()

    def mark_pane(self, pane: str) -> None:
        """Notes which pane is the current one, for the style."""
        if pane not in PANES:
            return
        self.pane = pane
        for name in PANES:
            self.set_class(name == pane, f"-pane-{name}")

    def next_pane(self, by: int) -> None:
        """The pane after, or before, the current one."""
        place = PANES.index(self.pane) + by
        self.go_to_pane(PANES[place % len(PANES)])

    def pane_of(self, widget: Widget | None) -> str | None:
        """Which pane a widget belongs to."""
        return pane_of(widget, self, FRAMES)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click chooses a pane too."""
        pane = self.pane_of(event.widget)
        if pane is not None:
            self.mark_pane(pane)
