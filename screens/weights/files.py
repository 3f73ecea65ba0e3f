"""What the weights screen does with files: the table of published models, fetching, removing, opening others.

Abstract: ``WeightsScreen`` completes it. Whatever touches the disk runs in a worker.
"""

from __future__ import annotations

import shutil
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from rich.text import Text
from textual import on, work
from textual.binding import Binding, BindingType
from textual.timer import Timer

from core.errors import LabError
from core.shelf import GPT2_SIZES, ModelRef
from screens.base import LabScreen
from screens.guard import as_lab_error, guarded
from screens.pulling import Pulled, start_pull
from screens.weights.messages import DiskRead, Removed
from screens.weights.view import bytes_text, count_text
from screens.widgets.ask_path import AskPath
from screens.widgets.bars import bar_text
from screens.widgets.cells import fit
from screens.widgets.confirm import Confirm
from screens.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from core.data.pull import PullItem
    from core.workbench import Workbench
    from screens.weights.panes import WeightsBody
    from screens.weights.reader import Opened
    from screens.widgets.jobs import Job

EVERY = 0.5
"""Seconds between two looks at how far a download is."""
BEATS = 4
"""So many of them between two looks at the disk."""
TENSORS = {"gpt2": 148, "gpt2-medium": 292, "gpt2-large": 436, "gpt2-xl": 580}


class WeightFiles(LabScreen):
    """The part of the screen that is about files."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "download", "Download", id="weights.download", tooltip="fetch a published model; again: pause"),
        Binding("o", "open", "Open", id="weights.open", tooltip="open files that are here already"),
        Binding("u", "app.use_demo", show=False, id="weights.demo", tooltip="use the demo, which is always here"),
        Binding("x", "remove", "Remove", show=False, id="weights.remove", tooltip="remove a fetched model (asks)"),
    ]

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.items: dict[str, PullItem] = {}
        """What of each published model is here."""
        self.disk_reads = 0
        """How many looks at the disk came back; tests wait for it to grow."""
        self._free = 0
        self._ticker: Timer | None = None

    # --- to be completed

    @property
    @abstractmethod
    def body(self) -> WeightsBody:
        """The panes."""

    @property
    @abstractmethod
    def opened(self) -> Opened | None:
        """The model that is shown."""

    @property
    @abstractmethod
    def spec(self) -> str:
        """Its name."""

    @abstractmethod
    def open_spec(self, spec: str) -> None:
        """Shows another model."""

    @abstractmethod
    def show_published_pane(self) -> None:
        """Gives the table of published models the focus."""

    # --- looking at the disk

    def look_at_disk(self) -> None:
        """What is here of the published models; and whether what is shown was written anew."""
        opened = self.opened
        self._read_disk(self.spec, opened)

    @work(thread=True, group="disk", exclusive=True, exit_on_error=False, description="look at the disk")
    def _read_disk(self, spec: str, opened: Opened | None) -> None:
        from core.data.pull import pull_item
        from core.folders import cache_dir
        from core.weights.locate import locate
        from screens.weights.reader import stamp_of_files

        items = [pull_item(ref.spec) for ref in GPT2_SIZES]
        place = cache_dir()
        while not place.exists() and place != place.parent:
            place = place.parent
        stamp = None
        if opened is not None:
            try:
                stamp = stamp_of_files(locate(spec).files)
            except LabError:
                stamp = ()
        self.post_message(DiskRead(items, shutil.disk_usage(place).free, spec, stamp))

    @on(DiskRead)
    @guarded
    def _disk_read(self, message: DiskRead) -> None:
        items = {item.name: item for item in message.items}
        news = items != self.items or bytes_text(message.free) != bytes_text(self._free)
        self.items, self._free = items, message.free
        self.disk_reads += 1
        if news:  # an idle screen sends nothing over the line
            self.show_published()
        opened = self.opened
        if opened is not None and message.spec == self.spec and message.stamp not in (None, opened.stamp):
            self.open_spec(self.spec)  # a run wrote a new checkpoint, a download came, or a file went

    def show_published(self) -> None:
        """The four published models in their table."""
        table = self.body.published
        table.border_title = Text("published models · enter shows its tensors · d download, pause, resume · x remove")
        table.border_subtitle = Text(f"{bytes_text(self._free)} free" if self._free else "")
        table.fill(len(GPT2_SIZES), self._published_row)

    def _published_row(self, index: int) -> Text:
        ref = GPT2_SIZES[index]
        shown = self.look.symbols.bar if ref.spec == self.spec else " "
        layers, heads, width = ref.shape.replace("L", "").replace("H", "").split()
        room = self.body.published.scrollable_content_region.width
        text = Text(f"{shown}{fit(ref.spec, 12)} {layers:>2}L {heads:>2}H {width:>4}", end="")
        if room >= 100:
            text.append(f"  {count_text(ref.parameters):>13}  {TENSORS[ref.spec]} tensors")
        text.append(f"  {bytes_text(ref.size):>8}  ")
        said, job = self._state_of(ref), self.pulling(ref.spec)
        if job is not None and job.fraction is not None:
            bar = bar_text(job.fraction, 12, ascii_only=self.look.ascii)
            text.append(f"{100 * job.fraction:3.0f} % {bar} ")
        text.append(said, Style(dim=job is None))
        return text

    def pulling(self, name: str) -> Job | None:
        """The job that fetches a model now."""
        return next((job for job in self.jobs.running if job.name == f"pull {name}"), None)

    def _state_of(self, ref: ModelRef) -> str:
        job = self.pulling(ref.spec)
        if job is not None:
            return f"{self.look.symbols.waiting} {job.text or 'asking'} · d pauses"
        item = self.items.get(ref.spec)
        if item is None:
            return ""
        if item.here:
            return f"{self.look.symbols.tick} here, {bytes_text(item.bytes_here)} · x removes"
        if item.partial_bytes:
            return f"{bytes_text(item.partial_bytes)} are here · d goes on · x removes"
        if item.bytes_here:
            return f"{bytes_text(item.bytes_here)} here, not the published files · d fetches those · x removes"
        return f"{self.look.symbols.missing} d downloads"

    # --- fetching

    def _wanted(self) -> ModelRef | None:
        """The published model that a key means: that of the table, if it has the focus, else the one that is shown.

        Where neither is, the table gets the focus: nobody fetches half a gigabyte by a slip of the finger.
        """
        shown = next((ref for ref in GPT2_SIZES if ref.spec == self.spec), None)
        if self.focused is self.body.published:
            return GPT2_SIZES[self.body.published.cursor]
        if shown is None:
            self.show_published_pane()
            self._say_published("up and down choose · ")
        return shown

    def _say_published(self, before: str = "") -> None:
        """What the keys would do with the row under the cursor."""
        ref = GPT2_SIZES[self.body.published.cursor]
        self.say(
            f"{before}{ref.spec}, {bytes_text(ref.size)} · {self._state_of(ref).lstrip(self.look.symbols.missing)}"
        )

    @on(VirtualList.Highlighted, "#w-published")
    @guarded
    def _published_moved(self, event: VirtualList.Highlighted) -> None:
        event.stop()
        if self.body.published.has_focus:
            self._say_published()

    def action_download(self) -> None:
        """Fetches; a fetch that is under way is paused, and goes on with the next press."""
        ref = self._wanted()
        if ref is None:
            return
        job = self.pulling(ref.spec)
        if job is not None:
            job.cancel()
            self.say(f"{ref.spec}: paused; what has come stays, d goes on from there")
        elif (item := self.items.get(ref.spec)) is not None and item.here:
            self.say(f"{ref.spec} is here already · enter in the table shows it")
        else:
            start_pull(self.app, ref.spec, tell=self)
            self.say(f"{ref.spec}: fetching {bytes_text(ref.size)} · d pauses · J shows all jobs")
        self.show_published()

    @on(Pulled)
    @guarded
    def _pulled(self, message: Pulled) -> None:
        if message.error is not None:
            doors = [
                ("d", "try again (goes on)", "download"),
                ("o", "open files", "open"),
                ("u", "demo", "app.use_demo"),
            ]
            missing = message.name == self.spec and self.opened is not None and not self.opened.tensors.here
            self.problem("#w-values" if missing else self.body.alert, message.error, doors)
            self.say(f"{message.name} was not fetched; d tries again and goes on from what has come")
        elif message.came:
            self.solved(self.body.alert)
            self.say(f"{message.name} is here now")
        self.look_at_disk()
        if message.came and message.name == self.spec:
            self.open_spec(self.spec)

    def action_remove(self) -> None:
        """Removes a fetched model, if the person says so twice."""
        ref = self._wanted()
        if ref is None:
            return
        item = self.items.get(ref.spec)
        if self.pulling(ref.spec) is not None:
            self.say(f"{ref.spec} is on its way: d pauses it first")
        elif item is None or not item.bytes_here:
            self.say(f"nothing of {ref.spec} is here that could be removed")
        else:
            question = Confirm(
                f"remove {ref.spec}?",
                f"{bytes_text(item.bytes_here)} in {item.folder}; fetching it again takes a while",
                yes="Remove",
                no="Keep",
            )

            def answered(yes: bool | None) -> None:
                if yes:
                    self._remove(ref.spec)

            self.app.push_screen(question, answered)

    @work(thread=True, group="remove", exit_on_error=False, description="remove a model")
    def _remove(self, name: str) -> None:
        from core.data.pull import remove

        try:
            self.post_message(Removed(name, remove(name)))
        except Exception as error:  # a bug too is told where the key was pressed
            self.post_message(Removed(name, as_lab_error(error)))

    @on(Removed)
    @guarded
    def _removed(self, message: Removed) -> None:
        if isinstance(message.freed, LabError):
            self.problem(self.body.alert, message.freed, [("escape", "put this away", "solved")])
        else:
            self.say(f"{message.name} is removed, {bytes_text(message.freed)} are free again")
        self.look_at_disk()
        if message.name == self.spec:
            self.open_spec(self.spec)

    def action_open(self) -> None:
        """Asks for a path and puts what is there on the workbench."""

        def opened(path: str | None) -> None:
            if path:
                self.use_model(path)

        self.app.push_screen(AskPath(), opened)

    def use_model(self, spec: str) -> None:
        """Puts a model on the workbench."""
        use = getattr(self.app, "use", None)
        if use is not None:
            use(a=spec)

    @on(VirtualList.Activated, "#w-published")
    @guarded
    def _published_chosen(self, event: VirtualList.Activated) -> None:
        event.stop()
        ref = GPT2_SIZES[event.index]
        item = self.items.get(ref.spec)
        if item is not None and item.here:
            self.use_model(ref.spec)
        self.open_spec(ref.spec)
