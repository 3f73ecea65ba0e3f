"""Worked steps of a calculation, one under the other: fixed-width lines that scroll and are never wrapped.

The step at the top is the current one; ``,`` and ``.`` go to the one before and after. What the numbers are, and
whether a check holds, is decided by whoever hands the steps in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from screens.widgets.guarded import Guarded
from screens.widgets.ramps import Look

INDENT = "  "


class CheckLike(Protocol):
    """Whether a step's result is the one that was expected."""

    @property
    def ok(self) -> bool:
        """Whether it is."""
        ...

    @property
    def text(self) -> str:
        """What is said of it."""
        ...


class StepLike(Protocol):
    """One step."""

    @property
    def title(self) -> str:
        """What is done."""
        ...

    @property
    def why(self) -> str:
        """The same in a line."""
        ...

    @property
    def lines(self) -> Sequence[str]:
        """The numbers."""
        ...

    @property
    def check(self) -> CheckLike | None:
        """What they were compared with, if they were."""
        ...


class MathSteps(Guarded, ScrollView, can_focus=True):
    """The steps, as one text; the current one is marked."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    MathSteps { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; }
    MathSteps > .math-steps--ok { color: $text-success; }
    MathSteps > .math-steps--wrong { color: $text-error; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"math-steps--ok", "math-steps--wrong"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("full_stop", "step(1)", show=False, id="maths.next", tooltip="next step"),
        Binding("comma", "step(-1)", show=False, id="maths.previous", tooltip="step before"),
        Binding("down,j", "scroll_by(0,1)", show=False, id="maths.down", tooltip="a line down"),
        Binding("up,k", "scroll_by(0,-1)", show=False, id="maths.up", tooltip="a line up"),
        Binding("right,l", "scroll_by(8,0)", show=False, id="maths.right", tooltip="the rest of long lines"),
        Binding("left,h", "scroll_by(-8,0)", show=False, id="maths.left", tooltip="their start"),
        Binding("pagedown", "page(1)", show=False, id="maths.page-down", tooltip="a page down"),
        Binding("pageup", "page(-1)", show=False, id="maths.page-up", tooltip="a page up"),
        Binding("home", "step(-1000)", show=False, id="maths.first", tooltip="first step"),
        Binding("end", "step(1000)", show=False, id="maths.last", tooltip="last step"),
    ]

    class StepChanged(Message):
        """Another step is the current one."""

        def __init__(self, source: MathSteps, index: int) -> None:
            super().__init__()
            self.source = source
            self.index = index

        @property
        def control(self) -> MathSteps:
            """The steps."""
            return self.source

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._steps: Sequence[StepLike] = ()
        self._lines: list[tuple[int, str, str]] = []  # step, kind, text
        self._starts: list[int] = []
        self._current = 0
        self._look = Look()
        self.empty_text = "nothing to work out yet"

    @property
    def steps(self) -> Sequence[StepLike]:
        """What is shown."""
        return self._steps

    @property
    def step(self) -> int:
        """The current step, from 0."""
        return self._current

    @property
    def lines(self) -> list[str]:
        """Every line as it stands there."""
        return [text for _, _, text in self._lines]

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self._look = look
        self.refresh()

    def show(self, steps: Sequence[StepLike], *, step: int | None = None) -> None:
        """Other steps; the current one stays if there is such a one, and with it the line at the top."""
        same = [s.title for s in steps] == [s.title for s in self._steps]
        into = self.scroll_offset.y - self._start(self._current) if same else 0
        self._steps = tuple(steps)
        self._lines, self._starts = [], []
        for index, one in enumerate(self._steps):
            self._starts.append(len(self._lines))
            self._lines.append((index, "title", f"{index + 1} {one.title}"))
            self._lines.append((index, "why", INDENT + one.why))
            self._lines += [(index, "line", INDENT + line) for line in one.lines]
            if one.check is not None:
                self._lines.append((index, "ok" if one.check.ok else "wrong", one.check.text))
            self._lines.append((index, "gap", ""))
        wanted = self._current if step is None else step
        self._current = self._inside(wanted)
        self._fit()
        self._scroll_to_line(self._start(self._current) + (into if step is None and self._current == wanted else 0))
        self.refresh()

    def action_step(self, by: int) -> None:
        """Steps on, or back if negative."""
        self.step_by(by)

    def step_by(self, by: int) -> bool:
        """Steps on, or back if negative; whether there was such a step."""
        wanted = self._inside(self._current + by)
        moved = wanted != self._current
        self._go_to(wanted)
        self._scroll_to_line(self._start(wanted))
        return moved

    def action_scroll_by(self, x: int, y: int) -> None:
        """Lines down and cells to the right."""
        self.scroll_to(
            x=self.scroll_offset.x + x, y=self.scroll_offset.y + y, animate=False, force=True, immediate=True
        )

    def action_page(self, by: int) -> None:
        """Pages down, or up if negative."""
        self.action_scroll_by(0, by * max(1, self.scrollable_content_region.height - 1))

    def on_resize(self) -> None:
        """The last step can still come to the top."""
        self._fit()

    def on_click(self, event: events.Click) -> None:
        """The step that is clicked comes to the top."""
        line = event.y + self.scroll_offset.y
        if line < len(self._lines) and self._lines[line][1] == "title":
            self.step_by(self._lines[line][0] - self._current)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The step at the top is the current one."""
        super().watch_scroll_y(old_value, new_value)
        line = min(round(new_value), len(self._lines) - 1)
        if line >= 0 and round(old_value) != round(new_value):
            self._go_to(self._lines[line][0])

    def _go_to(self, index: int) -> None:
        if index != self._current:
            self._current = index
            self.refresh()
            self.post_message(self.StepChanged(self, index))

    def _scroll_to_line(self, line: int) -> None:
        self.scroll_to(x=0, y=line, animate=False, force=True, immediate=True)

    def _start(self, index: int) -> int:
        return self._starts[index] if index < len(self._starts) else 0

    def _inside(self, index: int) -> int:
        return max(0, min(index, len(self._steps) - 1))

    def _fit(self) -> None:
        """Lets the lines scroll until the last step is at the top."""
        if not self._lines:
            self.virtual_size = Size(0, 0)
            return
        widest = max(cell_len(text) for _, _, text in self._lines) + 2
        height = self._starts[-1] + max(len(self._lines) - self._starts[-1], self.size.height)
        self.virtual_size = Size(widest, height)

    # --- painting

    def render_line(self, y: int) -> Strip:
        """One line, cut where the pane ends."""
        width, base = self.scrollable_content_region.width, self.rich_style
        x, line = self.scroll_offset.x, y + self.scroll_offset.y
        if not self._lines and y == 0:
            return Strip([Segment(self.empty_text, base + Style(dim=True))]).adjust_cell_length(width, base)
        if line >= len(self._lines):
            return Strip.blank(width, base)
        index, kind, text = self._lines[line]
        symbols = self._look.symbols
        style = base
        if kind == "title":
            style += Style(bold=True, reverse=index == self._current and self.has_focus)
            text = f"{symbols.right if index == self._current else ' '} {text} "
        elif kind == "why":
            style += Style(dim=True)
        elif kind in ("ok", "wrong"):
            style += self.get_component_rich_style(f"math-steps--{kind}", partial=True)
            text = f"{symbols.tick if kind == 'ok' else symbols.failed} {text}"
        strip = Strip([Segment(text, style)])
        return strip.crop(x, x + width).adjust_cell_length(width, base)

    def on_focus(self) -> None:
        """The current step looks different with focus."""
        self.refresh()

    def on_blur(self) -> None:
        """And without."""
        self.refresh()
