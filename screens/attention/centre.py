"""What the centre of the attention screen asks of each of its views: Pattern, Maths, Lens, Time."""

from __future__ import annotations

from abc import abstractmethod

from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from screens.attention.seen import Place, Seen
from screens.widgets.guarded import Guarded
from screens.widgets.ramps import Look
from screens.widgets.take_away import TakeAwayRequest


class CentreView(Guarded, Vertical):
    """One view of the centre; abstract. It is told of everything and draws only while it is shown.

    The screen sets the pane's title (the tabs) from ``about``; a view may set the subtitle itself. Work above a few
    milliseconds belongs into a worker of the view (``run_worker(..., thread=True, exit_on_error=False)``) that holds
    ``seen.lock`` while it asks a trace, and whose answer is dropped if ``self.seen`` is another one by then.
    """

    NAME = ""
    """The tab: ``maths``."""

    class Moved(Message):
        """The cursor is elsewhere: the screen moves every pane there."""

        def __init__(self, place: Place) -> None:
            super().__init__()
            self.place = place

    class Said(Message):
        """A sentence for the status line."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.seen: Seen | None = None
        self.place = Place()
        self.look = Look()

    @property
    def shown(self) -> bool:
        """Whether this is the view that is shown now."""
        return self.display

    @property
    @abstractmethod
    def target(self) -> Widget:
        """What takes the focus."""

    def show(self, seen: Seen | None, place: Place) -> None:
        """Another text, model or set of heads, another place, or this view has just come to the front."""
        self.seen, self.place = seen, place

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self.look = look

    def about(self) -> str:
        """What stands behind the tabs in the title: ``L2 H1``."""
        return f"L{self.place.layer} H{self.place.head}"

    def sentence(self) -> str:
        """The status line while this view has the focus; empty: the screen's own."""
        return ""

    def subtitle(self, text: str) -> None:
        """What stands below the pane; the same again is not drawn again, since that would draw all that is in it."""
        pane = self.parent
        if isinstance(pane, Widget) and (pane.border_subtitle or "") != text:
            pane.border_subtitle = text

    def other(self, by: int) -> bool:
        """``o``: what else the view can show; False: there is nothing else here."""
        return False

    def step(self, by: int) -> bool:
        """``,`` and ``.``: one step back or forward; False: there are no steps here."""
        return False

    def release(self) -> bool:
        """``esc``: lets go of one pinned thing; whether there was one."""
        return False

    def take_away(self) -> TakeAwayRequest | None:
        """This view as Python, command, data, picture; None: the screen's own."""
        return None
