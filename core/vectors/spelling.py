"""What a word that is not there may have been meant to be, and how one that is begun may end.

The distance is that of optimal string alignment: letters put in, left out, exchanged, or two neighbours swapped. It is
computed for the whole vocabulary at once, a column of all words at a time, so that 400,000 words take some tens of
milliseconds. It counts bytes of UTF-8, without regard to the case of Latin letters.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.vectors.words import UnknownWordError, WordTable

_LONGEST = 48
"""Bytes of a word for which others are looked for."""
_STRETCH = 1 << 15  # words at a time: their columns stay in a core's cache
_LOWER = np.arange(256, dtype=np.uint8)
_LOWER[ord("A") : ord("Z") + 1] += 32


def close_words(word: str, words: WordTable, n: int = 5) -> list[str]:
    """Words that are spelled much like one: fewest changes first, then the same first letter, then the earlier row."""
    same = [form for form in forms_of(word) if form in words]
    wanted = _LOWER[np.frombuffer(word.encode("utf-8", "backslashreplace"), np.uint8)]
    if not 0 < len(wanted) <= _LONGEST:
        return same[:n]
    most = 1 if len(wanted) <= 3 else 2 if len(wanted) <= 8 else 3
    rows, distances, other = _near(wanted, words, most)
    order = np.lexsort((rows, other, distances))[: n + len(same) + 1]
    found = dict.fromkeys([*same, *(words[int(rows[at])] for at in order)])
    found.pop(word, None)
    return list(found)[:n]


def completions(prefix: str, words: WordTable, n: int = 10) -> list[str]:
    """Words that begin so, the first rows first; then those with other capitals, or with a space before as GPTs do."""
    if not prefix:
        return words[:n]
    found: dict[str, None] = {}
    for form in dict.fromkeys((prefix, prefix.lower(), prefix.capitalize(), prefix.upper(), f"·{prefix}")):
        rows = words.beginning(form)
        first = np.sort(np.partition(rows, n)[:n] if len(rows) > n else rows)
        found |= dict.fromkeys(words[int(row)] for row in first)
        if len(found) >= n:
            break
    return list(found)[:n]


def forms_of(word: str) -> list[str]:
    """The same word written otherwise: capitals, spaces as underscores or hyphens, a space before it as for GPTs."""
    plain = word.replace(" ", "_")
    forms = [word.lower(), word.capitalize(), word.title(), word.upper(), plain, plain.title(), word.replace(" ", "-")]
    forms += [f"·{word}", word.removeprefix("·"), f"·{word.lower()}", f"·{word.capitalize()}"]
    return [form for form in dict.fromkeys(forms) if form and form != word]


def explain_unknown(
    word: str, words: WordTable, label: str, pieces: Callable[[str], list[str]] | None = None
) -> UnknownWordError:
    """The two lines for a word that has no vector."""
    suggestions = close_words(word, words)
    title = f"{word[:80]!r} is not among the {len(words):,} words of {label}"
    parts = pieces(word) if pieces is not None else []
    if same := [form for form in forms_of(word) if form in words]:
        hint = f"written so it is there: {', '.join(same)}"
    elif len(parts) > 1:
        hint = f"there it is {len(parts)} tokens, of which each has a vector: {' '.join(parts[:12])}"
    elif suggestions:
        hint = f"did you mean {', '.join(suggestions)}?"
    else:
        hint = f"no word there is spelled much like it; its first words are {', '.join(words[:5])}"
    return UnknownWordError(title, hint, word, suggestions)


def _near(
    wanted: NDArray[np.uint8], words: WordTable, most: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.bool_]]:
    """Rows with at most so many changes, the number of changes, and whether they begin otherwise."""
    rows, distances, other = [np.zeros(0, np.int64)], [np.zeros(0, np.uint8)], [np.zeros(0, bool)]
    for begin in range(0, len(words), _STRETCH):
        starts = words.starts[begin : begin + _STRETCH + 1]
        lengths = np.diff(starts) - 1
        near = np.flatnonzero(np.abs(lengths - len(wanted)) <= most)
        if not len(near):
            continue
        # A letter a column; what lies behind the end of a word is a byte that no word has.
        columns = np.arange(len(wanted) + most)[:, None]
        places = np.minimum(starts[near] + columns, len(words.blob) - 1)
        letters = np.where(columns < lengths[near], _LOWER[words.blob[places]], np.uint8(255))
        found = _alignment(wanted, letters, lengths[near])
        good = np.flatnonzero(found <= most)
        rows.append(near[good] + begin)
        distances.append(found[good])
        other.append(letters[0, good] != wanted[0])
    return np.concatenate(rows), np.concatenate(distances), np.concatenate(other)


def _alignment(wanted: NDArray[np.uint8], letters: NDArray[np.uint8], lengths: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The changes that turn a word into each of M others.

    Args:
        wanted: (W,) bytes.
        letters: (L, M) bytes, the others' letters a row.
        lengths: (M,) how many of them belong to each.
    """
    count = letters.shape[1]
    one = np.uint8(1)
    before: list[NDArray[np.uint8]] = []  # the row for one letter less, by letters of the others
    row = [np.full(count, j, np.uint8) for j in range(len(letters) + 1)]
    for i, letter in enumerate(wanted):
        new = [np.full(count, i + 1, np.uint8)]
        for j in range(len(letters)):
            cell = row[j] + (letters[j] != letter)
            np.minimum(cell, row[j + 1] + one, out=cell)
            np.minimum(cell, new[j] + one, out=cell)
            if i and j:
                swapped = (letters[j - 1] == letter) & (letters[j] == wanted[i - 1])
                np.minimum(cell, before[j - 1] + np.where(swapped, one, np.uint8(100)), out=cell)
            new.append(cell)
        before, row = row, new
    out: NDArray[np.uint8] = np.stack(row)[lengths, np.arange(count)]
    return out
