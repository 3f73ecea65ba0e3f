"""Loading TensorFlow and Keras: whether they are there, new enough, and quiet.

TensorFlow is an extra. It is loaded in processes that do nothing else (a run's, and the one of ``compare.py``), never
in the app's. Its C++ parts write to file descriptor 2 whatever Python says; ``Chatter`` leads that into a file.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from core.errors import LabError, MissingExtraError

INSTALL = "pip install 'llm-lab[tensorflow]'"
OLDEST = (2, 21)
"""Older ones are not tested; they lack things, or come with another Keras."""


def load_tensorflow() -> Any:
    """TensorFlow's module, with Keras on it ready to be imported.

    Raises:
        MissingExtraError: it is not installed, or too old; the hint is the command that installs it.
        LabError: it is installed and cannot be loaded, or Keras is at work on something else already.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # a person may have Keras on something else
    tf = _imported("tensorflow")
    if _version(tf) < OLDEST:
        raise MissingExtraError(
            f"the twin needs TensorFlow {'.'.join(map(str, OLDEST))} or newer, {tf.__version__} is installed",
            f"{INSTALL} --upgrade",
        )
    keras = _imported("keras")
    if keras.backend.backend() != "tensorflow":
        raise LabError(
            f"the twin needs Keras on TensorFlow, in this process it computes with {keras.backend.backend()}",
            "load it in a process of its own, or set KERAS_BACKEND=tensorflow before Keras is imported",
        )
    keras.config.disable_traceback_filtering()  # it wraps the errors of ours that a layer raises
    _say_through_stderr()
    return tf


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == name:
            raise MissingExtraError(
                f"the twin is computed with TensorFlow, and {name} is not installed", INSTALL
            ) from None
        raise _broken(name, error) from error
    except Exception as error:  # an old one with a newer numpy fails in any way
        raise _broken(name, error) from error


def _broken(name: str, error: Exception) -> LabError:
    said = " ".join(str(error).split())[:200]
    return LabError(
        f"{name} is installed and cannot be loaded: {said}", f"install it anew: {INSTALL} --force-reinstall"
    )


def _version(module: Any) -> tuple[int, ...]:
    """The first two numbers of a version.

    >>> from types import SimpleNamespace
    >>> _version(SimpleNamespace(__version__="2.21.0-rc1"))
    (2, 21)
    """
    first = str(getattr(module, "__version__", "0")).split(".")[:2]
    return tuple(int("".join(c for c in part if c.isdigit()) or 0) for part in first)


class _Descriptor2:
    """Where C++ writes its messages: wherever that leads at the moment."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            os.write(2, text.encode("utf-8", "replace"))

    def flush(self) -> None:
        """Has nothing to wait for."""


def _say_through_stderr() -> None:
    """Lets what TensorFlow says in Python go the way of what it says in C++."""
    for name in ("tensorflow", "absl"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.StreamHandler(_Descriptor2())]
        logger.propagate = False


class Chatter:
    """From ``begin`` to ``end`` all that this process writes to file descriptor 2 goes into a file.

    Python's ``sys.stderr`` still reaches where it did, so that notes and errors of ours are seen.

    Args:
        log: the file, which is added to; left out, one without a name that vanishes with the process.
    """

    def __init__(self, log: Path | None = None) -> None:
        self._log, self._before, self._stream = log, -1, sys.stderr
        self._own: IO[str] | None = None

    def begin(self) -> None:
        """Leads it there, unless it goes there already (a launched run's does)."""
        target = self._open()
        try:
            if os.path.sameopenfile(target.fileno(), 2):
                return
            self._before = os.dup(2)
            self._own = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace", buffering=1)
            if sys.stderr is not None and _leads_to_2(sys.stderr):
                sys.stderr.flush()
                sys.stderr = self._own
            os.dup2(target.fileno(), 2)
        finally:
            target.close()

    def end(self) -> None:
        """Puts everything back; does nothing where nothing was changed."""
        if self._before < 0:
            return
        os.dup2(self._before, 2)
        os.close(self._before)
        self._before = -1
        if sys.stderr is self._own:
            sys.stderr = self._stream
        if self._own is not None:
            self._own.close()

    def _open(self) -> IO[bytes]:
        if self._log is not None:
            with suppress(OSError):  # the trainer says itself what is wrong with its folder
                self._log.parent.mkdir(parents=True, exist_ok=True)
                return self._log.open("ab")
        return tempfile.TemporaryFile()


def _leads_to_2(stream: Any) -> bool:
    try:
        return int(stream.fileno()) == 2
    except (OSError, ValueError, AttributeError):  # a test's, or a notebook's
        return False
