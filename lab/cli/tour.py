"""``llm-lab tour``: the tour of the six screens, from its beginning, from a step, or from where it was left."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from core.errors import InputError
from lab.cli.commands import PROGRAM
from lab.cli.control import AsJson
from lab.cli.report import print_json
from lab.cli.start import start
from lab.opening import Opening
from screens.catalogue import TITLES


def tour(
    step: Annotated[str | None, Parameter(help="The step to begin at; left out: where it was left.")] = None,
    /,
    *,
    list_steps: Annotated[bool, Parameter(name="--list", negative="", help="List the steps.")] = False,
    fresh: Annotated[bool, Parameter(negative="", help="Forget what was open the last time.")] = False,
    as_json: AsJson = False,
) -> int:
    """Opens the lab with the tour, or lists its steps."""
    from lab.tour_steps import STEPS

    if as_json:
        found = [{"step": i, "title": one.title, "screen": one.screen} for i, one in enumerate(STEPS, 1)]
        print_json({"steps": found})
        return 0
    if list_steps:
        for i, one in enumerate(STEPS, 1):
            print(f"{i:>2}  {one.title:<26}{one.screen} {TITLES[one.screen - 1]}")
        print(f"{PROGRAM} tour 3 begins at one; space goes on, backspace back, esc leaves")
        return 0
    at = -1
    if step is not None:
        word = step.strip()
        if not (word.isascii() and word.isdigit() and 1 <= int(word) <= len(STEPS)):
            raise InputError(
                f"the tour has no step {step!r}: they go from 1 to {len(STEPS)}", f"{PROGRAM} tour --list lists them"
            )
        at = int(word) - 1
    return start(Opening(fresh=fresh, tour=at))
