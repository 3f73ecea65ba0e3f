"""When Python looks for cyclic garbage: not while the lab starts, afterwards among what came later, and between keys.

A full collection looks at all that was ever imported, 60 to 200 ms during which no key is answered; without that it is
still 20 to 70 ms, since each line that is drawn is some ten objects. So while keys come only young objects are looked
at, 1 to 4 ms at a time, and all of them once nobody has touched the lab for a moment. To let young ones gather until
then is no gain: a look at a hundred thousand took 50 to 120 ms. Who never rests is made to wait for everything seldom.
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
SELDOM = 300
"""Looks at young objects to one at everything, while keys come; Python's own is 10."""
LOOK = 0.5
"""Seconds between two looks whether anybody is at work."""
REST = 1.5
"""Seconds without a key after which everything may be looked at."""
LOOKS = 10
"""Looks at young objects since the last one at everything that make another worth its time."""
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
    gc.set_threshold(*gc.get_threshold()[:2], SELDOM)
    gc.enable()
    if _before not in gc.callbacks:
        gc.callbacks.append(_before)


def touched() -> None:
    """Somebody is at work."""
    global _touched
    _touched = time.monotonic()


def rest() -> None:
    """Looks at everything, if nobody waits and there is something new; to be called every ``LOOK``."""
    if time.monotonic() - _touched >= REST and gc.get_count()[2] >= LOOKS:
        gc.collect()


def _freeze() -> None:
    global _modules
    _modules = len(sys.modules)
    gc.freeze()


def _before(phase: str, info: Mapping[str, int]) -> None:
    if phase == "start" and info["generation"] == 2 and len(sys.modules) >= _modules + MANY:
        _freeze()
