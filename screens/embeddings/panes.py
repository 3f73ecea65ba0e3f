"""The panes of the embeddings screen and what is seen of them; knows no vectors, starts no work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Static

from screens.embeddings.compare import ComparePane
from screens.embeddings.evaluating import EvaluatePane
from screens.embeddings.learning import TrainPane
from screens.embeddings.positions import PositionsPane
from screens.embeddings.query_box import Complete, QueryBox
from screens.embeddings.scores import ScoreList
from screens.embeddings.view import (
    PAGES,
    VIEWS,
    group_names,
    inputs_text,
    map_figure,
    map_titles,
    near_scores,
    plane_figure,
    sum_scores,
    sum_text,
    words_text,
)
from screens.panes import share_a_place
from screens.widgets.guarded import Guarded
from screens.widgets.heat_map import HeatMap
from screens.widgets.ramps import Look
from screens.widgets.word_map import WordMap
from screens.widgets.word_map_labels import plain
from screens.widgets.word_map_paint import group_marker, group_style

if TYPE_CHECKING:
    from screens.embeddings.reader import Asked, Drawn

LEFT, RIGHT = ("near", "analogy"), ("map", "matrix")
SLOTS = ("a", "b", "c", "d")
PAGE_KEYS = (
    "c compare · P positions · b train · E evaluate",
    "c compare P positions b train E scores",
    "other pages: c P b E",
)
"""The keys of the other pages, the fullest form first."""


class EmbedBody(Guarded, Vertical):
    """The query; neighbours and analogy at the left, map and matrix at the right; the other pages in their place."""

    def __init__(self, complete: Complete, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._complete = complete
        self.page = "words"
        self.view = "near"
        self._look = Look()
        self._titles: dict[str, tuple[str, ...]] = {}
        self._shown_titles: dict[str, str] = {}
        self._seen = {"left": LEFT[0], "right": RIGHT[0]}

    def compose(self) -> ComposeResult:
        """All that is there at once; the style sheet decides what is seen."""
        with Horizontal(id="e-query"):
            yield Static(id="e-source", markup=False)
            yield Static("query ", classes="e-word", markup=False)
            yield QueryBox(
                self._complete, id="e-input", placeholder="king   king - man + woman   paris : france :: tokyo"
            )
            with Horizontal(id="e-slots"):
                for slot, after in zip(SLOTS, (" : ", " :: ", " : ", ""), strict=True):
                    yield QueryBox(self._complete, id=f"e-slot-{slot}", placeholder="?", select_on_focus=True)
                    yield Static(after, classes="e-word", markup=False)
        yield Vertical(id="e-alert")
        with Horizontal(id="e-words"):
            with Vertical(id="e-left"):
                yield ScoreList(id="e-near")
                with Vertical(id="e-analogy-pane", classes="pane"):
                    yield ScoreList(id="e-answers")
                    yield Static(id="e-inputs", markup=False)
                    yield WordMap(id="e-plane")
            with Vertical(id="e-right"):
                with Vertical(id="e-map-pane", classes="pane"):
                    yield WordMap(id="e-map")
                    yield Input(
                        id="e-find", placeholder="find a word on the map; enter: the next; esc ends", compact=True
                    )
                yield HeatMap(id="e-matrix", classes="pane")
        yield ComparePane()
        yield PositionsPane()
        yield TrainPane()
        yield EvaluatePane()

    def on_mount(self) -> None:
        """What is seen at first."""
        self.near.add_class("pane")
        self.show_page("words")
        self.put_in_place()
        self.map.empty_text = self.plane.empty_text = ""

    # --- the parts

    @property
    def box(self) -> QueryBox:
        """The expression."""
        return self.query_one("#e-input", QueryBox)

    @property
    def slots(self) -> list[QueryBox]:
        """The four places of an analogy."""
        return [self.query_one(f"#e-slot-{slot}", QueryBox) for slot in SLOTS]

    @property
    def near(self) -> ScoreList:
        """The neighbours."""
        return self.query_one("#e-near", ScoreList)

    @property
    def answers(self) -> ScoreList:
        """What a sum comes to."""
        return self.query_one("#e-answers", ScoreList)

    @property
    def plane(self) -> WordMap:
        """The parallelogram."""
        return self.query_one("#e-plane", WordMap)

    @property
    def map(self) -> WordMap:
        """The map."""
        return self.query_one("#e-map", WordMap)

    @property
    def matrix(self) -> HeatMap:
        """The cosines."""
        return self.query_one("#e-matrix", HeatMap)

    @property
    def find(self) -> Input:
        """The search on the map."""
        return self.query_one("#e-find", Input)

    @property
    def alert(self) -> Vertical:
        """Where cards go."""
        return self.query_one("#e-alert", Vertical)

    def frame_of(self, view: str) -> Widget:
        """The widget whose border carries a view's title."""
        return self.query_one(
            {"near": "#e-near", "analogy": "#e-analogy-pane", "map": "#e-map-pane", "matrix": "#e-matrix"}[view]
        )

    def focus_of(self, view: str) -> Widget:
        """What takes the focus in a view."""
        return {"near": self.near, "analogy": self.answers, "map": self.map, "matrix": self.matrix}[view]

    def view_of(self, widget: Widget | None) -> str | None:
        """Which view a widget belongs to."""
        frames = {self.frame_of(view): view for view in VIEWS}
        ways = widget.ancestors_with_self if widget is not None else ()
        return next((frames[way] for way in ways if isinstance(way, Widget) and way in frames), None)

    # --- what is seen

    @property
    def shared(self) -> bool:
        """Whether the views share places, as on a small terminal."""
        return share_a_place(self)

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self._look = look
        for part in (self.near, self.answers, self.plane, self.map, self.matrix):
            part.wear(look)
        for page in self.query("ComparePane, PositionsPane, TrainPane, EvaluatePane"):
            assert isinstance(page, (ComparePane, PositionsPane, TrainPane, EvaluatePane))
            page.wear(look)

    def show_page(self, page: str) -> None:
        """One of the pages."""
        self.page = page
        kinds = ("#e-words", "ComparePane", "PositionsPane", "TrainPane", "EvaluatePane")
        for name, kind in zip(PAGES, kinds, strict=True):
            self.query_one(kind).set_class(name == page, "-here")

    def mark(self, view: str) -> None:
        """Brings a view into its place, where two share one."""
        self.view = view
        self._seen["left" if view in LEFT else "right"] = view
        self.put_in_place()

    def put_in_place(self) -> None:
        """Shows the views that were seen last where two share a place; where none do, there is nothing to be done."""
        if not self.shared:  # all are seen, and a class that comes or goes costs a look at the style sheet
            return
        for name in VIEWS:
            self.frame_of(name).set_class(name in self._seen.values(), "-here")
        for name in ("left", "right"):
            self.query_one(f"#e-{name}").set_class(self._seen[name] == self.view, "-here")
        self.call_after_refresh(self._retitle)  # it may have another width where it stands now

    def _retitle(self) -> None:
        for view, forms in self._titles.items():
            self._title(view, *forms)

    def slots_shown(self, on: bool) -> None:
        """The four places, or the expression."""
        self.query_one("#e-query").set_class(on, "-slots")

    def say_source(self, text: str) -> None:
        """What the vectors are; a click chooses others."""
        line = Text(f"{text} ▾", no_wrap=True, overflow="ellipsis")
        line.stylize(Style(bold=True))
        line.apply_meta({"@click": "screen.sources"})
        self.query_one("#e-source", Static).update(line)

    def _title(self, view: str, *forms: str) -> None:
        """The fullest of some titles that fits, with the view's place in the round where views share one."""
        self._titles[view] = forms = tuple(map(plain, forms))
        place = f" {VIEWS.index(view) + 1}/{len(VIEWS)} tab" if self.shared else ""
        frame = self.frame_of(view)
        room = frame.outer_size.width - 5 - len(place)
        text = next((form for form in forms if len(form) <= room), forms[-1])
        if len(text) > room > 8:
            text = text[: room - 1] + "…"
        if self._shown_titles.get(view) != text + place:  # to set a title paints the whole pane anew
            self._shown_titles[view] = text + place
            frame.border_title = Text(text + place)
        if view == "near":  # the first pane names the pages that this one gives way to
            room = frame.outer_size.width - 6
            keys = next((form for form in PAGE_KEYS if len(form) <= room), "")
            if str(frame.border_subtitle or "") != keys:
                frame.border_subtitle = Text(keys)

    # --- what was found

    def show_asked(self, asked: Asked) -> None:
        """Neighbours; with a sum also its answer and its plane, else those of the last sum stay."""
        by = {"cosine": "cosine", "dot": "inner product", "euclid": "distance"}[asked.how.measure]
        self.near.show(near_scores(asked), asked.how.measure, empty="no other word has a direction")
        self._title("near", f"nearest to ‘{asked.word}’ · {by}", f"near ‘{asked.word}’ · {by}", f"near ‘{asked.word}’")
        if asked.answer is None:
            return
        kind = "3CosMul" if asked.by_product else "cosine"
        self.answers.show(sum_scores(asked), "dot" if asked.by_product else "cosine", empty="no word is left")
        text = sum_text(asked.expression)
        self._title("analogy", f"{text} ≈ · {kind}", f"{text} ≈", text)
        self.query_one("#e-inputs", Static).update(plain(inputs_text(asked)), layout=False)
        if asked.plane is None:
            self.plane.clear("one word, or no numbers: there is no plane")
            self.plane.border_title = ""
        else:
            self.plane.show(plane_figure(asked.plane))
            self.plane.tooltip = f"the plane of these points keeps {100 * asked.plane.share:.0f} % of their spread"

    def show_nothing(self) -> None:
        """Nothing was asked of these vectors yet."""
        self.near.show([], empty="e: type a word")
        self._title("near", "neighbours")
        self.show_no_sum()
        self.map.clear("")
        self._title("map", "map")
        self.matrix.clear("")
        self._title("matrix", "cosine")

    def show_no_sum(self) -> None:
        """No sum was asked for yet."""
        self.answers.show([], empty="e: type a sum such as king - man + woman")
        self._title("analogy", "analogy")
        self.query_one("#e-inputs", Static).update("", layout=False)
        self.plane.clear("")

    def show_drawn(self, drawn: Drawn, asked: Asked | None, *, keep_window: bool = False) -> None:
        """Map and matrix."""
        self.show_map(drawn, asked, keep_window=keep_window)
        if len(drawn.words):
            names = [plain(word) for word in drawn.words]
            low = float(drawn.matrix.min())
            self.matrix.fill(
                drawn.matrix,
                row_labels=names,
                column_labels=names if len(names) <= 24 else None,
                scale=(-1.0, 1.0) if low < -0.05 else (0.0, 1.0),
                diverging=low < -0.05,
            )
        else:
            self.matrix.clear("a adds a word to the set")
        self._title("matrix", f"cosine · {words_text(len(drawn.words))}")

    def show_map(self, drawn: Drawn, asked: Asked | None, *, keep_window: bool = False) -> None:
        """The map alone."""
        if drawn.projection is None:
            one = len(drawn.words) > 1
            self.map.clear("one number a word makes no map" if one else "two words or more make a map: a adds one")
        else:
            self.map.show(map_figure(drawn, asked), keep_window=keep_window)
        self._title("map", *map_titles(drawn))
        self.say_map_keys(drawn)

    def say_map_keys(self, drawn: Drawn) -> None:
        """The groups, and what is not seen."""
        frame = self.frame_of("map")
        room = frame.outer_size.width - 6
        note = self.map.note() or "p axes · t t-SNE · / find"
        legend = Text(no_wrap=True)
        names = group_names(drawn.projection.words) if drawn.projection is not None else []
        for number, name in names:
            legend.append(f"{group_marker(number, self._look)} {name} ", group_style(number, self._look))
        if legend.cell_len + len(note) > room and self.map.note():
            note = self.map.note(brief=True)
        if legend.cell_len + len(note) > room:  # what is hidden must be said; what a colour means can be found out
            legend = Text(no_wrap=True) if self.map.note() else legend
            note = note if self.map.note() else ""
        legend.append(note)
        legend.rstrip()
        frame.border_subtitle = legend

    def go_to_word(self, word: str, source: Widget | None) -> None:
        """One cursor for all: the lists, the map and the row of the matrix go to a word where they have it."""
        for word_map in (self.map, self.plane):
            if word_map is not source:
                word_map.go_to_word(word)
        for scores in (self.near, self.answers):
            if scores is not source:  # what answers best stays in sight
                scores.go_to_word(word, scroll=scores is self.near)
