"""Bytes of tokens as text, as they come: whole characters, and nothing that may yet become a stop text."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class StreamText:
    """Turns the bytes of one token after the other into text.

    A token may end inside a character, or hold the beginning of a stop text: what is not decided yet is held back, and
    comes with a later token or at the end. Bytes that are no UTF-8 become U+FFFD.

    >>> text = StreamText(stop=["END"])
    >>> text.push(b"caf\\xc3"), text.push(b"\\xa9 E"), text.push(b"N"), text.push(b"Large ")
    ('caf', 'é ', '', 'ENLarge ')
    >>> text.push(b"the EN"), text.push(b"D of it"), text.stopped
    ('the ', '', 'END')
    """

    def __init__(self, stop: Sequence[str] = (), before: bytes = b"") -> None:
        """Begins a text.

        Args:
            stop: texts that end it; none of them, and nothing behind it, is ever returned.
            before: what stands before, whose last character may be cut in the middle.
        """
        self._stop = list(stop)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._decoder.decode(before)  # printed already; the half character at its end stays in the decoder
        self._held = ""
        self.stopped: str | None = None
        """The stop text that was met."""

    def push(self, piece: bytes) -> str:
        """Takes a token's bytes and returns what can be printed now."""
        return self._take(self._decoder.decode(piece))

    def flush(self) -> str:
        """What was held back, when nothing more comes; half a character becomes U+FFFD."""
        text = self._take(self._decoder.decode(b"", final=True)) + ("" if self.stopped else self._held)
        self._held = ""
        return text

    def _take(self, new: str) -> str:
        if self.stopped is not None:
            return ""
        text = self._held + new
        met = [(at, stop) for stop in self._stop if (at := text.find(stop)) >= 0]
        if met:
            at, self.stopped = min(met, key=lambda pair: pair[0])
            self._held = ""
            return text[:at]
        keep = max((_overlap(text, stop) for stop in self._stop), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """How long the longest end of ``text`` is that is a beginning of ``stop``, but not all of it.

    >>> _overlap("xEN", "END"), _overlap("xENDx", "END")
    (2, 0)
    """
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if stop.startswith(text[-n:])), 0)
