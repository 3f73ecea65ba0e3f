"""The page of a training: word vectors as they form, the neighbours of the probes after each epoch, the loss.

gensim learns in a thread, with Python's lock released; the pane looks at what there is a few times a second. What was
learnt can be asked at any time, also when it was cancelled.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message

from core.errors import LabError
from screens.embeddings.dialogs import Plan
from screens.embeddings.scores import number
from screens.embeddings.view import count_text
from screens.guard import as_lab_error, guarded
from screens.widgets.cells import fit
from screens.widgets.curve import Curve
from screens.widgets.figure import Figure, Line
from screens.widgets.guarded import Guarded
from screens.widgets.ramps import Look
from screens.widgets.virtual_list import VirtualList
from screens.widgets.word_map_labels import plain

if TYPE_CHECKING:
    from core.vectors.store import Vectors
    from core.vectors.training import CountedEvent, EpochEvent, VectorTraining
    from screens.widgets.jobs import Job

TOLD = 0.2
TEACHING = "teaching"
"""The corpus that the demo vectors were trained on, written anew."""
PROBES = ("king", "paris", "walked", "cat")


@dataclass
class Learning:
    """One training; the thread writes, the screen reads."""

    plan: Plan
    state: str = "reading the text"
    """reading the text, learning, done, cancelled or failed."""
    counted: CountedEvent | None = None
    epochs: list[EpochEvent] = field(default_factory=list)
    share: float = 0.0
    rate: float = 0.0
    """Words per second."""
    training: VectorTraining | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    error: LabError | None = None
    saved: Path | None = None
    number: int = 0

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.state in ("reading the text", "learning")

    @property
    def usable(self) -> bool:
        """Whether there are vectors to ask."""
        return not self.running and self.counted is not None and self.share > 0


def training_of(learning: Learning) -> VectorTraining:
    """The training that a plan asks for.

    Raises:
        LabError: there is no such text.
    """
    from core.vectors.training import VectorTraining, train_steps
    from core.vectors.training_config import Word2VecConfig

    plan = learning.plan
    config = Word2VecConfig(
        method="cbow" if plan.method == "cbow" else "skip-gram",
        vector_size=plan.vector_size,
        window=plan.window,
        min_count=plan.min_count,
        epochs=plan.epochs,
    )
    if plan.corpus == TEACHING:
        from core.vectors.teaching import SEED, write_corpus

        text = write_corpus(SEED)
        return VectorTraining(text, config, plan.probes, name="the teaching corpus", cancel=learning.cancelled)
    return train_steps(plan.corpus, config, plan.probes, cancel=learning.cancelled)


class TrainPane(Guarded, Horizontal):
    """Probes and their neighbours at the left, the loss at the right, below the probes the chosen one through time."""

    DEFAULT_CSS = """
    TrainPane { layout: horizontal; }
    TrainPane > Vertical { width: 3fr; height: 1fr; }
    TrainPane > #t-loss { width: 2fr; height: 1fr; }
    TrainPane #t-probes { height: 2fr; }
    TrainPane #t-epochs { height: 3fr; }
    EmbedScreen.-narrow TrainPane, EmbedScreen.-tiny TrainPane { layout: vertical; }
    EmbedScreen.-narrow TrainPane > Vertical, EmbedScreen.-tiny TrainPane > Vertical { width: 1fr; }
    EmbedScreen.-narrow TrainPane > #t-loss, EmbedScreen.-tiny TrainPane > #t-loss { width: 1fr; height: 8; }
    """

    class Learnt(Message):
        """More was learnt, or it ended."""

        def __init__(self, learning: Learning) -> None:
            super().__init__()
            self.learning = learning

        def can_replace(self, message: Message) -> bool:
            """The newest is enough: what was learnt stays where it is."""
            return isinstance(message, TrainPane.Learnt)

    class Ended(Message):
        """A training has ended."""

        def __init__(self, learning: Learning) -> None:
            super().__init__()
            self.learning = learning

    def __init__(self) -> None:
        super().__init__()
        self.learning: Learning | None = None
        """The last training."""
        self._count = 0

    def compose(self) -> ComposeResult:
        """All three."""
        with Vertical():
            yield VirtualList(0, self._probe_row, id="t-probes")
            yield VirtualList(0, self._epoch_row, id="t-epochs")
        yield Curve(id="t-loss", classes="pane")

    def on_mount(self) -> None:
        """Nothing yet."""
        self.probes.add_class("pane")
        self.epochs.add_class("pane")
        self.curve.empty_text = "the loss appears with the first epoch"
        self.show_learning()

    @property
    def probes(self) -> VirtualList:
        """The probes and their neighbours now."""
        return self.query_one("#t-probes", VirtualList)

    @property
    def epochs(self) -> VirtualList:
        """The neighbours of one probe after each epoch."""
        return self.query_one("#t-epochs", VirtualList)

    @property
    def curve(self) -> Curve:
        """The loss."""
        return self.query_one("#t-loss", Curve)

    @property
    def parts(self) -> tuple[VirtualList | Curve, ...]:
        """In the order of ``tab``."""
        return self.probes, self.epochs, self.curve

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self.curve.wear(plain=look.colours in ("16", "none"), ascii_only=look.ascii)

    # --- learning

    def begin(self, plan: Plan, job: Job, learning: Learning) -> None:
        """Begins a training."""
        self._count += 1
        learning.number = self._count
        self.learning = learning
        self.show_learning()
        self._learn(learning, job)

    @work(thread=True, group="learn", exit_on_error=False, description="train word vectors")
    def _learn(self, learning: Learning, job: Job) -> None:
        try:
            self._learn_steps(learning, job)
        except Exception as error:  # a bug too must end the job
            learning.error, learning.state = as_lab_error(error), "failed"
            job.fail(learning.error)
        self.post_message(self.Learnt(learning))
        self.post_message(self.Ended(learning))

    def _learn_steps(self, learning: Learning, job: Job) -> None:
        from core.vectors.training import CountedEvent, EpochEvent

        learning.training = training = training_of(learning)
        told = 0.0
        for event in training:
            learning.state = "learning"
            if isinstance(event, CountedEvent):
                learning.counted = event
            else:
                learning.rate = event.words_per_second
                if isinstance(event, EpochEvent):
                    learning.epochs.append(event)
            learning.share = training.done
            now = time.monotonic()
            if now - told >= TOLD or event.kind != "batch":
                told = now
                job.update(learning.share, 1.0, f"{count_text(round(learning.rate))} words/s")
                self.post_message(self.Learnt(learning))
        if learning.cancelled.is_set() and not training.finished:
            learning.state = "cancelled"
        else:
            learning.state = "done"
            job.finish(f"{count_text(len(learning.epochs))} epochs")

    @on(Learnt)
    @guarded
    def _learnt(self, message: Learnt) -> None:
        message.stop()
        if message.learning is self.learning:
            self.show_learning()

    # --- what is shown

    def show_learning(self) -> None:
        """The training as it stands."""
        learning = self.learning
        if learning is None:
            self.probes.border_title = Text("train word vectors · b begins")
            self.probes.fill(
                1, lambda _: Text("b: choose a corpus; its words' vectors form before your eyes", Style(dim=True))
            )
            self.epochs.fill(0, self._epoch_row)
            self.epochs.border_title = self.curve.border_title = ""
            return
        plan = learning.plan
        probes = learning.epochs[-1].probes if learning.epochs else ()
        self.probes.fill(max(1, len(probes)), self._probe_row)
        self.epochs.fill(len(learning.epochs), self._epoch_row)
        if learning.epochs and not self.epochs.has_focus:
            self.epochs.cursor = len(learning.epochs) - 1
        self.probes.border_title = Text(self._title(learning))
        self.probes.border_subtitle = Text(self._keys(learning))
        chosen = probes[min(self.probes.cursor, len(probes) - 1)][0] if probes else ""
        self.epochs.border_title = Text(f"nearest to ‘{chosen}’, epoch by epoch" if chosen else "epochs")
        losses = [event.loss for event in learning.epochs]
        if losses:
            line = Line(tuple(float(e.epoch) for e in learning.epochs), tuple(losses), label="loss")
            end = float(max(2, plan.epochs))
            self.curve.show(Figure((line,), (1.0, end), unit="step"))
            self.curve.border_title = Text(f"loss · nats per word · {losses[-1]:.3f} after epoch {len(losses)}")
        else:
            self.curve.show(Figure())
            self.curve.border_title = Text("loss")

    def _title(self, learning: Learning) -> str:
        plan = learning.plan
        parts = [f"{plan.method} on {plan.corpus}"]
        if learning.counted is not None:
            counted = learning.counted
            parts.append(f"{count_text(counted.vocabulary)} words of {count_text(counted.words)}")
        if learning.state == "learning":
            parts.append(f"{100 * learning.share:.0f} % · {count_text(round(learning.rate))} words/s")
        elif learning.state == "cancelled":
            parts.append(f"cancelled at {100 * learning.share:.0f} %, kept")
        else:
            parts.append(learning.state)
        return " · ".join(parts)

    def _keys(self, learning: Learning) -> str:
        if learning.running:
            return "x cancels and keeps what there is"
        if not learning.usable:
            return "b begins again"
        saved = f"saved as {learning.saved.name}" if learning.saved is not None else "W saves them"
        return f"enter asks them · {saved} · b another"

    def _probe_row(self, index: int) -> Text:
        learning = self.learning
        if learning is None or not learning.epochs:
            reading = "counting the words…" if learning is not None and learning.counted is None else "learning…"
            return Text(reading if learning is not None and learning.running else "", Style(dim=True))
        word, near = learning.epochs[-1].probes[index]
        return _near_line(fit(plain(word), 12), near, word)

    def _epoch_row(self, index: int) -> Text:
        learning = self.learning
        if learning is None or index >= len(learning.epochs):
            return Text()
        event = learning.epochs[index]
        if not event.probes:
            return Text(f"{event.epoch:>3}  loss {event.loss:.3f}")
        word, near = event.probes[min(self.probes.cursor, len(event.probes) - 1)]
        return _near_line(f"{event.epoch:>3} ", near, word)

    @on(VirtualList.Highlighted, "#t-probes")
    @guarded
    def _probe_chosen(self, event: VirtualList.Highlighted) -> None:
        if isinstance(event, VirtualList.Activated):  # a kind of the same message: that one is the screen's
            return
        event.stop()
        self.show_learning()
        self.epochs.refresh()

    def vectors(self) -> Vectors | None:
        """What was learnt, to be asked; None while there is nothing."""
        learning = self.learning
        if learning is None or not learning.usable or learning.training is None:
            return None
        found = learning.training.vectors()
        found.synthetic = learning.plan.corpus == TEACHING
        return found


def _near_line(lead: str, near: tuple[tuple[str, float], ...], word: str) -> Text:
    text = Text(f"{lead} ", no_wrap=True, end="")
    if not near:
        return text.append(f"‘{plain(word)}’ is not in the vocabulary", Style(dim=True))
    for name, cosine in near:
        text.append(f"{plain(name)} ")
        text.append(f"{number(cosine)}  ", Style(dim=True))
    return text
