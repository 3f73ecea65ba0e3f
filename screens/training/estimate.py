"""What a run will need and how long it will take here: the estimate beside the form, in words.

The counting is ``core.training.estimate``'s; a step is measured in a child process, once for each kind of step, and
remembered as long as the app runs.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.errors import LabError
from core.presets import TRAIN_PRESETS
from screens.training.start import missing_text
from screens.widgets.plot_data import clock, short_number

if TYPE_CHECKING:
    from core.config import TrainConfig
    from core.training.estimate import Estimate, Measured

_SETTLE = 0.8
"""Seconds without a key before a measurement begins: it takes both cores for a moment."""

WAITING = "working out time and memory…"
"""Until something is known: the first count takes a moment, since it loads what counts."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """What is known of a configuration; ``asked`` numbers the question, so that a late answer can be thrown away."""

    asked: int
    estimate: Estimate | None = None
    measured: Measured | None = None
    measuring: bool = False
    missing: str | None = None
    problem: LabError | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """The estimate as lines of text."""

    lines: tuple[str, ...]


@dataclass
class Timings:
    """Measured steps of this session."""

    _measured: dict[str, Measured] = field(default_factory=dict)

    def of(self, config: TrainConfig) -> Measured | None:
        """The measurement of this kind of step, if there is one."""
        return self._measured.get(step_key(config))

    def remember(self, config: TrainConfig, measured: Measured) -> None:
        """Keeps a measurement."""
        self._measured[step_key(config)] = measured

    def whole_run(self, config: TrainConfig) -> float | None:
        """Seconds that the run takes by what was measured."""
        measured = self.of(config)
        return None if measured is None else measured.seconds_per_step * config.max_steps

    def work_out(
        self, config: TrainConfig, asked: int, cancelled: threading.Event, *, measure: bool = True
    ) -> Iterator[Estimated]:
        """First what can be counted, then, after a pause without keys, what had to be measured."""
        from core.training.estimate import estimate, measure_step

        try:
            counted = estimate(config)
        except LabError as error:
            yield Estimated(asked, problem=error)
            return
        missing, known = missing_text(config.corpus), self.of(config)
        wanted = measure and known is None
        yield Estimated(asked, counted, known, wanted, missing)
        if not wanted or cancelled.wait(_SETTLE):
            return
        try:
            measured = measure_step(config, cancelled)
        except LabError as error:
            yield Estimated(asked, counted, None, False, missing, error)
            return
        if not cancelled.is_set() and measured is not None:
            self.remember(config, measured)
            yield Estimated(asked, counted, measured, False, missing)


def step_key(config: TrainConfig) -> str:
    """Names a kind of step: whatever makes one step as long as another, and nothing else."""
    raw: dict[str, Any] = config.to_dict()
    names = ("model", "tokenizer", "batch_size", "grad_accumulation", "optimizer", "backend", "device", "dtype")
    return repr([(n, raw[n]) for n in (*names, "compile", "threads")])


def figures(estimated: Estimated, config: TrainConfig, rough: str = "") -> Figures:
    """The estimate in words, how long it takes first.

    Args:
        estimated: what is known.
        config: what it is known of.
        rough: how long it takes on a usual machine, as its preset says, to stand there until a step is measured here.
    """
    if estimated.problem is not None and estimated.estimate is None:
        return Figures((estimated.problem.title, estimated.problem.hint))
    counted = estimated.estimate
    assert counted is not None
    lines = [_time_line(estimated, config, rough)]
    parameters = getattr(counted, "parameters", None)
    lines.append(f"{short_number(float(parameters))} parameters" if parameters else "parameters: see the tokenizer")
    lines.append(f"about {_bytes(counted.memory_bytes)} of memory")
    passes = f" ({short_number(counted.epochs)} passes)" if counted.epochs else ""
    lines.append(f"trains on {short_number(float(counted.tokens))} tokens{passes}")
    if estimated.missing:
        lines.append(estimated.missing)
    lines += [str(w) for w in counted.warnings]
    if estimated.problem is not None:
        lines.append(estimated.problem.title)
    return Figures(tuple(lines))


def _time_line(estimated: Estimated, config: TrainConfig, rough: str) -> str:
    measured = estimated.measured
    if measured is not None:
        each = measured.seconds_per_step
        step = f"{each * 1000:.0f} ms" if each < 1 else f"{each:.1f} s"
        return f"{clock(each * config.max_steps)} for {config.max_steps} steps ({step} a step, measured)"
    if rough:
        return rough + (" · measuring here…" if estimated.measuring else "")
    return "time: measuring a step…" if estimated.measuring else "time: not measured"


def takes_as_long(one: TrainConfig, other: TrainConfig) -> bool:
    """Whether two runs have as many steps of the same kind."""
    return one.max_steps == other.max_steps and step_key(one) == step_key(other)


def rough_for(preset: str | None, config: TrainConfig) -> str:
    """How long a run takes on a usual machine, if a preset says so and the run takes as long as the preset's."""
    own = TRAIN_PRESETS[preset] if preset is not None else None
    return rough_time(own.summary) if own is not None and takes_as_long(own.config, config) else ""


def rough_time(summary: str) -> str:
    """How long a preset takes, by its own summary; empty if that doesn't say.

    >>> rough_time("about a minute on a laptop CPU: babble becomes words"), rough_time("a loss of 1.88")
    ('about a minute on a laptop CPU', '')
    """
    words = re.split(r"[:,(]", summary)[0].strip()
    return words if re.search(r"\b(second|minute|hour)s?\b", words) else ""


def _bytes(n: float) -> str:
    """
    >>> _bytes(24_000_000), _bytes(6_200_000_000)
    ('24 MB', '6.2 GB')
    """
    return f"{n / 1e9:.1f} GB" if n >= 1e9 else f"{n / 1e6:.0f} MB"


def presets_first(presets: Mapping[str, object]) -> list[str]:
    """The presets in the order of the form: as they stand in ``core.presets``."""
    return list(presets)
