"""A text edited in place, however long it is: the field holds the stretch around the cursor, the rest waits outside.

The toolkit's ``TextArea`` wraps its whole text at each change of width and its whole line at each key, so a megabyte in
it would answer a key after a second. Here it never holds more than a few thousand characters.
"""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import TextArea

from screens.widgets.guarded import Guarded

HOLDS = 12_000
"""Characters in the field at most; a longer text is edited a stretch at a time."""
_SHOWN = {code: 0x2400 + code for code in range(0x20) if code not in (9, 10)} | {0x7F: 0x2421}
"""Control characters by their pictures: raw, a terminal would obey them."""
_SHOWN |= dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0x200B)
"""Direction marks by a space of no width: raw, they would turn the line around."""


def mended(text: str) -> tuple[str, int]:
    """A text whose halves of surrogate pairs are replaced, and how many there were.

    >>> mended("a\\ud83d"), mended("\\ud83d\\ude00")
    (('a�', 1), ('😀', 0))
    """
    if text.isascii():
        return text, 0
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")  # joins pairs
    halves = sum(0xD800 <= ord(c) <= 0xDFFF for c in whole) if not _encodes(whole) else 0
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), halves


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class TextBox(Guarded, TextArea):
    """A text field for a text of any length."""

    DEFAULT_CSS = """
    TextBox, TextBox:focus { border: none; padding: 0; background: transparent; height: 1fr; width: 1fr; }
    TextBox { scrollbar-size-vertical: 1; }
    """

    class Edited(Message):
        """The text is another one now."""

        def __init__(self, box: TextBox, mended: int = 0) -> None:
            super().__init__()
            self.box = box
            self.mended = mended
            """Halves of surrogate pairs that were pasted and replaced."""

        @property
        def control(self) -> TextBox:
            """The field."""
            return self.box

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id, soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False)
        self.cursor_blink = False
        self._before = self._after = ""
        self._told = ""  # the text that the listener knows
        self._initial = text

    def on_mount(self) -> None:
        """The first text."""
        self.put(self._initial)

    # --- the whole text

    @property
    def whole(self) -> str:
        """All of the text, what is outside the field too."""
        return self._before + self.text + self._after

    @property
    def excerpt(self) -> tuple[int, int] | None:
        """The characters that are in the field, where that is not all of them."""
        if not self._before and not self._after:
            return None
        return len(self._before), len(self._before) + len(self.text)

    def put(self, text: str, at: int = 0) -> None:
        """Another text, with the cursor at a character of it."""
        text, _ = mended(text)
        text = text.replace("\r\n", "\n") if "\r\n" in text else text
        self._hold(text, at)

    def go_to(self, at: int) -> None:
        """The cursor at a character of the whole text."""
        start = len(self._before)
        if start <= at <= start + len(self.text):
            self.move_cursor(self._location(at - start))
        else:
            self._hold(self.whole, at)

    def _hold(self, text: str, at: int) -> None:
        start, end = 0, len(text)
        if end > HOLDS:
            start = max(0, min(at - HOLDS // 2, end - HOLDS))
            end = start + HOLDS
            line = text.find("\n", start, start + 200) if start else -1
            start = line + 1 if line >= 0 else start
        self._before, held, self._after = text[:start], text[start:end], text[end:]
        self.load_text(held)
        self._told = self.text  # the field has line ends of its own
        self.move_cursor(self._location(at - start))
        self.scroll_cursor_visible(animate=False)

    def _location(self, at: int) -> tuple[int, int]:
        before = self.text[: max(0, at)]
        return before.count("\n"), len(before) - (before.rfind("\n") + 1)

    def _place(self) -> int:
        row, column = self.selection.end
        lines = self.text.split("\n")
        return sum(len(line) + 1 for line in lines[:row]) + column

    # --- what a person does

    async def _on_paste(self, event: events.Paste) -> None:
        # A long text goes past the field; only the stretch around its end comes in.
        event.stop()
        event.prevent_default()
        text, halves = mended(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        start, end = sorted((self.selection.start, self.selection.end))
        if len(self.text) + len(text) > HOLDS:
            a, b = (len(self.get_text_range((0, 0), place)) for place in (start, end))
            held = self.text
            cursor = len(self._before) + a + len(text)
            self._hold(self._before + held[:a] + text + held[b:] + self._after, cursor)
            self.post_message(self.Edited(self, halves))
        else:
            self._halves = halves
            if result := self._replace_via_keyboard(text, start, end):
                self.move_cursor(result.end_location)
        self.focus()

    _halves = 0

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Tells what a person changed, not what was put here."""
        event.stop()
        if self.text != self._told:
            self._told = self.text
            halves, self._halves = self._halves, 0
            if len(self._told) > 2 * HOLDS:
                self._hold(self.whole, len(self._before) + self._place())
            self.post_message(self.Edited(self, halves))

    def get_line(self, line_index: int) -> Text:
        """A line as it is drawn: nothing in it that a terminal would obey."""
        line = super().get_line(line_index)
        return (
            line
            if line.plain.isascii() and line.plain.isprintable()
            else Text(line.plain.translate(_SHOWN), end="", no_wrap=True)
        )
