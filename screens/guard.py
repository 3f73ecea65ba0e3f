"""What nobody expected: written to the app's log, and turned into two lines that can be shown."""

from __future__ import annotations

import functools
import logging
import logging.handlers
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from core.errors import LabError
from core.folders import state_dir

LOG_NAME = "llm_lab"
_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def log_path() -> Path:
    """Where the app writes what went wrong."""
    return state_dir() / "lab.log"


def log_exception(error: BaseException) -> None:
    """Writes an exception with its traceback to the log; a log that cannot be written is no second failure."""
    logger = logging.getLogger(LOG_NAME)
    logger.propagate = False
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=1_000_000, backupCount=1, encoding="utf-8")
    except OSError:
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    try:
        logger.error("%s", type(error).__name__, exc_info=error)
    finally:
        logger.removeHandler(handler)
        handler.close()


def as_lab_error(error: BaseException) -> LabError:
    """The two lines for an exception: its own if it is one of ours."""
    if isinstance(error, LabError):
        return error
    first = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {first[0]}" if first else type(error).__name__
    return LabError(f"something went wrong here ({said})", f"the rest works on; the whole story is in {log_path()}")


def guarded(handler: _Handler) -> _Handler:
    """For handlers of widgets and apps: an exception is shown by the screen that is open, and the app lives on."""

    @functools.wraps(handler)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return handler(self, *args, **kwargs)
        except Exception as error:
            show = getattr(self.app.screen, "show_exception", None)
            if show is None:
                raise
            show(error)
            return None

    return call  # type: ignore[return-value]
