"""Which text and which tokenizers are looked at: opening, choosing, fetching what is missing."""

from __future__ import annotations

from pathlib import Path

from textual import on, work
from textual.message import Message

from core.errors import LabError
from screens.guard import guarded
from screens.pulling import Pulled, start_pull
from screens.tokens.base import TokensBase
from screens.tokens.dialogs import Choice, ChooseTokenizers, OpenText, TextChoice
from screens.tokens.reader import is_here, pull_name
from screens.tokens.texts import SAMPLES, Source, corpus_source, read_text_file
from screens.widgets.error_card import ErrorCard


class SourceActions(TokensBase):
    """Open a text (``o``), choose what to compare (``c``), fetch (``d``)."""

    class Opened(Message):
        """A text was read, or could not be."""

        def __init__(self, found: Source | LabError, corpus: str = "") -> None:
            super().__init__()
            self.found = found
            self.corpus = corpus

    def action_open(self) -> None:
        """Asks for a text."""
        self.app.push_screen(OpenText(), self._text_chosen)

    def _text_chosen(self, choice: TextChoice | None) -> None:
        if choice is None:
            return
        if choice.kind == "sample":
            self.show_text(Source(SAMPLES[choice.name], choice.name))
        elif choice.kind == "missing":
            self.fetch(choice.name)
        else:
            self.open_text(choice)

    @work(thread=True, group="open", exclusive=True, exit_on_error=False, description="read a text")
    def open_text(self, choice: TextChoice) -> None:
        """Reads a corpus or a file."""
        found: Source | LabError
        try:
            if choice.kind == "file":
                found = read_text_file(Path(choice.name))
            else:
                found = corpus_source(choice.name, "training" if choice.kind == "training" else "all")
        except LabError as error:
            found = error
        self.post_message(self.Opened(found, choice.name if choice.kind != "file" else ""))

    @on(Opened)
    @guarded
    def _opened(self, message: Opened) -> None:
        if isinstance(message.found, LabError):
            body = self.body
            body.alert.display = True
            self.problem(body.alert, message.found, [("o", "another text", "open"), ("escape", "put away", "solved")])
        else:
            self.show_text(message.found)

    def action_compare(self) -> None:
        """Asks for tokenizers."""
        self.app.push_screen(ChooseTokenizers(self.others, self.look.symbols), self._others_chosen)

    def _others_chosen(self, choice: Choice | None) -> None:
        if choice is None:
            return
        self.others = choice.names
        if choice.fetch:
            self.fetch(choice.fetch)
        self.read_now()

    # --- fetching

    def action_fetch(self) -> None:
        """Fetches what the screen misses: the chosen vocabulary, or one of the comparison."""
        bench = self.workbench.bench
        names = [bench.tokenizer or "", *(row.name for row in self.compared if row.error is not None)]
        missing = next((name for name in names if name and not is_here(name)), "")
        if not missing and self.reading is not None and self.reading.error is not None and bench.a.startswith("gpt2"):
            missing = "gpt2"
        if missing:
            self.fetch(missing)
        else:
            self.say("nothing is missing here")

    def fetch(self, name: str) -> None:
        """Fetches a vocabulary or a corpus in the background."""
        start_pull(self.app, pull_name(name), tell=self)
        self.say(f"fetching {name} · J shows how far it is")

    @on(Pulled)
    @guarded
    def _pulled(self, message: Pulled) -> None:
        if message.came:
            self.reader.forget(message.name)
            self.solved(self.body.alert)
            from core.data.corpora import CORPORA

            if message.name in CORPORA:
                self.open_text(TextChoice("corpus", message.name))
            else:
                self.read_now()
        elif message.error is not None:
            body = self.body
            body.alert.display = True
            doors = [("d", "try again", f"retry({message.name!r})"), ("escape", "put away", "solved")]
            self.problem(body.alert, message.error, doors)

    def action_retry(self, name: str) -> None:
        """Fetches again what could not be fetched."""
        self.fetch(name)

    def action_solved(self) -> None:
        """Puts the cards away, and their place."""
        super().action_solved()
        self.body.alert.display = bool(self.body.alert.query(ErrorCard)) and self.body.alert.display
        self.body.alert.display = False
