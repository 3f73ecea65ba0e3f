"""How the console is painted: strips, borders, alternatives, words; and the settings as they are turned.

Abstract: ``GenerationScreen`` completes it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.timer import Timer

from core.errors import LabError
from core.generation.settings import SamplingConfig
from screens.generation.comparing import Comparing
from screens.generation.dials import DIALS, OFF, Dial, effect_text, turned, typed, value_text
from screens.generation.panes import Dials
from screens.generation.steps_list import StepsList
from screens.generation.view import bars_of, detail_text, legend, rate_text, token_sentence, values_of, written
from screens.guard import guarded
from screens.widgets.token_strip import TokenStrip
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from core.workbench import Workbench
    from screens.generation.engine import Stream

SIDE_EVERY = 0.2
"""Seconds between two drawings of what stands beside a stream."""


class Painting(Comparing):
    """Everything that is drawn."""

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.following = True
        """Whether the cursor stays with the newest token."""
        self.last_stream: Stream | None = None
        self._side_at = 0.0
        self._side_timer: Timer | None = None
        self._effects: dict[str, str] = {}

    def paint_all(self) -> None:
        """Everything, as after another branch."""
        self.paint_strip()
        self.paint_tree()
        self.paint_side()

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
        name = (
            f"branch {own.name} · {own.model} · {count} token{'s' * (count != 1)}"
            if own is not None
            else self._title_of_prompt()
        )
        if own is not None and count:
            name += f" · perplexity {self.answers.perplexity(own.id):.3g}"
        below = legend(self.measure, self.look)
        state = " · streaming, esc stops" if self.streaming else ""
        if any(not s.flowing.is_set() for s in self.streams.values()):
            state = " · held, p goes on"
        body.title("strip", name, below + Text(state))
        body.title("prompt", "prompt" if not body.prompt.editing else "prompt · enter answers · ctrl+j new line",
                   "up down earlier ones · esc done" if body.prompt.editing else "e edit · E earlier ones")  # fmt: skip
        answers = sum(not branch.is_root for _, branch in self.answers.walk())
        of_all = f"{answers} {'answer' if answers == 1 else 'answers'}"
        body.title("branches", "branches", f"{of_all} · space: side by side · x cuts" if answers else "")
        body.title("sampling", "sampling", "left right turn · enter types" if not body.shared else "")
        self.paint_other_title()
        stream = self.last_stream
        self.count(rate_text(stream.tokens, stream.seconds, stream.first) if stream is not None else "")

    def _title_of_prompt(self) -> str:
        if self.shown is None or self.shown not in self.answers or not self.answers.children(self.shown):
            return "no answer yet"
        count = len(self.answers.children(self.shown))
        return f"the prompt · {count} {'answer' if count == 1 else 'answers'} below it in the tree"

    @on(StepsList.Chosen)
    @guarded
    def _token_chosen(self, message: StepsList.Chosen) -> None:
        self.body.strip.go_to(message.index)
        self.body.strip.focus()

    def paint_tree(self) -> None:
        """The branches."""
        self.body.branches.show(self.tree_nodes(), str(self.shown) if self.shown is not None else None,
                            marks=self.tree_marks(), empty="no branches yet · n answers")  # fmt: skip

    def paint_side_soon(self) -> None:
        """What stands beside a stream changes five times a second at most."""
        now = time.monotonic()
        if now - self._side_at >= SIDE_EVERY:
            self.paint_side()
        elif self._side_timer is None:
            self._side_timer = self.set_timer(SIDE_EVERY, self.paint_side)

    def paint_side(self) -> None:
        """What stands beside the strip."""
        if self._side_timer is not None:
            self._side_timer.stop()
            self._side_timer = None
        self._side_at = time.monotonic()
        if self.beside is not None:
            self.mark_difference()
        self.paint_choice()
        self.paint_titles()

    def paint_choice(self) -> None:
        """The alternatives at the cursor, in bars and words, and what each setting does there."""
        if self.scoring_shown:
            self.paint_score_side()
            return
        body, step, choice = self.body, self.step_here(), self.choice_here()
        if body.steps.is_on_screen:
            body.steps.follow(self.line_of(self.shown), body.strip.at)
        now = self.choice_now()
        if now is not None or choice is None:  # else what is shown stays for the moment until the answer is here
            self._effects = {d.field: effect_text(self.sampling, d, now, self.vocabulary) for d in DIALS}
        body.dials.show(self.sampling, self._effects | self.costs, self.models.precision)
        if self.beside is not None and self.paint_both():
            return
        there = self.piece_here() if step is None else step.bytes
        where = "next" if there is None else f"instead of ‘{written(there)}’"
        if choice is None:
            empty = "nothing stands before the first token" if there is not None and not body.strip.at else ""
            empty = empty or ("…" if self.streaming or there is not None else "no answer here yet · n generates")
            body.bars.show([], empty=empty)
            body.title("alternatives", "instead", "")
            body.detail.update("")
            body.title("detail", "the choice")
            return
        asked = step is None and there is not None
        taken = step.token_id if step is not None else None
        if asked:
            taken = self.line_of(self.shown).prompt_ids[body.strip.at]
        body.bars.show(bars_of(choice, taken, step), cursor=body.bars.cursor)
        note = "" if choice is step or step is None else " · now"
        body.title("alternatives", f"{where}{note}", "model → drawn" + ("" if asked else " · enter branches"))
        body.detail.update(detail_text(choice, self.vocabulary, step if choice is step else None))
        at = f"at #{step.index}" if step is not None else "behind the last token"
        if asked:
            at = f"token {body.strip.at} of the prompt, had {self.workbench.a} written it"
        if choice is not step and step is not None:
            at += f", as {self.workbench.a} would choose now with these settings"
        body.title("detail", at)

    def say_here(self) -> None:
        """The token under the cursor in a sentence."""
        step = self.step_here()
        if self.scoring_shown:
            said = self.score_sentence(self.body.strip.at)
        else:
            said = token_sentence(step.index, step) if step is not None and not self.streaming else ""
            if step is None and not self.streaming and (there := self.piece_here()) is not None:
                said = f"‘{written(there)}’ · token {self.body.strip.at} of the prompt · e edits it"
            elif self.at_next and not self.streaming and len(self.answers):
                said = "what comes behind the prompt · enter on an alternative, or n, answers"
        if said:
            self.say(said)

    def piece_here(self) -> bytes | None:
        """The token of the prompt under the cursor; None where the cursor is not on one."""
        pieces = self.line_of(self.shown).prompt_pieces
        return pieces[self.body.strip.at] if self.in_prompt and self.body.strip.at < len(pieces) else None

    @property
    def vocabulary(self) -> int:
        """How many tokens the model chooses from."""
        return self.vocabulary_of(self.shown)

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
        if dial.field == "precision":
            place = dial.steps.index(self.models.precision) + message.by
            self.set_precision(dial.steps[max(0, min(len(dial.steps) - 1, place))] if message.by else "auto")
        elif message.by == 0:
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
        from screens.training.dialogs import AskText

        if dial.field == "precision":
            self.say("left and right choose how the weights are kept")
            return

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
