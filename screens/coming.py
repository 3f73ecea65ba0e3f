"""A screen that is not there yet: what is coming, briefly, and what can be done now."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.widgets import Static

from core.workbench import Workbench
from screens.base import LabScreen, LessonView
from screens.widgets.lesson import LESSONS


@dataclass(frozen=True, slots=True)
class Coming:
    """What is said of a screen to come."""

    name: str
    index: int
    title: str
    what: str
    now: str


COMING = (
    Coming(
        "embeddings", 2, "Embed",
        "Words as directions: neighbours, analogies, maps, and what a model learns about them.",
        "Now: core.load_model(\"demo\").model holds the embedding table of a trained model (model.wte).",
    ),
    Coming(
        "attention", 3, "Attention",
        "Who looks at whom: the patterns of every head, the mathematics of one cell, and life without a head.",
        "Now: core/model/gpt.py is the whole model, to be read in one sitting.",
    ),
)  # fmt: skip


class ComingScreen(LabScreen):
    """Says what is coming; nothing here pretends to work."""

    def __init__(self, workbench: Workbench, coming: Coming) -> None:
        super().__init__(workbench, name=coming.name)
        self._coming = coming
        self.lab_index = coming.index

    def compose_body(self) -> ComposeResult:
        """One pane of words."""
        coming = self._coming
        text = f"This screen is not here yet.\n\n{coming.what}\n\n{coming.now}\n\n4 opens Training, which is."
        pane = Static(text, classes="pane coming", markup=False)
        pane.border_title = coming.title
        yield pane

    def lesson(self) -> LessonView:
        """What this screen's lesson will be about, and where to go meanwhile."""
        here = [info.id for info in LESSONS if info.screen == self._coming.index]
        values = {"title": self._coming.title, "what": self._coming.what, "now": self._coming.now}
        lesson = self.lesson_wanted if self.lesson_wanted in here else here[0]
        return LessonView(lesson, values, (("look at training, which is here", "app.go(4)"),))

    def on_mount(self) -> None:
        """The sentence."""
        self.say(f"{self._coming.title} is not here yet · 4 opens Training")
