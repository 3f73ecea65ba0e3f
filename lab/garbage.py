"""When Python looks for cyclic garbage: not while the lab starts, and afterwards only among what came later.

A full collection looks at all that was ever imported, 60 to 200 ms during which no key is answered.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping

AFTER = 2.0
"""Seconds after the first picture at which all that there is counts as there to stay."""
MANY = 100
"""Modules that came since then, such as those of torch on a slow machine, from which on that is done again."""
_modules = 0


def put_off() -> None:
    """Collects nothing until ``settle``."""
    gc.disable()


def settle() -> None:
    """Takes all that exists out of what is looked at, and collects from now on; later what a large import brought.

    What was garbage by now stays too, a few megabytes: to look for it first would be the pause that this avoids.
    """
    _freeze()
    gc.enable()
    if _before not in gc.callbacks:
        gc.callbacks.append(_before)


def _freeze() -> None:
    global _modules
    _modules = len(sys.modules)
    gc.freeze()


def _before(phase: str, info: Mapping[str, int]) -> None:
    if phase == "start" and info["generation"] == 2 and len(sys.modules) >= _modules + MANY:
        _freeze()
