"""What all screens are made of: bar, a body of their own, status line, keys; and what they answer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from core.workbench import Bench, Workbench
from screens.catalogue import TITLES
from screens.guard import guarded
from screens.painter import Painter
from screens.problems import ProblemScreen
from screens.sizes import ALL_SIZES, LESSON, LESSON_WIDE, NORMAL, TINY, TOO_SMALL, WIDE, size_classes, too_small
from screens.widgets.error_card import Door, Problem
from screens.widgets.hints import press_hint
from screens.widgets.jobs import JobStore
from screens.widgets.lab_bar import LabBar
from screens.widgets.lab_footer import LabFooter
from screens.widgets.lesson import Lesson, LessonView
from screens.widgets.ramps import Look
from screens.widgets.status_line import StatusLine
from screens.widgets.take_away import TakeAway, TakeAwayRequest

__all__ = [
    "Command",
    "Door",
    "LabScreen",
    "LessonView",
    "Problem",
    "TakeAwayRequest",
    "guarded",
    "size_classes",
]

NOTHING_YET = "there is nothing to take away here yet"
Command = tuple[str, str, Callable[[], object]]
"""What a screen adds to the palette: title, help, what it does."""


class LabScreen(ProblemScreen):
    """A screen of the lab. A subclass gives ``LAB_NAME``, ``compose_body`` and what else it has."""

    LAB_NAME: ClassVar[str] = ""
    ALLOW_IN_MAXIMIZED_VIEW = "LabBar, #bottom"
    ESCAPE_TO_MINIMIZE = False
    AUTO_FOCUS = ""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "lesson", "Lesson", id="lab.lesson", tooltip="what this screen shows, in words"),
        Binding(
            "y", "take_away", "Take away", id="lab.take-away", tooltip="this view as Python, command, data, picture"
        ),
        Binding(
            "Y", "copy_python", "Copy Python", show=False, id="lab.copy-python", tooltip="copy this view as Python"
        ),
        Binding("z", "zoom", "Zoom", show=False, id="lab.zoom", tooltip="the focused pane alone, and back"),
        Binding("escape", "back_out", "Back", show=False, id="lab.escape", tooltip="one thing back"),
    ]

    class SizeChanged(Message):
        """The screen's size class is another one now."""

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(name=name or self.LAB_NAME or None)
        self._compositor = Painter()
        self.workbench = workbench
        self.lab_index = 0
        """Its number, which the app gives it."""
        self.lab_size: tuple[str, ...] = ("-normal",)
        """The size classes that hold now, see ``size_classes``; they are CSS classes of the screen too."""
        self._sized = self._visited = False
        self._bench_seen = workbench.generation
        self._unsubscribe: Callable[[], None] | None = None
        self._updating = False
        self._unseen: tuple[Widget, ...] = ()
        """What had the focus when the terminal became too small to show it, and what that lies in."""

    def compose(self) -> ComposeResult:
        """Bar, body, bottom."""
        self._fit(self.app.size.width, self.app.size.height)  # before there is anything whose styles it changes
        yield LabBar(TITLES, self.lab_index, getattr(self.app, "chip", ""))
        with Horizontal(id="middle"), Vertical(id="body"):
            yield from self.compose_body()
        with Vertical(id="bottom"):
            yield StatusLine(id="status")
            yield LabFooter()
        yield Static(id="too-small", markup=False)

    # What a screen may override

    def compose_body(self) -> ComposeResult:
        """The panes."""
        yield from ()

    def take_away(self) -> TakeAwayRequest | None:
        """What the focused view can leave as; None: nothing yet."""
        return None

    def commands(self) -> Iterable[Command]:
        """What the palette offers here besides what it offers everywhere."""
        return ()

    def footer_keys(self) -> Sequence[str]:
        """The ids of this screen's own keys that the last line shows now, in their order; none: as they are bound."""
        return ()

    async def filled(self) -> None:
        """Comes back once there is something in the panes; until then, or for a moment, the frame alone is shown."""

    def _compositor_refresh(self) -> None:
        # The toolkit draws also what it then keeps to itself, while updates are put off.
        if not self.app._batch_count:
            super()._compositor_refresh()

    def pause_updates(self) -> None:
        """The screen is hidden: stop timers and tails."""

    def resume_updates(self) -> None:
        """The screen is shown again: catch up."""

    def bench_changed(self, bench: Bench) -> None:
        """The workbench is another one; comes at once if the screen is shown, else when it is shown next."""

    def look_changed(self, look: Look) -> None:
        """How to draw is another one now: colours, ASCII; a hidden screen asks for ``look`` when it is shown again."""

    def stop_streaming(self) -> bool:
        """Stops what streams (``esc``); whether something did."""
        return False

    def release(self) -> bool:
        """Lets go of one pinned thing (``esc``); whether there was one."""
        return False

    # What a screen may call

    @property
    def jobs(self) -> JobStore:
        """Where work in the background is registered."""
        found = getattr(self.app, "jobs", None)
        assert isinstance(found, JobStore), "a LabScreen lives in a LabApp"
        return found

    @property
    def look(self) -> Look:
        """What this terminal can show."""
        found = getattr(self.app, "look", None)
        return found if isinstance(found, Look) else Look()

    @property
    def typing(self) -> bool:
        """Whether a text field has the focus."""
        # By name, since importing TextArea takes longer than painting the frame.
        kinds = {cls.__name__ for cls in type(self.focused).__mro__}
        return isinstance(self.focused, Input) or "TextArea" in kinds

    def say(self, text: str, *, rows: int = 1) -> None:
        """The sentence of the status line; one that must be read whole may take some rows until the next."""
        for line in self.query(StatusLine):
            before = line.rows
            line.say(text, rows=rows)
            if line.rows != before:
                self.query_one("#bottom").styles.height = line.rows + 1

    def count(self, text: str) -> None:
        """The counters of the status line."""
        for line in self.query(StatusLine):
            line.count(text)

    # What happens to a screen

    def _on_mount(self, event: events.Mount) -> None:
        super()._on_mount(event)
        self._unsubscribe = self.workbench.subscribe(self._bench_was_set)

    def _on_unmount(self) -> None:
        super()._on_unmount()
        if self._unsubscribe is not None:
            self._unsubscribe()

    def _bench_was_set(self, old: Bench, new: Bench) -> None:
        if self.app.screen_stack and self in self.app.screen_stack:
            self._catch_up()

    def _catch_up(self) -> None:
        if self._bench_seen != self.workbench.generation:
            self._bench_seen = self.workbench.generation
            self.bench_changed(self.workbench.bench)

    @on(events.ScreenSuspend)
    def _hidden(self) -> None:
        if self._updating:
            self._updating = False
            self.rest_lesson()
            self.pause_updates()

    @on(events.ScreenResume)
    def _shown(self, event: events.ScreenResume) -> None:
        if self._updating or not self._visited:
            event.refresh_styles = False  # they were worked out a moment ago
        self._visited = True
        self._catch_up()
        if not self._updating:  # the toolkit says it twice at the first visit
            self._updating = True
            self.wake_lesson()
            self.resume_updates()

    def lesson_moved(self) -> None:
        """The panel came or went: the body has other room now."""
        self._measure(self.size.width, self.size.height)

    @on(events.Resize)
    def _resized(self, event: events.Resize) -> None:
        held = self._unseen or self._focus_and_around()
        if self._measure(event.size.width, event.size.height):
            self.call_after_refresh(self._once_hidden, held)
        self._unseen = held if self.unseen else ()

    @property
    def unseen(self) -> bool:
        """Whether the terminal is too small for anything but a line that says so."""
        return self.lab_size == (TOO_SMALL,)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing acts on what is not seen; keys that lead elsewhere are the app's."""
        return False if self.unseen else super().check_action(action, parameters)

    def _measure(self, width: int, height: int) -> bool:
        changed = self._fit(width, height)
        self.keep_in_lesson()
        self.refresh_bindings()  # behind a lesson that covers the body other keys work than beside it
        if self.unseen:
            request = self.take_away()
            command = request.command if request else "llm-lab --help"
            self.query_one("#too-small", Static).update(f"{too_small(width, height)}\n{command}")
        if changed or not self._sized:
            self._sized = True
            self.post_message(self.SizeChanged())
        return changed

    def _fit(self, width: int, height: int) -> bool:
        """Sets the classes of a size; says whether the size class is another one."""
        side = width >= NORMAL
        panel = (LESSON_WIDE if width >= WIDE else LESSON) if side and self.query(Lesson) else 0
        found = size_classes(width, height)
        if found != (TOO_SMALL,):
            found = size_classes(max(TINY, width - panel), height)
        changed = found != self.lab_size
        self.lab_size = found
        # All classes at once: each change matches the style sheet anew for the whole screen.
        classes = {"-lesson-side": side, "-lesson-over": not side, **{name: name in found for name in ALL_SIZES}}
        self.update_classes(classes, animate=False)
        return changed

    def _focus_and_around(self) -> tuple[Widget, ...]:
        around = self.focused.ancestors_with_self if self.focused is not None else ()
        return tuple(node for node in around if isinstance(node, Widget) and node is not self)

    def _once_hidden(self, held: tuple[Widget, ...]) -> None:
        """A widget that a layout hid for a moment hears of it in its own queue, and loses the focus then."""
        if not (held and held[0].call_later(self._give_back_focus, held)):
            self._give_back_focus(held)

    def _give_back_focus(self, held: tuple[Widget, ...]) -> None:
        """To what a resize hid for a moment, or what it lay in where a field was closed meanwhile.

        Where it stays hidden, no text field may have what is typed next.
        """
        if self.unseen:
            self.set_focus(None)
        elif held and self.focused is not held[0]:
            again = next((widget for widget in held if widget.focusable and self._is_shown(widget)), None)
            if again is held[0] or self.focused is None:
                self.set_focus(again, scroll_visible=False)
            elif self.typing:
                self.set_focus(None)

    def _is_shown(self, widget: Widget) -> bool:
        return widget.is_attached and all(
            node.display for node in widget.ancestors_with_self if isinstance(node, Widget)
        )

    @on(events.DescendantFocus)
    def _focus_left_zoom(self, event: events.DescendantFocus) -> None:
        """Nothing that is not seen has the focus: where it goes to another pane, all are shown again."""
        if self.maximized is not None and self.maximized not in event.widget.ancestors_with_self:
            self.minimize()

    @on(events.Click)
    async def _edge_clicked(self, event: events.Click) -> None:
        await press_hint(self, event)

    # Actions

    def action_take_away(self) -> None:
        """Opens the dialog that takes this view away."""
        request = self.take_away()
        if request is None:
            self.say(NOTHING_YET)
        else:
            if any(line.sentence == NOTHING_YET for line in self.query(StatusLine)):
                self.say("")  # by now there is
            from screens.widgets.picture import svg_of

            self.app.push_screen(TakeAway(self.LAB_NAME or "lab", request, svg_of(self, request.pane)))

    def action_copy_python(self) -> None:
        """Copies the view as Python."""
        request = self.take_away()
        if request is None or not request.python:
            self.say("there is no Python for this view yet")
        else:
            self.app.copy_to_clipboard(request.python)
            self.say("the Python was sent to the terminal's clipboard")

    def action_zoom(self) -> None:
        """Shows the focused pane alone, or all again."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is None:
            self.say("tab to a pane first: z shows it alone")
        else:
            widgets = [w for w in self.focused.ancestors_with_self if isinstance(w, Widget)]
            panes = [w for w in widgets if w.has_class("pane") or w.border_title]
            self.maximized = panes[0] if panes else self.focused

    async def action_back_out(self) -> None:
        """One step back: streaming, text field, pin, zoom, lesson over the body, cards; one a press."""
        if self.stop_streaming():
            return
        if self.typing:
            self.set_focus(None)
        elif self.lesson_covers:
            await self.close_lesson()
        elif self.release():
            return
        elif self.maximized is not None:
            self.minimize()
        elif self.query(Lesson):
            await self.close_lesson()
        else:
            self.solved()
