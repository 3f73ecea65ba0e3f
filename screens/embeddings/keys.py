"""What the keys of the embeddings screen do: views, pages, the expression, the set, the map.

Abstract: ``EmbedScreen`` completes it.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from core.vectors.search import MEASURES
from screens.embeddings.panes import SLOTS
from screens.embeddings.query_box import QueryBox
from screens.embeddings.reader import How
from screens.embeddings.view import VIEW_NAMES, VIEWS
from screens.embeddings.word_set import EmbedSet
from screens.guard import guarded
from screens.widgets.choose import Choice, Choose
from screens.widgets.error_card import ErrorCard

if TYPE_CHECKING:
    from core.workbench import Workbench
    from screens.embeddings.reader import Asked, Drawn

SCOPES = ("set", "near 100", "first 300", "first 1000", "first 3000")
SCOPE_NAMES = {"set": "the set and the query", "near 100": "the 100 words nearest to the query"}
AXES_MOST = 10


class EmbedKeys(EmbedSet):
    """The verbs of the page of words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit", "Query", id="embed.edit", tooltip="type a word or a sum"),
        Binding("f", "slots", "a : b :: c", id="embed.slots", tooltip="an analogy in four places"),
        Binding("v", "view(1)", "View", id="embed.view", tooltip="neighbours, analogy, map, matrix"),
        Binding("V", "view(-1)", show=False, id="embed.view-back", tooltip="the view before"),
        Binding("a", "add", "Add", id="embed.add", tooltip="add the word under the cursor to the set, or type one"),
        Binding(
            "x", "drop", "Drop", show=False, id="embed.drop", tooltip="drop the word under the cursor from the set"
        ),
        Binding("m", "measure", show=False, id="embed.measure", tooltip="cosine, inner product, distance"),
        Binding("i", "inputs", show=False, id="embed.inputs", tooltip="leave the words of a sum out, or in"),
        Binding("p", "axes", "Axes", id="embed.axes", tooltip="the next two principal components"),
        Binding("t", "tsne", show=False, id="embed.tsne", tooltip="arrange the map by t-SNE, or by PCA again"),
        Binding("S", "settings", show=False, id="embed.settings", tooltip="what the map shows, how sums are solved"),
        Binding("slash", "find", show=False, id="embed.find", tooltip="find a word on the map"),
        Binding("comma", "history(-1)", show=False, id="embed.earlier", tooltip="what was asked before"),
        Binding("full_stop", "history(1)", show=False, id="embed.later", tooltip="what was asked after"),
        Binding("r", "again", show=False, id="embed.again", tooltip="compute again"),
        Binding("tab", "tab(1)", show=False, id="embed.next", tooltip="next pane"),
        Binding("shift+tab", "tab(-1)", show=False, id="embed.previous", tooltip="previous pane"),
    ]

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.how = How()
        """How is asked."""
        self.axes = (0, 1)
        """The principal components of the map."""
        self.scope = "set"
        """What the map shows, one of ``SCOPES``."""

    # --- to be completed

    @property
    @abstractmethod
    def asked(self) -> Asked | None:
        """The last answer."""

    @property
    @abstractmethod
    def drawn(self) -> Drawn | None:
        """Map and matrix."""

    @abstractmethod
    def ask_now(self, text: str, *, remember: bool = True) -> None:
        """Asks an expression."""

    @abstractmethod
    def show_page(self, page: str) -> None:
        """One of the pages."""

    @abstractmethod
    def next_on_page(self, by: int) -> None:
        """The next pane of a page that is not the words."""

    def focus_shown(self, widget: Widget) -> None:
        """Gives a widget the focus, at once if it is in sight: the next key is on its way; else as soon as it is."""
        self.set_focus(widget)

        def again() -> None:
            if not isinstance(self.focused, ErrorCard):  # one that came meanwhile keeps it
                self.set_focus(widget)

        if self.focused is not widget:
            self.call_after_refresh(again)

    # --- views

    def action_view(self, by: int) -> None:
        """The next view, with the focus."""
        if self.body.page != "words":
            self.show_page("words")
            return
        self.show_view(VIEWS[(VIEWS.index(self.body.view) + by) % len(VIEWS)])

    def action_next_pane(self, by: int) -> None:
        """The next pane."""
        if self.body.page == "words":
            self.action_view(by)
        else:
            self.next_on_page(by)

    def show_view(self, view: str) -> None:
        """Gives a view its place and the focus."""
        if self.body.page != "words":
            self.show_page("words")
        alone = self.maximized is not None
        if alone:
            self.minimize()
        self.body.mark(view)
        self.focus_shown(self.body.focus_of(view))
        if alone:
            self.maximize(self.body.frame_of(view))
        word = self._word_in(view)
        self.say(f"view: {VIEW_NAMES[view]}" + (f" · the cursor is on {word}" if word else ""))

    def _word_in(self, view: str) -> str:
        body, drawn = self.body, self.drawn
        if view == "matrix":
            row = body.matrix.place[0]
            return drawn.words[row] if drawn is not None and row < len(drawn.words) else ""
        return {"near": body.near.word, "analogy": body.answers.word, "map": body.map.label}[view]

    def on_descendant_focus(self) -> None:
        """Where the focus is by mouse or key, the views go on from there."""
        view = self.body.view_of(self.focused)
        if view is not None and view != self.body.view:
            self.body.mark(view)

    # --- the expression

    def action_edit(self) -> None:
        """To the expression, all of it selected: what is typed takes its place, an arrow keeps it."""
        self.minimize()
        self.body.slots_shown(on=False)
        self.set_focus(self.body.box)  # at once: the next key may be on its way
        self.body.box.select_all()

    def action_slots(self) -> None:
        """To the four places, filled from the last sum where it has that form; ``e`` shows the expression again."""
        asked = self.asked
        weights = [term.weight for term in asked.expression.terms] if asked is not None else []
        if asked is not None and sorted(weights) == [-1.0, 1.0, 1.0]:
            terms = asked.expression.terms
            taken = next(t.word for t in terms if t.weight < 0)
            b, c = (t.word for t in terms if t.weight > 0)
            for box, word in zip(self.body.slots, (taken, b, c, ""), strict=True):
                box.put(word)
        self.minimize()
        self.body.slots_shown(on=True)
        self.body.slots[0].focus()
        self.say("a : b :: c : d · leave the place empty that is to be found · enter asks · tab the next place")

    @on(Input.Submitted, "#e-input")
    @guarded
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            if self.body.page != "words":
                self.show_page("words")
            self.ask_now(event.value.strip())
            view = "analogy" if self.body.view == "analogy" else "near"
            self.body.focus_of(view).focus()

    @on(Input.Submitted, "#e-slots QueryBox")
    @guarded
    def _slot_entered(self, event: Input.Submitted) -> None:
        event.stop()
        values = {slot: box.value.strip().strip("?") for slot, box in zip(SLOTS, self.body.slots, strict=True)}
        text, reason = sum_of_slots(values)
        if reason:
            self.say(reason)
            return
        self.ask_now(text)
        self.show_view("analogy")

    @on(QueryBox.Completions)
    @guarded
    def _completions(self, event: QueryBox.Completions) -> None:
        event.stop()
        if event.words:
            self.say("  ".join(event.words))
        elif event.prefix:
            self.say(f"no word begins with ‘{event.prefix}’ · enter says what is spelled like it")

    def action_history(self, by: int) -> None:
        """Another expression of the history."""
        history = self.body.box.history
        if not history:
            return
        now = self.body.box.value
        at = history.index(now) if now in history else len(history)
        place = max(0, min(len(history) - 1, at + by))
        if history[place] != now:
            self.ask_now(history[place], remember=False)

    # --- how it is asked and drawn

    def action_measure(self) -> None:
        """What the neighbours are ranked by: the next."""
        self.measure_by(MEASURES[(MEASURES.index(self.how.measure) + 1) % len(MEASURES)])

    def measure_by(self, name: str) -> None:
        """What the neighbours are ranked by."""
        self.how = replace(self.how, measure=next((m for m in MEASURES if m == name), self.how.measure))
        self.action_again()

    def action_inputs(self) -> None:
        """The words of a sum out, or in."""
        self.how = replace(self.how, exclude_inputs=not self.how.exclude_inputs)
        self.action_again()

    def action_again(self) -> None:
        """Asks once more."""
        if self.asked is not None:
            self.ask_now(self.asked.text, remember=False)

    def action_axes(self) -> None:
        """The next two principal components; after the last the first again."""
        drawn = self.drawn
        if drawn is None or drawn.projection is None or self.vectors is None:
            return
        most = min(AXES_MOST, len(drawn.projection.words) - 1, self.vectors.width)
        first = self.axes[1] + 1 if drawn.projection.method == "pca" else 0
        self.axes = (first, first + 1) if first + 1 < most else (0, 1)
        self.draw_now()

    @abstractmethod
    def action_tsne(self) -> None:
        """t-SNE when it is asked for, PCA again with the same key."""

    def show_scope(self, scope: str) -> None:
        """Other words on the map."""
        self.scope = scope
        self.axes = (0, 1)
        self.show_view("map")
        self.draw_now()

    def action_settings(self) -> None:
        """The words of the map, and how sums are solved."""
        now = " · now"
        choices = [
            Choice(
                f"scope {scope}",
                "map: "
                + SCOPE_NAMES.get(scope, f"the {scope.removeprefix('first ')} most frequent words")
                + now * (scope == self.scope),
            )
            for scope in SCOPES
        ]
        how = self.how
        choices += [
            Choice("inputs", "sums: leave their own words " + ("in" if how.exclude_inputs else "out"), "i"),
            Choice("unit", "sums: words " + ("at their own lengths" if how.unit else "at length 1")),
            Choice("cosmul", "sums: solved by " + ("the cosine with the sum" if how.cosmul else "3CosMul")),
        ]
        centred = self.vectors is not None and self.vectors.plain is not None
        choices.append(
            Choice("centre", "vectors: " + ("as they are" if centred else "take the mean of all from each"), "n")
        )
        choices += [Choice(f"by {m}", f"neighbours by {m}" + now * (m == how.measure)) for m in MEASURES]

        def chosen(value: str | None) -> None:
            kind, _, rest = (value or "").partition(" ")
            if kind == "scope":
                self.show_scope(rest)
                return
            if kind == "centre":
                self.action_centre()
                return
            changed = {
                "inputs": replace(how, exclude_inputs=not how.exclude_inputs),
                "unit": replace(how, unit=not how.unit),
                "cosmul": replace(how, cosmul=not how.cosmul),
                "by": replace(how, measure=next((m for m in MEASURES if m == rest), how.measure)),
            }.get(kind)
            if changed is not None:
                self.how = changed
                self.action_again()

        self.app.push_screen(Choose("map and sums", choices, current=f"scope {self.scope}"), chosen)

    # --- the search

    def action_find(self) -> None:
        """To the search on the map; what is typed at once must not fall on the map's own keys."""
        if self.body.page != "words":
            self.show_page("words")
        if self.maximized is not self.body.frame_of("map"):
            self.minimize()
        self.body.mark("map")
        self.body.find.add_class("-shown")
        self.body.find.value = ""
        self.focus_shown(self.body.find)

    @on(Input.Changed, "#e-find")
    @guarded
    def _find_typed(self, event: Input.Changed) -> None:
        event.stop()
        text = event.value.strip()
        if text and not self.body.map.find(text):
            self.say(f"no word on the map has ‘{text}’ · a adds words to the set")

    @on(Input.Submitted, "#e-find")
    @guarded
    def _find_next(self, event: Input.Submitted) -> None:
        event.stop()
        self.body.map.find(event.value.strip(), after=True)

    def leave_find(self) -> None:
        """Back to the map, the cursor on what was found."""
        self.body.find.remove_class("-shown")
        self.body.map.focus()


def sum_of_slots(values: dict[str, str]) -> tuple[str, str]:
    """The sum that finds the empty place of ``a : b :: c : d``, or what is missing.

    >>> sum_of_slots({"a": "man", "b": "king", "c": "woman", "d": ""})
    ('king - man + woman', '')
    >>> sum_of_slots({"a": "", "b": "king", "c": "woman", "d": "queen"})
    ('king - queen + woman', '')
    """
    from core.vectors.expression import quoted

    empty = [slot for slot in SLOTS if not values[slot]]
    if len(empty) != 1:
        missing = "leave one of the four places empty" if not empty else "fill three of the four places"
        return "", f"{missing}: a is to b as c is to d"
    word = {slot: quoted(value) for slot, value in values.items() if value}
    forms = {
        "d": ("b", "a", "c"),
        "c": ("d", "b", "a"),
        "b": ("a", "c", "d"),
        "a": ("b", "d", "c"),
    }
    plus, minus, other = forms[empty[0]]
    return f"{word[plus]} - {word[minus]} + {word[other]}", ""
