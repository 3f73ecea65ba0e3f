"""The page of two spaces: the same word's neighbours in each, the same words on two maps laid on each other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Static

from core.errors import LabError
from core.vectors.groups import group_of
from screens.embeddings.scores import Score, ScoreList, number
from screens.embeddings.view import count_text
from screens.guard import as_lab_error, guarded
from screens.widgets.guarded import Guarded
from screens.widgets.ramps import Look
from screens.widgets.virtual_list import VirtualList
from screens.widgets.word_map import WordMap
from screens.widgets.word_map_labels import plain
from screens.widgets.word_map_paint import MapFigure

if TYPE_CHECKING:
    from core.vectors.answers import Neighbour
    from core.vectors.comparison import SpacesCompared
    from core.vectors.store import Vectors

NEAR = 20
"""Neighbours in each list."""


class ComparePane(Guarded, Vertical):
    """Two lists above two maps; the cursor is one for both."""

    DEFAULT_CSS = """
    ComparePane > Horizontal { height: 1fr; width: 1fr; }
    ComparePane > #c-maps { height: 2fr; }
    ComparePane > #c-said { height: 2; color: $text-muted; padding: 0 1; }
    ComparePane .pane { width: 1fr; height: 1fr; }
    """

    class Came(Message):
        """A comparison, or why there is none."""

        def __init__(self, number: int, found: tuple[object, ...] | LabError) -> None:
            super().__init__()
            self.number = number
            self.found = found

    class Trouble(Message):
        """It cannot be compared."""

        def __init__(self, error: LabError) -> None:
            super().__init__()
            self.error = error

    class Word(Message):
        """The cursor is on a word; ``taken``: it was activated."""

        def __init__(self, word: str, sentence: str, taken: bool) -> None:
            super().__init__()
            self.word = word
            self.sentence = sentence
            self.taken = taken

    def __init__(self) -> None:
        super().__init__()
        self.found: SpacesCompared | None = None
        """What is shown."""
        self.specs = ("", "")
        """The two spaces that were asked for, by the names that ``core.load_vectors`` takes."""
        self.word = ""
        """Whose neighbours the lists show."""
        self.first: Vectors | None = None
        """The first of the spaces that are shown."""
        self.second = ""
        """The name of the other."""
        self._other: Vectors | None = None
        self._number = 0
        self._cancel = threading.Event()

    def compose(self) -> ComposeResult:
        """Lists, a sentence, maps."""
        with Horizontal(id="c-lists"):
            yield ScoreList(id="c-near-a")
            yield ScoreList(id="c-near-b")
        yield Static(id="c-said", markup=False)
        with Horizontal(id="c-maps"):
            yield WordMap(id="c-map-a", classes="pane")
            yield WordMap(id="c-map-b", classes="pane")

    def on_mount(self) -> None:
        """Nothing yet."""
        for scores in self.lists:
            scores.add_class("pane")
        for word_map in self.maps:
            word_map.clear("c chooses another space")

    @property
    def lists(self) -> tuple[ScoreList, ScoreList]:
        """The neighbours in each."""
        return self.query_one("#c-near-a", ScoreList), self.query_one("#c-near-b", ScoreList)

    @property
    def maps(self) -> tuple[WordMap, WordMap]:
        """The words in each."""
        return self.query_one("#c-map-a", WordMap), self.query_one("#c-map-b", WordMap)

    @property
    def parts(self) -> tuple[ScoreList | WordMap, ...]:
        """In the order of ``tab``."""
        return (*self.lists, *self.maps)

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        for part in self.parts:
            part.wear(look)

    # --- comparing

    def compare(self, a: Vectors, b_spec: str, words: tuple[str, ...], word: str) -> None:
        """Reads the other space and compares, in a thread."""
        self._number += 1
        self._cancel.set()
        self._cancel = threading.Event()
        self.specs, self.word = (a.spec, b_spec), word
        self.query_one("#c-said", Static).update(f"reading {b_spec}…")
        other = self._other if self._other is not None and self._other.spec == b_spec else None
        self._compare(self._number, a, b_spec, other, words, word, self._cancel)

    @work(thread=True, group="spaces", exit_on_error=False, description="compare two spaces")
    def _compare(
        self,
        number: int,
        a: Vectors,
        b_spec: str,
        b: Vectors | None,
        words: tuple[str, ...],
        word: str,
        cancel: threading.Event,
    ) -> None:
        from core.vectors.comparison import compare_spaces, name_in
        from core.vectors.sources import load_vectors

        try:
            other = b if b is not None else load_vectors(b_spec, cancel=cancel)
            found = compare_spaces(a, other, words)
            here, there = name_in(a, word), name_in(other, word)
            near_a = a.neighbours(here, NEAR) if here else []
            near_b = other.neighbours(there, NEAR) if there else []
            names = {n.word: name_in(a, n.word) for n in near_b}
        except Exception as error:  # a file that went is told like a word that is not there
            if not cancel.is_set():
                self.post_message(self.Came(number, as_lab_error(error)))
            return
        self.post_message(self.Came(number, (found, a, other, near_a, near_b, here, there, names)))

    @on(Came)
    def _came(self, message: Came) -> None:
        message.stop()
        if message.number != self._number:
            return
        if isinstance(message.found, LabError):
            if self.found is None or self.first is None:
                self.query_one("#c-said", Static).update("c chooses another space")
            else:  # what is shown stays, and so does its name
                self.specs = (self.first.spec, self.second)
                self._say()
            self.post_message(self.Trouble(message.found))
            return
        found, first, other, near_a, near_b, here, there, names = message.found
        self.found, self.first, self._other = found, first, other  # type: ignore[assignment]
        self.second = self.specs[1]
        self._show_lists(near_a, near_b, here, there, names)  # type: ignore[arg-type]
        self._show_maps()
        self._say()

    def _show_lists(
        self,
        near_a: list[Neighbour],
        near_b: list[Neighbour],
        here: str | None,
        there: str | None,
        names: dict[str, str | None],
    ) -> None:
        in_a = {n.word for n in near_a}
        in_b = {name for name in names.values() if name is not None}
        both = len(in_a & in_b)
        for scores, near, name, spec in zip(self.lists, (near_a, near_b), (here, there), self.specs, strict=True):
            shared = in_b if near is near_a else {word for word, own in names.items() if own in in_a}
            rows = [Score(n.word, n.value, n.rank, marked=n.word in shared) for n in near]
            scores.show(rows, empty=f"‘{self.word}’ is not in {spec}")
            title = f"{spec} · nearest to ‘{name or self.word}’"
            scores.border_title = Text(plain(title))
            scores.border_subtitle = Text(f"{both} of {len(near)} in both lists, bold" if near else "")

    def _show_maps(self) -> None:
        found = self.found
        assert found is not None
        for word_map, xy, names, spec in zip(
            self.maps, (found.xy_a, found.xy_b), (found.names_a, found.names_b), self.specs, strict=True
        ):
            word_map.show(MapFigure(xy, names, [group_of(word) for word in names]))
            word_map.border_title = Text(f"{spec} · {len(names)} words")

    def _say(self) -> None:
        found = self.found
        assert found is not None
        alike = "cannot be said" if found.correlation is None else number(found.correlation)
        lines = [f"cosines of the {count_text(found.pairs)} pairs of words: correlation {alike}"]
        if found.missing:
            lines[0] += f" · not in both: {', '.join(found.missing[:6])}" + ("…" if len(found.missing) > 6 else "")
        most = [f"{a}–{b} {number(x)} → {number(y)}" for a, b, x, y in found.changes()[:3]]
        lines.append(f"most different: {' · '.join(most)}" if most else "")
        self.query_one("#c-said", Static).update("\n".join(map(plain, lines)), layout=False)

    # --- one cursor for both

    @on(WordMap.Highlighted)
    @guarded
    def _point(self, event: WordMap.Highlighted) -> None:
        event.stop()
        found = self.found
        if found is None or not (event.word_map.has_focus or event.word_map.mouse_hover):
            return
        for word_map in self.maps:
            if word_map is not event.word_map:
                word_map.go_to(event.index)
        word = found.words[event.index]
        near = sorted(
            ((abs(x - y), b if a == word else a, x, y) for a, b, x, y in found.changes() if word in (a, b)),
            reverse=True,
        )
        said = f"{word}"
        if near:
            _, other, x, y = near[0]
            said += (
                f" · differs most with {other}: cosine {number(x)} in {self.specs[0]}, {number(y)} in {self.specs[1]}"
            )
        self.post_message(self.Word(word, said, taken=False))

    @on(VirtualList.Highlighted)
    @guarded
    def _row(self, event: VirtualList.Highlighted) -> None:
        event.stop()
        scores = event.source
        if isinstance(event, VirtualList.Activated):
            return
        if not isinstance(scores, ScoreList) or not (scores.has_focus or scores.mouse_hover) or not scores.word:
            return
        spec = self.specs[self.lists.index(scores)]
        row = scores.scores[scores.cursor]
        self.post_message(
            self.Word(row.word, f"{spec}: {row.word} · cosine {number(row.value)} · rank {row.rank}", False)
        )

    @on(WordMap.Activated)
    @guarded
    def _point_taken(self, event: WordMap.Activated) -> None:
        event.stop()
        if self.found is not None:
            self.post_message(self.Word(self.found.words[event.index], "", taken=True))

    @on(VirtualList.Activated)
    @guarded
    def _row_taken(self, event: VirtualList.Activated) -> None:
        event.stop()
        if isinstance(event.source, ScoreList):
            self.post_message(self.Word(event.source.word, "", taken=True))
