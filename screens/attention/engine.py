"""The attention screen's work in the background: tracing, layers, measures, what comes next, and watching the files.

Abstract: ``AttentionScreen`` completes it. Each answer carries what it answers; one that comes too late is dropped.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.message import Message
from textual.timer import Timer

from core.errors import InputError, LabError
from screens.attention.messages import Failed, LayerRead, Measured, NextRead, Rewritten, Traced
from screens.attention.reader import (
    RANDOM,
    TEXT,
    Measures,
    NextTokens,
    Question,
    Reader,
    measures_of,
    next_of,
    pattern_of,
    random_measures_of,
    stamp_of,
    together_of,
)
from screens.attention.seen import Head, Place, Seen
from screens.base import LabScreen
from screens.guard import as_lab_error, guarded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.workbench import Workbench

EVERY = 2.0
"""Seconds between two looks at whether the model's files are others now."""
SETTLED = 0.05
"""Seconds that the cursor rests on a token before what comes after it is asked for."""


class AttentionEngine(LabScreen):
    """Questions and answers."""

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.reader = Reader()
        self.seen: Seen | None = None
        """The text through model A."""
        self.other: Seen | None = None
        """The same through B, while the two are compared."""
        self.place = Place()
        self.off: frozenset[Head] = frozenset()
        self.on = TEXT
        """What heads are measured on."""
        self.next: NextTokens | None = None
        self.measured: dict[str, Measures] = {}
        """Of A, by what they are measured on; of B under ``b``."""
        self._layers: dict[tuple[str, int, str], NDArray[np.float32]] = {}
        self._asked: set[tuple[str, int, str]] = set()
        self._numbers = {"a": 0, "b": 0}
        self._turn = threading.Lock()
        self._next_at = -1
        self._next_timer: Timer | None = None
        self._ticker: Timer | None = None
        self._looking = False

    # --- to be completed

    @property
    @abstractmethod
    def text(self) -> str:
        """The text that is to be traced."""

    @property
    @abstractmethod
    def comparing(self) -> bool:
        """Whether B is shown beside A."""

    @abstractmethod
    def text_came(self, slot: str, found: Seen) -> None:
        """A text was traced."""

    @abstractmethod
    def text_failed(self, slot: str, error: LabError) -> None:
        """A text could not be traced."""

    @abstractmethod
    def something_came(self, what: str) -> None:
        """More is known of the text: ``layer``, ``measures`` or ``next``."""

    def on_unmount(self) -> None:
        """Nobody waits for answers any more: what works on them stops where it can, so that the app can end."""
        for slot in self._numbers:
            self._numbers[slot] += 1

    # --- a text

    def ask(self, slot: str = "a") -> None:
        """Traces the text through the model of a slot; an older question of the slot is given up."""
        self._numbers[slot] += 1
        spec = self.workbench.a if slot == "a" else self.workbench.b
        if spec is None:
            return
        question = Question(
            self._numbers[slot], spec, self.workbench.device, self.text, self.off, self.workbench.tokenizer
        )
        work = partial(self._see, question, slot, self.place.layer)
        group = f"see {slot}"
        self.run_worker(work, thread=True, group=group, exclusive=True, exit_on_error=False, description="trace a text")

    def wanted(self, slot: str, number: int) -> bool:
        """Whether a question is the newest of its slot."""
        return self._numbers[slot] == number

    def _see(self, question: Question, slot: str, layer: int) -> None:
        try:
            with self._turn:  # one at a time: who types fast asks often, and only the last answer counts
                if not self.wanted(slot, question.number):
                    return
                seen = self.reader.see(question)
                self.post_message(Traced(question.number, slot, seen))
                self._tell(slot, seen, self._first_answers(seen, slot, min(layer, seen.layers - 1)))
            self._tell(slot, seen, self._other_answers(seen, slot, min(layer, seen.layers - 1)))
        except MemoryError:
            error = LabError("there is not enough memory to trace this text", "a shorter text, or a smaller model")
            self.post_message(Traced(question.number, slot, error))
        except Exception as error:  # also what a damaged file makes of a reader that trusts it
            self.post_message(Traced(question.number, slot, as_lab_error(error)))

    def _first_answers(self, seen: Seen, slot: str, layer: int) -> Iterator[Message]:
        yield LayerRead(seen, layer, "", pattern_of(seen, layer))
        if slot == "a":
            yield NextRead(seen, next_of(seen, self.place.inside(1, 1, seen.tokens).row))

    def _other_answers(self, seen: Seen, slot: str, layer: int) -> Iterator[Message]:
        last = self.seen
        known = slot == "a" and last is not None and last.base is seen.base and TEXT in self.measured
        if not known:  # heads that are off do not change what is measured with all of them on
            yield Measured(seen, slot, measures_of(seen))
        for other in range(seen.layers) if seen.patterns_fit else ():
            if other != layer:
                yield LayerRead(seen, other, "", pattern_of(seen, other))

    def _tell(self, slot: str, seen: Seen, answers: Iterator[Message]) -> None:
        """Tells answers as they come, until nobody wants them any more."""
        for answer in answers:
            self.post_message(answer)
            if not self.wanted(slot, seen.number):
                return

    @on(Traced)
    @guarded
    def _traced(self, message: Traced) -> None:
        if not self.wanted(message.slot, message.number):
            return
        if isinstance(message.found, LabError):
            self.text_failed(message.slot, message.found)
            return
        for key in [key for key in self._layers if key[0] == message.slot]:
            del self._layers[key]
        self._asked = {key for key in self._asked if key[0] != message.slot}
        if message.slot == "a":
            kept = self.seen is not None and self.seen.base is message.found.base
            self.seen, self.next = message.found, None
            if not kept:
                self.measured.pop(TEXT, None)
                if RANDOM in self.measured:
                    del self.measured[RANDOM]
            self._next_at = -1
        else:
            self.other = message.found
            self.measured.pop("b", None)
        self.text_came(message.slot, message.found)

    def _slot_of(self, seen: Seen) -> str | None:
        return "a" if seen is self.seen else "b" if seen is self.other else None

    # --- layers

    def pattern(self, slot: str, layer: int, head: int, how: str) -> NDArray[np.float32] | None:
        """The (T, T) pattern of a head, or of a layer's heads together; None while it is on its way."""
        found = self._layers.get((slot, layer, how))
        if found is None:
            self._read_layer(slot, layer, how)
            return None
        return found if how else found[head]

    def _read_layer(self, slot: str, layer: int, how: str) -> None:
        seen, key = self.seen if slot == "a" else self.other, (slot, layer, how)
        if seen is None or key in self._asked or layer >= seen.layers:
            return
        self._asked.add(key)
        self.call_after_refresh(self._read_in_thread, seen, layer, how)  # the key's picture comes first

    def _read_in_thread(self, seen: Seen, layer: int, how: str) -> None:
        work = partial(self._layer_in_thread, seen, layer, how)
        self.run_worker(work, thread=True, group="layer", exit_on_error=False, description="read a layer")

    def _layer_in_thread(self, seen: Seen, layer: int, how: str) -> None:
        try:
            values = together_of(seen, layer, how) if how else pattern_of(seen, layer)
            self.post_message(LayerRead(seen, layer, how, values))
        except Exception as error:
            self.post_message(Failed(seen.number, as_lab_error(error)))

    @on(LayerRead)
    @guarded
    def _layer_came(self, message: LayerRead) -> None:
        slot = self._slot_of(message.seen)
        if slot is None:
            return
        if not message.seen.patterns_fit:  # of a large text the shown layer alone is kept
            for key in [key for key in self._layers if key[0] == slot]:
                del self._layers[key]
                self._asked.discard(key)
        self._layers[slot, message.layer, message.how] = message.values
        self.something_came("layer")

    # --- measures

    @property
    def measures(self) -> Measures | None:
        """Those of A that are shown."""
        return self.measured.get(self.on)

    def measure_random(self) -> None:
        """Measures the heads on repeated random tokens, once for a model."""
        seen = self.seen
        if seen is not None and RANDOM not in self.measured:
            work = partial(self._random_in_thread, seen)
            self.run_worker(
                work, thread=True, group="random", exclusive=True, exit_on_error=False, description="measure heads"
            )

    def _random_in_thread(self, seen: Seen) -> None:
        try:
            self.post_message(Measured(seen, "a", random_measures_of(seen)))
        except Exception as error:
            self.post_message(Failed(seen.number, as_lab_error(error)))

    @on(Measured)
    @guarded
    def _measured_came(self, message: Measured) -> None:
        same_model = self.seen is not None and self.seen.loaded is message.seen.loaded
        if message.measures.on == RANDOM:
            if not same_model:
                return
            self.measured[RANDOM] = message.measures
        else:
            slot = self._slot_of(message.seen)
            if slot is None:
                return
            self.measured[TEXT if slot == "a" else "b"] = message.measures
        self.something_came("measures")

    # --- what comes next

    def ask_next(self) -> None:
        """Asks for what comes after the token under the cursor, once the cursor rests."""
        seen = self.seen
        if seen is None or (self.next is not None and self.next.position == self.place.row):
            return
        if self._next_at != self.place.row:
            self._next_at = self.place.row
            if self._next_timer is not None:
                self._next_timer.stop()
            self._next_timer = self.set_timer(SETTLED, self._ask_next_now)

    def _ask_next_now(self) -> None:
        if self.seen is not None and 0 <= self._next_at < self.seen.tokens:
            work = partial(self._next_in_thread, self.seen, self._next_at)
            self.run_worker(
                work, thread=True, group="next", exclusive=True, exit_on_error=False, description="what comes next"
            )

    def _next_in_thread(self, seen: Seen, position: int) -> None:
        if seen is self.seen and position == self._next_at:
            try:
                self.post_message(NextRead(seen, next_of(seen, position)))
            except Exception as error:
                self.post_message(Failed(seen.number, as_lab_error(error)))

    @on(NextRead)
    @guarded
    def _next_came(self, message: NextRead) -> None:
        if message.seen is self.seen and message.found.position == self.place.row:
            self.next = message.found
            self.something_came("next")
        elif message.seen is self.seen:
            self.ask_next()

    @on(Failed)
    @guarded
    def _failed(self, message: Failed) -> None:
        if self.seen is not None and message.number == self.seen.number:
            self.text_failed("a", message.error)

    # --- the files

    def watch_files(self) -> None:
        """Looks from time to time whether the model is another one now, though its name is the same."""
        self._ticker = self.set_interval(EVERY, self._beat)

    def pause_updates(self) -> None:
        """A hidden screen looks at nothing."""
        if self._ticker is not None:
            self._ticker.pause()

    def resume_updates(self) -> None:
        """Catches up when shown again."""
        if self._ticker is not None:
            self._ticker.resume()
            self._beat()

    def _beat(self) -> None:
        seen = self.seen
        if seen is not None and not self._looking:
            self._looking = True
            work = partial(self._look_at_files, seen)
            self.run_worker(work, thread=True, group="files", exit_on_error=False, description="look at the files")

    def _look_at_files(self, seen: Seen) -> None:
        try:
            now = stamp_of(seen.spec)
        finally:
            self._looking = False
        if now and now != seen.stamp:
            self.post_message(Rewritten(seen.spec))

    @on(Rewritten)
    @guarded
    def _rewritten(self, message: Rewritten) -> None:
        if self.seen is not None and self.seen.spec == message.spec == self.workbench.a:
            self.say(f"{message.spec} has other weights now: they are traced anew, on the same scales")
            self.ask()


def empty_text(error: LabError) -> bool:
    """Whether an error is about the text alone."""
    return type(error) is InputError  # its kinds are about models, tokenizers and so on
