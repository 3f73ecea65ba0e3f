"""Text of strangers on a terminal: what would steer it is shown as a picture of itself, or left out.

Names of files and runs, tags, log lines, texts, tokens and what a model makes up may all hold escape sequences, which
clear a screen or set a title, and marks that turn the direction of writing, which make a name look like another.
"""

from __future__ import annotations

import re

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 but line breaks and tabs, DEL, C1, what embeds or overrides a direction, halves of pairs."""
_ANY_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """The text with control characters shown instead of sent, for a terminal; line breaks and tabs stay.

    >>> visible("a\\x1b[2J\\tb\\r\\n"), visible("\\u202etxt.exe")
    ('a␛[2J\\tb␍\\n', '�txt.exe')
    """
    return _STEERING.sub(_picture, text)


def without_steering(text: str) -> str:
    """The text without control characters, line breaks and tabs among them: as many cells wide as before.

    Half a pair, which the toolkit gives a cell and no terminal is sent, leaves a sign in it.

    >>> without_steering("a\\x1b[2J\\tb\\r\\n"), without_steering("caf\\udce9")
    ('a[2Jb', 'caf�')
    """
    return _ANY_STEERING.sub(lambda found: "\N{REPLACEMENT CHARACTER}" if found[0] >= "\ud800" else "", text)


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"
