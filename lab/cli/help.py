"""How a command's own ``--help`` is set: two columns of plain text, like the list of all commands."""

from __future__ import annotations

import io
import shutil
import textwrap
import typing
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel

FLAGS = 24
"""Columns that flags take before their meaning begins."""
WORDS = {
    "beams": "K",
    "beta1": "BETA",
    "beta2": "BETA",
    "checkpoint": "STEP",
    "config": "FILE",
    "csv": "FILE",
    "device": "NAME",
    "dtype": "NAME",
    "f": "FILE",
    "head": "H",
    "grad-accumulation": "N",
    "init-from": "MODEL",
    "keep-checkpoints": "N",
    "layer": "L",
    "logit-bias": "ID=BIAS",
    "measure": "NAME",
    "model": "NAME",
    "n": "N",
    "off": "HEADS",
    "optimizer": "NAME",
    "png": "FILE",
    "position": "N",
    "preset": "NAME",
    "prompt": "TEXT",
    "resume": "RUN",
    "save": "FILE",
    "schedule": "NAME",
    "sort": "NAME",
    "stop": "TEXT",
    "svg": "FILE",
    "together": "HOW",
    "token": "ID",
    "top": "N",
    "top-alternatives": "N",
    "tokenizer": "NAME",
    "what": "NAME",
    "windows": "KIND",
}
"""What stands for a flag's value where the last word of the flag (``--learning-rate RATE``) says it badly."""


class TwoColumns:
    """Prints panels of a cyclopts help page; what it is given besides plain text is flattened first."""

    def __call__(self, console: Any, options: Any, panel: HelpPanel) -> None:
        """Prints one group of flags or arguments."""
        if not panel.entries:
            return
        lines = [f"{_plain(panel.title)}:"]
        for entry in panel.entries:
            lines += _entry(entry, min(shutil.get_terminal_size((100, 24)).columns, 120))
        print("\n".join(lines), end="\n\n")

    def render_usage(self, console: Any, options: Any, usage: Any) -> None:
        """Prints the usage line."""
        print(_plain(usage), end="\n\n")

    def render_description(self, console: Any, options: Any, description: Any) -> None:
        """Prints what the command is for."""
        if text := _plain(description):
            print(text, end="\n\n")


def _entry(entry: HelpEntry, width: int) -> list[str]:
    names = ", ".join((*entry.positive_shorts, *entry.positive_names, *entry.negative_names))
    if names.startswith("-") and not _is_switch(entry):
        names += " " + _word(entry)
    text = _plain(entry.description)
    if entry.default is not None and not _is_switch(entry):
        text += f" Default: {entry.default}."
    below = textwrap.wrap(text, max(width - FLAGS - 2, 30)) or [""]
    first = [] if len(names) < FLAGS - 1 else [f"  {names}"]
    start = names if not first else ""
    lines = [f"  {start:<{FLAGS}}{below[0]}", *(" " * (FLAGS + 2) + line for line in below[1:])]
    return [*first, *(line.rstrip() for line in lines)]


def _is_switch(entry: HelpEntry) -> bool:
    kinds = typing.get_args(entry.type) or (entry.type,)
    return bool in kinds


def _word(entry: HelpEntry) -> str:
    longest = max(entry.positive_names, key=len, default="--value").lstrip("-")
    return WORDS.get(longest, longest.rsplit("-", 1)[-1].upper())


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    out = io.StringIO()
    Console(file=out, width=4000, no_color=True, highlight=False, force_terminal=False).print(value)
    return " ".join(out.getvalue().split()) if "\n\n" not in out.getvalue().strip() else out.getvalue().strip()
