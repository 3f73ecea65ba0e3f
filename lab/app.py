"""The app: its screens in one frame, what they share, and what holds everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.filter import LineFilter
from textual.timer import Timer

from core.errors import LabError
from core.folders import asset, runs_dir
from core.workbench import Bench, Workbench
from lab import garbage
from lab.background import JobActions
from lab.filters import Together
from lab.keys_in_turn import KeysInTurn
from lab.resting import Resting
from lab.settings import Settings, save_settings
from lab.survival import Survivor
from lab.themes import OURS, theme_for
from lab.touring import TourActions
from lab.workbench_keys import BenchActions
from screens.base import LabScreen
from screens.catalogue import ENTRIES, SCREENS, TITLES
from screens.guard import log_exception
from screens.widgets.ascii import AsciiFilter
from screens.widgets.clean import CleanFilter
from screens.widgets.jobs import JobStore
from screens.widgets.lab_bar import LabBar
from screens.widgets.lesson import LESSONS, Lesson
from screens.widgets.ramps import Look
from screens.widgets.steady import SteadyFilter

START = "start"
"""The mode of the empty frame, painted before the first screen is imported."""
FILLED_WITHIN = 0.4
"""Seconds that the first screen may take to find what it shows; then it is shown as it is."""
SAVE_AFTER = 1.0
"""Seconds after a change until the settings are written."""


def _palette() -> type[Provider]:
    from lab.palette import LabCommands

    return LabCommands


class LabApp(KeysInTurn, Resting, TourActions, BenchActions, JobActions, Survivor):
    """LLM Lab."""

    TITLE = "LLM Lab"
    ESCAPE_TO_MINIMIZE = False
    NOTIFICATION_TIMEOUT = 5
    COMMANDS = {_palette}  # noqa: RUF012  # the toolkit declares it so
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(i), f"go({i})", title, show=False, id=f"app.go-{i}", tooltip=f"screen {i}, {title}")
            for i, title in enumerate(TITLES, 1)
        ),
        Binding("g", "go_list", "Go to", show=False, id="app.go", tooltip="go to a screen by a list"),
        Binding("w,ctrl+o", "picker", "Model", id="app.picker", tooltip="choose the model on the workbench"),
        Binding(
            "less_than_sign", "step_model(-1)", "Earlier", show=False, id="app.earlier", tooltip="previous checkpoint"
        ),
        Binding("greater_than_sign", "step_model(1)", "Later", show=False, id="app.later", tooltip="next checkpoint"),
        Binding("J", "jobs", "Jobs", show=False, id="app.jobs", tooltip="what goes on in the background"),
        Binding("f2", "keys", "Keys", show=False, id="app.keys", tooltip="all keys that work now"),
        Binding(
            "ctrl+q", "quit_lab", "Quit", show=False, priority=True, id="app.quit", tooltip="quit; runs keep going"
        ),
    ]

    def __init__(
        self,
        *,
        screen: str = "training",
        workbench: Workbench | None = None,
        settings: Settings | None = None,
        runs: Path | None = None,
        run: str | None = None,
        lesson: str | None = None,
        tour: int | None = None,
        look: Look | None = None,
        notice: str = "",
        frame_first: bool = False,
    ) -> None:
        self._first = screen
        self._to_ascii, self._clean, self._steady = AsciiFilter(), CleanFilter(), SteadyFilter()
        self._together = Together(())
        # The toolkit looks the mode up on the instance.
        self.DEFAULT_MODE = START if frame_first else screen  # type: ignore[misc]
        self.look = look or Look()
        super().__init__(css_path=asset("lab.tcss"), ansi_color=None if self.look.ramps else True)
        self.settings = settings or Settings()
        self.workbench = workbench or Workbench()
        self.jobs = JobStore()
        self.runs_dir = runs or runs_dir()
        self.chip = f"{self.look.symbols.done} {self.workbench.a}"
        self.remember = False
        """Whether settings are written; only the app that a person started does."""
        self._run = run
        self._lesson = lesson
        self._tour = tour
        self._notice = notice
        self._save_timer: Timer | None = None
        for theme in OURS:
            self.register_theme(theme)
        self.dress()
        self.add_mode(START, self._make_frame)
        for name in SCREENS:
            self.add_mode(name, self._maker(name))
        if self.settings.keymap:
            self.set_keymap(self.settings.keymap)
        if frame_first:
            self.hold_keys()

    @property
    def ascii_only(self) -> bool:
        """Whether only ASCII may be drawn."""
        return self.look.ascii

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What happens to each line before it is shown, whoever drew it: it moves no column and steers nothing."""
        last = (self._to_ascii,) if self.look.ascii else ()
        found = (*super().get_line_filters(), self._steady, self._clean, *last)
        if found != self._together.filters:
            self._together = Together(found)
        return [self._together]

    def dress(self) -> None:
        """Puts on the theme and the classes that the look asks for."""
        self.theme = theme_for(self.look, self.settings.theme if self.settings.theme in self.available_themes else "")
        self.set_class(self.look.ascii, "-ascii")
        self.set_class(not self.look.ramps, "-plain")
        self.set_class(self.look.present, "-present")

    def wear(self, look: Look) -> None:
        """Changes how everything is drawn, at once."""
        self.look = look
        self.ansi_color = None if look.ramps else True
        self.dress()
        self.look_up_chip()
        for screen in self.screen_stack:
            if isinstance(screen, LabScreen):
                screen.look_changed(look)
            screen.refresh(layout=True)

    # Screens

    def _maker(self, name: str) -> Callable[[], LabScreen]:
        def made() -> LabScreen:
            screen = self._make_screen(name)
            screen.lab_index = SCREENS.index(name) + 1
            screen._css_update_count = self._css_update_count  # its styles are new: the toolkit would parse all again
            return screen

        return made

    def _make_frame(self) -> LabScreen:
        frame = LabScreen(self.workbench, name=START)
        frame.lab_index = SCREENS.index(self._first) + 1
        frame._css_update_count = self._css_update_count
        return frame

    def _make_screen(self, name: str) -> LabScreen:
        return ENTRIES[SCREENS.index(name)].make(self.workbench, self.runs_dir)

    @property
    def lab_screen(self) -> LabScreen | None:
        """The lab's screen that is shown, also while a dialog is over it."""
        return next((s for s in reversed(self.screen_stack) if isinstance(s, LabScreen)), None)

    def on_mount(self) -> None:
        """Everything that may wait until the first picture is there waits."""
        self.watch_jobs()
        self.workbench.subscribe(self._bench_was_set)
        self.theme_changed_signal.subscribe(self, lambda theme: self._theme_chosen(theme.name))
        self.call_after_refresh(self._after_first_paint)

    async def _after_first_paint(self) -> None:
        try:
            if self.current_mode == START:
                self.set_timer(garbage.AFTER, self.rest_now_and_then, name="garbage")
                await self._show_first()
            elif self._run:
                self._show_run(self._run)
        finally:
            self.call_after_refresh(self.let_keys_act)
        self.look_up_chip()
        if self._lesson:
            await self.open_lesson(self._lesson)
        if self._tour is not None:
            await self.action_tour(self._tour if self._tour >= 0 else None)
        elif self.remember and not (self._run or self._lesson):
            self.offer_tour()
        if self._notice:
            self.notify(self._notice, severity="warning", timeout=15)

    async def _show_first(self) -> None:
        """The first screen takes the frame's place when it has something to show, and is drawn once."""
        try:
            with self.batch_update():
                await self.switch_mode(self._first)
                if self._run:
                    self._show_run(self._run)
                if self.lab_screen is not None:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.lab_screen.filled(), FILLED_WITHIN)
        finally:  # whatever went wrong: what stands is drawn
            self.screen.refresh()
        self.remove_mode(START)

    def _show_run(self, name: str) -> None:
        from core.training.watched import open_watched

        screen = self.lab_screen
        show, show_foreign = getattr(screen, "show_run", None), getattr(screen, "open_path", None)
        if screen is None or show is None or show_foreign is None:
            return
        try:
            run = open_watched(name)
            (show_foreign if run.foreign else show)(run.path)
        except LabError as error:
            screen.problem("#body", error, [("escape", "put this away", "solved")]).focus()

    def action_go(self, number: int) -> None:
        """Goes to a screen by its number."""
        self.switch_mode(SCREENS[number - 1])
        self.settings.screen = SCREENS[number - 1]
        self._show_chip()
        self.show_jobs()
        self.save_soon()

    async def go_to(self, number: int) -> None:
        """The same, and waits until it is there."""
        await self.switch_mode(SCREENS[number - 1])
        self.action_go(number)

    @on(LabBar.Go)
    def _go(self, event: LabBar.Go) -> None:
        self.action_go(event.screen)

    @on(Lesson.Next)
    async def _next_lesson(self, event: Lesson.Next) -> None:
        await self.open_lesson(event.lesson_id)

    async def open_lesson(self, lesson_id: str) -> None:
        """Goes to the screen of a lesson and opens it there."""
        info = next(info for info in LESSONS if info.id == lesson_id)
        await self.switch_mode(SCREENS[info.screen - 1])
        if self.lab_screen is not None:
            await self.lab_screen.open_lesson(lesson_id)

    def action_go_list(self) -> None:
        """The screens as a list, for layouts whose digits need shift."""
        from screens.widgets.choose import Choice, Choose

        choices = [Choice(str(i), f"{i} {title}", str(i)) for i, title in enumerate(TITLES, 1)]
        now = str(SCREENS.index(self.current_mode) + 1) if self.current_mode in SCREENS else ""

        def chosen(value: str | None) -> None:
            if value:
                self.action_go(int(value))

        self.push_screen(Choose("go to", choices, current=now), chosen)

    def action_command_palette(self) -> None:
        """Everything that can be done, by name."""
        from lab.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def action_keys(self) -> None:
        """All keys that work now."""
        from screens.widgets.key_panel import KeyPanel, key_lines

        if not isinstance(self.screen, KeyPanel):
            self.push_screen(KeyPanel(key_lines(self.screen)))

    # What is remembered

    def _bench_was_set(self, old: Bench, new: Bench) -> None:
        self.settings.workbench = self.workbench.to_dict()
        self.save_soon()
        self.look_up_chip()

    def _theme_chosen(self, name: str) -> None:
        if self.look.ramps and not self.look.present:
            self.settings.theme = "" if name == theme_for(self.look) else name
            self.save_soon()

    def save_soon(self) -> None:
        """Writes the settings a little later, so that ten changes are one file."""
        if self.remember and self.is_running:
            if self._save_timer is not None:
                self._save_timer.stop()
            self._save_timer = self.set_timer(SAVE_AFTER, self._save_in_thread, name="save settings")

    def _save_in_thread(self) -> None:
        self.run_worker(self.save_now, thread=True, group="save", exit_on_error=False, description="save the settings")

    def save_now(self) -> None:
        """Writes the settings; a disk that refuses is no reason to bother anyone."""
        if self.remember:
            try:
                save_settings(self.settings)
            except OSError as error:
                log_exception(error)

    # The end

    def on_unmount(self) -> None:
        """Cancels jobs, remembers."""
        for job in self.jobs.running:
            job.cancel()
        self.save_now()
