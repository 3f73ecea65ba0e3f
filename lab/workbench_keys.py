"""What the app does with the workbench: the chip, the picker, earlier and later checkpoints."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message
from textual.timer import Timer

from core.errors import LabError
from core.workbench import Bench, Workbench
from lab.pulling import PullActions
from screens.widgets.lab_bar import LabBar
from screens.widgets.ramps import Look

if TYPE_CHECKING:
    from core.shelf import ModelRef
    from screens.base import LabScreen
    from screens.widgets.picker import Picked


FOLLOW = 2.0
"""Seconds until a run on the workbench is looked at again: it may have kept another step, or have ended."""


class ChipRead(Message):
    """What is known of the models on the workbench."""

    def __init__(self, generation: int, text: str, lost: tuple[str, ...] = (), *, runs: bool = False) -> None:
        super().__init__()
        self.generation = generation
        self.text = text
        self.lost = lost
        """The specs that mean nothing here."""
        self.runs = runs
        """Whether there is a run among them that somebody trains, or may train on."""


class StepFound(Message):
    """The checkpoint before or after, or why there is none."""

    def __init__(self, generation: int, found: str | LabError) -> None:
        super().__init__()
        self.generation = generation
        self.found = found


def chip_text(a: ModelRef, b: ModelRef | None, bench: Bench, look: Look) -> str:
    """The chip: ``◆ demo@2000 · char · cpu ▾``."""
    from screens.widgets.picker import glyph

    symbols = look.symbols
    tokenizer = f"{bench.tokenizer} {symbols.pinned}" if bench.tokenizer else a.tokenizer
    name = f"{glyph(a, symbols)} {a.label}"
    if b is not None:
        name = f"A {name} {'|' if look.ascii else '│'} B {glyph(b, symbols)} {b.label}"
    dot = " - " if look.ascii else " · "
    return dot.join(part for part in (name, tokenizer, bench.device) if part) + f" {symbols.down}"


class BenchActions(PullActions):
    """The part of the app that is about the workbench."""

    workbench: Workbench
    look: Look
    runs_dir: Path
    chip: str
    _chip_timer: Timer | None = None
    bench_remembered = False
    """Whether the workbench is that of an earlier start, which may have been in another folder."""

    @property
    @abstractmethod
    def lab_screen(self) -> LabScreen | None:
        """The lab's screen that is shown."""

    # The chip

    def look_up_chip(self) -> None:
        """Finds out in a thread what the workbench holds, and shows it."""
        self.run_worker(
            self._read_chip, thread=True, group="chip", exclusive=True, exit_on_error=False, description="read the chip"
        )

    def _read_chip(self) -> None:
        from core.shelf import describe

        generation, bench = self.workbench.generation, self.workbench.bench
        a = describe(bench.a, self.runs_dir)
        b = describe(bench.b, self.runs_dir) if bench.b else None
        lost = tuple(ref.spec for ref in (a, b) if ref is not None and ref.kind == "unknown" and not ref.here)
        runs = any(ref is not None and ref.group == "runs" for ref in (a, b))
        self.post_message(ChipRead(generation, chip_text(a, b, bench, self.look), lost, runs=runs))

    @on(ChipRead)
    def _chip_read(self, event: ChipRead) -> None:
        if event.generation != self.workbench.generation:
            return
        self.chip = event.text
        self._show_chip()
        if self._chip_timer is not None:
            self._chip_timer.stop()
        self._chip_timer = self.set_timer(FOLLOW, self.look_up_chip, name="chip") if event.runs else None
        remembered, self.bench_remembered = self.bench_remembered, False
        if remembered and event.lost:
            bench = self.workbench.bench
            self.use(a="demo" if bench.a in event.lost else bench.a, b=None if bench.b in event.lost else bench.b)
            names = " and ".join(event.lost)
            self.notify(f"{names}, of the last time, is not in {self.runs_dir}: the workbench holds {self.workbench.a}")

    def _show_chip(self) -> None:
        if self.lab_screen is not None:
            for bar in self.lab_screen.query(LabBar):
                bar.chip = self.chip

    # The picker

    @on(LabBar.OpenPicker)
    def action_picker(self) -> None:
        """Chooses a model."""
        from core.shelf import list_models
        from screens.widgets.picker import Picker

        if isinstance(self.screen, Picker):
            return
        picker = Picker(
            lambda: list_models(self.runs_dir),
            current=self.workbench.a,
            folder=self.runs_dir.name,
            symbols=self.look.symbols,
        )
        self.push_screen(picker, self._picked)

    def _picked(self, picked: Picked | None) -> None:
        if picked is None:
            return
        if picked.slot == "path":
            self._ask_path()
        elif picked.slot == "tokenizer":
            self._ask_tokenizer()
        elif picked.slot == "missing" and picked.ref is not None:
            self.tell_missing(picked.ref)
        elif picked.slot == "download" and picked.ref is not None:
            self.action_download(picked.ref.spec)
        elif picked.ref is not None:
            spec = picked.ref.spec
            if picked.slot == "a":
                self.use(a=spec, b=None if self.workbench.b == spec else self.workbench.b)
            else:
                self.use(b=None if spec in (self.workbench.a, self.workbench.b) else spec)

    def use(self, **changes: str | None) -> None:
        """Changes the workbench; what cannot be is said in place, and the old state stays."""
        try:
            self.workbench.set(**changes)
        except LabError as error:
            if self.lab_screen is not None:
                self.lab_screen.problem("#body", error, [("escape", "put this away", "solved")]).focus()

    def action_use_demo(self) -> None:
        """Puts the demo on the workbench."""
        self.use(a="demo", b=None)
        if self.lab_screen is not None:
            self.lab_screen.solved()

    def action_open_path(self) -> None:
        """Asks for the path of a model."""
        self._ask_path()

    def _ask_path(self) -> None:
        from screens.widgets.ask_path import AskPath

        def opened(path: str | None) -> None:
            if path:
                self.use(a=path)

        self.push_screen(AskPath(), opened)

    def _ask_tokenizer(self) -> None:
        from core.tokenizers import list_tokenizers
        from screens.widgets.choose import Choice, Choose

        known = [Choice(r.name, r.name if r.here else f"{r.name} (not here yet)") for r in list_tokenizers()]
        choices = [Choice("", "the model's own"), *known]

        def chosen(value: str | None) -> None:
            if value is not None:
                self.use(tokenizer=value or None)

        self.push_screen(Choose("tokenizer", choices, current=self.workbench.tokenizer or ""), chosen)

    # Through the checkpoints

    def action_step_model(self, by: int) -> None:
        """The previous or next kept step of the model's run."""
        spec, generation = self.workbench.a, self.workbench.generation

        def find() -> None:
            from core.shelf import move

            found: str | LabError
            try:
                found = move(spec, by, self.runs_dir)
            except LabError as error:
                found = error
            self.post_message(StepFound(generation, found))

        self.run_worker(
            find, thread=True, group="step", exclusive=True, exit_on_error=False, description="find a checkpoint"
        )

    @on(StepFound)
    def _step_found(self, event: StepFound) -> None:
        screen = self.lab_screen
        if event.generation != self.workbench.generation or screen is None:
            return
        if isinstance(event.found, LabError):
            screen.say(f"{event.found.title} · {event.found.hint}")
        elif event.found == self.workbench.a:
            screen.say(f"{self.workbench.a} is at the end of what its run has kept")
        else:
            self.use(a=event.found)
            screen.say(f"workbench: {event.found}")
