"""What cuts the tail of a distribution, as a setting: its function, its bounds, and values worth trying.

A cut is one field of ``SamplingConfig``, made by ``cut``; whoever checks settings, runs them, makes flags or dials of
them finds it there. The functions themselves are in ``sampling.py`` or in a file of their own, imported when a token is
first drawn with them: no torch here.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_KEY = "cut"


@dataclass(frozen=True, slots=True)
class Cut:
    """One setting that cuts a distribution; None turns it off."""

    home: str
    """``module:function`` on logits (V,) and the setting's value; what it cuts becomes minus infinity."""
    meaning: str
    """What it keeps, in a few words for a list."""
    tries: tuple[float | None, ...]
    """Values worth trying, from least to most, with None where it fits."""
    low: float = 0.0
    high: float | None = 1.0
    """The bounds, both allowed; no ``high``: there is none."""

    @property
    def keep(self) -> Callable[[Tensor, Any], Tensor]:
        """The function."""
        return _function(self.home)

    def problem(self, value: float) -> str:
        """What must hold and does not, as a phrase; nothing if the value is within the bounds.

        >>> Cut("a:b", "", ()).problem(1.5), Cut("a:b", "", (), low=1, high=None).problem(0)
        ('from 0 to 1', 'at least 1')
        """
        if value >= self.low and (self.high is None or value <= self.high):
            return ""
        return f"at least {self.low:g}" if self.high is None else f"from {self.low:g} to {self.high:g}"


def cut(
    home: str,
    meaning: str,
    tries: tuple[float | None, ...],
    *,
    low: float = 0.0,
    high: float | None = 1.0,
) -> Any:
    """The default of a field that is a cut: off."""
    return dataclasses.field(default=None, metadata={_KEY: Cut(home, meaning, tries, low, high)})


@functools.cache
def cuts_of(cls: Any) -> dict[str, Cut]:
    """The cuts among a configuration's fields, in their order, which is that in which they are made."""
    return {f.name: f.metadata[_KEY] for f in dataclasses.fields(cls) if _KEY in f.metadata}


@functools.cache
def _function(home: str) -> Callable[[Tensor, Any], Tensor]:
    module, _, name = home.partition(":")
    found: Callable[[Tensor, Any], Tensor] = getattr(importlib.import_module(module), name)
    return found
