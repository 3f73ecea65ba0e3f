"""Asking: an expression goes to a thread, its answer to the panes; what cannot be answered becomes a card with doors.

Abstract: ``EmbedScreen`` completes it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from textual import on, work
from textual.widget import Widget

from core.errors import LabError
from screens.base import Door
from screens.embeddings.keeping import keep
from screens.embeddings.keys import EmbedKeys
from screens.embeddings.messages import Answered, Arranged, Pictured
from screens.embeddings.reader import Asked, Drawn, How, ask, draw, map_words, with_words
from screens.embeddings.scores import number
from screens.embeddings.view import count_text
from screens.guard import as_lab_error, guarded
from screens.widgets.word_map_labels import plain

if TYPE_CHECKING:
    from core.vectors.store import Vectors
    from core.workbench import Workbench
    from screens.widgets.jobs import Job

DOORS = 6
"""Spellings that a card offers."""


class EmbedAsking(EmbedKeys):
    """The part of the screen that asks and shows what came."""

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self._asked: Asked | None = None
        self._summed: Asked | None = None
        self._drawn: Drawn | None = None
        self._answered_by: Vectors | None = None
        """Whose answer ``asked`` is."""
        self._ask_number = self._draw_number = self._drawn_number = 0
        self._tsne: Job | None = None
        self._tsne_cancel = threading.Event()
        self._tsne_number = 0
        self.answers = 0
        """How many answers were shown; tests wait for it to grow."""

    @property
    def asked(self) -> Asked | None:
        """The last answer."""
        return self._asked

    @property
    def summed(self) -> Asked | None:
        """The last answer to a sum, which the pane of the analogy shows."""
        return self._summed

    @property
    def drawn(self) -> Drawn | None:
        """Map and matrix."""
        return self._drawn

    # --- an expression

    def ask_now(self, text: str, *, remember: bool = True) -> None:
        """Asks an expression; the answer comes as a message."""
        vectors = self.vectors
        if vectors is None:
            return
        self._ask_number += 1
        self.body.box.put(text)
        if remember:
            self.body.box.remember(text)
        self._ask(self._ask_number, vectors, text, self.how)

    @work(thread=True, group="ask", exit_on_error=False, description="ask the word vectors")
    def _ask(self, number: int, vectors: Vectors, text: str, how: How) -> None:
        found: Asked | LabError
        try:
            found = ask(vectors, text, how)
        except Exception as error:  # a bug too is told where it was asked
            found = as_lab_error(error)
        self.post_message(Answered(number, text, found))

    @on(Answered)
    @guarded
    def _answered(self, message: Answered) -> None:
        if message.number != self._ask_number or self.vectors is None:
            return
        found = message.found
        if isinstance(found, LabError):
            if self._answered_by is not self.vectors:  # what is shown still is the answer of others
                self.forget()
                self.draw_now()
            self._refuse(message.text, found)
            return
        self.solved(self.body.alert)
        self._asked, self._answered_by = found, self.vectors
        if found.answer is not None:
            self._summed = found
        elif self._summed is None:
            self.body.show_no_sum()
        self.body.show_asked(found)
        self.word = found.word
        self.answers += 1
        keep(self.app, found.text, self.body.box.history)
        low = self.has_class("-narrow") or self.has_class("-tiny")  # there the sentence needs the room
        size = "" if low else f"{count_text(len(self.vectors))} × {self.vectors.width} in "
        self.count(f"{size}{1000 * found.seconds:.1f} ms")
        if not self.say_centring():
            self.say_answer(found)
        self.draw_now()

    def forget(self) -> None:
        """What other vectors answered goes: it must not stand under the name of these."""
        self._ask_number += 1
        self._asked = self._summed = self._drawn = None
        self._answered_by = self.vectors
        self.word = ""
        self.body.show_nothing()
        self.count("")

    def say_answer(self, found: Asked) -> None:
        """What came of the question, in one line."""
        if found.answer is not None and found.found:
            best = found.found[0]
            told = found.how.exclude_inputs and found.rank_with_inputs
            rank = f" · rank {found.rank_with_inputs} with them" if told else ""
            left = "inputs left out" if found.how.exclude_inputs else "inputs left in"
            self.say(f"{found.expression} ≈ {best.word} · {number(best.value)} · {left}{rank}")
        elif found.near:
            first = found.near[0]
            self.say(f"nearest to {found.word}: {first.word} · {found.how.measure} {number(first.value)}")
        else:
            self.say(f"{found.text}: no other word has a direction")

    def _refuse(self, text: str, error: LabError) -> None:
        from core.vectors.expression import ExpressionError
        from core.vectors.words import UnknownWordError

        vectors = self.vectors
        assert vectors is not None
        doors: list[Door] = []
        if isinstance(error, UnknownWordError):
            doors = self._spellings(vectors, error)
        self.say(f"not asked: {text}")
        if isinstance(error, ExpressionError):
            doors.append(Door("e", "mend it", "edit"))
            self.problem(self.body.alert, error, [*doors, Door("escape", "put away", "solved")])
            self.body.box.focus()
            self.body.box.cursor_position = min(error.at, len(text))
            return
        doors += [Door("e", "edit", "edit"), Door("escape", "put away", "solved")]
        self.problem(self.body.alert, error, doors).focus()

    def _spellings(self, vectors: Vectors, error: LabError) -> list[Door]:
        word, near = getattr(error, "word", ""), list(getattr(error, "suggestions", ()))
        pieces = vectors.pieces(word) if vectors.pieces is not None and word else []
        pieces = [piece for piece in pieces if piece in vectors]
        doors = []
        if len(pieces) > 1:
            doors.append(Door("m", f"the mean of its {len(pieces)} tokens", f"instead({word!r}, {tuple(pieces)!r})"))
        names = list(dict.fromkeys([*near, *(pieces if len(pieces) > 1 else [])]))[:DOORS]
        for place, name in enumerate(names, 1):
            doors.append(Door(str(place), plain(name), f"instead({word!r}, {(name,)!r})"))
        return doors

    def action_instead(self, word: str, names: tuple[str, ...]) -> None:
        """Asks again with other words in the place of one."""
        if self.vectors is None:
            return
        self.solved(self.body.alert)
        self.ask_now(with_words(self.body.box.value, word, names, self.vectors))

    # --- map and matrix

    def draw_now(self) -> None:
        """Draws map and matrix anew; a t-SNE of other words is given up."""
        vectors = self.vectors
        if vectors is None:
            return
        self._draw(self.next_drawing(), vectors, self.words, self._asked, self.axes, self.scope)

    def next_drawing(self) -> int:
        """The number of the drawing that begins now; what is drawn under an earlier one is thrown away."""
        self._stop_tsne()
        self._draw_number += 1
        return self._draw_number

    @work(thread=True, group="draw", exit_on_error=False, description="arrange words")
    def _draw(
        self,
        number: int,
        vectors: Vectors,
        words: tuple[str, ...],
        asked: Asked | None,
        axes: tuple[int, int],
        scope: str,
    ) -> None:
        found: Drawn | LabError
        try:
            found = draw(vectors, words, map_words(vectors, scope, words, asked), axes, scope)
        except Exception as error:  # such as a word that is a row of zeros
            found = as_lab_error(error)
        self.post_message(Pictured(number, found))

    @on(Pictured)
    @guarded
    def _pictured(self, message: Pictured) -> None:
        if message.number != self._draw_number:
            return
        if isinstance(message.found, LabError):
            doors = [Door("x", "drop the word under the cursor", "drop"), Door("escape", "put away", "solved")]
            self.problem(self.body.alert, message.found, doors)
            return
        same = (
            self._drawn is not None
            and self._drawn.projection is not None
            and message.found.projection is not None
            and self._drawn.projection.words == message.found.projection.words
        )
        self._drawn, self._drawn_number = message.found, message.number
        self.axes = message.found.axes
        self.body.show_drawn(message.found, self._asked, keep_window=same and self.scope != "set")
        self.put_cursor(self.word, None)

    # --- t-SNE

    def action_tsne(self) -> None:
        """Arranges the map by t-SNE, as a job; while it runs it stops, afterwards PCA comes again."""
        drawn, vectors = self._drawn, self.vectors
        if self._tsne is not None:
            self._tsne.cancel()
            return
        if self.body.page != "words":
            self.show_page("words")
        if drawn is None or drawn.projection is None or vectors is None:
            return
        if drawn.projection.method == "tsne":
            self.draw_now()
            return
        self._tsne_number += 1
        cancel = self._tsne_cancel = threading.Event()
        self._tsne = self.jobs.add(f"t-SNE of {count_text(len(drawn.projection.words))} words", cancel.set)
        self._tsne.in_sight = lambda: self.is_current and self.body.page == "words"
        self.say("t-SNE begins, in a process of its own · t gives it up · J shows jobs")
        self._arrange(self._tsne_number, vectors, drawn.projection.words, cancel, self._tsne)

    def _stop_tsne(self) -> None:
        self._tsne_number += 1
        if self._tsne is not None:
            self._tsne.cancel()
            self._tsne = None

    @work(thread=True, group="tsne", exit_on_error=False, description="arrange words by t-SNE")
    def _arrange(
        self, number: int, vectors: Vectors, words: tuple[str, ...], cancel: threading.Event, job: Job
    ) -> None:
        from core.vectors.tsne import project_steps

        try:
            for progress in project_steps(vectors, words, cancel=cancel):
                job.update(progress.iteration, progress.iterations, f"iteration {progress.iteration}")
                self.post_message(Arranged(number, progress))
            job.finish("arranged")
        except Exception as error:
            failed = as_lab_error(error)
            if not cancel.is_set():
                job.fail(failed)
            self.post_message(Arranged(number, None if cancel.is_set() else failed))

    @on(Arranged)
    @guarded
    def _arranged(self, message: Arranged) -> None:
        from dataclasses import replace

        if message.number != self._tsne_number or self._drawn is None:
            return
        found = message.found
        if found is None or isinstance(found, LabError):
            self._tsne = None
            self.say("t-SNE was given up; the map stays")
            if found is not None:
                self.problem(self.body.alert, found, [Door("escape", "put away", "solved")])
        elif found.projection is not None:
            self._tsne = None
            self._drawn = replace(self._drawn, projection=found.projection)
            self.body.show_map(self._drawn, self._asked)
            self.say(f"t-SNE: {found.iterations} iterations · t shows PCA again")
        elif self.body.page == "words":
            loss = "" if found.loss is None else f" · divergence {found.loss:.3f} nats"
            self.say(f"t-SNE: iteration {found.iteration} of {found.iterations}{loss} · t gives it up")

    # --- the cursor

    def put_cursor(self, word: str, source: Widget | None) -> None:
        """Brings the one cursor to a word wherever else it is shown."""
        if not word:
            return
        drawn, body = self._drawn, self.body
        body.go_to_word(word, source)
        if drawn is not None and word in drawn.words and source is not body.matrix:
            body.matrix.go_to(drawn.words.index(word), body.matrix.place[1])

    def action_solved(self) -> None:
        """Puts the cards away; the query is again the one whose answer is shown (``up`` brings the other back)."""
        super().action_solved()
        if self._asked is not None and self._answered_by is self.vectors and not self.typing:
            self.body.box.put(self._asked.text)
            if self.body.page == "words":
                self.say_answer(self._asked)
