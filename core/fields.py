"""Reading, checking and explaining the fields of a configuration: types, help texts, values that a person typed."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import math
import textwrap
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from core.errors import ConfigError, nearest


@functools.cache
def config_fields(cls: type) -> dict[str, Any]:
    """The names of a configuration's fields with their types.

    >>> from core.config import GPTConfig
    >>> config_fields(GPTConfig)["n_layers"]
    <class 'int'>
    """
    return typing.get_type_hints(cls)


@functools.cache
def field_help(cls: type) -> dict[str, str]:
    """What each field means: the string that stands under it in the source.

    >>> from core.config import TrainConfig
    >>> field_help(TrainConfig)["batch_size"]
    'Windows in one batch.'
    """
    body = typing.cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]).body
    found: dict[str, str] = {}
    for line, below in itertools.pairwise(body):
        if (
            isinstance(line, ast.AnnAssign)
            and isinstance(line.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            found[line.target.id] = str(below.value.value)
    return found


def parse_value(kind: Any, text: str) -> Any:
    """Reads a field's value from what a person typed.

    >>> from core.config import TrainConfig
    >>> parse_value(config_fields(TrainConfig)["stride"], "")
    >>> parse_value(int, "1_000"), parse_value(bool, "no"), parse_value(float, "3e-4")
    (1000, False, 0.0003)

    Raises:
        ValueError: with what was expected, as a phrase.
    """
    text = text.strip()
    if _optional(kind):
        if text in ("", "none", "None"):
            return None
        kind = next(a for a in typing.get_args(kind) if a is not type(None))
    if typing.get_origin(kind) is Literal:
        choices = [str(a) for a in typing.get_args(kind)]
        if text not in choices:
            raise ValueError(f"one of {', '.join(choices)}{nearest(text, choices)}")
        return text
    if kind is bool:
        if text.lower() not in _YES_NO:
            raise ValueError("yes or no")
        return _YES_NO[text.lower()]
    if kind is str:
        return text
    try:
        return kind(text)
    except ValueError:
        raise ValueError("a whole number" if kind is int else "a number") from None


_YES_NO = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}


def _optional(kind: Any) -> bool:
    return isinstance(kind, types.UnionType) and type(None) in typing.get_args(kind)


def type_problems(config: object) -> list[str]:
    """What is wrong with the types of a configuration's values, one phrase each."""
    problems = []
    cls: Any = type(config)
    kinds_of: dict[str, Any] = config_fields(cls)
    for name, kind in kinds_of.items():
        value = getattr(config, name)
        kinds = typing.get_args(kind) if _optional(kind) else (kind,)
        if value is None and type(None) in kinds:
            continue
        wanted = next(k for k in kinds if k is not type(None))
        if typing.get_origin(wanted) is Literal:
            if value not in typing.get_args(wanted):
                choices = [str(a) for a in typing.get_args(wanted)]
                problems.append(
                    f"{name} must be one of {', '.join(choices)}, got {value!r}{nearest(str(value), choices)}"
                )
        elif wanted is float:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                problems.append(f"{name} must be a finite number, got {value!r}")
        elif not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            word = {"int": "a whole number", "bool": "true or false", "str": "text"}.get(
                wanted.__name__, wanted.__name__
            )
            problems.append(f"{name} must be {word}, got {value!r}")
    return problems


def unknown_keys(raw: Mapping[str, Any], cls: type) -> list[str]:
    """The keys that are no field of ``cls``, one phrase each, with the nearest right name."""
    known = config_fields(cls)
    return [f"{key} is not a field{nearest(key, known)}" for key in raw if key not in known]


def raise_problems(problems: list[str], what: str) -> None:
    """Raises one ``ConfigError`` that names all problems, if there are any."""
    if problems:
        raise ConfigError("; ".join(problems), f"mend {what} and try again; llm-lab train --help lists the fields")
