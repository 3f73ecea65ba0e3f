"""What takes longest before the first head is seen is importing torch: it begins while the screen is still being made.

Threads of their own that run to their end; whoever needs torch before then waits for the same import. A fifth of the
import is the system's, reading and linking one large library, and Python would hold its lock all that time: keys and
pictures would wait for 0.2 s. ``map_library`` does that part with the lock let go, so it may begin before the first
picture.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.workbench import Workbench
    from screens.attention.screen import AttentionScreen

NAMES = {"linux": "libtorch_cpu.so", "darwin": "libtorch_cpu.dylib"}
NOW = 2
"""``RTLD_NOW``: all names are looked up at once, as Python does it when it imports."""
_mapping: threading.Thread | None = None


def prepare() -> None:
    """Begins to map torch's library; costs the caller nothing but the start of a thread."""
    global _mapping
    if _mapping is None and "torch" not in sys.modules:
        _mapping = threading.Thread(target=map_library, name="map torch")
        _mapping.start()


def begin() -> None:
    """Begins to import torch, and what a trace needs of it."""
    prepare()
    threading.Thread(target=_import, name="import torch").start()


def open_screen(workbench: Workbench) -> AttentionScreen:
    """The screen, with torch on its way while it is made."""
    begin()
    from screens.attention.screen import AttentionScreen

    return AttentionScreen(workbench)


def _import() -> None:
    if _mapping is not None:
        _mapping.join()  # two at once would only wait for each other, and this one with Python's lock in its hand
    with contextlib.suppress(ImportError):  # whoever needs it says so
        import core.model.trace
        import core.weights.checkpoint  # noqa: F401


def map_library(root: Path | None = None) -> bool:
    """Maps torch's largest library into this process while other threads go on; whether that could be done.

    Importing torch later finds it there. A system that this does not know, or a torch made in another way, has its
    library mapped by the import as ever.

    Args:
        root: torch's folder; left out, where Python would import it from.
    """
    import ctypes

    if sys.platform not in NAMES:
        return False
    try:
        if root is None:
            found = importlib.util.find_spec("torch")
            if found is None or found.origin is None:
                return False
            root = Path(found.origin).parent
        library = root / "lib" / NAMES[sys.platform]
        # Called as a function of the system: ``ctypes.CDLL(library)`` would hold Python's lock until it is mapped.
        dlopen = ctypes.CDLL(None).dlopen
        dlopen.argtypes, dlopen.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
        return library.is_file() and dlopen(str(library).encode(), NOW) is not None
    except (OSError, AttributeError, ValueError):
        return False
