"""``llm-lab open``: the lab in this terminal."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from lab.cli.start import start
from lab.opening import Opening
from screens.catalogue import SCREENS, listed


def open_lab(
    screen: Annotated[str | None, Parameter(help=f"{listed()}, or 1 to {len(SCREENS)}.")] = None,
    /,
    *,
    model: Annotated[str | None, Parameter(help="The model on the workbench: demo, NAME@best, a path.")] = None,
    text: Annotated[str | None, Parameter(help="The text that Attention shows and Generate goes on with.")] = None,
    fresh: Annotated[bool, Parameter(negative="", help="Forget what was open the last time.")] = False,
    tour: Annotated[bool, Parameter(negative="", help="With the tour of the six screens.")] = False,
    ascii: Annotated[bool | None, Parameter(help="Draw with ASCII alone; --no-ascii undoes it.")] = None,
    present: Annotated[bool, Parameter(negative="", help="For a projector: high contrast, nothing dim.")] = False,
    light: Annotated[bool | None, Parameter(negative="--dark", help="A light background, or a dark one.")] = None,
    colours: Annotated[Literal["true", "256", "16", "none"] | None, Parameter(help="How many colours to use.")] = None,
) -> int:
    """Opens the lab."""
    at = -1 if tour else None
    return start(
        Opening(screen, model, text, fresh, tour=at, ascii_only=ascii, present=present, light=light, colours=colours)
    )
