"""The few messages of TensorBoard's event files that hold scalars, in protocol buffers' wire format.

Field numbers are those of ``event.proto``, ``summary.proto`` and ``tensor.proto`` in ``tensorboard/compat/proto``; the
wire format is the page "Encoding" of the protocol buffers' guide. Both kinds of scalar are read: ``simple_value``
(PyTorch, TensorFlow 1) and tensors of one number (TensorFlow 2). Leaves out every other kind of summary.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_DTYPES = {
    1: "<f4",
    2: "<f8",
    3: "<i4",
    4: "u1",
    5: "<i2",
    6: "i1",
    9: "<i8",
    17: "<u2",
    19: "<f2",
    22: "<u4",
    23: "<u8",
}
_BFLOAT16, _HALF = 14, 19
_PACKED = {5: "<f4", 6: "<f8"}  # float_val, double_val
_COUNTS = (7, 10, 16, 17)  # int_val, int64_val, uint32_val, uint64_val
_HALF_VAL = 13
_MOST = 1000  # tags whose layout is remembered
START = 1
"""SessionLog.START: a program began to write; what an earlier one wrote from this step on no longer counts."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One number of one record."""

    tag: str
    value: float


@dataclass(frozen=True, slots=True)
class Record:
    """What a record says, as far as it is of use here."""

    wall_time: float
    """Unix time."""
    step: int
    scalars: tuple[Scalar, ...] = ()
    others: tuple[str, ...] = ()
    """Tags of what is no scalar."""
    start: bool = False
    version: str = ""


class Decoder:
    """Reads records; remembers how those of a tag are laid out, since they differ in step, time and number alone."""

    def __init__(self) -> None:
        self._tags: dict[bytes, str] = {}

    def __call__(self, data: bytes) -> Record:
        """One record.

        Raises:
            ValueError: it is no event.
        """
        if len(data) > 15 and data[0] == 0x09:
            at, step = 9, 0
            if data[9] == 0x10:
                step, at = _varint(data, 10)
            tag = self._tags.get(data[at:-4])
            if tag is not None:
                wall, value = struct.unpack_from("<d", data, 1)[0], struct.unpack_from("<f", data, len(data) - 4)[0]
                return Record(wall, _signed(step), (Scalar(tag, value),))
            record = decode(data)
            ends_in_number = len(record.scalars) == 1 and not record.others and data[-5] == 0x15
            if ends_in_number and len(self._tags) < _MOST and _is_simple(data[at:]):
                self._tags[data[at:-4]] = record.scalars[0].tag
            return record
        return decode(data)


def decode(data: bytes) -> Record:
    """One record, read field by field."""
    wall, step, start, version = 0.0, 0, False, ""
    scalars: list[Scalar] = []
    others: list[str] = []
    for number, value in fields(data):
        if number == 1 and isinstance(value, bytes) and len(value) == 8:
            wall = struct.unpack("<d", value)[0]
        elif number == 2 and isinstance(value, int):
            step = _signed(value)
        elif number == 3 and isinstance(value, bytes):
            version = value.decode("utf-8", "replace")
        elif number == 5 and isinstance(value, bytes):
            for inner, one in fields(value):
                if inner == 1 and isinstance(one, bytes):
                    _take(one, scalars, others)
        elif number == 7 and isinstance(value, bytes):
            start = any(n == 1 and v == START for n, v in fields(value))
    return Record(wall, step, tuple(scalars), tuple(others), start, version)


def _take(data: bytes, scalars: list[Scalar], others: list[str]) -> None:
    """One summary value: its tag and, if it is one number, that number."""
    tag, plugin, found = "", "", None
    for number, value in fields(data):
        if number == 1 and isinstance(value, bytes):
            tag = value.decode("utf-8", "replace")
        elif number == 2 and isinstance(value, bytes) and len(value) == 4:
            found = struct.unpack("<f", value)[0]
        elif number == 8 and isinstance(value, bytes):
            found = tensor_number(value)
        elif number == 9 and isinstance(value, bytes):
            plugin = _plugin(value)
    if found is not None and plugin in ("", "scalars"):
        scalars.append(Scalar(tag, found))
    elif tag:
        others.append(tag)


def _plugin(data: bytes) -> str:
    for number, value in fields(data):
        if number == 1 and isinstance(value, bytes):
            return next((v.decode("utf-8", "replace") for n, v in fields(value) if n == 1 and isinstance(v, bytes)), "")
    return ""


def tensor_number(data: bytes) -> float | None:
    """The number in a tensor of one number; None for a tensor of any other size or kind."""
    dtype, content = 0, b""
    listed: list[float] = []
    for number, value in fields(data):
        if number == 1 and isinstance(value, int):
            dtype = value
        elif number == 4 and isinstance(value, bytes):
            content = value
        elif number in _PACKED and isinstance(value, bytes):
            listed += np.frombuffer(value, _PACKED[number]).tolist() if len(value) <= 64 else [0.0, 0.0]
        elif number in (*_COUNTS, _HALF_VAL):
            whole = [value] if isinstance(value, int) else list(_varints(value)) if len(value) <= 64 else [0, 0]
            listed += [_from_bits(v, dtype) if number == _HALF_VAL else _count(v, number) for v in whole]
    if content:
        if dtype == _BFLOAT16 and len(content) == 2:
            return _from_bits(int.from_bytes(content, "little"), dtype)
        kind = _DTYPES.get(dtype)
        one = kind is not None and len(content) == np.dtype(kind).itemsize
        return float(np.frombuffer(content, kind)[0]) if one else None
    return float(listed[0]) if len(listed) == 1 and (dtype in _DTYPES or dtype == _BFLOAT16) else None


def _count(value: int, number: int) -> float:
    return float(value if number in (16, 17) else _signed(value))


def _from_bits(bits: int, dtype: int) -> float:
    bits &= 0xFFFF
    if dtype == _BFLOAT16:
        return float(struct.unpack("<f", struct.pack("<I", bits << 16))[0])
    return float(struct.unpack("<e", struct.pack("<H", bits))[0])


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values of a message, those of fixed width as bytes.

    >>> list(fields(bytes.fromhex("089601")))
    [(1, 150)]
    """
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == BYTES:
            length, at = _varint(data, at)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise ValueError(f"a wire type from 0 to 5 was expected, got {kind}")
        if at + length > end:
            raise ValueError("a field is longer than its message")
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number has no end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7


def _varints(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _is_simple(summary: bytes) -> bool:
    """Whether all that follows the step is one summary with one ``simple_value`` at its very end."""
    try:
        [(five, body)] = fields(summary)
        [(one, value)] = fields(body) if isinstance(body, bytes) else []
        parts = list(fields(value)) if isinstance(value, bytes) else []
    except ValueError:
        return False
    return (five, one) == (5, 1) and [n for n, _ in parts] == [1, 2]


# --- writing


def _put_varint(value: int) -> bytes:
    out = bytearray()
    value &= 0xFFFFFFFFFFFFFFFF
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _put_bytes(number: int, data: bytes) -> bytes:
    return _put_varint(number << 3 | BYTES) + _put_varint(len(data)) + data


def _place(wall_time: float, step: int) -> bytes:
    return b"\x09" + struct.pack("<d", wall_time) + (b"\x10" + _put_varint(step) if step else b"")


def encode_scalars(wall_time: float, step: int, values: Mapping[str, float]) -> bytes:
    """An event with a summary of numbers.

    >>> decode(encode_scalars(1.5, 3, {"train/loss": 0.25})).scalars
    (Scalar(tag='train/loss', value=0.25),)
    """
    summary = b"".join(
        _put_bytes(1, _put_bytes(1, tag.encode()) + b"\x15" + np.float32(value).tobytes())
        for tag, value in values.items()
    )
    return _place(wall_time, step) + _put_bytes(5, summary)


def encode_version(wall_time: float) -> bytes:
    """The event that every file begins with."""
    return _place(wall_time, 0) + _put_bytes(3, b"brain.Event:2")


def encode_start(wall_time: float, step: int) -> bytes:
    """Says that what an earlier file holds from ``step`` on no longer counts."""
    return _place(wall_time, step) + _put_bytes(7, b"\x08\x01")
