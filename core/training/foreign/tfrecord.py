"""The framing of TensorBoard's event files: records of any bytes, each with two checksums.

Length (8 bytes, little endian), masked CRC-32C of these, the bytes, masked CRC-32C of the bytes, as TensorFlow's
``core/lib/io/record_writer.h`` and the page "TFRecord and tf.train.Example" of its guide describe it. The reader
follows a file that grows, in bounded memory. Leaves out compression, which event files don't use, and what is in the
records (summaries.py).
"""

from __future__ import annotations

import struct
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.files import open_plain

HEADER, FOOTER = 12, 4
LONGEST = 1 << 20
"""Bytes; no record of scalars is as long, so longer ones (graphs, images, audio) are passed over unread."""
_MANY = 24  # records of one length from which checking them together is faster
_WIDE = 4096


@cache
def _table() -> list[int]:
    table = []
    for n in range(256):
        crc = n
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


def crc32c(data: bytes) -> int:
    """The Castagnoli checksum (RFC 3720, appendix B.4).

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    """A checksum as it is stored: turned and shifted, so that the checksum of checksums stays a good one."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def frame(data: bytes) -> bytes:
    """One record, ready to be appended to a file."""
    length = struct.pack("<Q", len(data))
    return b"".join((length, struct.pack("<I", length_crc(length)), data, struct.pack("<I", masked(crc32c(data)))))


@lru_cache(4096)
def length_crc(length: bytes) -> int:
    """The masked checksum of a length; lengths repeat."""
    return masked(crc32c(length))


def crc32c_of_rows(rows: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The masked checksums of many records of one length at once.

    Args:
        rows: (n, length).

    Returns:
        (n,)
    """
    table = np.array(_table(), dtype=np.uint32)
    crc = np.full(len(rows), 0xFFFFFFFF, dtype=np.uint32)
    for column in np.ascontiguousarray(rows.T):
        crc = table[(crc ^ column) & 0xFF] ^ crc >> np.uint32(8)
    crc ^= np.uint32(0xFFFFFFFF)
    turned = crc >> np.uint32(15) | crc << np.uint32(17)
    return turned + np.uint32(0xA282EAD8)


class RecordTail:
    """The records of one file that were not read yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        """Bytes read so far; always the start of a record, or of what cannot be read."""
        self.more = False
        """Whether the last ``read`` left whole records for the next one."""
        self.restarted = False
        """Whether the last ``read`` found another file, or a shorter one, and began again."""
        self._damaged = 0
        self._identity: tuple[int, int] | None = None
        self.seen = -1
        """The file's size when it was last read to its end, as far as that could be; -1 while there is more."""
        self._lost = False  # where the next record begins is not known
        self._last_bad = False

    @property
    def junk(self) -> int:
        """Records and stretches that could not be read; a last one may yet become whole."""
        return self._damaged + self._last_bad

    def read(self, max_bytes: int = 1 << 18) -> list[bytes]:
        """The next records' bytes; a torn last record waits. One ``stat`` when there are none."""
        self.more = self.restarted = False
        try:
            found = self.path.stat()
            identity = (found.st_dev, found.st_ino)
            if self._identity is not None and (identity != self._identity or found.st_size < self.offset):
                self._restart()
            self._identity = identity
            if found.st_size == self.seen:
                return []
            self.seen = found.st_size
            with open_plain(self.path) as file:
                file.seek(self.offset)
                data = file.read(max_bytes)
                records, done = self._records(data, found.st_size)
                if not done and self.offset + len(data) < found.st_size:  # one record longer than that
                    data += file.read(LONGEST + HEADER + FOOTER)
                    records, done = self._records(data, found.st_size)
        except OSError:
            return []
        self.offset += done
        self.more = done > 0 and self.offset < found.st_size
        self.seen = -1 if self.more else found.st_size
        return records

    def _restart(self) -> None:
        self.offset = self._damaged = 0
        self.seen = -1
        self._lost = self._last_bad = False
        self.restarted = True

    def _records(self, data: bytes, size: int) -> tuple[list[bytes], int]:
        """The whole records of some bytes of a file of ``size`` bytes, and how far that is."""
        spans: list[tuple[int, int]] = []
        at = 0
        self._last_bad = False
        while at + HEADER <= len(data):
            head = data[at : at + 8]
            if self._lost or length_crc(head) != int.from_bytes(data[at + 8 : at + HEADER], "little"):
                if not self._lost:
                    self._damaged += 1
                found = next_header(data, at + (not self._lost))
                self._lost = found is None
                at = len(data) - HEADER + 1 if found is None else found
                if found is None:
                    break
                continue
            length = int.from_bytes(head, "little")
            end = at + HEADER + length + FOOTER
            if self.offset + end > size:
                break  # torn: it waits
            if length > LONGEST:
                at = end
                continue
            if end > len(data):
                break
            spans.append((at + HEADER, length))
            at = end
        good = self._checked(data, spans, size)
        if self._last_bad:
            at = spans[-1][0] - HEADER  # half of it may be on its way still
        return [data[start : start + length] for start, length in good], at

    def _checked(self, data: bytes, spans: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
        raw = np.frombuffer(data, dtype=np.uint8)
        bad: set[int] = set()
        by_length: dict[int, list[int]] = {}
        for start, length in spans:
            by_length.setdefault(length, []).append(start)
        for length, starts in by_length.items():
            if len(starts) >= _MANY and length <= _WIDE:
                rows = raw[np.array(starts)[:, None] + np.arange(length + FOOTER)]
                said = np.ascontiguousarray(rows[:, length:]).view("<u4")[:, 0]
                wrong = crc32c_of_rows(rows[:, :length]) != said
                bad.update(s for s, w in zip(starts, wrong.tolist(), strict=True) if w)
            else:
                for start in starts:
                    end = start + length
                    if masked(crc32c(data[start:end])) != int.from_bytes(data[end : end + FOOTER], "little"):
                        bad.add(start)
        if not bad:
            return spans
        last, length = spans[-1]
        self._last_bad = last in bad and self.offset + last + length + FOOTER == size
        self._damaged += len(bad) - self._last_bad
        return [span for span in spans if span[0] not in bad]


def next_header(data: bytes, start: int) -> int | None:
    """Where the next length with its right checksum stands, from ``start`` on; a way back into a damaged file."""
    raw = np.frombuffer(data, dtype=np.uint8)[start:]
    if len(raw) < HEADER:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(raw, HEADER)
    said = np.ascontiguousarray(windows[:, 8:]).view("<u4")[:, 0]
    hits = np.flatnonzero(crc32c_of_rows(windows[:, :8]) == said)
    return start + int(hits[0]) if len(hits) else None
