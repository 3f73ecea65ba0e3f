"""Requests to a run and what became of them, as the status line says it: asked, done at step n, or no answer yet."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.training.requests import Request
    from core.training.status import Answer
    from screens.training.view import RunView

NO_ANSWER_AFTER = 10.0
"""Seconds after which an unanswered request gets a card."""
WORDS = {"pause": "pause", "resume": "go on", "checkpoint": "checkpoint", "stop": "stop"}


@dataclass(frozen=True, slots=True)
class Pending:
    """A request on its way."""

    request: Request
    run: Path
    since: float
    """By the monotonic clock."""

    @property
    def asked(self) -> str:
        """``pause asked 14:02:11``."""
        return f"{WORDS.get(self.request.request, self.request.request)} asked {_clock(self.request.time)}"


class Requests:
    """The requests that this app sent and that are not answered yet."""

    def __init__(self) -> None:
        self._pending: dict[str, Pending] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def sent(self, request: Request, run: Path) -> Pending:
        """Notes a request; what it returns can be said."""
        pending = Pending(request, run, time.monotonic())
        self._pending[request.id] = pending
        return pending

    def waiting(self, run: Path) -> Pending | None:
        """The newest unanswered request to a run."""
        return next((p for p in reversed(self._pending.values()) if p.run == run), None)

    def take(self, run: Path, answers: Iterable[Answer]) -> list[str]:
        """Drops what a run has answered; returns the sentences to say."""
        said = []
        for answer in answers:
            pending = self._pending.get(answer.id)
            if pending is not None and pending.run == run:
                del self._pending[answer.id]
                said.append(f"{pending.asked}, done at step {answer.step}")
        return said

    @staticmethod
    def is_late(pending: Pending) -> bool:
        """Whether a request has waited for ten seconds."""
        return time.monotonic() - pending.since > NO_ANSWER_AFTER

    def forget(self, run: Path) -> None:
        """Nobody will answer any more: the run has ended."""
        self._pending = {k: p for k, p in self._pending.items() if p.run != run}


def _clock(unix: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(unix))


def why_not(view: RunView, kind: str) -> str | None:
    """Why a run can't be asked this, in words; None if it can."""
    if view.made_by:
        return f"{view.name} is a run of {view.made_by}: it can only be watched"
    if view.read_only:
        return f"{view.name} can't be written here, so it can only be watched"
    if view.state not in ("running", "paused", "starting", "stopping", "silent"):
        return f"{view.name} is {view.state}: nobody is there to {WORDS.get(kind, kind)}"
    if kind == "pause" and view.state == "stopping":
        return f"{view.name} is stopping already"
    return None
