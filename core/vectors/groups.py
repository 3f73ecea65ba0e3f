"""The words that a map of vectors begins with, and the groups by which it is coloured: those of the lessons."""

from __future__ import annotations

from collections.abc import Callable, Sequence

FIRST_QUERY = "king - man + woman"
GROUPS: dict[str, tuple[str, ...]] = {
    "royal": ("king", "queen", "prince", "princess", "emperor", "empress", "duke", "duchess", "throne", "crown"),
    "people": (
        *("man", "woman", "boy", "girl", "father", "mother", "son", "daughter", "brother", "sister", "uncle", "aunt"),
        *("actor", "actress", "waiter", "waitress", "husband", "wife", "grandfather", "grandmother"),
    ),
    "countries": (
        *("france", "italy", "germany", "japan", "spain", "england", "russia", "china", "egypt", "greece", "poland"),
        *("portugal", "sweden", "norway", "cuba", "canada", "turkey", "austria"),
    ),
    "capitals": (
        *("paris", "rome", "berlin", "tokyo", "madrid", "london", "moscow", "beijing", "cairo", "athens", "warsaw"),
        *("lisbon", "stockholm", "oslo", "havana", "ottawa", "ankara", "vienna"),
    ),
    "verbs": (
        *(
            "walk",
            "walked",
            "walking",
            "swim",
            "swam",
            "swimming",
            "write",
            "wrote",
            "writing",
            "run",
            "ran",
            "running",
        ),
        *("play", "played", "playing", "sing", "sang", "singing", "eat", "ate", "eating", "return", "import", "raise"),
    ),
    "animals": ("cat", "kitten", "dog", "puppy", "cow", "calf", "horse", "foal", "sheep", "lamb", "mouse", "mice"),
    "degrees": ("big", "bigger", "biggest", "small", "smaller", "smallest", "fast", "faster", "good", "better", "best"),
}
OTHERS = "others"
GROUP_NAMES = (*GROUPS, OTHERS)
_NUMBER_OF = {word: number for number, words in enumerate(GROUPS.values()) for word in words}
FIRST_WORDS = (
    *("king", "queen", "man", "woman", "boy", "girl", "father", "mother"),
    *("france", "italy", "germany", "paris", "rome", "berlin"),
    *("walk", "walked", "swim", "swam", "cat", "kitten"),
)
"""The set that the map and the matrix begin with."""
SHORT = (
    *("if", "else", "for", "while", "return", "class", "def", "import", "True", "False", "None"),
    *("list", "string", "object", "function", "value"),
)
"""For a model that has read nothing but a manual of Python."""
LEAST = 6


def plain(word: str) -> str:
    """A token as a word: without the mark of the space before it, in small letters."""
    return word.lstrip("·Ġ▁ ").casefold()


def group_of(word: str) -> int:
    """The number of a word's group, the last for those in none.

    >>> GROUP_NAMES[group_of("·King")], GROUP_NAMES[group_of("xylem")]
    ('royal', 'others')
    """
    return _NUMBER_OF.get(plain(word), len(GROUPS))


def first_words(known: Callable[[str], str | None], table: Sequence[str]) -> tuple[str, ...]:
    """The set to begin with: the words of the lessons that these vectors have, else some of a table's frequent ones.

    Args:
        known: what a word is called in the vectors; None: it is not there.
        table: the vocabulary, the most frequent first.
    """
    for wanted in (FIRST_WORDS, SHORT):
        found = [name for name in map(known, wanted) if name is not None]
        if len(found) >= LEAST:
            return tuple(dict.fromkeys(found))
    readable = (word for word in table if len(plain(word)) > 2 and plain(word).isalpha())
    found = [word for word, _ in zip(readable, range(24), strict=False)]
    return tuple(found or table[:24])
