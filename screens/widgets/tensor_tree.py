"""A tree of tensors as a list that folds: names left, columns right, a row made when it is painted.

What a column says is asked for when its row is painted, so a number that comes late needs a repaint and nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message

from screens.widgets.cells import fit
from screens.widgets.ramps import UNICODE, Symbols
from screens.widgets.virtual_list import VirtualList


@dataclass(frozen=True)
class TensorNode:
    """One row, and those that it unfolds to."""

    key: str
    label: str
    children: tuple[TensorNode, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, its width, and which side it leans to."""

    name: str
    title: str
    width: int
    right: bool = True


CellFunction = Callable[[str, str], str]
"""The text of a column for a row: ``cell(key, column name)``."""


class TensorTree(VirtualList):
    """Rows that fold; ``right`` unfolds, ``left`` folds or leads to the row above, ``enter`` does either."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "unfold", show=False, id="tree.unfold", tooltip="unfold, or on to what is in it"),
        Binding("left,h", "fold", show=False, id="tree.fold", tooltip="fold, or back to what it is in"),
    ]

    class TensorHighlighted(Message):
        """The cursor is on another row."""

        def __init__(self, tree: TensorTree, key: str) -> None:
            super().__init__()
            self.tree = tree
            self.key = key

        @property
        def control(self) -> TensorTree:
            """The tree."""
            return self.tree

    class Measured(Message):
        """There is other room now, for other columns."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._roots: tuple[TensorNode, ...] = ()
        self._rows: list[tuple[int, TensorNode]] = []
        self._open: set[str] = set()
        self._columns: tuple[Column, ...] = ()
        self._cell: CellFunction = lambda key, column: ""
        self._symbols = UNICODE
        self._all_open = False

    def grow(self, nodes: Sequence[TensorNode], *, opened: Sequence[str] = (), all_open: bool = False) -> None:
        """Shows other rows; the cursor stays on its row if that is still there.

        Args:
            nodes: the tree.
            opened: keys that are unfolded besides those that a person unfolded.
            all_open: unfold everything, as for what a filter found.
        """
        key = self.key
        self._roots, self._all_open = tuple(nodes), all_open
        self._open |= set(opened)
        self._spread(key)

    def set_columns(self, columns: Sequence[Column], cell: CellFunction) -> None:
        """Other columns."""
        self._columns, self._cell = tuple(columns), cell
        self.refresh()

    def wear(self, symbols: Symbols) -> None:
        """Draws with these symbols."""
        self._symbols = symbols
        self.refresh()

    @property
    def key(self) -> str:
        """The row under the cursor."""
        return self._rows[self.cursor][1].key if self.cursor < len(self._rows) else ""

    @property
    def keys(self) -> list[str]:
        """The rows in their order."""
        return [node.key for _, node in self._rows]

    @property
    def keys_seen(self) -> list[str]:
        """Those that are in sight."""
        top = self.scroll_offset.y
        return [node.key for _, node in self._rows[top : top + self.size.height]]

    def label_width(self, width: int) -> int:
        """Cells that are left for the labels."""
        return max(8, width - sum(column.width + 1 for column in self._columns))

    def go_to(self, key: str) -> bool:
        """Puts the cursor on a row, unfolding what it is in; says whether there is one."""
        way = _way(self._roots, key)
        if way is None:
            return False
        if not self._all_open and not set(way) <= self._open:
            self._open |= set(way)
            self._spread(self.key)
        if key not in self.keys:
            return False
        self.cursor = self.keys.index(key)
        return True

    def _spread(self, key: str) -> None:
        rows: list[tuple[int, TensorNode]] = []

        def add(nodes: Sequence[TensorNode], depth: int) -> None:
            for node in nodes:
                rows.append((depth, node))
                if node.children and (self._all_open or node.key in self._open):
                    add(node.children, depth + 1)

        add(self._roots, 0)
        self._rows = rows
        keys = [node.key for _, node in rows]
        cursor = keys.index(key) if key in keys else min(self.cursor, max(0, len(rows) - 1))
        moved = cursor != self.cursor
        self.fill(len(rows), self._text, cursor=cursor)
        if rows and not moved and rows[cursor][1].key != key:
            self.post_message(self.TensorHighlighted(self, rows[cursor][1].key))

    def _text(self, index: int) -> Text:
        depth, node = self._rows[index]
        symbols = self._symbols
        is_open = self._all_open or node.key in self._open
        sign = (symbols.down if is_open else symbols.right) if node.children else " "
        label = f"{'  ' * depth}{sign} {node.label}"
        text = Text(fit(label, self.label_width(self.scrollable_content_region.width)), end="")
        if node.children:
            text.stylize(Style(bold=True))
        for column in self._columns:
            said = fit(self._cell(node.key, column.name), column.width)
            text.append(" " + (said.strip().rjust(column.width) if column.right else said), Style(dim=not column.right))
        return text

    def on_resize(self) -> None:
        """Tells that columns may come or go."""
        self.post_message(self.Measured())

    @on(VirtualList.Highlighted)
    def _moved(self, event: VirtualList.Highlighted) -> None:
        if event.source is self and not isinstance(event, VirtualList.Activated):
            self.post_message(self.TensorHighlighted(self, self.key))

    def action_unfold(self) -> None:
        """Unfolds the row, or goes to the first row in it."""
        if self.cursor >= len(self._rows):
            return
        node = self._rows[self.cursor][1]
        if node.children and not self._all_open and node.key not in self._open:
            self._open.add(node.key)
            self._spread(node.key)
        elif node.children:
            self.cursor += 1

    def action_fold(self) -> None:
        """Folds the row, or goes to the one that it is in."""
        if self.cursor >= len(self._rows):
            return
        depth, node = self._rows[self.cursor]
        if node.children and not self._all_open and node.key in self._open:
            self._open.discard(node.key)
            self._spread(node.key)
            return
        above = [i for i in range(self.cursor) if self._rows[i][0] < depth]
        if above:
            self.cursor = above[-1]

    def action_activate(self) -> None:
        """Unfolds or folds; a row with nothing in it is chosen."""
        if self.cursor < len(self._rows) and self._rows[self.cursor][1].children and not self._all_open:
            node = self._rows[self.cursor][1]
            self._open ^= {node.key}
            self._spread(node.key)
        else:
            super().action_activate()


def _way(nodes: Sequence[TensorNode], key: str) -> list[str] | None:
    """The keys of the rows that a row is in; None if there is no such row."""
    for node in nodes:
        if node.key == key:
            return []
        below = _way(node.children, key)
        if below is not None:
            return [node.key, *below]
    return None
