"""The live numbers of lessons L3 and L4; both from what the panes show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.widgets.lesson import LessonView

if TYPE_CHECKING:
    from screens.attention.offers import AttentionOffers


def lesson_of(screen: AttentionOffers) -> LessonView:
    """L4 over the Lens and the Maths of a block, else L3."""
    lesson = screen.lesson_wanted or ("L4" if screen.body.view == "lens" else "L3")
    return LessonView(lesson, {"title": "Attention", "what": "", "now": ""})
