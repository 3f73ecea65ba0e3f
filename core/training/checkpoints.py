"""Weights in the run directory: full checkpoints that a run goes on from, and light snapshots for the time machine.

A checkpoint is a folder of safetensors and JSON, never pickle, written under another name and renamed into place with
the SHA-256 of each file: what has the right name is whole, and a byte that flipped later is noticed. Torch is imported
only when weights are read or written.

    checkpoints/step-000500/   model.safetensors  optimizer.safetensors  state.json
    checkpoints/latest, best   one line of text each: the name of a folder beside them
    snapshots/step-000500.safetensors
"""

from __future__ import annotations

import base64
import hashlib
import math
import os
import re
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import CheckpointError, LabError
from core.training.files import (
    disk_full,
    read_json,
    replace,
    sync_file,
    sync_folder,
    write_bytes_atomic,
    write_error,
)

if TYPE_CHECKING:
    import torch

FORMAT = 1
MODEL, OPTIMIZER, STATE = "model.safetensors", "optimizer.safetensors", "state.json"
_NAME = re.compile(r"step-(\d{6,})(\.safetensors)?")


@dataclass(frozen=True)
class Checkpoint:
    """What a run goes on from."""

    step: int
    model: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]
    state: dict[str, Any]
    """What the trainer put there: schedule, random-number states, best loss, thread count."""


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


def save_checkpoint(
    run_dir: Path,
    step: int,
    model: Mapping[str, torch.Tensor],
    optimizer: Mapping[str, torch.Tensor],
    state: Mapping[str, Any],
) -> Path:
    """Writes checkpoint ``step`` and points ``latest`` at it; at no moment is there less than before.

    Args:
        run_dir: the run directory, held by the caller's RunWriter.
        step: optimizer steps done.
        model: weights by name, on any device. Tensors that share memory are written twice.
        optimizer: moments and the like by name; may be empty.
        state: JSON values, and also bytes, tuples (they return as lists), infinite floats, NaN, integers of any size.

    Returns:
        The checkpoint's folder.

    Raises:
        DiskFullError: no space left; nothing half-written stays, earlier checkpoints are untouched.
    """
    import orjson

    parent = run_dir / "checkpoints"
    target = parent / f"step-{step:06d}"
    beside = parent / f".tmp-{target.name}-{os.getpid()}"
    try:
        parent.mkdir(exist_ok=True)
        clean_leftovers(run_dir)
        beside.mkdir()
        files = {}
        for name, tensors in ((MODEL, model), (OPTIMIZER, optimizer)):
            _write_tensors(beside / name, tensors, {"step": str(step)})
            files[name] = {"sha256": _sha256(beside / name), "bytes": (beside / name).stat().st_size}
        body = {"format": FORMAT, "step": step, "saved": time.time(), "files": files, "state": _plain(dict(state))}
        body["check"] = _check(body)
        (beside / STATE).write_bytes(orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE))
        sync_file(beside / STATE)
        sync_folder(beside)
        _put_in_place(beside, target)
        write_bytes_atomic(parent / "latest", f"{target.name}\n".encode())
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise write_error(target, error) from error
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return target


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint into memory (CPU) after checking every byte of it.

    Raises:
        CheckpointError: it is missing or damaged; the hint offers the newest earlier one that is whole.
    """
    body = _checked_state(path)
    from safetensors.torch import load_file

    return Checkpoint(
        step=body["step"],
        model=load_file(path / MODEL),
        optimizer=load_file(path / OPTIMIZER),
        state=_rich(body["state"]),
    )


def verify_checkpoint(path: Path) -> None:
    """Reads every byte of a checkpoint and compares; raises as ``load_checkpoint`` does."""
    _checked_state(path)


def find_checkpoint(run_dir: Path, which: str | int = "latest") -> Path:
    """The folder of a checkpoint: ``latest``, ``best``, or a step; it is not read yet.

    Raises:
        CheckpointError: there is none; the hint names those that there are.
    """
    infos = list_checkpoints(run_dir)
    if not infos:
        raise CheckpointError(
            f"the run {run_dir.name} has no checkpoint yet",
            f"while it runs, ask for one: llm-lab checkpoint {run_dir.name}; otherwise start it anew",
        )
    if which == "latest":
        return next((i.path for i in infos if i.latest), infos[-1].path)
    if which == "best":
        best = next((i.path for i in infos if i.best), None)
        if best is not None:
            return best
        raise CheckpointError(
            f"the run {run_dir.name} has marked no checkpoint as its best yet",
            f"take the latest, {run_dir.name}@{infos[-1].step}",
        )
    wanted = str(which)
    found = next((i.path for i in infos if wanted.isdecimal() and i.step == int(wanted)), None)
    if found is None:
        there = ", ".join(str(i.step) for i in infos)
        raise CheckpointError(
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
                best=path.name == best,
                latest=path.name == latest,
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
    """Removes all checkpoints but the ``keep`` that were saved last, the best and the latest; returns those removed."""
    infos = list_checkpoints(run_dir)
    by_age = sorted(infos, key=lambda i: _saved(i.path))
    doomed = [i.path for i in by_age[: max(0, len(by_age) - max(1, keep))] if not i.best and not i.latest]
    for path in doomed:
        # Renamed first: a kill in the middle of removing must not leave half a checkpoint under a good name.
        gone = path.with_name(f".tmp-pruned-{path.name}-{os.getpid()}")
        replace(path, gone)
        shutil.rmtree(gone, ignore_errors=True)
    return doomed


def set_aside_after(run_dir: Path, step: int) -> list[Path]:
    """Moves checkpoints and snapshots beyond ``step`` to ``set-aside/``, for a run that goes on from ``step``.

    They belong to a future that the run no longer has; nothing is deleted.

    Returns:
        Where they are now.
    """
    late = [i.path for i in list_checkpoints(run_dir) if i.step > step]
    late += [s.path for s in list_snapshots(run_dir) if s.step > step]
    if not late:
        return []
    moved = []
    aside = run_dir / "set-aside" / time.strftime("%Y%m%d-%H%M%S")
    for path in late:
        place = aside / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        free = place / path.name
        while free.exists():
            free = free.with_name(f"{free.name}~")
        replace(path, free)
        moved.append(free)
    left = list_checkpoints(run_dir)
    pointers = {"latest": left[-1].path.name if left else None, "best": None}
    for name, instead in pointers.items():
        pointer = run_dir / "checkpoints" / name
        if pointer.exists() and not (pointer.parent / _pointer(pointer)).is_dir():
            if instead is None:
                pointer.unlink()
            else:
                write_bytes_atomic(pointer, f"{instead}\n".encode())
    return moved


def save_snapshot(run_dir: Path, step: int, tensors: Mapping[str, torch.Tensor]) -> Path:
    """Writes the weights alone in 16 bits (float16; bfloat16 for a tensor whose values float16 cannot hold).

    Raises:
        DiskFullError: no space left; nothing half-written stays.
    """
    import torch

    target = run_dir / "snapshots" / f"step-{step:06d}.safetensors"
    beside = target.with_name(f".tmp-{target.name}-{os.getpid()}")
    half = {}
    for name, tensor in tensors.items():
        narrow = tensor.detach()
        if narrow.dtype in (torch.float32, torch.float64):
            peak = float(narrow.abs().max()) if narrow.numel() else 0.0
            narrow = narrow.to(torch.float16 if peak < 65504 else torch.bfloat16)
        half[name] = narrow
    try:
        target.parent.mkdir(exist_ok=True)
        _write_tensors(beside, half, {"step": str(step)})
        replace(beside, target)
        sync_folder(target.parent)
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return target


def clean_leftovers(run_dir: Path) -> None:
    """Removes what a killed writer left half-written, and puts back what it had moved away; needs the run's lock."""
    for parent in (run_dir / "checkpoints", run_dir / "snapshots"):
        if not parent.is_dir():
            continue
        for left in parent.glob(".old-step-*"):
            home = left.with_name(left.name.removeprefix(".old-"))
            if home.exists():
                shutil.rmtree(left, ignore_errors=True)
            else:
                replace(left, home)
        for left in [*parent.glob(".tmp-*"), *parent.glob(".*.tmp")]:
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _put_in_place(beside: Path, target: Path) -> None:
    old = target.with_name(f".old-{target.name}")
    if target.exists():  # saved again at the same step: a kill between the two renames is mended by clean_leftovers
        replace(target, old)
    replace(beside, target)
    sync_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: dict[str, str]) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    seen: set[int] = set()
    own = {}
    for name, tensor in tensors.items():
        plain = tensor.detach().contiguous()
        key = plain.untyped_storage().data_ptr()
        own[name] = plain.clone() if key in seen and plain.numel() else plain
        seen.add(key)
    try:
        save_file(own, path, metadata={"format": "pt", **metadata})
    except SafetensorError as error:
        if re.search(r"os error (28|27|122|112|39)\b", str(error)):
            raise disk_full(path) from error
        raise LabError(f"{path} cannot be written: {error}", "look at the disk and the permissions there") from error
    sync_file(path)


def _checked_state(path: Path) -> dict[str, Any]:
    if not path.is_dir():
        raise CheckpointError(f"there is no checkpoint {path}", _offer_before(path))
    body = read_json(path / STATE)
    if body is None or body.get("check") != _check(body):
        raise _damaged(path, STATE, "its content does not match its checksum" if body else "it cannot be read")
    if body["format"] > FORMAT:
        raise CheckpointError(
            f"the checkpoint {path.name} has format {body['format']}, up to {FORMAT} is known here",
            "it was written by a newer version: pip install --upgrade llm-lab",
        )
    for name, expected in body["files"].items():
        try:
            size, found = (path / name).stat().st_size, _sha256(path / name)
        except OSError as error:
            raise _damaged(path, name, error.strerror or str(error)) from error
        if size != expected["bytes"]:
            raise _damaged(path, name, f"it has {size:,} bytes, {expected['bytes']:,} were expected")
        if found != expected["sha256"]:
            raise _damaged(path, name, f"its SHA-256 is {found[:12]}…, {expected['sha256'][:12]}… was expected")
    return body


def _damaged(path: Path, name: str, why: str) -> CheckpointError:
    run = path.parent.parent.name
    return CheckpointError(f"the checkpoint {path.name} of {run} is damaged: {name}, {why}", _offer_before(path))


def _offer_before(path: Path) -> str:
    run_dir = path.parent.parent
    match = _NAME.fullmatch(path.name)
    step = int(match[1]) if match else 0
    for info in reversed([i for i in list_checkpoints(run_dir) if i.step < step]):
        if _is_whole(info.path):
            return f"the one before is whole: llm-lab train --resume {run_dir.name} --checkpoint {info.step}"
    return "there is no earlier checkpoint that is whole: start the run anew"


def _is_whole(path: Path) -> bool:
    body = read_json(path / STATE)
    if body is None or body.get("check") != _check(body):
        return False
    try:
        return all(_sha256(path / name) == expected["sha256"] for name, expected in body["files"].items())
    except OSError:
        return False


def _steps(parent: Path, *, folders: bool) -> list[tuple[int, Path]]:
    try:
        paths = list(parent.iterdir())
    except OSError:
        return []
    found = []
    for path in paths:
        match = _NAME.fullmatch(path.name)
        if match and folders == (match[2] is None):
            found.append((int(match[1]), path))
    return sorted(found)


def _pointer(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _saved(path: Path) -> float:
    return float((read_json(path / STATE) or {}).get("saved", 0.0))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(body: Mapping[str, Any]) -> str:
    import orjson

    rest = {k: v for k, v in body.items() if k != "check"}
    return hashlib.sha256(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _plain(value: Any) -> Any:
    """JSON values for what JSON does not have, each as an object with one key that begins with a dollar."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return {"$int": str(value)}
    return value


def _rich(value: Any) -> Any:
    if isinstance(value, list):
        return [_rich(v) for v in value]
    if isinstance(value, dict):
        if len(value) == 1:
            (key, inner), *_ = value.items()
            if key == "$bytes":
                return base64.b64decode(inner)
            if key == "$float":
                return float(inner)
            if key == "$int":
                return int(inner)
        return {k: _rich(v) for k, v in value.items()}
    return value
