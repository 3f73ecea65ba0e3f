"""What the embeddings screen offers besides its keys: taking away, the lesson, the palette, a map along two pairs.

Abstract: ``EmbedScreen`` completes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from core.errors import LabError
from screens.embeddings.keys import SCOPE_NAMES, SCOPES
from screens.embeddings.messages import Pictured
from screens.embeddings.pages import QUESTIONS, EmbedPages
from screens.embeddings.reader import Asked, Drawn, Pairs, map_words
from screens.embeddings.scores import number
from screens.embeddings.takeaway import take_away_of
from screens.embeddings.view import VIEW_NAMES, count_text
from screens.guard import as_lab_error
from screens.widgets.dialog import Dialog
from screens.widgets.lesson import LessonView
from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from core.vectors.store import Vectors
    from core.workbench import Workbench

PAIRS: Pairs = (("man", "woman"), ("france", "paris"))


class AskPairs(Dialog[Pairs]):
    """Two pairs of words that name the axes of a map."""

    HEADING = "a map along two pairs of words"
    KEYS = "enter draws · esc close"
    DEFAULT_CSS = """
    AskPairs #reason { color: $text-warning; height: auto; }
    """

    def __init__(self, pairs: Pairs) -> None:
        super().__init__()
        self._pairs = pairs

    def compose_box(self) -> ComposeResult:
        """Field and reason."""
        yield Static(
            "across from the first word of a pair to its second, then upwards: man woman, young old", markup=False
        )
        yield Input(", ".join(" ".join(pair) for pair in self._pairs), compact=True)
        yield Static(id="reason", markup=False)

    def on_mount(self) -> None:
        """Ready to type."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        words = event.value.replace(",", " ").replace(":", " ").split()
        if len(words) != 4:
            self.query_one("#reason", Static).update(f"two pairs, four words, were expected, got {len(words)}")
        else:
            self.dismiss(((words[0], words[1]), (words[2], words[3])))


class EmbedOffers(EmbedPages):
    """The part of the screen that tells and gives."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "pairs", show=False, id="embed.pairs", tooltip="a map along two pairs of words"),
    ]

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.pairs = PAIRS
        """The axes of a map along pairs."""

    # --- a map along two pairs

    def action_pairs(self) -> None:
        """Asks for two pairs of words and draws the map along them."""

        def chosen(pairs: Pairs | None) -> None:
            if pairs is not None:
                self.draw_along(pairs)

        self.app.push_screen(AskPairs(self.pairs), chosen)

    def draw_along(self, pairs: Pairs) -> None:
        """The map along two pairs of words."""
        from core.vectors.comparison import name_in

        vectors = self.vectors
        if vectors is None or self.drawn is None:
            return
        first, second = [(name_in(vectors, a) or a, name_in(vectors, b) or b) for a, b in pairs]
        self.pairs = pairs = (first, second)
        self.show_view("map")
        words = map_words(vectors, self.scope, self.words, self.asked)
        number = self.next_drawing()
        self._along(number, vectors, self.drawn, [*words, *first, *second], pairs)

    @work(thread=True, group="draw", exit_on_error=False, description="arrange words along two pairs")
    def _along(self, number: int, vectors: Vectors, drawn: Drawn, words: list[str], pairs: Pairs) -> None:
        from dataclasses import replace

        found: Drawn | LabError
        try:
            words = list(dict.fromkeys(words))
            found = replace(drawn, projection=vectors.project(words, "axes", pairs=pairs), pairs=pairs)
        except Exception as error:  # such as a word that is unknown
            found = as_lab_error(error)
        self.post_message(Pictured(number, found))

    # --- what every screen offers

    @property
    def shown_name(self) -> str:
        """What is open, for a picture: that vectors are synthetic stands with it."""
        vectors = self.vectors
        if vectors is None:
            return ""
        return f"{self.spec} (synthetic)" if vectors.synthetic else self.spec

    def take_away(self) -> TakeAwayRequest | None:
        """This view as Python, command, numbers, picture."""
        return take_away_of(self)

    def lesson(self) -> LessonView:
        """L2 with the numbers that are on the screen."""
        tries = (
            ("ask man : doctor :: woman, and what it says about the text", "try_bias"),
            ("look at the table of a real model: its tokens", "try_tokens"),
        )
        return LessonView("L2", lesson_values(self), tries)

    def action_try_bias(self) -> None:
        """An analogy that shows what the text was like; of vectors that do not know its words, another one."""
        from screens.embeddings.reader import translated

        vectors = self.vectors
        if vectors is None:
            return
        asked = [
            translated(vectors, text)
            for text in ("doctor - man + woman", "actor - man + woman", "waiter - man + woman")
        ]
        text = next((text for text in asked if text is not None), None)
        if text is None:
            self.say("these vectors know none of doctor, actor, waiter: d fetches real ones")
        else:
            self.show_page("words")
            self.ask_now(text)

    def action_try_tokens(self) -> None:
        """The token embeddings of the model on the workbench."""
        self.show_page("words")
        self.open_source(f"{self.workbench.a}:wte")

    def commands(self) -> Iterable[tuple[str, str, Callable[[], Any]]]:
        """Every key has an entry."""
        yield "Query: a word or a sum of words", "e", self.action_edit
        yield "Analogy in four places, a : b :: c", "f", self.action_slots
        for view, name in VIEW_NAMES.items():
            yield f"View: {name}", "v", partial(self.show_view, view)
        yield "Compare: the same words in two spaces", "c: another space, side by side", self.action_compare
        yield "Positions: cosines of the model's position embeddings", "P: the table wpe", self.action_positions
        yield (
            "Train word vectors on a text…",
            "b: learn your own with word2vec",
            partial(self.call_later, self.action_train),
        )
        yield "Evaluate: score these vectors", "E: questions with known answers", self.action_evaluate
        for name, what in QUESTIONS.items():
            yield f"Score by {name}", what, partial(self.score, name)
        yield "Vectors: choose others…", "s: another space", self.action_sources
        yield "Vectors: open a file…", "o", self.action_open
        yield "Vectors: fetch real ones (GloVe)", "d", self.action_real
        yield "Vectors: the demo's", "u", self.action_demo
        yield "Vectors: the tokens of the model", "s", self.action_try_tokens
        yield "Vectors: save those that were trained", "W", self.action_save_learnt
        yield "Vectors: centre them, or put their mean back", "n: anisotropy", self.action_centre
        yield "Set: add words…", "a", self.action_add
        yield "Set: drop the word under the cursor", "x", self.action_drop
        for measure in ("cosine", "dot", "euclid"):
            yield f"Measure: neighbours by {measure}", "m", partial(self.measure_by, measure)
        yield "Inputs of a sum: leave out or in", "i", self.action_inputs
        yield "Map: next principal components", "p", self.action_axes
        yield "Map: arrange by t-SNE, or by PCA again", "t", self.action_tsne
        yield "Map: along two pairs of words…", "A", self.action_pairs
        for scope in SCOPES:
            name = SCOPE_NAMES.get(scope, f"the {scope.removeprefix('first ')} most frequent words")
            yield f"Map: {name}", "S", partial(self.show_scope, scope)
        yield "Map: find a word", "/", self.action_find
        yield "Map and sums: settings…", "S", self.action_settings
        yield "What was asked before", ",", partial(self.action_history, -1)
        yield "What was asked after", ".", partial(self.action_history, 1)


def lesson_values(screen: EmbedOffers) -> dict[str, str]:
    """The live numbers of lesson L2; what is not known is left out and prints as a dash."""
    if screen.vectors is None:
        return {}
    values = {"source": screen.shown_name, **_of_vectors(screen.vectors)}
    if screen.asked is not None and screen.asked.near:
        values |= _of_neighbours(screen.vectors, screen.asked)
    if screen.summed is not None:
        values |= _of_sum(screen.summed)
    drawn = screen.drawn
    if drawn is not None and drawn.projection is not None and drawn.projection.share is not None:
        kept = 100 * sum(drawn.projection.share)
        values |= {
            "map_words": str(len(drawn.projection.words)),
            "share": f"{kept:.0f}",
            "lost": f"{100 - kept:.0f}",
        }
    return {name: value for name, value in values.items() if value}


def _of_vectors(vectors: Vectors) -> dict[str, str]:
    values = {
        "words": count_text(len(vectors)),
        "width": str(vectors.width),
        "numbers": count_text(len(vectors) * vectors.width),
        "kind": "tokens" if vectors.pieces is not None else "words",
        "made_up": (
            "They were trained on made-up sentences, which say on purpose what is shown here; `d` fetches real ones."
            if vectors.synthetic
            else "They were learnt from real text."
        ),
    }
    if vectors.mean_cosine is not None:
        values["mean_cosine"] = number(vectors.mean_cosine)
        values["centred"] = (
            "That mean is taken from each just now (`n` puts it back)"
            if vectors.plain is not None
            else "`n` takes the mean of all rows from each (centring)"
        )
    return values


def _of_neighbours(vectors: Vectors, asked: Asked) -> dict[str, str]:
    first = asked.near[0]
    row = (vectors.plain or vectors).vector(asked.word)
    values = {
        "word": asked.word,
        "row": str(vectors.row(asked.word)),
        "first_numbers": ", ".join(f"{x:.2f}" for x in row[:4]),
        "near": first.word,
        "measure": asked.how.measure,
        "near_value": number(first.value),
        "near_list": ", ".join(n.word for n in asked.near[:4]),
    }
    if asked.how.measure == "cosine":
        x, y = vectors.vector(asked.word), vectors.vector(first.word)
        lengths = [float((v.astype(float) ** 2).sum()) ** 0.5 for v in (x, y)]
        values |= {
            "dot": number(float(x.astype(float) @ y.astype(float))),
            "length_a": number(lengths[0]),
            "length_b": number(lengths[1]),
        }
    return values


def _of_sum(summed: Asked) -> dict[str, str]:
    if summed.answer is None or not summed.found:
        return {}
    return {
        "sum": str(summed.expression),
        "best": summed.found[0].word,
        "best_value": number(summed.found[0].value),
        "second": summed.found[1].word if len(summed.found) > 1 else "",
        "with_inputs": ", ".join(f"{n.word} {number(n.value)}" for n in summed.with_inputs[:3]),
        "rank": str(summed.rank_with_inputs or ""),
        "plane": f"{100 * summed.plane.share:.0f}" if summed.plane is not None else "",
    }
