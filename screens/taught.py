"""A screen with a lesson beside or over its body; the lesson follows the numbers once a second while it is seen."""

from __future__ import annotations

from abc import abstractmethod

from textual import events, on
from textual.timer import Timer
from textual.widget import Widget

from screens.focus_frames import FocusFrames
from screens.widgets.error_card import ErrorCard
from screens.widgets.lesson import Lesson, LessonView

WITH_A_LESSON = ("lesson", "back_out", "tab")
"""What a screen does while a lesson covers it: all else would happen where nobody sees it."""


class TaughtScreen(FocusFrames):
    """The part of every screen that is about its lesson; abstract."""

    lesson_wanted = ""
    """The lesson that was asked for by name, of those that this screen has."""
    _lesson_timer: Timer | None = None
    _own_lesson = ""
    """The lesson that what was shown had of its own, when the panel was filled last."""
    _way: tuple[int, tuple[Widget, ...]] = (0, ())
    """Which way ``tab`` goes since it left the lesson, and the panes that it came through."""

    def lesson(self) -> LessonView | None:
        """The lesson for what is shown, with its live values."""
        return None

    @abstractmethod
    def say(self, text: str, *, rows: int = 1) -> None:
        """The sentence of the status line."""

    @abstractmethod
    def lesson_moved(self) -> None:
        """The panel came or went: the body has other room now."""

    @property
    def lesson_panel(self) -> Lesson | None:
        """The lesson that is open; looked for where it is put alone, since this is asked for each key."""
        middle = self.query_one_optional("#middle")
        return next((child for child in middle.children if isinstance(child, Lesson)), None) if middle else None

    @property
    def lesson_covers(self) -> bool:
        """Whether a lesson lies over the body, which is not seen then."""
        return self.has_class("-lesson-over") and self.lesson_panel is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Behind a lesson that covers the body no letter does anything; those that lead elsewhere are the app's."""
        if self.lesson_covers and not isinstance(self.focused, ErrorCard):
            return action in WITH_A_LESSON
        return super().check_action(action, parameters)

    # --- the lesson is one more stop of tab

    def action_next_pane(self, by: int) -> None:
        """The next pane gets the focus, or the one before."""
        self.focus_next() if by > 0 else self.focus_previous()

    def action_tab(self, by: int) -> None:
        """The next pane, or the one before; after the last one the lines of the lesson that is open."""
        panel, focused = self.lesson_panel, self.focused
        if panel is None:
            self.action_next_pane(by)
        elif panel.has_focus_within:
            if not panel.step(by):
                self._leave_lesson(panel, by)
        elif self.lesson_covers:
            panel.enter(by)
        else:
            way, seen = self._way
            self._way = by, seen if way == by else (focused,) if focused is not None else ()
            self.action_next_pane(by)
            self.call_after_refresh(self.app.call_later, self._pane_reached, by)  # some panes get the focus later

    def _leave_lesson(self, panel: Lesson, by: int) -> None:
        """On to the pane where the way through the panes began; over the body there is none to go to."""
        _, seen = self._way
        back = seen[-1] if seen else None
        self._way = 0, ()
        if self.lesson_covers:
            panel.enter(by)
        elif back is not None and back.is_attached and back.focusable:
            self.set_focus(back)
        else:
            self.action_next_pane(by)

    def _pane_reached(self, by: int) -> None:
        """A pane that was seen on this way ends it: the lesson's turn."""
        panel, focused, (way, seen) = self.lesson_panel, self.focused, self._way
        if panel is None or focused is None or way != by or panel.has_focus_within:
            return
        if focused in seen:
            self._way = by, (focused,)
            panel.enter(by)
        else:
            self._way = by, (*seen, focused)

    @on(events.DescendantFocus)
    def _focus_behind(self, event: events.DescendantFocus) -> None:
        """What lies behind a lesson gets no keys; a card is something that must be answered."""
        self.keep_in_lesson()

    def keep_in_lesson(self) -> None:
        """Gives the focus to a lesson over the body if something behind has it."""
        panel = self.lesson_panel
        if panel is None or not self.lesson_covers or panel.has_focus_within:
            return
        if not isinstance(self.focused, ErrorCard):
            panel.enter(1)

    # --- opening and closing

    async def action_lesson(self) -> None:
        """Opens or closes the lesson."""
        if self.query(Lesson):
            await self.close_lesson()
        elif (view := self.lesson()) is None:
            self.say("there is no lesson for this screen yet")
        else:
            self._way = 0, () if self.focused is None else (self.focused,)
            self.minimize()  # a pane that is shown alone leaves the lesson no place
            await self.query_one("#middle").mount(Lesson(view, id="lesson"))
            if self._lesson_timer is None:
                self._lesson_timer = self.set_interval(1.0, self._refresh_lesson)
            self.wake_lesson()
            self.lesson_moved()

    async def open_lesson(self, lesson_id: str) -> None:
        """Opens one of this screen's lessons, in place of one that is open."""
        self.lesson_wanted = ""
        self._own_lesson = own.lesson_id if (own := self.lesson()) is not None else ""
        self.lesson_wanted = lesson_id
        panel, view = next(iter(self.query(Lesson)), None), self.lesson()
        if panel is None:
            await self.action_lesson()
        elif view is not None:
            await panel.show(view)

    async def close_lesson(self) -> None:
        """Takes the panel away; the focus returns to where it was."""
        self.rest_lesson()
        self.lesson_wanted = ""
        panel, (_, seen) = self.lesson_panel, self._way
        had = panel is not None and panel.has_focus_within
        await self.query(Lesson).remove()
        self.lesson_moved()
        if had and seen and seen[-1].is_attached and seen[-1].focusable:
            self.set_focus(seen[-1])

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
            view = self._lesson_due()
            if view is not None and self.is_current:
                await panel.show(view)

    def _lesson_due(self) -> LessonView | None:
        """The lesson of what is shown; one that was asked for by name stays until that is something else."""
        wanted, self.lesson_wanted = self.lesson_wanted, ""
        own, before = self.lesson(), self._own_lesson
        self._own_lesson = own.lesson_id if own is not None else ""
        if not wanted or self._own_lesson != before:
            return own
        self.lesson_wanted = wanted
        return self.lesson()

    @on(Lesson.Try)
    async def _try(self, event: Lesson.Try) -> None:
        event.stop()
        if self.lesson_covers:
            await self.close_lesson()  # what happens would happen behind it
        await self.run_action(event.action)
