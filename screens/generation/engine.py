"""The console's work in the background: opening models, streaming answers, looking at one distribution.

Abstract: ``GenerationScreen`` completes it. Each worker is thin: it iterates what core yields and posts messages; every
answer carries the number of its question, and one that comes too late is thrown away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from textual.message import Message

from core.errors import LabError, TokenizerError
from core.generation.branches import Tree
from core.generation.settings import PRESETS, SamplingConfig
from screens.base import LabScreen
from screens.generation.models import Models, Opened
from screens.guard import as_lab_error, log_exception

if TYPE_CHECKING:
    from core.generation.steps import Choice, Step
    from core.workbench import Workbench

EVERY = 0.05
"""Seconds between two paints of a stream."""


@dataclass
class Stream:
    """An answer under way."""

    id: int
    spec: str
    prompt: str
    sampling: SamplingConfig
    branch: int | None = None
    """The branch that grows; None until the prompt is tokens and the branch made."""
    ids: tuple[int, ...] = ()
    """What stands before, where a branch goes on."""
    prompt_length: int = 0
    slot: str = "strip"
    """Where it is shown: ``strip`` or ``other``."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    flowing: threading.Event = field(default_factory=threading.Event)
    """Cleared, it waits."""
    asked: float = field(default_factory=time.perf_counter)
    tokens: int = 0
    first: float | None = None
    """Seconds from the question to the first token."""
    seconds: float = 0.0
    """Seconds in which tokens came, pauses out."""


class ConsoleEngine(LabScreen):
    """Models, streams, probes."""

    class Opening(Message):
        """A model is open, or cannot be."""

        def __init__(self, number: int, opened: Opened | None, error: LabError | None) -> None:
            super().__init__()
            self.number = number
            self.opened = opened
            self.error = error

    class Began(Message):
        """The prompt of a stream is tokens."""

        def __init__(self, stream: Stream, ids: tuple[int, ...], pieces: tuple[bytes, ...], opened: Opened) -> None:
            super().__init__()
            self.stream = stream
            self.ids = ids
            self.pieces = pieces
            self.opened = opened

    class Streamed(Message):
        """Tokens of a stream, at most twenty times a second."""

        def __init__(self, stream: Stream, steps: Sequence[Step]) -> None:
            super().__init__()
            self.stream = stream
            self.steps = tuple(steps)

    class StreamEnded(Message):
        """A stream is over."""

        def __init__(self, stream: Stream, error: LabError | None = None) -> None:
            super().__init__()
            self.stream = stream
            self.error = error

    class Lost(Message):
        """The file of an open model is another one now, or gone."""

        def __init__(self, opened: Opened, trouble: LabError) -> None:
            super().__init__()
            self.opened = opened
            self.trouble = trouble

    class Probed(Message):
        """A distribution came back."""

        def __init__(self, number: int, slot: str, choice: Choice | None, error: LabError | None = None) -> None:
            super().__init__()
            self.number = number
            self.slot = slot
            self.choice = choice
            self.error = error

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.models = Models()
        self.answers = Tree()
        self.sampling = PRESETS["balanced"][1]
        self.opened: Opened | None = None
        """The workbench's model, once it is open."""
        self.streams: dict[int, Stream] = {}
        """Those under way."""
        self.changed: set[str] = set()
        """Models whose files are other ones now, or gone."""
        self.accepted: set[str] = set()
        """Those of them that may go on with what is in memory."""
        self._numbers = 0
        self._opening = 0
        self._probing: dict[str, int] = {}

    def next_number(self) -> int:
        """A number that no question had before."""
        self._numbers += 1
        return self._numbers

    # --- models

    def open_model(self) -> None:
        """Opens the workbench's model in the background."""
        self._opening = number = self.next_number()
        work = partial(self._open_in_thread, number, self.workbench.a, self.workbench.device)
        self.run_worker(
            work, thread=True, group="open", exclusive=True, exit_on_error=False, description="open the model"
        )

    def _open_in_thread(self, number: int, spec: str, device: str) -> None:
        try:
            newest = spec not in self.accepted
            self.post_message(self.Opening(number, self.models.open(spec, device, newest=newest), None))
        except LabError as error:
            self.post_message(self.Opening(number, None, error))

    def look_for_model(self) -> None:
        """Finds out in the background whether the file of the open model is still there, as it was."""
        opened = self.opened
        if opened is None or opened.spec in self.accepted:
            return

        def look() -> None:
            if (trouble := opened.trouble()) is not None:
                self.post_message(self.Lost(opened, trouble))

        self.run_worker(look, thread=True, group="look for", exit_on_error=False, description="look for the model")

    def is_latest(self, message: ConsoleEngine.Opening) -> bool:
        """Whether an opened model is the one that is wanted now."""
        return message.number == self._opening

    # --- streams

    def start(self, stream: Stream) -> None:
        """Lets an answer begin."""
        stream.flowing.set()
        self.streams[stream.id] = stream
        work = partial(self._stream_in_thread, stream, self.workbench.device)
        self.run_worker(work, thread=True, group="stream", exit_on_error=False, description="stream an answer")

    def _stream_in_thread(self, stream: Stream, device: str) -> None:
        error: LabError | None = None
        try:
            # What goes on behind a branch is written by the step that began it, as long as there is its file.
            begun = self.models.here(stream.spec, device) if stream.branch is not None else None
            newest = stream.spec not in self.accepted and (begun is None or begun.trouble() is not None)
            opened = self.models.open(stream.spec, device, newest=newest)
            self._check(opened)
            if opened is not self.opened and stream.spec == self.workbench.a:
                self.post_message(self.Opening(self._opening, opened, None))
            self._pour(stream, self._steps(stream, opened))
        except LabError as problem:
            error = problem
        except MemoryError:
            error = LabError("there is not enough memory for this answer", "a smaller model, or a shorter prompt")
        except Exception as problem:
            log_exception(problem)
            error = as_lab_error(problem)
        self.post_message(self.StreamEnded(stream, error))

    def _check(self, opened: Opened) -> None:
        """Refuses a model whose file has changed under the console, and a pinned tokenizer that is not the model's."""
        trouble = opened.trouble()
        if trouble is not None and opened.spec not in self.accepted:
            self.changed.add(opened.spec)
            raise trouble
        own, pinned = opened.loaded.tokenizer, self.workbench.tokenizer
        if pinned is not None and own is not None and pinned != own.name:
            raise TokenizerError(
                f"{pinned} is pinned, {opened.spec} reads and writes {own.name} ({own.vocab_size:,} tokens)",
                "a model can only answer in its own tokens: take the pin off, or choose another model",
            )

    def _steps(self, stream: Stream, opened: Opened) -> Iterator[Step]:
        """What the model answers, once its prompt is told."""
        from core.generation.engine import generate
        from core.generation.prompts import check_fits, prompt_ids

        ids, length = stream.ids, stream.prompt_length
        if stream.branch is None:
            check_fits(opened.loaded)
            ids = tuple(prompt_ids(opened.loaded, stream.prompt)[0])
            length = len(ids)
            self.post_message(self.Began(stream, ids, opened.pieces(ids) or (), opened))
        start = stream.prompt if stream.branch is None and not stream.prompt else ids
        return generate(
            opened.loaded,
            start,
            stream.sampling,
            session=opened.session,
            cancelled=stream.cancelled,
            prompt_length=length,
        )

    def _pour(self, stream: Stream, steps: Iterator[Step]) -> None:
        """Hands tokens on in handfuls; waits while the stream is held."""
        held: list[Step] = []
        told = 0.0
        for step in steps:
            held.append(step)
            now = time.perf_counter()
            if stream.first is None:
                stream.first = now - stream.asked
            if now - told >= EVERY or step.end:
                self.post_message(self.Streamed(stream, held))
                held, told = [], now
            while not stream.flowing.wait(EVERY) and not stream.cancelled.is_set():
                if held:
                    self.post_message(self.Streamed(stream, held))
                    held = []
        if held:
            self.post_message(self.Streamed(stream, held))

    def stop_streams(self) -> bool:
        """Ends all streams; what has come stays. Whether there was one."""
        ended = [stream for stream in self.streams.values() if not stream.cancelled.is_set()]
        for stream in ended:
            stream.cancelled.set()
        return bool(ended)

    # --- one distribution

    def probe(
        self, ids: Sequence[int], prompt_length: int, sampling: SamplingConfig, *, spec: str = "", slot: str = "strip"
    ) -> int:
        """Asks for the distribution after some ids, in the background; the newest question of a slot counts."""
        self._probing[slot] = number = self.next_number()
        work = partial(
            self._probe_in_thread,
            (number, slot, spec or self.workbench.a, self.workbench.device),
            tuple(ids),
            prompt_length,
            sampling,
        )
        self.run_worker(
            work, thread=True, group=f"probe {slot}", exclusive=True, exit_on_error=False, description="look at a token"
        )
        return number

    def _probe_in_thread(
        self, what: tuple[int, str, str, str], ids: tuple[int, ...], prompt_length: int, sampling: SamplingConfig
    ) -> None:
        from core.generation.engine import next_choice
        from core.generation.prompts import check_fits

        number, slot, spec, device = what
        if self._probing.get(slot) != number:
            return
        try:
            opened = self.models.open(spec, device)
            check_fits(opened.loaded)
            if any(token >= opened.vocabulary for token in ids):
                self.post_message(self.Probed(number, slot, None))
                return
            choice = next_choice(opened.probe, ids, sampling, prompt_length)
            self.post_message(self.Probed(number, slot, choice))
        except LabError as error:
            self.post_message(self.Probed(number, slot, None, error))

    def is_wanted(self, message: ConsoleEngine.Probed) -> bool:
        """Whether a distribution answers the newest question of its slot."""
        return self._probing.get(message.slot) == message.number
