"""A ranked list with a bar a row: what was likely, how likely it is now, and what was said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from screens.widgets.cells import fit
from screens.widgets.ramps import series
from screens.widgets.virtual_list import VirtualList

EIGHTHS = " ▏▎▍▌▋▊▉"
LEAD, NUMBER, NOTE = 3, 5, 7
LABEL_LEAST, LABEL_MOST, BAR_LEAST = 6, 16, 4


@dataclass(frozen=True, slots=True)
class Columns:
    """How wide each part of a row is, so that all rows of a list stand in line."""

    two: bool
    """Whether a row has two values."""
    lead: int
    label: int
    cells: int
    """Of the bar."""
    note: int
    top: float
    """The value of a full bar."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row."""

    label: str
    value: float
    """0 to 1; what the bar shows."""
    second: float | None = None
    """Another value for the same label (before a change, or of another model), shown beside the first."""
    note: str = ""
    """One word at the end."""
    lead: str = ""
    """What stands before the label, a rank mostly."""
    marked: bool = False
    """Whether it is the one that was taken."""
    idle: bool = False
    """A row that only adds up, such as the rest: it cannot be activated."""


def bar_text(
    value: float, cells: int, *, second: float | None = None, top: float = 1.0, ascii_only: bool = False
) -> str:
    """A bar of exactly so many cells; where the second value is larger, what is missing to it is shaded.

    >>> bar_text(0.5, 4), bar_text(0.28, 4), bar_text(0.25, 4, second=0.75)
    ('██  ', '█▏  ', '█░░ ')
    >>> bar_text(0.5, 4, ascii_only=True), bar_text(float("nan"), 3)
    ('##  ', '   ')
    """
    if value != value or cells <= 0 or top <= 0:
        return " " * max(0, cells)
    units = round(min(1.0, max(0.0, value / top)) * cells * 8)
    whole, part = divmod(units, 8)
    text = ("#" if ascii_only else "█") * whole
    if part and not ascii_only:
        text += EIGHTHS[part]
    elif part >= 4:
        text += "#"
    if second is not None and second > value:
        reach = round(min(1.0, second / top) * cells)
        text += (":" if ascii_only else "░") * (reach - len(text))
    return text.ljust(cells)[:cells]


def percent(value: float) -> str:
    """A share of 1 in five cells.

    >>> percent(0.312), percent(1.0), percent(0.00004), percent(0.0), percent(0.0042)
    (' 31.2', '100.0', '<0.01', '    0', ' 0.42')
    """
    share = value * 100
    if share == 0:
        return "    0"
    if share < 0.01:
        return "<0.01"
    return f"{share:5.2f}" if share < 1 else f"{share:5.1f}"


class Bars(VirtualList):
    """Rows with bars; the cursor chooses one, ``enter`` activates it (``VirtualList.Activated``)."""

    DEFAULT_CSS = "Bars { scrollbar-size-vertical: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(0, self._row_of, id=id)
        self._bars: tuple[Bar, ...] = ()
        self._unit = "%"
        self._empty = ""
        self._arrow = "→"
        self._ascii_only = False
        self._plain = False
        self._columns: tuple[int, Columns] | None = None

    @property
    def rows(self) -> tuple[Bar, ...]:
        """What is shown."""
        return self._bars

    @property
    def bar(self) -> Bar | None:
        """The row under the cursor."""
        return self._bars[self.cursor] if self.cursor < len(self._bars) else None

    def wear(self, *, ascii_only: bool, plain: bool = False) -> None:
        """Draws with ASCII alone, without colour, or not."""
        self._ascii_only, self._plain = ascii_only, plain
        self.refresh()

    def show(
        self, rows: Sequence[Bar], unit: str = "%", *, cursor: int | None = None, empty: str = "", arrow: str = "→"
    ) -> None:
        """Shows other rows; ``empty`` is said where there are none, ``arrow`` stands between two values."""
        self._bars, self._unit, self._empty, self._arrow = tuple(rows), unit, empty, arrow
        self._columns = None
        self.fill(max(1, len(self._bars)) if empty else len(self._bars), self._row_of, cursor=cursor)

    def action_activate(self) -> None:
        """Activates the row under the cursor, unless it only adds up."""
        bar = self.bar
        if bar is not None and not bar.idle:
            super().action_activate()

    def _row_of(self, index: int) -> Text:
        if index >= len(self._bars):
            return Text(self._empty, Style(dim=True))
        return self.row_text(self._bars[index], self.scrollable_content_region.width)

    def row_text(self, bar: Bar, width: int) -> Text:
        """One row in so many cells: rank, label, bar, one value or two, a word."""
        if self._columns is None or self._columns[0] != width:
            self._columns = (width, self._laid_out(width))
        at = self._columns[1]
        text = Text(no_wrap=True, end="")
        text.append(f"{bar.lead:>{at.lead - 1}} " if at.lead else "", Style(dim=True))
        text.append(fit(bar.label, at.label, "~" if self._ascii_only else "…"), Style(bold=bar.marked))
        text.append(" ")
        drawn = bar_text(bar.value, at.cells, second=bar.second, top=at.top, ascii_only=self._ascii_only)
        color = None if self._plain else series(self.app.current_theme.dark)[0]
        text.append(drawn, Style(color=color, reverse=False))  # under the cursor too: turned about, full would be empty
        text.append(" " + self._values(bar, at.two))
        mark = ("<" if self._ascii_only else "◀") if bar.marked else " "
        text.append(mark)
        text.append(f" {bar.note:<{at.note - 1}}" if at.note else "", Style(dim=True))
        return text

    def _laid_out(self, width: int) -> Columns:
        two = any(b.second is not None for b in self._bars)
        note = max((len(b.note) for b in self._bars), default=0)
        note = min(NOTE, note) + 1 if note else 0
        numbers = (2 * NUMBER + 1 if two else NUMBER) + (2 if self._unit else 0)
        lead = max((len(b.lead) + 1 for b in self._bars if b.lead), default=0)
        lead = max(LEAD, lead) if lead else 0
        room = width - lead - numbers - note - 2
        longest = max((cell_len(b.label) for b in self._bars), default=0)
        label = max(LABEL_LEAST, min(longest, LABEL_MOST, room - BAR_LEAST))
        if room < LABEL_LEAST + BAR_LEAST:  # too narrow for a bar: the numbers say it
            label = max(1, room)
        cells = max(0, room - label - 1)
        top = max((max(b.value, b.second or 0.0) for b in self._bars if not b.idle), default=1.0)
        return Columns(two, lead, label, cells, note, min(1.0, top))

    def _values(self, bar: Bar, two: bool) -> str:
        unit = f" {self._unit}" if self._unit else ""
        if not two:
            return percent(bar.value) + unit
        before = " " * NUMBER if bar.second is None else percent(bar.second)
        arrow = " " if bar.second is None else ">" if self._ascii_only and self._arrow == "→" else self._arrow
        return f"{before}{arrow}" + f"{percent(bar.value).strip()}{unit}".ljust(NUMBER + len(unit))
