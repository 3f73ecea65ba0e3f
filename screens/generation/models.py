"""The models that the console has opened: found again while their files stay as they were, and read by worker threads.

Nothing of torch is imported before a model is wanted.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import LabError

if TYPE_CHECKING:
    from core.generation.pace import Precision
    from core.generation.session import Session
    from core.weights.checkpoint import LoadedModel

MOST = 4
"""Models kept open: A, B, and the checkpoints that one steps through."""


@dataclass(frozen=True)
class Stamp:
    """What a file looked like when it was read."""

    mtime: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stamp | None:
        """The file's, or None where there is none."""
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(found.st_mtime_ns, found.st_size, found.st_ino)


@dataclass(frozen=True)
class Opened:
    """A model ready to answer."""

    spec: str
    loaded: LoadedModel
    session: Session
    """For streaming."""
    probe: Session
    """For looking at single distributions, with a cache of its own, so that a stream is not disturbed."""
    stamp: Stamp | None

    @property
    def vocabulary(self) -> int:
        """How many tokens it chooses from."""
        return self.loaded.tokenizer.vocab_size

    def pieces(self, ids: tuple[int, ...]) -> tuple[bytes, ...] | None:
        """The bytes of some ids; None if they are not of this tokenizer."""
        if any(token >= self.vocabulary for token in ids):
            return None
        return tuple(self.loaded.tokenizer.token_bytes(token) for token in ids)

    @property
    def name(self) -> str:
        """Its spec, with the step where the spec leaves it to the run which one that is."""
        step = self.loaded.step
        return self.spec if step is None or "@" in self.spec or self.spec == "demo" else f"{self.spec}@{step}"

    @property
    def run(self) -> Path | None:
        """The folder of the run that it was read from, which may be gone by now."""
        if self.loaded.step is None:
            return None
        return next((p.parent for p in self.loaded.source.parents if p.name in ("checkpoints", "snapshots")), None)

    def moved_on(self) -> bool:
        """Whether the name stands for a newer step by now, which a run that is being trained has kept since."""
        from core.weights.locate import locate

        if self.loaded.step is None:
            return False
        try:
            found = locate(self.spec)
        except LabError:  # whoever asks the model next is told by ``trouble``
            return False
        return bool(found.files) and found.step is not None and found.step > self.loaded.step

    def trouble(self) -> LabError | None:
        """What has happened to the model's file since it was read, if anything."""
        now = Stamp.of(self.loaded.source)
        if now == self.stamp:
            return None
        if now is None and self.run is not None and not self.run.exists():
            return LabError(
                f"the run {self.run.name} is gone; what is in memory is its step {self.loaded.step}",
                "that can go on answering; or take another model",
            )
        if now is None:
            return LabError(
                f"the file of {self.spec} is gone: {self.loaded.source}",
                "what was read of it stays in memory and can go on answering; or take another model",
            )
        return LabError(
            f"the file of {self.spec} has changed since it was read: {self.loaded.source.name}",
            "read it again for its new weights, or go on with those in memory",
        )


class Models:
    """Opens models, each once; safe to be asked from several threads."""

    def __init__(self) -> None:
        self.precision: Precision = "auto"
        """How the weights are kept while decoding; ``auto`` is what this machine was measured to do fast."""
        self._open: OrderedDict[tuple[str, str, str], Opened] = OrderedDict()
        self._lock = threading.Lock()

    def here(self, spec: str, device: str = "auto") -> Opened | None:
        """The model if it is open already."""
        return self._open.get((spec, device, self.precision))

    def open(self, spec: str, device: str = "auto", *, newest: bool = False) -> Opened:
        """The model; reads it if need be. For worker threads.

        Args:
            spec: as ``core.load_model`` names models.
            device: where it runs.
            newest: reads a run's newer step, if it has kept one since; else what is open stays as it is.

        Raises:
            LabError: it cannot be opened; whatever ``core.load_model`` says.
        """
        import torch

        torch.set_num_threads(1)  # more would fight with a run on the same cores: 2.8 ms become 348
        with self._lock:
            found = self._open.get((spec, device, self.precision))
            if found is None or (newest and found.moved_on()):
                found = self._open[spec, device, self.precision] = self._read(spec, device)
                while len(self._open) > MOST:
                    self._open.popitem(last=False)
            self._open.move_to_end((spec, device, self.precision))
            return found

    def forget(self, spec: str) -> None:
        """Reads the model anew the next time."""
        with self._lock:
            for key in [key for key in self._open if key[0] == spec]:
                del self._open[key]

    def _read(self, spec: str, device: str) -> Opened:
        from core.generation.opened import runner_for
        from core.generation.session import Session
        from core.weights.checkpoint import load_model

        loaded = load_model(spec, device=device)
        session = Session(loaded, runner_for(loaded, self.precision))  # as the command line decodes: the same tokens
        return Opened(spec, loaded, session, session.beside(), Stamp.of(loaded.source))
