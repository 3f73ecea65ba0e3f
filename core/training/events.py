"""What a training run says of itself: small frozen events, plain numbers and strings, one JSON object a line.

``Trainer.run()`` yields them, ``metrics.jsonl`` keeps them, screens and commands read them. Readers ignore kinds and
keys that they do not know, so a newer trainer never breaks an older reader.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Event:
    """What all events share."""

    kind: ClassVar[str] = ""

    step: int
    """Optimizer steps done when this was said."""
    time: float
    """Seconds of training since the start, pauses left out."""
    tokens: int
    """Tokens seen so far."""

    def to_dict(self) -> dict[str, Any]:
        """The event as one flat JSON object; a number that is not finite becomes ``null`` (JSON has no NaN)."""
        out: dict[str, Any] = {"kind": self.kind}
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            out[f.name] = None if isinstance(value, float) and not math.isfinite(value) else value
        return out


@dataclass(frozen=True, slots=True)
class StartEvent(Event):
    """The run begins: sizes that the dashboard needs before the first step."""

    kind: ClassVar[str] = "start"
    max_steps: int = 0
    parameters: int = 0
    train_tokens: int = 0
    val_tokens: int = 0
    steps_per_epoch: float = 0.0


@dataclass(frozen=True, slots=True)
class StepEvent(Event):
    """One optimizer step. ``loss`` is the batch's mean cross-entropy in nats per token; NaN where it was not finite."""

    kind: ClassVar[str] = "step"
    loss: float = math.nan
    lr: float = 0.0
    grad_norm: float = math.nan
    tokens_per_second: float = 0.0
    mfu: float | None = None
    """Model FLOPs utilisation, 0 to 1, against the measured matrix-product peak of the device; None: not measured."""


@dataclass(frozen=True, slots=True)
class EvalEvent(Event):
    """Losses over the fixed evaluation windows, in nats per token."""

    kind: ClassVar[str] = "eval"
    train_loss: float = math.nan
    val_loss: float = math.nan
    perplexity: float = math.nan
    best: bool = False
    """Whether this is the lowest validation loss so far."""


@dataclass(frozen=True, slots=True)
class SampleEvent(Event):
    """A text that the model wrote from the fixed prompt."""

    kind: ClassVar[str] = "sample"
    prompt: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class CheckpointEvent(Event):
    """A full checkpoint stands on disk; ``path`` is relative to the run directory."""

    kind: ClassVar[str] = "checkpoint"
    path: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SnapshotEvent(Event):
    """16-bit weights alone stand on disk; ``path`` is relative to the run directory."""

    kind: ClassVar[str] = "snapshot"
    path: str = ""


@dataclass(frozen=True, slots=True)
class StateEvent(Event):
    """The run was paused or goes on; ``request`` is the id of the request that this answers, if one did."""

    kind: ClassVar[str] = "state"
    state: str = ""
    reason: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class ResumeEvent(Event):
    """The run goes on from a checkpoint; readers drop earlier events beyond ``from_step``."""

    kind: ClassVar[str] = "resume"
    from_step: int = 0
    changed: dict[str, Any] = field(default_factory=dict)
    """Config fields that differ from before, as {name: [old, new]}."""
    exact: bool = True
    """Whether the run continues bit for bit."""


@dataclass(frozen=True, slots=True)
class WarningEvent(Event):
    """Something the person should know, in the two lines of an error."""

    kind: ClassVar[str] = "warning"
    title: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class EndEvent(Event):
    """The run ended: ``reason`` is finished, stopped, diverged or failed."""

    kind: ClassVar[str] = "end"
    reason: str = "finished"
    title: str = ""
    hint: str = ""


KINDS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        StartEvent,
        StepEvent,
        EvalEvent,
        SampleEvent,
        CheckpointEvent,
        SnapshotEvent,
        StateEvent,
        ResumeEvent,
        WarningEvent,
        EndEvent,
    )
}
_FIELDS = {kind: tuple(f.name for f in dataclasses.fields(cls)) for kind, cls in KINDS.items()}
_FLOATS = {kind: frozenset(f.name for f in dataclasses.fields(cls) if f.type == "float") for kind, cls in KINDS.items()}
_NUMBERS = frozenset({int, float})
_TYPES: dict[str, frozenset[type]] = {
    "int": frozenset({int}),
    "float": _NUMBERS,
    "float | None": _NUMBERS | {type(None)},
    "str": frozenset({str}),
    "bool": frozenset({bool}),
    "dict[str, Any]": frozenset({dict}),
}
_EXPECTED = {kind: tuple((f.name, _TYPES[str(f.type)]) for f in dataclasses.fields(cls)) for kind, cls in KINDS.items()}


def parse_event(raw: Mapping[str, Any]) -> Event | None:
    """Rebuilds an event from its JSON object; None for a kind that this version does not know, or values of no sense.

    >>> parse_event({"kind": "step", "step": 3, "time": 0.5, "tokens": 96, "loss": 4.1, "unheard_of": 1}).loss
    4.1
    >>> parse_event({"kind": "a newer kind", "step": 3}) is None
    True
    >>> parse_event({"kind": "step", "step": 3, "time": 0.5, "tokens": 96, "loss": "low"}) is None
    True
    """
    kind = raw.get("kind")
    cls = KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None or not {"step", "time", "tokens"} <= raw.keys():
        return None
    assert isinstance(kind, str)
    floats = _FLOATS[kind]
    values: dict[str, Any] = {
        name: math.nan if raw[name] is None and name in floats else raw[name] for name in _FIELDS[kind] if name in raw
    }
    if any(name in values and type(values[name]) not in types for name, types in _EXPECTED[kind]):
        return None
    event = cls(**values)
    if isinstance(event, ResumeEvent) and not all(type(v) is list and len(v) == 2 for v in event.changed.values()):
        return None
    return event
