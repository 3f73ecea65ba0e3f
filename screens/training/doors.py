"""When the shown run needs a person: silent, dead, diverged, failed, or a request that nobody answers. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import LabError

if TYPE_CHECKING:
    from screens.training.control import Requests
    from screens.training.reader import Detail, Reading

Door = tuple[str, str, str]
"""Key, label, action of the screen."""


@dataclass(frozen=True)
class Alert:
    """A card about a run: what happened, what to do, and the keys that do it."""

    title: str
    hint: str
    doors: tuple[Door, ...] = ()
    run: str = field(default="")

    @property
    def error(self) -> LabError:
        """As the error card takes it."""
        return LabError(self.title, self.hint)


def alert_for(reading: Reading, requests: Requests) -> Alert | None:
    """The card that the shown run needs now, if any."""
    if reading.problem is not None:
        return Alert(reading.problem.title, reading.problem.hint)
    detail = reading.detail
    if detail is None:
        return None
    view = detail.view
    if view.state == "silent":
        where = f"on {view.host}" if view.host else "on an unknown machine"
        return Alert(
            f"{view.name} is silent: no heartbeat, it should come every 2 s {where}",
            "its machine may be asleep or cut off; waiting costs nothing",
            (("u", "resume from the last checkpoint", "resume_dead"), ("v", "log", "view")),
            view.path,
        )
    if view.state == "dead":
        last = last_checkpoint(detail)
        kept = "it has no checkpoint to resume from" if last is None else f"its last checkpoint is that of step {last}"
        doors: tuple[Door, ...] = (("v", "log", "view"),)
        if last is not None:
            doors = (("u", f"resume from step {last}", "resume_dead"), *doors)
        return Alert(f"{view.name} is dead: its process is gone from this machine", kept, doors, view.path)
    if view.state in ("diverged", "failed"):
        return _ended_badly(detail)
    late = requests.waiting(Path(view.path))
    if late is not None and requests.is_late(late):
        return Alert(
            f"{late.asked}, no answer within 10 s",
            "the trainer answers between two steps; it may be in a long one",
            (("u", "ask again", "repeat_request"), ("v", "log", "view")),
            view.path,
        )
    return None


def last_checkpoint(detail: Detail) -> int | None:
    """The step that a resume begins from; a snapshot has no optimizer, so none can begin there."""
    return max((s.step for s in detail.saved if s.full), default=None)


def _ended_badly(detail: Detail) -> Alert:
    view = detail.view
    first, _, rest = view.message.partition("\n")
    title = detail.end_title or first or f"{view.name} {view.state} at step {view.step}"
    hint = detail.end_hint or rest or "the log says more"
    doors: tuple[Door, ...] = (("v", "log", "view"),)
    last = last_checkpoint(detail)
    if last is not None:
        doors = (("u", f"resume from step {last}", "resume_dead"), *doors)
    if view.state == "diverged":
        doors = (("d", "new run at a third of the rate", "lower_rate"), *doors)
    return Alert(f"{view.name}: {title}", hint, doors, view.path)
