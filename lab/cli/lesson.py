"""``llm-lab lesson N``: a lesson beside the screen that it is about; without a number, what there is."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from core.errors import InputError
from lab.cli.commands import PROGRAM
from lab.cli.control import AsJson
from lab.cli.report import print_json
from lab.cli.start import LABELS, start
from lab.opening import Opening
from screens.catalogue import SCREENS


def lesson(
    number: Annotated[str | None, Parameter(help="1 to 8; left out, the lessons are listed.")] = None,
    /,
    *,
    model: Annotated[str | None, Parameter(help="The model on the workbench: demo, NAME@best, a path.")] = None,
    fresh: Annotated[bool, Parameter(negative="", help="Forget what was open the last time.")] = False,
    as_json: AsJson = False,
) -> int:
    """Opens the lab on a lesson, or lists the lessons."""
    from screens.widgets.lesson import LESSONS

    if number is None or as_json:
        found = [{"lesson": int(one.id[1:]), "title": one.title, "screen": SCREENS[one.screen - 1]} for one in LESSONS]
        if as_json:
            print_json({"lessons": found})
            return 0
        for one in LESSONS:
            print(f"{one.id[1:]}  {one.title:<32}{one.screen} {LABELS[one.screen - 1]}")
        print(f"{PROGRAM} lesson 3 opens one beside its screen; there, ? does")
        return 0
    wanted = next((one for one in LESSONS if number.strip().upper().removeprefix("L") == one.id[1:]), None)
    if wanted is None:
        raise InputError(
            f"there is no lesson {number!r}: they go from 1 to {len(LESSONS)}", f"{PROGRAM} lesson lists them"
        )
    return start(Opening(SCREENS[wanted.screen - 1], model, fresh=fresh, lesson=wanted.id))
