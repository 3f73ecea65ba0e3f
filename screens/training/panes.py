"""The panes of the training screen and how they are laid out; each repaints only when its content changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from screens.panes import pane_of, share_a_place
from screens.training.plots import Axes, Plot
from screens.training.texts import folder_text, log_text, plot_keys, rows_text, samples_text
from screens.training.view import number_rows
from screens.widgets.curve import Curve
from screens.widgets.guarded import Guarded
from screens.widgets.plot_data import axis_label, position_label, short_number
from screens.widgets.ramps import Look, series
from screens.widgets.runs_list import RunsList
from screens.widgets.spark import Spark
from screens.widgets.timeline import Timeline

if TYPE_CHECKING:
    from core.errors import LabError
    from core.training.runs import RunSummary
    from screens.training.machine import Load
    from screens.training.reader import Detail, Reading

PANES = ("plot", "runs", "numbers", "samples", "log", "time")
TRENDS = {"lr": "learning rate", "grad_norm": "gradient norm", "tokens_per_second": "tokens/s"}


class TextPane(Guarded, VerticalScroll, can_focus=True):
    """Text that can be scrolled and selected; ``show`` keeps it as it is when nothing changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False, id="text.down", tooltip="one line down"),
        Binding("k", "scroll_up", show=False, id="text.up", tooltip="one line up"),
    ]

    def __init__(self, *, id: str, wraps: bool = True) -> None:
        super().__init__(id=id)
        self._static = Static("", markup=False)
        self._wraps = wraps
        self._lines = -1
        self._key: object = None

    def compose(self) -> ComposeResult:
        """One text."""
        yield self._static

    def show(self, key: object, make: Callable[[], Text]) -> bool:
        """Shows a text unless ``key`` says that it stands there already."""
        if key == self._key:
            return False
        self._key, text = key, make()
        lines = text.plain.count("\n")
        # A new layout of the whole screen costs thirty times as much as these few lines.
        self._static.update(text, layout=self._wraps or lines != self._lines)
        self._lines = lines
        return True


class TrainingBody(Guarded, Horizontal):
    """Runs left; plot, trends and numbers; samples or log; the time machine."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="-text-samples -pane-runs")  # the samples before the log
        self.titled: dict[str, Text] = {}
        """The title of each pane."""
        self._subtitled: dict[str, str] = {}
        self._no_references = ""

    def compose(self) -> ComposeResult:
        """All panes; the style sheet decides which are seen at which size."""
        with Vertical(id="runs-pane", classes="frame"):
            yield RunsList(id="runs")
        with Vertical(id="right"):
            yield Vertical(id="refused")
            alert = Vertical(id="alert")
            alert.display = False
            yield alert
            with Horizontal(id="top"):
                with Vertical(id="plot-pane", classes="frame"):
                    yield Curve(id="plot")
                with Vertical(id="numbers-pane", classes="frame"):
                    with Vertical(id="trends"):
                        for name in TRENDS:
                            yield Spark(id=f"trend-{name}", classes="trend")
                    yield TextPane(id="numbers", wraps=False)
            with Horizontal(id="texts"):
                for name in ("samples", "log"):
                    pane = TextPane(id=name)
                    pane.add_class("frame")
                    yield pane
            with Vertical(id="time-pane", classes="frame"):
                yield Timeline(id="time")

    def on_mount(self) -> None:
        """Titles that never change."""
        for name, title in TRENDS.items():
            self.query_one(f"#trend-{name}").border_title = title
        self.plot.empty_text = ""  # nobody has looked yet
        self.titles()

    def wear(self, look: Look) -> None:
        """Draws as the terminal can show it."""
        self.plot.wear(plain=look.colours in ("16", "none"), ascii_only=look.ascii)
        self.list.wear(ascii_only=look.ascii)
        self.time.wear(ascii_only=look.ascii)
        for spark in self.query(Spark):
            spark.wear(ascii_only=look.ascii)

    # --- the parts

    @property
    def list(self) -> RunsList:
        """The runs."""
        return self.query_one("#runs", RunsList)

    @property
    def plot(self) -> Curve:
        """The big plot."""
        return self.query_one("#plot", Curve)

    @property
    def time(self) -> Timeline:
        """The time machine."""
        return self.query_one("#time", Timeline)

    @property
    def alert(self) -> Vertical:
        """Where a card about the shown run stands."""
        return self.query_one("#alert", Vertical)

    def text_pane(self, name: str) -> TextPane:
        """``numbers``, ``samples`` or ``log``."""
        return self.query_one(f"#{name}", TextPane)

    def frame_of(self, pane: str) -> Widget:
        """The widget whose border carries a pane's title."""
        return self.query_one(f"#{pane}" if pane in ("samples", "log") else f"#{pane}-pane")

    @property
    def shared(self) -> bool:
        """Whether panes share a place, as on a small terminal."""
        return share_a_place(self)

    # --- painting

    def show_runs(
        self, runs: tuple[RunSummary, ...], letters: Mapping[Path, str], folder: Path, problem: LabError | None
    ) -> None:
        """The list, and which folder it is of."""
        self.list.show(runs, letters)
        pane = self.frame_of("runs")
        place = folder_text(folder, max(8, pane.outer_size.width - (21 if self.shared else 13)))
        self._title(pane, "runs", f"runs · {place}" if problem is None else problem.title)
        self._subtitle("runs", "n new · o open")

    def show_plot(self, plot: Plot, axes: Axes) -> bool:
        """The big plot with its legend; says whether it was painted."""
        painted = self.plot.show(plot.figure)
        pane = self.frame_of("plot")
        self._no_references = plot.no_references
        room = pane.size.width - (12 if self.shared else 4)  # as much as the corners and the pane's place take
        titles = [self._legend(parts) for parts in plot.titles()]
        self._title(pane, "plot", next((t for t in titles if t.cell_len <= room), titles[-1]))
        if self.plot.crosshair is None and self.time.target is None:
            self._subtitle("plot", plot_keys(axes, self._no_references))
        return painted

    def _legend(self, parts: Sequence[tuple[str, int | None]]) -> Text:
        legend, colours = Text(), series(self.app.current_theme.dark)
        for text, which in parts:
            color = None if self.app.ansi_color or which is None else colours[which % len(colours)]
            legend.append(text, Style() if which is None else Style(color=color, bold=True))
        return legend

    def clear_plot(self, reading: Reading) -> None:
        """Nothing to plot: says what would change that."""
        from screens.widgets.figure import Figure

        why = "nothing to plot: the card above says why"
        self.plot.empty_text = why if reading.problem else "no runs yet · n starts one"
        self.plot.show(Figure())

    def show_detail(self, detail: Detail | None, load: Load | None, axes: Axes) -> None:
        """Trends, numbers, samples, log, time machine of the shown run."""
        if detail is None:
            self._show_nothing(load)
            return
        for name in TRENDS:
            self.query_one(f"#trend-{name}", Spark).show(detail.trends[name])
        self._show_numbers(detail, load)
        self._show_samples(detail)
        self.text_pane("log").show(detail.log, lambda: log_text(detail))
        self.show_time(detail)
        self.titles()

    def _show_numbers(self, detail: Detail, load: Load | None) -> None:
        """What was measured: now, with the machine's load, or at the step that the time machine is at."""
        target = self.time.target
        view = detail.at(target)
        rows = number_rows(view, past=target is not None)
        if target is None:
            rows += load.lines() if load else []
            if view.live and view.heartbeat is not None and view.heartbeat >= 3:
                rows.append(("heartbeat", f"{view.heartbeat:.0f} s ago"))
            if view.unreadable:
                rows.append(("unreadable", f"{view.unreadable} lines"))
        self.text_pane("numbers").show(rows, lambda: rows_text(rows))
        self._title(self.frame_of("numbers"), "numbers", "now" if target is None else f"at step {target:,}")
        for name, title in TRENDS.items():
            spark, words = self.query_one(f"#trend-{name}", Spark), f"{title} {short_number(getattr(view, name))}"
            if spark.border_title != words:
                spark.border_title = words

    def _show_nothing(self, load: Load | None) -> None:
        rows = load.lines() if load else []
        self.text_pane("numbers").show(rows, lambda: rows_text(rows))
        for name in ("samples", "log"):
            self.text_pane(name).show(None, Text)
        self.time.show((), 0, 0)

    def _show_samples(self, detail: Detail) -> None:
        target = self.time.target
        samples = [s for s in detail.samples if target is None or s.step <= target]
        key = (detail.view.path, target, [(s.step, len(s.text)) for s in samples])
        self.text_pane("samples").show(key, lambda: samples_text(samples))

    def show_time(self, detail: Detail) -> None:
        """The checkpoints on their line."""
        steps = [s.step for s in detail.saved]
        self.time.show(steps, detail.view.step, detail.view.max_steps)
        target = self.time.target
        place = f"checkpoint {steps.index(target) + 1} of {len(steps)}" if target in steps else f"{len(steps)} saved"
        self._title(self.frame_of("time"), "time", f"time machine · {place}")
        self._subtitle("time", ", . move · enter load into the workbench")

    def show_target(self, step: int | None, reading: Reading | None, axes: Axes) -> None:
        """Moves the line through the plot and shows the sample of that time."""
        if reading is None or reading.detail is None:
            return
        detail = reading.detail
        self.plot.set_target(None if step is None else self.x_of(step, reading, axes))
        self._show_numbers(detail, reading.load)
        self._show_samples(detail)
        self.show_time(detail)
        self._subtitle(
            "plot", plot_keys(axes, self._no_references) if step is None else self.target_sentence(step, detail)
        )
        self.titles()

    def x_of(self, step: int, reading: Reading, axes: Axes) -> float:
        """Where a step stands on the x axis: by its share of the run where x doesn't count steps."""
        view = reading.detail.view if reading.detail else None
        if axes.unit == "step" or view is None or not view.step:
            return float(step)
        return step / view.step * (view.tokens if axes.unit == "tokens" else view.elapsed)

    @staticmethod
    def target_sentence(step: int, detail: Detail, *, enter: bool = True) -> str:
        """A step of the time machine in words; without ``enter`` where that key has another meaning."""
        then = detail.at(step)
        saved = next((s for s in detail.saved if s.step == step), None)
        kind = "checkpoint" if saved is not None and saved.full else "snapshot"
        text = f"{kind} at step {step}"
        if then.eval_step is not None:
            near = "" if then.eval_step == step else f" (evaluated at {then.eval_step})"
            text += f" · train {short_number(then.train_eval_loss, 4)} · val {short_number(then.val_loss, 4)}{near}"
        return text + (" · enter loads it into the workbench" if enter else "")

    def show_crosshair(self, x: float | None, axes: Axes) -> None:
        """The values under the crosshair, in the plot's subtitle."""
        if x is None:
            self._subtitle("plot", plot_keys(axes, self._no_references))
            return
        values = [(line, y) for line, _, y in self.plot.values_at(x) if line.kind != "raw"]
        parts = [f"{'val' if v.kind == 'dots' else v.label} {axis_label(y).strip()}" for v, y in values]
        self._subtitle("plot", f"{axes.unit} {position_label(round(x), axes.unit)}: " + "  ".join(parts))

    def go_near(self, x: float, reading: Reading | None, axes: Axes) -> None:
        """Moves the time machine to the saved step nearest to a place in the plot."""
        if reading is not None and self.time.steps:
            self.time.go_to(min(self.time.steps, key=lambda s: abs(self.x_of(s, reading, axes) - x)))

    # --- which pane is seen

    def next_text(self) -> None:
        """Samples or log in the place that they share."""
        to_log = self.has_class("-text-samples")
        self.set_class(not to_log, "-text-samples")
        self.set_class(to_log, "-text-log")
        self.titles()

    def go_to_pane(self, pane: str) -> None:
        """Shows a pane where only one has room, and gives it the focus."""
        self.mark_pane(pane)
        target = {"plot": self.plot, "runs": self.list, "time": self.time}.get(pane) or self.text_pane(pane)
        target.focus()

    def mark_pane(self, pane: str) -> None:
        """Notes which pane is the current one, for the style sheet and the titles."""
        for name in PANES:
            if pane != "plot" or self.screen.has_class("-tiny"):
                self.set_class(name == pane, f"-pane-{name}")
        if pane in ("samples", "log"):
            self.set_class(pane == "samples", "-text-samples")
            self.set_class(pane == "log", "-text-log")
        self.titles()

    def pane_of(self, widget: Widget | None) -> str | None:
        """Which pane a widget belongs to."""
        return pane_of(widget, self, PANES)

    def titles(self) -> None:
        """The titles of the pane that samples and log share."""
        log = self.has_class("-text-log")
        wide = self.screen.has_class("-wide")
        for name, text in (("samples", "[Samples]  Log"), ("log", "Samples  [Log]")):
            plain = {"samples": "samples, newest first", "log": "log"}[name]
            self._title(self.query_one(f"#{name}"), name, plain if wide else text)
        self._subtitle("samples", "" if wide or log else "v log")
        self._subtitle("log", "" if wide or not log else "v samples")

    def _title(self, frame: Widget, pane: str, title: str | Text) -> None:
        """Sets a title, with the pane's place in the round, and the key to the others, where they share one."""
        text = title if isinstance(title, Text) else Text(title)
        if self.shared:
            text = text + Text(f" {PANES.index(pane) + 1}/{len(PANES)} tab")
        if self.titled.get(pane) != text:
            self.titled[pane] = text
            frame.border_title = text

    def _subtitle(self, pane: str, words: str) -> None:
        """Sets what stands in a pane's lower border; setting it repaints the pane and all in it, so only news is."""
        if self._subtitled.get(pane) != words:
            self._subtitled[pane] = words
            self.frame_of(pane).border_subtitle = Text(words)
