"""A table of a run that is being trained: when the run has kept another step, that step's table is opened.

Abstract: ``EmbedScreen`` completes it.
"""

from __future__ import annotations

from textual import on, work
from textual.message import Message

from core.errors import LabError
from screens.embeddings.centring import EmbedCentring, parts_of
from screens.guard import guarded

FOLLOW = 2.0
"""Seconds between two looks at the run, as the chip has them."""


class Newer(Message):
    """The run has kept another step than the one that is open."""

    def __init__(self, number: int, spec: str) -> None:
        super().__init__()
        self.number = number
        self.spec = spec


class EmbedNewer(EmbedCentring):
    """The part of the screen that follows a run."""

    def on_mount(self) -> None:
        """Looks now and then, while it is seen."""
        self.set_interval(FOLLOW, self.look_for_newer, name="newer")

    def look_for_newer(self) -> None:
        """Asks in a thread, if what is open is a model's table whose step its name leaves open."""
        vectors = self.vectors
        plain = vectors.plain or vectors if vectors is not None else None
        if plain is None or plain.source is None or not self.is_current or "@" in plain.spec:
            return
        self._look_for_newer(self.loads, self.spec, plain.source)

    @work(thread=True, group="newer", exclusive=True, exit_on_error=False, description="look for a newer step")
    def _look_for_newer(self, number: int, spec: str, source: object) -> None:
        from core.vectors.gpt_tables import split_table
        from core.weights.locate import locate

        table = split_table(parts_of(spec)[0])
        if table is None:
            return
        try:
            found = locate(table[0])
        except LabError:  # it is gone; what is open stays
            return
        if found.run is not None and found.files and found.files[0] != source:
            self.post_message(Newer(number, spec))

    @on(Newer)
    @guarded
    def _newer(self, message: Newer) -> None:
        if message.number == self.loads and message.spec == self.spec:
            self.begin(message.spec, 0)  # its label says the step
