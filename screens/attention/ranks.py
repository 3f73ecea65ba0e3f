"""The heads in the order of a measure, a row each."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from rich.style import Style
from rich.text import Text

from screens.attention.seen import Head
from screens.attention.view import Measure, figure, head_text
from screens.widgets.bars import bar_text
from screens.widgets.ramps import series
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from numpy.typing import NDArray


class RankList(VirtualList):
    """First the head with the highest value (the lowest entropy); ``enter`` opens one."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(0, self._row_of, id=id)
        self._order: list[Head] = []
        self._values: Any = None
        self._off: Collection[Head] = ()
        self._measure: Measure | None = None
        self._ascii_only = self._plain = False
        self._top = 1.0

    @property
    def order(self) -> list[Head]:
        """The heads as they are listed."""
        return self._order

    def wear(self, *, plain: bool, ascii_only: bool) -> None:
        """Draws as the terminal can show it."""
        self._plain, self._ascii_only = plain, ascii_only
        self.refresh()

    def show(
        self, order: list[Head], values: NDArray[Any], measure: Measure, off: Collection[Head], here: Head
    ) -> None:
        """Shows heads, with the cursor on one of them."""
        self._order, self._values, self._measure, self._off = order, values, measure, off
        finite = [abs(float(values[head])) for head in order if values[head] == values[head]]
        self._top = max(finite, default=1.0) or 1.0
        self.fill(len(order), self._row_of, cursor=order.index(here) if here in order else 0)

    def _row_of(self, index: int) -> Text:
        head = self._order[index]
        value = float(self._values[head])
        text = Text(no_wrap=True, end="")
        text.append(f"{index + 1:>3} ", Style(dim=True))
        text.append(f"{head_text(head):<8}", Style(strike=head in self._off))
        room = max(0, self.scrollable_content_region.width - 23)
        drawn = bar_text(abs(value), room, top=self._top, ascii_only=self._ascii_only)
        text.append(drawn, Style() if self._plain else Style(color=series(self.app.current_theme.dark)[0]))
        text.append(f" {figure(value) if value == value else '–':>6}")
        text.append(" off" if head in self._off else "", Style(dim=True))
        return text
