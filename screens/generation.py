"""Screen 5: watch a model choose token by token, look at what it nearly said, and take the other road.

The screen owns what is shown (branch, cursor, measure, settings) and paints it. Answers come from workers
(``generation_engine``), the tree is changed by the verbs (``generation_branching``), words and values are made in
``generation_view``, the panes are in ``generation_panes``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer

from core.errors import LabError
from core.generation.settings import SamplingConfig
from screens.generation_comparing import Comparing
from screens.generation_dials import DIALS, OFF, Dial, effect_text, turned, typed, value_text
from screens.generation_panes import Dials, GenerationBody
from screens.generation_prompt import PromptPane, remembered
from screens.generation_style import STYLE
from screens.generation_takeaway import lesson_values, take_away_of
from screens.generation_view import (
    MEASURES,
    bars_of,
    detail_text,
    end_text,
    legend,
    rate_text,
    token_sentence,
    values_of,
    written,
)
from screens.guard import guarded
from screens.widgets.branch_tree import BranchTree
from screens.widgets.lesson import LessonView
from screens.widgets.ramps import Look
from screens.widgets.take_away import TakeAwayRequest
from screens.widgets.token_strip import TokenStrip
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.generation.steps import Step
    from core.workbench import Bench, Workbench
    from screens.base import Command
    from screens.generation_engine import Stream

SIDE_EVERY = 0.2
"""Seconds between two drawings of what stands beside a stream."""
TRIES = (("temperature 0.2, from here", 0.2), ("temperature 1.5, from here", 1.5))


class GenerationScreen(Comparing):
    """The console."""

    DEFAULT_CSS = STYLE
    LAB_NAME = "Generate"
    LAB_INDEX = 5
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
        Binding("v", "score", "Score", show=False, id="generation.score", tooltip="colour a text by its surprise"),
        Binding("S", "save", "Save", show=False, id="generation.save", tooltip="save the transcript"),
        Binding("O", "open", "Open", show=False, id="generation.open", tooltip="open a saved transcript"),
        Binding("N", "new_tree", "New tree", show=False, id="generation.new-tree", tooltip="an empty tree"),
        Binding("U", "old_tree", "Old tree", show=False, id="generation.old-tree", tooltip="the tree before this one"),
        Binding("E", "starters", "Prompts", show=False, id="generation.starters", tooltip="earlier prompts"),
        Binding("tab", "next_pane(1)", show=False, id="generation.next-pane", tooltip="next pane"),
        Binding("shift+tab", "next_pane(-1)", show=False, id="generation.previous-pane", tooltip="previous pane"),
    ]  # fmt: skip

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.measure = MEASURES[0]
        self.following = True
        self._side_at = 0.0
        self._side_timer: Timer | None = None
        self._last_stream: Stream | None = None
        self._effects: dict[str, str] = {}

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
        """Draws as the terminal can show it now."""
        self.body.wear(self.look)

    @on(Comparing.SizeChanged)
    def _size_changed(self) -> None:
        self.paint_titles()

    def bench_changed(self, bench: Bench) -> None:
        """Another model answers from now on; what was written stays."""
        if bench.prompt != self.prompt_text and not self.body.prompt.editing:
            self.body.prompt.show(bench.prompt)
        if self.opened is None or (bench.a, bench.device) != (self.opened.spec, self.workbench.device):
            self.open_model()

    # --- the model

    @on(Comparing.Opening)
    @guarded
    def _model_opened(self, message: Comparing.Opening) -> None:
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
            return f"{name} answers · n generates · e edits the prompt"
        return f"{name} answers from now on; {shown.name} was written by {shown.model} · n answers with {name}"

    # --- streaming

    @on(Comparing.Began)
    @guarded
    def _stream_began(self, message: Comparing.Began) -> None:
        stream = message.stream
        if stream.cancelled.is_set():
            return
        root = self.root_for(stream.prompt, message.ids)
        self.pieces[root.id] = message.pieces
        branch = self.answers.add(root.id, stream.spec, stream.sampling)
        stream.branch = branch.id
        self.tree_changed()
        self.show_in(stream.slot, branch.id)

    @on(Comparing.Streamed)
    @guarded
    def _streamed(self, message: Comparing.Streamed) -> None:
        stream = message.stream
        if stream.cancelled.is_set() or stream.branch is None or stream.branch not in self.answers:
            return
        for step in message.steps:
            self.answers.extend(stream.branch, step)
            stream.tokens += 1
            stream.seconds += step.seconds
            if step.notice:
                self.say(step.notice)
        self._last_stream = stream
        self._extend_strips(stream.branch, message.steps)
        self._paint_side_soon()

    def _extend_strips(self, branch: int, steps: Sequence[Step]) -> None:
        """Adds tokens where their branch is shown."""
        vocabulary = self.vocabulary_of(branch)
        for strip, shown in ((self.body.strip, self.shown), (self.body.other, self.beside)):
            if shown != branch:
                continue
            line = self.line_of(branch)
            values = values_of(line, self.measure, vocabulary)
            strip.extend(
                [step.bytes for step in steps],
                values[-len(steps) :] if values is not None else None,
                [step.token_id for step in steps],
            )
            strip.dim_before = max(strip.dim_before, steps[-1].window_start)
            if self.following:
                with self.prevent(TokenStrip.Highlighted):
                    strip.cursor = strip.length - 1

    @on(Comparing.StreamEnded)
    @guarded
    def _stream_ended(self, message: Comparing.StreamEnded) -> None:
        stream = message.stream
        self.streams.pop(stream.id, None)
        if message.error is not None:
            self.show_trouble(message.error, stream.spec)
        self.tree_changed()
        self._paint_side()
        if message.error is None and not self.streams and not stream.cancelled.is_set():
            own = self.current()
            path = self.answers.path(own.id) if own is not None else []
            said = end_text(path[-1]) if path else ""
            if said:
                self.say(f"{own.name if own else ''} {said} · o goes on · r another seed · arrows look at the tokens")
        self.next_in_turn()

    def stop_streaming(self) -> bool:
        """``esc``: what has come stays, nothing more comes."""
        if not self.stop_streams():
            return False
        own = self.current()
        count = len(self.answers.path(own.id)) if own is not None else 0
        self.say(f"stopped after {count} tokens · o goes on from here")
        self.paint_titles()
        return True

    def action_hold(self) -> None:
        """Lets the stream wait, or flow again."""
        streams = [s for s in self.streams.values() if not s.cancelled.is_set()]
        if not streams:
            self.say("nothing is being written: n answers the prompt")
            return
        for stream in streams:
            stream.flowing.clear() if stream.flowing.is_set() else stream.flowing.set()
        held = not streams[0].flowing.is_set()
        self.say("it waits · p lets it go on · esc stops it" if held else "it goes on")
        self.paint_titles()

    def action_follow(self) -> None:
        """Stays with the newest token, or with the cursor."""
        self.following = not self.following
        if self.following:
            self.body.strip.go_to(self.body.strip.length - 1)
        self.paint_strip()
        self.say("follows the newest token" if self.following else "stays where the cursor is")

    # --- painting

    def paint_all(self) -> None:
        """Everything, as after another branch."""
        self.paint_strip()
        self.paint_tree()
        self._paint_side()

    def paint_strip(self) -> None:
        """The tokens of the shown branch, and of the one beside it."""
        if self.scoring_shown:
            self.paint_score()
            return
        for strip, branch in ((self.body.strip, self.shown), (self.body.other, self.beside)):
            line = self.line_of(branch)
            values = values_of(line, self.measure, self.vocabulary_of(branch))
            with self.prevent(TokenStrip.Highlighted):
                cursor = strip.cursor
                strip.fill(line.pieces, ids=line.ids if len(line.ids) == len(line.pieces) else None, values=values,
                           follow=self.following and self.streaming)  # fmt: skip
                strip.cursor = cursor
            strip.dim_before = line.steps[-1].window_start if line.steps else 0
        self.mark_difference()
        self.paint_titles()

    def paint_titles(self) -> None:
        """What the borders say."""
        if self.scoring_shown:
            self.paint_score_titles()
            return
        own = self.current()
        body = self.body
        count = len(self.answers.path(own.id)) if own is not None else 0
        name = f"{own.name} · {own.model} · {count} tokens" if own is not None else "no answer yet"
        if own is not None and count:
            name += f" · perplexity {self.answers.perplexity(own.id):.3g}"
        below = legend(self.measure, self.look)
        state = " · streaming, esc stops" if self.streaming else ""
        if any(not s.flowing.is_set() for s in self.streams.values()):
            state = " · held, p goes on"
        body.title("strip", name, Text(f"m {self.measure} ") + below + Text(state))
        body.title("prompt", "prompt" if not body.prompt.editing else "prompt · enter answers · ctrl+j new line",
                   "up down earlier ones · esc done" if body.prompt.editing else "e edit · E earlier ones")  # fmt: skip
        body.title("branches", "branches", f"{len(self.answers)} · space compares · x cuts" if len(self.answers) else "")
        body.title("sampling", "sampling", "left right turn · enter types" if not body.shared else "")
        self.paint_other_title()
        stream = self._last_stream
        self.count(rate_text(stream.tokens, stream.seconds, stream.first) if stream is not None else "")

    def paint_tree(self) -> None:
        """The branches."""
        self.body.branches.show(self.tree_nodes(), str(self.shown) if self.shown is not None else None,
                            marks=self.tree_marks(), empty="no branches yet · n answers")  # fmt: skip

    def _paint_side_soon(self) -> None:
        """What stands beside a stream changes five times a second at most."""
        now = time.monotonic()
        if now - self._side_at >= SIDE_EVERY:
            self._paint_side()
        elif self._side_timer is None:
            self._side_timer = self.set_timer(SIDE_EVERY, self._paint_side)

    def _paint_side(self) -> None:
        if self._side_timer is not None:
            self._side_timer.stop()
            self._side_timer = None
        self._side_at = time.monotonic()
        self.paint_choice()
        self.paint_titles()

    def paint_choice(self) -> None:
        """The alternatives at the cursor, in bars and words, and what each setting does there."""
        if self.scoring_shown:
            self.paint_score_side()
            return
        body, step, choice = self.body, self.step_here(), self.choice_here()
        now = self.choice_now()
        if now is not None or choice is None:  # else what is shown stays for the moment until the answer is here
            self._effects = {d.field: effect_text(self.sampling, d, now, self.vocabulary) for d in DIALS}
        body.dials.show(self.sampling, self._effects)
        if self.beside is not None and self.paint_both():
            return
        where = "next" if step is None else f"instead of ‘{written(step.bytes)}’"
        if choice is None:
            body.bars.show([], empty="no answer here yet · n generates" if not self.streaming else "…")
            body.title("alternatives", "instead", "")
            body.detail.update("")
            body.title("detail", "the choice")
            return
        taken = step.token_id if step is not None else None
        body.bars.show(bars_of(choice, taken, step), cursor=body.bars.cursor)
        note = "" if choice is step or step is None else " · now"
        body.title("alternatives", f"{where}{note}", "model → drawn · enter branches")
        body.detail.update(detail_text(choice, self.vocabulary, step if choice is step else None))
        at = f"at #{step.index}" if step is not None else "behind the last token"
        if choice is not step and step is not None:
            at += f", as {self.workbench.a} would choose now with these settings"
        body.title("detail", at)
        if step is not None and not self.streaming:
            self.say(token_sentence(step.index, step))

    @property
    def vocabulary(self) -> int:
        """How many tokens the model chooses from."""
        return self.vocabulary_of(self.shown)

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

    # --- settings

    def set_sampling(self, sampling: SamplingConfig) -> None:
        """Other settings from now on; what they do to the distribution under the cursor is shown at once."""
        self.sampling = sampling
        self.look_at_cursor()
        self.keep_soon()

    @on(Dials.Turned)
    @guarded
    def _turned(self, message: Dials.Turned) -> None:
        dial = message.dial
        if message.by == 0:
            if dial.field in OFF:
                self.set_sampling(self.sampling.override(**{dial.field: OFF[dial.field]}))
        elif dial.field == "stop":
            self._type_dial(dial)
        else:
            self.set_sampling(turned(self.sampling, dial, message.by))
            self.say(f"{dial.label} {value_text(self.sampling, dial)} · n answers with it")

    @on(VirtualList.Activated, "#sampling")
    def _dial_entered(self) -> None:
        self._type_dial(self.body.dials.dial)

    def _type_dial(self, dial: Dial) -> None:
        from screens.training_dialogs import AskText

        def reason(text: str) -> str | None:
            try:
                typed(self.sampling, dial, text)
            except LabError as error:
                return error.title
            return None

        def answered(text: str | None) -> None:
            if text is not None:
                self.set_sampling(typed(self.sampling, dial, text))

        several = " (several: A | B; \\n is a new line)" if dial.field == "stop" else ""
        said = f"{dial.meaning}{several}" + ("; off: does nothing" if dial.field in OFF else "")
        now = value_text(self.sampling, dial)
        self.app.push_screen(AskText(dial.label, said, reason, value="" if now == "off" else now), answered)

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

    @on(PromptPane.Left)
    @guarded
    def _prompt_left(self, message: PromptPane.Left) -> None:
        if not self.scoring_shown:
            self.workbench.set(prompt=message.text)
        self.body.strip.focus()
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
