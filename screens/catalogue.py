"""The screens there are: one line for each, in the order of their numbers; the key, bar, palette, list and command line
read it. A new screen is a package of its own and a line here.

Loads no screen, and nothing of the toolkit: the command line looks names up here before there is an app.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from core.workbench import Workbench
    from screens.base import LabScreen


class Entry(NamedTuple):
    """One screen; its module is imported when it is first shown."""

    name: str
    """What the command line and the settings call it."""
    title: str
    """What the bar on top calls it."""
    home: str
    """``module:callable``: makes the screen of a workbench."""
    takes_runs: bool = False
    """Whether it is given the folder of runs too."""

    def make(self, workbench: Workbench, runs: Path) -> LabScreen:
        """The screen, ready to be shown."""
        module, _, name = self.home.partition(":")
        made = getattr(importlib.import_module(module), name)
        screen: LabScreen = made(workbench, runs) if self.takes_runs else made(workbench)
        return screen


ENTRIES = (
    Entry("tokenizer", "Tokens", "screens.tokens.screen:TokensScreen"),
    Entry("embeddings", "Embed", "screens.embeddings.screen:EmbedScreen"),
    Entry("attention", "Attention", "screens.attention.early:open_screen"),
    Entry("training", "Training", "screens.training.screen:TrainingScreen", takes_runs=True),
    Entry("generation", "Generate", "screens.generation.screen:GenerationScreen"),
    Entry("weights", "Weights", "screens.weights.screen:WeightsScreen"),
)
SCREENS = tuple(entry.name for entry in ENTRIES)
TITLES = tuple(entry.title for entry in ENTRIES)


def listed() -> str:
    """The names, for a sentence.

    >>> listed()
    'tokenizer, embeddings, attention, training, generation or weights'
    """
    *most, last = SCREENS
    return f"{', '.join(most)} or {last}"
