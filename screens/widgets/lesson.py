"""The lesson panel: a Markdown template filled with the numbers that are on the screen."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LessonView:
    """Which lesson, and the live values that its text names; a missing one prints as a dash."""

    lesson_id: str
    values: dict[str, str] = field(default_factory=dict)
    tries: tuple[tuple[str, str], ...] = ()
    """(label, action) of things to try; the action is one of the screen."""
