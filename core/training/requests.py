"""What a person asks of a running trainer: pause, resume, checkpoint, stop. One JSON line each in ``control.jsonl``.

The asking side appends; the trainer looks at each step, and while paused. Leaves out the answer: the trainer puts it
into ``status.json``, and into the events.
"""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from core.errors import RunError, nearest
from core.files import open_plain
from core.training.inside import check_inside

RequestKind = Literal["pause", "resume", "checkpoint", "stop"]
KINDS: tuple[str, ...] = get_args(RequestKind)
CONTROL = "control.jsonl"


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a running trainer."""

    id: str
    """Names the request in the answer."""
    request: RequestKind
    """What is asked."""
    time: float
    """When, in seconds of Unix time on the asking machine."""


def send_request(run_dir: Path, kind: str) -> Request:
    """Asks the trainer of ``run_dir`` for something and returns at once; the answer comes through ``status.json``.

    Raises:
        RunError: an unknown kind, or a directory that cannot be written.
    """
    import orjson

    if kind not in KINDS:
        raise RunError(
            f"a run can be asked to {', '.join(KINDS)}, not to {kind!r}{nearest(kind, KINDS)}", "ask for one of them"
        )
    request = Request(uuid.uuid4().hex[:12], cast(RequestKind, kind), time.time())
    line = orjson.dumps(asdict(request)) + b"\n"
    path = run_dir / CONTROL
    check_inside(run_dir, CONTROL)
    try:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        try:
            size = os.fstat(fd).st_size
            if size:  # an asker that died in the middle of its line must not swallow ours
                os.lseek(fd, size - 1, os.SEEK_SET)
                if os.read(fd, 1) != b"\n":
                    line = b"\n" + line
            while line:  # a short write comes just before the disk is full; the trainer passes over half a line
                line = line[os.write(fd, line) :]
        finally:
            os.close(fd)
    except OSError as error:
        raise RunError(
            f"the run {run_dir.name} cannot be asked to {kind}: {error.strerror or error}",
            f"asking needs to write {path}; do it as the user, and on the machine, that can",
        ) from error
    return request


class RequestReader:
    """The trainer's side: the requests that came since it looked last, and none from before ``since`` (Unix time)."""

    def __init__(self, run_dir: Path, since: float) -> None:
        self._path = run_dir / CONTROL
        self._offset = 0
        self._waiting: list[Request] = []
        self._seen: set[str] = set()
        # Clocks of two machines differ: the time decides only over what stood here before we did.
        self._waiting = [r for r in self._fresh() if r.time >= since]

    def read(self) -> list[Request]:
        """New requests in the order in which they were asked; one ``stat`` when there are none."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            return waiting + self._fresh()
        return self._fresh()

    def _fresh(self) -> list[Request]:
        try:
            size = os.stat(self._path).st_size  # noqa: PTH116 - called at each step
        except OSError:
            return []
        if size == self._offset:
            return []
        if size < self._offset:  # replaced: read again, what was seen is not repeated
            self._offset = 0
        try:
            with open_plain(self._path) as file:
                file.seek(self._offset)
                data = file.read(size - self._offset)
        except OSError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [r for r in map(_parse, whole.splitlines()) if r is not None and self._is_new(r)]

    def _is_new(self, request: Request) -> bool:
        if request.id in self._seen:
            return False
        self._seen.add(request.id)
        return True


def _parse(line: bytes) -> Request | None:
    import orjson

    try:
        raw: Any = orjson.loads(line)
        kind = raw["request"]
        return Request(str(raw["id"]), kind, float(raw["time"])) if kind in KINDS else None
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None  # a torn line, or a request that a newer version knows
