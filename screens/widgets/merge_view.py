"""How a word is put together, merge by merge: a line for each step, and a step that moves by key or plays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer

from screens.widgets.token_strip_labels import text_parts
from screens.widgets.virtual_list import VirtualList

PLAY_EVERY = 0.5
"""Seconds between two steps while it plays."""
_WHITE = {" ": "·", "\n": "↵", "\t": "→", "\r": "←"}


@dataclass(frozen=True, slots=True)
class MergeLine:
    """One step: the pieces after it, and what was merged in it (nothing in the first)."""

    pieces: tuple[bytes, ...]
    merged: bytes | None = None
    token_id: int | None = None
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A token and the two that it was merged from."""

    token_id: int
    piece: bytes
    left: TreeNode | None = None
    right: TreeNode | None = None


def piece_text(piece: bytes) -> str:
    """A piece as it can be written anywhere.

    >>> piece_text(b" caf\\xc3")
    '·caf⟨C3⟩'
    """
    return "".join(part.text for part in text_parts(piece, _WHITE))


def tree_rows(node: TreeNode, *, most: int = 60) -> list[Text]:
    """The merge tree of a token as lines, the token first; the bytes are its leaves.

    >>> leaf = [TreeNode(i, bytes([i])) for i in range(256)]
    >>> [row.plain for row in tree_rows(TreeNode(300, b"ab", leaf[97], leaf[98]))]
    ['ab  300', '├ a  97', '└ b  98']
    """
    rows: list[Text] = []

    def add(here: TreeNode, lead: str, branch: str, rest: str) -> None:
        if len(rows) >= most:
            return
        row = Text(lead + branch, "dim")
        row.append(piece_text(here.piece), "bold" if here.left is not None else "not dim")
        row.append(f"  {here.token_id}", "dim")
        row.style = ""
        row.stylize("dim", 0, len(lead + branch))
        rows.append(row)
        if here.left is not None and here.right is not None:
            add(here.left, lead + rest, "├ ", "│ ")
            add(here.right, lead + rest, "└ ", "  ")

    add(node, "", "", "")
    return rows


class MergeView(VirtualList):
    """The steps of one word; ``,`` and ``.`` are the screen's keys for ``step_by``."""

    DEFAULT_CSS = """
    MergeView { scrollbar-size-vertical: 1; overflow-x: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "play", show=False, id="merges.play", tooltip="play the merges, or stop"),
    ]

    class Stepped(Message):
        """Another step is the current one."""

        def __init__(self, view: MergeView, step: int) -> None:
            super().__init__()
            self.view = view
            self.step = step

        @property
        def control(self) -> MergeView:
            """The view."""
            return self.view

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._steps: Sequence[MergeLine] = ()
        self._player: Timer | None = None
        self.empty_text = ""
        """What is said where there is nothing to step through; may be some lines."""

    _showing = False

    @property
    def steps(self) -> Sequence[MergeLine]:
        """What can be stepped through."""
        return self._steps

    @property
    def step(self) -> int:
        """The current step, 0 for the bare bytes."""
        return self.cursor

    @property
    def playing(self) -> bool:
        """Whether steps follow each other by themselves."""
        return self._player is not None

    def show(self, steps: Sequence[MergeLine], *, empty: str = "", step: int | None = None) -> None:
        """Another word, at its last step unless another is said; a word that is shown already stays at its step."""
        if list(steps) == list(self._steps) and empty == self.empty_text:
            return
        self.stop()
        self._steps, self.empty_text = steps, empty
        self._showing = True  # nobody stepped
        self._length, self._row = len(steps), self._row_text
        self._fit()
        self.cursor = self._inside(len(steps) - 1 if step is None else step)
        self._showing = False
        self.refresh()

    def _fit(self) -> None:
        """Lets the steps scroll; where they all fit nothing is laid out anew, which would take the whole screen."""
        if max(self.virtual_size.height, self._length) > self.size.height != 0:
            self.virtual_size = Size(0, self._length)

    def on_resize(self) -> None:
        """Other steps fit."""
        self._fit()

    def step_by(self, by: int) -> None:
        """Steps on, or back if negative."""
        self.stop()
        self.cursor += by

    def action_play(self) -> None:
        """Plays from the current step, from the start if that is the last; again: stops."""
        if self._player is not None:
            self.stop()
            return
        if not self._steps:
            return
        if self.cursor >= len(self._steps) - 1:
            self.cursor = 0
        self._player = self.set_interval(PLAY_EVERY, self._play_on)

    def _play_on(self) -> None:
        if self.cursor >= len(self._steps) - 1:
            self.stop()
        else:
            self.cursor += 1

    def stop(self) -> bool:
        """Stops playing; whether it played."""
        played = self._player is not None
        if self._player is not None:
            self._player.stop()
            self._player = None
        return played

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaints the steps, whose brightness changes, and tells."""
        super().watch_cursor(old, new)
        if self.is_attached and old != new:
            self.refresh()
            if not self._showing:
                self.post_message(self.Stepped(self, new))

    # --- painting

    def _row_text(self, index: int) -> Text:
        """A step: number, pieces with the merged one marked, what it merged."""
        line = self._steps[index]
        width = max(20, self.scrollable_content_region.width)
        note = self._note(index)
        pieces = self._pieces_text(index)
        room = width - 5 - (len(note) + 2 if note else 0)
        if pieces.cell_len > room:
            pieces = _window(pieces, room)
        row = Text(f"{index:>3}{'▸' if index == self.cursor else ' '} ", no_wrap=True)
        row.append_text(pieces)
        if note:
            row.append(" " * max(2, min(room, self._widest()) - pieces.cell_len + 2))
            row.append(note, "dim")
        elif line.merged is None:
            row.append(f"   {len(line.pieces)} {'piece' if len(line.pieces) == 1 else 'pieces'}", "dim")
        if index > self.cursor:
            row.stylize("dim")
        return row

    def _note(self, index: int) -> str:
        line = self._steps[index]
        if line.merged is None:
            return ""
        note = f"{piece_text(line.merged)}  id {line.token_id}"
        return note if line.rank is None or line.rank == line.token_id else f"{note}  merge {line.rank:,}"

    def _pieces_text(self, index: int) -> Text:
        line = self._steps[index]
        new = -1
        if index:
            before = self._steps[index - 1].pieces
            new = next(
                (i for i, (a, b) in enumerate(zip(before, line.pieces, strict=False)) if a != b), len(line.pieces) - 1
            )
        text = Text(no_wrap=True)
        for i, piece in enumerate(line.pieces):
            if i:
                text.append("│", "dim")
            text.append(piece_text(piece), "bold underline" if i == new else "")
        return text

    def _widest(self) -> int:
        return self._pieces_text(0).cell_len if self._steps else 0

    def render_line(self, y: int) -> Strip:
        """A step; the current one carries a mark, and is reversed while the view has the focus."""
        width = self.scrollable_content_region.width
        base = self.rich_style
        index = y + self.scroll_offset.y
        if not self._steps:
            said = self.empty_text.splitlines()
            text = Text(said[y] if y < len(said) else "", "dim")
        elif index < len(self._steps):
            text = self._row_text(index)
        else:
            return Strip.blank(width, base)
        text.no_wrap, text.end = True, ""
        text.truncate(width, overflow="ellipsis", pad=True)
        style = base + Style(reverse=True) if index == self.cursor and self.has_focus and self._steps else base
        return Strip([Segment(s.text, style + (s.style or Style())) for s in text.render(self.app.console)], width)


def _window(text: Text, room: int) -> Text:
    """A stretch of a long line, around the part that is marked."""
    marked = [(span.start, span.end) for span in text.spans if "underline" in str(span.style)]
    start, end = marked[-1] if marked else (0, 0)
    first = max(0, min((start + end - room) // 2, len(text) - room + 1))
    piece = text[first : first + max(1, room - 2)]
    out = Text("…" if first else "", no_wrap=True)
    out.append_text(piece)
    if first + room - 2 < len(text):
        out.append("…")
    out.truncate(room, overflow="ellipsis")
    return out
