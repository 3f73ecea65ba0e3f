"""The continuations of some prompts as a tree: what was said, and the roads not taken.

A root is a prompt. Below it stand continuations of it, and below each those that left it at one of its tokens: a branch
keeps the tokens before that place and has its own from there on. Without torch, so a screen may hold it.
"""

from __future__ import annotations

import dataclasses
import math
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import InputError
from core.generation.settings import SamplingConfig
from core.generation.steps import Alternative, Step


@dataclass
class Branch:
    """A road of the tree: its own tokens, and where it left its parent's."""

    id: int
    name: str
    """``A`` under a prompt, ``A2`` under it, ``A2a`` under that."""
    parent: int | None
    """The branch that it left; None for a root, which is a prompt."""
    at: int = 0
    """How many generated tokens it shares with its parent's road."""
    steps: list[Step] = field(default_factory=list)
    """Its own tokens."""
    model: str = ""
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    prompt: str = ""
    """A root's text."""
    prompt_ids: tuple[int, ...] = ()
    """A root's tokens."""

    @property
    def is_root(self) -> bool:
        """Whether it is a prompt."""
        return self.parent is None


class Tree:
    """All branches, by their id. Ids are never used twice."""

    def __init__(self) -> None:
        self._branches: dict[int, Branch] = {}
        self._cut: list[list[Branch]] = []  # what ``undo`` brings back, the last cut last
        self._next = 0

    def __len__(self) -> int:
        return len(self._branches)

    def __contains__(self, branch: object) -> bool:
        return branch in self._branches

    def __getitem__(self, branch: int) -> Branch:
        return self._branches[branch]

    @property
    def roots(self) -> list[Branch]:
        """The prompts, oldest first."""
        return [b for b in self._branches.values() if b.is_root]

    def children(self, branch: int) -> list[Branch]:
        """What hangs on a branch, oldest first."""
        return [b for b in self._branches.values() if b.parent == branch]

    def add_root(self, prompt: str, prompt_ids: Sequence[int]) -> Branch:
        """A new prompt."""
        return self._add(Branch(self._next, "·", None, prompt=prompt, prompt_ids=tuple(prompt_ids)))

    def add(self, root: int, model: str, sampling: SamplingConfig) -> Branch:
        """A new continuation of a prompt, without tokens yet."""
        assert self[root].is_root, "a continuation starts from a prompt"
        return self._add(Branch(self._next, self._name(root), root, model=model, sampling=sampling))

    def branch(
        self,
        of: int,
        at: int,
        other: Alternative | None = None,
        *,
        model: str | None = None,
        sampling: SamplingConfig | None = None,
    ) -> Branch:
        """Leaves a road before its token ``at``.

        Args:
            of: the branch whose road is left.
            at: how many generated tokens of it are kept, from 0.
            other: the token to take instead of the one that stands there; left out, the new branch has no tokens yet.
            model: who goes on; left out, the same model.
            sampling: with what settings; left out, the same.

        Raises:
            InputError: the road has no such place.
        """
        path = self.path(of)
        if not 0 <= at <= len(path) or (other is not None and at == len(path)):
            raise InputError(f"the branch has {len(path)} tokens, a branch at #{at} was asked for", "take one it has")
        parent = self[of]
        while not parent.is_root and at < parent.at:  # that place is on the road of an ancestor
            assert parent.parent is not None
            parent = self[parent.parent]
        source = self[of]
        made = Branch(
            self._next,
            self._name(parent.id),
            parent.id,
            at,
            model=source.model if model is None else model,
            sampling=source.sampling if sampling is None else sampling,
        )
        if other is not None:
            made.steps.append(path[at].instead(other))
        return self._add(made)

    def extend(self, branch: int, step: Step) -> None:
        """Adds a token to the end of a branch."""
        assert not self[branch].is_root, "a prompt is not continued itself: add a continuation to it"
        self[branch].steps.append(step)

    def take_back(self, branch: int) -> Step | None:
        """Removes the last own token of a branch, and with it what hangs behind; None if it has none of its own."""
        steps = self[branch].steps
        if not steps:
            return None
        length = self[branch].at + len(steps)
        for child in self.children(branch):
            if child.at >= length:
                self._remove(child.id)
        return steps.pop()

    def path(self, branch: int) -> list[Step]:
        """All generated tokens from the prompt to the end of a branch."""
        own = self[branch]
        if own.parent is None:
            return []
        return [*self.path(own.parent)[: own.at], *own.steps]

    def root_of(self, branch: int) -> Branch:
        """The prompt that a branch continues."""
        own = self[branch]
        return own if own.parent is None else self.root_of(own.parent)

    def ids(self, branch: int) -> list[int]:
        """Prompt and answer as token ids: what ``generate`` goes on from, with the prompt's length."""
        return [*self.root_of(branch).prompt_ids, *(step.token_id for step in self.path(branch))]

    def text(self, branch: int) -> str:
        """The answer; half a character at its end shows as U+FFFD."""
        return b"".join(step.bytes for step in self.path(branch)).decode("utf-8", "replace")

    def perplexity(self, branch: int) -> float:
        """e to the mean surprise of the road's tokens, by the model's own distribution; nan without any."""
        path = self.path(branch)
        if not path:
            return math.nan
        return math.exp(min(-math.fsum(step.raw_logprob for step in path) / len(path), 709.0))

    def walk(self) -> Iterator[tuple[int, Branch]]:
        """All branches with their depth, each before what hangs on it."""
        below: list[tuple[int, Branch]] = [(0, root) for root in reversed(self.roots)]
        while below:
            depth, branch = below.pop()
            yield depth, branch
            below += [(depth + 1, child) for child in reversed(self.children(branch.id))]

    def cut(self, branch: int) -> None:
        """Removes a branch and what hangs on it; ``undo`` brings it back."""
        self._cut.append(self._remove(branch))

    def discard(self, branch: int) -> None:
        """Removes a branch for good, as one that was stopped before it had a token."""
        self._remove(branch)

    def undo(self) -> Branch | None:
        """Brings back what was cut last and returns it; None if nothing was, or its parent is gone."""
        if not self._cut:
            return None
        back = self._cut.pop()
        parent = back[0].parent
        if parent is not None and (parent not in self or back[0].at > len(self.path(parent))):
            return None
        self._branches |= {b.id: b for b in back}
        self._branches = dict(sorted(self._branches.items()))  # the order in which they were made
        return back[0]

    def first_difference(self, a: int, b: int) -> int | None:
        """The first generated token in which two roads differ (or one has ended); None if they are the same."""
        left, right = ([step.token_id for step in self.path(x)] for x in (a, b))
        shared = next((i for i, (x, y) in enumerate(zip(left, right, strict=False)) if x != y), None)
        if shared is not None:
            return shared
        return None if len(left) == len(right) else min(len(left), len(right))

    def copy(self, most: int | None = None) -> Tree:
        """A tree that does not grow with this one, for another thread; the steps are shared, what was cut is gone.

        Args:
            most: tokens to keep at most; the oldest prompts give way with their answers, the newest always stays.
        """
        kept: list[int] = []
        tokens = 0
        for root in reversed(self.roots):
            family = [root.id, *self._below(root.id)]
            tokens += sum(len(self[b].steps) for b in family)
            if kept and most is not None and tokens > most:
                break
            kept += family
        other = Tree()
        other._branches = {b: dataclasses.replace(self[b], steps=list(self[b].steps)) for b in sorted(kept)}
        other._next = self._next
        return other

    def _below(self, branch: int) -> list[int]:
        found = [child.id for child in self.children(branch)]
        return found + [deep for child in found for deep in self._below(child)]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what was cut is gone for good."""
        return {"branches": [_branch_dict(b) for b in self._branches.values()]}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Tree:
        """Reads ``to_dict()`` back.

        Raises:
            InputError: it does not hold a tree.
        """
        tree = cls()
        try:
            for branch in map(_branch, raw["branches"]):
                if branch.id in tree or (branch.parent is not None and branch.parent not in tree):
                    raise ValueError(f"branch {branch.id} has no place")
                if branch.parent is not None and not 0 <= branch.at <= len(tree.path(branch.parent)):
                    raise ValueError(f"branch {branch.id} leaves its parent at #{branch.at}, which it does not have")
                tree._branches[branch.id] = branch
                tree._next = max(tree._next, branch.id + 1)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"expected a tree of branches, got {error!r}", "take a transcript that was saved"
            ) from None
        return tree

    def _add(self, branch: Branch) -> Branch:
        self._branches[branch.id] = branch
        self._next += 1
        return branch

    def _remove(self, branch: int) -> list[Branch]:
        gone = [self._branches.pop(branch)]
        for child in [b for b in self._branches.values() if b.parent == branch]:
            gone += self._remove(child.id)
        return gone

    def _name(self, parent: int) -> str:
        """A name that no sibling has: A, B, ... under a prompt, then numbers and letters in turn."""
        above = self[parent]
        taken = {b.name for b in self._branches.values()} | {b.name for cut in self._cut for b in cut}
        letters = (_letters(n) for n in range(10**6))
        if above.is_root:
            return next(name for name in letters if name not in taken)
        if above.name[-1].isdecimal():
            return next(n for letter in letters if (n := above.name + letter.lower()) not in taken)
        return next(n for i in range(1, 10**6) if (n := f"{above.name}{i}") not in taken)


def tree_of(
    prompt: str, prompt_ids: Sequence[int], model: str, sampling: SamplingConfig, steps: Sequence[Step]
) -> Tree:
    """The tree of what one call of ``generate`` yielded: a prompt with its continuations, each with its own seed."""
    tree = Tree()
    root = tree.add_root(prompt, prompt_ids)
    for sample in sorted({step.sample for step in steps}):
        branch = tree.add(root.id, model, sampling.override(seed=sampling.seed + sample))
        branch.steps += [step for step in steps if step.sample == sample]
    return tree


def _letters(n: int) -> str:
    """A, B, ... Z, AA, AB.

    >>> _letters(0), _letters(25), _letters(26)
    ('A', 'Z', 'AA')
    """
    name = ""
    while n >= 0:
        name, n = string.ascii_uppercase[n % 26] + name, n // 26 - 1
    return name


def _branch_dict(b: Branch) -> dict[str, Any]:
    raw: dict[str, Any] = {"id": b.id, "name": b.name, "parent": b.parent}
    if b.is_root:
        return raw | {"prompt": b.prompt, "prompt_ids": list(b.prompt_ids)}
    steps = [step.to_dict() for step in b.steps]
    return raw | {"at": b.at, "model": b.model, "sampling": b.sampling.to_dict(), "steps": steps}


def _branch(raw: Mapping[str, Any]) -> Branch:
    if raw["parent"] is None:
        ids = tuple(int(token) for token in raw["prompt_ids"])
        return Branch(int(raw["id"]), str(raw["name"]), None, prompt=str(raw["prompt"]), prompt_ids=ids)
    return Branch(
        int(raw["id"]),
        str(raw["name"]),
        int(raw["parent"]),
        int(raw["at"]),
        [Step.from_dict(step) for step in raw["steps"]],
        str(raw["model"]),
        SamplingConfig.from_dict(raw["sampling"]),
    )
