"""Which weights stand in a run directory: listing, finding, ``latest`` and ``best``, pruning, setting aside.

Nothing here reads weights or imports torch. Writing and reading them is in checkpoints.py.
"""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from core.errors import CheckpointError, RunError
from core.files import open_plain, read_json, replace, write_bytes_atomic, write_error

MODEL, OPTIMIZER, STATE = "model.safetensors", "optimizer.safetensors", "state.json"
_NAME = re.compile(r"step-(\d{6,})(\.safetensors)?")
_OLD = ".old-"  # before the name of a checkpoint that is being replaced by one of the same step


@dataclass(frozen=True)
class CheckpointInfo:
    """A checkpoint on disk, its weights unread."""

    step: int
    path: Path
    best: bool
    latest: bool
    val_loss: float | None
    """Validation loss in nats per token, if the trainer's state says it (key ``val_loss``)."""


@dataclass(frozen=True)
class SnapshotInfo:
    """A light snapshot on disk."""

    step: int
    path: Path


def find_checkpoint(run_dir: Path, which: str | int = "latest") -> Path:
    """The folder of a checkpoint: ``latest``, ``best``, or a step; it is not read yet.

    Raises:
        RunError: there is none; the hint names those that there are.
    """
    infos = list_checkpoints(run_dir)
    if not infos:
        raise RunError(
            f"the run {run_dir.name} has no checkpoint yet",
            f"while it runs, ask for one: llm-lab checkpoint {run_dir.name}; otherwise start it anew",
        )
    if which == "latest":
        return next((i.path for i in infos if i.latest), infos[-1].path)
    if which == "best":
        best = next((i.path for i in infos if i.best), None)
        if best is not None:
            return best
        raise RunError(
            f"the run {run_dir.name} has marked no checkpoint as its best yet",
            f"take the latest, {run_dir.name}@{infos[-1].step}",
        )
    wanted = str(which)
    found = next((i.path for i in infos if wanted.isdecimal() and i.step == int(wanted)), None)
    if found is None:
        there = ", ".join(str(i.step) for i in infos)
        raise RunError(
            f"the run {run_dir.name} has no checkpoint {wanted!r}", f"there are latest, best, and the steps {there}"
        )
    return found


def list_checkpoints(run_dir: Path) -> list[CheckpointInfo]:
    """The checkpoints on disk by step; weights are not read, so a damaged one is listed too."""
    parent = run_dir / "checkpoints"
    latest, best = _pointer(parent / "latest"), _pointer(parent / "best")
    infos = []
    for step, path in _steps(parent, folders=True):
        state = (read_json(path / STATE) or {}).get("state")
        val_loss = state.get("val_loss") if isinstance(state, dict) else None
        infos.append(
            CheckpointInfo(
                step,
                path,
                best=path.name.removeprefix(_OLD) == best,
                latest=path.name.removeprefix(_OLD) == latest,
                val_loss=float(val_loss) if isinstance(val_loss, (int, float)) else None,
            )
        )
    return infos


def list_snapshots(run_dir: Path) -> list[SnapshotInfo]:
    """The light snapshots on disk by step."""
    return [SnapshotInfo(step, path) for step, path in _steps(run_dir / "snapshots", folders=False)]


def mark_best(run_dir: Path, step: int) -> None:
    """Points ``best`` at the checkpoint of ``step``, which must stand."""
    target = run_dir / "checkpoints" / f"step-{step:06d}"
    if not target.is_dir():
        raise CheckpointError(f"the run {run_dir.name} has no checkpoint {step} to mark", "save it before it is marked")
    write_bytes_atomic(target.parent / "best", f"{target.name}\n".encode())


def prune(run_dir: Path, keep: int) -> list[Path]:
    """Removes all checkpoints but the last ``keep``, the best and the latest; returns those removed.

    The steps say which are the last, not the times at which they were saved: a clock may have been set back.
    """
    infos = list_checkpoints(run_dir)
    removed = []
    for path in [i.path for i in infos[: max(0, len(infos) - max(1, keep))] if not i.best and not i.latest]:
        # Renamed first: a kill in the middle of removing must not leave half a checkpoint under a good name.
        gone = path.with_name(f".tmp-pruned-{path.name}")
        try:
            replace(path, gone)
        except OSError:  # somebody reads it (Windows); the next time it goes
            continue
        shutil.rmtree(gone, ignore_errors=True)
        removed.append(path)
    return removed


def set_aside_after(run_dir: Path, step: int) -> list[Path]:
    """Moves checkpoints and snapshots beyond ``step`` to ``set-aside/``, for a run that goes on from ``step``.

    They belong to a future that the run no longer has; nothing is deleted. ``best`` becomes the best of those left.

    Returns:
        Where they are now.
    """
    late = [i.path for i in list_checkpoints(run_dir) if i.step > step]
    late += [s.path for s in list_snapshots(run_dir) if s.step > step]
    if not late:
        return []
    moved = []
    aside = run_dir / "set-aside" / time.strftime("%Y%m%d-%H%M%S")
    try:
        for path in late:
            place = aside / path.parent.name / path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            while place.exists():
                place = place.with_name(f"{place.name}~")
            replace(path, place)
            moved.append(place)
    except OSError as error:
        raise write_error(aside, error) from error
    left = list_checkpoints(run_dir)
    if left and not any(i.latest for i in left):
        write_bytes_atomic(left[-1].path.parent / "latest", f"{left[-1].path.name}\n".encode())
    if not any(i.best for i in left):
        (run_dir / "checkpoints" / "best").unlink(missing_ok=True)
        rated = [i for i in left if i.val_loss is not None]
        if rated:
            mark_best(run_dir, min(rated, key=lambda i: (i.val_loss, i.step)).step)
    return moved


def clean_leftovers(run_dir: Path) -> None:
    """Removes what a killed writer left half-written, and puts back what it had moved away; needs the run's lock."""
    for parent in (run_dir / "checkpoints", run_dir / "snapshots"):
        if not parent.is_dir():
            continue
        for left in parent.glob(f"{_OLD}step-*"):
            home = left.with_name(left.name.removeprefix(_OLD))
            if home.exists():
                shutil.rmtree(left, ignore_errors=True)
            else:
                replace(left, home)
        for left in [*parent.glob(".tmp*"), *parent.glob(".*.tmp")]:  # ours, and .tmpNxtS6l, which safetensors begins
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def step_of(name: str) -> int | None:
    """The step in the name of a checkpoint or snapshot.

    >>> step_of("step-000500"), step_of("step-000500.safetensors"), step_of("notes")
    (500, 500, None)
    """
    match = _NAME.fullmatch(name.removeprefix(_OLD))
    return int(match[1]) if match else None


def _steps(parent: Path, *, folders: bool) -> list[tuple[int, Path]]:
    try:
        paths = list(parent.iterdir())
    except OSError:
        return []
    names = {path.name for path in paths}
    found = []
    for path in paths:
        step = step_of(path.name)
        # A writer that is killed between two renames leaves a whole checkpoint under its other name.
        replaced = path.name.startswith(_OLD) and path.name.removeprefix(_OLD) in names
        if step is not None and not replaced and folders == (not path.name.endswith(".safetensors")):
            found.append((step, path))
    return sorted(found)


def old_name(path: Path) -> Path:
    """Where a checkpoint waits while one of the same step takes its place."""
    return path.with_name(f"{_OLD}{path.name}")


def _pointer(path: Path) -> str:
    try:
        with open_plain(path) as file:
            return file.read(1000).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
