"""What the embeddings screen does with a second space: which it is, its checkpoints, the words in both.

Abstract: ``EmbedScreen`` completes it.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message

from core.vectors.centring import MARK
from screens.embeddings.centring import parts_of
from screens.embeddings.compare import ComparePane
from screens.embeddings.dialogs import OpenVectors
from screens.embeddings.following import EmbedFollowing
from screens.embeddings.sources import TABLES
from screens.guard import guarded
from screens.widgets.choose import Choice, Choose


class EmbedBeside(EmbedFollowing):
    """The part of the screen that is about two spaces."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "compare", "Compare", id="embed.compare", tooltip="the same words in two spaces; again: which"),
    ]

    class Stepped(Message):
        """The checkpoints of the run that the second space belongs to."""

        def __init__(self, spec: str, steps: tuple[int, ...], by: int) -> None:
            super().__init__()
            self.spec = spec
            self.steps = steps
            self.by = by

    @property
    def spaces(self) -> ComparePane:
        """The page of two spaces."""
        return self.query_one(ComparePane)

    def action_compare(self) -> None:
        """The page of two spaces; where it is open already, or nothing was chosen, which."""
        if self.spaces.found is None or self.body.page == "compare":
            self.action_choose_space()
        else:
            self.show_page("compare")

    def action_choose_space(self) -> None:
        """Which space stands beside the first."""
        self.solved(self.body.alert)
        self._other_spaces(self.spec, self.workbench.a, self.workbench.b)

    @work(thread=True, group="spaces-list", exclusive=True, exit_on_error=False, description="list word vectors")
    def _other_spaces(self, spec: str, a: str, b: str | None) -> None:
        from core.vectors.sources import list_vectors

        plain, centred = parts_of(spec)
        model, colon, table = plain.rpartition(":")
        run, steps = (model, _steps(model)) if colon and f":{table}" in TABLES else (a, _steps(a))
        own = run.partition("@")[0]
        names = [f"{own}@{step}:wte" for step in steps]
        names += [f"{model}:wte" for model in (a, b) if model]
        names += [plain if centred else f"{plain}{MARK}"] if spec else []
        names += [source.name for source in list_vectors(models=False) if source.here]
        self.post_message(self.Spaces(tuple(dict.fromkeys(name for name in names if name != spec))))

    class Spaces(Message):
        """Spaces that could stand beside the first."""

        def __init__(self, names: tuple[str, ...]) -> None:
            super().__init__()
            self.names = names

    @on(Spaces)
    @guarded
    def _spaces_listed(self, message: Spaces) -> None:
        message.stop()
        choices = [Choice(name, name) for name in message.names]
        choices.append(Choice("file", "a file, or MODEL:wte…", "o"))

        def chosen(value: str | None) -> None:
            if value == "file":
                self.app.push_screen(OpenVectors(), lambda path: self.compare_with(path) if path else None)
            elif value is not None:
                self.compare_with(value)

        self.app.push_screen(Choose(f"beside {self.spec}", choices, current=self.spaces.specs[1]), chosen)

    def compare_with(self, spec: str) -> None:
        """Compares with another space."""
        if self.vectors is None:
            return
        self.show_page("compare")
        word = self.word or (self.asked.word if self.asked is not None else "")
        extra = [self.asked.word] if self.asked is not None else []
        words = tuple(dict.fromkeys([*self.words, *extra]))
        self.spaces.compare(self.vectors, spec, words, word)

    @on(ComparePane.Word)
    @guarded
    def _compared_word(self, event: ComparePane.Word) -> None:
        from core.vectors.comparison import name_in

        event.stop()
        if event.sentence:
            self.say(event.sentence)
        name = name_in(self.vectors, event.word) if self.vectors is not None else None
        if event.taken and name is not None:
            self.word = name
            self.compare_with(self.spaces.specs[1])
        elif event.taken:
            self.say(f"‘{event.word}’ is not in {self.spec}")

    def action_history(self, by: int) -> None:
        """Another expression; on the page of two spaces another checkpoint of the second."""
        if self.body.page == "compare" and self.spaces.specs[1]:
            self._step_space(self.spaces.specs[1], by)
        else:
            super().action_history(by)

    @work(thread=True, group="step-space", exclusive=True, exit_on_error=False, description="look for checkpoints")
    def _step_space(self, spec: str, by: int) -> None:
        self.post_message(self.Stepped(spec, _steps(parts_of(spec)[0].rpartition(":")[0]), by))

    @on(Stepped)
    @guarded
    def _stepped(self, message: Stepped) -> None:
        message.stop()
        plain, centred = parts_of(message.spec)
        model, _, table = plain.rpartition(":")
        name, _, step = model.partition("@")
        if not message.steps:
            self.say(f"{message.spec} has no checkpoints to step through")
            return
        steps = message.steps
        now = int(step) if step.isdigit() else steps[-1]
        at = min(range(len(steps)), key=lambda i: abs(steps[i] - now))
        new = steps[max(0, min(len(steps) - 1, at + message.by))]
        if f"{name}@{new}:{table}" == plain:
            self.say(f"{message.spec} is the {'first' if message.by < 0 else 'last'} checkpoint")
        else:
            self.compare_with(f"{name}@{new}:{table}{centred}")


def _steps(model: str) -> tuple[int, ...]:
    """The kept steps of the run that a model belongs to; none for others."""
    from screens.weights.reader import steps_of

    return steps_of(model)
