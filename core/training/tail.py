"""Reading a growing file of JSON lines: whole lines only, each once, in constant memory.

A last line without its newline waits; a file that was replaced or cut is read again from its start; lines that are no
JSON object are counted and left out. Leaves out what the lines mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from core.files import open_plain

_LONGEST = 64 << 20  # bytes; no event is as long, so what has no newline for so long is junk
_AHEAD = 1 << 20  # bytes that are read from a long file in one go, however few are asked for: opening it costs as much


class ObjectTail(Protocol):
    """What a history reads from: the objects of a growing file, or of whatever stands for one."""

    @property
    def path(self) -> Path:
        """Where it reads."""

    @property
    def offset(self) -> int:
        """Bytes read so far."""

    @property
    def restarted(self) -> bool:
        """Whether the last look found something else in its place, and began again."""

    @property
    def more(self) -> bool:
        """Whether there is more to read at once."""

    @property
    def junk(self) -> int:
        """How much could not be read."""

    def objects(self, max_bytes: int) -> tuple[list[dict[str, Any]], int]:
        """The next objects, each of a kind of events.py, and how many were none."""

    def fresh(self) -> ObjectTail:
        """Another reader of the same, from the start."""


class LineTail:
    """The lines of one file that were not read yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        """Bytes read so far; always the start of a line."""
        self.restarted = False
        """Whether the last ``read`` found another file, or a shorter one, and began again."""
        self.more = False
        """Whether the last ``read`` left whole lines for the next one."""
        self.junk = 0
        """Stretches without a newline that were skipped."""
        self._identity: tuple[int, int] | None = None
        self._size = 0
        self._skipping = False
        self._ahead = b""
        """Whole lines that were read; those before ``_at`` have been handed out."""
        self._at = 0
        self._beyond = False
        """Whether the file has more behind those."""

    def read(self, max_bytes: int = 1 << 20) -> list[bytes]:
        """The next whole lines, without their newlines; one ``stat`` when there are none."""
        return self._block(max_bytes).split(b"\n")[:-1]

    def objects(self, max_bytes: int = 1 << 20) -> tuple[list[dict[str, Any]], int]:
        """The JSON objects of the next lines, and how many lines were none."""
        return parse_block(self._block(max_bytes))

    def _block(self, max_bytes: int) -> bytes:
        """The next whole lines, with their newlines."""
        self.restarted = False
        if self._at == len(self._ahead):
            self._beyond = False
            self._ahead, self._at = self._from_file(max_bytes), 0
        end = len(self._ahead)
        if end - self._at > max_bytes:  # at least one line, however long
            last = self._ahead.rfind(b"\n", self._at, self._at + max_bytes)
            end = (last if last >= 0 else self._ahead.find(b"\n", self._at)) + 1
        block, self._at = self._ahead[self._at : end], end
        self.offset += len(block)
        self.more = self._beyond or end < len(self._ahead)
        if not self.more:
            self._ahead, self._at = b"", 0
        return block

    def _from_file(self, max_bytes: int) -> bytes:
        """Whole lines from where the last ones ended."""
        try:
            found = self.path.stat()
        except OSError:
            return b""
        identity = (found.st_dev, found.st_ino)
        if self._identity is None:
            self._identity = identity
        elif identity != self._identity or found.st_size < self.offset:
            self._restart(identity)
        elif found.st_size == self._size:
            return b""
        try:
            data = self._bytes(max(max_bytes, min(_AHEAD, found.st_size - self.offset)))
        except OSError:
            return b""
        end = data.rfind(b"\n") + 1
        self._beyond = self.offset + len(data) < found.st_size
        if self._skipping:
            start = data.find(b"\n") + 1
            if not start:
                self.offset += len(data)
                return b""
            self._skipping = False
            self.offset += start
        else:
            start = 0
        if not end and len(data) >= _LONGEST:
            self.junk += 1
            self._skipping = True
            self.offset += len(data)
            return b""
        self._size = 0 if self._beyond else found.st_size
        return data[start:end]

    def fresh(self) -> LineTail:
        """Another reader of the same file, from the start."""
        return LineTail(self.path)

    def place(self) -> dict[str, int]:
        """Which file, and how far in it, as JSON values."""
        device, inode = self._identity or (0, 0)
        return {"device": device, "inode": inode, "offset": self.offset, "junk": self.junk}

    def go_on_from(self, place: Mapping[str, int]) -> None:
        """Reads on from where another reader of the same path was; if that is another file by now, from its start."""
        self._identity = place["device"], place["inode"]
        self.offset, self.junk = place["offset"], place["junk"]
        self._ahead, self._at, self._size = b"", 0, 0

    def _restart(self, identity: tuple[int, int]) -> None:
        self.restarted = True
        self._identity = identity
        self.offset = self._size = self.junk = 0
        self._skipping = False

    def _bytes(self, max_bytes: int) -> bytes:
        with open_plain(self.path) as file:
            # Rewritten in place: where our line began there is no longer a line's start.
            data = b""
            if self.offset and not self._skipping:
                file.seek(self.offset - 1)
                data = file.read(1 + max_bytes)
                if not data.startswith(b"\n") and self._identity is not None:
                    self._restart(self._identity)
                    data = b""
            if self.offset and data:
                data = data[1:]
            else:
                file.seek(self.offset)
                data = file.read(max_bytes)
            while b"\n" not in data and not self._skipping and len(data) < _LONGEST:
                further = file.read(max(max_bytes, len(data)))
                if not further:
                    break
                data += further
            return data


def matching_lines(path: Path, offset: int, *marks: bytes) -> tuple[list[bytes], int]:
    """The whole lines from ``offset`` on that hold one of some marks, and where to go on later; a million in 0.1 s."""
    found: list[bytes] = []
    rest = b""
    with open_plain(path) as file:
        file.seek(offset)
        while data := file.read(1 << 20):
            data = rest + data
            end = data.rfind(b"\n") + 1
            rest = data[end:]
            offset += end
            found += [data[start:stop] for start, stop in _lines_with(data, end, marks)]
    return found, offset


def _lines_with(data: bytes, end: int, marks: tuple[bytes, ...]) -> list[tuple[int, int]]:
    """Where the lines before ``end`` that hold one of some marks begin and end, in order.

    >>> _lines_with(b"a1\\nb2\\na3\\nb", 9, (b"a", b"3"))
    [(0, 2), (6, 8)]
    """
    places = set()
    for mark in marks:
        at = data.find(mark, 0, end)
        while at >= 0:
            stop = data.find(b"\n", at)
            places.add((data.rfind(b"\n", 0, at) + 1, stop))
            at = data.find(mark, stop, end)
    return sorted(places)


def parse_lines(lines: list[bytes]) -> tuple[list[dict[str, Any]], int]:
    """The JSON objects of some lines, and how many lines were not one.

    >>> parse_lines([b'{"a":1}', b'{"a":', b"", b"3"])
    ([{'a': 1}], 2)
    """
    return parse_block(b"\n".join(lines) + b"\n") if lines else ([], 0)


def parse_block(block: bytes) -> tuple[list[dict[str, Any]], int]:
    """The JSON objects of whole lines, each with its newline, and how many lines were not one.

    >>> parse_block(b'{"a":1}\\n{"a":\\n')
    ([{'a': 1}], 1)
    """
    import orjson

    try:
        # One call for all lines: three times as fast as one each, and nearly always they are all whole.
        together = orjson.loads(b"[" + block[:-1].replace(b"\n", b",") + b"]")
        if len(together) == block.count(b"\n") and set(map(type, together)) <= {dict}:
            return together, 0
    except orjson.JSONDecodeError:
        pass
    objects, bad = [], 0
    for line in block.split(b"\n")[:-1]:
        if not line.strip():
            continue
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError:
            found = None
        if isinstance(found, dict):
            objects.append(found)
        else:
            bad += 1
    return objects, bad
