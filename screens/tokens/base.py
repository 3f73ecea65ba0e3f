"""What the parts of the tokens screen know of each other: the text, its reading, and where to show things."""

from __future__ import annotations

from abc import abstractmethod

from screens.base import LabScreen
from screens.tokens.body import TokensBody
from screens.tokens.reader import Compared, Reading, TokensReader
from screens.tokens.texts import Source


class TokensBase(LabScreen):
    """The screen as its parts see it; abstract."""

    text: str
    """The text, all of it."""
    source: Source
    reading: Reading | None
    compared: tuple[Compared, ...]
    others: tuple[str, ...]
    reader: TokensReader
    word = ""
    """The word whose merges are shown."""

    @property
    def body(self) -> TokensBody:
        """The panes."""
        return self.query_one(TokensBody)

    @abstractmethod
    def show_text(self, source: Source) -> None:
        """Another text, from wherever it came."""

    @abstractmethod
    def use_tokenizer(self, name: str) -> None:
        """Pins a tokenizer on the workbench; an empty name unpins."""

    @abstractmethod
    def read_now(self) -> None:
        """Encodes the text again."""

    @abstractmethod
    def titles(self) -> None:
        """Brings the borders up to date."""

    @abstractmethod
    def merge_title(self) -> None:
        """Brings the border of the merges up to date."""

    @abstractmethod
    def show_token(self) -> None:
        """Brings the panes about one token up to date."""

    @abstractmethod
    def show_entry(self) -> bool:
        """The same for an entry of the vocabulary, if that is what is shown."""

    @abstractmethod
    async def action_beside(self) -> None:
        """Opens the strips of all compared tokenizers."""

    @abstractmethod
    def beside_title(self) -> None:
        """Brings their border up to date."""

    @abstractmethod
    def vocabulary_title(self) -> None:
        """Brings the border of the vocabulary up to date."""

    @abstractmethod
    def windows_title(self) -> None:
        """Brings the border of the windows up to date."""

    @abstractmethod
    def build_title(self) -> None:
        """Brings the border of the training up to date."""

    def to_main(self, name: str) -> None:
        """Shows another view in the main place."""
        self.body.show_main(name)
        self.titles()
        self.call_after_refresh(self.titles)  # a pane that was just mounted has its width then
