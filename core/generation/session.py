"""A model that remembers what it has read: asked for the next token after some ids, it reads only what is new.

That is what makes branching, taking back and continuing cheap: whatever the ids share with those read last stays in the
cache. Past the context length the window slides: the last half of the context is read again, and decoding goes on from
there (positions are absolute, so keys and values cannot be moved).

Leaves out: choosing tokens.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.errors import CheckpointError
from core.generation.memory import telling_out_of_memory
from core.generation.pace import make_runner
from core.generation.runner import Runner

if TYPE_CHECKING:
    from core.weights.checkpoint import LoadedModel

CHUNK = 256
"""Tokens read between two looks at whether it was cancelled."""


class Session:
    """One model with its cache. Calls from several threads wait for each other."""

    def __init__(self, loaded: LoadedModel, runner: Runner | None = None) -> None:
        """Takes the model.

        Args:
            loaded: what ``core.load_model`` returned.
            runner: what runs it; left out, the one that is fast here (``pace.make_runner``).
        """
        self.loaded = loaded
        with telling_out_of_memory():
            self.runner: Runner = runner or make_runner(loaded.model)
        self._file = WeightsFile(loaded.source, mapped=bool(loaded.maps))
        self._held: list[list[int]] = []  # what each row of the cache has read
        self._lock = threading.Lock()

    def logits(
        self, rows: Sequence[Sequence[int]], prompt_length: int, cancelled: threading.Event | None = None
    ) -> Tensor | None:
        """The logits (B, V) of the token after each row of ids, float32; None if it was cancelled.

        Args:
            rows: B continuations of one length, at least one token each.
            prompt_length: how many of their first ids are the prompt, which decides where the window starts.
            cancelled: looked at between stretches of a long prompt.
        """
        start = window_start(len(rows[0]), prompt_length, self.runner.config.context_length)
        windows = [list(row[start:]) for row in rows]
        same = all(window == windows[0] for window in windows)
        self._file.check()
        with self._lock, telling_out_of_memory():
            found = self._read(windows[:1] if same else windows, cancelled)
        return found if found is None or not same else found.expand(len(rows), -1)

    def beside(self) -> Session:
        """A second session of the same weights, with a cache of its own."""
        return Session(self.loaded, self.runner.fresh())

    def notice(self) -> str:
        """What became of the file of the weights, if anything, said once."""
        return self._file.notice()

    def forget(self) -> None:
        """Begins anew, as when somebody else has used the runner."""
        with self._lock:
            self._held = []

    def _read(self, windows: list[list[int]], cancelled: threading.Event | None) -> Tensor | None:
        kept = self._keep(windows)
        fresh = torch.tensor([window[kept:] for window in windows], dtype=torch.int64)  # (B, T)
        logits = None
        for at in range(0, fresh.shape[1], CHUNK):
            chunk = fresh[:, at : at + CHUNK]
            if cancelled is not None and cancelled.is_set() and kept + chunk.shape[1] < len(windows[0]):
                return None
            logits = self.runner.step(chunk[:, 0]) if chunk.shape[1] == 1 and kept else self.runner.prefill(chunk)
            kept += chunk.shape[1]
            self._held = [window[:kept] for window in windows]
        return logits

    def _keep(self, windows: list[list[int]]) -> int:
        """Makes the cache hold what all windows share with it, and says how many tokens that is."""
        shared = [max(((common_prefix(h, w), -i) for i, h in enumerate(self._held)), default=(0, 0)) for w in windows]
        kept = min(min(n for n, _ in shared), len(windows[0]) - 1)  # the last token is read again for its logits
        held, self._held = self._held, []  # whatever fails from here on, nothing is trusted
        if held and kept:
            rows = [-i for _, i in shared]
            if rows != list(range(len(held))):
                self.runner.select(rows)
        else:
            kept = 0
        if self.runner.length:
            self.runner.truncate(kept)
        return kept


class WeightsFile:
    """The file that a model came from, watched: its weights may be a view of it.

    A file that is replaced or deleted does no harm, since what is mapped stays as it was. One that is written over in
    place changes mapped weights, and one that is cut short would end the process at the next touch: that is an error
    here, asked for before each token. Where nothing is mapped, neither matters.
    """

    def __init__(self, path: Path, *, mapped: bool = True) -> None:
        self._path, self._mapped, self._said = path, mapped, False
        self._before = self._look()

    def check(self) -> None:
        """Refuses to go on with weights that were written over.

        Raises:
            CheckpointError: the same file has another size or time.
        """
        now = self._look() if self._mapped else None
        if now and self._before and now[0] == self._before[0] and now != self._before:
            raise CheckpointError(
                f"{self._path.name} was written over while the model was in use: {self._before[1]:,} bytes when it was "
                f"opened, {now[1]:,} now",
                "open the model again; whole files should be renamed into place",
            )

    def notice(self) -> str:
        """A sentence if the file is gone or is another one; once."""
        now = self._look()
        if self._said or now == self._before or not self._before:
            return ""
        self._said = True
        how = "is gone" if not now else "was written over" if now[0] == self._before[0] else "was replaced"
        return f"the file {self._path.name} {how}; the model goes on with the weights that it was opened with"

    def _look(self) -> tuple[tuple[int, int], int, int] | None:
        """Which file it is, its size, and when it was written."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - asked before each token, and this is four times as fast
        except OSError:
            return None
        return (found.st_dev, found.st_ino), found.st_size, found.st_mtime_ns


def window_start(length: int, prompt_length: int, context: int) -> int:
    """The first of ``length`` ids that the model sees: a rule of lengths alone: a branch sees what a run saw.

    A prompt that is too long loses its beginning. A full context is cut to its last half, as in ``decode.py``.

    >>> [window_start(n, 2, 8) for n in (2, 8, 9, 13, 14)]
    [0, 0, 5, 5, 10]
    >>> window_start(20, 20, 8)
    12
    """
    first = max(0, prompt_length - context)
    over = length - first - context
    stride = context + 1 - max(1, context // 2)
    return first + stride * max(0, -(-over // stride))


def slid_notice(length: int, prompt_length: int, context: int) -> str:
    """What to say where the window starts later than it did a token before; nothing where it does not.

    >>> slid_notice(8, 2, 8), slid_notice(9, 2, 8)
    ('', 'the context is full: the model now sees from token 5 on')
    """
    start = window_start(length, prompt_length, context)
    if start == window_start(length - 1, prompt_length, context):
        return ""
    return f"the context is full: the model now sees from token {start:,} on"


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """How many ids two lists have in common at their beginning.

    >>> common_prefix([1, 2, 3], [1, 2, 4, 5])
    2
    """
    n = min(len(a), len(b))
    if a[:n] == b[:n]:
        return n
    return next(i for i in range(n) if a[i] != b[i])
