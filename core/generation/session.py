"""A model that remembers what it has read: asked for the next token after some ids, it reads only what is new.

That is what makes branching, taking back and continuing cheap: whatever the ids share with those read last stays in the
cache. Past the context length the window slides: the last half of the context is read again, and decoding goes on from
there (positions are absolute, so keys and values cannot be moved).

Leaves out: choosing tokens.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.generation.runner import PlainRunner, Runner

if TYPE_CHECKING:
    from core.weights.checkpoint import LoadedModel

CHUNK = 256
"""Tokens read between two looks at whether it was cancelled."""


class Session:
    """One model with its cache. Calls from several threads wait for each other."""

    def __init__(self, loaded: LoadedModel, runner: Runner | None = None) -> None:
        self.loaded = loaded
        self.runner: Runner = runner or PlainRunner(loaded.model)
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
        with self._lock:
            found = self._read(windows[:1] if same else windows, cancelled)
        return found if found is None or not same else found.expand(len(rows), -1)

    def forget(self) -> None:
        """Begins anew, as when somebody else has used the runner."""
        with self._lock:
            self._held = []

    def _read(self, windows: list[list[int]], cancelled: threading.Event | None) -> Tensor | None:
        kept = self._keep(windows)
        fresh = torch.tensor([window[kept:] for window in windows], dtype=torch.int64)  # (B, T)
        logits = None
        for chunk in fresh.split(CHUNK, dim=1):
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


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """How many ids two lists have in common at their beginning.

    >>> common_prefix([1, 2, 3], [1, 2, 4, 5])
    2
    """
    n = min(len(a), len(b))
    if a[:n] == b[:n]:
        return n
    return next(i for i in range(n) if a[i] != b[i])
