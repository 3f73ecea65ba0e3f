"""The guard for widgets: a handler or a drawing that fails is told to the app, and the app lives on.

The six screens and the dialogs have the same for themselves. What the toolkit does not let anyone survive is left to
the app's last words: composing and mounting, and drawing by widgets that are not ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

if TYPE_CHECKING:
    from textual.widget import Widget as _Base
else:  # the toolkit takes styles from the first widget among the bases, which must be the one that is guarded
    _Base = object

NOT_DRAWN = "this could not be drawn"


class Guarded(_Base):
    """Stands before a widget's own base; whoever shows errors is the app's ``show_exception``."""

    _told: str = ""

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if isinstance(message, (events.Compose, events.Mount, events.Unmount)):
                raise
            self._tell(error)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines, or blanks that say so where drawing fails; the same failure is told once."""
        try:
            strips = super().render_lines(crop)
        except Exception as error:
            said = repr(error)
            if said != self._told:
                self._told = said
                self.call_later(self._tell, error)  # nothing may be mounted while lines are drawn
            first = Strip([Segment(NOT_DRAWN)], len(NOT_DRAWN)).adjust_cell_length(crop.width)
            return [first, *(Strip.blank(crop.width) for _ in range(crop.height - 1))]
        self._told = ""
        return strips

    def _tell(self, error: Exception) -> None:
        show = getattr(self.app, "show_exception", None)
        if show is None:
            raise error
        show(error)
