"""How the next token is chosen: one small frozen configuration, and three named ones to begin with.

No torch here: a form may read this before torch is loaded. What each setting does to the logits is in ``sampling.py``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import ConfigError
from core.fields import brief, config_fields, not_a_field, type_problems, unknown_keys
from core.files import encodable
from core.generation.cuts import cut, cuts_of

_COUNTS = (1, 2, 3, 5, 10, 20, 40, 50, 100, 200, 500, None)
_SHARES = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, None)
_LEASTS = (None, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class SamplingConfig:
    """What is done to the distribution before a token is drawn, in the order of these fields, and when to stop."""

    max_new_tokens: int = 100
    """Tokens to generate at most."""
    logit_bias: tuple[tuple[int, float], ...] = ()
    """Added to the logits of single tokens: pairs of id and bias (a mapping does too)."""
    repetition_penalty: float = 1.0
    """Divides the positive logits of tokens seen so far, prompt included, and multiplies the negative; 1: off."""
    presence_penalty: float = 0.0
    """Taken from the logit of each token generated already."""
    frequency_penalty: float = 0.0
    """Taken from a token's logit once for each time that it was generated."""
    banned_tokens: tuple[int, ...] = ()
    """Ids that are never drawn."""
    temperature: float = 0.8
    """What the logits are divided by; below 1 bolder, above 1 flatter, 0 always takes the likeliest."""
    top_k: int | None = cut(
        "core.generation.sampling:keep_top_k", "only so many of the likeliest", _COUNTS, low=1, high=None
    )
    """Draw among so many of the likeliest tokens; left out, among all."""
    top_p: float | None = cut("core.generation.sampling:keep_top_p", "the likeliest that hold this share", _SHARES)
    """Draw among the likeliest tokens that together hold this share, the one that crosses it included."""
    min_p: float | None = cut("core.generation.sampling:keep_min_p", "not below this share of the likeliest", _LEASTS)
    """Drop tokens less likely than this share of the likeliest one's probability."""
    typical_p: float | None = cut(
        "core.generation.sampling:keep_typical", "those about as surprising as expected", _SHARES
    )
    """Keep the tokens whose surprise is closest to the entropy, until they hold this share."""
    seed: int = 42
    """Decides the draws: the same seed, model and settings give the same tokens."""
    stop: tuple[str, ...] = ()
    """Texts that end the answer when they appear in it; they are not part of it."""
    stop_at_end_of_text: bool = True
    """Whether the end-of-text token ends the answer, where the tokenizer has one."""
    top_alternatives: int = 10
    """Likeliest tokens that each step reports beside the one taken."""

    def __post_init__(self) -> None:
        bias: Any = self.logit_bias
        stop: Any = self.stop
        object.__setattr__(self, "logit_bias", _pairs(bias))
        object.__setattr__(self, "banned_tokens", _tuple(self.banned_tokens))
        object.__setattr__(self, "stop", (stop,) if isinstance(stop, str) else _tuple(stop))
        _raise(_problems(self))

    def override(self, **changes: Any) -> SamplingConfig:
        """A copy with some fields changed.

        >>> SamplingConfig().override(top_k=50).top_k
        50
        """
        known = config_fields(SamplingConfig)
        _raise([not_a_field(name, known) for name in changes if name not in known])
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        raw = dataclasses.asdict(self)
        return raw | {"logit_bias": [list(pair) for pair in self.logit_bias]} | _lists(raw, "banned_tokens", "stop")

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> SamplingConfig:
        """Reads ``to_dict()`` back; unknown keys are named with the nearest right name."""
        if not isinstance(raw, Mapping):
            raise ConfigError(f"the sampling settings must be an object of fields, got {brief(raw)}", _HINT)
        _raise(unknown_keys(raw, cls))
        return cls(**raw)


_HINT = "llm-lab generate --help lists the settings"

_AT_LEAST = {"max_new_tokens": 1, "seed": 0, "top_alternatives": 0, "temperature": 0.0}
_FAR = 1e6
"""The largest bias or penalty: more says nothing more, and float32 must hold what comes of it."""


def _raise(problems: list[str]) -> None:
    if problems:
        raise ConfigError("; ".join(problems), _HINT)


def _lists(raw: Mapping[str, Any], *names: str) -> dict[str, list[Any]]:
    return {name: list(raw[name]) for name in names}


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple, set, frozenset)) else value


def _pairs(value: Any) -> Any:
    """A mapping, or pairs as JSON has them, as a tuple of pairs; anything else stays, to be named as wrong."""
    items = value.items() if isinstance(value, Mapping) else value
    if isinstance(value, (Mapping, list, tuple)) and all(isinstance(p, (list, tuple)) and len(p) == 2 for p in items):
        return tuple((token, bias) for token, bias in items)
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _problems(c: SamplingConfig) -> list[str]:
    """What is wrong, a phrase for each field."""
    wrong = type_problems(c)
    for name, low in _AT_LEAST.items():
        value = getattr(c, name)
        if name not in wrong and value < low:
            wrong[name] = f"{name} must be at least {low:g}, got {value}"
    for name, setting in cuts_of(SamplingConfig).items():
        value = getattr(c, name)
        if name not in wrong and value is not None and (bounds := setting.problem(value)):
            wrong[name] = f"{name} must be {bounds}, got {value}" + " (leave it out for all)" * (name == "top_k")
    if "repetition_penalty" not in wrong and not 1 / _FAR <= c.repetition_penalty <= _FAR:
        how = "above 0" if c.repetition_penalty <= 0 else f"from {1 / _FAR:g} to {_FAR:,.0f}"
        wrong["repetition_penalty"] = f"repetition_penalty must be {how}, got {c.repetition_penalty}"
    for name in ("presence_penalty", "frequency_penalty"):
        if name not in wrong and abs(getattr(c, name)) > _FAR:
            wrong[name] = f"{name} must be from -{_FAR:,.0f} to {_FAR:,.0f}, got {getattr(c, name)}"
    pairs: Any = c.logit_bias
    if not isinstance(pairs, tuple) or not all(
        isinstance(p, tuple) and _is_whole(p[0]) and p[0] >= 0 and _is_finite(p[1]) for p in pairs
    ):
        wrong["logit_bias"] = f"logit_bias must be pairs of a token id and a finite number, got {brief(pairs)}"
    elif not all(abs(bias) <= _FAR for _, bias in pairs):
        wrong["logit_bias"] = f"logit_bias must be from -{_FAR:,.0f} to {_FAR:,.0f}, got {brief(pairs)}"
    if not isinstance(c.banned_tokens, tuple) or not all(_is_whole(t) and t >= 0 for t in c.banned_tokens):
        wrong["banned_tokens"] = f"banned_tokens must be token ids, got {brief(c.banned_tokens)}"
    if not isinstance(c.stop, tuple) or not all(isinstance(s, str) and s and encodable(s) == s for s in c.stop):
        wrong["stop"] = f"stop must be texts that are not empty and that UTF-8 can hold, got {brief(c.stop)}"
    return list(wrong.values())


PRESETS: dict[str, tuple[str, SamplingConfig]] = {
    "greedy": ("always the likeliest token", SamplingConfig(temperature=0.0)),
    "balanced": ("a little bolder than the model, the tail cut off", SamplingConfig(temperature=0.8, top_p=0.95)),
    "wild": ("flatter than the model, everything allowed", SamplingConfig(temperature=1.3)),
}
"""Named settings, each with what it is."""
