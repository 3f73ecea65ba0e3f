"""Writing so that a reader, or a power cut, never meets half a file.

Every file is written beside its name and renamed into place. No space left becomes a ``DiskFullError`` that leaves what
was there before untouched. Leaves out: anything that knows what is in the files.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from contextlib import suppress
from io import BufferedReader
from itertools import count
from pathlib import Path
from typing import Any, Self

from core.errors import DiskFullError, LabError

FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""What the operating system says when there is no room: disk full, file size limit, quota."""


_NUMBERS = count()  # two threads that write one file must not meet
_LARGEST_JSON = 64 << 20  # bytes; none of ours has a thousandth of it


def write_error(path: Path, error: OSError) -> LabError:
    """The two lines for a write that the operating system refused."""
    if error.errno in FULL or getattr(error, "winerror", None) in (39, 112):
        return disk_full(path)
    return LabError(
        f"{path} cannot be written: {error.strerror or error}",
        "look at the disk and the permissions there",
    )


def disk_full(path: Path) -> DiskFullError:
    """No space is left where ``path`` must go."""
    return DiskFullError(
        f"no space left for {path.name} in {path.parent}",
        "free some space there and try again; a run that paused goes on by itself",
    )


def takes_what_comes(path: Path) -> bool:
    """Whether a path is a pipe or a device: written to and never replaced, or /dev/null would become a file."""
    return path.exists() and not path.is_file() and not path.is_dir()


class Beside:
    """A name beside a path for what is to stand there, a file or a folder, until it is whole.

        with Beside(path) as new:
            new.path.write_bytes(data)
            new.put()

    Without ``put``, and where anything fails before it, nothing stays and the path is as it was. An ``OSError`` is not
    caught: ``write_error`` makes its two lines.

    Args:
        path: what is replaced; its folder must exist by the time that something is written.
        sync: whether it must be on the disk before what was there goes (a power cut then loses neither).
    """

    def __init__(self, path: Path, *, sync: bool = True) -> None:
        self._target, self._sync = path, sync
        self.path = path.with_name(f".{path.name}.{os.getpid()}-{next(_NUMBERS)}.tmp")

    def put(self) -> None:
        """Gives it its name; it is whole. Of a folder the files must be on the disk already."""
        if self._sync and not self.path.is_dir():
            sync_file(self.path)
        replace(self.path, self._target)
        if self._sync:
            sync_folder(self._target.parent)

    def __enter__(self) -> Self:
        self._remove()  # what was killed may have had this number
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def _remove(self) -> None:
        with suppress(OSError):
            if self.path.is_dir():
                import shutil  # it takes its time, and few that write a file need it

                shutil.rmtree(self.path, ignore_errors=True)
            else:
                self.path.unlink(missing_ok=True)


def write_bytes_atomic(path: Path, data: bytes, *, sync: bool = True) -> None:
    """Replaces ``path`` by ``data`` in one step; a pipe or a device is written to instead.

    Args:
        path: what is replaced; its folder must exist.
        data: the whole new content.
        sync: whether the data must be on the disk before the old content goes (a power cut then loses neither).

    Raises:
        DiskFullError: no space is left; the old content stays.
        LabError: the operating system refused for another reason.
    """
    try:
        if takes_what_comes(path):
            path.write_bytes(data)
            return
        with Beside(path, sync=sync) as new:
            new.path.write_bytes(data)
            new.put()
    except OSError as error:
        raise write_error(path, error) from error


def write_json_atomic(path: Path, obj: Any, *, sync: bool = True) -> None:
    """Replaces ``path`` by ``obj`` as JSON in one step; raises as ``write_bytes_atomic`` does."""
    import orjson

    how = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
    write_bytes_atomic(path, orjson.dumps(obj, option=how), sync=sync)


def encodable(text: str) -> str:
    """The text without what UTF-8 cannot hold (halves of pairs, as odd file names bring them), which is escaped.

    >>> encodable("caf\\udce9"), encodable("café")
    ('caf\\\\udce9', 'café')
    """
    return text.encode("utf-8", "backslashreplace").decode()


def mend_last_line(fd: int) -> int:
    """Makes a file of JSON lines end with a whole line and returns its length.

    A last line without its newline was torn by a kill: if it is whole it gets the newline, otherwise it is cut off.
    """
    import orjson

    size = os.lseek(fd, 0, os.SEEK_END)
    tail, start = b"", size
    while start and b"\n" not in tail:
        begin = max(0, start - 65536)
        os.lseek(fd, begin, os.SEEK_SET)
        tail, start = os.read(fd, start - begin) + tail, begin
    torn = tail[tail.rfind(b"\n") + 1 :]
    if not torn:
        return size
    try:
        orjson.loads(torn)
    except orjson.JSONDecodeError:
        os.ftruncate(fd, size - len(torn))
        return size - len(torn)
    os.write(fd, b"\n")
    return size + 1


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file, or None when there is none that can be read (a reader asks again later)."""
    import orjson

    try:
        with open_plain(path) as file:
            found = orjson.loads(file.read(_LARGEST_JSON))
    except (OSError, orjson.JSONDecodeError):
        return None
    return found if isinstance(found, dict) else None


def open_plain(path: Path) -> BufferedReader:
    """Opens an ordinary file to be read; a pipe, which would be waited for, or a device, which never ends, is refused.

    Raises:
        OSError: it is none, or cannot be opened.
    """
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return os.fdopen(fd, "rb")
    os.close(fd)
    raise OSError(errno.EINVAL, "no ordinary file", str(path))


def replace(source: Path, target: Path) -> None:
    """``os.replace``; on Windows it is tried again while a reader holds the target open."""
    tries = 20 if os.name == "nt" else 1
    for left in reversed(range(tries)):
        try:
            os.replace(source, target)  # noqa: PTH105 - the retry needs the plain call
        except PermissionError:
            if not left:
                raise
            time.sleep(0.01)
        else:
            return


def sync_folder(folder: Path) -> None:
    """Makes a rename in ``folder`` survive a power cut, where the system can (Windows does it by itself)."""
    if sys.platform == "win32":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network disks cannot sync a folder
            raise
    finally:
        os.close(fd)


def sync_file(path: Path) -> None:
    """Makes the content of a file written by others survive a power cut."""
    fd = os.open(path, os.O_RDWR)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
