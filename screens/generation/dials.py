"""The sampling settings as dials: their names, the values they click through, and what each does to one distribution.

Pure: a ``Choice`` from core goes in, words come out. Nothing here computes a probability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import ConfigError
from core.fields import config_fields
from core.generation.cuts import cuts_of
from core.generation.settings import PRESETS, SamplingConfig
from screens.widgets.bars import percent

if TYPE_CHECKING:
    from core.generation.steps import Choice, Step

NO_FIELD = ("preset", "precision")
"""Dials that are no field of ``SamplingConfig``."""


@dataclass(frozen=True, slots=True)
class Dial:
    """One setting."""

    field: str
    """The field of ``SamplingConfig``, but for those of ``NO_FIELD``."""
    label: str
    steps: tuple[Any, ...] = ()
    """The values that it clicks through, from least to most; None is off."""
    meaning: str = ""
    """What it does, where there is no distribution to show it on."""


CUTS = cuts_of(SamplingConfig)
"""The settings that cut the tail, each a dial."""
_PENALTIES = (-1.0, -0.5, 0.0, 0.1, 0.2, 0.5, 1.0, 1.5, 2.0)

DIALS = (
    Dial("preset", "preset", tuple(PRESETS), "greedy, balanced or wild: sets those below"),
    Dial("temperature", "temperature", (0.0, 0.2, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.3, 1.5, 2.0, 3.0), "divides logits"),
    *(Dial(field, field.replace("_", "-"), cut.tries, cut.meaning) for field, cut in CUTS.items()),
    Dial("max_new_tokens", "tokens", (1, 10, 20, 50, 100, 200, 500, 1000), "at most so many a time"),
    Dial("seed", "seed", (), "decides the draws"),
    Dial("repetition_penalty", "repetition", (0.8, 1.0, 1.05, 1.1, 1.2, 1.3, 1.5, 2.0), "against tokens seen before"),
    Dial("presence_penalty", "presence", _PENALTIES, "against tokens written before"),
    Dial("frequency_penalty", "frequency", _PENALTIES, "the same, for each time"),
    Dial("stop", "stop at", (), "a text that ends the answer"),
    Dial(
        "precision", "weights", ("auto", "float32", "float16", "bfloat16", "int8"), "auto: what this machine does fast"
    ),
)
"""In the order of the pane: what is turned most comes first."""

OFF: Mapping[str, Any] = {
    **dict.fromkeys(CUTS),
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "stop": (),
}
"""The value with which a setting does nothing."""


def dial_of(field: str) -> Dial:
    """The dial of a field."""
    return next(dial for dial in DIALS if dial.field == field)


def preset_of(config: SamplingConfig) -> str:
    """The preset whose choice of tokens these settings make; empty if it is none.

    >>> preset_of(SamplingConfig(temperature=0.0, max_new_tokens=7)), preset_of(SamplingConfig(top_k=3))
    ('greedy', '')
    """
    same = ("max_new_tokens", "seed", "stop", "stop_at_end_of_text", "top_alternatives")
    plain = config.override(**{name: getattr(SamplingConfig(), name) for name in same})
    return next((name for name, (_, preset) in PRESETS.items() if preset == plain), "")


def with_preset(config: SamplingConfig, name: str) -> SamplingConfig:
    """The preset's choice of tokens; length, seed and stops stay.

    >>> with_preset(SamplingConfig(seed=7, top_k=3), "greedy").temperature
    0.0
    """
    preset = PRESETS[name][1]
    kept = ("max_new_tokens", "seed", "stop", "stop_at_end_of_text", "top_alternatives", "logit_bias", "banned_tokens")
    return preset.override(**{field: getattr(config, field) for field in kept})


def turned(config: SamplingConfig, dial: Dial, by: int) -> SamplingConfig:
    """The settings with one dial a click further, or back if negative; it stops at its ends.

    >>> top_k = dial_of("top_k")
    >>> turned(SamplingConfig(top_k=50), top_k, 1).top_k, turned(SamplingConfig(), top_k, -1).top_k
    (100, 500)
    >>> turned(SamplingConfig(temperature=0.75), dial_of("temperature"), 1).temperature
    0.8
    """
    if dial.field == "preset":
        names = list(PRESETS)
        now = preset_of(config)
        place = names.index(now) + by if now else (0 if by > 0 else len(names) - 1)
        return with_preset(config, names[max(0, min(len(names) - 1, place))])
    now = getattr(config, dial.field)
    if dial.field == "seed":
        return config.override(seed=max(0, now + by))
    if not dial.steps:
        return config
    return config.override(**{dial.field: _neighbour(dial.steps, now, by)})


def _neighbour(steps: Sequence[Any], now: Any, by: int) -> Any:
    """The value ``by`` clicks away; one that lies between two clicks goes to the nearer in that direction."""
    if now in steps:
        return steps[max(0, min(len(steps) - 1, steps.index(now) + by))]
    numbers = [value for value in steps if value is not None]
    beyond = [v for v in numbers if (v > now if by > 0 else v < now)]
    if not beyond:
        return steps[-1] if by > 0 else steps[0]
    return beyond[0] if by > 0 else beyond[-1]


def typed(config: SamplingConfig, dial: Dial, text: str) -> SamplingConfig:
    """The settings with a value as somebody types it; ``off`` or nothing takes the setting away.

    >>> typed(SamplingConfig(), dial_of("stop"), r"END | \\n").stop
    ('END', '\\n')
    >>> typed(SamplingConfig(top_k=3), dial_of("top_k"), "off").top_k is None
    True

    Raises:
        ConfigError: no such value; the title says what was expected.
    """
    text = text.strip()
    if dial.field == "preset":
        if text not in PRESETS:
            raise ConfigError(f"preset must be one of {', '.join(PRESETS)}, got {text!r}", "left and right choose one")
        return with_preset(config, text)
    if text.lower() in ("", "off", "none", "-", "–") and dial.field in OFF:
        return config.override(**{dial.field: OFF[dial.field]})
    if dial.field == "stop":
        return config.override(stop=tuple(unescaped(part.strip(" ")) for part in text.split("|") if part.strip(" ")))
    whole = config_fields(SamplingConfig).get(dial.field) in (int, int | None)
    try:
        value: float = int(text.replace("_", "").replace(",", "")) if whole else float(text.replace(",", "."))
    except ValueError:
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"{dial.label} must be {kind}, got {text!r}", "esc keeps what it is") from None
    return config.override(**{dial.field: value})


_ESCAPES = {"\\n": "\n", "\\t": "\t"}


def unescaped(text: str) -> str:
    r"""A typed text with ``\n`` and ``\t`` meant.

    >>> unescaped(r"a\nb") == "a" + chr(10) + "b"
    True
    """
    for written, meant in _ESCAPES.items():
        text = text.replace(written, meant)
    return text


def escaped(text: str) -> str:
    """What ``unescaped`` reads back, on one line."""
    for written, meant in _ESCAPES.items():
        text = text.replace(meant, written)
    return text


def value_text(config: SamplingConfig, dial: Dial) -> str:
    """The value as it stands in the pane.

    >>> value_text(SamplingConfig(), dial_of("top_k")), value_text(SamplingConfig(stop=("a b",)), dial_of("stop"))
    ('off', 'a b')
    """
    if dial.field == "preset":
        return preset_of(config) or "own"
    if dial.field == "precision":  # whoever opens the model knows
        return ""
    value = getattr(config, dial.field)
    if dial.field == "stop":
        return " | ".join(map(escaped, value)) or "off"
    if dial.field in OFF and value == OFF[dial.field]:
        return "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def summary(config: SamplingConfig) -> str:
    """The settings in one line: those that are on.

    >>> summary(SamplingConfig(top_k=50, seed=7))
    'temperature 0.8 · top-k 50 · tokens 100 · seed 7'
    """
    parts = []
    for dial in DIALS:
        if dial.field in NO_FIELD or (dial.field in OFF and getattr(config, dial.field) == OFF[dial.field]):
            continue
        parts.append(f"{dial.label} {value_text(config, dial)}")
    return " · ".join(parts)


def effect_text(config: SamplingConfig, dial: Dial, choice: Choice | Step | None, vocabulary: int) -> str:
    """What one dial does to the distribution under the cursor, in one line.

    Args:
        config: the settings.
        dial: which of them.
        choice: the distribution under these settings; None: none is known yet.
        vocabulary: how many tokens there are.
    """
    value = getattr(config, dial.field, None)
    if (
        dial.field in ("preset", "precision", "max_new_tokens", "seed", "stop")
        or choice is None
        or not choice.alternatives
    ):
        return PRESETS[preset_of(config)][0] if dial.field == "preset" and preset_of(config) else dial.meaning
    if dial.field in OFF and value == OFF[dial.field]:
        return f"off · {dial.meaning}"
    before, after = _around(choice, dial.field)
    if after is None:
        return dial.meaning
    if dial.field in CUTS:
        kept = choice.kept.get(dial.field, vocabulary)
        start = _left_before(choice, dial.field, vocabulary)
        share = _mass(choice, dial.field)
        return f"keeps {kept:,} of {start:,}" + ("" if share is None else f", {percent(share).strip()} % of the mass")
    if dial.field == "temperature" and value == 0:
        return "always the likeliest"
    return f"likeliest {percent(before).strip()} → {percent(after).strip()} %"


def _around(choice: Choice | Step, field: str) -> tuple[float, float | None]:
    """The likeliest token's probability before and after one filter; None where the filter is not on the path."""
    best = choice.alternatives[0]
    before = best.before
    for name, after in best.path:
        if name == field:
            return before, after
        before = after
    return before, None


def _left_before(choice: Choice | Step, field: str, vocabulary: int) -> int:
    left = vocabulary
    for name, kept in choice.kept.items():
        if name == field:
            break
        left = kept
    return left


def _mass(choice: Choice | Step, field: str) -> float | None:
    """The share that a filter keeps: what is left is divided by it, so any survivor tells it."""
    for alternative in choice.alternatives:
        before = alternative.before
        for name, after in alternative.path:
            if name == field and after > 0 and before > 0:
                return min(1.0, before / after)
            before = after
    return None
