"""A safetensors file written tensor by tensor: the header first, then each tensor at its place. No torch.

Never holds more than one tensor. The caller hands in a name beside the final one and renames it when it is whole.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

_PIECE = 1 << 22  # numbers that are brought into order at once where a tensor is a transposed view


@dataclass(frozen=True, slots=True)
class Planned:
    """A tensor of float32 that will be written."""

    name: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """What it takes."""
        return 4 * int(np.prod(self.shape, dtype=np.int64))


class TensorWriter:
    """Writes the planned tensors, in any order.

    Args:
        path: where, not the final name.
        plan: what will come; all of it must.
        metadata: strings for the header.
    """

    def __init__(self, path: Path, plan: Sequence[Planned], metadata: Mapping[str, str]) -> None:
        header = _header(plan, metadata)
        self.bytes_total = len(header) + sum(tensor.bytes for tensor in plan)
        self._places: dict[str, tuple[int, Planned]] = {}
        at = len(header)
        for tensor in plan:
            self._places[tensor.name] = at, tensor
            at += tensor.bytes
        self._file = path.open("wb")
        try:
            self._file.truncate(at)
            self._file.write(header)
        except BaseException:
            self._file.close()
            raise
        self.bytes_done = len(header)

    def write(self, name: str, values: NDArray[np.float32]) -> None:
        """Writes one tensor; a transposed view is brought into order piece by piece."""
        at, tensor = self._places.pop(name)
        assert values.shape == tensor.shape and values.dtype == np.float32, (name, values.shape, values.dtype)
        self._file.seek(at)
        if values.flags.c_contiguous:
            self._file.write(values.data)
        else:
            rows = max(1, _PIECE // max(1, values.shape[-1]))
            for start in range(0, values.shape[0], rows):
                self._file.write(np.ascontiguousarray(values[start : start + rows]).data)
        self.bytes_done += tensor.bytes

    def finish(self) -> None:
        """Forces the file to the disk; every planned tensor must have come."""
        assert not self._places, f"not written: {list(self._places)}"
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()


def _header(plan: Sequence[Planned], metadata: Mapping[str, str]) -> bytes:
    table: dict[str, object] = {"__metadata__": dict(metadata)}
    at = 0
    for tensor in plan:
        table[tensor.name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + tensor.bytes]}
        at += tensor.bytes
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that mapped numbers lie on their own size
    return struct.pack("<Q", len(text)) + text
