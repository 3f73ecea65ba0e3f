"""The same text cut by several tokenizers, one below the other: a token of one marks in the others what it covers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from screens.guard import guarded
from screens.tokens.base import TokensBase
from screens.tokens.reader import Compared
from screens.tokens.view import amount, decimals
from screens.widgets.guarded import Guarded
from screens.widgets.merge_view import piece_text
from screens.widgets.ramps import Look
from screens.widgets.token_strip import TokenStrip

MOST = 4
"""Strips: the current tokenizer and three others."""


class BesidePane(Guarded, Vertical):
    """A strip for each tokenizer."""

    DEFAULT_CSS = """
    BesidePane TokenStrip { height: 1fr; border-top: solid $primary 70%; border-title-color: $text; }
    BesidePane TokenStrip:focus { border-top: solid $accent; }
    """

    def compose(self) -> ComposeResult:
        """All of them; those that are not needed are hidden."""
        for n in range(MOST):
            yield TokenStrip(id=f"beside-{n}", classes="beside")

    def strips(self) -> list[TokenStrip]:
        """Those that are seen."""
        return [strip for strip in self.query(TokenStrip) if strip.display]

    def show(self, rows: Sequence[Compared], look: Look, *, spaces: bool) -> None:
        """Fills them."""
        for n, strip in enumerate(self.query(TokenStrip)):
            row = rows[n] if n < len(rows) else None
            strip.display = row is not None
            if row is None:
                continue
            strip.wear(look)
            strip.show_spaces = spaces
            if row.error is not None or row.cut is None:
                strip.empty_text = row.error.title if row.error is not None else ""
                strip.fill([])
                strip.border_title = row.label
                continue
            strip.spaced = not row.cut.covers
            strip.fill(row.cut.pieces, ids=row.cut.id_list)
            strip.border_title = (
                f"{row.label} · {amount(row.tokens, 'token')} · {decimals(row.bytes_per_token)} bytes per token"
            )


class BesideActions(TokensBase):
    """Strips beside each other (one of the views of ``v``); abstract."""

    async def action_beside(self) -> None:
        """Opens them."""
        if not self.query(BesidePane):
            await self.body.query_one("#main").mount(BesidePane(id="beside-pane", classes="frame"))
        self.to_main("beside")
        self.show_beside()
        strips = self.query_one(BesidePane).strips()
        if strips:
            strips[0].focus()

    def show_beside(self) -> None:
        """Brings the strips up to date."""
        if self.body.main == "beside" and self.query(BesidePane):
            self.query_one(BesidePane).show(self.compared, self.look, spaces=self.body.strip.show_spaces)
            self.beside_title()

    def beside_title(self) -> None:
        """The border of the pane."""
        if self.query(BesidePane):
            cut = any(row.cut is not None and row.tokens > len(row.cut.pieces) for row in self.compared)
            told = "the same text beside each other" + (" · its beginning" if cut else "")
            self.body.title("beside", [told, "beside each other"])
            self.body.subtitle("beside", "tab next strip · c to change · v text · esc")

    @on(TokenStrip.Highlighted, ".beside")
    @guarded
    def _beside_highlighted(self, message: TokenStrip.Highlighted) -> None:
        """Marks in the others what this token covers."""
        strips = self.query_one(BesidePane).strips()
        if message.strip not in strips:
            return
        mine = self.compared[strips.index(message.strip)]
        if mine.cut is None or message.index >= len(mine.cut.tokens):
            return
        token = mine.cut.tokens[message.index]
        told = [f"{mine.label}: ‘{piece_text(token.bytes)}’ id {token.id}"]
        for row, strip in zip(self.compared, strips, strict=False):
            if strip is message.strip or row.cut is None or not row.cut.tokens:
                strip.marks = frozenset()
                continue
            tokens = row.cut.tokens
            first = bisect_right(tokens, token.byte_start, key=lambda other: other.byte_end)
            last = bisect_left(tokens, token.byte_end, key=lambda other: other.byte_start)
            strip.marks = frozenset(range(first, last))
            if first < last:
                with strip.prevent(TokenStrip.Highlighted):  # nobody moved this one
                    strip.go_to(first)
            told.append(f"{row.label}: {amount(max(0, last - first), 'token')}")
        self.say(" · ".join(told))
