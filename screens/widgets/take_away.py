"""What a view can be taken away as, and the dialog that offers it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class TakeAwayRequest:
    """A view in all the forms in which it can leave the app; what is not given has no tab."""

    what: str
    """A short name, used in file names: ``loss``."""
    python: str = ""
    """A snippet that runs as it stands and gives the same numbers."""
    command: str = ""
    """The command line that prints the same."""
    data: Any = None
    """Plain JSON values, in full precision."""
    table: tuple[Sequence[str], Sequence[Sequence[Any]]] | None = None
    """Header and rows for CSV, all rows."""
    figure: Callable[[Path], None] | None = None
    """Draws the figure for print into a PNG file; called in a thread."""
    pane: Widget | None = None
    """The pane that SVG shows; None: the whole screen."""
    link: str = ""
    """The command line that opens this view."""
