"""How a word is written in cells: nothing that would steer the terminal is sent, and a sign of several parts is one.

A file of vectors may hold any Unicode as a word, also escape sequences and marks that turn the direction of writing.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len

_TURNING = frozenset(map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """The text with each sign that steers a terminal shown by a picture of it, one for one.

    >>> plain("king"), plain("a\\x1b[2J\\n"), plain("\\u202eabc")
    ('king', 'a␛[2J␊', '�abc')
    """
    return text if text.isprintable() else "".join(map(_picture, text))


def _picture(sign: str) -> str:
    code = ord(sign)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    steers = 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000 or code in (0x2028, 0x2029) or sign in _TURNING
    return _UNKNOWN if steers else sign


def signs_of(text: str) -> Iterator[tuple[str, int]]:
    """The signs of a text, each with its cells: an accent belongs to its letter, a joined emoji is one sign.

    >>> [cells for _, cells in signs_of("e\\u0301a日")], [cells for _, cells in signs_of("👍🏽")]
    ([1, 1, 2], [2])
    """
    if text.isascii() or len(text) == 1:
        yield from ((sign, cell_len(sign)) for sign in text)
        return
    sign, cells = "", 0
    for part in text:
        together = cell_len(sign + part)
        if sign and together > cells:
            yield sign, cells
            sign, cells = part, cell_len(part)
        else:
            sign, cells = sign + part, together
    if sign:
        yield sign, cells
