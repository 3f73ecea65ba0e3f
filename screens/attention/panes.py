"""The panes of the attention screen and how they are shown: prompt, strip, grid, head, centre, what is looked at, next.

Knows no models and starts no work: the screen hands it what was read.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from screens.attention.centre import CentreView
from screens.attention.lens_view import LensView
from screens.attention.maths import MathsView
from screens.attention.pattern import PatternView
from screens.attention.prompt import AttentionPrompt
from screens.attention.ranks import RankList
from screens.attention.through_time import TimeView
from screens.attention.view import VIEWS
from screens.widgets.bars import Bars, bar_text
from screens.widgets.guarded import Guarded
from screens.widgets.head_grid import HeadGrid
from screens.widgets.ramps import Look, series
from screens.widgets.rows import Rows
from screens.widgets.token_strip import TokenStrip

PANES = ("grid", "head", "strip", "centre", "looks", "next")
"""Those that the focus goes through."""
SIDES = ("grid", "head", "strip", "looks", "next")
"""Those that share a place where there is little room."""
FRAMES = {
    "grid": "#a-grid-pane", "head": "#a-head", "strip": "#a-strip-pane", "centre": "#a-centre",
    "looks": "#a-looks-pane", "next": "#a-next-pane",
}  # fmt: skip
ROOM = 5
"""Cells of a bar in the pane of one head."""


class AttentionBody(Guarded, Vertical):
    """All panes; the style decides which are seen at which size."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = "pattern"
        self.pane = "centre"
        """The pane that was gone to last."""
        self.side = "grid"
        """Of those that share a place, the one that is seen."""
        self._look = Look()
        self._titles: dict[str, str] = {}
        self._subtitles: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """All of it."""
        yield Vertical(id="a-alert")
        yield AttentionPrompt(id="a-prompt")
        with Vertical(id="a-strip-pane", classes="pane"):
            yield TokenStrip(id="a-strip")
        with Horizontal(id="a-main"):
            with Vertical(id="a-left"):
                with Vertical(id="a-grid-pane", classes="pane"):
                    yield HeadGrid(id="a-grid")
                    yield RankList(id="a-ranks")
                yield Rows(id="a-head", classes="pane")
            with Vertical(id="a-centre", classes="pane"):
                yield PatternView(id="a-pattern")
                yield MathsView(id="a-maths")
                yield LensView(id="a-lens-view")
                yield TimeView(id="a-time")
            with Vertical(id="a-right"):
                with Vertical(id="a-looks-pane", classes="pane"):
                    yield Bars(id="a-looks")
                with Vertical(id="a-next-pane", classes="pane"):
                    yield Bars(id="a-next")

    def on_mount(self) -> None:
        """The first view."""
        self.show_view("pattern")
        self.show_side("grid")
        self.sort(False)

    # --- the parts

    @property
    def prompt(self) -> AttentionPrompt:
        """The text."""
        return self.query_one(AttentionPrompt)

    @property
    def strip(self) -> TokenStrip:
        """Its tokens."""
        return self.query_one("#a-strip", TokenStrip)

    @property
    def grid(self) -> HeadGrid:
        """All heads."""
        return self.query_one(HeadGrid)

    @property
    def ranks(self) -> RankList:
        """All heads, sorted."""
        return self.query_one(RankList)

    @property
    def head(self) -> Rows:
        """What is known of the head."""
        return self.query_one("#a-head", Rows)

    @property
    def pattern(self) -> PatternView:
        """The map."""
        return self.query_one(PatternView)

    @property
    def looks(self) -> Bars:
        """What the token looks at."""
        return self.query_one("#a-looks", Bars)

    @property
    def next(self) -> Bars:
        """What comes after the token."""
        return self.query_one("#a-next", Bars)

    @property
    def alert(self) -> Vertical:
        """Where cards go."""
        return self.query_one("#a-alert", Vertical)

    @property
    def centre(self) -> CentreView:
        """The view that is shown."""
        return next(v for v in self.views if self.view == v.NAME)

    @property
    def views(self) -> Sequence[CentreView]:
        """All of them."""
        return [child for child in self.query_one(FRAMES["centre"]).children if isinstance(child, CentreView)]

    @property
    def sorted(self) -> bool:
        """Whether the heads are listed by the measure."""
        return self.has_class("-sorted")

    def target(self, pane: str) -> Widget:
        """What takes the focus in a pane."""
        heads: Widget = self.ranks if self.sorted else self.grid
        return {
            "grid": heads, "head": self.head, "strip": self.strip, "centre": self.centre.target,
            "looks": self.looks, "next": self.next,
        }[pane]  # fmt: skip

    # --- what is seen

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self._look = look
        plain = not look.ramps
        self.strip.wear(look)
        self.grid.wear(look)
        self.ranks.wear(plain=plain, ascii_only=look.ascii)
        for bars in (self.looks, self.next):
            bars.wear(ascii_only=look.ascii, plain=plain)
        for view in self.views:
            view.wear(look)

    def show_view(self, view: str) -> None:
        """One of the views of the centre."""
        self.view = view
        self._mark()
        for each in self.views:
            each.display = view == each.NAME

    def show_side(self, pane: str) -> None:
        """Which of the panes that share a place is seen."""
        self.side = pane
        self._mark()

    def sort(self, on: bool) -> None:
        """The heads as a list by the measure, or as a grid."""
        self.set_class(on, "-sorted", update=False)
        self.app.stylesheet.update_nodes([self.grid, self.ranks], animate=True)  # no rule asks for it elsewhere

    def go_to_pane(self, pane: str) -> None:
        """Gives a pane the focus; where there is little room it takes the place at the side."""
        if pane in SIDES:
            self.side = pane
        self.note_pane(pane)
        self.target(pane).focus()

    def note_pane(self, pane: str) -> None:
        """A pane has the focus, by key or mouse."""
        self.pane = pane
        self._mark()

    def _mark(self) -> None:
        """Where there is little room, the pane with the focus has it; a wide view takes that of the side pane too."""
        centre, before = self.pane == "centre", self.classes
        self.set_class(self.view != "pattern" and centre, "-merged", update=False)
        self.set_class(centre, "-pane-centre", update=False)
        self.set_class(not centre, "-pane-side", update=False)
        for name in VIEWS:
            self.set_class(name == self.view, f"-view-{name}", update=False)
        for name in SIDES:
            self.set_class(name == self.side, f"-side-{name}", update=False)
        changed = before ^ self.classes
        # Once for all, and only what rules ask for these classes for: frames, and with room for all of them but one.
        if changed and self._shares:
            self.app.stylesheet.update_nodes([self, *self.query("#a-main, #a-left, #a-right, .pane")], animate=True)
        elif any(name.startswith("-view-") for name in changed):
            self.app.stylesheet.update_nodes([self.query_one("#a-right")], animate=True)

    @property
    def _shares(self) -> bool:
        """Whether panes share a place."""
        return any(self.screen.has_class(name) for name in ("-narrow", "-short", "-tiny"))

    def pane_of(self, widget: Widget | None) -> str | None:
        """The pane that a widget is in."""
        if widget is None:
            return None
        names = {node.id for node in widget.ancestors_with_self}
        return next((pane for pane, frame in FRAMES.items() if frame[1:] in names), None)

    def title(self, pane: str, text: str, subtitle: str | None = None) -> None:
        """The title of a pane; where panes share a place it says which of how many this is."""
        if pane in SIDES and self._shares:
            text = f"{SIDES.index(pane) + 1}/{len(SIDES)} {text}"
        frame = self.query_one(FRAMES[pane])
        if self._titles.get(pane) != text:
            self._titles[pane] = text
            frame.border_title = Text(text)
        if subtitle is not None and self._subtitles.get(pane) != subtitle:
            self._subtitles[pane] = subtitle  # the same again would draw all that is in the pane again
            frame.border_subtitle = Text(subtitle)

    def show_tabs(self, about: str) -> None:
        """The title of the centre: the views, the shown one in brackets."""
        parts = [f"[{name.capitalize()}]" if name == self.view else name.capitalize() for name in VIEWS]
        self.title("centre", "  ".join(parts) + (f" · {about}" if about else ""))

    def show_head(self, lines: Sequence[tuple[str, str, float]]) -> None:
        """What is known of the head, a line each."""
        rows = []
        for name, said, share in lines:
            text = Text(no_wrap=True)
            text.append(f"{name:<14}", Style(dim=True))
            text.append(said)
            if share == share and share <= 1:
                text.append(" ")
                drawn = bar_text(share, ROOM, ascii_only=self._look.ascii).rstrip()
                text.append(drawn, Style(color=series(self.app.current_theme.dark)[0]) if self._look.ramps else Style())
            rows.append(text)
        self.head.show(rows)
