"""The page of the scores: analogies by section as they are asked, and how cosines agree with people's judgements."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message

from core.errors import LabError
from screens.embeddings.view import count_text
from screens.guard import as_lab_error, guarded
from screens.widgets.bars import bar_text
from screens.widgets.cells import fit
from screens.widgets.guarded import Guarded
from screens.widgets.ramps import Look, series
from screens.widgets.virtual_list import VirtualList
from screens.widgets.word_map_labels import plain

if TYPE_CHECKING:
    from core.vectors.evaluation import PairsScore, SectionScore
    from core.vectors.question_files import AnalogySet, PairSet
    from core.vectors.store import Vectors
    from screens.widgets.jobs import Job

TOLD = 0.15


class EvaluatePane(Guarded, Horizontal):
    """The sections with a bar each, and what was answered wrongly in the one under the cursor."""

    DEFAULT_CSS = """
    EvaluatePane { layout: horizontal; }
    EvaluatePane > VirtualList { height: 1fr; }
    EvaluatePane > #v-sections { width: 3fr; }
    EvaluatePane > #v-misses { width: 2fr; }
    EmbedScreen.-narrow EvaluatePane, EmbedScreen.-tiny EvaluatePane { layout: vertical; }
    EmbedScreen.-narrow EvaluatePane > #v-sections, EmbedScreen.-tiny EvaluatePane > #v-sections { width: 1fr; }
    EmbedScreen.-narrow EvaluatePane > #v-misses, EmbedScreen.-tiny EvaluatePane > #v-misses { width: 1fr; }
    """

    class Scored(Message):
        """How far it is."""

        def __init__(self, number: int, score: SectionScore | PairsScore | LabError | None) -> None:
            super().__init__()
            self.number = number
            self.score = score
            """None: it ended."""

    class Trouble(Message):
        """It cannot be scored."""

        def __init__(self, error: LabError) -> None:
            super().__init__()
            self.error = error

    class Said(Message):
        """What is under the cursor, or how it ended."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__()
        self.vectors: Vectors | None = None
        """What is scored."""
        self.spec = ""
        """Its name."""
        self.questions = ""
        """By what: ``google``, ``wordsim353``, ``relations`` or a file."""
        self.scores: dict[str, SectionScore] = {}
        """The sections so far, the total among them at the end."""
        self.pairs: PairsScore | None = None
        """The agreement with people, where pairs were scored."""
        self.state = ""
        """asking, done, cancelled or failed."""
        self._number = 0
        self._job: Job | None = None
        self._ascii = False
        self._plain = False

    def compose(self) -> ComposeResult:
        """Both."""
        yield VirtualList(0, self._row, id="v-sections")
        yield VirtualList(0, self._miss, id="v-misses")

    def on_mount(self) -> None:
        """Nothing yet."""
        for part in self.parts:
            part.add_class("pane")
        self.show_scores()

    @property
    def sections(self) -> VirtualList:
        """The sections."""
        return self.query_one("#v-sections", VirtualList)

    @property
    def misses(self) -> VirtualList:
        """The wrong answers."""
        return self.query_one("#v-misses", VirtualList)

    @property
    def parts(self) -> tuple[VirtualList, ...]:
        """In the order of ``tab``."""
        return self.sections, self.misses

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self._ascii, self._plain = look.ascii, not look.ramps
        self.refresh()

    # --- scoring

    def score(self, vectors: Vectors, questions: str, job: Job, cancel: threading.Event) -> None:
        """Begins; one that is under way is given up."""
        if self._job is not None:
            self._job.cancel()
        self._number += 1
        self._job, self.vectors = job, vectors
        self.spec, self.questions, self.scores, self.pairs = vectors.spec, questions, {}, None
        self.state = "asking"
        self.show_scores()
        self._score(self._number, vectors, questions, job, cancel)

    @work(thread=True, group="score", exit_on_error=False, description="score word vectors")
    def _score(self, number: int, vectors: Vectors, questions: str, job: Job, cancel: threading.Event) -> None:
        from core.vectors.question_files import AnalogySet, read_questions

        try:
            found = read_questions(questions)
            if isinstance(found, AnalogySet):
                self._ask(number, vectors, found, job, cancel)
            else:
                self._agree(number, vectors, found)
        except Exception as error:
            failed = as_lab_error(error)
            job.fail(failed)
            self.post_message(self.Scored(number, failed))
            return
        if not cancel.is_set():
            job.finish("scored")
        self.post_message(self.Scored(number, None))

    def _ask(self, number: int, vectors: Vectors, found: AnalogySet, job: Job, cancel: threading.Event) -> None:
        from core.vectors.evaluation import evaluate_analogies

        told = 0.0
        for score in evaluate_analogies(vectors, found, cancel=cancel):
            now = time.monotonic()
            if score.finished or now - told >= TOLD:
                told = now
                job.update(score.done, 1.0, score.section)
                self.post_message(self.Scored(number, score))

    def _agree(self, number: int, vectors: Vectors, found: PairSet) -> None:
        from core.vectors.evaluation import evaluate_pairs

        self.post_message(self.Scored(number, evaluate_pairs(vectors, found)))

    @on(Scored)
    @guarded
    def _scored(self, message: Scored) -> None:
        from core.vectors.evaluation import PairsScore

        message.stop()
        if message.number != self._number:
            return
        score, job = message.score, self._job
        if isinstance(score, LabError):
            self.state = "failed"
            self.post_message(self.Trouble(score))
        elif isinstance(score, PairsScore):
            self.pairs = score
        elif score is not None:
            self.scores[score.section] = score
        else:
            self.state = "cancelled" if job is not None and job.state == "cancelled" else "done"
            self.post_message(self.Said(self.sentence()))
        self.show_scores()

    # --- what is shown

    def sentence(self) -> str:
        """How it ended."""
        if self.state == "cancelled":
            return f"cancelled after {count_text(len(self.scores))} sections; what was asked stays"
        if self.pairs is not None:
            p = self.pairs
            agreed = f"Spearman {p.spearman:.3f}, Pearson {p.pearson:.3f}"
            return f"{p.name}: {agreed} over {p.pairs} pairs, {p.unknown} unknown"
        total = self.scores.get("total")
        if total is None or total.accuracy is None:
            return "none of the questions has only words that these vectors know"
        return (
            f"{count_text(total.right)} of {count_text(total.asked)} right, {100 * total.accuracy:.1f} % · "
            f"{count_text(total.unknown)} of {count_text(total.questions)} left out: a word is unknown"
        )

    def show_scores(self) -> None:
        """The scores so far."""
        title = "score these vectors · enter begins" if not self.questions else f"{self.questions} · {self.spec}"
        if self.state:
            title += f" · {self.state}"
        self.sections.border_title = Text(title)
        asking = self.state == "asking"
        self.sections.border_subtitle = Text("x cancels" if asking else "enter: by which questions")
        self.sections.fill(max(1, len(self._lines())), self._row)
        self._show_misses()

    def _lines(self) -> list[SectionScore]:
        return list(self.scores.values())

    def _row(self, index: int) -> Text:
        if self.pairs is not None:
            return Text(self.sentence())
        lines = self._lines()
        if index >= len(lines):
            hint = (
                "asking…"
                if self.state == "asking"
                else "enter: Google's analogies, WordSim-353, what the demo was taught"
            )
            return Text(hint, Style(dim=True))
        score, width = lines[index], self.sections.scrollable_content_region.width
        text = Text(no_wrap=True, end="")
        name = max(10, min(30, max(len(s.section) for s in lines), width - 34))
        text.append(fit(plain(score.section), name, "~" if self._ascii else "…"), Style(bold=score.section == "total"))
        cells = max(0, width - name - 28)
        accuracy = score.accuracy if score.accuracy is not None else float("nan")
        drawn = bar_text(accuracy, cells, ascii_only=self._ascii)
        text.append(f" {drawn} ", Style() if self._plain else Style(color=series(self.app.current_theme.dark)[0]))
        share = "   –  " if score.accuracy is None else f"{100 * score.accuracy:5.1f} %"
        text.append(f"{share} {score.right:>6} of {score.asked:<6}")
        if not score.finished:
            text.append(" …")
        return text

    def _show_misses(self) -> None:
        lines = self._lines()
        chosen = lines[self.sections.cursor] if self.sections.cursor < len(lines) else None
        misses = chosen.misses if chosen is not None else ()
        self.misses.fill(len(misses), self._miss)
        self.misses.border_title = Text(
            plain(f"{len(misses)} wrong in {chosen.section}") if chosen is not None else "wrong answers"
        )

    def _miss(self, index: int) -> Text:
        lines = self._lines()
        if self.sections.cursor >= len(lines) or index >= len(lines[self.sections.cursor].misses):
            return Text()
        miss = lines[self.sections.cursor].misses[index]
        a, b, c, d = (plain(word.lower()) for word in miss.question)
        text = Text(f"{a} : {b} :: {c} : {d}", no_wrap=True, end="")
        return text.append(f"  got {plain(miss.got.lower()) or 'an unknown word'}", Style(dim=True))

    @on(VirtualList.Highlighted, "#v-sections")
    @guarded
    def _section(self, event: VirtualList.Highlighted) -> None:
        if isinstance(event, VirtualList.Activated):  # a kind of the same message: that one is the screen's
            return
        event.stop()
        self._show_misses()
        lines = self._lines()
        if event.index < len(lines):
            s = lines[event.index]
            self.post_message(
                self.Said(
                    f"{s.section}: {s.right} of {s.asked} right, {s.unknown} of {s.questions} with an unknown word"
                )
            )
