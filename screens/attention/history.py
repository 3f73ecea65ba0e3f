"""The heads of a run as it learned, as far as they are known: what threads find out, and what is drawn of it.

No widget. ``watch`` and ``pattern_at`` are for threads; the rest turns what they found into a figure and sentences.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from screens.attention.seen import Head, Place, Seen
from screens.attention.view import figure
from screens.widgets.figure import Figure, Line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.errors import LabError
    from core.model.profiles import HeadProfiles
    from core.model.through_time import StepProfiles, StepSkipped
    from core.model.trace import Trace

KEEP = 64 << 20
"""Bytes of patterns that are kept, so that one can go back and forth."""
SCORES = ("previous", "duplicate", "induction", "first")


@dataclass(frozen=True, slots=True)
class Curves:
    """Which measures of a head are drawn over the steps."""

    title: str
    names: tuple[str, ...]
    on_text: bool


CURVES = (
    Curves("on random tokens", SCORES, False),
    Curves("on this text", SCORES, True),
    Curves("on this text, in bits", ("entropy",), True),
    Curves("on this text, in tokens", ("distance",), True),
)
"""What can be drawn; measures with other units have a plot of their own."""


@dataclass
class History:
    """What is known of one run over one text."""

    run: str
    ids: tuple[int, ...]
    device: str = "auto"
    wanted: int | None = None
    """The step that the workbench stands at, until it was gone to."""
    maximum: int = 0
    """The run's last step, as planned."""
    now: int = 0
    """The step that the run has come to."""
    steps: dict[int, StepProfiles] = field(default_factory=dict)
    skipped: dict[int, StepSkipped] = field(default_factory=dict)
    there: frozenset[int] = frozenset()
    """The steps whose weights are there now: a run that goes on keeps its last checkpoints and its snapshots alone."""
    live: bool = False
    """Whether the run goes on."""
    ended: bool = False
    error: LabError | None = None
    cancel: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of_seen(cls, seen: Seen) -> History:
        """Of the run that a text's model belongs to; whether it is one at all is told later."""
        from core.shelf import split_spec

        name, word = split_spec(seen.spec)
        step = int(word) if word.isdecimal() else None
        return cls(name, seen.ids, str(seen.loaded.model.wte.weight.device), step)

    @property
    def known(self) -> tuple[int, ...]:
        """The steps whose heads were measured, rising."""
        return tuple(sorted(self.steps))

    def stops(self, looked_at: int | None = None) -> tuple[int, ...]:
        """The steps that can be gone to: those whose weights are there still, and the one that is looked at."""
        return tuple(step for step in self.known if step in self.there or step == looked_at)

    @property
    def newest(self) -> int | None:
        """The last of them."""
        return max(self.steps, default=None)

    def take(self, found: Glance | StepProfiles | StepSkipped) -> None:
        """What a thread found out."""
        from core.model.through_time import StepSkipped

        if isinstance(found, Glance):
            self.there = frozenset(found.steps)
            self.now, self.maximum, self.live = max(self.now, found.now), found.maximum, found.live
            if self.wanted == self.now:
                self.wanted = None  # the newest is followed
        elif isinstance(found, StepSkipped):
            self.skipped[found.step] = found
        else:
            self.steps[found.step] = found
            self.skipped.pop(found.step, None)
            self.there |= {found.step}
            self.now = max(self.now, found.step)

    def end(self, error: LabError | None) -> None:
        """There is no more to find out, or it could not go on."""
        self.ended, self.live, self.error = True, False, error

    def state(self) -> str:
        """What is being done, or why there is nothing."""
        if self.error is not None:
            return self.error.title
        done, total = len(self.stops()), len(self.there)
        gone = len(self.steps) - done
        past = f" ({gone} gone)" if gone else ""
        kept = f"{done} kept step{'' if done == 1 else 's'}{past}"
        said = f"{done} of {total} kept steps measured{past}"
        if self.ended:
            said = kept if done == total else f"{said}, stopped"
        elif done == total and self.live and done:
            said = f"{kept}, the run goes on"
        if self.skipped:
            said += f" · step {', '.join(str(s) for s in sorted(self.skipped))} cannot be read"
        return said


@dataclass(frozen=True, slots=True)
class Glance:
    """What can be said of a run without measuring anything."""

    steps: tuple[int, ...]
    now: int
    maximum: int
    live: bool


def profiles_at(told: StepProfiles, on_text: bool) -> HeadProfiles | None:
    """The measures of a step that are drawn; a context too short for random tokens leaves those of the text."""
    return told.text if on_text or told.random is None else told.random


def value_at(history: History, step: int, head: Head, name: str, on_text: bool) -> float:
    """One measure of a head at a step; not a number where it is not known."""
    told = history.steps.get(step)
    found = profiles_at(told, on_text) if told is not None else None
    value = math.nan if found is None else float(found[name][head])
    return value if value == value else math.nan  # always the same one, so that equal figures are equal


def figure_of(history: History, head: Head, curves: Curves) -> Figure:
    """The measures of a head over the steps."""
    steps = history.known
    lines = [
        Line(
            tuple(float(step) for step in steps),
            tuple(value_at(history, step, head, name, curves.on_text) for step in steps),
            series,
            label=name,
        )
        for series, name in enumerate(curves.names)
    ]
    end = max(history.maximum, *steps, 1) if steps else 1
    return Figure(tuple(lines), (0.0, float(end)))


def legend_of(
    history: History, step: int | None, head: Head, curves: Curves, *, brief: bool = False
) -> list[tuple[str, int]]:
    """What stands over the plot: each measure with its value at a step, and its series."""
    out = []
    for series, name in enumerate(curves.names):
        value = math.nan if step is None else value_at(history, step, head, name, curves.on_text)
        short = f"{value:.2f}".replace("0.", ".", 1) if 0 <= value < 1 else f"{value:.2f}"
        said = "–" if value != value else short if brief else figure(value)
        out.append((f"{'ABCD'[series]} {name[:4] if brief else name} {said}", series))
    return out


# --- for threads


def watch(history: History, tell: Callable[[Glance | StepProfiles | StepSkipped], object]) -> LabError | None:
    """Follows a run: first what it is, then its heads step by step, until it ends or ``history.cancel`` is set.

    With each step what is kept is told anew, since a run prunes its checkpoints as it goes on.

    Returns why it could not go on, if so.
    """
    from core.errors import LabError
    from core.model.through_time import head_history
    from core.shelf import kept_steps
    from core.training.runs import open_run
    from screens.guard import as_lab_error

    try:
        found = head_history(history.run, history.ids, history.cancel, follow=True, device=history.device)
        run = open_run(history.run)

        def glance() -> Glance:
            steps = kept_steps(run)
            return Glance(steps, steps[-1] if steps else 0, run.config.max_steps, run.is_live)

        tell(glance())
        for event in found:
            tell(event)
            tell(glance())
            if history.cancel.is_set():
                break
    except LabError as error:
        return error
    except Exception as error:  # also what a damaged file makes of a reader that trusts it
        return as_lab_error(error)
    return None


class Patterns:
    """The attention of one head at steps of a run; keeps some, and the last pass; safe to be asked from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int, int, tuple[int, ...]], NDArray[np.float32]] = OrderedDict()
        self._last: tuple[str, tuple[int, ...], Trace] | None = None

    def forget(self) -> None:
        """Reads everything anew: the files are others."""
        with self._lock:
            self._kept.clear()
            self._last = None

    def at(self, spec: str, seen: Seen, place: Place) -> NDArray[np.float32]:
        """The weights (T, T) of the head at a place, with the model of a spec.

        Raises:
            LabError: the step is not there any more, or cannot be read.
        """
        key = (spec, place.layer, place.head, seen.ids)
        with self._lock:
            if key not in self._kept:
                run = self._pass(spec, seen)
                self._kept[key] = run.pattern(place.layer, place.head).float().cpu().numpy()
                while len(self._kept) > 1 and sum(one.nbytes for one in self._kept.values()) > KEEP:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def _pass(self, spec: str, seen: Seen) -> Trace:
        if self._last is None or self._last[:2] != (spec, seen.ids):
            import torch

            from core.model.trace import trace
            from core.weights.checkpoint import load_model

            torch.set_num_threads(1)  # more would fight with the run that is being looked at
            loaded = load_model(spec, device=str(seen.loaded.model.wte.weight.device))
            self._last = spec, seen.ids, trace(loaded.model, seen.ids)
        return self._last[2]
