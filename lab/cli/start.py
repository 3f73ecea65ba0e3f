"""Starts the app, or says why this terminal cannot show it. Loads neither the parser nor torch."""

from __future__ import annotations

import os
import sys

from core.errors import InputError, nearest
from lab.cli.commands import PROGRAM, root_help
from lab.opening import AS_BEFORE, Opening
from screens.catalogue import SCREENS, TITLES

LABELS = tuple(title.lower() for title in TITLES)
"""As the bar on top writes them."""


def start(opening: Opening = AS_BEFORE) -> int:
    """Opens the lab and returns the exit code."""
    name = screen_name(opening.screen) if opening.screen else None
    if reason := no_terminal():
        if opening == AS_BEFORE:
            print(root_help())
        raise InputError(
            f"the lab needs a terminal that it can draw on: {reason}",
            f"start it in one; without one, {PROGRAM} train, watch and runs do the same as text or with --json",
        )
    from lab import garbage

    garbage.put_off()
    from lab.app_start import run_app

    return run_app(opening._replace(screen=name))


def watch_here(name: str) -> int:
    """Opens the lab with the dashboard on one run; a long one is being read before the app is imported.

    Raises:
        RunError: there is none of that name.
    """
    from core.training.ahead import begin
    from core.training.rundir import METRICS
    from core.training.watched import open_watched

    found = open_watched(name)
    if not found.foreign:
        begin(found.path / METRICS)
    return start(Opening("training", run=str(found.path)))


def screen_name(asked: str) -> str:
    """The screen that a person means.

    >>> screen_name("4"), screen_name("train")
    ('training', 'training')

    The bar on top of the app writes some of them shorter:

    >>> screen_name("tokens"), screen_name("generate")
    ('tokenizer', 'generation')
    """
    word = asked.strip().lower()
    if word.isdigit() and 1 <= int(word) <= len(SCREENS):
        return SCREENS[int(word) - 1]
    found = [
        s for s, label in zip(SCREENS, LABELS, strict=True) if word and (s.startswith(word) or label.startswith(word))
    ]
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"the lab has no screen {asked!r}{nearest(word, (*SCREENS, *LABELS))}",
        "there are: " + ", ".join(f"{i} {s}" for i, s in enumerate(SCREENS, 1)),
    )


def no_terminal() -> str:
    """Why the app cannot be shown here; empty if it can."""
    if os.environ.get("TEXTUAL_DRIVER"):  # something else than a terminal draws it: llm-lab serve
        return ""
    if os.environ.get("TERM", "") == "dumb":
        return "TERM is dumb"
    if not sys.stdin.isatty():
        return "the input is not a terminal"
    if not sys.stdout.isatty():
        return "the output is not a terminal"
    return ""
