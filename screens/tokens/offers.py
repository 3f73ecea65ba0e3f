"""What the tokens screen offers as every screen does: to take away, a lesson with things to try, the palette."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from screens.tokens.beside import BesideActions
from screens.tokens.build import BuildActions
from screens.tokens.shown import VIEWS, TokenActions
from screens.tokens.sources import SourceActions
from screens.tokens.takeaway import learning_of, lesson_values, tokens_of, vocabulary_of, windows_of
from screens.tokens.texts import FIRST, SAMPLES, Source
from screens.tokens.view import amount
from screens.tokens.vocabulary import VocabularyActions
from screens.tokens.windows import WindowsActions, WindowsPane
from screens.widgets.lesson import LessonView
from screens.widgets.take_away import TakeAwayRequest


class Offers(SourceActions, BesideActions, VocabularyActions, WindowsActions, BuildActions, TokenActions):
    """All that the screen can do; abstract: reading is the screen's."""

    _to_play = ""

    @abstractmethod
    def action_use_own(self) -> None:
        """Back to the model's own tokenizer."""

    def take_away(self) -> TakeAwayRequest | None:
        """What the main pane shows, as Python, command and data."""
        reading = self.reading
        if self.body.main == "build" and self.learning is not None:
            return learning_of(self.learning, self.source)
        if reading is None:
            return None
        if self.body.main == "vocabulary" and self.found is not None:
            return vocabulary_of(reading, self.found.query, self.found)
        if self.body.main == "windows":
            return windows_of(reading, self.source, self.query_one(WindowsPane).numbers)
        return tokens_of(reading, self.source, self.compared)

    def lesson(self) -> LessonView:
        """L1 with the numbers of the text and of the token that counts."""
        values = lesson_values(self.reading, self.body.strip.at, self.body.merges.steps, self.word)
        tries = (
            ("step through the merges of “naïve”", "try_word('naïve')"),
            ("compare with one token for each character", "try_char"),
        )
        return LessonView("L1", values, tries)

    def action_try_word(self, word: str) -> None:
        """Puts the cursor on a word of the first sample, cut by GPT-2's table if that is here, and plays its merges."""
        from core.tokenizers import tokenizer_is_here

        if word not in self.text:
            self.show_text(Source(FIRST))
        if (self.reading is None or self.reading.bpe is None) and tokenizer_is_here("gpt2"):
            self.use_tokenizer("gpt2")
        self._to_play = word
        self.read_now()

    def action_try_char(self) -> None:
        """Puts the characters into the comparison."""
        if "char" not in self.others:
            self.others = (*self.others[-2:], "char")
        self.read_now()
        self.say("char: one token for each character; look at its bar and its bytes per token")

    def commands(self) -> Iterable[tuple[str, str, Callable[[], Any]]]:
        """Every key has an entry."""
        yield "Edit the text", "e", self.action_edit
        yield "Open a text: a sample, a corpus, a file…", "o", self.action_open
        for view in VIEWS:
            yield f"View: tokens as {view}", "v", partial(self.to_view, view)
        yield "View: vocabulary, find an entry…", "f", self.action_find
        yield "View: windows over the text", "t", self.action_windows
        yield "Windows: next usual setting", "a", self.action_preset
        yield "Compare with other tokenizers…", "c", self.action_compare
        yield "Build a byte-pair encoding…", "b", self.action_build
        yield "Cancel the training of a tokenizer", "x", self.action_cancel_build
        yield "Keep what a cancelled training has learnt", "K", self.action_keep
        yield "Use the tokenizer that was trained", "u", self.action_use
        yield "Use the model's own tokenizer", "", self.action_use_own
        yield "Fetch the vocabulary that is missing", "d", self.action_fetch
        yield "Merges: play, or stop", "p", self.action_play
        yield "Merges: steps or tree", "m", self.action_tree
        yield "White space as signs or as it is", "s", self.action_spaces
        yield "Break lines at line ends or not", "S", self.action_breaks
        yield "Next token of the same id", "n", partial(self.action_same, 1)
        yield "Send this text to Attention and Generate", "the workbench's prompt", self.action_send
        for name, text in SAMPLES.items():
            yield f"Show sample: {name}", "a text to look at", partial(self.show_text, Source(text, name))

    async def to_view(self, view: str) -> None:
        """A view of the tokens, from wherever."""
        if self.body.main != "strip":
            self.to_main("strip")
        await self.show_view(view)

    def action_send(self) -> None:
        """Makes the beginning of this text the prompt of the other screens."""
        part = self.text[:2000]
        if part.strip():
            self.workbench.set(prompt=part)
            self.say(f"the prompt of Attention and Generate is now {amount(len(part), 'character')} of this text")
