"""Screen 2: what the numbers of a word mean: neighbours, arithmetic, similarity, a map; and where they come from.

The screen owns what is shown; core is asked in threads (``reader``), words and figures are made in ``view``, panes are
in ``panes``, keys in ``keys``, opening in ``sources``, asking in ``asking``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, final

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from core.vectors.groups import FIRST_QUERY, first_words
from screens.base import Door
from screens.embeddings.centring import parts_of
from screens.embeddings.keeping import kept
from screens.embeddings.offers import EmbedOffers
from screens.embeddings.panes import EmbedBody
from screens.embeddings.reader import named, translated
from screens.embeddings.sources import TABLES
from screens.embeddings.style import STYLE
from screens.embeddings.view import DEMO
from screens.widgets.error_card import ErrorCard
from screens.widgets.heat_map import HeatMap
from screens.widgets.ramps import Look
from screens.widgets.word_map import WordMap
from screens.widgets.word_map_labels import plain

if TYPE_CHECKING:
    from core.errors import LabError
    from core.vectors.store import Vectors
    from core.workbench import Bench, Workbench


FREQUENT = 5000
"""Words of a file among which the first set is looked for, where it has none of the lessons'."""


@final
class EmbedScreen(EmbedOffers):
    """The screen."""

    DEFAULT_CSS = STYLE
    LAB_NAME = "Embed"

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self._bench_a = workbench.a
        self._first_query = FIRST_QUERY

    def compose_body(self) -> ComposeResult:
        """Query, lists, map, matrix."""
        yield EmbedBody(self.complete, id="embed")

    def on_mount(self) -> None:
        """Opens the demo vectors, which are always here, and asks them what was asked the last time."""
        self.body.wear(self.look)
        self._first_query, self.body.box.history = kept(self.app)
        self.body.show_no_sum()
        self.body.near.focus()
        self.open_source(DEMO)

    @property
    def body(self) -> EmbedBody:
        """The panes."""
        return self.query_one(EmbedBody)

    def say(self, text: str, *, rows: int = 1) -> None:
        """The sentence of the status line; a word of a file may hold what would steer the terminal."""
        super().say(plain(text), rows=rows)

    def problem(
        self, where: Widget | str, error: LabError, doors: Sequence[Door | tuple[str, str, str]] = (), log: str = ""
    ) -> ErrorCard:
        """Shows an error, also where one pane was shown alone; its words too may come from a file."""
        self.minimize()
        card = super().problem(where, error, doors, log)
        shown = card.problem
        lines = ["\n".join(map(plain, text.split("\n"))) for text in (shown.what, shown.why)]
        if lines != [shown.what, shown.why]:
            card.replace(replace(shown, what=lines[0], why=lines[1]))
        return card

    def look_changed(self, look: Look) -> None:
        """Draws as the terminal can show it now."""
        self.body.wear(look)
        self._show_again()

    def resume_updates(self) -> None:
        """The look may be another one."""
        self.body.wear(self.look)

    def bench_changed(self, bench: Bench) -> None:
        """Another checkpoint: where a table of the workbench's model is shown, that of the new one is opened."""
        before, self._bench_a = self._bench_a, bench.a
        if self.body.page == "positions" and self.places.spec == f"{before}:wpe" and bench.a != before:
            self.places.open(f"{bench.a}:wpe")
        shown, centred = parts_of(self.spec)
        table = next((t for t in TABLES if shown == f"{before}{t}"), "")
        if table and bench.a != before:
            self.open_source(f"{bench.a}{table}{centred}")
        elif bench.a != before:
            self.say_what_is_open()

    @on(EmbedOffers.SizeChanged)
    def _size_changed(self) -> None:
        self.body.put_in_place()
        self.call_after_refresh(self._settle_in)

    def _settle_in(self) -> None:
        self.say_what_is_open()
        self._show_again()

    def _show_again(self) -> None:
        if self.summed is not None and self.summed is not self.asked:
            self.body.show_asked(self.summed)
        if self.asked is not None:
            self.body.show_asked(self.asked)
        if self.drawn is not None:
            self.body.show_drawn(self.drawn, self.asked, keep_window=True)

    def vectors_came(self, vectors: Vectors) -> None:
        """Others are open: the same question to them, where they know its words."""
        before = self.asked.text if self.asked is not None else self._first_query
        text = translated(vectors, before) or translated(vectors, FIRST_QUERY)
        known = [name for name in (named(vectors, word) for word in self.words) if name is not None]
        if len(known) >= max(2, len(self.words) // 2):
            self.words = tuple(dict.fromkeys(known))
        else:
            self.words = first_words(lambda word: named(vectors, word), _frequent(vectors))
        self.axes = (0, 1)
        self._summed = None
        if text is None:
            from core.vectors.expression import quoted

            text = quoted(self.words[0]) if self.words else ""
        for note in vectors.notes[:1]:
            self.notify(note, timeout=8)
        if text:
            self.ask_now(text)
        else:
            self.forget()
            self.draw_now()
            self.say("no word of these vectors has a direction")

    def release(self) -> bool:
        """One thing a press: a pin, a window of a map, another page."""
        body, focused = self.body, self.focused
        if isinstance(focused, (HeatMap, WordMap)) and focused.release():
            return True
        if body.page == "words" and any(part.release() for part in (body.matrix, body.map, body.plane)):
            return True  # the wheel zooms without the focus
        if body.page != "words" and self.maximized is None:
            self.show_page("words")
            return True
        return False

    async def action_back_out(self) -> None:
        """Leaves the fields; else as everywhere."""
        body = self.body
        if body.find.has_focus:
            self.leave_find()
        elif body.box.has_focus:
            self.solved(body.alert)
            if self.asked is not None:
                body.box.put(self.asked.text)
                self.say_answer(self.asked)
            body.focus_of(body.view).focus()
        elif any(slot.has_focus for slot in body.slots):
            body.slots_shown(on=False)
            body.focus_of(body.view).focus()
        else:
            await super().action_back_out()


def _frequent(vectors: Vectors) -> list[str]:
    return [word for word, norm in zip(vectors.words[:FREQUENT], vectors.norms[:FREQUENT], strict=True) if norm > 0]
