"""What the actions of ``llm-lab vectors`` are given, and the flags made from the settings of Word2Vec."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from core.errors import ConfigError, InputError
from core.fields import config_fields, field_help, parse_value
from core.vectors.training_config import Word2VecConfig
from lab.cli.flags import shown, with_keywords
from lab.cli.prompt import read_text

if TYPE_CHECKING:
    from core.vectors.store import Vectors

_GROUP = Group("train", sort_key=4)
_SHARED = ("method",)  # is a flag of other actions too
_SHORT = {"n": "-n"}


@dataclass(frozen=True)
class Asked:
    """One line: what is asked, the words for it, the flags that were typed."""

    spec: str
    words: tuple[str, ...]
    given: Mapping[str, Any]
    as_json: bool

    @property
    def count(self) -> int:
        """How many words are to be shown."""
        n = int(self.given.get("n", 10))
        if n < 1:
            raise InputError(f"-n must be at least 1, got {n}", "10 is usual")
        return n

    def all_words(self, least: int, example: str) -> tuple[str, ...]:
        """The words on the line and those in ``--file``, each once.

        Raises:
            InputError: fewer than ``least``, or a file that cannot be read.
        """
        words = [*self.words, *(read_text(self.given["file"]).split() if "file" in self.given else ())]
        found = tuple(dict.fromkeys(words))
        if len(found) < least:
            raise InputError(f"expected {least} different words or more, got {len(found)}", f"for one: {example}")
        return found

    def load(self) -> Vectors:
        """The vectors that the SPEC names; a bar on standard error while a large file is read for the first time."""
        from core.vectors.centring import MARK
        from lab.cli.vectors_sources import load

        asked = self.given.get("centred") and not self.spec.endswith(MARK)
        return load(f"{self.spec}{MARK}" if asked else self.spec)


def flag(name: str) -> str:
    """The flag of an option.

    >>> flag("with_inputs"), flag("n")
    ('--with-inputs', '-n')
    """
    return _SHORT.get(name, "--" + name.replace("_", "-"))


def with_word2vec_flags(command: Callable[..., int]) -> Callable[..., int]:
    """Gives the command one keyword for each setting of Word2Vec, beside those it has already."""
    made = [_parameter(name) for name in config_fields(Word2VecConfig) if name not in _SHARED]
    made += [
        _extra("probes", "Words, with commas between, whose neighbours are shown after every epoch."),
    ]
    return with_keywords(command, made)


def _parameter(name: str) -> inspect.Parameter:
    kind = config_fields(Word2VecConfig)[name]
    text = f"{field_help(Word2VecConfig)[name]} Default: {shown(getattr(Word2VecConfig(), name))}."
    if name == "seed":
        text += " A map by tsne has one too."
    return _extra(name, text, bool if kind is bool else str)


def _extra(name: str, text: str, kind: type = str) -> inspect.Parameter:
    how: dict[str, Any] = {} if kind is bool else {"allow_leading_hyphen": True, "negative": ""}
    option = Parameter(name=flag(name), help=text, show_default=False, group=_GROUP, **how)
    annotation: Any = Annotated[bool | None, option] if kind is bool else Annotated[str | None, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def asked_config(given: Mapping[str, Any]) -> Word2VecConfig:
    """The settings that a line asks for.

    Raises:
        ConfigError: names everything that is wrong.
    """
    values: dict[str, Any] = {}
    problems = []
    kinds = config_fields(Word2VecConfig)
    for name in kinds.keys() & given.keys():
        try:
            values[name] = given[name] if isinstance(given[name], bool) else parse_value(kinds[name], given[name])
        except ValueError as expected:
            problems.append(f"{flag(name)} must be {expected}, got {given[name]!r}")
    try:
        config = Word2VecConfig(**values)
    except ConfigError as error:
        problems.append(error.title)
    if problems:
        raise ConfigError("; ".join(sorted(problems)), "llm-lab vectors --help lists the settings of train")
    return config


def whole(given: Mapping[str, Any], name: str, default: int) -> int:
    """A whole number among the flags that are read as text.

    Raises:
        ConfigError: it is none.
    """
    try:
        value = parse_value(int, str(given.get(name, default)))
    except ValueError as expected:
        raise ConfigError(f"{flag(name)} must be {expected}, got {given[name]!r}", f"for one: {default}") from None
    return int(value)
