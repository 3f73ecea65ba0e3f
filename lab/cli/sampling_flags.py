"""Flags made from the sampling settings' own fields, and the settings that they ask for.

Values are read by ``core.fields`` and not by the parser, so that everything wrong on a line is named at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from cyclopts import Group, Parameter

from core.errors import ConfigError
from core.fields import config_fields, field_help, parse_value
from core.generation.settings import PRESETS, SamplingConfig
from lab.cli.flags import flag, shown, with_keywords

_GROUP = Group("How tokens are chosen", sort_key=2)
_REPEATED = {
    "stop": r" Give it once for each text; \n is a line break.",
    "banned_tokens": " Give it once for each id.",
    "logit_bias": " Written ID=BIAS; give it once for each.",
}


def with_sampling_flags(command: Callable[..., int]) -> Callable[..., int]:
    """Gives a command one keyword for each field of the sampling settings, beside those it has already."""
    return with_keywords(command, [_parameter(name, kind) for name, kind in config_fields(SamplingConfig).items()])


def _parameter(name: str, kind: Any) -> inspect.Parameter:
    default = getattr(SamplingConfig(), name)
    text = field_help(SamplingConfig)[name]
    text += _REPEATED[name] if name in _REPEATED else f" Default: {shown(default)}."
    names = [flag(name), "--top"] if name == "top_alternatives" else [flag(name)]
    how: dict[str, Any] = {} if kind is bool else {"allow_leading_hyphen": True, "negative": ""}
    option = Parameter(name=names, help=text, show_default=False, group=_GROUP, **how)
    annotation: Any = Annotated[str | None, option]
    if kind is bool:
        annotation = Annotated[bool | None, option]
    elif name in _REPEATED:
        annotation = Annotated[list[str] | None, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def asked_sampling(preset: str | None, fields: Mapping[str, Any]) -> SamplingConfig:
    """The settings that a line asks for: a preset, then single flags.

    Raises:
        ConfigError: names everything that is wrong.
    """
    from core.errors import nearest

    problems = []
    if preset is not None and preset not in PRESETS:
        problems.append(f"--preset must be one of {', '.join(PRESETS)}, got {preset!r}{nearest(preset, PRESETS)}")
    start = PRESETS[preset][1] if preset in PRESETS else SamplingConfig()
    values: dict[str, Any] = {}
    for name, given in fields.items():
        try:
            values[name] = _read(name, given)
        except ValueError as expected:
            problems.append(f"{flag(name)} must be {expected}, got {given!r}")
    try:
        asked = start.override(**values)
    except ConfigError as error:
        problems.append(error.title)
    if problems:
        raise ConfigError("; ".join(problems), "llm-lab generate --help lists the settings")
    return asked


def _read(name: str, given: Any) -> Any:
    if name == "stop":
        return tuple(text.replace(r"\n", "\n").replace(r"\t", "\t") for text in given)
    if name == "banned_tokens":
        return tuple(_id(text) for text in given)
    if name == "logit_bias":
        return tuple(_bias(text) for text in given)
    return given if isinstance(given, bool) else parse_value(config_fields(SamplingConfig)[name], given)


def _id(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("a token id") from None


def _bias(text: str) -> tuple[int, float]:
    token, _, bias = text.partition("=")
    try:
        return int(token), float(bias)
    except ValueError:
        raise ValueError("ID=BIAS, such as 198=-2.5") from None
