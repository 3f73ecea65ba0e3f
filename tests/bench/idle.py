"""Measuring on a machine that others use too: wait until it is quiet, and take the best of several."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import psutil

BUSY = 15.0
"""Per cent of all cores that others may use at most."""
PATIENCE = 60.0


def check_idle(patience: float = PATIENCE) -> bool:
    """Waits until nobody else works on this machine; says so on stderr if that does not happen.

    Args:
        patience: seconds to wait at most.

    Returns:
        Whether the machine is idle now.
    """
    deadline = time.monotonic() + patience
    load = psutil.cpu_percent(interval=1.0)
    while load >= BUSY:
        if time.monotonic() >= deadline:
            print(
                f"the machine is busy ({load:.0f} % of its cores): the figures are worse than they are", file=sys.stderr
            )
            return False
        load = psutil.cpu_percent(interval=1.0)
    return True


def best_of(n: int, fn: Callable[[], float]) -> float:
    """The smallest of ``n`` times that ``fn`` measures: a neighbour can only make it larger."""
    return min(fn() for _ in range(n))
