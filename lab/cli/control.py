"""``llm-lab pause|resume|checkpoint|stop RUN``: ask a running trainer for something and wait for its answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from core.errors import LabError, RunError
from lab.cli.commands import PROGRAM
from lab.cli.report import print_json

if TYPE_CHECKING:
    from core.training.runs import Answer, Request, Run

ENDED = frozenset({"finished", "stopped", "diverged", "failed", "dead", "unreadable"})
"""States in which nobody is there to answer."""
PATIENCE = 10.0
"""Seconds that an answer may take; a trainer looks for requests at each step."""
STARTING = 120.0
"""Seconds that a run may take to its first step before the patience with it begins."""

RunName = Annotated[str, Parameter(name="RUN", help="A run by name or path; llm-lab runs lists them.")]
NoWait = Annotated[bool, Parameter(name="--no-wait", negative="", help="Ask and return at once.")]


def json_flag(text: str) -> Parameter:
    """``--json`` of a command that streams; its help says what each line is of."""
    return Parameter(name="--json", negative="", help=text)


AsJson = Annotated[bool, json_flag("Print the answer as JSON.")]

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
    if run.state in ENDED and not run.bundled:
        raise _too_late(run, request)
    sent = run.send(request)
    answer = None if no_wait else _answer(run, sent, patience)
    if as_json:
        step = answer.step if answer else None
        print_json({"run": run.name, "request": request, "id": sent.id, "step": step, "state": run.state})
    elif answer:
        print(f"{run.name} {_DONE[request]} at step {answer.step:,}")
    else:
        print(f"asked {run.name}: {request}")
    return 0


def _answer(run: Run, sent: Request, patience: float) -> Answer:
    """Waits for the answer to a request; to a stop also for the end, so that what comes next finds the run free."""
    began = time.monotonic()
    until = began + patience
    while True:
        state = run.state
        ended = state in ENDED
        if state == "starting" and time.monotonic() - began < STARTING:
            until = time.monotonic() + patience  # it listens from its first step on
        answer = run.answered(sent.id)
        if answer and (ended or sent.request != "stop"):
            return answer
        if ended:
            raise RunError(
                f"{run.name} ended ({state}) before it could {sent.request}",
                f"{PROGRAM} runs shows how it stands; {PROGRAM} train --resume {run.name} goes on with it",
            )
        if time.monotonic() > until:
            said = "is still writing its last checkpoint" if answer else f"has not answered {sent.request}"
            raise LabError(
                f"{run.name} {said} after {patience:g} s (it is {state}; a step may take longer)",
                f"the request stands; {PROGRAM} watch {run.name} shows when it is done",
            )
        time.sleep(0.05)


def _too_late(run: Run, request: str) -> RunError:
    state = run.state
    again = f"{PROGRAM} train --resume {run.name}"
    if request != "resume":
        return RunError(f"{run.name} is {state}, and only a run that is being trained can {request}", f"go on: {again}")
    title = f"{run.name} is {state}, and only a paused run can be resumed in place"
    if state == "finished":
        return RunError(title, f"extend it: {again} --max-steps {2 * run.config.max_steps}")
    return RunError(title, f"go on from its last checkpoint: {again}")
