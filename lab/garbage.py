"""When Python looks for cyclic garbage: not while the lab starts, afterwards among what came later, between the keys.

A full collection looks at all that was ever imported, 60 to 200 ms during which no key is answered; without that it is
still 20 to 70 ms, since each line that is drawn is some thirty objects. So young objects are looked at a moment after
a key, a few milliseconds at a time, and all of them when nobody has touched the lab for a while. Who never rests is
made to wait for it seldom.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Mapping

AFTER = 2.0
"""Seconds after the first picture at which all that there is counts as there to stay."""
MANY = 100
"""Modules that came since then, such as those of torch on a slow machine, from which on that is done again."""
SELDOM = (100_000, 20, 50)
"""Objects more than at the last look, small looks to a larger one, and those to one at everything, while keys come."""
MOMENT = 0.25
"""Seconds after a key at which its picture stands, and young objects may be looked at."""
YOUNG = 5_000
"""How many are worth a look."""
REST = 2.0
"""Seconds without a key after which everything may be looked at."""
LOOKS = 10
"""Small looks since the last one at everything that make another worth its time."""
_modules = 0
_touched = 0.0


def put_off() -> None:
    """Collects nothing until ``settle``."""
    gc.disable()


def settle() -> None:
    """Takes all that exists out of what is looked at, and collects from now on; later what a large import brought.

    What was garbage by now stays too, a few megabytes: to look for it first would be the pause that this avoids.
    """
    _freeze()
    first, second, third = gc.get_threshold()
    gc.set_threshold(max(first, SELDOM[0]), max(second, SELDOM[1]), max(third, SELDOM[2]))
    gc.enable()
    if _before not in gc.callbacks:
        gc.callbacks.append(_before)


def touched() -> None:
    """Somebody is at work."""
    global _touched
    _touched = time.monotonic()


def rest() -> None:
    """Looks for garbage as far as nobody has to wait for it; to be called every ``MOMENT``."""
    quiet = time.monotonic() - _touched
    young, looks, larger = gc.get_count()
    if quiet >= REST and (looks >= LOOKS or larger):
        gc.collect()
    elif quiet >= MOMENT and young >= YOUNG:
        gc.collect(0)


def _freeze() -> None:
    global _modules
    _modules = len(sys.modules)
    gc.freeze()


def _before(phase: str, info: Mapping[str, int]) -> None:
    if phase == "start" and info["generation"] == 2 and len(sys.modules) >= _modules + MANY:
        _freeze()
