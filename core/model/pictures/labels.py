"""Tokens as short labels on an axis: white space is written, and nothing breaks a line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.errors import TokenizerError

if TYPE_CHECKING:
    from core.tokenizers.base import Tokenizer

_WHITE = {" ": "·", "\n": "↵", "\t": "→", "\r": "←"}
_ESCAPED = range(0xDC80, 0xDD00)
"""What Python's ``surrogateescape`` makes of bytes that are no UTF-8."""


def token_label(piece: bytes) -> str:
    """The bytes of a token as a label.

    >>> token_label(b" cat"), token_label(b"\\n"), token_label("né".encode()[:2]), token_label(b"\\x1b[0m")
    ('·cat', '↵', 'n⟨C3⟩', '⟨1B⟩[0m')
    """
    return "".join(map(_written, piece.decode("utf-8", "surrogateescape"))) or "⟨⟩"


def _written(character: str) -> str:
    code = ord(character)
    if code in _ESCAPED:
        return f"⟨{code - 0xDC00:02X}⟩"
    if character in _WHITE:
        return _WHITE[character]
    return character if character.isprintable() else f"⟨{code:02X}⟩"


def token_labels(tokenizer: Tokenizer, ids: Iterable[int]) -> tuple[str, ...]:
    """A label for each id; an id that stands for nothing is shown as its number."""
    out = []
    for token in ids:
        try:
            out.append(token_label(tokenizer.token_bytes(int(token))))
        except TokenizerError:  # a vocabulary that was rounded up has ids without a text
            out.append(f"⟨{int(token)}⟩")
    return tuple(out)
