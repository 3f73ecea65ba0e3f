"""A list of words by how near they are: rank, word, a bar, the number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from screens.widgets.bars import bar_text
from screens.widgets.cells import fit
from screens.widgets.ramps import Look, series
from screens.widgets.virtual_list import VirtualList
from screens.widgets.word_map_labels import plain

BAR_LEAST, LABEL_MOST = 4, 22


@dataclass(frozen=True, slots=True)
class Score:
    """One row."""

    word: str
    value: float
    rank: int
    marked: bool = False


def number(value: float) -> str:
    """A measure in few cells.

    >>> number(0.78412), number(-0.1), number(41.283), number(1234.5), number(float("nan"))
    ('0.784', '-0.100', '41.28', '1234', 'nan')
    """
    size = abs(value)
    return f"{value:.3f}" if size < 10 else f"{value:.2f}" if size < 100 else f"{value:.0f}"


def share(value: float, values: Sequence[float], measure: str) -> float:
    """How long a bar is, 0 to 1: cosines as they are, products by the largest, distances by the smallest.

    >>> share(0.5, [0.5], "cosine"), share(2.0, [4.0, 2.0], "dot"), share(8.0, [4.0, 8.0], "euclid")
    (0.5, 0.5, 0.5)
    """
    if value != value:
        return 0.0
    if measure == "cosine":
        return max(0.0, min(1.0, value))
    if measure == "euclid":
        least = min((v for v in values if v == v), default=0.0)
        return 1.0 if value <= 0 else max(0.0, least) / value
    top = max((v for v in values if v == v), default=0.0)
    return max(0.0, value / top) if top > 0 else 0.0


class ScoreList(VirtualList):
    """The list; the cursor chooses a word, ``enter`` or a double click takes it."""

    DEFAULT_CSS = "ScoreList { scrollbar-size-vertical: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(0, self._row_of, id=id)
        self._scores: tuple[Score, ...] = ()
        self._values: tuple[float, ...] = ()
        self._measure = "cosine"
        self._empty = ""
        self._look = Look()
        self._words = 0
        self._numbers = 5

    @property
    def scores(self) -> tuple[Score, ...]:
        """What is shown."""
        return self._scores

    @property
    def word(self) -> str:
        """The word under the cursor."""
        return self._scores[self.cursor].word if self.cursor < len(self._scores) else ""

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self._look = look
        self.refresh()

    def show(self, scores: Sequence[Score], measure: str = "cosine", *, empty: str = "") -> None:
        """Shows other words, the cursor on the first."""
        self._scores, self._measure, self._empty = tuple(scores), measure, empty
        self._values = tuple(score.value for score in scores)
        self._words = max((cell_len(plain(score.word)) for score in scores), default=0)
        self._numbers = max((len(number(value)) for value in self._values), default=5)
        self.fill(max(1, len(self._scores)) if empty else len(self._scores), self._row_of, cursor=0)

    def go_to_word(self, word: str, *, scroll: bool = True) -> bool:
        """Puts the cursor on a word; says whether it could: without ``scroll`` only where the row is seen already."""
        top, high = self.scroll_offset.y, self.scrollable_content_region.height
        for index, score in enumerate(self._scores):
            if score.word == word and (scroll or top <= index < top + high):
                self.cursor = index
                return True
        return False

    def action_activate(self) -> None:
        """Takes the word, where there is one."""
        if self._scores:
            super().action_activate()

    def _row_of(self, index: int) -> Text:
        if index >= len(self._scores):
            return Text(self._empty, Style(dim=True))
        score, width = self._scores[index], self.scrollable_content_region.width
        lead = len(str(max(s.rank for s in self._scores))) + 1
        room = width - lead - self._numbers - 3
        label = max(1, min(self._words, LABEL_MOST, room - BAR_LEAST if room > 2 * BAR_LEAST else room))
        text = Text(no_wrap=True, end="")
        text.append(f"{score.rank:>{lead - 1}} ", Style(dim=True))
        ellipsis = "~" if self._look.ascii else "…"
        text.append(fit(plain(score.word), label, ellipsis), Style(bold=score.marked))
        cells = max(0, room - label)
        long = share(score.value, self._values, self._measure)
        drawn = bar_text(long, cells, ascii_only=self._look.ascii)
        text.append(" ")
        text.append(drawn, Style(color=series(self.app.current_theme.dark)[0]) if self._look.ramps else Style())
        text.append(f" {number(score.value):>{self._numbers}}")
        return text
