"""The other pages of the embeddings screen: two spaces, positions, a training, scores; what their keys do.

Abstract: ``EmbedScreen`` completes it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakKeyDictionary

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from core.errors import LabError
from core.vectors.centring import MARK
from screens.base import Door
from screens.embeddings.beside import EmbedBeside
from screens.embeddings.compare import ComparePane
from screens.embeddings.dialogs import OpenQuestions, Plan, PlanVectors
from screens.embeddings.evaluating import EvaluatePane
from screens.embeddings.learning import PROBES, TEACHING, Learning, TrainPane
from screens.embeddings.positions import PositionsPane
from screens.embeddings.view import count_text
from screens.guard import as_lab_error, guarded
from screens.widgets.choose import Choice, Choose
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from pathlib import Path

    from core.vectors.store import Vectors
    from core.workbench import Workbench

SAID = {
    "compare": "the same words in two spaces · c chooses the second, , and . step its checkpoint",
    "positions": "how like each other a model's position embeddings are",
    "train": "word vectors as they form",
    "evaluate": "how well these vectors answer",
}
QUESTIONS = {
    "google": "Google's analogies: capitals, family, grammar (19 544 questions)",
    "wordsim353": "WordSim-353: how alike people found 353 pairs",
    "relations": "what the demo vectors were taught",
}


class EmbedPages(EmbedBeside):
    """The part of the screen that is about its other pages."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "train", show=False, id="embed.train", tooltip="train word vectors on a text"),
        Binding("E", "evaluate", show=False, id="embed.evaluate", tooltip="score these vectors"),
        Binding("P", "positions", show=False, id="embed.positions", tooltip="position embeddings of the model"),
        Binding("W", "save_learnt", show=False, id="embed.save", tooltip="save the vectors that were trained"),
    ]

    class Saved(Message):
        """Trained vectors are on the disk, or why not."""

        def __init__(self, learning: Learning, found: Path | LabError) -> None:
            super().__init__()
            self.learning = learning
            self.found = found

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self._learnt_by: WeakKeyDictionary[Vectors, Learning] = WeakKeyDictionary()

    @property
    def unsaved(self) -> Learning | None:
        """The training whose vectors are open and lie in no file yet."""
        return self.unsaved_of(self.vectors)

    def unsaved_of(self, vectors: Vectors | None) -> Learning | None:
        """The training that made some vectors, while they lie in no file."""
        made = None if vectors is None else vectors.plain or vectors
        learning = self._learnt_by.get(made) if made is not None else None
        return learning if learning is not None and learning.saved is None else None

    # --- the panes

    @property
    def places(self) -> PositionsPane:
        """The page of positions."""
        return self.query_one(PositionsPane)

    @property
    def trainer(self) -> TrainPane:
        """The page of the training."""
        return self.query_one(TrainPane)

    @property
    def scorer(self) -> EvaluatePane:
        """The page of the scores."""
        return self.query_one(EvaluatePane)

    def show_page(self, page: str) -> None:
        """One of the pages."""
        self.minimize()
        self.drop_pair()
        self.body.show_page(page)
        if page == "words":
            self.focus_shown(self.body.focus_of(self.body.view))
            if self.asked is not None:
                self.say_answer(self.asked)
        else:
            self.focus_shown(self._parts(page)[0])
            self.say(f"{SAID[page]} · esc back to the words")

    def _parts(self, page: str) -> tuple[Widget, ...]:
        if page == "positions":
            return self.places.map, self.places.curve
        if page == "compare":
            return self.spaces.parts
        return self.trainer.parts if page == "train" else self.scorer.parts

    def next_on_page(self, by: int) -> None:
        """The next pane of the page."""
        parts = self._parts(self.body.page)
        at = next((i for i, part in enumerate(parts) if part.has_focus), -1 if by > 0 else 0)
        parts[(at + by) % len(parts)].focus()

    @on(ComparePane.Trouble)
    @on(PositionsPane.Trouble)
    @on(EvaluatePane.Trouble)
    @guarded
    def _trouble(self, event: ComparePane.Trouble | PositionsPane.Trouble | EvaluatePane.Trouble) -> None:
        event.stop()
        doors = [Door("escape", "put away", "solved")]
        if isinstance(event, ComparePane.Trouble):
            doors.insert(0, Door("c", "another space", "choose_space"))
        elif isinstance(event, PositionsPane.Trouble):
            doors.insert(0, Door("w", "other model", "app.picker"))
        self.problem(self.body.alert, event.error, doors).focus()

    # --- positions

    def action_positions(self) -> None:
        """The positions of the workbench's model."""
        self.show_positions(f"{self.workbench.a}:wpe")

    def show_positions(self, spec: str) -> None:
        """The page of positions, of a model."""
        self.show_page("positions")
        self.places.open(spec)

    @on(PositionsPane.Said)
    @on(EvaluatePane.Said)
    def _page_said(self, event: PositionsPane.Said | EvaluatePane.Said) -> None:
        event.stop()
        self.say(event.text)

    # --- training

    async def action_train(self) -> None:
        """Plans a training; while one is on its way, shows it."""
        learning = self.trainer.learning
        if learning is not None and learning.running:
            self.show_page("train")
            return
        plan = learning.plan if learning is not None else Plan(TEACHING, probes=PROBES)

        def planned(chosen: Plan | None) -> None:
            if chosen is not None:
                self.learn(chosen)

        self.app.push_screen(PlanVectors(plan), planned)

    def learn(self, plan: Plan) -> None:
        """Begins a training and shows it."""
        self.show_page("train")
        learning = Learning(plan)
        job = self.jobs.add(f"word vectors of {plan.corpus}", learning.cancelled.set)
        job.brief = True
        job.in_sight = lambda: self.is_current and self.body.page == "train"
        self.trainer.begin(plan, job, learning)

    @on(TrainPane.Ended)
    @guarded
    def _learnt(self, event: TrainPane.Ended) -> None:
        event.stop()
        learning = event.learning
        if learning.error is not None:
            doors = [Door("b", "another text or settings", "train"), Door("escape", "put away", "solved")]
            self.problem(self.body.alert, learning.error, doors).focus()
        elif learning.state == "cancelled":
            self.say(f"cancelled at {100 * learning.share:.0f} %; what was learnt is kept: enter asks it")
        else:
            self.say("trained: enter asks these vectors · W saves them · b trains another")

    @on(VirtualList.Activated, "#t-probes, #t-epochs")
    @guarded
    def _probe_taken(self, event: VirtualList.Activated) -> None:
        event.stop()
        self.use_learnt()

    def use_learnt(self) -> None:
        """Asks the vectors that were trained."""
        pane = self.trainer
        vectors = pane.vectors()
        if vectors is None or pane.learning is None:
            self.say("nothing was learnt yet: b begins a training")
            return
        if pane.learning.saved is not None:
            vectors.spec = str(pane.learning.saved)
        self._learnt_by[vectors] = pane.learning
        self.show_page("words")
        self.take_vectors(vectors)

    def action_save_learnt(self) -> None:
        """Saves the vectors that were trained as a file."""
        learning = self.trainer.learning
        if learning is None or not learning.usable:
            self.say("there is nothing to save: b trains word vectors")
        else:
            self._save(learning)

    @work(thread=True, group="save-vectors", exit_on_error=False, description="save word vectors")
    def _save(self, learning: Learning) -> None:
        from core.vectors.training import save
        from screens.widgets.take_away import export_path

        assert learning.training is not None
        try:
            name = learning.plan.corpus.replace("/", "-")
            path = save(learning.training.keyed(), export_path("embed", f"vectors-{name}", "bin"))
        except Exception as error:
            self.post_message(self.Saved(learning, as_lab_error(error)))
        else:
            self.post_message(self.Saved(learning, path))

    @on(Saved)
    @guarded
    def _saved(self, message: Saved) -> None:
        message.stop()
        if isinstance(message.found, LabError):
            self.problem(self.body.alert, message.found, [Door("escape", "put away", "solved")])
            return
        message.learning.saved = message.found
        for vectors, learning in list(self._learnt_by.items()):
            if learning is message.learning:
                vectors.spec = str(message.found)
        if self.vectors is not None and self.vectors.plain is not None and self.vectors.plain.spec:
            self.vectors.spec = f"{self.vectors.plain.spec}{MARK}"
        self.say_what_is_open()
        self.trainer.show_learning()
        self.say(f"saved as {message.found} · o opens it again, so does gensim")

    # --- scores

    def action_evaluate(self) -> None:
        """The page of the scores."""
        self.show_page("evaluate")
        if not self.scorer.questions:
            self.choose_questions()

    @on(VirtualList.Activated, "#v-sections")
    @guarded
    def _sections_taken(self, event: VirtualList.Activated) -> None:
        event.stop()
        self.choose_questions()

    def choose_questions(self) -> None:
        """By which questions."""
        choices = [Choice(name, f"{name} · {what}") for name, what in QUESTIONS.items()]
        choices.append(Choice("file", "a file of questions…", "o"))

        def chosen(value: str | None) -> None:
            if value == "file":
                self.app.push_screen(OpenQuestions(), lambda path: self.score(path or ""))
            elif value is not None:
                self.score(value)

        self.app.push_screen(Choose(f"score {self.spec}", choices, current=self.scorer.questions), chosen)

    def score(self, questions: str) -> None:
        """Scores what is open by some questions."""
        vectors: Vectors | None = self.vectors
        if vectors is None or not questions:
            return
        self.show_page("evaluate")
        cancel = threading.Event()
        job = self.jobs.add(f"score {vectors.spec} by {questions}", cancel.set)
        job.brief = True
        job.in_sight = lambda: self.is_current and self.body.page == "evaluate"
        self.scorer.score(vectors, questions, job, cancel)

    # --- cancel, drop

    def action_drop(self) -> None:
        """Cancels the work of the page; on the page of words a word leaves the set."""
        page = self.body.page
        if page == "train":
            self._cancel(self.trainer.learning is not None and self.trainer.learning.running, "word vectors of ")
        elif page == "evaluate":
            self._cancel(self.scorer.state == "asking", "score ")
        elif page == "words":
            super().action_drop()

    def _cancel(self, running: bool, name: str) -> None:
        jobs = [job for job in self.jobs.running if job.name.startswith(name)]
        if running and jobs:
            jobs[-1].cancel()
            self.say("cancelled; what there is stays")
        else:
            self.say(f"nothing goes on here · {count_text(len(self.jobs.running))} jobs run elsewhere (J)")
