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
from core.files import (
    disk_full,
    open_plain,
    read_json,
    replace,
    sync_file,
    sync_folder,
    write_bytes_atomic,
    write_error,
)
from core.training.stored import (
    MODEL,
    OPTIMIZER,
    STATE,
    clean_leftovers,
    list_checkpoints,
    mark_best,
    old_name,
    step_of,
)

if TYPE_CHECKING:
    import torch

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """What a run goes on from."""

    step: int
    model: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]
    state: dict[str, Any]
    """What the trainer put there: schedule, random-number states, best loss, thread count."""


def save_checkpoint(
    run_dir: Path,
    step: int,
    model: Mapping[str, torch.Tensor],
    optimizer: Mapping[str, torch.Tensor],
    state: Mapping[str, Any],
    *,
    best: bool = False,
) -> Path:
    """Writes checkpoint ``step`` and points ``latest`` at it; at no moment is there less than before.

    Args:
        run_dir: the run directory, held by the caller's RunWriter.
        step: optimizer steps done.
        model: weights by name, on any device. Tensors that share memory are written twice.
        optimizer: moments and the like by name; may be empty.
        state: JSON values (``val_loss`` is what lists show), and also bytes, tuples (they return
            as lists), infinite floats, NaN, integers of any size.
        best: whether ``best`` points at it too.

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
        # `latest` comes last: until it is there, a killed run goes on from the one before, as if this one never was.
        if best:
            mark_best(run_dir, step)
        # Not forced to the disk: should a power cut take it, the newest checkpoint is the latest all the same.
        write_bytes_atomic(parent / "latest", f"{target.name}\n".encode(), sync=False)
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
    model, optimizer = _read_tensors(path / MODEL), _read_tensors(path / OPTIMIZER)
    return Checkpoint(body["step"], model, optimizer, body["state"])


def check_model(path: Path) -> dict[str, Any]:
    """Checks every byte of a checkpoint's weights, but not of its optimizer, and returns the trainer's state.

    Raises:
        CheckpointError: as ``load_checkpoint``.
    """
    state: dict[str, Any] = _checked_state(path, (MODEL,))["state"]
    return state


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


def _put_in_place(beside: Path, target: Path) -> None:
    old = old_name(target)
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


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        # Copied: what is only mapped would keep Windows from pruning the file, and change with it.
        return {name: tensor.clone() for name, tensor in load_file(path).items()}
    except (OSError, SafetensorError) as error:  # its checksum is right, and it is no such file all the same
        raise _damaged(path.parent, path.name, str(error)) from None


def _checked_state(path: Path, only: tuple[str, ...] = (MODEL, OPTIMIZER)) -> dict[str, Any]:
    if not path.is_dir():
        raise CheckpointError(f"there is no checkpoint {path}", _offer_before(path))
    body = read_json(path / STATE)
    if body is None or body.get("check") != _check(body):
        raise _damaged(path, STATE, "its content does not match its checksum" if body else "it cannot be read")
    if type(body.get("format")) is int and body["format"] > FORMAT:
        raise CheckpointError(
            f"the checkpoint {path.name} has format {body['format']}, up to {FORMAT} is known here",
            "it was written by a newer version: pip install --upgrade llm-lab",
        )
    if not _makes_sense(body):
        raise _damaged(path, STATE, "it does not say what a checkpoint says")
    for name, expected in body["files"].items():
        if name not in only:
            continue
        try:
            size, found = (path / name).stat().st_size, _sha256(path / name)
        except OSError as error:
            raise _damaged(path, name, error.strerror or str(error)) from error
        if size != expected["bytes"]:
            raise _damaged(path, name, f"it has {size:,} bytes, {expected['bytes']:,} were expected")
        if found != expected["sha256"]:
            raise _damaged(path, name, f"its SHA-256 is {found[:12]}…, {expected['sha256'][:12]}… was expected")
    try:
        return {**body, "state": _rich(body["state"])}
    except (TypeError, ValueError) as error:
        raise _damaged(path, STATE, f"a value in it cannot be read: {error}") from None


def _makes_sense(body: Mapping[str, Any]) -> bool:
    """Whether the parts are there and of their kind: whoever writes a file can make its checksum right too."""
    files = body.get("files")
    return (
        type(body.get("format")) is int
        and type(body.get("step")) is int
        and isinstance(body.get("state"), dict)
        and isinstance(files, dict)
        and files.keys() == {MODEL, OPTIMIZER}
        and all(isinstance(f, dict) and type(f.get("bytes")) is int for f in files.values())
        and all(isinstance(f.get("sha256"), str) for f in files.values())
    )


def _damaged(path: Path, name: str, why: str) -> CheckpointError:
    run = path.parent.parent.name
    return CheckpointError(f"the checkpoint {path.name} of {run} is damaged: {name}, {why}", _offer_before(path))


def _offer_before(path: Path) -> str:
    run_dir = path.parent.parent
    step = step_of(path.name) or 0
    for info in reversed([i for i in list_checkpoints(run_dir) if i.step < step]):
        if _is_whole(info.path):
            return f"the one before is whole: llm-lab train --resume {run_dir.name} --checkpoint {info.step}"
    return "there is no earlier checkpoint that is whole: start the run anew"


def _is_whole(path: Path) -> bool:
    body = read_json(path / STATE)
    if body is None or body.get("check") != _check(body) or not _makes_sense(body):
        return False
    try:
        return all(_sha256(path / name) == expected["sha256"] for name, expected in body["files"].items())
    except OSError:
        return False


def _sha256(path: Path) -> str:
    with open_plain(path) as file:
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
    if isinstance(value, float):  # also numpy's, which is one of Python's but not for JSON
        return float(value) if math.isfinite(value) else {"$float": repr(float(value))}
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
