"""Every error that a person can cause or meet, as one tree.

A ``LabError`` carries two lines: ``title`` says what is wrong, with what was expected and what came; ``hint`` says what
to do next, with the command to type. The command line prints the two lines, the app shows the same two in place.
What only a bug can break is an ``assert`` and never comes here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LabError(Exception):
    """Base of the tree; ``exit_code`` is what the command line ends with (2: bad input, 1: it failed)."""

    exit_code = 1

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.title}\n{self.hint}" if self.hint else self.title

    def to_dict(self) -> dict[str, str]:
        """The two lines as ``--json`` prints them (inside ``{"error": ...}``)."""
        return {"title": self.title, "hint": self.hint}


class InputError(LabError):
    """Something that was typed, chosen or handed in cannot be used."""

    exit_code = 2


class ConfigError(InputError):
    """A configuration has unknown keys or values out of range; the title names all of them at once."""


class CorpusError(InputError):
    """A text that cannot be used: missing, empty, binary, or too short for one window."""


class TokenizerError(InputError):
    """An unknown tokenizer, or text that a tokenizer cannot encode."""


class ModelSpecError(InputError):
    """A model name that means nothing here, one that is not on this machine, or a step that its run has not kept."""


class RunError(InputError):
    """A run or a checkpoint of it that does not exist, or a directory that is not a run."""


class RunLockedError(LabError):
    """Another trainer holds this run."""


class CheckpointError(LabError):
    """A checkpoint that is missing, damaged, or does not fit the configuration."""


class DownloadError(LabError):
    """A download that failed, or whose size or SHA-256 is not the expected one."""


class MemoryShortError(LabError):
    """The device has too little memory; the hint says what would fit."""


class DiskFullError(LabError):
    """No space is left where a file must be written."""


class MissingExtraError(LabError):
    """An optional package is needed; the hint is the command that installs it."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A clause that offers the closest known name, or nothing.

    Of names that begin alike the first is offered, not the shortest: what comes after the part that was typed says
    nothing of which was meant.

    >>> nearest("learning_rat", ["learning_rate", "batch_size"]), nearest("GPT-2", ["demo", "gpt2"])
    (' (did you mean learning_rate?)', ' (did you mean gpt2?)')
    >>> nearest("shakespare", ["shakespeare-1min", "shakespeare-tf"])
    ' (did you mean shakespeare-1min?)'
    >>> nearest("shakespare", ["shakespeare-tf", "shakespeare"])
    ' (did you mean shakespeare?)'
    >>> nearest("zzz", ["learning_rate"])
    ''
    """
    typed = word.casefold()
    names = {name.casefold(): name for name in known}  # also what differs by nothing but its capitals is near
    close = set(difflib.get_close_matches(typed, names, n=len(names) or 1, cutoff=0.6))
    begins = difflib.SequenceMatcher(b=typed)

    def likeness(name: str) -> tuple[float, float, bool]:
        begins.set_seq1(name[: len(typed) + 2])
        # The second counts characters wherever they stand: two that were typed in each other's place.
        return begins.ratio(), begins.quick_ratio(), len(name) <= len(typed) + 2

    best = max((name for name in names if name in close), key=likeness, default=None)  # the first of equals
    return f" (did you mean {names[best]}?)" if best is not None else ""
