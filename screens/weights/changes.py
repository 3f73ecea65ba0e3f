"""What moved between two models, as the weights screen asks for it: which two, the work, and the answer.

Abstract: ``WeightsScreen`` completes it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from textual import on, work

from core.errors import LabError
from core.shelf import split_spec
from screens.guard import as_lab_error, guarded
from screens.weights.compare import ComparePane
from screens.weights.keys import WeightKeys
from screens.weights.messages import Compared
from screens.weights.reader import changes
from screens.weights.sizes import SizesPane

if TYPE_CHECKING:
    from core.workbench import Workbench


class WeightChanges(WeightKeys):
    """The part of the screen that compares."""

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self._stop_compare = threading.Event()
        self._other: int | None = None

    def compare_now(self, by: int = 0) -> None:
        """Compares A with B, or with another step of its run."""
        pair = self._pair(by)
        pane = self.body.changes
        if pair is None:
            pane.clear(
                "put a second model of this shape into slot B (w, then b), or open a run that has kept several steps"
            )
            return
        self._stop_compare.set()
        self._stop_compare = threading.Event()
        pane.wait(*pair)
        self.say(f"comparing {pair[0]} with {pair[1]}…")
        self._compare(pair, self._stop_compare)

    def _pair(self, by: int) -> tuple[str, str] | None:
        bench = self.workbench.bench
        if bench.b and self.spec == bench.a and not by:
            return bench.a, bench.b
        opened = self.opened
        if opened is None or opened.tensors.step is None or len(opened.steps) < 2:
            return None
        now, name = opened.tensors.step, split_spec(self.spec)[0]
        others = [step for step in opened.steps if step != now]
        if self._other not in others:
            self._other = max((s for s in others if s < now), default=others[0])
        self._other = others[max(0, min(len(others) - 1, others.index(self._other) + by))]
        return f"{name}@{min(self._other, now)}", f"{name}@{max(self._other, now)}"

    @work(thread=True, group="compare", exit_on_error=False, description="compare two models")
    def _compare(self, pair: tuple[str, str], cancelled: threading.Event) -> None:
        try:
            found = changes(*pair, cancelled)
        except Exception as error:
            self.post_message(Compared(pair, as_lab_error(error)))
        else:
            if not cancelled.is_set():
                self.post_message(Compared(pair, found))

    @on(Compared)
    @guarded
    def _compared(self, message: Compared) -> None:
        pane = self.body.changes
        if message.pair != pane.pair:
            return
        if isinstance(message.found, LabError):
            pane.clear(message.found.title)
            self.problem(
                self.body.alert, message.found, [("w", "other model", "app.picker"), ("escape", "away", "solved")]
            )
            return
        self.solved(self.body.alert)
        pane.show(message.found, message.pair)
        moved = [c for c in message.found if not c.same]
        top = max(moved, key=lambda c: c.relative if c.relative < float("inf") else -1.0, default=None)
        if self.body.page == "compare":
            self.say(
                pane.sentence(top) if top is not None else "no tensor moved: the two are the same, value for value"
            )

    @on(ComparePane.Chosen)
    @guarded
    def _change_chosen(self, event: ComparePane.Chosen) -> None:
        event.stop()
        self.show_page("tensors")
        self.body.tensor_tree.go_to(event.name)

    @on(ComparePane.Said)
    @on(SizesPane.Explained)
    def _said(self, event: ComparePane.Said | SizesPane.Explained) -> None:
        event.stop()
        if self.body.page == ("sizes" if isinstance(event, SizesPane.Explained) else "compare"):
            self.say(event.text)
