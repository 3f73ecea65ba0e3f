"""Cutting a text into pieces before any merge, so that no token ever spans two words.

A pattern in the language of the `regex` package (``\\p{L}`` is any letter) matches one piece after another. GPT-2's,
on a text in ASCII, is also known to Python's own `re`, which is twice as fast. Leaves out: what happens within a piece.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property
from itertools import islice
from typing import Any

from core.errors import TokenizerError
from core.tokenizers.base import LETTERS, utf8
from core.tokenizers.vocabularies import CL100K_PATTERN, GPT2_PATTERN, O200K_PATTERN

# What stands in the encoder.py of GPT-2 matches the same; tiktoken writes it so that there is less to try.
_ENCODER_PY = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
_ASCII = re.compile(r"'(?:[sdmt]|ll|ve|re)| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+", re.ASCII)

# Texts are cut in stretches of about this many characters: their words stay in the processor's cache (half as fast
# again as with 130,000), and a corpus never stands in memory as a list of words.
STRETCH = 1 << 12
FAST_STRETCH = 1 << 17
"""The same for tiktoken's engine."""
LONG_STRETCH = 1 << 19
"""Beyond this no list of all pieces is made, where a text has no good place to be cut."""
BATCH = 20_000
"""Pieces that are then held together."""
# Where OpenAI's patterns are certain to begin a new piece; they know more such places than the other tokenizers.
_SEAM = re.compile(f"(?<=[{LETTERS}])[ ,\\n\u3001\u3002\uff0c](?=[{LETTERS}])")


class Splitter:
    """Cuts a text by a pattern.

    >>> list(Splitter(GPT2_PATTERN).pieces("It's 42  cats!"))
    [['It', "'s", ' 42', ' ', ' cats', '!']]
    """

    def __init__(self, pattern: str) -> None:
        """Takes the pattern; it is compiled here, so that a wrong one is met here.

        Raises:
            TokenizerError: it is no pattern, or one that matches an empty text.
        """
        self.pattern = pattern
        self._gpt2 = pattern in (GPT2_PATTERN, _ENCODER_PY)
        self.has_seams = self._gpt2 or pattern in (CL100K_PATTERN, O200K_PATTERN)
        if not self._gpt2 and self._compiled.match(""):
            raise TokenizerError(
                f"expected a pattern that matches at least one character, {pattern!r} matches none too",
                "write + where it has *; core.tokenizers.bpe.GPT2_PATTERN is one that works",
            )

    @cached_property
    def _compiled(self) -> Any:
        import regex

        try:
            return regex.compile(self.pattern)
        except (regex.error, TypeError) as error:
            raise TokenizerError(
                f"expected a pattern that cuts text into pieces, got {self.pattern!r}: {error}",
                "core.tokenizers.bpe.GPT2_PATTERN is one that works",
            ) from None

    def stretches(self, text: str, length: int | None = None) -> Iterator[str]:
        """A text cut where a piece is certain to begin, as far as that is known of the pattern.

        Args:
            text: any text.
            length: how many characters a stretch has at least, except the last.

        Raises:
            TokenizerError: it holds half a surrogate pair.
        """
        if not text.isascii():
            utf8(text)
        start, length = 0, length or STRETCH
        while start < len(text):
            seam = _SEAM.search(text, start + length) if self.has_seams else None
            end = seam.start() if seam else len(text)
            yield text[start:end]
            start = end

    def pieces(self, text: str) -> Iterator[list[str]]:
        """The pieces of a text in order, some ten thousand at a time.

        Raises:
            TokenizerError: it holds half a surrogate pair.
        """
        for stretch in self.stretches(text):
            if len(stretch) <= LONG_STRETCH:
                yield self._pieces(stretch)
            else:
                yield from self._one_by_one(stretch)

    def _pieces(self, text: str) -> list[str]:
        if text.isascii():
            if self._gpt2:
                return _ASCII.findall(text)
        elif table := stand_ins(text):
            same_length = text.translate(table)
            return [text[slice(*m.span())] for m in self._compiled.finditer(same_length) if m.group()]
        if self._compiled.groups:  # findall would give the groups
            return [m.group() for m in self._compiled.finditer(text) if m.group()]
        return [piece for piece in self._compiled.findall(text) if piece]

    def _one_by_one(self, text: str) -> Iterator[list[str]]:
        fast = self._gpt2 and text.isascii()
        same_length = text if text.isascii() else text.translate(stand_ins(text))
        matches: Iterable[Any] = (_ASCII if fast else self._compiled).finditer(same_length)
        spans = (m.span() for m in matches)
        while batch := list(islice(spans, BATCH)):
            yield [text[a:b] for a, b in batch if a < b]


# Which code points are letters depends on the edition of Unicode, and `regex` may know a newer one than tiktoken. Where
# the two disagree, tiktoken is right (models were trained with it): before the cut such a character is replaced by one
# of the class that tiktoken sees. Unassigned ones have U+0378, which no edition has filled.
_CLASSES = {
    r"\p{Lu}": "Þ",
    r"\p{Ll}": "þ",
    r"\p{Lt}": "ǅ",
    r"\p{Lm}": "ʰ",
    r"\p{Lo}": "א",
    r"\p{M}": "\u0300",
    r"\p{N}": "Ⅷ",
}
_OTHER = "\u0378"
_compared: set[str] = set()
_disagreed: dict[int, str] = {}


def stand_ins(text: str) -> dict[int, str]:
    """The characters of this text that the two see differently, for ``str.translate``; mostly none."""
    characters = set(text)
    if new := characters - _compared:
        sample = "".join(sorted(new))
        for ours, theirs, stand_in in _questions():
            for character in set(ours(sample)) ^ set(theirs(sample)):
                seen = character in theirs(character)
                if seen or ord(character) not in _disagreed:
                    _disagreed[ord(character)] = stand_in if seen else _OTHER
        _compared.update(new)
    return {ord(c): _disagreed[ord(c)] for c in characters if ord(c) in _disagreed} if _disagreed else {}


@cache
def _questions() -> list[tuple[Callable[[str], list[str]], Callable[[str], str], str]]:
    """For each class: what `regex` finds of it in a text, what tiktoken does, and a stand-in that both know."""
    import regex
    import tiktoken

    single = {bytes([i]): i for i in range(256)}

    def asker(pattern: str) -> Callable[[str], str]:
        encoding = tiktoken.Encoding(pattern, pat_str=pattern, mergeable_ranks=single, special_tokens={})
        return lambda text: bytes(encoding.encode_ordinary(text)).decode()

    return [(regex.compile(p).findall, asker(p), stand_in) for p, stand_in in _CLASSES.items()]
