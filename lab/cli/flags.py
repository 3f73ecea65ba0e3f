"""Flags made from the fields of a configuration: their names, their defaults as text, and a command that takes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any


def flag(name: str) -> str:
    """The flag of a field.

    >>> flag("n_layers")
    '--n-layers'
    """
    return "--" + name.replace("_", "-")


def shown(value: Any) -> str:
    r"""A default as a person would type it.

    >>> shown(True), shown(None), shown("\n"), shown(0.02)
    ('yes', 'none', '\\n', '0.02')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, str):
        return value.replace("\n", r"\n").replace("\t", r"\t")
    return f"{value:g}" if isinstance(value, float) else str(value)


def with_keywords(command: Callable[..., int], made: Iterable[inspect.Parameter]) -> Callable[..., int]:
    """Gives a command more keywords; what was typed of them it gets as ``fields``, by their names.

    Args:
        command: has a keyword ``fields``, which nobody types. A keyword that it has already is left as it is.
        made: keywords that are None where they were not typed.
    """
    own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "fields"]
    names = {p.name for p in own}
    more = [p for p in made if p.name not in names]

    def configured(*args: Any, **given: Any) -> int:
        kept = {p.name: given.pop(p.name) for p in own if p.name in given}
        return command(*args, **kept, fields={n: v for n, v in given.items() if v is not None})

    configured.__name__ = command.__name__
    configured.__doc__ = command.__doc__
    configured.__signature__ = inspect.Signature([*own, *more])  # type: ignore[attr-defined]
    configured.__annotations__ = {p.name: p.annotation for p in (*own, *more)}
    return configured
