"""``llm-lab delete RUN``: move a run to the trash, after its name was typed."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from core.errors import InputError
from lab.cli.control import AsJson, RunName
from lab.cli.report import print_json


def delete(
    run: RunName,
    /,
    *,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> int:
    """Moves a run to the trash; on a terminal it asks for the run's name first."""
    from core.training.runs import check_deletable, delete_run, open_run

    found = open_run(run)
    check_deletable(found)
    if not yes:
        _ask(found.name)
    kept = delete_run(found)
    if as_json:
        print_json({"run": found.name, "trash": str(kept)})
    else:
        print(f"{found.name} is in the trash: {kept}")
    return 0


def _ask(name: str) -> None:
    if not sys.stdin.isatty():
        raise InputError(
            f"deleting {name} needs a yes, and nobody can be asked here", f"type llm-lab delete {name} --yes"
        )
    sys.stderr.write(f"type {name} to move it to the trash: ")
    sys.stderr.flush()
    typed = sys.stdin.readline().strip()
    if typed != name:
        raise InputError(f"nothing was deleted: expected {name}, got {typed!r}", "type its name exactly, or add --yes")
