"""What the bodies of several screens ask: whether their panes share a place, and which pane a widget is in."""

from __future__ import annotations

from collections.abc import Collection

from textual.widget import Widget

SHARED = ("-narrow", "-short", "-tiny")
"""The size classes in which there is no room for all panes."""


def share_a_place(body: Widget) -> bool:
    """Whether some panes share a place, as on a small terminal."""
    return any(body.screen.has_class(name) for name in SHARED)


def pane_of(widget: Widget | None, body: Widget, names: Collection[str]) -> str | None:
    """Which pane of a body a widget belongs to.

    Args:
        widget: the widget; None: none has the focus.
        body: where the panes are.
        names: of the panes: the id of each, or of its frame, which ends in ``-pane``.
    """
    for node in widget.ancestors_with_self if widget is not None else ():
        if node is body:
            break
        name = (node.id or "").removesuffix("-pane")
        if name in names:
            return name
    return None
