"""The page of the twins: what each step of the forward pass differs by between PyTorch's model and Keras's."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from screens.widgets.bars import bar_text
from screens.widgets.cells import fit
from screens.widgets.guarded import Guarded
from screens.widgets.ramps import Look
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from core.keras_twin.report import Stage, TwinReport

FLOOR = 1e-9
"""Where a bar begins; what differs less is the same digit."""
WIDE, MIDDLE = 104, 84
BARS = f"bars: logarithm, from {FLOOR:g}"
ORDERS = ("as they are computed", "worst first")


class TwinPane(Guarded, Vertical):
    """What the comparison comes to, and its steps."""

    class Said(Message):
        """The cursor is on another step."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.report: TwinReport | None = None
        self.order = ORDERS[0]
        self._stages: list[Stage] = []
        self._look = Look()
        self._now = "", ""

    def compose(self) -> ComposeResult:
        """Summary and list."""
        yield Static(id="w-twin-said", classes="pane", markup=False)
        with Vertical(id="w-twin-box", classes="pane"):
            yield Static(id="w-twin-head", markup=False)
            yield VirtualList(id="w-twin-list")

    def on_mount(self) -> None:
        """Nothing yet."""
        self.said.border_title = "twins"
        self.wait("t runs this model in PyTorch and in Keras on TensorFlow, on the shared prompt, and compares them")

    @property
    def list(self) -> VirtualList:
        """The steps."""
        return self.query_one("#w-twin-list", VirtualList)

    @property
    def box(self) -> Widget:
        """What holds the steps and says in its border how they are shown."""
        return self.query_one("#w-twin-box")

    @property
    def said(self) -> Static:
        """What it comes to."""
        return self.query_one("#w-twin-said", Static)

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self._look = look
        self.list.refresh()

    def wait(self, text: str) -> None:
        """There is no report; ``text`` says why."""
        self.report, self._stages = None, []
        self.said.update(text)
        self.said.border_subtitle = ""
        self.query_one("#w-twin-head", Static).update("")
        self.list.fill(0, str)
        self.box.border_title = self.box.border_subtitle = ""

    def show(self, report: TwinReport) -> None:
        """Shows a comparison."""
        self.report = report
        self._draw()

    def stand_beside(self, spec: str, text: str) -> None:
        """What is open now: a comparison of another model, or of another text, says so."""
        self._now = spec, text
        self._say_whether_old()

    def _say_whether_old(self) -> None:
        report, (spec, text) = self.report, self._now
        if report is None:
            return
        old = (
            f"{spec} is open now · t"
            if report.spec != spec
            else "another prompt now · t"
            if report.text != text
            else ""
        )
        self.said.border_subtitle = Text(old)

    def next_order(self) -> str:
        """As they are computed, or the worst first."""
        self.order = ORDERS[1 - ORDERS.index(self.order)]
        self._draw()
        return self.order

    def set_threshold(self, threshold: float) -> None:
        """Marks what is beyond another threshold."""
        if self.report is not None:
            self.report = replace(self.report, threshold=threshold)
            self._draw()

    def on_resize(self) -> None:
        """Other columns have room."""
        if self.report is not None:
            self.query_one("#w-twin-head", Static).update(self._head())
            self._say_how()

    def _say_how(self) -> None:
        assert self.report is not None
        bars = f" · {BARS}" if self._room() >= 8 else ""
        self.box.border_subtitle = Text(f"! beyond {self.report.threshold:g}{bars}")

    def _draw(self) -> None:
        report = self.report
        if report is None:
            return
        self._stages = list(report.stages)
        if self.order == ORDERS[1]:
            self._stages.sort(key=lambda stage: -stage.max_abs)
        self.said.border_title = Text(f"twins · {report.spec} · {len(report.tokens)} tokens")
        self._say_whether_old()
        self.said.update("\n".join(summary(report)))
        self.query_one("#w-twin-head", Static).update(self._head())
        self.list.fill(len(self._stages), self._row, cursor=0)
        self.box.border_title = Text(f"steps, {self.order}")
        self._say_how()

    def _head(self) -> Text:
        width = self.size.width
        words = [f" {'step':<12}{'difference':>11}  "]
        words += [f"{'relative':>9}{'alone':>10}"] if width >= MIDDLE else []
        words += [f"{'PyTorch':>12}{'Keras':>12}"]
        return Text("".join(words), Style(bold=True, dim=True), no_wrap=True)

    def _room(self) -> int:
        """Cells that are left for the bars."""
        return self.size.width - (77 if self.size.width >= MIDDLE else 58)

    def _row(self, index: int) -> Text:
        stage, report = self._stages[index], self.report
        assert report is not None
        width = self.size.width
        beyond = stage.max_abs > report.threshold
        text = Text(f" {fit(stage.name, 12)}", end="")
        text.append(f"{stage.max_abs:>11.2e}{'!' if beyond else ' '} ", Style(bold=beyond))
        if width >= MIDDLE:
            text.append(f"{stage.max_relative:>9.1e}{stage.alone:>10.1e}", Style(dim=True))
        text.append(f"{times(stage.torch_seconds):>12}{times(stage.keras_seconds):>12}")
        room = self._room()
        if room >= 8:
            top = math.log10(max(report.worst.max_abs, 10 * FLOOR) / FLOOR)
            length = math.log10(max(stage.max_abs, FLOOR) / FLOOR)
            text.append("  " + bar_text(length, min(40, room), top=top, ascii_only=self._look.ascii))
        return text

    def says(self) -> str:
        """What was compared, in a line."""
        if self.report is None:
            return "the twins: this model in PyTorch and in Keras · t compares them"
        worst = self.report.worst
        return f"{self.report.spec}: {worst.max_abs:.2e} apart at most, in {worst.name}"

    def sentence(self, stage: Stage) -> str:
        """A step in words."""
        assert self.report is not None
        token = self.report.tokens[stage.token]
        what = "entry" if stage.name == "logits" else "channel"
        return (
            f"{stage.name}: {stage.max_abs:.2e} apart at token {stage.token} {token!r}, {what} {stage.channel}; values "
            f"to {stage.largest:.4g}, so {stage.max_relative:.1e} of them · alone {stage.alone:.1e}"
        )

    @on(VirtualList.Highlighted)
    def _highlighted(self, event: VirtualList.Highlighted) -> None:
        event.stop()
        if event.index < len(self._stages):
            self.post_message(self.Said(self.sentence(self._stages[event.index])))


def times(seconds: float) -> str:
    """Milliseconds.

    >>> times(0.00123)
    '1.23 ms'
    """
    return f"{1e3 * seconds:.2f} ms"


def summary(report: TwinReport) -> list[str]:
    """What a comparison comes to, in four lines."""
    first, worst = report.first_beyond, report.worst
    beyond = (
        f"{report.threshold:g} is first exceeded in {first.name}" if first else f"nowhere beyond {report.threshold:g}"
    )
    ours = sum(stage.torch_seconds for stage in report.stages)
    theirs = sum(stage.keras_seconds for stage in report.stages)
    loss = ""
    if report.loss_torch is not None and report.loss_keras is not None:
        loss = f" · loss {report.loss_torch:.7f} / {report.loss_keras:.7f}"
    return [
        f"weights: {report.identical} of {report.tensors} tensors are the same bits in both",
        f"largest difference {worst.max_abs:.2e} in {worst.name} · {beyond}",
        f"same likeliest token at {report.agreeing} of {len(report.tokens)} places{loss}",
        f"{times(ours)} in PyTorch {report.versions['torch']}, {times(theirs)} in TensorFlow "
        f"{report.versions['tensorflow']}, {report.threads} threads each",
    ]
