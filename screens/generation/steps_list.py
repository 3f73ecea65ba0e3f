"""The tokens of an answer one below the other with their figures, where a large terminal has room beside the text."""

from __future__ import annotations

import math

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message

from screens.generation.view import Line, written
from screens.widgets.bars import bar_text
from screens.widgets.cells import fit
from screens.widgets.virtual_list import VirtualList

PIECE, BAR = 12, 14


class StepsList(VirtualList, can_focus=False):
    """Follows the cursor of the text; a click puts it on another token."""

    DEFAULT_CSS = "StepsList { scrollbar-size-vertical: 1; }"

    class Chosen(Message):
        """A token was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._line = Line()
        self._ascii_only = False

    def wear(self, *, ascii_only: bool) -> None:
        """Draws as the terminal can show it."""
        self._ascii_only = ascii_only
        self.refresh()

    def follow(self, line: Line, at: int) -> None:
        """Shows the tokens of a line, and the one under the cursor."""
        if line != self._line:
            self._line = line
            self.fill(len(line.prompt_pieces) + len(line.steps), self._row_of, cursor=at)
        elif self.length:
            self.cursor = at

    def on_click(self, event: events.Click) -> None:
        """The cursor of the text goes there, and this one with it."""
        event.prevent_default()
        at = event.get_content_offset(self)
        index = at.y + self.scroll_offset.y if at is not None else -1
        if 0 <= index < self.length:
            self.post_message(self.Chosen(index))

    def _row_of(self, index: int) -> Text:
        step = self._line.step(index)
        text = Text(no_wrap=True, end="")
        text.append(f"{index - len(self._line.prompt_pieces) if step else 'prompt':>7}  ", Style(dim=True))
        if step is None:
            pieces = self._line.prompt_pieces
            text.append(written(pieces[index]) if index < len(pieces) else "")
            return text
        p = math.exp(step.raw_logprob)
        text.append(fit(written(step.bytes), PIECE), Style(bold=True))
        text.append(f" {bar_text(p, BAR, ascii_only=self._ascii_only)} {100 * p:5.1f} %")
        parts = [f"  rank {step.rank:<4,}", f"  {-step.raw_logprob / math.log(2):5.2f} of {step.entropy:5.2f} bits"]
        other = next((a for a in step.alternatives if a.token_id != step.token_id), None)
        if other is not None:
            parts.append(f"  or {written(other.bytes)} {100 * other.before:.1f} %")
        for part in parts:
            if text.cell_len + cell_len(part) > self.scrollable_content_region.width:
                break
            text.append(part, Style(dim=True))
        return text
