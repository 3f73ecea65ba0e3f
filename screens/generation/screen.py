"""Screen 5: watch a model choose token by token, look at what it nearly said, and take the other road.

The screen owns what is shown (branch, cursor, measure, settings) and paints it. Answers come from workers
(``generation_engine``), the tree is changed by the verbs (``generation_branching``), words and values are made in
``generation_view``, the panes are in ``generation_panes``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from core.errors import LabError
from screens.generation.panes import GenerationBody
from screens.generation.prompt import PromptPane, remembered
from screens.generation.streaming import Streaming
from screens.generation.style import STYLE
from screens.generation.takeaway import lesson_values, take_away_of
from screens.generation.view import (
    MEASURES,
)
from screens.guard import guarded
from screens.widgets.branch_tree import BranchTree
from screens.widgets.lesson import LessonView
from screens.widgets.ramps import Look
from screens.widgets.take_away import TakeAwayRequest
from screens.widgets.token_strip import TokenStrip
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from core.workbench import Bench
    from screens.base import Command

SIDE_EVERY = 0.2
"""Seconds between two drawings of what stands beside a stream."""
TRIES = (("temperature 0.2, from here", 0.2), ("temperature 1.5, from here", 1.5))


@final
class GenerationScreen(Streaming):
    """The console."""

    DEFAULT_CSS = STYLE
    LAB_NAME = "Generate"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit", "Prompt", id="generation.edit", tooltip="edit the prompt; enter answers it"),
        Binding("n", "generate", "Generate", id="generation.generate", tooltip="answer the prompt, or go on"),
        Binding("full_stop", "more", "Token ±1", key_display=". ,", id="generation.more", tooltip="one more token"),
        Binding("comma", "take_back", "Back", show=False, id="generation.back", tooltip="take the last token back"),
        Binding("b", "branch", "Branch", id="generation.branch", tooltip="draw anew from the token under the cursor"),
        Binding("s", "pane('sampling')", "Sampling", id="generation.sampling", tooltip="the settings"),
        Binding("c", "compare", "A/B", id="generation.compare", tooltip="two models or two settings side by side"),
        Binding("r", "regenerate", "Next seed", show=False, id="generation.again", tooltip="again with the next seed"),
        Binding("o", "continue", "Go on", show=False, id="generation.continue", tooltip="go on behind the last token"),
        Binding("a", "pane('alternatives')", "Instead", show=False, id="generation.alternatives",
                tooltip="what else could stand here"),
        Binding("t", "pane('branches')", "Tree", show=False, id="generation.tree", tooltip="the branches"),
        Binding("m", "measure", "Colour", show=False, id="generation.measure",
                tooltip="colour by probability, rank, entropy, nothing"),
        Binding("B", "bars", "Bars", show=False, id="generation.bars", tooltip="bars under the tokens, or not"),
        Binding("x", "cut", "Cut", show=False, id="generation.cut", tooltip="cut this branch"),
        Binding("u", "undo", "Undo", show=False, id="generation.undo", tooltip="bring back what was cut"),
        Binding("p", "hold", "Hold", show=False, id="generation.hold", tooltip="let the stream wait, or flow"),
        Binding("f", "follow", "Follow", show=False, id="generation.follow", tooltip="stay with the newest token"),
        Binding("v", "score", "Score", show=False, id="generation.score", tooltip="score a text by its surprise"),
        Binding("S", "save", "Save", show=False, id="generation.save", tooltip="save the transcript"),
        Binding("O", "open", "Open", show=False, id="generation.open", tooltip="open a saved transcript"),
        Binding("N", "new_tree", "New tree", show=False, id="generation.new-tree", tooltip="an empty tree"),
        Binding("U", "old_tree", "Old tree", show=False, id="generation.old-tree", tooltip="the tree before this one"),
        Binding("E", "starters", "Prompts", show=False, id="generation.starters", tooltip="earlier prompts"),
        Binding("tab", "tab(1)", show=False, id="generation.next-pane", tooltip="next pane"),
        Binding("shift+tab", "tab(-1)", show=False, id="generation.previous-pane", tooltip="previous pane"),
    ]  # fmt: skip

    # --- frame

    def compose_body(self) -> ComposeResult:
        """Prompt, settings, strip, alternatives, branches, words."""
        yield GenerationBody(id="generation")

    @property
    def body(self) -> GenerationBody:
        """All panes."""
        return self.query_one("#generation", GenerationBody)

    @property
    def prompt_text(self) -> str:
        """What would be answered now."""
        return self.body.prompt.prompt

    def on_mount(self) -> None:
        """The prompt, what was kept of the last time, and the model."""
        self.body.wear(self.look)
        self.body.prompt.show(self.workbench.prompt)
        self.recall()
        self.body.strip.focus()
        self.paint_all()
        self.say("opening the model …")
        self.call_after_refresh(self.open_model)  # torch is imported after the first picture

    def look_changed(self, look: Look) -> None:
        """Draws as the terminal can show it now."""
        self.body.wear(look)
        self.paint_strip()

    def resume_updates(self) -> None:
        """Draws as the terminal can show it now, and looks whether the model is still there."""
        self.body.wear(self.look)
        self.look_for_model()

    @on(Streaming.Lost)
    def _model_lost(self, message: Streaming.Lost) -> None:
        """It is said, and asked about when an answer is wanted."""
        if message.opened is self.opened and message.opened.spec == self.workbench.a:
            self.say(f"{message.trouble.title} · w takes another model")

    @on(Streaming.SizeChanged)
    def _size_changed(self) -> None:
        self.paint_choice()
        self.paint_titles()

    def bench_changed(self, bench: Bench) -> None:
        """Another model answers from now on; what was written stays."""
        if bench.prompt != self.prompt_text and not self.body.prompt.editing and not self.scoring_shown:
            self.body.prompt.show(bench.prompt)
        if self.opened is None or (bench.a, bench.device) != (self.opened.spec, self.workbench.device):
            self.open_model()

    # --- the model

    @on(Streaming.Opening)
    @guarded
    def _model_opened(self, message: Streaming.Opening) -> None:
        if not self.is_latest(message):
            return
        if message.error is not None or message.opened is None:
            self.show_trouble(message.error or LabError("the model could not be opened"), self.workbench.a)
            return
        first, self.opened = self.opened is None, message.opened
        self.solved(self.body.alert)
        self.body.alert.display = False
        self.read_prompts(message.opened)
        self.say(self.model_sentence())
        self.paint_all()
        self.look_at_cursor()
        self.rescore()
        if first and not self.recalling:
            self.first_answer()

    def first_answer(self) -> None:
        """Something true at once, on a fresh machine too: the prompt is answered without being asked."""
        if self.opened is not None and not len(self.answers) and not self.streams:
            self.answer(self.opened.spec, self.sampling)

    def model_sentence(self) -> str:
        """Which model answers from now on."""
        shown = self.current()
        name = self.workbench.a
        if shown is None or shown.model == name:
            said = self.opened.name if self.opened is not None else name
            return f"{said} answers · n generates · e edits the prompt"
        return f"{name} answers from now on; {shown.name} was written by {shown.model} · n answers with {name}"

    # --- cursor

    @property
    def place(self) -> int:
        """The generated token under the cursor; negative in the prompt."""
        return self.body.strip.at - len(self.line_of(self.shown).prompt_pieces)

    @on(TokenStrip.Highlighted, "#strip")
    @guarded
    def _moved(self, message: TokenStrip.Highlighted) -> None:
        if self.streaming and message.index < message.strip.length - 1:
            self.following = False
        self.link_cursor(message.strip)
        self.look_at_cursor()

    @on(TokenStrip.Highlighted, "#other")
    def _moved_beside(self, message: TokenStrip.Highlighted) -> None:
        self.link_cursor(message.strip)
        self.look_at_cursor()

    @on(TokenStrip.Activated)
    def _opened_token(self, message: TokenStrip.Activated) -> None:
        message.stop()
        self.body.go_to_pane("alternatives")

    @on(VirtualList.Activated, "#alternatives")
    @guarded
    def _took(self, message: VirtualList.Activated) -> None:
        choice = self.choice_here()
        if choice is None or self.scoring_shown:
            return
        if message.index < len(choice.alternatives):
            self.take_alternative(choice, choice.alternatives[message.index])

    # --- prompt

    async def action_edit(self) -> None:
        """Opens the prompt for typing."""
        self.body.prompt.history = list(self.history)
        await self.body.prompt.action_edit()
        self.paint_titles()

    @on(PromptPane.Sent)
    @guarded
    def _prompt_sent(self, message: PromptPane.Sent) -> None:
        self.history = remembered(self.history, message.text)
        if self.scoring_shown:
            self.score_text(message.text)
        else:
            self.action_generate()
            self.rival_too()

    @on(PromptPane.Left)
    @guarded
    def _prompt_left(self, message: PromptPane.Left) -> None:
        if not self.scoring_shown:
            self.workbench.set(prompt=message.text)
        self.body.go_to_pane("strip")
        self.paint_titles()
        self.keep_soon()

    # --- panes

    def action_pane(self, name: str) -> None:
        """Goes to a pane."""
        self.body.go_to_pane(name)

    def action_next_pane(self, by: int) -> None:
        """The next pane, or the one before."""
        self.body.next_pane(by)
        self.paint_titles()

    def action_measure(self) -> None:
        """What colour encodes."""
        if self.scoring_shown:
            self.next_score_measure()
            return
        self.measure = MEASURES[(MEASURES.index(self.measure) + 1) % len(MEASURES)]
        self.paint_strip()
        self.keep_soon()

    def action_bars(self) -> None:
        """Bars under the tokens, or not."""
        for strip in (self.body.strip, self.body.other):
            strip.bars = not strip.bars

    @on(BranchTree.Selected)
    @guarded
    def _branch_chosen(self, message: BranchTree.Selected) -> None:
        if int(message.branch_id) != self.shown:
            self.show_branch(int(message.branch_id))

    @on(BranchTree.Opened)
    def _branch_opened(self) -> None:
        self.body.go_to_pane("strip")

    @on(BranchTree.Marked)
    def _branch_marked(self, message: BranchTree.Marked) -> None:
        self.compare_with(int(message.branch_id))

    # --- out of the app

    def take_away(self) -> TakeAwayRequest | None:
        """The shown branch as Python, as a command, as numbers."""
        return take_away_of(self)

    def lesson(self) -> LessonView:
        """Lesson L6 with the numbers under the cursor."""
        tries = tuple((label, f"try_temperature({value})") for label, value in TRIES)
        return LessonView("L6", lesson_values(self), tries)

    def action_try_temperature(self, value: float) -> None:
        """Leaves the road at the cursor with another temperature."""
        self.set_sampling(self.sampling.override(temperature=value))
        if self.place < 0:
            self.action_generate()
        else:
            self.action_branch()

    def commands(self) -> Iterable[Command]:
        """What the palette offers here."""
        for binding in self.BINDINGS:
            if isinstance(binding, Binding) and binding.tooltip and binding.id not in _NOT_IN_PALETTE:
                key = binding.key_display or {"full_stop": ".", "comma": ","}.get(binding.key, binding.key)
                yield (binding.tooltip.capitalize(), key, partial(self.run_action, binding.action))
        for name in MEASURES:
            yield (f"Measure: {name}", "m", partial(self.set_measure, name))

    def set_measure(self, name: str) -> None:
        """Colours by one of the measures."""
        self.measure = name
        self.paint_strip()


_NOT_IN_PALETTE = ("generation.next-pane", "generation.previous-pane")
