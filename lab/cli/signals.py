"""SIGINT, SIGTERM and a closed terminal end a run with a checkpoint; a second SIGINT ends it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


class Received:
    """The first signal that came, if one did."""

    number: int | None = None

    @property
    def exit_code(self) -> int:
        """0, or the 128 + n with which shells report a signal."""
        return 0 if self.number is None else 128 + self.number


@contextmanager
def stop_on_signals(stop: Callable[[], None], say: Callable[[str], None]) -> Iterator[Received]:
    """While inside, the first signal calls ``stop`` and any later one raises ``KeyboardInterrupt``.

    A signal that this process was told to ignore (``nohup``) stays ignored. Outside the main thread nothing changes,
    since Python lets no other thread set handlers.
    """
    received = Received()

    def handle(number: int, frame: FrameType | None) -> None:
        if received.number is not None:
            raise KeyboardInterrupt
        received.number = number
        stop()
        with suppress(OSError):  # a closed terminal: nobody is there to read it, and the run must end well
            say("ending with a checkpoint; the same once more ends it at once, without one")

    before: dict[signal.Signals, object] = {}
    if threading.current_thread() is threading.main_thread():
        for name in NAMES:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handle)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
