"""Where the vectors of the embeddings screen come from: the demo's, files, published ones, tables of a model.

Abstract: ``EmbedScreen`` completes it. Reading is a worker; of a file it is a job with progress that can be cancelled.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from core.errors import LabError
from core.shelf import split_spec
from core.vectors.centring import centre_steps, split_centred
from screens.base import Door, LabScreen
from screens.embeddings.dialogs import LARGE, OpenVectors
from screens.embeddings.messages import Listed, Loaded, Loading
from screens.embeddings.view import DEMO, count_text, source_text
from screens.guard import as_lab_error, guarded
from screens.pulling import Pulled, start_pull
from screens.weights.view import bytes_text
from screens.widgets.choose import Choice, Choose
from screens.widgets.confirm import Confirm

if TYPE_CHECKING:
    from core.vectors.sources import VectorSource
    from core.vectors.store import Vectors
    from core.workbench import Workbench
    from screens.embeddings.panes import EmbedBody
    from screens.widgets.jobs import Job

REAL = "glove-wiki-gigaword-50"
"""The real ones that one key fetches: the smallest that know the words of the lessons."""
TABLES = (":wte", ":wpe", ":head")
TOLD = 0.1


class EmbedSources(LabScreen):
    """The part of the screen that opens vectors."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "s", "sources", "Source", id="embed.source", tooltip="other vectors: demo, files, GloVe, a model's own"
        ),
        Binding("o", "open", show=False, id="embed.open", tooltip="open a file of vectors"),
        Binding("d", "real", "Real ones", id="embed.real", tooltip="fetch or open GloVe, trained on real text"),
        Binding("u", "demo", show=False, id="embed.demo", tooltip="the demo vectors, which are always here"),
    ]

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.vectors: Vectors | None = None
        """What is open."""
        self.loads = 0
        """How many openings were begun; a late answer is known by its number."""
        self._cancel_load = threading.Event()

    # --- to be completed

    @property
    @abstractmethod
    def body(self) -> EmbedBody:
        """The panes."""

    @abstractmethod
    def vectors_came(self, vectors: Vectors) -> None:
        """Others are open now."""

    @abstractmethod
    def show_positions(self, spec: str) -> None:
        """The page of positions, of a model."""

    # --- opening

    @property
    def spec(self) -> str:
        """What is open, by the name that ``core.load_vectors`` takes."""
        return self.vectors.spec if self.vectors is not None else ""

    def open_source(self, spec: str) -> None:
        """Opens vectors by name; a large file is asked about first."""
        file = split_centred(spec) or spec
        size = _size_of(file)
        if size < LARGE or _opened_before(file):
            self.begin(spec, size)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.begin(spec, size)

        self.app.push_screen(
            Confirm(f"read {bytes_text(size)}?", _what_it_takes(file, size), yes="Read", no="Not now"), answered
        )

    def begin(self, spec: str, size: int, plain: Vectors | None = None) -> None:
        """Opens vectors in a thread, as a job where there are many bytes; ``plain``: centres those instead."""
        self.loads += 1
        self._cancel_load.set()
        cancel = self._cancel_load = threading.Event()
        job = self.jobs.add(f"read {Path(spec).name}", cancel.set) if size else None
        if job is not None:
            job.brief = True
            job.in_sight = lambda: self.is_current
        self.body.say_source(f"{self.look.symbols.waiting} {Path(spec).name}")
        self._load(self.loads, spec, plain, cancel, job)

    def take_vectors(self, vectors: Vectors) -> None:
        """Shows vectors that are in memory already, such as those that were just trained."""
        self.loads += 1
        self._cancel_load.set()
        self.post_message(Loaded(self.loads, vectors.spec, vectors))

    @work(thread=True, group="load", exit_on_error=False, description="read word vectors")
    def _load(self, number: int, spec: str, plain: Vectors | None, cancel: threading.Event, job: Job | None) -> None:
        from core.vectors.sources import load_steps

        found: Vectors | None = None
        failed: LabError | None = None
        told = 0.0
        try:
            for progress in load_steps(spec, cancel) if plain is None else centre_steps(plain, cancel):
                found = progress.vectors
                now = time.monotonic()
                if now - told >= TOLD:
                    told = now
                    if job is not None:
                        words = f"{progress.phase} · {count_text(progress.words)} words"
                        job.update(progress.bytes_done, progress.bytes_total or None, words)
                    self.post_message(Loading(number, progress))
            if found is not None:
                _ = found.norms, found.mean_cosine  # read once here, not at the first question
        except Exception as error:  # also what a damaged file makes of a reader that trusts it
            failed = as_lab_error(error)
        if cancel.is_set():
            found = failed = None
        elif job is not None:
            if failed is not None:
                job.fail(failed)
            else:
                job.finish("open")
        self.post_message(Loaded(number, spec, failed or found))

    @on(Loading)
    @guarded
    def _loading(self, message: Loading) -> None:
        if message.number == self.loads and message.progress.bytes_total:
            far = 100 * message.progress.bytes_done / message.progress.bytes_total
            words = count_text(message.progress.words)
            self.body.say_source(f"{self.look.symbols.waiting} {far:.0f} % · {words} words · J cancels")

    @on(Loaded)
    @guarded
    def _loaded(self, message: Loaded) -> None:
        if message.number != self.loads:
            return
        found = message.found
        if found is None or isinstance(found, LabError):
            self.say_what_is_open()
            if found is None:
                self.say(f"reading {Path(message.spec).name} was cancelled; what was open stays")
            else:
                self._refused(message.spec, found)
            return
        self.solved(self.body.alert)
        self.vectors = found
        self.say_what_is_open()
        self.vectors_came(found)

    def _refused(self, spec: str, error: LabError) -> None:
        if spec == DEMO and self.vectors is None:  # a checkout whose assets are not made yet: what is there anyway
            self.open_source("demo:wte")
        doors = [Door("s", "other vectors", "sources"), Door("o", "open a file", "open"), Door("u", "demo", "demo")]
        published = next((name for name in _published() if spec == name), "")
        if published:
            doors.insert(0, Door("d", f"fetch {published}", f"fetch({published!r})"))
        self.problem(self.body.alert, error, [*doors, Door("escape", "put away", "solved")]).focus()

    def say_what_is_open(self) -> None:
        """The name in the query's row."""
        if self.vectors is None:
            self.body.say_source("no vectors yet")
            return
        room = max(18, int(0.58 * self.body.size.width) - 4)
        hint = ""
        if not (split_centred(self.spec) or self.spec).endswith(TABLES):
            other = split_spec(self.workbench.a)[0] != DEMO  # whoever chose a model may look for its vectors here
            hint = " · s: the model's own tokens" if other else " · d real ones" if self.vectors.synthetic else ""
        text = source_text(self.vectors, room - len(hint))
        if len(text) + len(hint) > room:
            text, hint = source_text(self.vectors, room), ""
        text += hint
        self.body.say_source(text)

    # --- choosing

    def action_sources(self) -> None:
        """What can be opened."""
        self._list()

    @work(thread=True, group="list", exclusive=True, exit_on_error=False, description="list word vectors")
    def _list(self) -> None:
        from core.vectors.sources import list_vectors

        self.post_message(Listed(list_vectors()))

    @on(Listed)
    @guarded
    def _listed(self, message: Listed) -> None:
        sources = {source.name: source for source in message.sources}
        choices = [Choice(s.name, _line(s, self.look.symbols.tick)) for s in message.sources if s.group != "model"]
        models = list(dict.fromkeys([self.workbench.a, *([self.workbench.b] if self.workbench.b else [])]))
        for model in models:
            choices += [
                Choice(f"{model}:wte", f"{model}:wte · its token embeddings"),
                Choice(f"{model}:wpe", f"{model}:wpe · its positions, as a picture"),
            ]
        shown = {choice.value for choice in choices}
        others = [s.name for s in message.sources if s.group == "model" and s.here and s.name not in shown]
        choices += [Choice(name, name) for name in others[:12]]
        choices += [Choice("file", "open a file…", "o"), Choice("train", "train on a text…", "b")]

        def chosen(value: str | None) -> None:
            if value == "file":
                self.action_open()
            elif value == "train":
                self.call_later(self.run_action, "train")
            elif value is not None and value.endswith(":wpe"):
                self.show_positions(value)
            elif value is not None and value in sources and not sources[value].here:
                self.action_fetch(value)
            elif value is not None:
                self.open_source(value)

        self.app.push_screen(Choose("word vectors · enter opens, or fetches", choices, current=self.spec), chosen)

    def action_open(self) -> None:
        """Asks for a file."""

        def opened(path: str | None) -> None:
            if path and path.endswith(":wpe"):
                self.show_positions(path)
            elif path:
                self.open_source(path)

        self.app.push_screen(OpenVectors(), opened)

    def action_demo(self) -> None:
        """The demo vectors."""
        self.open_source(DEMO)

    # --- fetching

    def action_real(self) -> None:
        """GloVe: opens it if it is here, fetches it if not."""
        self.action_fetch(REAL)

    def action_fetch(self, name: str) -> None:
        """Fetches published vectors and opens them then; those that are here are opened."""
        self.solved(self.body.alert)
        if name in _here():
            self.open_source(name)
            return
        job = next((job for job in self.jobs.running if job.name == f"pull {name}"), None)
        if job is not None:
            job.cancel()
            self.say(f"{name}: paused; what has come stays, d goes on from there")
            return
        start_pull(self.app, name, tell=self)
        size = _published().get(name, 0)
        self.say(f"{name}: fetching {bytes_text(size)} · d pauses · J shows all jobs")

    @on(Pulled)
    @guarded
    def _pulled(self, message: Pulled) -> None:
        if message.name not in _published():
            return
        message.stop()
        if message.error is not None:
            doors = [
                Door("d", "try again (goes on)", f"fetch({message.name!r})"),
                Door("o", "open a file you have", "open"),
                Door("u", "demo", "demo"),
                Door("escape", "put away", "solved"),
            ]
            self.problem(self.body.alert, message.error, doors)
        elif message.came:
            self.say(f"{message.name} is here now")
            self.open_source(message.name)


def _published() -> dict[str, int]:
    from core.data.pull_catalogue import VECTORS

    return {name: size for name, (size, _) in VECTORS.items()}


def _here() -> set[str]:
    from core.vectors.sources import list_vectors

    return {source.name for source in list_vectors(models=False) if source.here}


def _line(source: VectorSource, tick: str) -> str:
    made_up = " · synthetic" if source.synthetic else ""
    if source.here:
        words = f" · {count_text(source.words)} words" if source.words else ""
        return f"{tick} {source.name}{made_up}{words} × {source.width}"
    return f"  {source.name} · {bytes_text(source.bytes)}, fetch"


def _size_of(spec: str) -> int:
    """Bytes of the file that is read; 0 for what is there at once."""
    if spec == DEMO or spec.endswith(TABLES):
        return 0
    try:
        return _path_of(spec).stat().st_size
    except OSError:
        return 0  # core says what is wrong with it


def _path_of(spec: str) -> Path:
    from core.folders import cache_dir

    return cache_dir() / "vectors" / spec / f"{spec}.gz" if spec in _published() else Path(spec).expanduser()


def _opened_before(spec: str) -> bool:
    from core.vectors.mapped import copy_path

    try:
        return copy_path(_path_of(spec)).is_file()
    except OSError:
        return False


def _what_it_takes(spec: str, size: int) -> str:
    import shutil

    import psutil

    from core.folders import cache_dir

    place = next((path for path in (cache_dir(), *cache_dir().parents) if path.exists()), Path())
    memory, disk = psutil.virtual_memory().available, shutil.disk_usage(place).free
    return (
        f"{Path(spec).name} is read once, as a job (J shows it, and cancels), and leaves a copy in the cache folder "
        f"that opens at once afterwards. Free: {bytes_text(memory)} of memory, {bytes_text(disk)} on the disk; "
        f"the file has {bytes_text(size)}."
    )
