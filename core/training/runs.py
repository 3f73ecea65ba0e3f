"""Finding runs: ``open_run`` opens one, ``list_runs`` lists a folder of them; new folders, and the trash.

What one run says is in run.py.
"""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

from core.errors import InputError, LabError, RunError, RunLockedError, nearest
from core.files import write_error
from core.folders import asset, runs_dir
from core.lock import FileLock
from core.training.inside import check_inside
from core.training.requests import Request
from core.training.run import DEMO, Run, is_run
from core.training.rundir import LIVE_STATES, LOCK, META, METRICS
from core.training.status import Answer, RunStatus, StatusReader
from core.training.summary import Glance, RunSummary, folder_time

__all__ = [
    "Answer",
    "Request",
    "Run",
    "RunStatus",
    "RunSummary",
    "check_deletable",
    "delete_run",
    "list_runs",
    "new_run_dir",
    "open_run",
]

TRASH = ".trash"


def open_run(path_or_name: str | Path) -> Run:
    """Opens a run by its folder, by its name under the runs folder, or ``demo`` for the one that ships.

    Raises:
        RunError: it is not a run; the title says what was expected, the hint offers the nearest names.
    """
    try:
        return _opened(path_or_name)
    except (OSError, RuntimeError) as error:  # a name too long, a folder without permission, ~nobody
        said = getattr(error, "strerror", None) or error
        raise RunError(f"{str(path_or_name)[:200]} cannot be looked for: {said}", "look at the path") from error


def _opened(path_or_name: str | Path) -> Run:
    text = str(path_or_name)
    given = Path(path_or_name).expanduser()
    named = runs_dir() / text if text and given.name == text else None
    for path in (named, given):
        if path is not None and is_run(path):
            run = Run(path)
            _ = run.meta
            return run
    if text == DEMO:
        return Run(asset(DEMO), bundled=True)
    if given.is_dir():
        raise RunError(
            f"{given} is not a run: a folder with {META} was expected", "llm-lab runs lists the runs there are"
        )
    if given.is_file():
        raise RunError(f"{given} is a file, the folder of a run was expected", "llm-lab runs lists the runs there are")
    raise RunError(
        f"no run is called {text!r} in {runs_dir()}{nearest(text, run_names())}",
        "llm-lab runs lists the runs there are; a folder elsewhere can be named by its path",
    )


def run_names(folder: Path | None = None) -> list[str]:
    """What the runs of a folder are called, and the one that ships, without a look into them.

    Args:
        folder: where to look; left out, the runs folder.
    """
    return [DEMO, *(path.name for path in _run_folders(folder or runs_dir()))]


_glances: dict[Path, tuple[StatusReader, Glance]] = {}


def list_runs(folder: str | Path | None = None, *, bundled: bool = False) -> list[RunSummary]:
    """The runs of a folder, newest first; one that cannot be read is listed as ``unreadable``, never raised.

    Args:
        folder: where to look; left out, the runs folder.
        bundled: whether the demo that ships is listed too, last.
    """
    root = Path(folder).expanduser() if folder is not None else runs_dir()
    found = [_summary(Run(path)) for path in _run_folders(root)]
    found.sort(key=lambda s: (-s.created, s.name))
    if bundled:
        try:
            found.append(_summary(Run(asset(DEMO), bundled=True)))
        except LabError:  # a checkout before `make assets`: there is none to list
            return found
    return found


def folder_name(text: str) -> str:
    """The name of a run's folder for a text of any kind; one that can be a name as it is stays as it is.

    >>> folder_name("my run"), folder_name("a/b"), folder_name("..")
    ('my-run', 'a-b', 'run')
    """
    return re.sub(r"[^\w.+-]+", "-", text).strip(".-") or "run"


def check_name(name: str) -> str:
    """The name that a person gave to a run, as it is.

    Raises:
        InputError: it can't be the name of a folder that every system takes; the hint has one that can.
    """
    if folder_name(name) != name:
        raise InputError(
            f"expected a name of letters, digits and . _ + - for the run, got {name!r}", f"try {folder_name(name)}"
        )
    return name


def new_run_dir(stem: str, root: str | Path | None = None) -> Path:
    """Makes an empty folder for a new run: ``stem``, or ``stem-2`` and so on when that is taken.

    Raises:
        LabError: the folder cannot be made.
    """
    parent = Path(root).expanduser() if root is not None else runs_dir()
    clean = folder_name(stem)
    for place in (parent, *parent.parents):
        if place.exists() and not place.is_dir():
            raise RunError(
                f"expected a folder for runs, and {place} is a file", "name a folder, new or not, with LLM_LAB_RUNS"
            )
    try:
        parent.mkdir(parents=True, exist_ok=True)
        n = 1
        while True:
            path = parent / (clean if n == 1 else f"{clean}-{n}")
            try:
                path.mkdir()
                return path
            except FileExistsError:
                n += 1
    except OSError as error:
        raise write_error(parent, error) from error


def check_deletable(run: Run, *, silent_too: bool = False) -> None:
    """Refuses what ``delete_run`` would refuse, so that nobody is asked for a yes in vain.

    Raises:
        RunLockedError: a trainer is at work on it.
        RunError: it is the demo.
    """
    if run.bundled:
        raise RunError("the demo ships with the lab and cannot be deleted", "it takes no part in your runs folder")
    state = run.state
    if state in LIVE_STATES or (state == "silent" and not silent_too):
        raise RunLockedError(f"the run {run.name} is {state}", f"stop it first: llm-lab stop {run.name}")


def delete_run(run: Run, *, silent_too: bool = False) -> Path:
    """Moves a run to ``.trash`` beside it, from where it can be moved back.

    Args:
        run: what to delete.
        silent_too: also a run of another machine from which nothing is heard any more.

    Returns:
        Where it is now.

    Raises:
        RunLockedError: a trainer is at work on it.
        RunError: it is the demo.
    """
    check_deletable(run, silent_too=silent_too)
    path = run.path.expanduser().absolute()  # of a link the link goes, not what it points at
    target = path.parent / TRASH / f"{path.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    check_inside(path.resolve(), LOCK)
    lock = FileLock(path / LOCK)
    try:
        if not lock.acquire(patience=0.1):
            raise RunLockedError(f"the run {run.name} is held by a trainer", f"stop it first: llm-lab stop {run.name}")
        lock.release()  # Windows moves no folder with an open file in it
        target.parent.mkdir(exist_ok=True)
        while target.exists():
            target = target.with_name(f"{target.name}~")
        shutil.move(path, target)
    except OSError as error:
        raise write_error(path, error) from error
    _glances.pop(path.resolve(), None)
    return target


def _run_folders(root: Path) -> list[Path]:
    try:
        return [p for p in root.iterdir() if not p.name.startswith(".") and is_run(p)]
    except OSError:
        return []


def _summary(run: Run) -> RunSummary:
    key = run.path.resolve()
    if len(_glances) > 2000:  # folders that come and go
        _glances.clear()
    reader, glance = _glances.setdefault(key, (StatusReader(run.path), Glance(run.path)))
    try:
        meta = run.meta
        raw = meta.get("config", {})
        status = reader.read() or RunStatus(state="")
        glance.look()
        return RunSummary(
            name=run.name,
            path=run.path,
            state=reader.state(),
            step=max(status.step, glance.step) if status.state in LIVE_STATES else (status.step or glance.step),
            max_steps=status.max_steps or int(raw.get("max_steps", 0)),
            train_loss=glance.train_loss,
            best_val_loss=glance.best_val_loss,
            created=float(meta.get("created") or folder_time(run.path)),
            updated=status.updated or folder_time(run.path / METRICS),
            tokenizer=str(meta.get("tokenizer") or raw.get("tokenizer", "")),
            corpus=str(raw.get("corpus", "")),
            parameters=int(meta.get("parameters") or 0),
            spark=glance.spark,
            message=status.message,
            bundled=run.bundled,
        )
    except (LabError, TypeError, ValueError, AttributeError) as error:
        return RunSummary(run.name, run.path, "unreadable", created=folder_time(run.path), message=str(error))
