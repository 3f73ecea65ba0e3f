"""Everything that the app draws, in ASCII: the last thing that happens to a line before it goes to the terminal."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_LINES = {
    "-": "─━┄┅┈┉╌╍═╴╶╸╺╼╾⎯▔",
    "|": "│┃┆┇┊┋╎╏║╵╷╹╻╽╿▏▎▍▌▐▕❘",
    "+": "┌┍┎┏┐┑┒┓└┕┖┗┘┙┚┛├┝┞┟┠┡┢┣┤┥┦┧┨┩┪┫┬┭┮┯┰┱┲┳┴┵┶┷┸┹┺┻┼┽┾┿╀╁╂╃╄╅╆╇╈╉╊╋╒╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡╢╣╤╥╦╧╨╩╪╫╬╭╮╯╰",
}
_SIGNS = {
    "_": "▁▂",
    "=": "▃▄‖",
    "#": "▅▆▇█▀▓▋▊▉■▛▜▙▟▖▗▘▝▚▞",
    "%": "▒",
    ".": "░⋅∙",
    "*": "●•⬤○⚑",
    "o": "◆◇◌◉◎◯□",
    "x": "✗✘✕×",
    "v": "▾▼↓▿⌄",
    "^": "▴▲↑△",
    ">": "▸▶→⟩›⏵",
    "<": "◂◀←⟨‹⏴",
    "~": "…⟳↺≈",
    "-": "–—−‐·↔",
    "'": "‘’",
    '"': "“”„",
    "/": "⏎↵╱",
    "\\": "╲",
    "8": "∞",
    "2": "²",
    "3": "³",
    "V": "√",
    "+": "±",
    "d": "°",
    "?": "�",
    "i": "ℹ",
    "y": "✓✔",
}
TO_ASCII = {ord(sign): plain for plain, signs in (*_LINES.items(), *_SIGNS.items()) for sign in signs}
"""Signs that the interface draws. A letter of any script is left alone: it belongs to somebody's text."""
TO_ASCII |= dict.fromkeys(range(0x2400, 0x2427), "?")
"""The pictures of control characters."""
TO_ASCII |= {code: " " if code == 0x2800 else "*" for code in range(0x2800, 0x2900)}
"""Braille draws curves."""


class AsciiFilter(LineFilter):
    """Replaces each sign by one of the same width, so that nothing moves.

    >>> AsciiFilter().apply([Segment("╭─ loss · 1.5 ─╮")], Color(0, 0, 0))[0].text
    '+- loss - 1.5 -+'
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments, their signs replaced."""
        return [
            segment if segment.control or segment.text.isascii() else segment._replace(text=as_ascii(segment.text))
            for segment in segments
        ]


def as_ascii(text: str) -> str:
    """A text with the interface's signs replaced, as wide as before.

    >>> as_ascii("● running … 5×5")
    '* running ~ 5x5'
    """
    return text.translate(TO_ASCII)
