"""TensorBoard's event files as a run: one folder, with the folders of its parts (``train/``, ``validation/``).

Read by our own small parser: the ``tensorboard`` package imports TensorFlow where that is installed, keeps all that it
reads, and is not there for most people. Files of one folder follow each other by name, as TensorBoard takes them;
folders are read side by side in the order of their clocks.
"""

from __future__ import annotations

import math
import os
import re
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from core.training.foreign.facts import Facts, plain
from core.training.foreign.rows import Row, Rows, resume
from core.training.foreign.summaries import Decoder, Record
from core.training.foreign.tags import PERCENT, meaning, normal
from core.training.foreign.tfrecord import RecordTail

MARK = "tfevents"
_PARTS = re.compile(r"(.*[_-])?(train|training|val|valid|validation|eval|evaluation|test)", re.IGNORECASE)
_MOST_FILES = 2000
_APART = 10_000  # rows by which one folder may be ahead of another


def is_event_file(name: str) -> bool:
    """Whether a file has a name as TensorBoard looks for.

    >>> is_event_file("events.out.tfevents.1700000000.host.1.0"), is_event_file("notes.txt")
    (True, False)
    """
    return MARK in name and not name.endswith((".profile-empty", ".gz"))


def event_files(folder: Path) -> list[str]:
    """The names of a folder's event files, in the order in which they were begun."""
    try:
        with os.scandir(folder) as found:
            return sorted(e.name for e in found if is_event_file(e.name))[-_MOST_FILES:]
    except OSError:
        return []


def parts_of(folder: Path) -> list[str]:
    """The folders inside that hold a part of the same run: ``train``, ``validation``, ``loss_train`` and the like."""
    try:
        with os.scandir(folder) as found:
            names = sorted(e.name for e in found if _PARTS.fullmatch(e.name) and e.is_dir())
    except OSError:
        return []
    return [name for name in names[:32] if event_files(folder / name)]


@dataclass
class _Folder:
    """One folder's files, read one after the other."""

    path: Path
    prefix: str
    """What stands before its tags."""
    clock: float = -math.inf
    """Unix time of the newest record read."""
    restarts: int = 0
    last: dict[str, int] = field(default_factory=dict)
    """The newest step of each tag."""
    again: deque[tuple[str, int, str, float, float]] = field(default_factory=lambda: deque(maxlen=16))
    """What was said for a second time of its newest step: the first numbers, maybe, of a program that began again."""
    files: dict[str, RecordTail] = field(default_factory=dict)
    tried: dict[str, int] = field(default_factory=dict)
    """The size of a file whose end is torn, when it was last looked at."""

    def waiting(self) -> RecordTail | None:
        """The first file with something new."""
        for name in event_files(self.path):
            tail = self.files.setdefault(name, RecordTail(self.path / name))
            try:
                size = tail.path.stat().st_size
            except OSError:
                continue
            if size != tail.offset and self.tried.get(name) != size:
                return tail
        return None


class EventFiles:
    """A folder of event files, or one file, that is read as one run."""

    name = "TensorBoard"
    silent_about_end = "event files do not say whether a run has ended"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts = Facts()

    def changed(self) -> float:
        """Unix time of the newest change; 0 when nothing is there."""
        times = [0.0]
        for folder, names in self._where():
            for name in names:
                try:
                    times.append((folder / name).stat().st_mtime)
                except OSError:
                    continue
        return max(times)

    def peek(self) -> None:
        """Has nothing to look ahead for."""

    def tail(self) -> EventTail:
        """A reader from the start."""
        return EventTail(self.path, self.facts)

    def _where(self) -> list[tuple[Path, list[str]]]:
        if self.path.is_file():
            return [(self.path.parent, [self.path.name])]
        return [(folder, event_files(folder)) for folder in (self.path, *map(self.path.joinpath, parts_of(self.path)))]


class EventTail:
    """The rows of a folder of event files that were not read yet."""

    def __init__(self, path: Path, facts: Facts) -> None:
        self.path = path
        self._facts = facts
        self.restarted = self.more = False
        self.junk = 0
        self._clear()

    def _clear(self) -> None:
        self._folders: dict[str, _Folder] = {}
        self._single = RecordTail(self.path) if self.path.is_file() else None
        self._rows = Rows()
        self._decode = Decoder()
        self._began: float | None = None
        self._restarts = 0
        self._known: set[str] = set()
        self._taken: set[tuple[str, str]] = set()
        self._columns: dict[str, tuple[str, str, float]] = {}
        self._undecodable = 0
        self._pending = False

    @property
    def offset(self) -> int:
        """Bytes read so far, of all files together."""
        return sum(t.offset for t in self._tails())

    def fresh(self) -> EventTail:
        """Another reader, from the start."""
        return EventTail(self.path, self._facts)

    def _tails(self) -> list[RecordTail]:
        if self._single is not None:
            return [self._single]
        return [tail for folder in self._folders.values() for tail in folder.files.values()]

    def objects(self, max_bytes: int = 1 << 18) -> tuple[list[Row], int]:
        """The next rows, and how many records could not be read (counted in ``junk`` too, so always 0 here)."""
        self.restarted = self.more = False
        folder, tail = self._next()
        if folder is None or tail is None:
            out = self._rows.take() if self._pending else []
            self._pending = False
            return out, 0
        records = tail.read(max_bytes)
        if tail.restarted:  # a file was replaced: what it had said no longer stands
            self._clear()
            self.restarted = self.more = True
            return [], 0
        if not tail.more:
            folder.tried[tail.path.name] = tail.seen
        out = self._read(folder, records)
        self.junk = self._undecodable + sum(t.junk for t in self._tails())
        self._pending = self.more = True  # what is held back comes when there is nothing more
        return [*out, *self._rows.take(keep=1 if len(self._folders) == 1 else _APART)], 0

    def _next(self) -> tuple[_Folder | None, RecordTail | None]:
        """The folder whose clock is furthest behind among those with something new."""
        if self._single is not None:
            only = self._folders.setdefault("", _Folder(self.path.parent, ""))
            size = _size(self.path)
            new = size != self._single.offset and only.tried.get(self.path.name) != size
            return (only, self._single) if new else (None, None)
        for part in ("", *parts_of(self.path)):
            self._folders.setdefault(part, _Folder(self.path / part, f"{part}/" if part else ""))
        waiting = [(f, t) for f in self._folders.values() if (t := f.waiting()) is not None]
        return min(waiting, key=lambda pair: pair[0].clock, default=(None, None))

    def _read(self, folder: _Folder, records: list[bytes]) -> list[Row]:
        decoded: list[Record] = []
        for data in records:
            try:
                decoded.append(self._decode(data))
            except ValueError:
                self._undecodable += 1
        self._choose(folder, decoded)
        out: list[Row] = []
        for record in decoded:
            if record.start and any(step >= record.step for step in folder.last.values()):
                out += self._restart(folder, record.step, self._time(record.wall_time))
            for scalar in record.scalars:
                meant = self._columns.get(folder.prefix + scalar.tag)
                if meant is None:
                    continue
                kind, column, scale = meant
                if record.step < folder.last.get(scalar.tag, record.step):
                    out += self._restart(folder, record.step, self._time(record.wall_time))
                said = (kind, record.step, column, scalar.value * scale, self._time(record.wall_time))
                if record.step == folder.last.get(scalar.tag):
                    folder.again.append(said)
                else:
                    folder.again.clear()
                folder.last[scalar.tag] = record.step
                self._rows.add(*said)
            if record.wall_time:
                folder.clock = record.wall_time
        return out

    def _time(self, wall: float) -> float:
        if self._began is None and math.isfinite(wall):
            self._began = wall
        passed = wall - (self._began or 0.0)
        return round(passed, 4) if math.isfinite(passed) and passed > 0 else 0.0

    def _restart(self, folder: _Folder, step: int, time: float) -> list[Row]:
        """The program began again at an earlier step; said once, though each folder shows it."""
        out = self._rows.rewind()
        folder.last = {tag: min(last, step - 1) for tag, last in folder.last.items()}
        folder.restarts += 1
        if folder.restarts > self._restarts:
            self._restarts = folder.restarts
            out.append(resume(step - 1, time))
        for said in folder.again:
            if said[1] >= step:
                self._rows.add(*said)
        return out

    def _choose(self, folder: _Folder, records: list[Record]) -> None:
        """Decides which tag stands for a column, once: of those seen so far the first of our table."""
        fresh = {folder.prefix + s.tag for r in records for s in r.scalars} - self._known
        for record in records:
            for tag in record.others:
                self._facts.note_other(folder.prefix + tag)
        found = sorted((meaning(tag) or ("", "", 0), tag) for tag in fresh)
        for (kind, column, _), tag in found:
            if len(self._known) < _MOST_FILES:
                self._known.add(tag)
            if kind and (kind, column) not in self._taken:
                self._taken.add((kind, column))
                self._columns[tag] = (kind, column, 0.01 if normal(tag) in PERCENT else 1.0)
                self._facts.shown[_named(kind, column)] = plain(tag)
            elif tag not in self._columns:
                self._facts.note_other(tag)


def _named(kind: str, column: str) -> str:
    return f"eval {column}" if kind == "eval" and column == "train_loss" else column


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
