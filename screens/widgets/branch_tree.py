"""A tree of continuations as rows: the cursor walks it, ``left`` and ``right`` fold it, ``space`` marks for comparing.

It knows nothing of what a branch holds: it gets nodes with a label, and says which one is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from screens.widgets.cells import fit, fit_end
from screens.widgets.virtual_list import VirtualList


@dataclass(frozen=True, slots=True)
class BranchNode:
    """One node as it is drawn."""

    id: str
    parent: str | None
    label: str
    note: str = ""
    """What stands at the right edge: a length, a perplexity."""
    by_its_end: bool = False
    """Whether its end is what tells it from others, so that it is cut at its beginning."""


@dataclass(frozen=True, slots=True)
class Row:
    """A node in its place: the lines that lead to it, and whether it can be folded."""

    node: BranchNode
    lead: str
    children: int
    folded: bool


def rows_of(nodes: Sequence[BranchNode], folded: set[str] | frozenset[str] = frozenset()) -> list[Row]:
    """The rows of a tree, each parent before its children, in the order in which the nodes came.

    A single child continues its parent's column, so that a long chain of continuations doesn't walk off the pane.

    >>> nodes = [BranchNode("p", None, "prompt"), BranchNode("a", "p", "A"), BranchNode("b", "p", "B")]
    >>> [row.lead + row.node.label for row in rows_of(nodes)]
    ['prompt', '├ A', '└ B']
    >>> [row.node.label for row in rows_of(nodes, {"p"})]
    ['prompt']
    """
    known = {node.id for node in nodes}
    children: dict[str | None, list[BranchNode]] = {}
    for node in nodes:
        children.setdefault(node.parent if node.parent in known else None, []).append(node)
    out: list[Row] = []
    stack = [(node, "", "") for node in reversed(children.get(None, []))]
    while stack:  # not recursion: a chain may be as long as somebody's patience
        node, lead, below = stack.pop()
        kids = children.get(node.id, [])
        shut = node.id in folded and bool(kids)
        out.append(Row(node, lead, len(kids), shut))
        if shut:
            continue
        chained = len(kids) == 1 and node.parent is not None
        for i, kid in reversed(list(enumerate(kids))):
            last = i == len(kids) - 1
            if chained:
                stack.append((kid, below + "└ ", below))
            else:
                stack.append((kid, below + ("└ " if last else "├ "), below + ("  " if last else "│ ")))
    return out


class BranchTree(VirtualList):
    """The tree; the cursor's branch is the one that the screen shows."""

    DEFAULT_CSS = "BranchTree { scrollbar-size-vertical: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "fold", show=False, id="branches.fold", tooltip="fold, or to the parent"),
        Binding("right,l", "unfold", show=False, id="branches.unfold", tooltip="unfold, or to the first child"),
        Binding("space", "mark", show=False, id="branches.mark", tooltip="compare with this branch, or no longer"),
    ]

    class Selected(Message):
        """The cursor is on another branch."""

        def __init__(self, branch_id: str) -> None:
            super().__init__()
            self.branch_id = branch_id

    class Opened(Selected):
        """``enter`` or a double click on a branch."""

    class Marked(Selected):
        """A branch is wanted beside the one that is shown."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(0, self._row_text, id=id)
        self._branches: tuple[BranchNode, ...] = ()
        self._rows: list[Row] = []
        self._folded: set[str] = set()
        self._marks: dict[str, str] = {}
        self._empty = ""
        self._ascii_only = False

    @property
    def branch_id(self) -> str | None:
        """The branch under the cursor."""
        return self._rows[self.cursor].node.id if self.cursor < len(self._rows) else None

    @property
    def folded(self) -> frozenset[str]:
        """Which branches hide their children."""
        return frozenset(self._folded)

    def wear(self, *, ascii_only: bool) -> None:
        """Draws with ASCII alone, or not."""
        self._ascii_only = ascii_only
        self.refresh()

    def show(self, nodes: Sequence[BranchNode], current: str | None, *, marks: dict[str, str], empty: str = "") -> None:
        """Shows a tree with the cursor on ``current``; a fold that hides it is opened.

        Args:
            nodes: parents before children.
            current: the branch that the screen shows.
            marks: a letter beside a branch, for those that are compared.
            empty: what is said when there are no nodes.
        """
        new = tuple(nodes)
        parents = {node.id: node.parent for node in new}
        above = parents.get(current) if current is not None else None
        while above is not None:
            self._folded.discard(above)
            above = parents.get(above)
        self._folded &= parents.keys()
        self._branches, self._marks, self._empty = new, dict(marks), empty
        self._lay(current)

    def _lay(self, current: str | None) -> None:
        self._rows = rows_of(self._branches, self._folded)
        place = next((i for i, row in enumerate(self._rows) if row.node.id == current), 0)
        with self.prevent(VirtualList.Highlighted):
            self.fill(len(self._rows) or int(bool(self._empty)), self._row_text, cursor=place)

    def action_move(self, by: int) -> None:
        """Rows down, or up if negative; the branch there is shown."""
        self._go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """A page down, or up if negative."""
        self._go(self.cursor + by * max(1, self.scrollable_content_region.height - 1))

    def action_to(self, index: int) -> None:
        """To a row; -1 is the last."""
        self._go(len(self._rows) - 1 if index < 0 else index)

    def _go(self, place: int) -> None:
        if not self._rows:
            return
        before = self.branch_id
        self.cursor = max(0, min(place, len(self._rows) - 1))
        if self.branch_id != before and self.branch_id is not None:
            self.post_message(self.Selected(self.branch_id))

    def action_fold(self) -> None:
        """Hides what grew out of this branch; on a leaf, or a folded one, the cursor goes to the parent."""
        if not self._rows:
            return
        row = self._rows[self.cursor]
        if row.children and not row.folded:
            self._folded.add(row.node.id)
            self._lay(row.node.id)
        elif row.node.parent is not None:
            place = next((i for i, r in enumerate(self._rows) if r.node.id == row.node.parent), self.cursor)
            self._go(place)

    def action_unfold(self) -> None:
        """Shows what grew out of this branch; where that is seen, the cursor goes to the first of it."""
        if not self._rows:
            return
        row = self._rows[self.cursor]
        if row.folded:
            self._folded.discard(row.node.id)
            self._lay(row.node.id)
        elif row.children:
            self._go(self.cursor + 1)

    def action_mark(self) -> None:
        """Wants this branch beside the shown one."""
        if self.branch_id is not None:
            self.post_message(self.Marked(self.branch_id))

    def action_activate(self) -> None:
        """Opens the branch under the cursor."""
        if self.branch_id is not None:
            self.post_message(self.Opened(self.branch_id))

    def on_click(self, event: events.Click) -> None:
        """A click goes to the branch, a double click opens it; a click on the sign folds."""
        event.prevent_default()  # the list's own handler would move the cursor without a word
        index = event.y + self.scroll_offset.y
        if not 0 <= index < len(self._rows):
            return
        row = self._rows[index]
        lead = len(row.lead)
        self._go(index)
        if row.children and lead <= event.x < lead + 2:
            self.action_unfold() if row.folded else self.action_fold()
        elif event.chain >= 2:
            self.action_activate()

    def _row_text(self, index: int) -> Text:
        if index >= len(self._rows):
            return Text(self._empty, Style(dim=True))
        row = self._rows[index]
        width = self.scrollable_content_region.width
        opened, shut, leaf = ("v", ">", "-") if self._ascii_only else ("▾", "▸", "·")
        text = Text(row.lead, Style(dim=True), no_wrap=True, end="")
        text.append(f"{shut if row.folded else opened if row.children else leaf} ")
        if row.node.id in self._marks:
            text.append(f"{self._marks[row.node.id]} ", Style(bold=True))
        note = row.node.note + (f" +{row.children}" if row.folded else "")
        room = width - text.cell_len - len(note) - (1 if note else 0)
        text.append(fit_end(row.node.label, room) if row.node.by_its_end else fit(row.node.label, room))
        text.append(f" {note}" if note else "", Style(dim=True))
        return text
