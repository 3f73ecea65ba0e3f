"""The field of the expression: completes the word that is being typed, and goes through earlier expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from screens.widgets.word_map_labels import plain

Complete = Callable[[str], Sequence[str]]
_LAST = re.compile(r"(?:^|[\s()+*/:])(-?)([^\s()+*/:\"]+)$")
HISTORY = 50


def last_word(text: str) -> tuple[str, int]:
    """The word that is being typed at the end of a text, and where it begins.

    >>> last_word("king - man + wom"), last_word("king - "), last_word("2*par"), last_word("well-kn")
    (('wom', 13), ('', 7), ('par', 2), ('well-kn', 0))
    """
    found = _LAST.search(text)
    return (found[2], found.start(2)) if found else ("", len(text))


class WordSuggester(Suggester):
    """Completes the last word of what is typed by the vocabulary."""

    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """The whole text with its last word completed; None: nothing begins so."""
        word, at = last_word(value)
        if not word:
            return None
        fits = (name for name in self._complete(word) if name.startswith(word) and name != word)
        found = next((name for name in fits if plain(name) == name), None)
        return value[:at] + found if found else None


class QueryBox(Input):
    """The field; ``right`` at the end takes the completion, ``up`` and ``down`` go through what was asked before."""

    DEFAULT_CSS = """
    QueryBox, QueryBox:focus { border: none; height: 1; padding: 0; background: $boost; width: 1fr; }
    QueryBox:ansi { text-style: underline; }
    QueryBox:ansi > .input--selection { text-style: reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "earlier(-1)", show=False, id="query.earlier", tooltip="what was asked before"),
        Binding("down", "earlier(1)", show=False, id="query.later", tooltip="what was asked after"),
    ]

    class Completions(Message):
        """Words that begin with what is being typed; none where nothing is being typed."""

        def __init__(self, prefix: str, words: Sequence[str]) -> None:
            super().__init__()
            self.prefix = prefix
            self.words = tuple(words)

    def __init__(
        self, complete: Complete, *, id: str | None = None, placeholder: str = "", select_on_focus: bool = False
    ) -> None:
        super().__init__(
            id=id,
            placeholder=placeholder,
            suggester=WordSuggester(complete),
            select_on_focus=select_on_focus,
            compact=True,
        )
        self._complete = complete
        self.history: list[str] = []
        self._at = 0
        self._draft = ""

    @property
    def _value(self) -> Text:
        return Text(plain(self.value), no_wrap=True, overflow="ignore", end="")

    def remember(self, text: str) -> None:
        """Adds an expression to the history, once."""
        self.history = [*(old for old in self.history if old != text), text][-HISTORY:]
        self._at = len(self.history)

    def put(self, text: str) -> None:
        """Another text; the cursor at its end."""
        self.value = text
        self.cursor_position = len(text)

    def action_earlier(self, by: int) -> None:
        """Another expression of the history; beyond its end what was being typed."""
        if self._at >= len(self.history):
            self._draft = self.value
        place = max(0, min(len(self.history), self._at + by))
        if self._at >= len(self.history) and by < 0 and place < len(self.history):
            while place > 0 and self.history[place] == self.value:
                place -= 1
        self._at = place
        self.put(self._draft if place == len(self.history) else self.history[place])

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if self.has_focus:
            word, _ = last_word(event.value)
            self.post_message(self.Completions(word, self._complete(word) if word else ()))
