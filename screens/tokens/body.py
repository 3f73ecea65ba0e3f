"""The panes of the tokens screen and how they are laid out; each repaints only when its content changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from screens.panes import pane_of, share_a_place
from screens.widgets.compare_list import CompareList
from screens.widgets.curve import Curve
from screens.widgets.guarded import Guarded
from screens.widgets.merge_view import MergeView
from screens.widgets.ramps import Look
from screens.widgets.rows import Rows
from screens.widgets.text_box import TextBox
from screens.widgets.token_strip import TokenStrip
from screens.widgets.virtual_list import VirtualList
from screens.widgets.window_rows import WindowRows

PANES = ("main", "token", "merge", "compare", "text")
"""In the order of ``tab``."""
SIDES = ("token", "merge", "compare")
"""Those of which one has room beside the tokens in a narrow terminal, and the tokens alone in a tiny one."""
MAIN = ("strip", "beside", "vocabulary", "windows", "build")
"""What the main pane can be."""
NO_TEXT = "no text yet: e to type one, o for samples, corpora and files"


class TokensBody(Guarded, Vertical):
    """The text; its tokens, or the vocabulary, windows, a training; a token and its word; other tokenizers."""

    def __init__(self, text: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._first = text
        self.main = "strip"
        self.as_table = False
        """Whether the tokens were asked for as a table."""
        self.as_tree = False
        """Whether the merges of the token were asked for, rather than those of its word."""
        self._titled: dict[str, str] = {}
        self._subtitled: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """All panes; the style sheet decides which are seen at which size."""
        with Vertical(id="text-pane", classes="frame"):
            yield TextBox(self._first, id="text")
        yield Vertical(id="alert")
        with Vertical(id="main"), Vertical(id="strip-pane", classes="frame"):
            yield TokenStrip(id="strip")
            yield VirtualList(id="table")
        with Horizontal(id="side"):
            with Vertical(id="token-pane", classes="frame"):
                yield Rows(id="token")
            with Vertical(id="merge-pane", classes="frame"):
                yield MergeView(id="merges")
                yield Rows(id="tree")
        with Vertical(id="compare-pane", classes="frame"):
            yield CompareList(id="compare")

    def on_mount(self) -> None:
        """What is seen at first."""
        self.alert.display = False
        self.show_table(on=False)
        self.show_tree(on=False)
        self.set_class(True, "-pane-token")
        self.strip.show_spaces = True
        self.strip.empty_text = NO_TEXT

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        for strip in self.query(TokenStrip):
            strip.wear(look)
        for rows in self.query(WindowRows):
            rows.wear(look)
        for plot in self.query(Curve):
            plot.wear(plain=look.colours in ("16", "none"), ascii_only=look.ascii)
        self.compare.wear(plain=not look.ramps, ascii_only=look.ascii)

    # --- the parts

    @property
    def text(self) -> TextBox:
        """The text field."""
        return self.query_one("#text", TextBox)

    @property
    def strip(self) -> TokenStrip:
        """The tokens of the text."""
        return self.query_one("#strip", TokenStrip)

    @property
    def table(self) -> VirtualList:
        """The tokens as a table."""
        return self.query_one("#table", VirtualList)

    @property
    def token(self) -> Rows:
        """The facts about one token."""
        return self.query_one("#token", Rows)

    @property
    def merges(self) -> MergeView:
        """The merges of one word."""
        return self.query_one("#merges", MergeView)

    @property
    def tree_rows(self) -> Rows:
        """The merge tree of one token."""
        return self.query_one("#tree", Rows)

    @property
    def compare(self) -> CompareList:
        """The same text with other tokenizers."""
        return self.query_one("#compare", CompareList)

    @property
    def alert(self) -> Vertical:
        """Where a card stands."""
        return self.query_one("#alert", Vertical)

    @property
    def shared(self) -> bool:
        """Whether the lower panes share a place, as on a small terminal."""
        return share_a_place(self)

    @property
    def roomy(self) -> bool:
        """Whether the terminal has room for text and table, steps and tree beside each other."""
        return self.screen.has_class("-wide") and self.screen.has_class("-high")

    def frame_of(self, pane: str) -> Widget:
        """The widget whose border carries a pane's title."""
        return self.query_one(f"#{self.main}-pane" if pane == "main" else f"#{pane}-pane")

    def focus_of(self, pane: str) -> Widget:
        """What takes the focus in a pane."""
        if pane == "main":
            frame = self.frame_of("main")
            if self.as_table and self.main == "strip":
                return self.table
            return next((w for w in frame.query("*") if w.can_focus and w.display), frame)
        if pane == "merge":
            return self.tree_rows if self.as_tree else self.merges
        return {"token": self.token, "compare": self.compare, "text": self.text}[pane]

    def pane_of(self, widget: Widget | None) -> str | None:
        """Which pane a widget belongs to."""
        found = pane_of(widget, self, (*MAIN, *PANES))
        return "main" if found in MAIN else found

    # --- what is seen

    def show_main(self, name: str) -> None:
        """Another view in the main place; it must have been mounted."""
        self.main = name
        for other in MAIN:
            for pane in self.query(f"#{other}-pane"):
                pane.display = other == name

    def show_table(self, *, on: bool) -> None:
        """The tokens as a table, or as a text; both where there is room."""
        self.as_table = on
        self.table.display, self.strip.display = on or self.roomy, not on or self.roomy

    def show_tree(self, *, on: bool) -> None:
        """How the token was merged, or how its word was; both where there is room."""
        self.as_tree = on
        self.tree_rows.display, self.merges.display = on or self.roomy, not on or self.roomy

    def use_room(self) -> None:
        """After another size: what was put away comes out where there is room, and goes where there is none."""
        held = self.screen.focused
        self.show_table(on=self.as_table)
        self.show_tree(on=self.as_tree)
        pane = self.pane_of(held)
        if held is not None and pane in ("main", "merge") and not held.display:
            self.focus_of(pane).focus()

    def mark_pane(self, pane: str) -> None:
        """Notes which pane is the current one, for the style sheet and the titles."""
        self.set_class(pane in SIDES, "-on-side")  # kept at every size: what has the focus is never hidden by a resize
        if pane in SIDES:
            for name in SIDES:
                self.set_class(name == pane, f"-pane-{name}")

    def go_to_pane(self, pane: str) -> None:
        """Shows a pane where only one has room, and gives it the focus."""
        self.mark_pane(pane)
        self.focus_of(pane).focus()

    def title(self, pane: str, titles: Sequence[str]) -> None:
        """Sets the fullest title that fits, with the pane's place in the round where panes share one."""
        frame = self.query_one(f"#{pane}-pane")
        place = ""
        if self.shared:
            known = "main" if pane in MAIN else pane
            place = f" {PANES.index(known) + 1}/{len(PANES)} tab"
        room = frame.outer_size.width - 6 - len(place)
        text = next((t for t in titles if len(t) <= room), titles[-1]) + place
        if self._titled.get(pane) != text:
            self._titled[pane] = text
            frame.border_title = Text(text)

    def subtitle(self, pane: str, words: str) -> None:
        """Sets what stands in a pane's lower border; only news repaints it."""
        if self._subtitled.get(pane) != words:
            self._subtitled[pane] = words
            self.query_one(f"#{pane}-pane").border_subtitle = Text(words)
