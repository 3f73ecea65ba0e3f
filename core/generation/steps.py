"""What decoding yields: small frozen events of plain numbers and strings, and how they are written as JSON."""

from __future__ import annotations

import builtins
import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

End = Literal["length", "end of text", "stop", "cancelled"]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that stood near the top when one was chosen."""

    token_id: int
    bytes: builtins.bytes
    text: str
    before: float
    """Its probability as the model has it."""
    after: float
    """Its probability when the draw was made; 0 if a filter cut it."""
    cut_by: str | None = None
    """The first filter that cut it."""
    path: tuple[tuple[str, float], ...] = ()
    """Its probability after each filter that is on, in their order."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A distribution over the next token, told in numbers: what the model says, and what the settings make of it."""

    entropy: float
    """Of the model's own distribution, in bits."""
    entropy_after: float
    """Of what the draw is made from, in bits."""
    alternatives: tuple[Alternative, ...]
    """The likeliest tokens, likeliest first."""
    kept: Mapping[str, int]
    """How many tokens are left after each filter that is on, in their order."""


@dataclass(frozen=True, slots=True)
class Step:
    """One token."""

    index: int
    """Its place among the generated tokens, from 0."""
    sample: int
    """Which of the n continuations it belongs to, from 0."""
    token_id: int
    bytes: builtins.bytes
    text: str
    """What can be printed now: no half characters, and nothing that may still become a stop text."""
    logprob: float
    """Natural logarithm of the probability with which it was drawn, after all filters."""
    raw_logprob: float
    """Natural logarithm of the model's own probability for it."""
    entropy: float
    """Of the model's own distribution, in bits."""
    rank: int
    """1: the model's likeliest."""
    alternatives: tuple[Alternative, ...] = ()
    kept: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """How many tokens were left after each filter that was on, in their order."""
    path: tuple[tuple[str, float], ...] = ()
    """The probability of this token after each filter that was on, in their order."""
    seconds: float = 0.0
    """From the step before (or from the call) to this one."""
    end: End | None = None
    """Why this continuation ends here, if it does."""
    stop: str | None = None
    """The stop text that ended it."""
    window_start: int = 0
    """The first token of prompt and answer that the model still saw when it chose this one."""
    notice: str = ""
    """What should be said beside the text: an empty prompt, a prompt that is too long, a context that slid."""

    def instead(self, other: Alternative) -> Step:
        """The step that this would have been, had the alternative been taken."""
        rank = 1 + next((i for i, a in enumerate(self.alternatives) if a.token_id == other.token_id), -1)
        return dataclasses.replace(
            self,
            token_id=other.token_id,
            bytes=other.bytes,
            text=other.text,
            logprob=_log(other.after),
            raw_logprob=_log(other.before),
            rank=rank or self.rank,
            path=other.path,
            seconds=0.0,
            end=None,
            stop=None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; bytes as hexadecimal digits, fields that say nothing left out."""
        raw = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        raw |= {"bytes": self.bytes.hex(), "kept": dict(self.kept), "path": [list(p) for p in self.path]}
        raw["alternatives"] = [_alternative_dict(a) for a in self.alternatives]
        raw["logprob"], raw["raw_logprob"] = _json_number(self.logprob), _json_number(self.raw_logprob)
        return {k: v for k, v in raw.items() if k not in _OPTIONAL or v}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Step:
        """Reads ``to_dict()`` back; keys of a newer version are left out.

        Raises:
            KeyError, TypeError, ValueError: something is missing, or is no such value.
        """
        names = {f.name for f in dataclasses.fields(cls)}
        values = {k: v for k, v in raw.items() if k in names}
        values["bytes"] = bytes.fromhex(values["bytes"])
        values["alternatives"] = tuple(_alternative(a) for a in values.get("alternatives", ()))
        values["path"] = _path(values.get("path", ()))
        values["kept"] = {str(name): int(left) for name, left in dict(values.get("kept", {})).items()}
        for name in ("logprob", "raw_logprob"):
            values[name] = -math.inf if values[name] is None else float(values[name])
            if values[name] > 0:
                raise ValueError(f"{name} must be at most 0, got {values[name]}")
        values["entropy"] = float(values["entropy"])
        for name in ("index", "sample", "token_id", "rank"):
            values[name] = int(values[name])
        return cls(**values)


_OPTIONAL = frozenset({"alternatives", "kept", "path", "end", "stop", "window_start", "notice"})


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf


def _json_number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _path(raw: Any) -> tuple[tuple[str, float], ...]:
    return tuple((str(name), float(p)) for name, p in raw)


def _alternative_dict(a: Alternative) -> dict[str, Any]:
    raw = {f.name: getattr(a, f.name) for f in dataclasses.fields(a)}
    return raw | {"bytes": a.bytes.hex(), "path": [list(p) for p in a.path]}


def _alternative(raw: Mapping[str, Any]) -> Alternative:
    names = {f.name for f in dataclasses.fields(Alternative)}
    values = {k: v for k, v in raw.items() if k in names}
    return Alternative(**(values | {"bytes": bytes.fromhex(raw["bytes"]), "path": _path(raw.get("path", ()))}))
