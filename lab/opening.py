"""What the lab is opened with: what was typed, which stands before what was remembered. Loads nothing."""

from __future__ import annotations

from typing import NamedTuple


class Opening(NamedTuple):
    """How a person starts the lab."""

    screen: str | None = None
    """Its name in ``screens.catalogue``, the beginning of one, or its number; None: the one that was open then."""
    model: str | None = None
    """What the workbench holds at first, as ``core.load_model`` names models."""
    text: str | None = None
    """The text that Attention looks into and Generate goes on with; None: as remembered."""
    fresh: bool = False
    """Ignore what was remembered."""
    run: str | None = None
    """The run that the training screen shows at first."""
    lesson: str | None = None
    """The lesson that is open at first, on its screen: ``L3``."""
    tour: int | None = None
    """The step of the tour that is open at first, from 0; negative: where it was left."""
    ascii_only: bool | None = None
    """Draw with ASCII alone; None: as remembered."""
    present: bool = False
    """For a projector: high contrast, nothing dim."""
    light: bool | None = None
    """A light background; None: as the terminal says, where it does."""
    colours: str | None = None
    """true, 256, 16 or none; None: as remembered, or as the terminal says."""


AS_BEFORE = Opening()
"""Nothing was typed."""
