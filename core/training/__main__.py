"""The training process: ``python -m core.training RUN_DIR``, started by launch.py and by nothing else.

It takes the run's lock and shows its heartbeat before anything heavy is imported, sets the environment, and runs the
trainer that ``launch.json`` describes. SIGINT and SIGTERM end the run with a checkpoint. What goes wrong stands in
``status.json`` as two lines and as an ``end`` event (a run that could not go on stays as it was, with the two lines);
the traceback of a bug goes to ``trainer.log``.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from core.config import TrainConfig
from core.errors import LabError, MemoryShortError, RunError
from core.files import read_json
from core.training.launch import prepare_environment
from core.training.rundir import LAUNCH, RunWriter

if TYPE_CHECKING:
    from core.training.trainer import Trainer


class _Stop:
    """A stop that was asked for by a signal, maybe before there is a trainer to hear it."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._trainer: Trainer | None = None

    def install(self) -> None:
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._on_signal)
        if hasattr(signal, "SIGHUP"):  # the terminal that started us may close
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def hand_to(self, trainer: Trainer) -> None:
        self._trainer = trainer
        if self._asked.is_set():
            trainer.request_stop()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked.set()
        if self._trainer is not None:
            self._trainer.request_stop()


def main(argv: list[str] | None = None) -> int:
    """Runs the trainer of one run directory; returns the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if len(arguments) != 1:
        sys.stderr.write("one run directory was expected; llm-lab train starts a run\n")
        return 2
    path = Path(arguments[0])
    faulthandler.enable()
    stop = _Stop()
    stop.install()
    try:
        launch = _read_launch(path)
        before = launch.get("before") if launch.get("resume") else None
        writer = RunWriter.claim(path, float(launch.get("asked", 0.0)), before)
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    try:
        _train(path, launch, stop)
    except LabError as error:
        return _failed(path, writer, error)
    except MemoryError:
        traceback.print_exc()
        return _failed(
            path, writer, MemoryShortError("this machine has too little memory", "take a smaller batch_size or model")
        )
    except Exception as error:
        traceback.print_exc()
        name = type(error).__name__
        return _failed(
            path, writer, LabError(f"the trainer met a bug: {name}: {error}", "the traceback is in trainer.log")
        )
    if not writer.closed:
        writer.close("finished")
    return 0


def _read_launch(path: Path) -> dict[str, Any]:
    launch = read_json(path / LAUNCH)
    if launch is None or "config" not in launch:
        raise RunError(f"{path} was not launched: there is no readable {LAUNCH}", "start runs with llm-lab train")
    return launch


def _train(path: Path, launch: dict[str, Any], stop: _Stop) -> None:
    config = TrainConfig.from_dict(launch["config"])
    prepare_environment(config.threads)
    from core.training.trainer import Trainer  # imports torch, so not before the environment is set

    resume = path if launch.get("resume") else None
    trainer = Trainer(config, resume=resume, checkpoint=launch.get("checkpoint", "latest"))
    stop.hand_to(trainer)
    for _ in trainer.run():
        pass


def _failed(path: Path, writer: RunWriter, error: LabError) -> int:
    sys.stderr.write(f"{error}\n")
    writer.fail(error.title, error.hint)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
