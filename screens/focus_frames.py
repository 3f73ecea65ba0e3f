"""A focus that goes from pane to pane changes two frames, a zoom one, where the toolkit styles all that is in sight."""

from __future__ import annotations

from textual.dom import DOMNode
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget


class FocusFrames(Screen[None]):
    """The part of a screen that draws where the focus is.

    The toolkit draws the whole screen at each step of the focus, and matches the style sheet for all that is in both
    panes, in case a rule asks whether something around it has the focus; where one pane is shown alone, for all that
    there is. Our rules ask that of frames, and of the pane that is shown alone; a test sees to it. What has or loses
    the focus itself is styled by the toolkit as ever.
    """

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    def _update_focus_styles(self, focused: Widget | None = None, blurred: Widget | None = None) -> None:
        # The toolkit's own, and private: where a later one has another name for it, focus is as slow as before.
        frames: list[DOMNode] = []
        for widget in (focused, blurred):
            if widget is not None:
                frames += [node for node in widget.ancestors if node._has_focus_within and node not in frames]
        if frames:
            self.app.stylesheet.update_nodes(frames, animate=True)

    def _watch_maximized(self, previously_maximized: Widget | None, maximized: Widget | None) -> None:
        # The toolkit's own styles all that is in the pane, and gives the screen a class, for a hatch around the pane: a
        # screen styled anew draws all that it holds anew. Here what is shown alone has the whole body.
        panes = [widget for widget in (previously_maximized, maximized) if widget is not None]
        for widget in panes:
            widget.set_class(widget is maximized, "-maximized", update=False)
        self.app.stylesheet.update_nodes(panes, animate=True)
