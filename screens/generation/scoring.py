"""The other way round: any text, coloured by how much each of its tokens surprises the model.

Abstract: ``GenerationScreen`` completes it.
"""

from __future__ import annotations

import math
import threading
from abc import abstractmethod
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.message import Message

from core.errors import LabError
from core.generation.settings import SamplingConfig
from screens.generation.engine import ConsoleEngine
from screens.generation.keeping import Keeping
from screens.generation.view import MUCH, bars_of, detail_text, legend, way_text, written
from screens.guard import guarded

if TYPE_CHECKING:
    from core.generation.score import TokenScore
    from core.generation.steps import Choice
    from core.workbench import Workbench

SCORES = ("surprise", "rank", "entropy")
HANDFUL = 512
"""Tokens between two paints."""


class Scoring(Keeping):
    """A text and its score."""

    class Scored(Message):
        """A stretch of the text is scored."""

        def __init__(self, number: int, spec: str, tokens: list[TokenScore], whole: bool) -> None:
            super().__init__()
            self.number = number
            self.spec = spec
            self.tokens = tokens
            self.whole = whole

    class NotScored(Message):
        """It cannot be."""

        def __init__(self, number: int, error: LabError) -> None:
            super().__init__()
            self.number = number
            self.error = error

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.scoring_shown = False
        """Whether the strip holds a scored text and not an answer."""
        self.scored: list[TokenScore] = []
        self.scored_text = ""
        self.scored_by = ""
        """The model whose score is shown."""
        self._scoring = 0
        self._score_cancelled = threading.Event()
        self._score_measure = SCORES[0]
        self._score_live: tuple[int, Choice | None] = (-1, None)
        self._score_asked = -1
        self._score_place = 0

    @abstractmethod
    def paint_titles(self) -> None:
        """What the borders say."""

    def action_score(self) -> None:
        """A text to score instead of the answers, or back."""
        if self.left_score():
            return
        self.stop_streams()
        self.scoring_shown = True
        self.body.set_class(True, "-scoring")
        text = self.scored_text
        if not text:
            line = self.line_of(self.shown)
            text = b"".join(line.pieces).decode("utf-8", "replace") or self.workbench.prompt
        self.body.prompt.show(text)
        self.score_text(text)

    def left_score(self) -> bool:
        """Goes back to the answers; whether there was a scored text to leave."""
        if not self.scoring_shown:
            return False
        self.show_branch(self.shown)
        self.say("the answers again")
        return True

    def show_branch(self, branch: int | None, *, at: int | None = None) -> None:
        """Shows a branch, in the place of a scored text too."""
        if self.scoring_shown:
            self.scoring_shown = False
            self._score_cancelled.set()
            self.body.prompt.show(self.workbench.prompt)
            self.body.set_class(False, "-scoring")
        super().show_branch(branch, at=at)

    def rescore(self) -> None:
        """Scores the text anew where another model has come to the workbench."""
        if self.scoring_shown and self.scored_by != self.workbench.a:
            self.score_text(self.scored_text)

    # What acts on the answers goes back to them: the prompt is theirs again, and the cursor stands on their tokens.

    def action_generate(self) -> None:
        """Answers the prompt, not the scored text."""
        self.left_score()
        super().action_generate()

    def action_more(self) -> None:
        """One more token."""
        if not self.left_score():
            super().action_more()

    def action_continue(self) -> None:
        """Goes on behind the last token."""
        if not self.left_score():
            super().action_continue()

    def action_take_back(self) -> None:
        """Takes the last token back."""
        if not self.left_score():
            super().action_take_back()

    def action_regenerate(self) -> None:
        """The same place with the next seed."""
        if not self.left_score():
            super().action_regenerate()

    def action_branch(self) -> None:
        """Leaves the road before the token under the cursor."""
        if not self.left_score():
            super().action_branch()

    def action_cut(self) -> None:
        """Cuts the shown branch."""
        if not self.left_score():
            super().action_cut()

    def score_text(self, text: str) -> None:
        """Scores a text in the background; what was scored before gives way."""
        self._score_cancelled.set()
        self._score_cancelled = threading.Event()
        self.scored_text, self.scored, self.scored_by = text, [], self.workbench.a
        self._score_asked, self._score_live = -1, (-1, None)
        self._scoring = number = self.next_number()
        self._score_place = self.body.strip.at
        self.body.strip.fill([])
        self.paint_titles()
        work = partial(
            self._score_in_thread, number, text, self._score_cancelled, self.workbench.a, self.workbench.device
        )
        self.run_worker(work, thread=True, group="score", exit_on_error=False, description="score a text")

    def _score_in_thread(self, number: int, text: str, cancelled: threading.Event, spec: str, device: str) -> None:
        from core.generation.score import score_steps

        held: list[TokenScore] = []
        try:
            opened = self.models.open(spec, device)
            self._check(opened)
            for part in score_steps(opened.loaded, text, cancelled=cancelled):
                held += part
                if len(held) >= HANDFUL:
                    self.post_message(self.Scored(number, spec, held, False))
                    held = []
            self.post_message(self.Scored(number, spec, held, True))
        except LabError as error:
            self.post_message(self.NotScored(number, error))

    @on(Scored)
    @guarded
    def _came(self, message: Scored) -> None:
        if message.number != self._scoring or not self.scoring_shown:
            return
        self.scored += message.tokens
        strip = self.body.strip
        strip.extend(
            [t.bytes for t in message.tokens], self._score_values(message.tokens), [t.token_id for t in message.tokens]
        )
        self.paint_score_titles()
        if message.whole:
            strip.cursor = self._score_place
            self.say(self.score_sentence(strip.at) or f"{len(self.scored):,} tokens scored by {message.spec}")
            self.look_at_cursor()

    @on(NotScored)
    def _refused(self, message: NotScored) -> None:
        if message.number == self._scoring:
            self.show_trouble(message.error, self.workbench.a)

    def _score_values(self, tokens: list[TokenScore]) -> list[float]:
        vocabulary = self.opened.vocabulary if self.opened is not None else 2
        return [self._score_value(t, vocabulary) for t in tokens]

    def _score_value(self, token: TokenScore, vocabulary: int) -> float:
        if token.logprob is None or token.rank is None or token.entropy is None:
            return math.nan
        if self._score_measure == "surprise":
            return min(1.0, -token.logprob / math.log(2) / MUCH)
        if self._score_measure == "rank":
            return 1 - math.log(token.rank) / math.log(max(2, vocabulary))
        return min(1.0, token.entropy / math.log2(max(2, vocabulary)))

    def next_score_measure(self) -> None:
        """What colour encodes in a scored text."""
        self._score_measure = SCORES[(SCORES.index(self._score_measure) + 1) % len(SCORES)]
        self.paint_score()

    def paint_score(self) -> None:
        """The scored tokens anew."""
        tokens = self.scored
        self.body.strip.fill(
            [t.bytes for t in tokens], ids=[t.token_id for t in tokens], values=self._score_values(tokens)
        )
        self.paint_score_titles()

    def paint_score_titles(self) -> None:
        """What the borders say of a scored text."""
        told = [t.logprob for t in self.scored if t.logprob is not None]
        said = f"score · {self.scored_by} · {len(self.scored):,} tokens"
        if told:
            size = sum(len(t.bytes) for t in self.scored if t.logprob is not None)
            nats = -math.fsum(told)
            said += f" · perplexity {math.exp(min(709.0, nats / len(told))):.4g}"
            said += f" · {nats / math.log(2) / max(1, size):.3f} bits per byte"
        scale = legend(self._score_measure, self.look) + Text(" · v answers again")
        self.body.title("strip", said, scale)
        keys = " · enter scores it · ctrl+j new line" if self.body.prompt.editing else ""
        below = "esc done" if self.body.prompt.editing else "e edit or paste"
        self.body.title("prompt", f"text to score{keys}", below)

    def score_sentence(self, index: int) -> str:
        """The token under the cursor in a sentence."""
        if not 0 <= index < len(self.scored):
            return ""
        t = self.scored[index]
        if t.logprob is None:
            return f"#{index} ‘{written(t.bytes)}’ · the first token: nothing stands before it"
        bits = -t.logprob / math.log(2)
        said = f"#{index} ‘{written(t.bytes)}’ · p {math.exp(t.logprob):.4g} · rank {t.rank:,}"
        return f"{said} · surprise {bits:.2f} bits, {t.entropy:.2f} expected"

    def paint_score_side(self) -> None:
        """What else could have stood under the cursor."""
        body, index = self.body, self.body.strip.at
        known, choice = self._score_live
        if choice is not None and known == index:
            taken = self.scored[index].token_id if index < len(self.scored) else None
            rows = [replace(bar, second=None) for bar in bars_of(choice, taken)]  # nothing was drawn
            body.bars.show(rows, cursor=body.bars.cursor)
            said = detail_text(replace(choice, alternatives=()), self.opened.vocabulary if self.opened else 2)
            told = self.scored[index] if index < len(self.scored) else None
            if told is not None and told.logprob is not None:
                said.append("\n" + way_text(written(told.bytes), math.exp(told.logprob), ()))
            body.detail.update(said)
            body.title("alternatives", f"instead of ‘{written(self.scored[index].bytes)}’", "the model's own")
        else:
            body.bars.show([], empty="…" if index else "nothing stands before the first token")
            body.title("alternatives", "instead", "the model's own")
            body.detail.update("")
        body.title("detail", f"at #{index}, as {self.scored_by} saw it")
        if index and index < len(self.scored) and self._score_asked != index:
            self._score_asked = index
            ids = [t.token_id for t in self.scored[max(0, index - self._window()) : index]]
            self.probe(ids, len(ids), SamplingConfig(temperature=1.0), slot="score")

    def _window(self) -> int:
        return self.opened.loaded.config.context_length if self.opened is not None else 1

    @on(ConsoleEngine.Probed)
    def _score_probed(self, message: ConsoleEngine.Probed) -> None:
        if message.slot == "score" and self.is_wanted(message) and self.scoring_shown:
            self._score_live = (self._score_asked, message.choice)
            self.paint_score_side()
