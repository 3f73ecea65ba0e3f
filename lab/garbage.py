"""When Python looks for cyclic garbage: not while the lab starts, and afterwards only among what came later.

A full collection looks at all that was ever imported, 60 to 200 ms during which no key is answered.
"""

from __future__ import annotations

import gc

AFTER = 2.0
"""Seconds after the first picture at which all that there is counts as there to stay."""


def put_off() -> None:
    """Collects nothing until ``settle``."""
    gc.disable()


def settle() -> None:
    """Takes all that exists out of what is looked at, and collects from now on; again after a large import.

    What was garbage by now stays too, a few megabytes: to look for it first would be the pause that this avoids.
    """
    gc.freeze()
    gc.enable()
