"""The view *Time*: the same head and text over the kept steps of a training run."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widget import Widget

from screens.attention.centre import CentreView
from screens.widgets.rows import Rows


class TimeView(CentreView):
    """The head as the model learned."""

    NAME = "time"

    def compose(self) -> ComposeResult:
        """The lines."""
        yield Rows(id="a-time-rows")

    @property
    def target(self) -> Widget:
        """The lines."""
        return self.query_one(Rows)
