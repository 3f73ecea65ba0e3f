"""The lock that a trainer holds on its run directory: the operating system's, so that it ends with the process.

A process id says little (they are re-used); a lock held by the system says exactly whether the writer lives. Readers
ask with ``is_held`` and never create the file.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path

_BUSY = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK, errno.EWOULDBLOCK})
_UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
_PLACE = 1 << 30  # Windows locks bytes, also against reading: a byte far beyond what anyone reads

if sys.platform == "win32":
    import msvcrt

    def _take(fd: int, shared: bool) -> None:
        os.lseek(fd, _PLACE, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

    def _drop(fd: int) -> None:
        os.lseek(fd, _PLACE, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(fd: int, shared: bool) -> None:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)

    def _drop(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)


class FileLock:
    """An exclusive lock on one file, held until ``release`` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def acquire(self, patience: float = 1.0) -> bool:
        """Takes the lock, whose file is made when missing; False if another holds it.

        Args:
            patience: seconds to go on trying (a reader that asks holds it for some microseconds).

        Raises:
            OSError: the file cannot be opened.
        """
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        until = time.monotonic() + patience
        while True:
            try:
                _take(fd, shared=False)
            except OSError as error:
                if error.errno in _BUSY and time.monotonic() < until:
                    time.sleep(0.02)
                    continue
                if error.errno not in _UNSUPPORTED:  # without locks on this disk the heartbeat alone must do
                    os.close(fd)
                    if error.errno in _BUSY:
                        return False
                    raise
            self._fd = fd
            return True

    def release(self) -> None:
        """Lets go; nothing happens when it isn't held."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            try:
                _drop(fd)
            except OSError as error:
                if error.errno not in _UNSUPPORTED:
                    raise
            finally:
                os.close(fd)


def is_held(path: Path) -> bool | None:
    """Whether a living process holds the lock; None where the disk cannot say (no locks, no permission)."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        _take(fd, shared=True)
        _drop(fd)
    except OSError as error:
        return True if error.errno in _BUSY else None
    finally:
        os.close(fd)
    return False
