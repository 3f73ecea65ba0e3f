"""The set: the words that map and matrix show, how they come to it and leave it.

Abstract: ``EmbedScreen`` completes it.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from textual import on, work

from screens.embeddings.dialogs import AddWord
from screens.embeddings.messages import Spelled
from screens.embeddings.newer import EmbedNewer
from screens.embeddings.view import words_text

if TYPE_CHECKING:
    from core.vectors.store import Vectors
    from core.workbench import Workbench


class EmbedSet(EmbedNewer):
    """The part of the screen that keeps the set."""

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.words: tuple[str, ...] = ()
        """The set."""
        self.word = ""
        """The word under the one cursor of lists, map and matrix."""

    @abstractmethod
    def draw_now(self) -> None:
        """Draws map and matrix anew."""

    def action_add(self) -> None:
        """The word under the cursor, or if that is in the set already, one that is typed."""
        if self.vectors is None:
            return
        if self.word and self.word not in self.words and self.word in self.vectors and self.body.page == "words":
            self.add_words([self.word])
            return

        def typed(text: str | None) -> None:
            if text and self.vectors is not None:
                self.add_words([text] if text in self.vectors else text.replace(",", " ").split())

        self.app.push_screen(AddWord(self.complete), typed)

    def add_words(self, words: list[str]) -> None:
        """Adds words to the set, and says which are unknown."""
        vectors = self.vectors
        if vectors is None:
            return
        from core.vectors.comparison import name_in

        names = [name_in(vectors, word) for word in words]
        flat = [name for name in names if name is not None and not vectors.norms[vectors.row(name)]]
        found = [name for name in names if name is not None and name not in self.words and name not in flat]
        unknown = [word for word, name in zip(words, names, strict=True) if name is None]
        if found:
            self.words = (*self.words, *dict.fromkeys(found))
            self.draw_now()
        told = [f"added {', '.join(found)}"] if found else ["in the set already"] if not unknown + flat else []
        told += [f"{word} is a row of zeros: it points nowhere" for word in flat]
        told += [f"‘{word}’ is unknown" for word in unknown]
        self.say(f"{' · '.join(told)} · {words_text(len(self.words))} in the set")
        if unknown:
            self._spell(vectors, unknown)

    @work(thread=True, group="spell", exclusive=True, exit_on_error=False, description="look for spellings")
    def _spell(self, vectors: Vectors, unknown: list[str]) -> None:
        near = {word: vectors.suggest(word, 3) for word in unknown[:3]}
        told = [f"‘{word}’ is unknown" + (f" ({', '.join(found)}?)" if found else "") for word, found in near.items()]
        self.post_message(Spelled(" · ".join(told)))

    @on(Spelled)
    def _spelled(self, message: Spelled) -> None:
        self.say(f"{message.said} · {words_text(len(self.words))} in the set")

    def complete(self, prefix: str) -> list[str]:
        """Words of these vectors that begin so; of tokens also those with a space before them."""
        vectors = self.vectors
        if vectors is None:
            return []
        found = vectors.complete(prefix, 8)
        if vectors.pieces is not None and not prefix.startswith("·"):
            found += vectors.complete(f"·{prefix}", 8)
        return found[:8]

    def action_drop(self) -> None:
        """The word under the cursor leaves the set."""
        if self.word in self.words:
            self.words = tuple(word for word in self.words if word != self.word)
            self.say(f"dropped {self.word} · {words_text(len(self.words))} in the set · a adds it again")
            self.draw_now()
        else:
            self.say(f"‘{self.word}’ is not in the set" if self.word else "put the cursor on a word of the set first")
