"""What is shown of the tokens: borders, the panes about one of them, and the keys that move through them."""

from __future__ import annotations

from textual import on

from screens.guard import guarded
from screens.tokens.base import TokensBase
from screens.tokens.reader import Reading
from screens.tokens.view import (
    LONGEST_WORD,
    amount,
    merge_lines,
    no_merges,
    strip_titles,
    token_rows,
    token_sentence,
    tree_of,
    word_at,
)
from screens.widgets.merge_view import MergeView, piece_text, tree_rows
from screens.widgets.token_strip import TokenStrip
from screens.widgets.token_strip_labels import MODES
from screens.widgets.virtual_list import VirtualList

VIEWS = (*MODES, "table", "beside")
"""The ways to show the tokens; the last: cut by several tokenizers."""


class TokenActions(TokensBase):
    """One token at a time; abstract."""

    _places: dict[int, list[int]]

    def titles(self) -> None:
        """The borders."""
        body, reading = self.body, self.reading
        excerpt = body.text.excerpt if body.text.is_mounted else None
        text = [f"text{f' · {self.source.name}' if self.source.name else ''} · e to edit"]
        if excerpt is not None:
            text.insert(
                0, f"{text[0]} · characters {excerpt[0]:,}–{excerpt[1]:,} of {len(self.text):,} are in the field"
            )
        body.title("text", text)
        body.subtitle("text", self.source.note)
        body.title("strip", strip_titles(reading) if reading is not None else ["tokens"])
        view = self.view
        views = "  ".join(f"[{v}]" if v == view else v for v in VIEWS)
        body.subtitle("strip", f"{views} · v" + ("" if body.shared else "    vocabulary · f    windows · t"))
        body.title("compare", ["same text, other tokenizers · enter or click uses one · c to change", "same text · c"])
        self.merge_title()
        self.beside_title()
        self.vocabulary_title()
        self.windows_title()
        self.build_title()

    def show_token(self) -> None:
        """The panes about the token that counts: the pinned one, else the one under the cursor."""
        with self.app.batch_update():
            if not self.show_entry():
                self._show_token()

    def _show_token(self) -> None:
        reading, body = self.reading, self.body
        if reading is None or reading.report is None or not reading.tokens:
            body.token.show([])
            body.merges.show([], empty=no_merges(reading) if reading is not None else "")
            body.title("token", ["token"])
            self.merge_title()
            self.say("no text: e to type one, o for samples, corpora and files" if not self.text else "")
            return
        index = min(body.strip.at, len(reading.tokens) - 1)
        token = reading.tokens[index]
        pinned = body.strip.pin is not None
        if not body.table.has_focus and body.table.display:
            body.table.cursor = index
        places = self.places_of(token.id)
        body.strip.marks = frozenset(places) if len(places) > 1 else frozenset()
        body.token.show(token_rows(index, reading, len(places), pinned=pinned))
        body.title("token", [f"token {index + 1:,} of {len(reading.tokens):,}"])
        body.subtitle("token", "esc lets go" if pinned else "enter pins")
        self._show_merges(reading, index)
        self.say(token_sentence(index, reading, pinned=pinned))

    def places_of(self, token_id: int) -> list[int]:
        """Where tokens of an id stand in the text."""
        if token_id not in self._places:
            cut = self.reading.cut if self.reading is not None else None
            self._places = {token_id: cut.places_of(token_id) if cut is not None else []}
        return self._places[token_id]

    def _show_merges(self, reading: Reading, index: int) -> None:
        body, report, bpe = self.body, reading.report, reading.bpe
        assert report is not None
        if bpe is None:
            self.word = ""
            body.merges.show([], empty=no_merges(reading))
            body.tree_rows.show(no_merges(reading).splitlines())
            self.merge_title()
            return
        token = reading.tokens[index]
        body.tree_rows.show(tree_rows(tree_of(bpe.merge_tree(token.id))))
        word, _ = word_at(bpe, self.text, token.char_start)
        self.word = word
        if len(word) > LONGEST_WORD:
            body.merges.show([], empty=f"This piece has more than {LONGEST_WORD} characters: too many steps to show.")
        else:
            body.merges.show(merge_lines(bpe, word))
        self.merge_title()

    def merge_title(self) -> None:
        """The border of the merges."""
        body = self.body
        if body.as_tree and not body.roomy:
            body.title("merge", ["how this token was built · m for the steps of its word", "merge tree · m"])
            return
        steps = body.merges.steps
        if not steps:
            body.title("merge", ["merges"])
            body.subtitle("merge", "")
            return
        word = piece_text(self.word.encode())
        at = f"step {body.merges.step} of {len(steps) - 1}"
        beside = " · and the token beside it" if body.roomy else ""
        body.title("merge", [f"how “{word}” was built · {at}{beside}", f"“{word[:20]}” · {at}", at])
        keys = ", . step · p stops" if body.merges.playing else ", . step · p play"
        body.subtitle("merge", keys if body.roomy or body.merges.playing else f"{keys} · m tree")

    def _table_row(self, index: int) -> str:
        reading = self.reading
        if reading is None or reading.report is None or index >= len(reading.tokens):
            return ""
        token = reading.tokens[index]
        chars = f"{token.char_start:,}–{token.char_end:,}"
        shown = "none" if token.id < 0 else str(token.id)
        return f"{index + 1:>8,}  {shown:>7}  {chars:>17}  {token.bytes[:12].hex(' '):<36}  {piece_text(token.bytes)}"

    @on(TokenStrip.Highlighted, "#strip")
    @guarded
    def _highlighted(self, message: TokenStrip.Highlighted) -> None:
        self.show_token()

    @on(TokenStrip.Pinned, "#strip")
    @guarded
    def _pinned(self, message: TokenStrip.Pinned) -> None:
        self.show_token()

    @on(TokenStrip.Activated, "#strip")
    @guarded
    def _activated(self, message: TokenStrip.Activated) -> None:
        self.action_edit()

    @on(VirtualList.Highlighted, "#table")
    @guarded
    def _row_highlighted(self, message: VirtualList.Highlighted) -> None:
        if self.body.as_table or self.body.table.has_focus:  # else it stands beside the text and follows
            self.body.strip.cursor = message.index

    @on(MergeView.Stepped)
    @guarded
    def _stepped(self, message: MergeView.Stepped) -> None:
        self.merge_title()
        line = message.view.steps[message.step]
        if line.merged is not None:
            rank = f" · merge {line.rank:,}" if line.rank is not None else ""
            self.say(f"step {message.step}: ‘{piece_text(line.merged)}’ becomes id {line.token_id}{rank}")
        else:
            self.say(f"step 0: the {amount(len(line.pieces), 'byte')} of “{piece_text(self.word.encode())}”")

    # --- keys

    def action_edit(self) -> None:
        """The text takes the keys, at the place of the token that counts."""
        box = self.body.text
        tokens = self.reading.tokens if self.reading is not None else ()
        if tokens and self.body.strip.has_focus:
            box.go_to(tokens[min(self.body.strip.at, len(tokens) - 1)].char_start)
        self.set_focus(box)  # at once: the next key may be on its way
        self.titles()

    @property
    def view(self) -> str:
        """Text, ids, bytes, table or beside."""
        if self.body.main == "beside":
            return "beside"
        return "table" if self.body.as_table else self.body.strip.mode

    async def action_view(self, by: int) -> None:
        """The next way to show the tokens; from elsewhere, back to them first."""
        if self.body.main not in ("strip", "beside"):
            self.to_main("strip")
            await self.show_view(self.view)
        else:
            await self.show_view(VIEWS[(VIEWS.index(self.view) + by) % len(VIEWS)])

    async def show_view(self, view: str) -> None:
        """Text, ids, bytes, table or beside."""
        if view == "beside":
            await self.action_beside()
            return
        body = self.body
        if body.main == "beside":
            self.to_main("strip")
        table = view == "table"
        body.show_table(on=table)
        if table:
            body.table.cursor = body.strip.at
            body.table.focus()
        else:
            body.strip.mode = view  # type: ignore[assignment]
            body.strip.focus()
        self.titles()

    def action_step(self, by: int) -> None:
        """One merge on, or back."""
        if not self.body.merges.steps:
            self.say("nothing is merged here: c chooses a tokenizer that merges, gpt2 for one")
        self.body.merges.step_by(by)

    def action_play(self) -> None:
        """Plays the merges of the word under the cursor."""
        self.body.merges.action_play()
        self.merge_title()

    def action_tree(self) -> None:
        """Merge steps or tree."""
        body = self.body
        body.show_tree(on=not body.as_tree)
        if body.pane_of(self.focused) == "merge":
            body.focus_of("merge").focus()
        self.merge_title()

    def action_spaces(self) -> None:
        """White space as signs, or as it is."""
        self.body.strip.show_spaces = not self.body.strip.show_spaces

    def action_breaks(self) -> None:
        """Breaks lines at line ends or not."""
        self.body.strip.break_lines = not self.body.strip.break_lines

    def action_same(self, by: int) -> None:
        """The next token of the same id, round and round."""
        strip = self.body.strip
        if self.reading is None or self.reading.report is None or not self.reading.tokens:
            return
        places = self.places_of(self.reading.tokens[strip.cursor].id)
        if len(places) < 2:
            self.say("this id stands only once in the text")
        elif strip.cursor in places:
            strip.cursor = places[(places.index(strip.cursor) + by) % len(places)]
