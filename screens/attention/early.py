"""What takes longest before the first head is seen is importing torch: it begins while the screen is still being made.

A thread of its own that runs to its end; whoever needs torch before then waits for the same import.
"""

from __future__ import annotations

import contextlib
import threading


def begin() -> None:
    """Begins to import torch, and what a trace needs of it."""
    threading.Thread(target=_import, name="import torch").start()


def _import() -> None:
    with contextlib.suppress(ImportError):  # whoever needs it says so
        import core.model.trace
        import core.weights.checkpoint  # noqa: F401
