"""A text as sentences of words, which is what Word2Vec reads: it never looks from one sentence into the next."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

LONGEST = 1000
"""Words in a sentence at most; a longer one is cut, since gensim leaves out what is beyond 10,000 without a word."""

_END = re.compile(r"[.!?…。！？]+[\"'”’)\]]*\s+|\n\s*\n")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def sentences(text: str, lowercase: bool = True) -> Iterator[list[str]]:
    """The sentences of a text, each as its words without punctuation; those without any word are left out.

    A sentence ends behind ``. ! ?`` and white space, or at an empty line. A word is a row of letters and digits, with
    apostrophes and hyphens inside. Languages that write no spaces need their words cut first.

    >>> list(sentences("The king's men ran. Well-known? 3 cats!"))
    [['the', "king's", 'men', 'ran'], ['well-known'], ['3', 'cats']]
    """
    start = 0
    for end in _END.finditer(text):
        yield from _cut(text[start : end.end()], lowercase)
        start = end.end()
    yield from _cut(text[start:], lowercase)


def _cut(sentence: str, lowercase: bool) -> Iterator[list[str]]:
    # Interned, a word that stands a million times is kept once.
    words = [sys.intern(word) for word in _WORD.findall(sentence.lower() if lowercase else sentence)]
    for start in range(0, len(words), LONGEST):
        yield words[start : start + LONGEST]
