"""Building a byte-pair encoding before one's eyes: merges as they are learnt, compression as it grows, then its use.

Learning is pure Python in a thread; the screen looks at what it has learnt a few times a second.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message

from core.errors import LabError, TokenizerError
from screens.guard import as_lab_error, guarded
from screens.tokens.base import TokensBase
from screens.tokens.dialogs import Plan, PlanTraining
from screens.tokens.reader import vocabulary_corpus
from screens.tokens.view import amount, size
from screens.widgets.curve import Curve
from screens.widgets.figure import Figure, Line
from screens.widgets.guarded import Guarded
from screens.widgets.merge_view import piece_text
from screens.widgets.plot_data import decimate
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from core.tokenizers.bpe_train import BPETraining, MergeStep
    from screens.widgets.jobs import Job

TOLD = 0.15
"""Seconds between two looks at what is being learnt."""
PLOTTED = 0.6
SHORT = 5_000
"""Characters below which a text is too short to learn much from."""


@dataclass
class Learning:
    """One training; the thread writes, the screen reads."""

    plan: Plan
    steps: list[MergeStep] = field(default_factory=list)
    state: str = "reading the text"
    """reading the text, learning, saved, cancelled or failed."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    training: BPETraining | None = None
    saved: Path | None = None
    error: LabError | None = None
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.state in ("reading the text", "learning")

    @property
    def name(self) -> str:
        """What ``get_tokenizer`` calls it once it is saved."""
        return f"bpe:{self.saved.name}" if self.saved is not None else ""


class BuildPane(Guarded, Vertical):
    """Merges, the newest first, beside the curve of the compression."""

    DEFAULT_CSS = """
    BuildPane Horizontal { height: 1fr; }
    BuildPane #learnt { width: 52; }
    BuildPane #compression { width: 1fr; }
    TokensScreen.-narrow BuildPane #learnt, TokensScreen.-tiny BuildPane #learnt { width: 40; }
    """

    def compose(self) -> ComposeResult:
        """Both."""
        with Horizontal():
            yield VirtualList(id="learnt")
            yield Curve(id="compression")


def free_name(folder: Path, name: str) -> Path:
    """A folder of this name that is not there yet: ``bpe512``, ``bpe512-2``, and so on."""
    path, n = folder / name, 2
    while path.exists():
        path = folder / f"{name}-{n}"
        n += 1
    return path


def save_learnt(learning: Learning) -> None:
    """Writes what was learnt so far where every part of the lab finds it.

    Raises:
        LabError: nothing was learnt, or the disk refuses.
    """
    from core.tokenizers.listing import trained_folder

    if learning.training is None:
        raise TokenizerError("nothing was learnt yet", "begin again with b")
    path = free_name(trained_folder(), learning.plan.name)
    try:
        learning.training.tokenizer().save(path)
    except LabError:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise TokenizerError(f"{path} cannot be written: {reason}", "look at its permissions") from None
    learning.saved, learning.state = path, "saved"


class BuildActions(TokensBase):
    """Build a tokenizer (``b``), cancel it (``x``), keep what was learnt (``k``), use it (``u``)."""

    learning: Learning | None = None
    """The last training."""
    _plotted = 0.0

    class Learnt(Message):
        """More was learnt, or it ended."""

        def __init__(self, learning: Learning) -> None:
            super().__init__()
            self.learning = learning

        def can_replace(self, message: Message) -> bool:
            """The newest is enough."""
            return isinstance(message, BuildActions.Learnt) and message.learning is self.learning

    async def action_build(self) -> None:
        """Plans a training; while one is on its way, shows it."""
        if self.learning is not None and self.learning.running:
            await self._open_build()
            return
        corpus = self.source.name if self._corpus_shown() else "." if len(self.text) > SHORT else vocabulary_corpus()
        self.app.push_screen(PlanTraining(corpus), self._planned)

    def _corpus_shown(self) -> bool:
        from core.data.corpora import CORPORA

        return self.source.name in CORPORA

    async def _planned(self, plan: Plan | None) -> None:
        if plan is not None:
            await self.build(plan)

    async def build(self, plan: Plan) -> None:
        """Begins a training and shows it."""
        learning = self.learning = Learning(plan)
        job = self.jobs.add(f"build {plan.name}", learning.cancelled.set)
        job.in_sight = lambda: self.is_current and self.body.main == "build"
        await self._open_build()
        self.show_learning()
        self._learn(learning, job, self.text)

    async def _open_build(self) -> None:
        if not self.query(BuildPane):
            await self.body.query_one("#main").mount(BuildPane(id="build-pane", classes="frame"))
            plot = self.query_one("#compression", Curve)
            plot.wear(plain=self.look.colours in ("16", "none"), ascii_only=self.look.ascii)
            plot.empty_text = "the compression appears with the first merges"
        self.to_main("build")
        self.query_one("#learnt", VirtualList).focus()

    @work(thread=True, group="build", exit_on_error=False, description="train a tokenizer")
    def _learn(self, learning: Learning, job: Job, shown: str) -> None:
        try:
            self._learn_steps(learning, job, shown)
        except Exception as error:  # a bug too must end the job
            learning.error, learning.state = as_lab_error(error), "failed"
            job.fail(learning.error)
        learning.seconds = time.monotonic() - learning.began
        self.post_message(self.Learnt(learning))

    def _learn_steps(self, learning: Learning, job: Job, shown: str) -> None:
        from core.data.corpora import load_corpus
        from core.tokenizers.bpe import BPETokenizer

        plan = learning.plan
        text = load_corpus(plan.corpus) if plan.corpus else shown
        if not text:
            raise TokenizerError("there is no text to learn from", "type one, or name a corpus")
        learning.training = BPETokenizer.train_steps(text, plan.vocab_size, cancelled=learning.cancelled)
        told = 0.0
        for step in learning.training:
            learning.state = "learning"
            learning.steps.append(step)
            now = time.monotonic()
            if now - told >= TOLD:
                told = now
                job.update(step.index, step.total, f"{step.compression:.2f} bytes per token")
                self.post_message(self.Learnt(learning))
                time.sleep(0.001)  # the screen's turn
        if learning.cancelled.is_set():
            learning.state = "cancelled"
        else:
            save_learnt(learning)
            job.finish(f"{learning.name} can be used everywhere")

    @on(Learnt)
    @guarded
    def _learnt(self, message: Learnt) -> None:
        learning = message.learning
        if learning is not self.learning:
            return
        self.show_learning()
        if learning.state == "saved":
            self.reader.forget(learning.name)
            early = " (no pair was left)" if len(learning.steps) < learning.plan.vocab_size - 257 else ""
            self.say(f"{learning.name} is saved{early}, in the lists of tokenizers, and ready: u uses it here")
        elif learning.state == "cancelled":
            self.say(f"cancelled after {amount(len(learning.steps), 'merge')}: K keeps them, b begins again")
        elif learning.error is not None:
            self.body.alert.display = True
            doors = [("b", "another text or size", "build"), ("escape", "put away", "solved")]
            self.problem(self.body.alert, learning.error, doors)

    def show_learning(self) -> None:
        """The pane of the training as it stands."""
        learning = self.learning
        if learning is None or not self.query(BuildPane):
            return
        rows = self.query_one("#learnt", VirtualList)
        total = max(1, learning.plan.vocab_size - 257)
        if rows.length != total:
            rows.fill(total, self._merge_row, cursor=0)
        rows.refresh()
        now = time.monotonic()
        if now - self._plotted >= PLOTTED or not learning.running:
            self._plotted = now
            self._plot(learning, total)
        self.build_title()

    def _plot(self, learning: Learning, total: int) -> None:
        import numpy as np

        plot = self.query_one("#compression", Curve)
        steps = learning.steps[:]
        span = (0.0, float(total if learning.running else max(1, len(steps))))
        indices, found = (
            np.array([getattr(step, name) for step in steps], dtype=np.float64) for name in ("index", "compression")
        )
        x, y = decimate(indices, found, max(20, plot.canvas_width), span) if steps else ([], [])
        plot.show(Figure((Line(tuple(x), tuple(y), 0, "line", "bytes/token"),), span) if x else Figure())

    def _merge_row(self, index: int) -> Text:
        learning = self.learning
        steps = learning.steps if learning is not None else []
        if index >= len(steps):
            return Text()
        step = steps[len(steps) - 1 - index]
        text = Text(f"{step.index:>6,}  ", "dim", no_wrap=True)
        text.append(f"{piece_text(step.left)} + {piece_text(step.right)} → ", "not dim")
        text.append(piece_text(step.token), "bold not dim")
        return text.append(f"   id {step.token_id} · {amount(step.count, 'time')}", "dim")

    def build_title(self) -> None:
        """The border of the pane: how far it is, and what can be done."""
        learning = self.learning
        if learning is None or not self.query(BuildPane):
            return
        plan = learning.plan
        of = plan.corpus or "the text on the screen"
        total = plan.vocab_size - 257
        parts = [f"build {plan.name} on {of}", f"merge {len(learning.steps):,} of {total:,}"]
        if learning.steps:
            parts.append(f"{learning.steps[-1].compression:.2f} bytes per token")
            parts.append(size(learning.steps[-1].bytes_total))
        if learning.seconds:
            parts.append(f"{learning.seconds:.1f} s")
        state = [learning.state] if learning.state not in ("learning", "saved") else []
        self.body.title("build", [" · ".join([*parts, *state]), " · ".join([plan.name, parts[1], *state])])
        keys = {
            "saved": f"u use {learning.name} · b another · esc to the tokens",
            "cancelled": "K keep what was learnt · b begin again · esc to the tokens",
            "failed": "b begin again · esc to the tokens",
        }.get(learning.state, "x cancel · esc to the tokens, it goes on")
        self.body.subtitle("build", keys)

    def action_cancel_build(self) -> None:
        """Cancels the training."""
        if self.learning is None or not self.learning.running:
            self.say("no training is on its way: b begins one")
            return
        for job in self.jobs.running:
            if job.name == f"build {self.learning.plan.name}":
                job.cancel()
        self.learning.cancelled.set()

    def action_keep(self) -> None:
        """Saves what a cancelled training has learnt."""
        if self.learning is None or self.learning.state != "cancelled" or not self.learning.steps:
            self.say("there is nothing to keep: a training that ends is saved by itself")
        else:
            self._keep(self.learning)

    @work(thread=True, group="keep", exit_on_error=False, description="save a tokenizer")
    def _keep(self, learning: Learning) -> None:
        try:
            save_learnt(learning)
        except LabError as error:
            learning.error = error
        self.post_message(self.Learnt(learning))

    def action_use(self) -> None:
        """Uses the trained tokenizer here and everywhere; without one, the model's own."""
        learning = self.learning
        trained = learning.name if learning is not None and learning.state == "saved" else ""
        self.use_tokenizer(trained)
        self.say(f"the workbench's tokenizer is {trained or 'that of its model'}")
        if trained and self.body.main == "build":
            self.to_main("strip")
            self.body.strip.focus()
