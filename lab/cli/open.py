"""``llm-lab open``: the lab in this terminal."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lab.cli.start import start


def open_lab(
    screen: Annotated[
        str, Parameter(help="tokenizer, embeddings, attention, training, generation or weights, or 1 to 6.")
    ] = "training",
    /,
    *,
    model: Annotated[str | None, Parameter(help="The model on the workbench: demo, NAME@best, a path.")] = None,
    fresh: Annotated[bool, Parameter(negative="", help="Forget what was open the last time.")] = False,
) -> int:
    """Opens the lab."""
    return start(screen, model=model, fresh=fresh)
