"""``llm-lab pause|resume|checkpoint|stop RUN``: ask a running trainer for something and wait for its answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from core.errors import LabError, RunError
from lab.cli.commands import PROGRAM
from lab.cli.report import print_json

if TYPE_CHECKING:
    from core.training.runs import Run

PATIENCE = 10.0
"""Seconds that an answer may take; a trainer looks for requests at each step."""

RunName = Annotated[str, Parameter(name="RUN", help="A run by name or path; llm-lab runs lists them.")]
NoWait = Annotated[bool, Parameter(name="--no-wait", negative="", help="Ask and return at once.")]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print the answer as JSON.")]

_DONE = {
    "pause": "paused",
    "resume": "goes on",
    "checkpoint": "wrote a checkpoint",
    "stop": "stopped after a checkpoint",
}


def pause(run: RunName, /, *, no_wait: NoWait = False, as_json: AsJson = False) -> int:
    """Lets a run wait, with its place kept."""
    return ask(run, "pause", no_wait, as_json)


def resume(run: RunName, /, *, no_wait: NoWait = False, as_json: AsJson = False) -> int:
    """Lets a paused run go on."""
    return ask(run, "resume", no_wait, as_json)


def checkpoint(run: RunName, /, *, no_wait: NoWait = False, as_json: AsJson = False) -> int:
    """Writes a checkpoint now."""
    return ask(run, "checkpoint", no_wait, as_json)


def stop(run: RunName, /, *, no_wait: NoWait = False, as_json: AsJson = False) -> int:
    """Ends a run after a checkpoint."""
    return ask(run, "stop", no_wait, as_json)


def ask(spec: str, request: str, no_wait: bool = False, as_json: bool = False, patience: float = PATIENCE) -> int:
    """Writes one request into a run's control file and waits until the trainer has answered it.

    Raises:
        RunError: no such run, or one that nobody trains any more.
        LabError: no answer within ``patience`` seconds.
    """
    from core.training.runs import open_run

    run = open_run(spec)
    _must_live(run, request)
    sent = run.send(request)
    if no_wait:
        _say(run, request, None, as_json)
        return 0
    until = time.monotonic() + patience
    while not run.answered(sent.id):
        if not run.is_live:
            if request == "stop":
                break  # the end is the answer
            raise RunError(
                f"{run.name} ended ({run.state}) before it could {request}", f"{PROGRAM} runs shows how it stands"
            )
        if time.monotonic() > until:
            raise LabError(
                f"{run.name} has not answered {request} within {patience:g} s (its step may take longer)",
                f"the request stands; {PROGRAM} watch {run.name} shows when it is done",
            )
        time.sleep(0.05)
    _say(run, request, run.status().step, as_json)
    return 0


def _must_live(run: Run, request: str) -> None:
    state = run.state
    if run.is_live and state != "silent":
        return
    if state == "silent":
        raise RunError(
            f"{run.name} is silent: nothing was heard from its trainer for a while",
            f"wait, or look at {run.path / 'trainer.log'} where it runs",
        )
    again = f"{PROGRAM} train --resume {run.name}"
    if request == "resume":
        hint = f"go on from its last checkpoint with: {again}"
        if state == "finished":
            hint = f"it is done; extend it with: {again} --max-steps {2 * run.config.max_steps}"
        raise RunError(f"{run.name} is {state}, and only a paused run can be resumed in place", hint)
    raise RunError(f"{run.name} is {state}, and only a running one can {request}", f"train on with: {again}")


def _say(run: Run, request: str, step: int | None, as_json: bool) -> None:
    if as_json:
        print_json(
            {"run": run.name, "request": request, "answered": step is not None, "step": step, "state": run.state}
        )
    elif step is None:
        print(f"asked {run.name}: {request}")
    else:
        print(f"{run.name} {_DONE[request]} at step {step:,}")
