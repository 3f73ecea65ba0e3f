"""How the palette finds: every word that was typed, in any order; where nothing has them all, what is nearly so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple


class Entry(NamedTuple):
    """One line of the palette."""

    title: str
    help: str
    run: Callable[[], object]
    alias: str = ""
    """Other words by which it is found."""

    @property
    def words(self) -> set[str]:
        """All that it is found by, in small letters."""
        return set(f"{self.title} {self.alias} {self.help}".lower().replace(".", " ").split())


def score(query: str, entry: Entry) -> float:
    """How well an entry fits: 0 unless every word of the query is in it; whole words and the title count more.

    >>> entry = Entry("h.5.attn.c_attn", "a tensor", lambda: None, "h 5 attn c_attn")
    >>> score("attn 5", entry) > 0, score("attn 7", entry)
    (True, 0.0)
    """
    title, rest = entry.title.lower(), f"{entry.alias} {entry.help}".lower()
    words = entry.words
    total = 0.0
    asked = query.lower().split()
    for word in asked:
        if word in words:
            total += 1.0
        elif word in title:
            total += 0.8
        elif word in rest:
            total += 0.5
        else:
            return 0.0
    starts = 0.5 if asked and title.startswith(asked[0]) else 0.0
    return (total / max(1, len(asked)) + starts) / 1.5


def found(query: str, entries: Iterable[Entry]) -> list[tuple[float, Entry]]:
    """The entries that fit, with how well; those that nearly fit only where none does.

    >>> entries = [Entry("Go to Embed", "2", print), Entry("Go to Tokens", "1", print)]
    >>> [entry.title for _, entry in found("go emebd", entries)]
    ['Go to Embed']
    """
    known = list(entries)
    for how in (score, nearly):
        fit = [(points, entry) for entry in known if (points := how(query, entry))]
        if fit:
            return fit
    return []


def nearly(query: str, entry: Entry) -> float:
    """How well an entry fits a query with slips of the finger in it; 0 where a word is like none of its words.

    Words of three letters and fewer must be there as they are: nearly every short word is like another. In one of up
    to seven letters one may be missing, too many, wrong, or two may have changed places; in a longer one two times.

    >>> entry = Entry("Compare with nothing", "empties slot B", print)
    >>> [nearly(word, entry) > 0 for word in ("copmare", "compre", "comparre", "cimpare", "slto", "train")]
    [True, True, True, True, True, False]
    """
    asked, words = query.lower().split(), entry.words
    total = 0.0
    for word in asked:
        if any(word in known for known in words):
            total += 1.0
            continue
        slips = 0 if len(word) < 4 else 1 if len(word) < 8 else 2
        if not slips or not any(_like(word, known, slips) for known in words):
            return 0.0
        total += 0.5
    return total / max(1, len(asked))


def _like(word: str, known: str, slips: int) -> bool:
    """Whether a word is meant to be the other, or its beginning, which is all that was typed so far."""
    if known[:1] != word[:1] and known[:1] != word[1:2]:  # the first letter is seldom wrong, and then it is the second
        return False
    lengths = range(len(word) - slips, min(len(word) + slips, len(known)) + 1)
    return any(edits(word, known[:length]) <= slips for length in lengths)


def edits(a: str, b: str) -> int:
    """Letters added, left out, changed, and neighbours that changed places, to come from one word to the other.

    The optimal string alignment of Damerau (1964).

    >>> edits("emebd", "embed"), edits("attn", "attention"), edits("", "abc")
    (1, 5, 3)
    """
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                least = min(least, last[j - 2] + 1)
            row.append(least)
    return row[-1]
