"""Starting a training run in a process of its own, which goes on when the one that started it ends.

What the process must know goes through ``launch.json`` in the run directory: the configuration, and what to resume. It
is kept, so that a run that failed before it could write ``run.json`` still says what it was to be; the next launch
replaces it. The process itself is ``core/training/__main__.py``.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.child import child_environment
from core.config import TrainConfig
from core.errors import LabError, RunError
from core.files import read_json, write_error, write_json_atomic
from core.lock import is_held
from core.training.inside import check_inside
from core.training.run import Run
from core.training.rundir import LAUNCH, LOCK, LOG, STATUS, content, locked, restore_status
from core.training.runs import new_run_dir, open_run

NICENESS = 5
"""How far a trainer steps back, so that keys and windows answer at once."""


@dataclass(frozen=True)
class Launched:
    """A run that was started."""

    path: Path
    pid: int
    process: subprocess.Popen[bytes]
    """The process, for as long as the one that started it lives; it is reaped by itself."""


def prepare_environment(threads: int = 0) -> None:
    """Sets thread count, waiting policy and niceness of this process; call it before torch is imported.

    Threads that spin at a barrier waiting for one that is not scheduled make two threads slower than one as soon as
    another process wants a core; so they sleep. What a person has set in the environment is left alone, except the
    count when ``threads`` names one.

    Args:
        threads: CPU threads; 0: one for each core that this process may use.
    """
    if "torch" not in sys.modules:
        if threads:
            os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
        else:
            os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))
            os.environ.setdefault("MKL_NUM_THREADS", os.environ["OMP_NUM_THREADS"])
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        os.environ.setdefault("KMP_BLOCKTIME", "0")  # the same for LLVM's and Intel's OpenMP (macOS, MKL)
    _step_back()


def usable_cores() -> int:
    """Threads to compute with: what OMP_NUM_THREADS says, or else the physical cores that this process may use.

    Two threads on one core do not multiply matrices faster.
    """
    said = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # a list is for nested levels
    if said.isdecimal() and int(said) > 0:
        return int(said)
    if sys.platform == "linux":
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    import psutil

    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def start_run(
    config: TrainConfig,
    *,
    name: str | None = None,
    resume: Path | None = None,
    checkpoint: str | int | None = None,
) -> Launched:
    """Starts a trainer in a process of its own and returns at once; the run directory says how it goes.

    Args:
        config: what to train; ``run_dir`` decides the folder of a new run if it is given.
        name: the new run's folder under the runs folder (``NAME-2`` if taken); left out, after the corpus.
        resume: the run directory to go on with, instead of a new one.
        checkpoint: where to resume: ``latest``, ``best`` or a step.

    Raises:
        RunLockedError: another trainer holds the run.
        RunError, ConfigError: the run cannot go on so; it stays as it was.
        LabError: the folder or the process cannot be made.
    """
    which = "latest" if checkpoint is None else checkpoint
    path = _old_folder(config, resume, which) if resume is not None else _new_folder(config, name)
    before = read_json(path / STATUS) or {}
    request = {
        "config": config.override(run_dir=str(path)).to_dict(),
        "resume": resume is not None,
        "checkpoint": which,
        "asked": time.time(),
        "before": before,  # what the status was, for a process that is refused after all
    }
    try:
        return _launch(path, request, config.max_steps)
    except LabError as error:
        if resume is not None:
            restore_status(path, before, str(error))
        else:
            _remove_launch(path)
        raise


def _launch(path: Path, request: dict[str, Any], max_steps: int) -> Launched:
    before = request["before"]
    write_json_atomic(path / LAUNCH, request)
    write_json_atomic(
        path / STATUS,
        {
            "state": "starting",
            "phase": "process",
            "step": before.get("step", 0),
            "max_steps": max_steps,
            "step_time": None,
            "updated": time.time(),
            "pid": 0,
            "host": platform.node(),
            "answered": None,
            "message": "",
        },
        sync=False,
    )
    process = _spawn(path)
    resumed = before if request["resume"] else None
    threading.Thread(target=_reap, args=(process, path, resumed), name=f"reaper of {path.name}", daemon=True).start()
    return Launched(path, process.pid, process)


def _old_folder(config: TrainConfig, resume: Path, which: str | int) -> Path:
    """The folder of a run that can go on, as far as can be told without its weights."""
    from core.training.resume import Resumption

    path = open_run(resume).path.resolve()
    check_inside(path)
    if is_held(path / LOCK):
        raise locked(path)
    Resumption.check(path, which, config)
    return path


def _remove_launch(path: Path) -> None:
    """Removes what was put into the folder of a run that never came to be, and the folder if nothing else is there."""
    for name in (LAUNCH, STATUS, LOG):
        with suppress(OSError):
            (path / name).unlink(missing_ok=True)
    with suppress(OSError):
        path.rmdir()


def _new_folder(config: TrainConfig, name: str | None) -> Path:
    if config.run_dir is None:
        return new_run_dir(name or Path(config.corpus).stem or "run").resolve()
    path = Path(config.run_dir).expanduser().resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
        strangers = content(path)
        check_inside(path)
    except OSError as error:
        raise write_error(path, error) from error
    if strangers:
        raise RunError(f"{path} is not empty, a new folder was expected", "choose another run_dir, or leave it out")
    return path


def _spawn(path: Path) -> subprocess.Popen[bytes]:
    options: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
        options = {"creationflags": flags}
    # -P: what lies in the folder where the person happens to be must not stand in for our modules or Python's.
    command = [sys.executable, "-P", "-m", "core.training", str(path)]
    try:
        with (path / LOG).open("ab") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=child_environment(), **options
            )
    except OSError as error:
        raise LabError(
            f"no process for the run {path.name} could be started: {error.strerror or error}",
            "train in the terminal instead: llm-lab train",
        ) from error


def _reap(process: subprocess.Popen[bytes], path: Path, before: dict[str, Any] | None) -> None:
    """Waits for the process, so that no zombie stays; says that it failed where it could not say it itself.

    A run that was to go on gets back the status that it had ``before``.
    """
    code = process.wait()
    status = read_json(path / STATUS) or {}
    if code and status.get("pid") == 0 and not is_held(path / LOCK):
        said = Run(path).log(1) or [f"the training process ended at once with exit code {code}"]
        message = f"{said[0]}\nmore may stand in {path / LOG}"
        if before is not None:
            restore_status(path, before, message)
            return
        status |= {"state": "failed", "message": message}
        with suppress(LabError):  # the folder may be gone by now, and nobody is here to be told
            write_json_atomic(path / STATUS, status, sync=False)


def _step_back() -> None:
    if sys.platform == "win32":
        import psutil

        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        now = os.getpriority(os.PRIO_PROCESS, 0)
        if now < NICENESS:
            os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
