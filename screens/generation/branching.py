"""The verbs of the console: answer, go on, another seed, leave a road at a token, cut, bring back.

Abstract: ``GenerationScreen`` completes it. The tree is the one thing that is changed here; what is drawn follows it.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from core.generation.branches import Branch
from core.generation.settings import SamplingConfig
from core.generation.steps import Alternative, Choice, Step
from screens.generation.engine import ConsoleEngine, Stream
from screens.generation.view import Line, written

if TYPE_CHECKING:
    from core.workbench import Workbench

STOPPED = ("end of text", "stop")
"""Why an answer ends for good: there is nothing to go on with."""


def chosen_step(index: int, choice: Choice | Step, other: Alternative) -> Step:
    """The step that takes an alternative by hand."""
    rank = 1 + next(i for i, a in enumerate(choice.alternatives) if a.token_id == other.token_id)
    base = Step(index, 0, other.token_id, other.bytes, other.text, 0.0, 0.0, choice.entropy, rank)
    base = replace(base, alternatives=choice.alternatives, kept=dict(choice.kept))
    return base.instead(other)


def same_choice(one: SamplingConfig, other: SamplingConfig) -> bool:
    """Whether two settings draw the same tokens, however many are wanted.

    >>> plain = SamplingConfig()
    >>> same_choice(plain.override(max_new_tokens=1), plain), same_choice(plain.override(seed=1), plain)
    (True, False)
    """
    return one.override(max_new_tokens=1, top_alternatives=0) == other.override(max_new_tokens=1, top_alternatives=0)


class Branching(ConsoleEngine):
    """What changes the tree."""

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.shown: int | None = None
        """The branch in the strip."""
        self.beside: int | None = None
        """The one that it is compared with."""
        self.pieces: dict[int, tuple[bytes, ...]] = {}
        """The prompt's tokens of each root."""

    # --- to be completed

    @property
    @abstractmethod
    def prompt_text(self) -> str:
        """What would be answered now."""

    @property
    @abstractmethod
    def place(self) -> int:
        """The generated token under the cursor; negative in the prompt."""

    @property
    @abstractmethod
    def in_prompt(self) -> bool:
        """Whether the cursor is on a token of the prompt, which stands for itself."""

    @abstractmethod
    def show_branch(self, branch: int | None, *, at: int | None = None) -> None:
        """Shows a branch, with the cursor at one of its generated tokens."""

    @abstractmethod
    def tree_changed(self) -> None:
        """The tree is another one now."""

    # --- reading the tree

    def line_of(self, branch: int | None) -> Line:
        """What the strip shows of a branch."""
        if branch is None or branch not in self.answers:
            return Line()
        root = self.answers.root_of(branch)
        pieces = self.pieces.get(root.id)
        if pieces is None:  # from an earlier time, and its model is not open: the prompt as one piece
            pieces = (root.prompt.encode("utf-8", "replace"),) if root.prompt else ()
        return Line(root.prompt_ids, pieces, tuple(self.answers.path(branch)))

    def root_for(self, prompt: str, ids: tuple[int, ...]) -> Branch:
        """The root of a prompt: the one that is there, or a new one."""
        for root in self.answers.roots:
            if root.prompt == prompt and root.prompt_ids == ids:
                return root
        return self.answers.add_root(prompt, ids)

    def current(self) -> Branch | None:
        """The shown branch, if it is an answer and not a prompt."""
        if self.shown is None or self.shown not in self.answers or self.answers[self.shown].is_root:
            return None
        return self.answers[self.shown]

    @property
    def streaming(self) -> bool:
        """Whether something is being written."""
        return any(not s.cancelled.is_set() for s in self.streams.values())

    # --- answering

    def new_stream(self, spec: str, sampling: SamplingConfig, *, slot: str = "strip") -> Stream:
        """A stream that answers the prompt from its end."""
        return Stream(self.next_number(), spec, self.prompt_text, sampling, slot=slot)

    def answer(self, spec: str, sampling: SamplingConfig, *, slot: str = "strip") -> None:
        """Answers the prompt in a new branch."""
        self.start(self.new_stream(spec, sampling, slot=slot))

    def go_on(self, branch: int, tokens: int, *, slot: str = "strip") -> None:
        """Goes on behind a branch's last token, with its own model and settings."""
        own, path = self.answers[branch], self.answers.path(branch)
        if path and path[-1].end in STOPPED:
            self.say(f"{own.name} ended by {path[-1].end}: r answers with another seed, b branches before it")
            return
        stream = Stream(
            self.next_number(),
            own.model,
            self.answers.root_of(branch).prompt,
            own.sampling.override(max_new_tokens=tokens),
            branch=branch,
            ids=tuple(self.answers.ids(branch)),
            prompt_length=len(self.answers.root_of(branch).prompt_ids),
            slot=slot,
        )
        self.start(stream)

    def action_generate(self) -> None:
        """Answers the prompt; where the same question was answered already, the answer goes on."""
        self.stop_streams()
        own = self.current()
        spec, sampling = self.workbench.a, self.sampling
        if own is not None and self._is_same(own, spec, sampling):
            self.go_on(own.id, sampling.max_new_tokens)
            return
        for branch in self.answers.children(self._root_id()):
            if branch.at == 0 and self._is_same(branch, spec, sampling) and not _by_hand(branch):
                self.show_branch(branch.id)
                self.say(f"{branch.name} has this prompt, model, seed and settings: n again goes on, r is another seed")
                return
        self.answer(spec, sampling)

    def _root_id(self) -> int:
        found = next((r.id for r in reversed(self.answers.roots) if r.prompt == self.prompt_text), -1)
        if self.shown is not None and self.shown in self.answers:
            shown = self.answers.root_of(self.shown)
            if shown.prompt == self.prompt_text:
                return shown.id
        return found

    def _is_same(self, branch: Branch, spec: str, sampling: SamplingConfig) -> bool:
        same_prompt = self.answers.root_of(branch.id).prompt == self.prompt_text
        return same_prompt and branch.model == spec and same_choice(branch.sampling, sampling)

    def action_more(self) -> None:
        """One more token."""
        own = self.current()
        if self.streaming:
            self.say("it is writing: esc stops it, p lets it wait")
        elif own is None:
            self.answer(self.workbench.a, self.sampling.override(max_new_tokens=1))
        else:
            self.go_on(self._end_with_settings(own).id, 1)

    def action_continue(self) -> None:
        """Goes on behind the last token; with other settings or another model, in a branch of its own."""
        own = self.current()
        if self.streaming:
            self.say("it is writing: esc stops it, p lets it wait")
        elif own is None:
            self.action_generate()
        else:
            self.go_on(self._end_with_settings(own).id, self.sampling.max_new_tokens)

    def _end_with_settings(self, own: Branch) -> Branch:
        if own.model == self.workbench.a and same_choice(own.sampling, self.sampling):
            return own
        end = len(self.answers.path(own.id))
        made = self.answers.branch(own.id, end, model=self.workbench.a, sampling=self.sampling)
        self.show_branch(made.id, at=end - 1)
        return made

    def action_take_back(self) -> None:
        """Takes the last token back."""
        own = self.current()
        if own is None or self.streaming:
            self.say("it is writing: esc stops it first" if self.streaming else "there is no answer to take back from")
            return
        step = self.answers.take_back(own.id)
        if step is None:
            self.say(f"the tokens before belong to the branch above {own.name}: b leaves it at one of them")
            return
        self.tree_changed()
        self.show_branch(own.id, at=len(self.answers.path(own.id)) - 1)
        self.say(f"took back ‘{written(step.bytes)}’ · . draws it again")

    def action_regenerate(self) -> None:
        """The same place with the next seed."""
        self.stop_streams()
        own = self.current()
        if own is None:
            self.answer(self.workbench.a, self.sampling)
            return
        seeds = [b.sampling.seed for b in self.answers.children(own.parent if own.parent is not None else -1)]
        sampling = self.sampling.override(seed=max([self.sampling.seed, *seeds]) + 1)
        self.set_sampling(sampling)
        if own.at == 0 and not _by_hand(own):
            self.answer(self.workbench.a, sampling)
            return
        assert own.parent is not None
        made = self.answers.branch(own.id, own.at, model=self.workbench.a, sampling=sampling)
        if _by_hand(own):  # the token that a person took stays
            self.answers.extend(made.id, own.steps[0])
        self.leave_to(made)

    def set_sampling(self, sampling: SamplingConfig) -> None:
        """Other settings from now on."""
        self.sampling = sampling

    # --- branching

    def action_branch(self) -> None:
        """Leaves the road before the token under the cursor, and draws anew from there."""
        own, at = self.current(), self.place
        if own is None or at < 0:
            self.say("b leaves an answer at one of its tokens: put the cursor on one" if own else "n answers first")
            return
        self.stop_streams()
        sampling = self.sampling
        if own.model == self.workbench.a and same_choice(own.sampling, sampling):
            sampling = sampling.override(seed=sampling.seed + 1)  # else the same tokens would come
            self.set_sampling(sampling)
        self.leave_to(self.answers.branch(own.id, at, model=self.workbench.a, sampling=sampling))

    def take_alternative(self, choice: Choice | Step, other: Alternative) -> None:
        """Leaves the road before the token under the cursor, with another token in its place."""
        own = self.current()
        if self.shown is None:
            return
        if self.in_prompt:
            self.say("that is a token of the prompt: e edits it · an answer's tokens can be taken otherwise")
            return
        at = max(0, self.place)
        step = chosen_step(at, choice, other)
        self.stop_streams()
        if own is None:
            made = self.answers.add(self.shown, self.workbench.a, self.sampling)
        else:
            path = self.answers.path(own.id)
            if at < len(path) and path[at].token_id == other.token_id:
                self.say(f"‘{written(other.bytes)}’ is what stands there: take another one, or b draws anew from here")
                return
            made = self.answers.branch(own.id, at, model=self.workbench.a, sampling=self.sampling)
        self.answers.extend(made.id, step)
        self.leave_to(made)

    def leave_to(self, made: Branch) -> None:
        """Shows a new branch and lets it be written."""
        self.tree_changed()
        self.show_branch(made.id, at=made.at)
        self.go_on(made.id, self.sampling.max_new_tokens)

    # --- cutting

    def action_cut(self) -> None:
        """Cuts the shown branch with what hangs on it."""
        if self.shown is None or self.shown not in self.answers:
            self.say("there is no branch to cut")
            return
        own = self.answers[self.shown]
        gone = {own.id, *self._below(own.id)}
        for stream in self.streams.values():
            if stream.branch in gone:
                stream.cancelled.set()
        self.answers.cut(own.id)
        if self.beside in gone:
            self.beside = None
        left = own.parent
        if left is None:
            left = self.answers.roots[-1].id if self.answers.roots else None
        elif self.answers[left].is_root and self.answers.children(left):
            left = self.answers.children(left)[-1].id
        self.tree_changed()
        self.show_branch(left)
        below = len(gone) - 1
        what = f"the prompt and its {below} {'branch' if below == 1 else 'branches'}" if own.is_root else own.name
        self.say(f"cut {what} · u brings it back")

    def _below(self, branch: int) -> list[int]:
        found = [child.id for child in self.answers.children(branch)]
        return found + [deep for child in found for deep in self._below(child)]

    def action_undo(self) -> None:
        """Brings back what was cut last."""
        back = self.answers.undo()
        if back is None:
            self.say("nothing was cut that could come back")
            return
        self.tree_changed()
        self.show_branch(back.id)
        self.say(f"{'the prompt' if back.is_root else back.name} is back")


def _by_hand(branch: Branch) -> bool:
    """Whether its first token was taken by a person: nothing was computed for it."""
    return bool(branch.steps) and branch.steps[0].seconds == 0.0
