"""``llm-lab train``: one run in this process, or with ``--detach`` in a process of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from core.errors import InputError
from core.presets import MODEL_PRESETS, TRAIN_PRESETS
from lab.cli.entry import PIPE_CLOSED
from lab.cli.progress import Display, JsonLines, Tally, choose_display, fetch_first, last_line, raise_end
from lab.cli.report import print_json
from lab.cli.signals import stop_on_signals
from lab.cli.train_flags import asked_config, with_config_flags

if TYPE_CHECKING:
    from core.config import TrainConfig
    from core.training.runs import Run
    from core.training.trainer import Trainer

_RUN = Group("The run", sort_key=1)
_PRESETS = "; ".join(f"{name} ({preset.summary})" for name, preset in TRAIN_PRESETS.items())


def _option(text: str, name: str | None = None, *, switch: bool = False) -> Parameter:
    return Parameter(name=name, help=text, group=_RUN, show_default=False, negative="" if switch else None)


@with_config_flags
def train(
    *,
    preset: Annotated[str | None, _option(f"Begin with a named run: {_PRESETS}.")] = None,
    config: Annotated[str | None, _option("Begin with the fields in a JSON file (or a run's run.json).")] = None,
    model: Annotated[str | None, _option(f"A named shape: {', '.join(MODEL_PRESETS)}.")] = None,
    resume: Annotated[str | None, _option("Go on with a run, by name or path; --max-steps extends it.")] = None,
    checkpoint: Annotated[str | None, _option("Where --resume begins: latest, best, or a step.")] = None,
    name: Annotated[str | None, _option("The run's name, which is its folder's.")] = None,
    detach: Annotated[bool, _option("Start it in its own process and return at once.", switch=True)] = False,
    as_json: Annotated[bool, _option("Print JSON, a line for each event as it comes.", "--json", switch=True)] = False,
    fields: Mapping[str, Any],
) -> int:
    """Trains a model.

    SIGINT (ctrl-C) and SIGTERM end the run with a checkpoint; the exit code is then 128 plus the signal's number.
    """
    if name is not None:
        from core.training.runs import check_name

        check_name(name)
    run = _resumed(resume, checkpoint, preset, name)
    asked = asked_config(run.config if run else None, preset, config, model, fields)
    if detach:
        return _detached(asked, name or preset, run, checkpoint, as_json)
    return _here(asked, name or preset, run, checkpoint, as_json)


def _resumed(resume: str | None, checkpoint: str | None, preset: str | None, name: str | None) -> Run | None:
    if resume is None:
        if checkpoint is not None:
            raise InputError("--checkpoint belongs to --resume, and no run was named", "add --resume RUN")
        return None
    for flag, value in (("--preset", preset), ("--name", name)):
        if value is not None:
            raise InputError(
                f"--resume goes on with a run that has its own, got {flag} {value} too", f"leave {flag} out"
            )
    from core.training.runs import open_run

    return open_run(resume)


def _start_at(checkpoint: str | None) -> str | int:
    word = checkpoint or "latest"
    if word in ("latest", "best"):
        return word
    digits = word.removeprefix("step-")
    if not digits.isdecimal():
        raise InputError(
            f"--checkpoint must be latest, best or a step, got {word!r}", "the run's folder checkpoints/ has the steps"
        )
    return int(digits)


def _detached(config: TrainConfig, stem: str | None, run: Run | None, checkpoint: str | None, as_json: bool) -> int:
    from core.training.launch import start_run

    started = start_run(
        config, name=stem, resume=run.path if run else None, checkpoint=_start_at(checkpoint) if checkpoint else None
    )
    if as_json:
        print_json({"kind": "run", "name": started.path.name, "path": str(started.path), "pid": started.pid})
    else:
        print(f"started {started.path.name} (process {started.pid}) · follow it: llm-lab watch {started.path.name}")
    return 0


def _here(config: TrainConfig, stem: str | None, run: Run | None, checkpoint: str | None, as_json: bool) -> int:
    from core.training.estimate import estimate
    from core.training.launch import prepare_environment
    from core.training.runs import new_run_dir

    if run:
        _must_be_free(run)
    prepare_environment(config.threads)  # before anything imports torch
    begin = _start_at(checkpoint)
    display = choose_display(run.name if run else stem or Path(config.corpus).stem, as_json)
    fetch_first(config, display)
    if not run:
        for warning in estimate(config).warnings:
            display.note(f"note: {warning}")
    made = new_run_dir(stem) if stem and not run and not config.run_dir else None
    if made:
        config = config.override(run_dir=str(made))
    tally = Tally(config.max_steps)
    try:
        display.begin(tally)
        from core.training.trainer import Trainer

        trainer = Trainer(config, resume=run.path if run else None, checkpoint=begin)
        with stop_on_signals(trainer.request_stop, display.note) as received:
            closed = _show_all(trainer, display, tally)
    finally:
        display.end()
        if made and not (made / "run.json").exists():
            shutil.rmtree(made, ignore_errors=True)  # it never became a run: leave no husk of one
    if closed:
        return received.exit_code or PIPE_CLOSED
    path = trainer.run_dir or Path()
    display.close(last_line(path.name, path, tally))
    raise_end(tally.end)
    return received.exit_code


def _must_be_free(run: Run) -> None:
    """Says that a run is being trained already before a checkpoint of it is read, which might vanish meanwhile."""
    from core.lock import is_held
    from core.training.rundir import LOCK, locked

    if is_held(run.path / LOCK):
        raise locked(run.path)


def _show_all(trainer: Trainer, display: Display, tally: Tally) -> bool:
    """Runs the trainer to its end; returns whether the reader of our output went away before.

    A reader that goes away (``| head``) ends the run as a signal does: with a checkpoint.
    """
    closed = False
    for event in trainer.run():
        tally.max_steps = trainer.config.max_steps  # with --epochs it is known when the text has been read
        tally.add(event)
        try:
            if closed:
                continue
            if tally.seen == 1 and isinstance(display, JsonLines) and trainer.run_dir:
                path = trainer.run_dir
                print_json({"kind": "run", "name": path.name, "path": str(path), "pid": os.getpid()})
            display.show(event, tally)
        except OSError:  # the pipe, or with SIGHUP the terminal
            closed = True
            trainer.request_stop()
    return closed
