"""How the attention screen leaves the app: what is shown as Python, command, data, table and picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from screens.attention.keys import AttentionKeys


def take_away_of(screen: AttentionKeys) -> TakeAwayRequest | None:
    """The view that is shown; None while there is none."""
    return screen.body.centre.take_away()
