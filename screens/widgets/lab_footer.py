"""The key line: as many keys as fit, the screen's own between the lesson and what every screen has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

FIRST = ("lab.lesson",)
LAST = ("lab.take-away", "app.picker")
MOST, MOST_NARROW, FEWEST, NARROW = 9, 6, 3, 100
PALETTE = len(" ▏^p palette ")
Keys = tuple[dict[str, tuple[Binding, bool, str]], tuple[str, ...], ActiveBinding | None]


class LabFooter(Footer):
    """At most 9 keys, 6 under 100 columns; the rest is in the key panel."""

    DEFAULT_CSS = """
    LabFooter { dock: none; }
    """

    def __init__(self) -> None:
        super().__init__(compact=True)
        self._shown: tuple[int, bool] | None = None
        self._rooms: list[tuple[int, int]] = []
        """Columns that so many keys take with the palette's, for each number of them."""
        self._made_of: Keys | None = None
        """What the keys were made of that stand here."""
        self._looks = False
        """Whether it is about to look for others."""

    def bindings_changed(self, screen: Screen[Any]) -> None:
        """Makes the keys anew where they are others: the focus goes from pane to pane, and mostly they are the same."""
        self._bindings_ready = True
        if screen.app.app_focus and self.is_attached and screen is self.screen and not self._looks:
            self._looks = True
            self.call_after_refresh(self._look)

    async def _look(self) -> None:
        self._looks = False
        if self.is_attached and self._keys() != self._made_of:
            await self.recompose()

    def _keys(self) -> Keys:
        """What the keys are made of now: each with whether it is enabled and its tooltip; what the screen wants."""
        active = self.screen.active_bindings
        shown: dict[str, tuple[Binding, bool, str]] = {}
        for _, binding, enabled, tooltip in active.values():
            if binding.show:
                shown.setdefault(binding.action, (binding, enabled, tooltip))
        palette = active.get(self.app.COMMAND_PALETTE_BINDING)
        wanted: Sequence[str] = getattr(self.screen, "footer_keys", tuple)()
        return shown, tuple(wanted), palette

    def compose(self) -> ComposeResult:
        """The keys that fit; none before the screen stands, whose panes say which of its keys do something."""
        if not self._bindings_ready:
            return
        self._made_of = shown, wanted, palette = self._keys()
        every = [b for b, _, _ in shown.values()]
        self._rooms = [(n, self._columns(chosen(every, n, wanted))) for n in range(FEWEST, MOST + 1)]
        self._shown = most, narrow = self._most(), self.app.size.width < NARROW
        keys = chosen(every, most, wanted)
        for binding in keys:
            _, enabled, tooltip = shown[binding.action]
            yield FooterKey(
                binding.key,
                self.app.get_key_display(binding),
                binding.description,
                binding.action,
                disabled=not enabled,
                tooltip=tooltip or binding.description,
                classes="-compact",  # a class that came later would have its styles worked out twice
            )
        if palette is not None and not narrow:
            binding = palette.binding
            yield FooterKey(
                binding.key,
                self.app.get_key_display(binding),
                "palette",
                binding.action,
                tooltip=palette.tooltip or binding.description,
                classes="-command-palette -compact",
            )

    def _columns(self, keys: Sequence[Binding]) -> int:
        """Columns that keys take, with the palette's beside them."""
        return PALETTE + sum(cell_len(f" {self.app.get_key_display(b)} {b.description}") for b in keys)

    def _most(self) -> int:
        """How many keys fit the terminal now; never fewer than in a narrow one."""
        width = self.app.size.width
        if width < NARROW:  # there the palette's key is not shown
            few = [n for n, columns in self._rooms if columns - PALETTE <= width and n <= MOST_NARROW]
            return max(few, default=FEWEST)
        return max((n for n, columns in self._rooms if columns <= width), default=MOST_NARROW)

    def on_resize(self) -> None:
        """Other keys fit where the terminal became narrower or wider."""
        now = (self._most(), self.app.size.width < NARROW)
        if self._shown is not None and self._shown != now:
            self.refresh(recompose=True)


def chosen(bindings: list[Binding], most: int, wanted: Sequence[str] = ()) -> list[Binding]:
    """Lesson first, what every screen has last, the screen's own between; the last of its own go first if too many.

    Args:
        bindings: all that may be shown.
        most: so many at most.
        wanted: ids of the screen's own that are shown, in their order; none: all, as they are bound.
    """
    first = [b for b in bindings if b.id in FIRST]
    last = [b for b in bindings if b.id in LAST]
    own = [b for b in bindings if b.id not in FIRST + LAST]
    if wanted:
        own = sorted((b for b in own if b.id in wanted), key=lambda b: wanted.index(b.id or ""))
    return first + own[: max(0, most - len(first) - len(last))] + last
