"""A screen with a lesson beside or over its body; the lesson follows the numbers once a second while it is seen."""

from __future__ import annotations

from textual import on
from textual.screen import Screen
from textual.timer import Timer

from screens.widgets.lesson import Lesson, LessonView


class TaughtScreen(Screen[None]):
    """The part of every screen that is about its lesson; abstract."""

    lesson_wanted = ""
    """The lesson that was asked for by name, of those that this screen has."""
    _lesson_timer: Timer | None = None

    def lesson(self) -> LessonView | None:
        """The lesson for what is shown, with its live values."""
        return None

    def say(self, text: str, *, rows: int = 1) -> None:
        """The sentence of the status line."""
        raise NotImplementedError

    def lesson_moved(self) -> None:
        """The panel came or went: the body has other room now."""
        raise NotImplementedError

    async def action_lesson(self) -> None:
        """Opens or closes the lesson."""
        if self.query(Lesson):
            await self.close_lesson()
        elif (view := self.lesson()) is None:
            self.say("there is no lesson for this screen yet")
        else:
            self.minimize()  # a pane that is shown alone leaves the lesson no place
            await self.query_one("#middle").mount(Lesson(view, id="lesson"))
            if self._lesson_timer is None:
                self._lesson_timer = self.set_interval(1.0, self._refresh_lesson)
            self.wake_lesson()
            self.lesson_moved()

    async def open_lesson(self, lesson_id: str) -> None:
        """Opens one of this screen's lessons, in place of one that is open."""
        self.lesson_wanted = lesson_id
        panel, view = next(iter(self.query(Lesson)), None), self.lesson()
        if panel is None:
            await self.action_lesson()
        elif view is not None:
            await panel.show(view)

    async def close_lesson(self) -> None:
        """Takes the panel away."""
        self.rest_lesson()
        await self.query(Lesson).remove()
        self.lesson_moved()

    def rest_lesson(self) -> None:
        """Lets the numbers stand as they are: nobody looks."""
        if self._lesson_timer is not None:
            self._lesson_timer.pause()

    def wake_lesson(self) -> None:
        """Follows the numbers again, if the panel is open."""
        if self._lesson_timer is not None and self.query(Lesson):
            self._lesson_timer.resume()

    async def _refresh_lesson(self) -> None:
        for panel in self.query(Lesson):
            view = self.lesson()
            if view is not None and self.is_current and panel.view.lesson_id == view.lesson_id:
                await panel.show(view)

    @on(Lesson.Try)
    async def _try(self, event: Lesson.Try) -> None:
        event.stop()
        await self.run_action(event.action)
