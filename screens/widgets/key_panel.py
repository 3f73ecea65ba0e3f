"""All keys that work now: of the focused pane, of the screen, everywhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Static

from screens.widgets.dialog import Dialog

PLACE = re.compile(r" \d+/\d+ tab$")
"""What a title says of the pane's place in the round, where panes share one."""


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One binding: where it holds, its keys, what it does."""

    where: str
    keys: str
    does: str


def key_lines(screen: Screen[object]) -> list[KeyLine]:
    """The keys that work with the present focus, the pane's first, in the order in which they were written."""
    groups: dict[str, dict[tuple[str, str], list[str]]] = {}
    app = screen.app
    for node, binding, enabled, tooltip in screen.active_bindings.values():
        if not enabled or not binding.id:  # those of the toolkit (scroll left) have no id
            continue
        does = tooltip or binding.tooltip or binding.description
        if not does:
            continue
        lines = groups.setdefault(_place(node, screen), {})
        lines.setdefault((binding.action, does), []).append(app.get_key_display(binding))
    order = sorted(groups, key=lambda where: (where == "everywhere", where == "this screen"))
    return [KeyLine(where, " ".join(keys), does) for where in order for (_, does), keys in groups[where].items()]


def _place(node: DOMNode, screen: Screen[object]) -> str:
    if node is screen:
        return "this screen"
    if node is screen.app:
        return "everywhere"
    titles = (getattr(n, "border_title", None) for n in node.ancestors_with_self)
    title = next((t for t in titles if t), None)
    name = str(title or "").partition(" · ")[0]  # what it shows; its figures are no name
    name = PLACE.sub("", name)
    return f"this pane ({name})" if name else "this pane"


class KeyPanel(Dialog[None]):
    """The list of keys."""

    HEADING = "keys"
    KEYS = "up down scroll · esc close"
    DEFAULT_CSS = """
    KeyPanel > #box { width: 76; height: auto; max-height: 90%; }
    KeyPanel VerticalScroll { height: auto; max-height: 30; }
    """

    def __init__(self, lines: Sequence[KeyLine]) -> None:
        super().__init__()
        self._lines = lines

    def compose_box(self) -> ComposeResult:
        """Groups with their keys."""
        text = Text()
        where = ""
        width = max((len(line.keys) for line in self._lines), default=0) + 2
        for line in self._lines:
            if line.where != where:
                where = line.where
                text.append(f"\n{where}\n" if len(text) else f"{where}\n", "bold")
            text.append(f"  {line.keys:<{width}}", "bold")
            text.append(f"{line.does}\n")
        with VerticalScroll(can_focus=True):
            yield Static(text)

    def on_mount(self) -> None:
        """Keys scroll at once."""
        self.query_one(VerticalScroll).focus()
