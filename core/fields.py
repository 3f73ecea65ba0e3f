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
from collections.abc import Iterable, Mapping
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


LARGEST = 2**63 - 1
"""The largest whole number of a configuration: what JSON readers, and the generators that take a seed, can hold."""


def type_problems(config: object) -> dict[str, str]:
    """What is wrong with a configuration's values taken one by one: a phrase for each field that is wrong.

    What passes can be written as JSON: whole numbers of 64 bits, finite numbers, text that UTF-8 can hold.
    """
    cls: Any = type(config)
    kinds_of: dict[str, Any] = config_fields(cls)
    found = {name: _type_problem(kind, getattr(config, name)) for name, kind in kinds_of.items()}
    return {name: f"{name} must be {expected}" for name, expected in found.items() if expected}


def _type_problem(kind: Any, value: Any) -> str:
    """What was expected and what came; nothing if the value is of its kind."""
    kinds = typing.get_args(kind) if _optional(kind) else (kind,)
    if value is None and type(None) in kinds:
        return ""
    wanted = next(k for k in kinds if k is not type(None))
    if typing.get_origin(wanted) is tuple:
        return ""  # whoever has such a field looks into it
    if typing.get_origin(wanted) is Literal:
        if value in typing.get_args(wanted):
            return ""
        choices = [str(a) for a in typing.get_args(wanted)]
        return f"one of {', '.join(choices)}, got {brief(value)}{nearest(str(value), choices)}"
    if wanted in (int, float) and isinstance(value, int) and not isinstance(value, bool):
        if value > LARGEST:
            return f"at most {LARGEST:,}, got {brief(value)}"
        return f"at least {-LARGEST:,}, got {brief(value)}" if value < -LARGEST else ""
    if wanted is float:
        return "" if isinstance(value, float) and math.isfinite(value) else f"a finite number, got {brief(value)}"
    if not isinstance(value, wanted) or wanted is int:
        word = {"int": "a whole number", "bool": "true or false", "str": "text"}.get(wanted.__name__, wanted.__name__)
        return f"{word}, got {brief(value)}"
    if wanted is str and not _encodable(value):
        return f"text that UTF-8 can hold, got {brief(value)}"
    return ""


def brief(value: object) -> str:
    """A value as an error shows it: cut in the middle if it is long, and without what no terminal can write.

    >>> brief("x" * 100), brief(10**5000), brief("a\\udcff")
    ("'xxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxxxxx'", 'a number of 5,001 digits', "'a\\\\udcff'")
    """
    if isinstance(value, int) and abs(value) >= 10**40:
        return f"a number of {int(math.log10(abs(value))) + 1:,} digits"
    text = ascii(value) if isinstance(value, str) and not _encodable(value) else repr(value)
    return text if len(text) <= 80 else f"{text[:20]}…{text[-20:]}"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a pair, as bytes that are no UTF-8 arrive from a shell
        return False
    return True


def unknown_keys(raw: Mapping[Any, Any], cls: type) -> list[str]:
    """The keys that are no field of ``cls``, one phrase each, with the nearest right name."""
    known = config_fields(cls)
    return [not_a_field(key, known) for key in raw if key not in known]


def not_a_field(key: object, known: Iterable[str]) -> str:
    """The phrase for a name that is no field, with the nearest right one.

    >>> not_a_field("n_layer", ["n_layers"]), not_a_field(3, ["n_layers"])
    ('n_layer is not a field (did you mean n_layers?)', '3 is not a field')
    """
    plain = isinstance(key, str) and key.isprintable() and 0 < len(key) <= 80
    return f"{key if plain else brief(key)} is not a field{nearest(str(key), known)}"


def raise_problems(problems: list[str], what: str) -> None:
    """Raises one ``ConfigError`` that names all problems, if there are any."""
    if problems:
        raise ConfigError("; ".join(problems), f"mend {what} and try again; llm-lab train --help lists the fields")
