"""Screen 4: start, watch, steer and compare training runs, and go back in time within one.

The screen owns what is shown (cursor, overlays, axes, target) and paints it; reading happens in a worker
(``training_reader``), numbers and sentences are made in ``training_view``, the panes are in ``training_panes``.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer
from textual.worker import Worker, WorkerState

from screens.guard import guarded
from screens.training.doors import Alert, alert_for
from screens.training.offers import TrainingOffers
from screens.training.panes import PANES, TrainingBody
from screens.training.reader import DashboardReader, Reading, Wanted
from screens.training.style import STYLE
from screens.training.view import state_sentence
from screens.widgets.ramps import Look
from screens.widgets.runs_list import RunsList
from screens.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from core.workbench import Workbench

TICK = 0.5
MOST_FOREIGN = 32
"""Runs of other programs that are listed when a folder of them is opened."""
PLOT_EVERY = 1.0
"""Seconds between two drawings of the big plot while a run goes on."""


@final
class TrainingScreen(TrainingOffers):
    """The dashboard."""

    DEFAULT_CSS = STYLE
    LAB_NAME = "Training"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new_run", "New run", id="training.new", tooltip="start a new run"),
        Binding("p", "pause", "Pause", id="training.pause", tooltip="pause, go on, resume or extend this run"),
        Binding("x", "stop", "Stop", id="training.stop", tooltip="stop after a checkpoint (asks once)"),
        Binding("b", "checkpoint", "Checkpoint", id="training.checkpoint", tooltip="save a full checkpoint now"),
        Binding("c", "overlay", "Overlay", id="training.overlay", tooltip="lay this run over the others (up to 4)"),
        Binding("comma", "scrub(-1)", "Scrub", key_display=", .", id="training.back", tooltip="one checkpoint back"),
        Binding("full_stop", "scrub(1)", ". Forward", show=False, id="training.forward", tooltip="one checkpoint on"),
        Binding("enter", "load", "Load", show=False, id="training.load", tooltip="load this step into the workbench"),
        Binding("m", "measure", "Measure", id="training.measure", tooltip="loss, gradient norm, rate, tokens/s"),
        Binding("s", "axis", "Axis", show=False, id="training.axis", tooltip="x counts steps, tokens or time"),
        Binding("L", "log", "Log", show=False, id="training.log", tooltip="logarithmic y"),
        Binding(
            "S", "smoothing", "Smoothing", show=False, id="training.smoothing", tooltip="none, light, usual, heavy"
        ),
        Binding("R", "references", "References", show=False, id="training.references", tooltip="published losses"),
        Binding("f", "whole", "Fit", show=False, id="training.whole", tooltip="x to the newest point or the end"),
        Binding("v", "view", "Samples/log", show=False, id="training.view", tooltip="samples or log"),
        Binding("o", "open", "Open", show=False, id="training.open", tooltip="open a run or a folder of runs"),
        Binding("tab", "tab(1)", show=False, id="training.next-pane", tooltip="next pane"),
        Binding("shift+tab", "tab(-1)", show=False, id="training.previous-pane", tooltip="previous pane"),
        Binding("u", "door('u')", show=False, id="training.door-u", tooltip="the first way out of a card"),
        Binding("d", "door('d')", show=False, id="training.door-d", tooltip="the second way out of a card"),
    ]

    class Looked(Message):
        """A look at the disk came back."""

        def __init__(self, reading: Reading) -> None:
            super().__init__()
            self.reading = reading

    def __init__(self, workbench: Workbench, runs_dir: Path, *, name: str | None = None) -> None:
        super().__init__(workbench, runs_dir, name=name)
        self.looks = 0
        """How many looks came back; tests wait for it to grow."""
        self._reader = DashboardReader()
        self._opened: tuple[Path, ...] = ()
        self._run_shown: Path | None = None
        self._ticker: Timer | None = None
        self._look_worker: Worker[None] | None = None
        self._look_again = self._second_beat = False
        self._plotted_at = self._painted_at = 0.0
        self._plot_wanted: Wanted | None = None
        self._pane = "plot"
        self._alert: Alert | None = None
        self._state_seen: tuple[str, str] | None = None
        self._folder_opened = False
        self._filled = asyncio.Event()

    # --- frame

    def compose_body(self) -> ComposeResult:
        """Runs, plot, trends and numbers, samples and log, time machine."""
        yield TrainingBody(id="training")

    def on_mount(self) -> None:
        """Starts looking."""
        self._ticker = self.set_interval(TICK, self._beat)
        self.body.wear(self.look)
        self.body.list.focus()

    async def filled(self) -> None:
        """The first look came back."""
        await self._filled.wait()

    def pause_updates(self) -> None:
        """A hidden screen looks at nothing."""
        if self._ticker is not None:
            self._ticker.pause()

    def resume_updates(self) -> None:
        """Catches up when shown again."""
        if self._ticker is not None:
            self._ticker.resume()
            self.body.wear(self.look)
            self.call_later(self._tick)  # at the first visit the plot has its size only then

    def look_changed(self, look: Look) -> None:
        """Draws as the terminal can show it now."""
        self.body.wear(look)

    @property
    def alert(self) -> Alert | None:
        """The card about the shown run."""
        return self._alert

    # --- reading

    def wanted(self) -> Wanted:
        """What must be read for what is shown now."""
        columns = max(20, self.body.plot.canvas_width)
        return Wanted(self.runs_dir, self._opened, self._run_shown, self._overlays, self.axes, columns)

    def look_now(self) -> None:
        """Looks at once, or as soon as the look under way is back."""
        if self._look_worker is not None:
            self._look_again = True
        else:
            self._tick()

    def _beat(self) -> None:
        """Twice a second while an answer is awaited, otherwise every second time: each look costs some 3 ms."""
        self._second_beat = not self._second_beat
        if self._second_beat or len(self.requests) or self.view is None or self.view.state == "starting":
            self._tick()

    def _tick(self) -> None:
        if self._look_worker is None:
            self._look_again = False
            self._look_worker = self._look(self.wanted())

    @work(thread=True, group="look", exit_on_error=False, description="look at the runs")
    def _look(self, wanted: Wanted) -> None:
        self.post_message(self.Looked(self._reader.look(wanted)))

    @on(Worker.StateChanged)
    def _look_ended(self, event: Worker.StateChanged) -> None:
        if event.worker is not self._look_worker:
            return
        if event.state in (WorkerState.SUCCESS, WorkerState.ERROR, WorkerState.CANCELLED):
            self._look_worker = None
            if self._look_again and event.state is WorkerState.SUCCESS:
                self._tick()

    @on(Looked)
    @guarded
    def _looked(self, message: Looked) -> None:
        if self._worth_painting(message.reading):
            self.paint(message.reading)
        self.looks += 1
        self._filled.set()
        if message.reading.more:
            self._look_again = True

    def _worth_painting(self, new: Reading) -> bool:
        """Numbers that grow are painted once a second; what a person did, or a run's new state, at once.

        A repaint costs some 25 ms, whatever changed: once a second is what a run beside it doesn't feel.
        """
        old = self.reading
        if old is None or _caught_up(old, new) or time.monotonic() - self._painted_at >= PLOT_EVERY - 0.05:
            return True
        return (new.wanted, new.news) != (old.wanted, old.news)

    def paint(self, reading: Reading) -> None:
        """Shows one look: every pane repaints only if its content changed."""
        caught_up = self.reading is not None and _caught_up(self.reading, reading)
        self.say_gone(reading, self._run_shown)
        self.reading = reading
        self._painted_at = time.monotonic()
        body = self.body
        if self._run_shown is None and reading.runs:
            self._run_shown = reading.runs[0].path
        body.show_runs(reading.runs, reading.letters, self.runs_dir, reading.list_problem)
        self._paint_plot(reading, caught_up)
        body.show_detail(reading.detail, reading.load, self.axes)
        self._paint_alert(reading)
        self._say_state(reading)
        self.answer_requests(reading)
        if self._folder_opened and reading.wanted.folder == self.runs_dir:
            self._folder_opened = False
            self._say_folder(reading)

    def _say_folder(self, reading: Reading) -> None:
        """What was found in a folder that a person opened."""
        inside = self.runs_dir.absolute()
        found = sum(not run.bundled and run.path.absolute().parent == inside for run in reading.runs)
        if found:
            self.hold(f"{found} {'run' if found == 1 else 'runs'} in {self.runs_dir}")
        else:
            self.hold(f"no runs in {self.runs_dir} yet; new ones will be kept here", 15)

    def _paint_plot(self, reading: Reading, caught_up: bool) -> None:
        """At most once a second while points come, at once when a person changed what is shown.

        The older a run, the longer a column of the plot takes to fill, and the less is lost by drawing it less often.
        """
        now, view = time.monotonic(), self.view
        growing = view is not None and view.live and not reading.more
        every = min(5.0, max(PLOT_EVERY, view.elapsed / 20)) if view is not None and growing else PLOT_EVERY
        asked = reading.wanted != self._plot_wanted or caught_up
        if reading.plot is not None:
            self.body.plot.empty_text = "reading its metrics" if reading.more else "nothing to plot yet"
        if reading.plot is not None and (asked or now - self._plotted_at >= every - 0.05):
            if self.body.show_plot(reading.plot, self.axes):
                self._plotted_at = now
            self._plot_wanted = reading.wanted
        elif reading.plot is None:
            self.body.clear_plot(reading)

    def _paint_alert(self, reading: Reading) -> None:
        alert = alert_for(reading, self.requests)
        if alert == self._alert:
            return
        self._alert = alert
        if alert is None:
            self.solved(self.body.alert)
        self.body.alert.display = alert is not None
        if alert is not None:
            self.problem(self.body.alert, alert.error, list(alert.doors))

    def _say_state(self, reading: Reading) -> None:
        live = sum(run.state in ("running", "paused", "starting", "stopping") for run in reading.runs)
        runs = "run keeps" if live == 1 else "runs keep"
        when = "" if self.has_class("-tiny") else " when you quit"  # there the sentence needs the room
        self.count(f"{live} {runs} going{when}" if live else "")
        if reading.detail is None:
            return
        view = reading.detail.view
        before, self._state_seen = self._state_seen, (view.path, view.state)
        if before != self._state_seen:
            self.state_changed()
        if not self.sentence_held():
            self.say(state_sentence(view))

    # --- what is shown

    @on(RunsList.Selected)
    @guarded
    def _run_selected(self, message: RunsList.Selected) -> None:
        if message.path != self._run_shown:
            by_person = self._run_shown in {run.path for run in self.body.list.runs}
            self._run_shown = message.path
            self.body.time.go_to(None)
            if by_person:
                self.release_sentence()
            self.look_now()

    @on(RunsList.Opened)
    @guarded
    def _run_opened(self, message: RunsList.Opened) -> None:
        """``enter`` on a run loads the step that the time machine is at; without one it leads to the run's plot."""
        target = self.body.time.target
        if target is not None and message.path == self._run_shown:
            self.load_step(target)
        else:
            self._go_to_plot()

    def _go_to_plot(self) -> None:
        self._pane = "plot"
        self.body.go_to_pane("plot")

    def run_began(self, path: Path) -> None:
        """Shows a run that was just started; where panes share a place, its loss comes first."""
        self.show_run(path)
        if self.body.shared:
            self._go_to_plot()

    def show_run(self, path: Path) -> None:
        """Shows a run, also one that is not listed yet: the cursor goes there with the next look."""
        self._run_shown = path
        self.body.list.want(path)
        self.look_now()

    def forget_run(self, path: Path) -> None:
        """A run is gone."""
        self._run_shown = None if self._run_shown == path else self._run_shown
        self._overlays = tuple(p for p in self._overlays if p != path)
        self._opened = tuple(p for p in self._opened if p != path)
        self.look_now()

    def open_path(self, path: Path) -> None:
        """Opens a run from elsewhere, or another folder of runs."""
        from core.training.foreign.recognise import find_runs, is_foreign
        from core.training.run import is_run

        if is_run(path) or is_foreign(path):
            self._opened = (*(p for p in self._opened if p != path), path)
            self.show_run(path)
        else:
            self.runs_dir = path
            self._opened = tuple(dict.fromkeys((*self._opened, *find_runs(path)[:MOST_FOREIGN])))
            self._run_shown, self._overlays = None, ()
            self._folder_opened = True
            self.look_now()

    # --- one thing back

    def release(self) -> bool:
        """One thing a press: the question, a sentence of several rows, the crosshair, the target."""
        if self.drop_question() or self._drop_long_sentence() or self.body.plot.release():
            return True
        had = self.body.time.target is not None
        self.body.time.go_to(None)
        return had

    def _drop_long_sentence(self) -> bool:
        long = self.query_one(StatusLine).rows > 1
        if long:
            self.release_sentence()
            self.say(state_sentence(self.view) if self.view is not None else "")
        return long

    # --- panes

    def action_next_pane(self, by: int) -> None:
        """The next pane gets the focus; on a small terminal it takes the one place below the plot."""
        place = PANES.index(self._pane) if self._pane in PANES else 0
        self._pane = PANES[(place + by) % len(PANES)]
        self.body.go_to_pane(self._pane)

    def on_descendant_focus(self) -> None:
        """Where the focus is by mouse or key, the tab goes on from there."""
        self._pane = self.body.pane_of(self.focused) or self._pane
        self.body.mark_pane(self._pane)


def _caught_up(old: Reading, new: Reading) -> bool:
    """Whether a long file has just been read to its end: what is shown now is all there is."""
    return old.more and not new.more
