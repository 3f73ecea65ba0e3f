"""Windows over the text: context length and stride on slides, inputs and targets as tokens, how many there are."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from core.errors import LabError
from screens.guard import guarded
from screens.tokens.base import TokensBase
from screens.tokens.view import amount
from screens.widgets.dial import Dial
from screens.widgets.guarded import Guarded
from screens.widgets.rows import Rows
from screens.widgets.virtual_list import VirtualList
from screens.widgets.window_rows import WindowRows

LENGTHS = (*range(1, 17), 20, 24, 32, 48, 64, 100, 128, 192, 256, 384, 512, 768, 1024)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
PRESETS = ((4, 1, 8), (4, 4, 2), (100, 4, 8), (256, 128, 2), (256, 256, 16))
"""Context length, stride and batch size: two to learn with, the classic one, the course's, without overlap."""


class WindowsPane(Guarded, Vertical):
    """Slides, counts, windows."""

    DEFAULT_CSS = """
    WindowsPane #dials { height: 1; }
    WindowsPane Dial { margin: 0 2 0 0; }
    WindowsPane #counts { height: 2; }
    """

    def compose(self) -> ComposeResult:
        """All three."""
        with Horizontal(id="dials"):
            yield Dial("context length", LENGTHS, 4, id="context-length")
            yield Dial("stride", LENGTHS, 1, id="stride")
            yield Dial("batch", BATCHES, 8, id="batch-size")
        yield Rows(id="counts")
        yield WindowRows(id="windows")

    def on_mount(self) -> None:
        """The counts take no focus."""
        self.query_one("#counts", Rows).can_focus = False

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Context length, stride, batch size."""
        values = [self.query_one(f"#{name}", Dial).value for name in ("context-length", "stride", "batch-size")]
        return values[0], values[1], values[2]

    def put(self, context_length: int, stride: int, batch_size: int) -> None:
        """Sets the slides."""
        self.query_one("#context-length", Dial).put(context_length)
        self.query_one("#stride", Dial).put(stride)
        self.query_one("#batch-size", Dial).put(batch_size)


class WindowsActions(TokensBase):
    """Windows (``t``) and their settings (``a``)."""

    _preset = 0

    async def action_windows(self) -> None:
        """Opens the windows."""
        if not self.query(WindowsPane):
            await self.body.query_one("#main").mount(WindowsPane(id="windows-pane", classes="frame"))
            self.query_one(WindowRows).wear(self.look)
        self.to_main("windows")
        self.query_one("#context-length", Dial).focus()
        self.show_windows()

    async def action_preset(self) -> None:
        """The next usual setting: two to learn with, the classic one, the course's, one without overlap."""
        if not self.query(WindowsPane):
            await self.action_windows()
        self._preset = (self._preset + 1) % len(PRESETS)
        self.to_main("windows")
        self.query_one(WindowsPane).put(*PRESETS[self._preset])

    @on(Dial.Turned)
    @guarded
    def _turned(self, message: Dial.Turned) -> None:
        self.show_windows()

    @on(VirtualList.Highlighted, "#windows")
    @guarded
    def _window_highlighted(self, message: VirtualList.Highlighted) -> None:
        rows = self.query_one(WindowRows)
        context, stride, _ = self.query_one(WindowsPane).numbers
        start = rows.window * stride
        self.say(
            f"window {rows.window + 1:,} reads tokens {start + 1:,}–{start + context:,} and should say "
            f"{start + 2:,}–{start + context + 1:,}"
        )

    def show_windows(self) -> None:
        """Counts and windows for the text as it is."""
        reading = self.reading
        if self.body.main != "windows" or reading is None or reading.report is None:
            return
        from core.data.windows import check_length, count_windows

        context, stride, batch = self.query_one(WindowsPane).numbers
        tokens = reading.tokens
        rows, counts = self.query_one(WindowRows), self.query_one("#counts", Rows)
        try:
            check_length(len(tokens), context)
        except LabError as error:
            rows.show((), (), 0, context, stride)
            counts.show([Text(error.title, "bold"), f"{error.hint}"])
            return
        count = count_windows(len(tokens), context, stride)
        strip = self.body.strip
        rows.show(strip.pieces, strip.ids or (), count, context, stride)
        whole, rest = divmod(count, batch)
        batches = f"{amount(whole, 'batch', 'batches')} of {batch}" + (f" and one of {rest}" if rest else "")
        counts.show(
            [
                Text(f"{amount(len(tokens), 'token')} → {amount(count, 'window')} → {batches}", "bold"),
                Text(
                    f"({len(tokens):,} − {context:,} − 1) // {stride:,} + 1 = {count:,} · " + _overlap(context, stride),
                    "dim",
                ),
            ]
        )

    def windows_title(self) -> None:
        """The border of the pane."""
        if self.query(WindowsPane):
            name = self.source.name or "the text"
            self.body.title("windows", [f"windows over {name} · target = input shifted by one", "windows"])
            self.body.subtitle("windows", "tab slides and windows · arrows · a next setting · esc to the tokens")


def _overlap(context: int, stride: int) -> str:
    """What the stride means."""
    if stride == context:
        return "no overlap: each token is read once"
    if stride < context:
        return f"each window shares {amount(context - stride, 'token')} with the next"
    return f"{amount(stride - context, 'token')} between two windows {'is' if stride - context == 1 else 'are'} skipped"
