"""The key line: as many keys as fit, the screen's own between the lesson and what every screen has."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

FIRST = ("lab.lesson",)
LAST = ("lab.take-away", "app.picker")
MOST, MOST_NARROW, NARROW = 9, 6, 100


class LabFooter(Footer):
    """At most 9 keys, 6 under 100 columns; the rest is in the key panel."""

    DEFAULT_CSS = """
    LabFooter { dock: none; }
    """

    def __init__(self) -> None:
        super().__init__(compact=True)
        self._was_narrow: bool | None = None

    def compose(self) -> ComposeResult:
        """The keys that fit."""
        if not self._bindings_ready:
            return
        active = self.screen.active_bindings
        shown: dict[str, tuple[Binding, bool, str]] = {}
        for _, binding, enabled, tooltip in active.values():
            if binding.show:
                shown.setdefault(binding.action, (binding, enabled, tooltip))
        narrow = self._was_narrow = self.app.size.width < NARROW
        wanted: Sequence[str] = getattr(self.screen, "footer_keys", tuple)()
        keys = chosen([b for b, _, _ in shown.values()], MOST_NARROW if narrow else MOST, wanted)
        for binding in keys:
            _, enabled, tooltip = shown[binding.action]
            yield FooterKey(
                binding.key,
                self.app.get_key_display(binding),
                binding.description,
                binding.action,
                disabled=not enabled,
                tooltip=tooltip or binding.description,
            ).data_bind(compact=Footer.compact)
        palette = active.get(self.app.COMMAND_PALETTE_BINDING)
        if palette is not None and not narrow:
            binding = palette.binding
            yield FooterKey(
                binding.key,
                self.app.get_key_display(binding),
                "palette",
                binding.action,
                tooltip=palette.tooltip or binding.description,
                classes="-command-palette",
            )

    def on_resize(self) -> None:
        """Other keys fit where the terminal became narrow or wide."""
        if self._was_narrow is not None and self._was_narrow != (self.app.size.width < NARROW):
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
