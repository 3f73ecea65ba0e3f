"""The heads of a run as it learns: their profiles at each step whose weights were kept.

One step's weights are in memory at a time. The run may be learning meanwhile: steps that come are taken in, steps that
are pruned while they are read are left out, and what cannot be read is said. Leaves out: drawing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from core.errors import LabError, ModelSpecError

if TYPE_CHECKING:
    from core.model.gpt import GPT
    from core.model.profiles import HeadProfiles
    from core.training.runs import Run

_POLL = 0.5
"""Seconds between two looks at a run that is learning."""


@dataclass(frozen=True)
class StepProfiles:
    """The heads at one step of a run."""

    step: int
    spec: str
    """How ``core.load_model`` names these weights."""
    random: HeadProfiles | None
    """On repeated random tokens; None where the context is too short for them."""
    text: HeadProfiles | None
    """On the text that was given, if one was."""
    number: int
    """How many steps have been told, this one included."""
    of: int
    """How many there are, as far as known now."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "kind": "step",
            "step": self.step,
            "spec": self.spec,
            "random": self.random.to_dict() if self.random else None,
            "text": self.text.to_dict() if self.text else None,
            "number": self.number,
            "of": self.of,
        }


@dataclass(frozen=True)
class StepSkipped:
    """A step that stands in the run's folder and cannot be read."""

    step: int
    spec: str
    title: str
    hint: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"kind": "skipped", "step": self.step, "spec": self.spec, "title": self.title, "hint": self.hint}


class _How(NamedTuple):
    """How a step is measured."""

    seed: int
    texts: int
    device: str


def head_history(
    spec: str,
    text: str | Sequence[int] | None = None,
    cancel: threading.Event | None = None,
    *,
    follow: bool = False,
    seed: int = 0,
    texts: int = 4,
    device: str = "auto",
) -> Iterator[StepProfiles | StepSkipped]:
    """The profiles of all heads at each kept step of a run, in order.

    Args:
        spec: a run: ``demo``, ``NAME``, a path; what stands after ``@`` is left aside.
        text: a text, or the ids of one, to measure on beside random tokens.
        cancel: set by another thread to end it.
        follow: while the run learns, wait for further steps; otherwise those that came meanwhile are the last.
        seed: of the random tokens.
        texts: over how many random texts the mean is taken.
        device: where it is computed, as for ``core.load_model``.

    Raises:
        ModelSpecError: it is not a run, or the run has kept no weights.
        InputError: the text is empty, does not fit, or has tokens that the model has not.
        TokenizerError: the run's tokenizer cannot write the text.
    """
    from core.shelf import kept_steps, split_spec
    from core.training.runs import open_run

    name = split_spec(spec)[0]
    try:
        run = open_run(name)
    except LabError as error:
        raise ModelSpecError(f"{spec} is not a run, and only a run has a history", error.hint) from error
    if not kept_steps(run) and not (follow and run.is_live):
        raise ModelSpecError(
            f"the run {run.name} has kept no weights yet",
            f"they come with its first checkpoint; while it runs, ask for one: llm-lab checkpoint {run.name}",
        )
    ids = _ids(run, text) if text is not None else None
    return _history(run, name, ids, cancel or threading.Event(), follow, _How(seed, texts, device))


def _ids(run: Run, text: str | Sequence[int]) -> list[int]:
    from core.tokenizers import load_tokenizer

    if not isinstance(text, str):
        return [int(token) for token in text]
    return load_tokenizer(run.path).encode(text, disallowed_special=())


def _history(
    run: Run, name: str, ids: list[int] | None, cancel: threading.Event, follow: bool, how: _How
) -> Iterator[StepProfiles | StepSkipped]:
    from core.shelf import kept_steps

    told: set[int] = set()
    while not cancel.is_set():
        live = follow and run.is_live  # asked first: what was kept before it ended is in the list that follows
        steps = kept_steps(run)
        told &= set(steps)  # a run that went on from an earlier step has other weights at the later ones
        step = next((s for s in steps if s not in told), None)
        if step is None:
            if not live:
                return
            cancel.wait(_POLL)
            continue
        told.add(step)
        found = _at_step(run, f"{name}@{step}", step, ids, how, (len(told), len(steps)))
        if found is not None:
            yield found


def _at_step(
    run: Run, spec: str, step: int, ids: list[int] | None, how: _How, place: tuple[int, int]
) -> StepProfiles | StepSkipped | None:
    """One step; None if it is not there any more."""
    from core.model.profiles import MIN_CONTEXT, head_profiles
    from core.shelf import kept_steps

    model: GPT | None = None
    problem: LabError | None = None
    for _ in range(2):  # a checkpoint that is replaced by one of the same step is whole the next moment
        try:
            model = _load(spec, how.device)
            break
        except LabError as error:
            problem = error
        if step not in kept_steps(run):
            return None
    if model is None:
        assert problem is not None
        return StepSkipped(step, spec, problem.title, problem.hint)
    enough = model.config.context_length >= MIN_CONTEXT
    random = head_profiles(model, seed=how.seed, texts=how.texts) if enough else None
    return StepProfiles(step, spec, random, None if ids is None else head_profiles(model, ids), *place)


def _load(spec: str, device: str) -> GPT:
    from core.errors import CheckpointError
    from core.weights.checkpoint import load_weights
    from core.weights.locate import ready

    try:
        return load_weights(ready(spec), device=device)[0]
    except OSError as error:
        raise CheckpointError(f"{spec} cannot be read: {error.strerror or error}", "take another step") from error
