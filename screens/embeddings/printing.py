"""What every way of leaving the embeddings screen is made with: a figure for print, a link, a command."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from screens.embeddings.offers import EmbedOffers

Painter = Callable[["Axes"], None]


def command_of(screen: EmbedOffers, words: Sequence[str]) -> str:
    """The command line; none of vectors that lie in no file."""
    return shlex.join(words) if screen.unsaved is None else ""


def link_of(screen: EmbedOffers) -> str:
    """The command line that opens the screen with the same model."""
    return shlex.join(["llm-lab", "open", "embed", "--model", screen.workbench.a])


def printed(painter: Painter, size: tuple[float, float] = (7.0, 5.0)) -> Callable[[Path], None]:
    """A figure that matplotlib draws when it is saved."""

    def save(path: Path) -> None:
        from matplotlib.figure import Figure as Print

        sheet = Print(figsize=size, dpi=150)
        painter(sheet.add_subplot())
        sheet.savefig(path, bbox_inches="tight")

    return save
