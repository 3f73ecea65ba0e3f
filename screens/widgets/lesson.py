"""The lesson panel: a Markdown template filled with the numbers that are on the screen, and things to try.

A template is ``assets/lessons/L5.md``; ``{name}`` in it stands for a value of the view, and a value that is missing
prints as a dash. What the numbers are is decided by the screen, so text and picture cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from core.errors import InputError
from core.folders import asset
from screens.widgets.guarded import Guarded

MISSING = "–"
TO_TRIES, DO_IT = "tab to the Try lines", "enter does it · tab on"
"""What the border says of the keys: anywhere, and on a line."""
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class LessonInfo(NamedTuple):
    """One lesson of the course."""

    id: str
    title: str
    screen: int


LESSONS = (
    LessonInfo("L1", "Text to tokens", 1),
    LessonInfo("L2", "Tokens to vectors", 2),
    LessonInfo("L3", "Attention", 3),
    LessonInfo("L4", "The block, read layer by layer", 3),
    LessonInfo("L5", "Training", 4),
    LessonInfo("L6", "Generating", 5),
    LessonInfo("L7", "Pre-trained weights", 6),
    LessonInfo("L8", "Two frameworks, one model", 6),
)


@dataclass(frozen=True, slots=True)
class LessonView:
    """Which lesson, and the live values that its text names."""

    lesson_id: str
    values: Mapping[str, str] = field(default_factory=dict)
    tries: Sequence[tuple[str, str]] = ()
    """(label, action) of things to try; the action is one of the screen."""


def fill(template: str, values: Mapping[str, str]) -> str:
    """Puts the values in.

    >>> fill("Loss {loss}, best {best}. \\\\(e^{x}\\\\)", {"loss": "1.52", "x": ""})
    'Loss 1.52, best –. \\\\(e^–\\\\)'
    """
    return _PLACE.sub(lambda m: values.get(m[1]) or MISSING, template)


def template_of(lesson_id: str) -> str:
    """The text of a lesson; of one that is not written yet, what the screen says of itself (``what``, ``now``)."""
    try:
        return asset("lessons", f"{lesson_id}.md").read_text(encoding="utf-8")
    except (InputError, OSError):
        title = next((info.title for info in LESSONS if info.id == lesson_id), lesson_id)
        return (
            f"## {lesson_id} {title}\n\nThis lesson comes with its screen.\n\n**What that shows.** {{what}}\n\n{{now}}"
        )


def places_of(template: str) -> set[str]:
    """The names of the values that a template asks for.

    >>> sorted(places_of("Loss {loss}, best {best}, again {loss}."))
    ['best', 'loss']
    """
    return set(_PLACE.findall(template))


def neighbour(lesson_id: str, by: int) -> LessonInfo | None:
    """The lesson before or after.

    >>> neighbour("L4", 1).id, neighbour("L8", 1)
    ('L5', None)
    """
    ids = [info.id for info in LESSONS]
    place = ids.index(lesson_id) + by if lesson_id in ids else -1
    return LESSONS[place] if 0 <= place < len(LESSONS) else None


class TryLine(Guarded, Static, can_focus=True):
    """Something to try: ``enter`` or a click does it."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    TryLine { height: auto; width: 1fr; color: $text-primary; }
    TryLine:focus, TryLine:hover { text-style: reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "try", show=False, id="lesson.try", tooltip="try this"),
        Binding("down,j", "move(1)", show=False, id="lesson.down", tooltip="the next line"),
        Binding("up,k", "move(-1)", show=False, id="lesson.up", tooltip="the line before"),
    ]

    def __init__(self, label: str, action: str, *, lesson_id: str = "") -> None:
        super().__init__(label, markup=False)
        self.action = action
        self.lesson_id = lesson_id

    def on_click(self) -> None:
        """Does it."""
        self.action_try()

    def action_try(self) -> None:
        """Does it."""
        message = Lesson.Next(self.lesson_id) if self.lesson_id else Lesson.Try(self.action)
        self.post_message(message)

    def action_move(self, by: int) -> None:
        """To the line below or above."""
        self.query_ancestor(Lesson).step(by)


class Lesson(Guarded, Vertical):
    """The panel: text, things to try, the lessons before and after."""

    DEFAULT_CSS = """
    Lesson { background: $surface; border: round $secondary; border-title-color: $text; padding: 0 1; }
    Lesson > VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    Lesson Markdown { margin: 0; padding: 0; background: transparent; }
    Lesson #tries { height: auto; }
    Lesson MarkdownH1, Lesson MarkdownH2, Lesson MarkdownH3 { margin: 0 0 1 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown", "page_down", show=False, id="lesson.page-down", tooltip="on, at the end the next lesson"),
        Binding("enter", "enter_tries", show=False, id="lesson.tries", tooltip="to the first thing to try"),
    ]

    class Try(Message):
        """Something to try was chosen."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    class Next(Message):
        """Another lesson is wanted."""

        def __init__(self, lesson_id: str) -> None:
            super().__init__()
            self.lesson_id = lesson_id

    def __init__(self, view: LessonView, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view = view
        self._shown = ""

    @property
    def view(self) -> LessonView:
        """What is shown."""
        return self._view

    def compose(self) -> ComposeResult:
        """Text and tries."""
        from screens.widgets.lesson_text import LessonText

        with VerticalScroll(can_focus=True):
            yield LessonText(id="text", open_links=False)
        yield Vertical(id="tries")

    async def on_mount(self) -> None:
        """Fills it."""
        self.border_subtitle = TO_TRIES
        await self.show(self._view, tries_too=True)
        self.query_one(VerticalScroll).focus()

    # --- the focus within

    def stops(self) -> list[Widget]:
        """What the focus goes through: the text, then each line."""
        return [*self.query(VerticalScroll), *self.query(TryLine)]

    def step(self, by: int) -> bool:
        """To the next line, or the one before; whether there is one."""
        stops, focused = self.stops(), self.screen.focused
        place = stops.index(focused) + by if focused in stops else 0
        if not 0 <= place < len(stops):
            return False
        self.screen.set_focus(stops[place])
        return True

    def enter(self, by: int) -> None:
        """Takes the focus: from before at the text, from behind at the last line."""
        if stops := self.stops():  # none before the first picture
            self.screen.set_focus(stops[0 if by > 0 else -1])

    def action_enter_tries(self) -> None:
        """To the first thing to try."""
        for line in self.query(TryLine):
            self.screen.set_focus(line)
            return

    @on(events.DescendantFocus)
    def _told_how(self, event: events.DescendantFocus) -> None:
        self.border_subtitle = DO_IT if isinstance(event.widget, TryLine) else TO_TRIES

    @on(events.DescendantBlur)
    def _left(self) -> None:
        self.border_subtitle = TO_TRIES

    # --- what is shown

    async def show(self, view: LessonView, *, tries_too: bool = False) -> None:
        """Shows a lesson, or newer values of the same one; what has not changed is not drawn again."""
        from textual.widgets import Markdown

        another = view.lesson_id != self._view.lesson_id
        tries_too = tries_too or another or tuple(view.tries) != tuple(self._view.tries)
        self._view = view
        text = fill(template_of(view.lesson_id), view.values)
        if text != self._shown:
            self._shown = text
            self.border_title = f"{view.lesson_id} lesson · ? closes"
            await self.query_one(Markdown).update(text)
        if another:
            self.query_one(VerticalScroll).scroll_home(animate=False)
        if tries_too:
            box = self.query_one("#tries", Vertical)
            had = box.has_focus_within
            await box.remove_children()
            await box.mount(*self._lines(view))
            if had:  # the line that led here is gone
                self.enter(1)

    def _lines(self, view: LessonView) -> list[TryLine]:
        lines = [TryLine(f"Try: {label}", action) for label, action in view.tries]
        lines.append(TryLine("the tour of all screens", "app.tour"))
        for word, by in (("before", -1), ("next", 1)):
            if info := neighbour(view.lesson_id, by):
                lines.append(TryLine(f"{word}: {info.id} {info.title} ({info.screen})", "", lesson_id=info.id))
        return lines

    def action_page_down(self) -> None:
        """A page on; at the end the focus goes to the next lesson's line."""
        text = self.query_one(VerticalScroll)
        if text.scroll_offset.y < text.max_scroll_y:
            text.scroll_page_down(animate=False)
            return
        lines = list(self.query(TryLine))
        if lines:
            lines[-1].focus()

    @on(events.Key)
    def _keys(self, event: events.Key) -> None:
        if event.key == "pagedown":  # the scroll view would take it, also where it has nothing left to scroll
            event.stop()
            self.action_page_down()
