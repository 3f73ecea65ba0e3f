"""Where the cursor is, and what was likely there: the step that was drawn, or the distribution as it would be now.

Abstract: ``GenerationScreen`` completes it.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message

from core.errors import LabError
from screens.generation.branching import Branching, same_choice
from screens.generation.engine import ConsoleEngine
from screens.generation.models import Opened
from screens.guard import guarded
from screens.widgets.branch_tree import BranchNode

if TYPE_CHECKING:
    from core.generation.pace import Precision
    from core.generation.settings import SamplingConfig
    from core.generation.steps import Choice, Step
    from core.workbench import Workbench
    from screens.generation.panes import GenerationBody

PROMPT = 400
"""Characters of a prompt's end, more than a row of the tree has room for."""
HEAD = 18
"""Characters of an answer in the tree."""


class Looking(Branching):
    """The cursor and the tree as they are seen."""

    class Cost(Message):
        """What a precision costs, in words."""

        def __init__(self, precision: str, said: str) -> None:
            super().__init__()
            self.precision = precision
            self.said = said

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.costs: dict[str, str] = {}
        """What the chosen precision costs, once it is measured."""
        self._asked: tuple[object, ...] = ()
        self._live: tuple[tuple[object, ...], Choice | None] = ((), None)
        self._notes: dict[int, tuple[int, str]] = {}

    # --- to be completed

    @property
    @abstractmethod
    def body(self) -> GenerationBody:
        """All panes."""

    @abstractmethod
    def paint_strip(self) -> None:
        """The tokens of the shown branch."""

    @abstractmethod
    def paint_tree(self) -> None:
        """The branches."""

    @abstractmethod
    def paint_choice(self) -> None:
        """The alternatives at the cursor."""

    @abstractmethod
    def say_here(self) -> None:
        """The token under the cursor in a sentence."""

    @abstractmethod
    def keep_soon(self) -> None:
        """What is kept for the next time has changed."""

    # --- models

    def set_precision(self, precision: Precision) -> None:
        """Keeps the weights otherwise from now on, and says what that costs."""
        if precision == self.models.precision:
            return
        self.stop_streams()
        self.models.precision = precision
        self.open_model()
        if precision not in ("auto", "float32"):
            self.costs = {"precision": "measuring what it costs …"}
            work = partial(self._cost_in_thread, precision)
            self.run_worker(work, thread=True, group="cost", exit_on_error=False, description="what a precision costs")
        else:
            self.costs = {}
        self.paint_choice()

    def _cost_in_thread(self, precision: Precision) -> None:
        import torch

        from core.data.corpora import load_corpus
        from core.generation.cost import precision_cost
        from core.weights.checkpoint import load_model

        torch.set_num_threads(1)
        try:
            demo = load_model("demo", dtype="float32")
            text = load_corpus("python-docs")[-2000:]
            cost = precision_cost(demo, demo.tokenizer.encode(text, disallowed_special=()), precision)
        except LabError as error:
            self.post_message(self.Cost(precision, error.title))
            return
        if cost is not None:
            said = f"demo: perplexity {cost.perplexity:.3f}, {cost.float32:.3f} in float32 ({cost.share:+.2%})"
            self.post_message(self.Cost(precision, said))

    @on(Cost)
    def _costed(self, message: Cost) -> None:
        if message.precision == self.models.precision:
            self.costs = {"precision": message.said}
            self.paint_choice()

    def model_of(self, branch: int | None) -> Opened | None:
        """The open model that wrote a branch; of a prompt, the one on the workbench."""
        if branch is None or branch not in self.answers or self.answers[branch].is_root:
            return self.opened
        return self.models.here(self.answers[branch].model, self.workbench.device) or self.opened

    def vocabulary_of(self, branch: int | None) -> int:
        """How many tokens a branch's model chooses from, as far as it is known."""
        opened = self.model_of(branch)
        if opened is not None:
            return opened.vocabulary
        steps = self.line_of(branch).steps[:1]  # its first filter, the temperature mostly, keeps all of them
        return max([2, *(kept for step in steps for kept in step.kept.values())])

    def read_prompts(self, opened: Opened) -> None:
        """The prompts' tokens of a tree from an earlier time, where this model's tokenizer made them."""
        for root in self.answers.roots:
            if root.id not in self.pieces:
                pieces = opened.pieces(root.prompt_ids)
                said = b"".join(pieces or ()).decode("utf-8", "replace")
                if pieces is not None and (said == root.prompt or not root.prompt):
                    self.pieces[root.id] = pieces

    def show_trouble(self, error: LabError, spec: str) -> None:
        """A card in the place of what could not be done, with the ways on."""
        doors = [("w", "other model", "app.picker")]
        if spec in self.changed:
            doors.insert(0, ("d", "go on with what is in memory", f"accept_model({spec!r})"))
            if "is gone" not in error.title:
                doors.insert(0, ("r", "read it again", f"reload_model({spec!r})"))
        elif self.workbench.tokenizer is not None and "pinned" in error.title:
            doors.insert(0, ("d", "use the model's own", "own_tokenizer"))
        if spec != "demo":
            doors.append(("u", "use the demo", "app.use_demo"))
        self.body.alert.display = True
        self.problem(self.body.alert, error, [*doors, ("escape", "put away", "solved")]).focus()
        self.say(error.title)

    def action_solved(self) -> None:
        """Puts the cards away."""
        super().action_solved()
        self.body.alert.display = False
        self.body.strip.focus()

    def action_accept_model(self, spec: str) -> None:
        """Goes on with what was read of a file that is another one now."""
        self.accepted.add(spec)
        self.action_solved()
        self.action_generate()

    def action_reload_model(self, spec: str) -> None:
        """Reads a file again."""
        self.models.forget(spec)
        self.changed.discard(spec)
        self.action_solved()
        self.open_model()

    def action_own_tokenizer(self) -> None:
        """Takes the pin off the tokenizer."""
        self.workbench.set(tokenizer=None)
        self.action_solved()
        self.action_generate()

    # --- the tree as it is seen

    def show_branch(self, branch: int | None, *, at: int | None = None) -> None:
        """Shows a branch, with the cursor at one of its generated tokens (left out, it stays where it is)."""
        before = self.shown
        self.shown = branch if branch is not None and branch in self.answers else None
        if self.beside is not None and self.shown == self.beside:  # nothing stands beside itself: the two change places
            kept = before is not None and before in self.answers and not self.answers[before].is_root
            self.beside = before if kept and before != self.shown else None
        if self.shown is not None:
            root = self.answers.root_of(self.shown)
            if root.prompt != self.prompt_text and not self.body.prompt.editing:
                self.body.prompt.show(root.prompt)
        self.paint_strip()
        line = self.line_of(self.shown)
        if at is not None:
            self.body.strip.cursor = len(line.prompt_pieces) + max(0, at)
        self.paint_tree()
        self.look_at_cursor()

    def tree_changed(self) -> None:
        """The tree is another one now."""
        self._notes = {b: note for b, note in self._notes.items() if b in self.answers}
        self.paint_tree()
        self.keep_soon()

    def tree_nodes(self) -> list[BranchNode]:
        """The branches as they are drawn."""
        nodes = []
        answers = [b for _, b in self.answers.walk() if not b.is_root]
        several = len({b.model for b in answers}) > 1
        settings_differ = len({(b.sampling.temperature, b.sampling.seed) for b in answers}) > 1
        for _, b in self.answers.walk():
            if b.is_root:
                head = " ".join(b.prompt[-PROMPT:].split()) or "(empty prompt)"
                nodes.append(BranchNode(str(b.id), None, head, by_its_end=True))
                continue
            own = b"".join(step.bytes for step in b.steps[:8]).decode("utf-8", "replace")
            head = " ".join(own.split())[:HEAD]
            place = f"#{b.at} " if b.at else ""
            model = f"{b.model} " if several else ""
            settings = f"t{b.sampling.temperature:g} s{b.sampling.seed} " if settings_differ else ""
            nodes.append(
                BranchNode(str(b.id), str(b.parent), f"{b.name} {place}{model}{settings}{head}", self._note(b.id))
            )
        return nodes

    def _note(self, branch: int) -> str:
        """Length and perplexity; computed once for each length."""
        own = self.answers[branch]
        length = own.at + len(own.steps)
        known = self._notes.get(branch)
        if known is None or known[0] != length:
            said = f"{len(own.steps)}" if not own.steps else f"{len(own.steps)} · {self.answers.perplexity(branch):.1f}"
            known = self._notes[branch] = (length, said)
        return known[1]

    # --- the cursor

    @property
    def at_next(self) -> bool:
        """Whether the cursor stands for the token that comes next: there is no answer yet."""
        line = self.line_of(self.shown)
        return not line.steps and self.body.strip.at >= len(line.prompt_pieces) - 1

    @property
    def in_prompt(self) -> bool:
        """Whether the cursor is on a token of the prompt, which stands for itself."""
        return not self.at_next and self.body.strip.at < len(self.line_of(self.shown).prompt_pieces)

    def step_here(self) -> Step | None:
        """The step that made the token under the cursor."""
        return self.line_of(self.shown).step(self.body.strip.at)

    def choice_now(self) -> Choice | Step | None:
        """The distribution at the cursor under the settings and the model of now; None while it is looked for."""
        own, step = self.current(), self.step_here()
        same_model = own is not None and own.model == self.workbench.a
        if own is not None and step is not None and same_model and same_choice(own.sampling, self.sampling):
            return step
        key, choice = self._live
        return choice if key and key == self._key() else None

    def choice_here(self) -> Choice | Step | None:
        """What is shown at the cursor: as it would be now, or else as it was."""
        return self.choice_now() or self.step_here()

    def _prefix(self) -> tuple[tuple[int, ...], int]:
        """The ids before the cursor and how many of them are prompt; nothing where the prompt's tokens aren't known."""
        line = self.line_of(self.shown)
        if len(line.prompt_pieces) != len(line.prompt_ids):
            at = self.place
            if at < 0:
                return (), 0
            ids = (*line.prompt_ids, *(step.token_id for step in line.steps[:at]))
            return ids, len(line.prompt_ids)
        end = len(line) if self.at_next else self.body.strip.at
        ids = tuple(line.ids[:end])
        return ids, min(len(ids), len(line.prompt_ids))

    def _key(self) -> tuple[object, ...]:
        ids, length = self._prefix()
        plain: SamplingConfig = self.sampling.override(max_new_tokens=1, seed=0, stop=())
        return (self.workbench.a, ids, length, plain)

    def look_at_cursor(self) -> None:
        """Shows what is at the cursor; what is not known is asked for."""
        self.paint_choice()
        self.say_here()
        if self.choice_now() is None and self.opened is not None and not self.streaming:
            key = self._key()
            ids, length = self._prefix()
            if ids and key != self._asked:
                self._asked = key
                self.probe(ids, length, self.sampling)

    @on(ConsoleEngine.Probed)
    @guarded
    def _probed(self, message: ConsoleEngine.Probed) -> None:
        if message.slot != "strip" or not self.is_wanted(message):
            return
        self._live = (self._asked, message.choice)
        if message.error is not None:
            self.say(message.error.title)
        self.paint_choice()
