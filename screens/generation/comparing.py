"""Two answers side by side: two models or two settings on one prompt and seed, or two branches of the tree.

Abstract: ``GenerationScreen`` completes it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on
from textual.message import Message

from core.errors import LabError
from core.generation.settings import SamplingConfig
from screens.generation.dials import summary, with_preset
from screens.generation.scoring import Scoring
from screens.generation.view import Line, joint_bars, token_sentence, written

if TYPE_CHECKING:
    from core.generation.steps import Step
    from core.workbench import Workbench
    from screens.widgets.token_strip_cursor import CursorStrip


@dataclass(frozen=True)
class Rival:
    """Who answers beside: a model and its settings."""

    spec: str
    sampling: SamplingConfig


class Comparing(Scoring):
    """A and B."""

    class Diverged(Message):
        """How far the two distributions under the cursors are apart."""

        def __init__(self, number: int, bits: float | None) -> None:
            super().__init__()
            self.number = number
            self.bits = bits

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.rival: Rival | None = None
        """Who answers each new prompt beside."""
        self._turns: list[Rival] = []
        self._divergence: tuple[object, float | None] = (None, None)
        self._divergence_number = 0
        self._divergence_asked: object = None

    def action_compare(self) -> None:
        """Chooses what stands beside; while something does, takes it away."""
        if self.scoring_shown:
            self.action_score()
        if self.beside is not None or self._turns:
            self.stop_comparing()
            return
        from screens.widgets.choose import Choice, Choose

        choices = []
        if self.workbench.b is not None:
            choices.append(Choice("model", f"model B, {self.workbench.b}, same settings and seed"))
        else:
            choices.append(Choice("pick", "another model: choose it as B (w, then b), then c again"))
        choices.append(Choice("steps", "an earlier or later step of this run"))
        for name in ("greedy", "balanced", "wild"):
            choices.append(Choice(f"preset {name}", f"the same with the settings {name}"))
        for value in (0.2, 1.5):
            choices.append(Choice(f"temperature {value}", f"the same with temperature {value}"))
        choices.append(Choice("itself", "itself: the same model, settings and seed"))
        for _, b in self.answers.walk():
            if not b.is_root and b.id != self.shown:
                choices.append(
                    Choice(f"branch {b.id}", f"branch {b.name}, {b.model}, {len(b.steps)} tokens of its own")
                )
        self.app.push_screen(Choose("compare with", choices), self._rival_chosen)

    def _rival_chosen(self, value: str | None) -> None:
        kind, _, rest = (value or "").partition(" ")
        own = self.current()
        sampling = own.sampling if own is not None else self.sampling
        if kind == "pick":
            self.app.call_later(self.run_action, "app.picker")
        elif kind == "steps":
            self._choose_step()
        elif kind == "branch":
            self.compare_with(int(rest))
        elif kind == "model" and self.workbench.b is not None:
            self.compare_models(self.workbench.b, sampling)
        elif kind == "itself":
            self.compare_models(self.workbench.a, sampling)
        elif kind == "preset":
            self.compare_models(self.workbench.a, with_preset(sampling, rest))
        elif kind == "temperature":
            self.compare_models(self.workbench.a, sampling.override(temperature=float(rest)))

    def _choose_step(self) -> None:
        """The kept steps of the model's run."""
        from core.shelf import kept_steps, split_spec
        from core.training.runs import open_run
        from screens.widgets.choose import Choice, Choose

        name = split_spec(self.workbench.a)[0]
        try:
            steps = kept_steps(open_run(name))
        except LabError as error:
            self.say(error.title)
            return
        choices = [Choice(f"{name}@{step}", f"{name}@{step}") for step in steps]

        def chosen(spec: str | None) -> None:
            own = self.current()
            if spec is not None:
                self.compare_models(spec, own.sampling if own is not None else self.sampling)

        self.app.push_screen(Choose("which step", choices, current=self.workbench.a), chosen)

    def compare_models(self, spec: str, sampling: SamplingConfig) -> None:
        """Lets a rival answer the same prompt with the same seed beside the shown answer."""
        self.stop_streams()
        self.rival = Rival(spec, sampling)
        self._turns = [self.rival]
        own = self.current()
        if own is None:
            self.answer(self.workbench.a, self.sampling)
        else:
            self.next_in_turn()

    def rival_too(self) -> None:
        """The rival answers the new prompt as well, when the first answer is written."""
        if self.rival is not None:
            self._turns = [self.rival]
            self.next_in_turn()

    def next_in_turn(self) -> None:
        """The rival's answer, when the first is written."""
        if self.streams or not self._turns:
            return
        rival = self._turns.pop(0)
        own = self.current()
        length = len(self.answers.path(own.id)) if own is not None else 0
        wanted = rival.sampling.override(max_new_tokens=max(rival.sampling.max_new_tokens, length))
        stream = self.new_stream(rival.spec, wanted, slot="other")
        if own is not None:  # the prompt may have been edited since
            stream.prompt = self.answers.root_of(own.id).prompt
        self.start(stream)

    def drop_turns(self) -> None:
        """The rival answers another time: the first was stopped, or failed."""
        self._turns = []

    def show_in(self, slot: str, branch: int) -> None:
        """Shows a branch in the strip, or beside it."""
        if slot == "other":
            self.compare_with(branch)
        else:
            self.show_branch(branch)

    def compare_with(self, branch: int) -> None:
        """Shows a branch beside the shown one; the same once more takes it away."""
        if branch not in self.answers or self.answers[branch].is_root or branch in (self.shown, self.beside):
            if branch == self.beside:
                self.stop_comparing()
            else:
                self.say("mark another answer than the shown one to compare the two")
            return
        self.beside = branch
        self.body.compare(True)
        self.paint_strip()
        self.paint_tree()
        self.link_cursor(self.body.strip)
        self.look_at_cursor()

    def stop_comparing(self) -> None:
        """One strip again."""
        self._turns, self.rival = [], None
        for stream in self.streams.values():
            if stream.slot == "other":
                stream.cancelled.set()
        self.beside = None
        self.body.compare(False)
        self.paint_strip()
        self.paint_tree()
        self.look_at_cursor()
        self.say("one answer again")

    def tree_marks(self) -> dict[str, str]:
        """Left and right in the tree while two are compared."""
        return {} if self.beside is None else {str(self.shown): "L", str(self.beside): "R"}

    # --- the difference

    def lines(self) -> tuple[Line, Line]:
        """What the two strips hold."""
        return self.line_of(self.shown), self.line_of(self.beside)

    @property
    def same_tokens(self) -> bool:
        """Whether both answers are written in the same tokens."""
        if self.shown is None or self.beside is None:
            return False
        if self.answers.root_of(self.shown) is self.answers.root_of(self.beside):
            return True  # the very same tokens of the prompt
        one, other = self.model_of(self.shown), self.model_of(self.beside)
        if one is None or other is None:
            return False
        return one.loaded.tokenizer.fingerprint == other.loaded.tokenizer.fingerprint

    def first_difference(self) -> int | None:
        """The first generated token that differs; None if none does, or the tokens are not comparable."""
        if self.beside is None or self.shown is None or not self.same_tokens:
            return None
        return self.answers.first_difference(self.shown, self.beside)

    def mark_difference(self) -> None:
        """Marks the first token that differs, in both."""
        at = self.first_difference()
        for strip, line in zip((self.body.strip, self.body.other), self.lines(), strict=True):
            place = None if at is None else len(line.prompt_pieces) + at
            strip.marks = frozenset() if place is None or place >= len(line.pieces) else frozenset([place])

    def paint_other_title(self) -> None:
        """What the second strip's border says."""
        if self.beside is None or self.beside not in self.answers:
            self.body.compare(False)
            return
        b = self.answers[self.beside]
        count = len(self.answers.path(b.id))
        title = f"branch {b.name} · {b.model} · {count} tokens"
        title += f" · perplexity {self.answers.perplexity(b.id):.3g}" if count else ""
        at = self.first_difference()
        own = self.current()
        if not self.same_tokens:
            said = "other tokens: text only, aligned by characters"
        elif at is None:
            said = "the same tokens"
        else:
            said = f"first difference at #{at}"
        if own is not None and own.model == b.model:
            said += f" · {different_settings(own.sampling, b.sampling)}"
        self.body.title("other", title, Text(said))

    def link_cursor(self, moved: CursorStrip) -> None:
        """The other strip's cursor goes to the same place: by token, or by characters where the tokens differ."""
        if self.beside is None:
            return
        one, other = self.lines()
        here, there, target = (
            (one, other, self.body.other) if moved is self.body.strip else (other, one, self.body.strip)
        )
        place = moved.at - len(here.prompt_pieces)
        if place < 0:
            return
        if not self.same_tokens:
            before = sum(len(step.bytes) for step in here.steps[:place])
            place = place_of_byte(there, before)
        with target.prevent(type(target).Highlighted):
            target.cursor = len(there.prompt_pieces) + place

    def paint_both(self) -> bool:
        """The two distributions beside each other; False where they cannot be compared."""
        body = self.body
        one, other = self.lines()
        a = one.step(body.strip.at)
        b = other.step(body.other.at)
        if a is None or b is None or not self.same_tokens:
            return False
        body.bars.show(joint_bars(a, b, a.token_id), cursor=body.bars.cursor, arrow="|")
        assert self.shown is not None and self.beside is not None
        left, right = self.answers[self.shown].name, self.answers[self.beside].name
        body.title(
            "alternatives", f"{left} ‘{written(a.bytes)}’ | {right} ‘{written(b.bytes)}’", f"drawn, {left} | {right}"
        )
        text = Text(f"{left} {token_sentence(a.index, a)}\n{right} {token_sentence(b.index, b)}", no_wrap=True)
        body.detail.update(text)
        body.title("detail", f"at #{a.index}{self._divergence_text(a, b)}")
        return True

    def _divergence_text(self, a: Step, b: Step) -> str:
        key = (self.shown, self.beside, a.index, b.index)
        known, bits = self._divergence
        if known == key and bits is not None:
            return f" · divergence {bits:.3f} bits (KL of left from right, the models' own)"
        if not self.streaming and self._divergence_asked != key:
            self._divergence_asked = key
            self._divergence_number = number = self.next_number()
            one, other = self.lines()
            asked = []
            for branch, line, step in ((self.shown, one, a), (self.beside, other, b)):
                assert branch is not None, "two are compared"
                length = len(line.prompt_ids)
                asked.append((self.answers[branch].model, tuple(line.ids[: length + step.index]), length))
            work = partial(self._diverge_in_thread, number, asked, self.workbench.device)
            self.run_worker(
                work,
                thread=True,
                group="diverge",
                exclusive=True,
                exit_on_error=False,
                description="compare two tokens",
            )
        return ""

    def _diverge_in_thread(self, number: int, asked: list[tuple[str, tuple[int, ...], int]], device: str) -> None:
        from core.generation.divergence import divergence

        try:
            (one, ids, length), (other, other_ids, other_length) = asked
            first, second = self.models.open(one, device), self.models.open(other, device)
            bits = divergence(first.probe, ids, second.probe, other_ids, prompt_lengths=(length, other_length))
            self.post_message(self.Diverged(number, bits if math.isfinite(bits) else None))
        except (LabError, ValueError):
            self.post_message(self.Diverged(number, None))

    @on(Diverged)
    def _diverged(self, message: Diverged) -> None:
        if message.number == self._divergence_number:
            self._divergence = (self._divergence_asked, message.bits)
            self.paint_choice()


def place_of_byte(line: Line, byte: int) -> int:
    """The generated token that holds a byte of the answer, counted from its beginning."""
    for place, step in enumerate(line.steps):
        byte -= len(step.bytes)
        if byte < 0:
            return place
    return max(0, len(line.steps) - 1)


def different_settings(one: SamplingConfig, other: SamplingConfig) -> str:
    """In what the second's settings differ.

    >>> different_settings(SamplingConfig(), SamplingConfig(temperature=0.2))
    'temperature 0.2'
    >>> different_settings(SamplingConfig(), SamplingConfig(max_new_tokens=7))
    'same settings and seed'
    """
    plain = {"max_new_tokens": 1}
    mine = set(summary(one.override(**plain)).split(" · "))
    yours = [part for part in summary(other.override(**plain)).split(" · ") if part not in mine]
    names = [part.rpartition(" ")[0] for part in mine]
    missing = [f"{name} off" for name in names if name not in summary(other)]
    said = ", ".join([*yours, *sorted(missing)])
    return said or "same settings and seed"
