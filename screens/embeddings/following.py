"""The one cursor of lists, map and matrix: a word under it is under it everywhere, and how it stands to the query.

Abstract: ``EmbedScreen`` completes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.timer import Timer
from textual.widget import Widget

from core.errors import LabError
from screens.embeddings.asking import EmbedAsking
from screens.embeddings.messages import Compared
from screens.embeddings.scores import ScoreList, number
from screens.embeddings.view import pair_sentence
from screens.guard import guarded
from screens.widgets.heat_map import HeatMap
from screens.widgets.virtual_list import VirtualList
from screens.widgets.word_map import WordMap

if TYPE_CHECKING:
    from core.vectors.store import Vectors
    from core.workbench import Workbench

SETTLED = 0.08
"""Seconds that the cursor rests on a word before everything about it and the query is read."""


class EmbedFollowing(EmbedAsking):
    """The part of the screen that follows the cursor."""

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self._pair_number = 0
        self._pair_timer: Timer | None = None

    @on(ScoreList.Highlighted, "#e-near, #e-answers")
    @guarded
    def _row_moved(self, event: VirtualList.Highlighted) -> None:
        event.stop()
        scores = event.source
        if isinstance(scores, ScoreList) and _chosen(scores):
            self._follow(scores.word, scores)

    @on(WordMap.Highlighted, "#e-map, #e-plane")
    @guarded
    def _point_moved(self, event: WordMap.Highlighted) -> None:
        event.stop()
        if _chosen(event.word_map) or self.body.find.has_focus:
            self._follow(event.word_map.label, event.word_map)

    @on(WordMap.Noted, "#e-map")
    @guarded
    def _noted(self, event: WordMap.Noted) -> None:
        event.stop()
        if self.drawn is not None:
            self.body.say_map_keys(self.drawn)

    @on(HeatMap.Highlighted, "#e-matrix")
    @guarded
    def _cell_moved(self, event: HeatMap.Highlighted) -> None:
        event.stop()
        drawn = self.drawn
        if drawn is None or not _chosen(event.heat_map) or event.row >= len(drawn.words):
            return
        self._follow(drawn.words[event.row], event.heat_map)
        self._say_pair(drawn.words[event.column], drawn.words[event.row], f"cosine {number(event.value)}")

    def _follow(self, word: str, source: Widget) -> None:
        """Brings the one cursor to a word everywhere, and says how it stands to the query."""
        if not word or self.vectors is None:
            return
        self.word = word
        self.put_cursor(word, source)
        if source is self.body.matrix:
            return
        asked = self.asked
        if asked is not None and word in self.vectors:
            self._say_pair(asked.word, word, "")

    def drop_pair(self) -> None:
        """A comparison of two words that is on its way has nobody to tell."""
        if self._pair_timer is not None:
            self._pair_timer.stop()
        self._pair_number += 1

    def _say_pair(self, a: str, b: str, known: str) -> None:
        self.drop_pair()
        if a == b:
            self.say(f"{b} · {'in the set' if b in self.words else 'a adds it to the set'} · enter makes it the query")
            return
        self.say(f"{a} ↔ {b}" + (f" · {known}" if known else ""))
        number = self._pair_number
        self._pair_timer = self.set_timer(SETTLED, lambda: self._compare(number, self.vectors, a, b))

    @work(thread=True, group="pair", exit_on_error=False, description="compare two words")
    def _compare(self, number: int, vectors: Vectors | None, a: str, b: str) -> None:
        if vectors is None:
            return
        try:
            self.post_message(Compared(number, vectors.compare(a, b)))
        except LabError as error:
            self.post_message(Compared(number, error))

    @on(Compared)
    @guarded
    def _compared(self, message: Compared) -> None:
        if message.number != self._pair_number or self.vectors is None:
            return
        if isinstance(message.found, LabError):
            self.say(message.found.title)
        else:
            self.say(pair_sentence(message.found, len(self.vectors)))

    # --- a word is taken

    @on(ScoreList.Activated, "#e-near, #e-answers")
    @guarded
    def _row_taken(self, event: VirtualList.Activated) -> None:
        event.stop()
        if isinstance(event.source, ScoreList):
            self.take_word(event.source.word)

    @on(WordMap.Activated, "#e-map, #e-plane")
    @guarded
    def _point_taken(self, event: WordMap.Activated) -> None:
        event.stop()
        self.take_word(event.word_map.label)

    @on(HeatMap.Activated, "#e-matrix")
    @guarded
    def _cell_taken(self, event: HeatMap.Activated) -> None:
        event.stop()
        drawn = self.drawn
        if drawn is not None and event.row < len(drawn.words):
            self.take_word(drawn.words[event.row])

    def take_word(self, word: str) -> None:
        """A word becomes the query."""
        from core.vectors.expression import quoted

        if self.vectors is not None and word in self.vectors:
            self.ask_now(quoted(word))


def _chosen(widget: Widget) -> bool:
    """Whether a person moved its cursor, and not the screen."""
    return widget.has_focus or widget.mouse_hover
