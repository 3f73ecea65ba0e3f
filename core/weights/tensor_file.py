"""A safetensors file, opened by its header: names, shapes and places at once, values mapped when they are asked for.

Without torch, so that a screen may list and draw tensors before torch is loaded. Every length that the header states
is held against the file before a value is read. Leaves out: what the tensors mean.

The format: 8 bytes (little endian) with the header's length, the header (JSON: name -> dtype, shape, data_offsets),
the data. Source: github.com/huggingface/safetensors, README.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import CheckpointError

LARGEST_HEADER = 100_000_000
"""What the format allows."""

DTYPES: dict[str, tuple[str, str]] = {
    "F64": ("<f8", "float64"),
    "F32": ("<f4", "float32"),
    "F16": ("<f2", "float16"),
    "BF16": ("<u2", "bfloat16"),
    "I64": ("<i8", "int64"),
    "I32": ("<i4", "int32"),
    "I16": ("<i2", "int16"),
    "I8": ("|i1", "int8"),
    "U8": ("|u1", "uint8"),
    "BOOL": ("|b1", "bool"),
}
"""The format's types: numpy's (bfloat16 as the bits it is), and the name that torch gives them."""
FLOATS = ("float64", "float32", "float16", "bfloat16")
_COPY_AGAIN = "copy or fetch it again"


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor of a file."""

    name: str
    dtype: str
    """As torch names it: float32, bfloat16, ..."""
    shape: tuple[int, ...]
    start: int
    """First byte in the file."""
    size: int
    """Bytes."""


class TensorFile:
    """An open safetensors file.

    Args:
        path: the file.

    Raises:
        CheckpointError: it is missing, cut off, or its header lies about lengths.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries, self.metadata = _read_header(path)

    @cached_property
    def _bytes(self) -> NDArray[np.uint8]:
        try:
            return np.memmap(self.path, np.uint8, mode="r")
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.path} cannot be read: {error}", _COPY_AGAIN) from error

    def raw(self, name: str) -> NDArray[Any]:
        """The values as they lie in the file, mapped; bfloat16 as uint16."""
        entry = self.entries[name]
        numpy_type = np.dtype(next(n for n, torch_name in DTYPES.values() if torch_name == entry.dtype))
        data = self._bytes[entry.start : entry.start + entry.size]
        if entry.start % numpy_type.itemsize:  # mapped numbers must lie on their own size
            data = np.array(data)
        return data.view(numpy_type).reshape(entry.shape)

    def array(self, name: str) -> NDArray[np.float32]:
        """The values as float32; mapped where the file holds float32, else a copy."""
        raw = self.raw(name)
        return widened(raw, self.entries[name].dtype)


def widened(raw: NDArray[Any], dtype: str) -> NDArray[np.float32]:
    """Values of a file as float32; bfloat16 is the upper half of one."""
    if dtype == "bfloat16":
        return (raw.astype(np.uint32) << 16).view(np.float32)
    return raw if raw.dtype == np.float32 else raw.astype(np.float32)


def check_floats(file: TensorFile, entry: Entry) -> None:
    """Refuses numbers that stand for others, as those of a quantised model do.

    Raises:
        CheckpointError: the tensor does not hold floating-point numbers.
    """
    if entry.dtype not in FLOATS:
        raise CheckpointError(
            f"{file.path}: the tensor {entry.name} holds {entry.dtype}, one of {', '.join(FLOATS)} was expected",
            "take the model as it was before it was quantised",
        )


def _read_header(path: Path) -> tuple[dict[str, Entry], dict[str, str]]:
    try:
        total = path.stat().st_size
        with path.open("rb") as file:
            first = file.read(8)
            length = struct.unpack("<Q", first)[0] if len(first) == 8 else 0
            if not 2 <= length <= min(LARGEST_HEADER, total - 8):
                raise CheckpointError(
                    f"{path} is no safetensors file: its header would have {length:,} bytes, the file has {total:,}",
                    _COPY_AGAIN,
                )
            header = json.loads(file.read(length))
    except FileNotFoundError:
        raise CheckpointError(f"there is no file {path}", "look for a typing error in the path") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}", "look at its permissions") from None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged: its header is no JSON ({error})", _COPY_AGAIN) from None
    if not isinstance(header, dict):
        raise CheckpointError(f"{path} is damaged: its header is no table of tensors", _COPY_AGAIN)
    metadata = header.pop("__metadata__", None) or {}
    entries = {name: _entry(path, name, raw, 8 + length) for name, raw in header.items()}
    _check_places(path, entries, 8 + length, total)
    return entries, dict(metadata) if isinstance(metadata, Mapping) else {}


def _entry(path: Path, name: str, raw: Any, base: int) -> Entry:
    try:
        numpy_type, dtype = DTYPES[raw["dtype"]]
        shape = tuple(int(size) for size in raw["shape"])
        begin, end = (int(offset) for offset in raw["data_offsets"])
        if min((*shape, begin, end), default=0) < 0:
            raise ValueError("a negative size")
    except KeyError as error:
        raise CheckpointError(f"{path}: the tensor {name} has no readable {error}", _COPY_AGAIN) from None
    except (TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{path} is damaged: the header says of {name}: {error}", _COPY_AGAIN) from None
    expected = np.dtype(numpy_type).itemsize
    for size in shape:
        expected *= size
    if end - begin != expected:
        raise CheckpointError(
            f"{path} is damaged: {name} of shape {'×'.join(map(str, shape))} in {dtype} takes {expected:,} bytes, "
            f"its header gives it {end - begin:,}",
            _COPY_AGAIN,
        )
    return Entry(name, dtype, shape, base + begin, end - begin)


def _check_places(path: Path, entries: Mapping[str, Entry], begin: int, total: int) -> None:
    """Tensors lie side by side, without holes or overlaps, up to the file's last byte."""
    at = begin
    for entry in sorted(entries.values(), key=lambda e: (e.start, e.size)):
        if entry.start != at:
            raise CheckpointError(
                f"{path} is damaged: {entry.name} begins at byte {entry.start:,}, {at:,} was expected", _COPY_AGAIN
            )
        at += entry.size
    if at != total:
        raise CheckpointError(f"{path} is damaged: it has {total:,} bytes, its header says {at:,}", _COPY_AGAIN)
