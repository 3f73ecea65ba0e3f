"""What a token is written as on a strip: text that no terminal can break, its id, or its bytes.

Half characters, control characters, direction marks and whatever has no width of its own are written as chips
(``⟨E2⟩`` for a byte, ``⟨U+200D⟩`` for a character): raw they would garble the line, or vanish. Leaves out: colours, and
where a label stands.
"""

from __future__ import annotations

import unicodedata
from typing import Literal, NamedTuple

from rich.cells import cell_len

Mode = Literal["text", "ids", "bytes"]

MODES: tuple[Mode, ...] = ("text", "ids", "bytes")
_ESCAPED = range(0xDC80, 0xDD00)
"""What Python's ``surrogateescape`` makes of bytes that are no UTF-8."""
_FLAGS, _SKIN = range(0x1F1E6, 0x1F200), range(0x1F3FB, 0x1F400)
"""Letters of flags and tones of skin: two neighbours would melt into one glyph, whatever stands between them."""


class Part(NamedTuple):
    """A stretch of a label; a sign stands for something that has no glyph of its own."""

    text: str
    sign: bool


class Label(NamedTuple):
    """A token as it is written."""

    parts: tuple[Part, ...]
    width: int
    """Cells."""
    ends_line: bool
    """Whether the token holds a line end."""

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(part.text for part in self.parts)


class Labels:
    """Makes labels, each kind of token once.

    >>> labels = Labels()
    >>> [labels.of(piece).text for piece in (b" caf", b"\\xc3", b"\\xa9\\n", b"\\xe2\\x80\\x8d")]
    ['·caf', '⟨C3⟩', '⟨A9⟩↵', '⟨U+200D⟩']
    """

    def __init__(self, mode: Mode = "text", *, spaces: bool = True, ascii_only: bool = False, least: int = 0) -> None:
        self.mode = mode
        self.least = least
        """Cells that a label takes at least."""
        self.spaces = spaces
        self.ascii_only = ascii_only
        self._white = _white(ascii_only) if spaces else {" ": " ", "\n": " ", "\t": " ", "\r": " "}
        self._made: dict[bytes | int, Label] = {}

    def same_as(self, other: Labels) -> bool:
        """Whether both write the same."""
        mine, theirs = ((x.mode, x.spaces, x.ascii_only, x.least) for x in (self, other))
        return mine == theirs

    def of(self, piece: bytes, token_id: int | None = None) -> Label:
        """The label of a token; ``token_id`` is what ``ids`` shows, and a negative one stands for none."""
        unknown = token_id is not None and token_id < 0
        key: bytes | int = token_id if token_id is not None and (self.mode == "ids" or unknown) else piece
        found = self._made.get(key)
        if found is None or (key is not piece and found.ends_line != (b"\n" in piece)):
            found = self._made[key] = self._make(piece, token_id)
        return found

    def _make(self, piece: bytes, token_id: int | None) -> Label:
        if token_id is not None and token_id < 0:
            parts = [Part("⟨?⟩", True)]
        elif self.mode == "text":
            parts = text_parts(piece, self._white)
        elif self.mode == "bytes":
            parts = [Part(piece.hex(" ").upper(), False)]
        else:
            parts = [Part("" if token_id is None else str(token_id), False)]
        parts = [part for part in parts if part.text] or [Part("⟨⟩", True)]
        width = sum(cell_len(part.text) for part in parts)
        if width < self.least:
            parts.append(Part(" " * (self.least - width), False))
        return Label(tuple(parts), max(width, self.least), b"\n" in piece)


def _white(ascii_only: bool) -> dict[str, str]:
    return {" ": "_" if ascii_only else "·", "\n": "↵", "\t": "→", "\r": "←"}


def text_parts(piece: bytes, white: dict[str, str]) -> list[Part]:
    """The text of a token in stretches of ordinary text and of signs.

    Args:
        piece: the token's bytes.
        white: how white space is written.
    """
    out: list[Part] = []
    for character in piece.decode("utf-8", "surrogateescape"):
        before = out[-1].text if out and not out[-1].sign else ""
        text, sign = _written(character, white, before)
        if out and out[-1].sign == sign:
            out[-1] = Part(out[-1].text + text, sign)
        else:
            out.append(Part(text, sign))
    return out


def _written(character: str, white: dict[str, str], before: str) -> tuple[str, bool]:
    """One character as it is written, and whether that is a sign for it."""
    if character in white:
        return white[character], True
    code = ord(character)
    if code in _ESCAPED:
        return f"⟨{code - 0xDC00:02X}⟩", True
    if character.isascii():
        return (character, False) if character.isprintable() else (f"⟨{code:02X}⟩", True)
    if unicodedata.category(character) in ("Mn", "Me", "Mc") and not 0xFE00 <= code <= 0xFE0F:
        return character if before else "◌" + character, False
    if not character.isprintable() or code in _FLAGS or code in _SKIN or cell_len(character) == 0:
        return f"⟨U+{code:04X}⟩", True
    return character, False


def cut(label: Label, width: int) -> list[Label]:
    """A label in pieces that each fit a width; chips are not spared, since a line may be narrower than one.

    >>> [piece.text for piece in cut(Labels().of(b"abcdefg"), 3)]
    ['abc', 'def', 'g']
    """
    pieces: list[Label] = []
    parts: list[Part] = []
    used = 0
    for text, sign in label.parts:
        run = ""
        for character in text:
            room = cell_len(character)
            if used + room > width and (parts or run):
                pieces.append(Label((*parts, Part(run, sign)) if run else tuple(parts), used, False))
                parts, run, used = [], "", 0
            run += character
            used += room
        parts.append(Part(run, sign))
    pieces.append(Label(tuple(parts), used, label.ends_line))
    return pieces
