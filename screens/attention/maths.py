"""The view *Maths*: one head and one token, step by step with the actual numbers."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widget import Widget

from screens.attention.centre import CentreView
from screens.widgets.rows import Rows


class MathsView(CentreView):
    """The steps."""

    NAME = "maths"

    def compose(self) -> ComposeResult:
        """The lines."""
        yield Rows(id="a-maths-rows")

    @property
    def target(self) -> Widget:
        """The lines."""
        return self.query_one(Rows)
